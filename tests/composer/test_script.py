"""Tables become rows, and every fault is told with its row and column."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.cells import column_of
from composer.errors import ScriptInvalid
from composer.script import next_key, read_rows, row_cells, script_of

CASES = Path(__file__).parent / "awkward_tables.json"


def speech(text: str = "Hello.", **cells: object) -> dict[str, object]:
    return {"type": "speech", "character": "Ann", "description": text, **cells}


def bed(action: str, number: object = 1, **cells: object) -> dict[str, object]:
    return {"type": "sound_effect", "layout": "background", "id": number, "action": action, **cells}


def told(rows: list[dict[str, object]]) -> list[tuple[str, str, str]]:
    return [(fault.row, fault.column, fault.severity) for fault in read_rows(rows)[1]]


def test_the_talks_own_headings_and_words_are_read() -> None:
    rows = [
        {"Audio Type": "Music", "Layout": "Background", "ID": "1", "Character": "N/A", "Volume": "-30",
         "Action": "Begin", "Content Description": "Dramatic orchestral news theme.", "Duration": "Auto"},
        {"Audio Type": "Speech", "Layout": "Foreground", "ID": "N/A", "Character": "Host", "Volume": "-15",
         "Action": "N/A", "Content Description": "Welcome to Mars News ...", "Duration": "Auto"},
        {"Audio Type": "Music", "Layout": "Background", "ID": "1", "Character": "N/A", "Volume": "N/A",
         "Action": "End", "Content Description": "N/A", "Duration": "Auto"},
    ]  # fmt: skip
    script = script_of(rows)
    assert [row.type for row in script.rows] == ["music", "speech", "music"]
    assert script.spans() == {"r01": "r03"}
    assert script.rows[1].volume == -15.0


def test_every_fault_is_reported_at_once() -> None:
    rows = [speech(row="a", volume="loud"), speech(""), {"type": "noise", "description": "x"}, speech(pan=3)]
    assert [(row, column) for row, column, severity in told(rows) if severity == "error"] == [
        ("a", "volume"),
        ("r01", "description"),
        ("r02", "type"),
        ("r03", "pan"),
    ]
    with pytest.raises(ScriptInvalid) as caught:
        script_of(rows)
    assert "row a, volume" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (speech(volume=6), "volume"),
        (speech(volume=-61), "volume"),
        (speech(duration=-2), "duration"),
        (speech(duration="1e999"), "duration"),
        (speech(start="soon"), "start"),
        (speech(pan=float("nan")), "pan"),
        (speech(id="one"), "id"),
        (speech(layout="background"), "layout"),
        (speech(image="a.png"), "image"),
        (speech(mood=["happy"]), "mood"),
        (speech(**{"": "x"}), ""),
        (speech(["a", "list"]), "description"),  # type: ignore[arg-type]
        (speech("x" * 50_001), "description"),
        ({"type": "music", "layout": "foreground"}, "description"),
        ({"type": "music", "description": "a tune", "character": "Ann"}, "character"),
        ({"type": "music", "description": "a tune", "layout": "background"}, "action"),
        ({"description": "what am I"}, "type"),
    ],
)
def test_a_fault_names_its_column(row: dict[str, object], column: str) -> None:
    script, faults = read_rows([row])
    assert script is None
    assert [fault.column for fault in faults if fault.severity == "error"] == [column]


@pytest.mark.parametrize("written", ["-15 dB", "−15", "-15,0", " -15dBFS ", "-15 LUFS", -15, "-15.0"])
def test_volumes_are_read_as_people_write_them(written: object) -> None:
    assert script_of([speech(volume=written)]).rows[0].volume == -15.0


def test_an_end_before_its_begin_is_an_error_and_an_open_background_is_closed() -> None:
    script, faults = read_rows([bed("end"), bed("begin", description="rain"), speech()])
    assert script is None
    assert ("r01", "action") in [(fault.row, fault.column) for fault in faults if fault.severity == "error"]
    script, faults = read_rows([bed("begin", description="rain"), speech()])
    assert script is not None and script.spans() == {"r01": "r03"}
    assert [(fault.row, fault.severity) for fault in faults] == [("r01", "repaired")]


def test_one_id_serves_two_backgrounds_in_turn_but_not_at_once() -> None:
    in_turn = [bed("begin", description="rain"), speech(), bed("end"), bed("begin", description="wind"), bed("end")]
    assert script_of(in_turn).spans() == {"r01": "r03", "r04": "r05"}
    assert ("r02", "id", "error") in told(
        [bed("begin", description="rain"), bed("begin", description="wind"), bed("end")]
    )


def test_backgrounds_may_cross_and_one_that_ends_before_it_begins_may_not() -> None:
    crossing = [bed("begin", 1, description="rain"), bed("begin", 2, description="wind"), speech(), bed("end", 1)]
    assert script_of([*crossing, speech(), bed("end", 2)]).spans() == {"r01": "r04", "r02": "r06"}
    cyclic = [bed("end", 2), bed("begin", 1, description="rain"), bed("end", 1), bed("begin", 2, description="wind")]
    assert told(cyclic)[-1] == ("r01", "action", "error")


def test_music_and_effects_count_their_ids_apart() -> None:
    rows = [
        bed("begin", description="rain"),
        {**bed("begin", description="tune"), "type": "music"},
        speech(),
        bed("end"),
    ]
    assert script_of([*rows, {**bed("end"), "type": "music"}]).spans() == {"r01": "r04", "r02": "r05"}


def test_a_line_without_a_speaker_goes_to_the_narrator_and_says_so() -> None:
    script, faults = read_rows([{"type": "speech", "text": "hi there"}])
    assert script is not None and script.characters() == ["Narrator"]
    assert [fault.severity for fault in faults] == ["repaired"]


def test_keys_stay_when_rows_come_and_go() -> None:
    rows = [speech("one", row="r01"), speech("new"), speech("two", row="r02"), speech("copy", row="r02")]
    script, faults = read_rows(rows)
    assert script is not None
    assert [row.row for row in script.rows] == ["r01", "r03", "r02", "r04"]
    assert {fault.row for fault in faults} == {"r03", "r04"}
    assert next_key(["r01", "r07"]) == "r08"


def test_a_column_of_your_own_is_kept_and_one_that_looks_misspelt_is_told() -> None:
    script, faults = read_rows([speech(Mood=" happy ", Take=3, Done=True, volum=-20), speech(Mood="N/A", Take="")])
    assert script is not None
    assert [row.extra for row in script.rows] == [
        {"Mood": "happy", "Take": "3", "Done": "true", "volum": "-20"},
        {"Mood": "N/A"},
    ]
    assert [(fault.row, fault.column, fault.severity) for fault in faults] == [("", "volum", "warning")]
    assert "did you mean 'volume'" in faults[0].message
    assert script_of([row_cells(row) for row in script.rows]) == script


def test_a_section_lasts_until_the_next_one() -> None:
    rows = [speech("a"), speech("b", section="One"), speech("c"), speech("d", chapter="Two"), speech("e", section="")]
    assert list(script_of(rows).sections().values()) == ["", "One", "One", "Two", "Two"]


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("VOLUME", "volume"), ("Volume (dB)", "volume"), (" volume [LUFS] ", "volume"), ("\ufeffrow", "row"),
        ("Audio Type", "type"), ("audio-type", "type"), ("Content  Description", "description"),
        ("“Text”", "description"),
        ("Speaker", "character"), ("Length", "duration"), ("Duration (s)", "duration"), ("Comment", "note"),
        ("Chapter", "section"), ("Mood", None), ("volume2", None), ("(dB)", None), ("", None),
    ],
)  # fmt: skip
def test_headings_are_known_by_their_synonyms(heading: str, column: str | None) -> None:
    assert column_of(heading) == column


def test_words_that_look_empty_are_spoken() -> None:
    assert [script_of([speech(text)]).rows[0].description for text in ("None", "nan", "-")] == ["None", "nan", "-"]


@pytest.mark.parametrize("case", json.loads(CASES.read_text("utf-8")), ids=lambda case: str(case["name"]))
def test_awkward_tables_are_read_repaired_or_refused(case: dict[str, Any]) -> None:
    script, faults = read_rows(case["rows"])
    assert (script is not None) == (case["outcome"] != "refused")
    assert [[fault.row, fault.column] for fault in faults] == case["faults"]
    assert all(fault.message for fault in faults)
    if script is not None:
        assert len(script.rows) >= len(case["rows"])


CELL = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(max_size=12), st.booleans(),
    st.sampled_from(["speech", "music", "sound_effect", "begin", "end", "background", "foreground", "auto"]),
    st.sampled_from(["-15 dB", "N/A", "-0", "+-0", "1e5", "r01"]),
)  # fmt: skip
COLUMN = st.sampled_from(
    ["row", "type", "layout", "id", "character", "volume", "action", "description", "duration", "start", "pan",
     "image", "source", "voice", "engine", "seed", "note", "audio_type", "vol", "text", "odd"]
)  # fmt: skip


N_TABLES = int(os.environ.get("TALESCAPE_RANDOM_TABLES", "2000"))


@settings(max_examples=N_TABLES, deadline=None)
@given(st.lists(st.dictionaries(COLUMN, CELL, max_size=10), max_size=6))
def test_random_tables_give_a_script_or_faults_and_never_a_traceback(rows: list[dict[str, object]]) -> None:
    script, faults = read_rows(rows)
    if script is None:
        assert any(fault.severity == "error" for fault in faults)
    else:
        assert len(script.rows) >= len(rows)
        assert script_of([row_cells(row) for row in script.rows]) == script
