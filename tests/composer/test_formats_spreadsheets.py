"""Workbooks against other programs: LibreOffice Calc wrote the files in tables/, openpyxl reads and writes here."""

from __future__ import annotations

import csv
import subprocess
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from table_strategies import NASTY, raw_tables

from composer.cells import COLUMNS, tidy_text
from composer.errors import TableUnreadable
from composer.formats import FORMATS
from composer.formats.layout import cell_text, columns_of
from composer.rows import row_cells
from composer.script import script_of
from composer.tables import read_table, write_table

TABLES = Path(__file__).parent / "tables"


@pytest.mark.parametrize("name", ["nasty_calc.xlsx", "nasty_calc.csv"])
def test_calc_gives_back_every_cell_of_a_nasty_table(name: str) -> None:
    """LibreOffice Calc 7.4 read and saved a workbook that Talescape had written of nasty.csv:

    talescape convert nasty.csv nasty.xlsx
    soffice --headless --convert-to xlsx nasty.xlsx
    soffice --headless --convert-to 'csv:Text - txt - csv (StarCalc):59,34,76,1,,0,true,true,false' nasty.xlsx
    """
    wanted, _ = read_table(TABLES / "nasty.csv")
    assert wanted is not None and len(wanted.rows) > 30
    assert read_table(TABLES / name) == (wanted, [])


def test_calcs_formulas_are_read_as_their_values_from_the_sheet_that_is_the_script() -> None:
    """LibreOffice Calc 7.4 computed the formulas: soffice --headless --convert-to xlsx formulas.fods.

    The script is the second sheet, below an empty line and beside an empty column.
    """
    with zipfile.ZipFile(TABLES / "formulas_calc.xlsx") as archive:
        assert b"<f" in archive.read("xl/worksheets/sheet2.xml")
    script, faults = read_table(TABLES / "formulas_calc.xlsx")
    assert script is not None and faults == []
    told = [(row.volume, row.description) for row in script.rows]
    assert told == [(-15.0, "Hello Ann"), (-16.5, "=2+2 is four")]


@pytest.mark.slow
def test_calc_itself_reads_our_workbook_where_it_is_installed(tmp_path: Path) -> None:
    from shutil import which

    if which("soffice") is None:
        pytest.skip("LibreOffice is not installed; what it wrote once stands in tables/")
    script, _ = read_table(TABLES / "nasty.csv")
    assert script is not None
    write_table(script, tmp_path / "ours.xlsx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "calc")]
    subprocess.run([*command, str(tmp_path / "ours.xlsx")], check=True, capture_output=True, timeout=300)
    assert read_table(tmp_path / "calc" / "ours.xlsx") == (script, [])


@settings(max_examples=60, deadline=None)
@given(raw=raw_tables())
def test_openpyxl_finds_words_as_words_and_numbers_as_numbers(raw: list[dict[str, object]]) -> None:
    script = script_of(raw)
    sheet: Any = openpyxl.load_workbook(BytesIO(FORMATS[".xlsx"].write(script, None))).active
    lines = list(sheet.iter_rows())
    columns = columns_of(script)
    assert [cell.value for cell in lines[0]] == [tidy_escapes(column) for column in columns]
    for row, line in zip(script.rows, lines[1:], strict=True):
        for column, cell in zip(columns, line, strict=True):
            wanted = row_cells(row).get(column)
            if isinstance(wanted, int) and wanted >= 10**15:
                wanted = str(wanted)  # a spreadsheet keeps 15 digits of a number
            assert (cell.data_type in ("s", "inlineStr")) == isinstance(wanted, str)
            assert cell.value == (tidy_escapes(wanted) if isinstance(wanted, str) else wanted)


def tidy_escapes(text: str) -> str:
    """openpyxl does not undo the escapes of signs, so that they are seen here as they stand in the file."""
    import re

    return re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)


def test_a_workbook_that_openpyxl_writes_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Type", "Speaker", "Text", "Volume", "Take", "", "Duration"])
    sheet.append(["speech", "Ann", "Hello", "-15,5 dB", 3, None, "auto"])
    sheet.append([])
    sheet.append(["sfx", None, "bang\r\nboom", -20.5, None, "beside", 2])
    sheet.append(["speech", "Bob", "#N/A", None, True, None, None])
    sheet.cell(5, 3).value = "Bye"
    book.save(tmp_path / "theirs.xlsx")
    script, faults = read_table(tmp_path / "theirs.xlsx")
    assert script is not None and faults == []
    assert [(row.description, row.volume, row.duration) for row in script.rows] == [
        ("Hello", -15.5, "auto"), ("bang\nboom", -20.5, 2.0), ("Bye", -15.0, "auto"),
    ]  # fmt: skip
    assert [row.extra for row in script.rows] == [{"Take": "3"}, {"column 6": "beside"}, {"Take": "TRUE"}]


