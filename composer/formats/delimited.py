"""CSV and TSV, as spreadsheets write them: any separator, encoding and line end is read, and kept on rewriting."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from composer.cells import COLUMNS, column_of, tidy_heading
from composer.errors import TableUnreadable
from composer.formats.layout import RawRows, cell_text, columns_of, decode, kept_headings, known_headings, table_rows
from composer.rows import row_cells
from composer.script import Script

MAX_CELL = 200_000
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class _Sheet:
    separator: str
    first: int
    """The number of the line of headings, from 0."""
    lines: list[list[str]]
    """From the headings on."""


@dataclass(frozen=True)
class Delimited:
    """A table in lines of cells; `separator` is for new files."""

    separator: str

    def read(self, data: bytes, name: str) -> RawRows:
        """Comma, semicolon or tab between cells: whichever gives the first line the most headings that we know."""
        sheet = _sheet(decode(data, name), name)
        return table_rows(sheet.lines[0], enumerate(sheet.lines[1:], sheet.first + 2), name)

    def write(self, script: Script, old: bytes | None) -> bytes:
        """UTF-8 with a line of headings; separator, order of columns, line ends and mark of an old table stay."""
        separator, headings, line_end, mark = self.separator, columns_of(script), "\n", b""
        if old is not None:
            try:
                sheet = _sheet(decode(old, "the old table"), "the old table")
            except TableUnreadable:
                pass
            else:
                separator, headings = sheet.separator, kept_headings(script, sheet.lines[0])
                line_end = "\r\n" if b"\r\n" in old[:10_000].split(b'"')[0] else "\n"
                mark = BOM if old.startswith(BOM) else b""
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=separator, lineterminator=line_end)
        writer.writerow(headings)
        columns = [column_of(heading) or tidy_heading(heading) for heading in headings]
        for row in script.rows:
            cells = row_cells(row)
            writer.writerow([cell_text(column, cells.get(column)) for column in columns])
        return mark + out.getvalue().encode()


def _sheet(text: str, name: str) -> _Sheet:
    """Separator and lines of a text, the first one naming columns. Raises TableUnreadable where none does."""
    if not text.strip():
        raise TableUnreadable(f"{name}: is empty; the first line names the columns: {', '.join(COLUMNS)}")
    csv.field_size_limit(MAX_CELL)
    text = re.sub(r"\Asep=.\r?\n", "", text)  # Excel's own word for a separator
    best: tuple[int, _Sheet | None] = (1, None)
    failure = ""
    for separator in (",", ";", "\t"):
        try:
            lines = _lines(text, separator)
        except csv.Error as error:
            failure = failure or str(error)
            continue
        first = next((at for at, line in enumerate(lines) if any(cell.strip() for cell in line)), 0)
        known = known_headings(lines[first])
        if known > best[0]:
            best = known, _Sheet(separator, first, lines[first:])
    if best[1] is None:
        raise TableUnreadable(
            f"{name}: {failure or 'its first line does not name our columns'}; a table begins with: {','.join(COLUMNS)}"
        )
    return best[1]


def _lines(text: str, separator: str) -> list[list[str]]:
    """Lines of cells. Where an editor made the quotes around cells typographic, they are taken as plain ones."""
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    if "“" not in text or not any(len(line) > len(lines[0]) for line in lines):
        return lines
    s = re.escape(separator)
    plain = re.sub(rf"(^|{s})[“”]", r'\1"', text, flags=re.M)
    plain = re.sub(rf"[“”](?=\r?$|{s})", '"', plain, flags=re.M)
    return list(csv.reader(io.StringIO(plain, newline=""), delimiter=separator, strict=True))
