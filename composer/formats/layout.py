"""Layout: what all table formats share: rows as written, the columns of a script, cells as text, bytes as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composer.cells import COLUMNS, DEFAULT_VOLUME, column_of, tidy_heading
from composer.errors import TableUnreadable
from composer.rows import AnyRow, row_cells
from composer.script import Script

RawRows = list[dict[str, object]]
"""Cells by heading, as they are written in a file."""


def columns_of(script: Script) -> list[str]:
    """Our columns, then those that are not ours in order of appearance."""
    return [*COLUMNS, *dict.fromkeys(heading for row in script.rows for heading in row.extra)]


def kept_headings(script: Script, headings: Sequence[str]) -> list[str]:
    """The headings of a table that is written again: those it has, in its order, then what it lacks and needs."""
    there = {column_of(heading) or tidy_heading(heading) for heading in headings}
    needed = {column for row in script.rows for column, value in row_cells(row).items() if _must_stand(row, column)}
    lacking = [column for column in columns_of(script) if column in needed and column not in there]
    return [*(["row"] if "row" in lacking else []), *headings, *(column for column in lacking if column != "row")]


def _must_stand(row: AnyRow, column: str) -> bool:
    """Whether an empty cell would read as something else."""
    value = row_cells(row)[column]
    default = DEFAULT_VOLUME[row.type] if column == "volume" else "auto" if column == "duration" else None
    return value != default and column != "layout"  # a layout follows from type and action


def cell_text(column: str, value: object) -> str:
    """A cell as a hand would write it."""
    if value is None:
        return ""
    if isinstance(value, float):
        text = repr(value + 0.0).removesuffix(".0")  # + 0.0: no -0
        return f"+{text}" if column == "start" and value >= 0 else text
    return str(value)


def row_object(row: AnyRow) -> dict[str, object]:
    """The row's cells that are not empty."""
    return {column: value for column, value in row_cells(row).items() if value is not None}


def decode(data: bytes, name: str) -> str:
    """Text from UTF-8 or UTF-16 with a mark, UTF-8 without, else Windows-1252. Refuses binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in data[:4096]:
        raise TableUnreadable(f"{name}: is binary, not text; export it as CSV (UTF-8), JSON or xlsx first")
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableUnreadable(f"{name}: is neither UTF-8, UTF-16 nor Windows-1252 text; save it as UTF-8")


def table_rows(headings: Sequence[str], lines: Iterable[tuple[int, Sequence[str]]], name: str) -> RawRows:
    """Lines of cells under a line of headings, as rows; empty lines are left out.

    Raises TableUnreadable for a heading that stands twice and for a line with more cells than there are headings.
    """
    named = [heading.strip() or f"column {number}" for number, heading in enumerate(headings, 1)]
    twice = next((heading for number, heading in enumerate(named) if heading in named[:number]), None)
    if twice is not None:
        raise TableUnreadable(f"{name}: the heading {twice[:60]!r} stands twice; rename or delete one of the columns")
    rows: RawRows = []
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(named) :]):
            raise TableUnreadable(
                f"{name}: line {number} has {len(cells)} cells, the line of headings {len(named)}; "
                "put quotes around text that holds the separator"
            )
        rows.append(dict(zip(named, cells, strict=False)))
    return rows


def known_headings(headings: Iterable[str]) -> int:
    """How many of our columns the headings name."""
    return len({column for heading in headings if (column := column_of(heading)) is not None})
