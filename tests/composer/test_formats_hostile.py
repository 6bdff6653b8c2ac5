"""Files that mean harm or are broken: a clear error in bounded time and memory, and nothing is written."""

from __future__ import annotations

import json
import time
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.errors import TableUnreadable
from composer.formats import FORMATS, format_of
from composer.script import MAX_ROWS, read_rows, script_of
from composer.tables import read_raw_rows, write_table

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEAD = "".join(
    f'<c r="{place}1" t="inlineStr"><is><t>{word}</t></is></c>' for place, word in (("A", "type"), ("B", "description"))
)
WORKBOOK = FORMATS[".xlsx"]


def workbook(rows: str = "", **parts: str | bytes) -> bytes:
    """A small workbook with these rows below its headings; `parts` replace or add parts by their names."""
    data = WORKBOOK.write(script_of([{"type": "music", "description": "x"}]), None)
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">{HEAD}</row>{rows}</sheetData></worksheet>'
    replaced: dict[str, str | bytes] = {"xl/worksheets/sheet1.xml": sheet}
    replaced |= parts
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in replaced:
                new.writestr(name, old.read(name))
        for name, content in replaced.items():
            new.writestr(name, content)
    return out.getvalue()


def row(cells: str) -> str:
    return f'<row r="2"><c r="A2" t="inlineStr"><is><t>music</t></is></c>{cells}</row>'


def test_the_small_workbook_is_read() -> None:
    cells = '<c r="B2" t="str"><f>"a"&amp;"b"</f><v>ab</v></c>'
    assert WORKBOOK.read(workbook(row(cells)), "") == [{"type": "music", "description": "ab"}]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ('<c r="B2"><f>SUM(A1)</f></c>', "row 2, column 2: holds a formula without its value"),
        ('<c r="B2" t="e"><v>#REF!</v></c>', "row 2, column 2: holds the error #REF!"),
        ('<c r="B2" t="d"><v>2026-01-01</v></c>', "row 2, column 2: holds a date"),
        ('<c r="B2" t="s"><v>7</v></c>', "row 2, column 2: names a text"),
        ('<c r="XFE2"><v>1</v></c>', "beyond column 16,384"),
        ("<broken", "broken"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(cells: str, reason: str) -> None:
    with pytest.raises(TableUnreadable, match=reason):
        WORKBOOK.read(workbook(row(cells)), "hers.xlsx")


@pytest.mark.parametrize(("number", "code"), [(14, ""), (22, ""), (164, "yyyy\\-mm\\-dd"), (165, "[h]:mm:ss")])
def test_a_number_shown_as_a_date_is_no_number(number: int, code: str) -> None:
    own = f'<numFmts count="1"><numFmt numFmtId="{number}" formatCode="{code}"/></numFmts>' if code else ""
    styles = (
        f'<styleSheet xmlns="{MAIN}">{own}<cellXfs><xf numFmtId="0"/><xf numFmtId="{number}"/></cellXfs></styleSheet>'
    )
    with pytest.raises(TableUnreadable, match="holds a date"):
        WORKBOOK.read(workbook(row('<c r="B2" s="1"><v>45321.5</v></c>'), **{"xl/styles.xml": styles}), "")


@pytest.mark.parametrize("code", ["0.00", "#,##0", '0.0 "dB"', "General", "0\\d"])
def test_a_number_shown_with_a_unit_is_a_number(code: str) -> None:
    own = f"<numFmts><numFmt numFmtId='164' formatCode='{code}'/></numFmts>"
    styles = f'<styleSheet xmlns="{MAIN}">{own}<cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>'
    data = workbook(row('<c r="B2" s="0"><v>-15.5</v></c>'), **{"xl/styles.xml": styles})
    assert WORKBOOK.read(data, "") == [{"type": "music", "description": -15.5}]


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = b" " * (65 * 2**20)
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode() + bomb + b"</sheetData></worksheet>"
    for part in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):
        data = workbook(row('<c r="B2" t="s"><v>0</v></c>'), **{part: sheet})
        assert len(data) < 200_000
        tracemalloc.start()
        with pytest.raises(TableUnreadable, match=r"unpacks to 68,\d\d\d,\d\d\d bytes, at most 67,108,864"):
            WORKBOOK.read(data, "bomb.xlsx")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * 2**20


