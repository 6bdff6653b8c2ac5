"""Workbooks (xlsx): the values of the first sheet that names our columns, and workbooks whose words stay words.

A file is data from outside: it is unpacked within limits, part by part; formulas are never computed, only their
stored values are read; macros are refused. (ECMA-376, "Office Open XML", part 1, chapter 18: SpreadsheetML.)
"""

from __future__ import annotations

from composer.cells import column_of, tidy_heading
from composer.errors import TableUnreadable
from composer.formats.layout import RawRows, columns_of, kept_headings, known_headings
from composer.formats.workbook_parts import Package, Sheet
from composer.formats.workbook_write import workbook_bytes
from composer.rows import row_cells
from composer.script import MAX_ROWS, Script


class Workbook:
    """Sheets of cells in a zip archive of XML."""

    def read(self, data: bytes, name: str) -> RawRows:
        headings, sheet = _find(data, name)
        rows: RawRows = []
        for number, cells in sheet.rows():
            row = {headings.get(column, f"column {column + 1}"): value for column, value in cells.items()}
            if any(not isinstance(value, str) or value.strip() for value in row.values()):
                rows.append(row)
            if len(rows) > MAX_ROWS:
                raise TableUnreadable(f"{name}: has more than {MAX_ROWS:,} rows (row {number} is one); split it")
        return rows

    def write(self, script: Script, old: bytes | None) -> bytes:
        headings = columns_of(script)
        if old is not None:
            try:
                there, _ = _find(old, "the old table")
            except TableUnreadable:
                pass
            else:
                headings = kept_headings(script, list(there.values()))
        columns = [column_of(heading) or tidy_heading(heading) for heading in headings]
        rows = []
        for row in script.rows:
            cells = row_cells(row)
            rows.append((row.row, [cells.get(column) for column in columns]))
        return workbook_bytes(headings, columns, rows)


def _find(data: bytes, name: str) -> tuple[dict[int, str], Sheet]:
    """The headings, by the number of their column, and the sheet that has them in its first line with words."""
    package = Package(data, name)
    for sheet in package.sheets():
        for _, cells in sheet.rows():
            headings = {column: str(value).strip() for column, value in cells.items() if str(value).strip()}
            if not headings:
                continue
            if known_headings(headings.values()) >= 2:
                _refuse_twins(list(headings.values()), name)
                return headings, package.sheet_after_headings(sheet)
            break
    raise TableUnreadable(f"{name}: no sheet of it names our columns in its first line; there are: row, type, …")


def _refuse_twins(headings: list[str], name: str) -> None:
    twice = next((each for number, each in enumerate(headings) if each in headings[:number]), None)
    if twice is not None:
        raise TableUnreadable(f"{name}: the heading {twice[:60]!r} stands twice; rename or delete one of the columns")
