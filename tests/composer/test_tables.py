"""Tables in files: nothing is lost on the way out and back, and what is no table is refused with its reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from composer.cells import COLUMNS, tidy_text
from composer.errors import TableUnreadable
from composer.script import Script, read_rows, script_of
from composer.tables import read_raw_rows, read_table, write_table

NASTY = [
    'He said "go", and left; then\tcame back.',
    "First.\nSecond.\n\nThird.",
    "=SUM(A1:A9)",
    "+1 @cmd -3 |pipe|",
    "emoji 🐋 ünïcödé 你好 עברית",
    "'; DROP TABLE rows; --",
    "{{ 7*7 }} {% raw %}",
    "0123",
    "1e5",
    "true",
    "None",
    '"""',
    "\\n is not a line break",
    "ends with a backslash \\",
]

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=40).map(tidy_text)
text = st.one_of(words, st.sampled_from(NASTY)).filter(lambda value: value.casefold() not in ("", "n/a"))
number = st.floats(-60, 0, allow_nan=False)
start = st.floats(-600, 600)
common = {"volume": number, "start": start, "pan": st.floats(-1, 1), "note": text, "seed": st.integers(0, 2**63 - 1)}
speech = st.fixed_dictionaries(
    {"type": st.just("speech"), "character": text, "description": text}, optional={**common, "voice": text}
)
effect = st.fixed_dictionaries(
    {"type": st.sampled_from(["music", "sound_effect"]), "description": text},
    optional={**common, "duration": st.floats(0.01, 3600), "source": text, "image": text, "engine": text},
)


@st.composite
def raw_tables(draw: st.DrawFn) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = draw(st.lists(st.one_of(speech, effect), min_size=1, max_size=6))
    for number in range(draw(st.integers(0, 2))):
        begin = draw(st.integers(0, len(rows)))
        end = draw(st.integers(begin, len(rows)))
        ends = {"type": "music", "layout": "background", "id": number, "action": "end"}
        rows.insert(end, dict(ends))
        rows.insert(begin, {**ends, "action": "begin", "description": draw(text), "start": draw(start)})
    return rows


N_TABLES = int(os.environ.get("TALESCAPE_RANDOM_TABLES", "2000"))


@settings(max_examples=N_TABLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=raw_tables())
@example(raw=[{"type": "speech", "character": "Ann", "description": "Hi.", "start": -0.0, "pan": -0.0, "volume": -0.0}])
def test_random_tables_come_back_as_they_were(raw: list[dict[str, object]], tmp_path: Path) -> None:
    """More by hand: TALESCAPE_RANDOM_TABLES=20000 python -m pytest tests/composer/test_tables.py -k random."""
    script, faults = read_rows(raw)
    assert script is not None, faults
    for suffix in (".csv", ".json"):
        path = tmp_path / f"script{suffix}"
        write_table(script, path)
        again, faults = read_table(path)
        assert again == script
        assert faults == []


@pytest.mark.parametrize("suffix", [".csv", ".json"])
@pytest.mark.parametrize("line", NASTY)
def test_nasty_lines_come_back_to_the_letter(line: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"script{suffix}"
    write_table(script_of([{"type": "speech", "character": line.replace("\n", " "), "description": line}]), path)
    script, _ = read_table(path)
    assert script is not None and script.rows[0].description == line


def test_the_csv_is_what_a_hand_would_write(tmp_path: Path) -> None:
    path = tmp_path / "script.csv"
    rows = [{"type": "speech", "character": "Ann", "description": "Hello, you.", "start": 0.5, "pan": -0.25}]
    write_table(script_of(rows), path)
    assert path.read_text("utf-8").splitlines() == [
        ",".join(COLUMNS),
        'r01,speech,foreground,,Ann,-15,,"Hello, you.",auto,+0.5,-0.25,,,,,,',
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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableUnreadable, match="nowhere.csv"):
        read_raw_rows(tmp_path / "nowhere.csv")


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
