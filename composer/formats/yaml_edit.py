"""Writes a YAML table again as the hand left it: only cells, rows and places that changed are touched.

A row takes along the comments that stand directly above it and beside its cells.
"""

from __future__ import annotations

from dataclasses import dataclass

from composer.cells import column_of, tidy_heading
from composer.errors import TableUnreadable
from composer.formats.layout import decode, row_object
from composer.formats.yaml_table import Item, block, items_of, plain_or_quoted, quoted, scalar
from composer.rows import AnyRow, row_cells
from composer.script import Script, read_rows


def rewritten(old: bytes, script: Script) -> str | None:
    """The old text with the new rows; None where it cannot be told apart into rows or does not read back the same."""
    try:
        text = decode(old, "the old table").replace("\r\n", "\n")
        items = items_of(text, "the old table")
        before, faults = read_rows([{cell.heading: cell.value for cell in item.cells} for item in items])
        if before is None or not items:
            return None
        blocks = _blocks(text, items)
        if blocks is None:
            return None
        told = {row.row: (row, part) for row, part in zip(before.rows, blocks.rows, strict=False)}
        body = []
        for row in script.rows:
            was, part = told.get(row.row, (None, None))
            if was is None or part is None:
                body.append(block(row_object(row), blocks.dash))
            else:
                body.append(_edited(part, was, row, " " * len(blocks.dash)))
        new = blocks.head + "".join(body) + blocks.tail
        again, _ = read_rows([{cell.heading: cell.value for cell in item.cells} for item in items_of(new, "")])
    except TableUnreadable:
        return None
    return new if again == script else None


@dataclass(frozen=True)
class _Part:
    """The lines of one row: their text, its item, and where in the whole file they begin."""

    text: str
    item: Item
    begins: int


@dataclass(frozen=True)
class _Blocks:
    head: str
    rows: list[_Part]
    tail: str
    dash: str


def _blocks(text: str, items: list[Item]) -> _Blocks | None:
    """The text cut into what stands above the rows, each row, and what stands below; None for rows that share lines."""
    starts = [text.rfind("\n", 0, item.start) + 1 for item in items]
    dash = text[starts[0] : items[0].start]
    if len(set(starts)) < len(items) or dash.strip() != "-":
        return None
    if any(text[start : item.start].strip() != "-" for start, item in zip(starts, items, strict=True)):
        return None
    borders = [starts[0]]
    for start, before in zip(starts[1:], items, strict=False):
        earliest = _end_of_line(text, before)
        borders.append(_above(text, start, earliest))
    end = _end_of_line(text, items[-1])
    parts = [
        _Part(text[begins:ends], item, begins)
        for begins, ends, item in zip(borders, [*borders[1:], end], items, strict=True)
    ]
    if not parts[-1].text.endswith("\n"):
        parts[-1] = _Part(f"{parts[-1].text}\n", parts[-1].item, parts[-1].begins)
    return _Blocks(text[: borders[0]], parts, text[end:], dash if len(dash) > 1 else "- ")


def _end_of_line(text: str, item: Item) -> int:
    """Where the lines of an item end, its braces included."""
    last = max((cell.end for cell in item.cells), default=item.start)
    if text[last - 1 : last] == "\n":  # a block of lines ends with its own line end
        return last
    if item.flow:
        last = text.find("}", last)
    found = text.find("\n", last)
    return len(text) if found < 0 else found + 1


def _above(text: str, start: int, earliest: int) -> int:
    """Where the comments begin that stand directly above a line."""
    while start > earliest:
        line_start = text.rfind("\n", 0, start - 1) + 1
        if line_start < earliest or not text[line_start:start].lstrip().startswith("#"):
            break
        start = line_start
    return start


def _edited(part: _Part, was: AnyRow, row: AnyRow, indent: str) -> str:
    """A row's lines with the cells that changed."""
    old, new = row_cells(was), row_cells(row)
    changed = [column for column in {**old, **new} if old.get(column) != new.get(column)]
    there = {column_of(cell.heading) or tidy_heading(cell.heading): cell for cell in part.item.cells}
    if "row" not in there:
        changed.append("row")
    text, shift = part.text, -part.begins
    last = max((cell.end for cell in part.item.cells), default=part.item.start)
    added = []
    for column in sorted(changed, key=lambda name: there[name].start if name in there else last):
        value = new.get(column)
        if column not in there:
            if value is not None:
                added.append(column)
            continue
        cell = there[column]
        begin, end = cell.start + shift, cell.end + shift
        is_block = text[begin:end].endswith("\n")
        written = _value(column, value, indent if is_block else None, flow=part.item.flow)
        if text[begin - 1 : begin] == ":":
            written = f" {written}"
        written += "\n" if is_block else ""
        if value is None and not part.item.flow and cell.key_start != part.item.cells[0].key_start:
            begin = text.rfind("\n", 0, cell.key_start + shift) + 1
            found = end if is_block else text.find("\n", end) + 1
            end, written = found or len(text), ""
        text = text[:begin] + written + text[end:]
        shift += len(written) - (end - begin)
    return _with_added(text, part, row, added, indent)


def _value(column: str, value: object, block_indent: str | None, *, flow: bool) -> str:
    """A value where another one stood: lines become a block only where a block was, since comments may follow."""
    if value is None:
        return "null"
    if block_indent is not None or not isinstance(value, str):
        return scalar(column, value, block_indent or "")
    return quoted(value) if flow else plain_or_quoted(value)


def _with_added(text: str, part: _Part, row: AnyRow, added: list[str], indent: str) -> str:
    """New cells: the key in front, the others behind the last cell."""
    cells = row_cells(row)
    first = part.item.start - part.begins
    for column in added:
        if part.item.flow:
            at = text.rfind("}")
            lead = ", " if text[:at].rstrip()[-1:] != "{" else ""
            text = f"{text[:at]}{lead}{quoted(column)}: {_value(column, cells[column], None, flow=True)}{text[at:]}"
        elif column == "row":
            text = f"{text[:first]}row: {cells['row']}\n{indent}{text[first:]}"
        else:
            body = text.rstrip()
            cell = f"{plain_or_quoted(column)}: {scalar(column, cells[column], indent)}"
            text = f"{body}\n{indent}{cell}{text[len(body) :] or chr(10)}"
    return text
