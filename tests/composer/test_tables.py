"""Tables in files: what spreadsheets write is read, and what is no table is refused with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.cells import COLUMNS
from composer.errors import ComposerError, TableUnreadable
from composer.script import Script, script_of
from composer.tables import read_raw_rows, read_table, write_table


def test_the_csv_is_what_a_hand_would_write(tmp_path: Path) -> None:
    path = tmp_path / "script.csv"
    rows = [{"type": "speech", "character": "Ann", "description": "Hello, you.", "start": 0.5, "pan": -0.25}]
    write_table(script_of(rows), path)
    assert path.read_text("utf-8").splitlines() == [
        ",".join(COLUMNS),
        'r01,speech,foreground,,Ann,-15,,"Hello, you.",auto,+0.5,-0.25,,,,,,,',
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_csv_files_are_read(separator: str, encoding: str, tmp_path: Path) -> None:
    lines = ["Type;Character;Content Description;Volume", 'speech;Zoë;“Hello”;"-15,5"', ";;;", ""]
    path = tmp_path / "script.csv"
    path.write_bytes("\r\n".join(lines).replace(";", separator).encode(encoding))
    script, faults = read_table(path)
    assert script is not None, faults
    assert [row.model_dump()["character"] for row in script.rows] == ["Zoë"]
    assert script.rows[0].description == "“Hello”"
    assert script.rows[0].volume == -15.5


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"PK\x03\x04\0\0\0", "binary"),
        ("a.csv", b"dear diary\nnothing here\n", "first line"),
        ("a.csv", b'type,description\nspeech,"never closed\n', "first line|end of data"),
        ("a.csv", b"type,description\nspeech,hello, you\n", "line 2 has 3 cells"),
        ("a.json", b"{not json", "not JSON"),
        ("a.json", b'{"rows": 5}', "no rows"),
        ("a.json", b'["speech"]', "no rows"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.docx", b"x", "tables end in"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TableUnreadable, match=reason):
        read_raw_rows(path)


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("notes")
    script = script_of([{"type": "sound_effect", "description": "a door"}])
    with pytest.raises(ComposerError, match="tables is a file, not a folder"):
        write_table(script, tmp_path / "tables" / "script.csv")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableUnreadable, match="nowhere.csv"):
        read_raw_rows(tmp_path / "nowhere.csv")
    with pytest.raises(TableUnreadable, match="nowhere: cannot be read: No such file"):
        read_raw_rows(tmp_path / "nowhere")


def test_wavjourneys_json_is_read(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(
        '[{"audio_type": "sound_effect", "layout": "background", "id": 1, "action": "begin", "vol": -35, '
        '"desc": "rain"},'
        '{"audio_type": "speech", "layout": "foreground", "character": "News Anchor", "vol": -15, '
        '"text": "Wet today."},'
        '{"audio_type": "sound_effect", "layout": "background", "id": 1, "action": "end"},'
        '{"audio_type": "sound_effect", "layout": "foreground", "vol": -35, "len": 2.5, "desc": "thunder"}]'
    )
    script, faults = read_table(path)
    assert isinstance(script, Script) and faults == []
    assert script.spans() == {"r01": "r03"}
    assert script.rows[3].duration == 2.5
