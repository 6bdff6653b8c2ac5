"""Replies: JSON is found in whatever models wrap it in, and any answer at all ends in a value or in its faults."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_server import OUTLINE, ROWS, row

from composer.replies import AnswerUnusable, Outline, json_in, read_outline, read_written_rows, rows_in
from composer.script import read_rows

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_CELLS = st.sampled_from(
    ["speech", "music", "sound_effect", "SFX", "foreground", "background", "begin", "end", "", "N/A", None, 0, 1, -3,
     2.5, 1e99, float("nan"), True, "Tom", "rain", "-15 dB", [], {}, "\ud800", 2**65]
)  # fmt: skip
_KEYS = st.sampled_from(
    "type layout id character volume action description duration start pan image source voice engine seed note text "
    "Vol emotion row TYPE".split()
)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('  [{"a": 1}]\n', [{"a": 1}]),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Here it is: {"a": {"b": [1, 2]}} Enjoy!', {"a": {"b": [1, 2]}}),
        ('An example [1] of {this}: {"rows": [1, 2, 3, 4, 5, 6]}', {"rows": [1, 2, 3, 4, 5, 6]}),
        ('<think>{"a": 0}</think>{"a": 1}', {"a": 1}),
        ('<THINKING>no\n</THINKING>\n\n{"a": 1}', {"a": 1}),
        ('{"a": "<think>"}', {"a": "<think>"}),
        ('{"a": "<think>b</think>"}', {"a": "<think>b</think>"}),
        ('{"a": "tea {hot} [now]"}', {"a": "tea {hot} [now]"}),
    ],
)
def test_json_is_found_in_its_wrapping(reply: str, value: object) -> None:
    assert json_in(reply) == value


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("<think>{}", "empty"),
        ("No.", "begins 'No.'"),
        ('{"a": 1', "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("I made a long speech about many things and then {} was all.", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_holds_no_json_is_told(reply: str, told: str) -> None:
    with pytest.raises(AnswerUnusable, match=told):
        json_in(reply)


@pytest.mark.parametrize("unit", ["{", '{"a":', "[1,", '["a', "<think>", "</think>", "```", '"', "[{", "{}", "[] "])
def test_four_megabytes_of_anything_are_refused_in_linear_time(unit: str) -> None:
    """Reading in quadratic time would take this test hours."""
    with pytest.raises(AnswerUnusable) as caught:
        json_in("x" + unit * (4_000_000 // len(unit)))
    assert len(str(caught.value)) < 400


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}[]":,ab1 <>/think\\n`', max_size=200))
def test_any_reply_ends_in_a_value_or_its_faults(reply: str) -> None:
    try:
        json_in(reply)
    except AnswerUnusable as error:
        assert error.faults


@pytest.mark.parametrize(
    "value", [[{"a": 1}], {"rows": [{"a": 1}]}, {"script": [{"a": 1}]}, {"title": "x", "table": [{"a": 1}]}]
)
def test_rows_are_found_under_any_key(value: object) -> None:
    assert rows_in(value) == [{"a": 1}]


def test_one_bare_row_is_a_table_of_one_row() -> None:
    assert rows_in({"type": "speech", "description": "Hello."}) == [{"type": "speech", "description": "Hello."}]


@settings(max_examples=300, deadline=None)
@given(_VALUES)
def test_any_value_is_an_outline_that_settings_can_hold_or_its_faults(value: object) -> None:
    try:
        outline = read_outline(value)
    except AnswerUnusable as error:
        assert error.faults
    else:
        outline.model_dump_json().encode("utf-8")
        assert outline.cast


def test_an_outline_as_the_schema_has_it_is_read_as_it_is() -> None:
    assert read_outline(OUTLINE) == Outline.model_validate(OUTLINE)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.dictionaries(_KEYS, _CELLS, max_size=9), min_size=1, max_size=6))
def test_any_rows_become_a_table_without_faults_or_are_told_by_row(rows: list[dict[str, Any]]) -> None:
    before = json.dumps(rows)
    try:
        read, repairs = read_written_rows({"rows": rows})
    except AnswerUnusable as error:
        assert error.faults and all(fault.startswith(("row ", "table", "there is no")) for fault in error.faults)
    else:
        script, faults = read_rows(read)
        assert script is not None and faults == []
        assert all(fault.severity == "repaired" for fault in repairs)
        assert all(
            cells[column] is None for cells in read for column in ("voice", "engine", "source") if column in cells
        )
    assert json.dumps(rows) == before, "an answer is not written into"


def test_a_good_table_is_read_without_repairs() -> None:
    read, repairs = read_written_rows(ROWS)
    given: Any = ROWS["rows"]
    assert repairs == [] and len(read) == 5
    assert [cells["description"] for cells in read] == [cells["description"] for cells in given]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"type": "song"}, "row r02, type: 'song' is unknown"),
        ({"description": ""}, "row r02, description: is empty"),
        ({"description": "x" * 50_001}, "row r02, description"),
    ],
)
def test_what_only_the_model_can_mend_is_told(change: dict[str, object], told: str) -> None:
    rows = [row(description="One."), row(description="Two.") | change]
    with pytest.raises(AnswerUnusable) as caught:
        read_written_rows({"rows": rows})
    assert any(fault.startswith(told) for fault in caught.value.faults)


def test_backgrounds_are_paired_as_small_models_leave_them() -> None:
    """A model of 1.5 billion weights wrote rows like these: an end of what never began, a begin of what is open."""
    music, effect = {"layout": "background", "id": 1}, {"layout": "background", "id": 1}
    rows = [
        row("music", action="begin", description="calm piano", **music),
        row(character="Anna", description="I knocked at the door, but there was no answer."),
        row("sound_effect", action="end", **effect),
        row("music", action="begin", description="low strings", **music),
        row(character="Anna", description="Then it opened."),
        row("music", action="end", **music),
        row("music", action="end", **music),
    ]
    read, repairs = read_written_rows({"rows": rows})
    assert [(cells["type"], cells["action"], cells["description"]) for cells in read] == [
        ("music", "begin", "calm piano"),
        ("speech", None, "I knocked at the door, but there was no answer."),
        ("music", "end", None),
        ("music", "begin", "low strings"),
        ("speech", None, "Then it opened."),
        ("music", "end", None),
    ]
    assert len(repairs) == 3


def test_a_background_without_its_action_is_told() -> None:
    rows = [row(description="One."), row("music", layout="background", id=3, description="a waltz")]
    with pytest.raises(AnswerUnusable, match="row r02, action: a background row needs an id and an action"):
        read_written_rows({"rows": rows})


def test_keys_of_rows_are_given_anew() -> None:
    read, _ = read_written_rows([{"row": "r99", "type": "speech", "description": "Hi."}])
    assert "row" not in read[0]