def test_a_bomb_that_lies_about_its_size_is_cut_off() -> None:
    honest = workbook(row('<c r="B2" t="s"><v>0</v></c>'), **{"xl/sharedStrings.xml": b" " * (70 * 2**20)})
    real, small = (70 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert honest.count(real) == 2
    with pytest.raises(TableUnreadable, match="sharedStrings.xml"):
        WORKBOOK.read(honest.replace(real, small), "")


def test_entities_cannot_swell_a_workbook() -> None:
    lol = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    sheet = f'<!DOCTYPE x [<!ENTITY a0 "lol">{lol}]><worksheet xmlns="{MAIN}"><sheetData>&a11;</sheetData></worksheet>'
    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(TableUnreadable, match="document type"):
            WORKBOOK.read(workbook(**{"xl/worksheets/sheet1.xml": sheet.encode(encoding)}), "")


def test_a_far_away_cell_costs_nothing() -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    begun_s = time.perf_counter()
    raw = WORKBOOK.read(workbook(row('<c r="B2" t="str"><v>a</v></c>') + far), "")
    assert raw[1] == {"column 16384": 1} and time.perf_counter() - begun_s < 5


def test_macros_old_files_and_other_archives_are_refused() -> None:
    cases = [
        (workbook(**{"xl/vbaProject.bin": b"x"}), "holds macros"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old .xls or has a password"),
        (b"PK\x03\x04 broken", "no workbook"),
        (b"", "no workbook"),
        (b"type,description\n", "no workbook"),
    ]
    other = BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    for data, reason in [*cases, (other.getvalue(), "workbook.xml.rels is missing")]:
        with pytest.raises(TableUnreadable, match=reason):
            WORKBOOK.read(data, "x.xlsx")


def test_a_hundred_thousand_rows_are_refused_in_every_format_with_both_numbers(tmp_path: Path) -> None:
    n_rows = 100_000
    cells = "".join(f'<row><c t="str"><v>music</v></c><c t="str"><v>{n}</v></c></row>' for n in range(n_rows))
    files = {
        "a.csv": b"type,description\n" + b"music,x\n" * n_rows,
        "a.tsv": b"type\tdescription\n" + b"music\tx\n" * n_rows,
        "a.json": b"[" + b",".join([b'{"type":"music","description":"x"}'] * n_rows) + b"]",
        "a.jsonl": b'{"type":"music","description":"x"}\n' * n_rows,
        "a.yaml": b"- {type: music, description: x}\n" * n_rows,
        "a.md": b"| type | description |\n|---|---|\n" + b"| music | x |\n" * n_rows,
        "a.xlsx": workbook(cells),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        try:
            script, faults = read_rows(read_raw_rows(tmp_path / name))
        except TableUnreadable as error:
            told = str(error)
        else:
            assert script is None
            told = str(faults[0])
        assert f"{MAX_ROWS:,}" in told and "split it" in told, name


def test_too_large_a_file_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(TableUnreadable, match="at most 67,108,864"):
        read_raw_rows(path)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.json", '[{"type": "music", "type": "speech"}]', "key 'type' twice"),
        ("a.jsonl", '{"type": "music"}\n{"a": 1, "a": 2}\n', "line 2: an object has the key 'a' twice"),
        ("a.jsonl", '{"type": "music"}\nnot json\n', "line 2: is not JSON"),
        ("a.jsonl", '["music"]\n', "line 1 is no row"),
        ("a.json", "[" + "1" * 5000 + "]", "is not JSON"),
        ("a.csv", "type,description,Mood,Mood\nmusic,x,a,b\n", "'Mood' stands twice"),
        ("a.md", "| type | description | type |\n|---|---|---|\n| music | x | music |\n", "'type' stands twice"),
        ("a.md", "| type | description |\n|---|---|\n| music | x | y |\n", "line 3 has 3 cells"),
        ("a.md", "no table here", "holds no table"),
        ("a.md", "| a | b |\n|---|---|\n| c | d |", "holds no table"),
    ],
)
def test_keys_and_headings_stand_once(name: str, text: str, reason: str) -> None:
    with pytest.raises(TableUnreadable, match=reason):
        format_of(name).read(text.encode(), name)


def test_two_headings_of_one_meaning_are_a_fault_of_the_row_that_fills_both() -> None:
    raw = format_of("a.csv").read(b"type,description,Text\nmusic,x,\nmusic,x,y\n", "")
    assert [(fault.row, fault.column) for fault in read_rows(raw)[1]] == [("#2", "description")]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".yaml", ".md", ".xlsx"])
@settings(max_examples=25, deadline=None)
@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_random_bytes_are_a_table_or_told_to_be_none(suffix: str, data: bytes) -> None:
    try:
        raw = FORMATS[suffix].read(data, "x")
    except TableUnreadable:
        return
    read_rows(raw)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 3000), sign=st.integers(0, 255))
def test_a_broken_workbook_is_told_to_be_broken(at: int, sign: int) -> None:
    data = bytearray(workbook(row('<c r="B2" t="str"><v>a</v></c>')))
    data[at % len(data)] = sign
    try:
        read_rows(WORKBOOK.read(bytes(data), "x"))
    except TableUnreadable:
        pass


def test_a_write_that_is_refused_leaves_the_old_table_and_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_table(script_of([{"type": "music", "description": "x"}]), path)
    before = path.read_bytes()
    with pytest.raises(TableUnreadable, match="row r01"):
        write_table(script_of([{"type": "speech", "character": "A", "description": "x" * 40_000}]), path)
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["a.xlsx"]


def test_json_nesting_and_numbers_beyond_reason_are_faults_of_their_cells() -> None:
    raw = json.loads('[{"type": "music", "description": {"a": 1}, "volume": 1e999, "seed": 1e30}]')
    script, faults = read_rows(raw)
    assert script is None
    assert [fault.column for fault in faults if fault.severity == "error"] == ["description", "volume", "seed"]
