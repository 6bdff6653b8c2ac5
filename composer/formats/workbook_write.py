"""Writes a workbook: words as text, which no spreadsheet takes for a formula, a number or a date."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from xml.sax.saxutils import escape

from composer.errors import TableUnreadable

MAX_TEXT = 32_767
"""Characters that a spreadsheet keeps in a cell; it silently cuts what is longer."""
_MAX_EXACT = 10**15
_WIDTHS = {"row": 7, "type": 14, "layout": 13, "character": 18, "description": 70, "note": 40, "section": 22}
_CHOICES = {
    "type": "speech,music,sound_effect",
    "layout": "foreground,background",
    "action": "begin,end",
}
_NUMBERS = frozenset(("id", "volume", "duration", "start", "pan", "seed"))
_TEXT, _NUMBER, _HEADING = 1, 2, 3
"""Numbers of the cell styles below."""
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f"""<Types xmlns="{_PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>
<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>""",
    "_rels/.rels": f"""<Relationships xmlns="{_PACKAGE}/relationships">
<Relationship Id="rId1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
    "xl/workbook.xml": f"""<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">
<sheets><sheet name="script" sheetId="1" r:id="rId1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{_PACKAGE}/relationships">
<Relationship Id="rId1" Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId2" Type="{_LINKS}/styles" Target="styles.xml"/></Relationships>""",
    # style 1: text (49 is "@"), lines wrapped; 2: number; 3: heading
    "xl/styles.xml": f"""<styleSheet xmlns="{_MAIN}">
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1">
<alignment vertical="top" wrapText="1"/></xf>
<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment vertical="top"/></xf>
<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>""",
}


def workbook_bytes(
    headings: Sequence[str], columns: Sequence[str], rows: Iterable[tuple[str, Sequence[object]]]
) -> bytes:
    """A workbook of one sheet: headings, then a line for each row (its key, its cells). The same bytes each time.

    Raises TableUnreadable naming row and column for a text that no spreadsheet keeps whole.
    """
    lines = [_line(1, [_text_cell(_reference(1, at), text, _HEADING) for at, text in enumerate(headings)])]
    for number, (key, cells) in enumerate(rows, 2):
        line = []
        for at, (column, value) in enumerate(zip(columns, cells, strict=True)):
            if isinstance(value, str) and _n_units(value) > MAX_TEXT:
                raise TableUnreadable(
                    f"row {key}, {column}: has {_n_units(value):,} characters, and a cell of a workbook keeps "
                    f"{MAX_TEXT:,}; split the row, or choose another format"
                )
            if value is not None:
                line.append(_cell(_reference(number, at), column, value))
        lines.append(_line(number, line))
    parts = {**_PARTS, "xl/worksheets/sheet1.xml": _sheet(columns, lines)}
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), _XML + content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sheet(columns: Sequence[str], lines: Sequence[str]) -> str:
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{_WIDTHS.get(column, 11)}" customWidth="1" style="{_style(column)}"/>'
        for at, column in enumerate(columns, 1)
    )
    choices = [
        f'<dataValidation type="list" allowBlank="1" sqref="{_reference(2, number)}:{_reference(20_001, number)}">'
        f'<formula1>"{_CHOICES[column]}"</formula1></dataValidation>'
        for number, column in enumerate(columns)
        if column in _CHOICES
    ]
    validations = f'<dataValidations count="{len(choices)}">{"".join(choices)}</dataValidations>' if choices else ""
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{widths}</cols><sheetData>{''.join(lines)}</sheetData>{validations}</worksheet>"
    )


def _line(number: int, cells: Sequence[str]) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(reference: str, column: str, value: object) -> str:
    """A number as a number where a spreadsheet holds it exactly, everything else as text."""
    if isinstance(value, int | float) and abs(value) < _MAX_EXACT:
        return f'<c r="{reference}" s="{_NUMBER}"><v>{value!r}</v></c>'
    return _text_cell(reference, str(value), _TEXT)


def _text_cell(reference: str, text: str, style: int) -> str:
    written = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)  # else _x0041_ would be read as A
    return f'<c r="{reference}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(written)}</t></is></c>'


def _style(column: str) -> int:
    return _NUMBER if column in _NUMBERS else _TEXT


def _reference(row: int, column: int) -> str:
    """A1 for row 1, column 0."""
    letters, left = "", column + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row}"


def _n_units(text: str) -> int:
    """Characters as spreadsheets count them, in UTF-16."""
    return len(text) + sum(sign > "\uffff" for sign in text)
