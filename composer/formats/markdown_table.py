"""A Markdown table (GitHub's): the first one in a file that names our columns; the text around it stays."""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer.cells import COLUMNS, column_of, tidy_heading
from composer.errors import TableUnreadable
from composer.formats.layout import RawRows, cell_text, columns_of, decode, kept_headings, known_headings, table_rows
from composer.rows import row_cells
from composer.script import Script

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|<br\s*/?>", re.I)


@dataclass(frozen=True)
class _Found:
    """Lines of the file that are the table: from the headings to the line after the last row."""

    first: int
    last: int
    headings: list[str]
    rows: list[tuple[int, list[str]]]


class MarkdownTable:
    """`|` is written as `\\|` and a line break as `<br>`, as renderers read them."""

    def read(self, data: bytes, name: str) -> RawRows:
        found = _find(_lines(data, name), name)
        return table_rows(found.headings, found.rows, name)

    def write(self, script: Script, old: bytes | None) -> bytes:
        headings = columns_of(script)
        before: list[str] = []
        after: list[str] = []
        if old is not None:
            try:
                lines = _lines(old, "the old table")
                found = _find(lines, "the old table")
            except TableUnreadable:
                pass
            else:
                headings = kept_headings(script, found.headings)
                before, after = lines[: found.first], lines[found.last :]
        columns = [column_of(heading) or tidy_heading(heading) for heading in headings]
        table = [_line([_escape(heading) for heading in headings]), _line(["---"] * len(headings))]
        for row in script.rows:
            cells = row_cells(row)
            table.append(_line([_escape(cell_text(column, cells.get(column))) for column in columns]))
        return ("\n".join([*before, *table, *after]) + "\n").encode()


def _lines(data: bytes, name: str) -> list[str]:
    """The file's lines, which end at line feeds alone: other signs that part lines may stand in a cell."""
    return decode(data, name).replace("\r\n", "\n").removesuffix("\n").split("\n")


def _find(lines: list[str], name: str) -> _Found:
    for number, line in enumerate(lines[1:], 1):
        if "-" not in line or "|" not in lines[number - 1] or not _RULE.fullmatch(line):
            continue
        headings = _cells(lines[number - 1])
        if known_headings(headings) < 2:
            continue
        last = number + 1
        while last < len(lines) and "|" in lines[last]:
            last += 1
        rows = [(at + 1, _cells(lines[at])) for at in range(number + 1, last)]
        return _Found(number - 1, last, headings, rows)
    raise TableUnreadable(f"{name}: holds no table that names our columns: | {' | '.join(COLUMNS)} |")


def _cells(line: str) -> list[str]:
    """The cells of a line: split at pipes that no backslash stands before, then without escapes."""
    parts, current, escaped = [], "", False
    for sign in line.strip():
        if sign == "|" and not escaped:
            parts.append(current)
            current = ""
        else:
            current += sign
        escaped = sign == "\\" and not escaped
    parts.append(current)
    if line.strip().startswith("|"):
        parts = parts[1:]
    if len(parts) > 1 and not parts[-1].strip():
        parts = parts[:-1]
    return [_ESCAPED.sub(lambda found: found.group(1) or "\n", part.strip()) for part in parts]


def _escape(text: str) -> str:
    text = re.sub(r"[\\|]|<(?=br\s*/?>)", lambda found: f"\\{found.group()}", text, flags=re.I)
    return text.replace("\n", "<br>")


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