def test_a_workbook_written_again_keeps_the_order_of_its_columns(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Mood", "Content Description", "Type"])
    sheet.append(["glad", "a door", "sound_effect"])
    path = tmp_path / "theirs.xlsx"
    book.save(path)
    script, _ = read_table(path)
    assert script is not None
    assert write_table(script, path) == tmp_path / "theirs.xlsx.bak"
    again: Any = openpyxl.load_workbook(path).active
    assert [[cell.value for cell in line] for line in again.iter_rows()] == [
        ["row", "Mood", "Content Description", "Type"], ["r01", "glad", "a door", "sound_effect"],
    ]  # fmt: skip


def test_the_same_script_gives_the_same_workbook() -> None:
    script = script_of([{"type": "music", "description": words} for words in map(tidy_text, NASTY)])
    assert FORMATS[".xlsx"].write(script, None) == FORMATS[".xlsx"].write(script, None)


def test_a_text_that_no_workbook_keeps_whole_is_refused_with_its_row_and_column() -> None:
    words = "🐋" * 16_384  # 32,768 characters as spreadsheets count them
    script = script_of([{"type": "speech", "character": "Ann", "description": words}])
    with pytest.raises(TableUnreadable, match="row r01, description: has 32,768 characters"):
        FORMATS[".xlsx"].write(script, None)
    short = script_of([{"type": "speech", "character": "Ann", "description": words[1:] + "a"}])
    assert FORMATS[".xlsx"].write(short, None)


SHEETS = [
    ("mark, semicolons, decimal commas", "\ufefftype;character;description;volume\r\nspeech;Ann;Hi, you;-15,5\r\n"),
    ("tabs", "type\tcharacter\tdescription\tvolume\nspeech\tAnn\tHi, you\t-15.5 dB\n"),
    ("Excel's word for a separator", "sep=;\r\ntype;character;description;volume\r\nspeech;Ann;Hi, you;−15.5\r\n"),
    ("old Mac line ends", 'type,character,description,volume\rspeech,Ann,"Hi, you",-15.5\r'),
    ("typographic quotes around cells", "type,character,description,volume\nspeech,Ann,“Hi, you”,“-15.5”\n"),
    ("reordered, with units and blanks", 'Volume (LUFS), Text ,Speaker,TYPE\n-15.5,"Hi, you",Ann, Speech \n'),
    ("N/A, missing and empty columns", 'type,,character,id,description,vol,\nSPEECH,,Ann,N/A,"Hi, you",-15.5 LUFS,\n'),
    ("all quoted", '"type","character","description","volume"\n"speech","Ann","Hi, you","-15.5"\n'),
    (
        "empty lines and cells to the right",
        '\ntype,character,description,volume,,,\nspeech,Ann,"Hi, you",-15.5,,,\n,,,,,,\n',
    ),
]  # fmt: skip


@pytest.mark.parametrize("sheet", [sheet for _, sheet in SHEETS], ids=[name for name, _ in SHEETS])
def test_what_spreadsheets_do_to_csv_is_read_without_complaint(sheet: str, tmp_path: Path) -> None:
    path = tmp_path / "script.csv"
    path.write_bytes(sheet.encode())
    script, faults = read_table(path)
    assert script is not None and faults == []
    assert [(row.type, row.description, row.volume) for row in script.rows] == [("speech", "Hi, you", -15.5)]
    assert script.characters() == ["Ann"] and script.rows[0].extra == {}


@settings(max_examples=60, deadline=None)
@given(raw=raw_tables())
def test_pythons_own_reader_agrees_on_csv(raw: list[dict[str, object]]) -> None:
    script = script_of(raw)
    lines = list(csv.reader(StringIO(FORMATS[".csv"].write(script, None).decode(), newline="")))
    assert tuple(lines[0][: len(COLUMNS)]) == COLUMNS
    for row, line in zip(script.rows, lines[1:], strict=True):
        cells = row_cells(row)
        assert line == [cell_text(column, cells.get(column)) for column in lines[0]]
