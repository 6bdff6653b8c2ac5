"""Edits: applied to the table all or none, and refused with what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.edits import AnyEdit, EditsInvalid, InsertRow, MoveRow, Recast, RemoveRow, SetCell, apply_edits
from composer.script import Script, script_of

ROWS: list[dict[str, object]] = [
    {"type": "music", "layout": "background", "id": 1, "action": "begin", "description": "theme"},
    {"type": "speech", "character": "Ann", "description": "One.", "Mood": "glad"},
    {"type": "speech", "character": "Bob", "description": "Two."},
    {"type": "sound_effect", "description": "a door"},
    {"type": "music", "layout": "background", "id": 1, "action": "end"},
]
SCRIPT = script_of(ROWS)


def keys(*edits: AnyEdit) -> list[str]:
    return [row.row for row in apply_edits(SCRIPT, edits)[0].script.rows]


def faults(*edits: AnyEdit, voices: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(EditsInvalid) as caught:
        apply_edits(SCRIPT, edits, voices=voices)
    return caught.value.faults


def test_cells_change_and_the_rest_stays() -> None:
    edits = [SetCell(row="r02", column="description", value="Uno."), SetCell(row="r02", column="Mood", value=None),
             SetCell(row="r04", column="volume", value="-20 dB")]  # fmt: skip
    edited, told = apply_edits(SCRIPT, edits)
    assert told == []
    assert edited.script.rows[1] == SCRIPT.rows[1].model_copy(update={"description": "Uno.", "extra": {}})
    assert edited.script.rows[3] == SCRIPT.rows[3].model_copy(update={"volume": -20.0})
    assert edited.script.rows[::2] == SCRIPT.rows[::2]


def test_rows_move_come_and_go() -> None:
    assert keys(MoveRow(row="r04", after="r01")) == ["r01", "r04", "r02", "r03", "r05"]
    assert keys(MoveRow(row="r03", after=None)) == ["r03", "r01", "r02", "r04", "r05"]
    assert keys(RemoveRow(row="r01")) == keys(RemoveRow(row="r05")) == ["r02", "r03", "r04"]
    line = {"type": "speech", "character": "Cy", "description": "New."}
    two = [InsertRow(after="r02", cells={**line, "description": words}) for words in ("First.", "Second.")]
    edited = apply_edits(SCRIPT, two)[0].script
    assert [(row.row, row.description) for row in edited.rows[1:4]] == [
        ("r02", "One."), ("r06", "First."), ("r07", "Second."),
    ]  # fmt: skip
    assert keys(InsertRow(after=None, cells=dict(line))) == ["r06", "r01", "r02", "r03", "r04", "r05"]


def test_a_key_of_a_removed_row_is_not_given_again() -> None:
    new = InsertRow(after="r03", cells={"type": "sound_effect", "description": "bang"})
    assert keys(RemoveRow(row="r05"), new) == ["r02", "r03", "r06", "r04"]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (SetCell(row="r99", column="volume", value=-3), "edit 1 (set): there is no row 'r99'"),
        (SetCell(row="r02", column="row", value="x"), "keys of rows stay"),
        (SetCell(row="r02", column="mood", value="x"), "no column 'mood'; there are: type, layout"),
        (MoveRow(row="r02", after="r02"), "below itself"),
        (MoveRow(row="r02", after="x"), "there is no row 'x'"),
        (InsertRow(after="r02", cells={"typ": "speech"}), "no column 'typ'"),
        (SetCell(row="r02", column="volume", value="loud"), "after the edits: row r02, volume"),
        (SetCell(row="r02", column="type", value="song"), "after the edits: row r02, type"),
        (MoveRow(row="r05", after=None), "after the edits: row r05, action"),
        (InsertRow(after="r02", cells={"type": "music"}), "after the edits: row r06, description"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_with_its_reason(edit: AnyEdit, told: str) -> None:
    assert told in "\n".join(faults(edit, SetCell(row="r03", column="note", value="fine")))


def test_every_faulty_edit_is_told_and_none_is_applied() -> None:
    assert (
        len(faults(RemoveRow(row="r02"), SetCell(row="r02", column="note", value="x"), MoveRow(row="a", after=None)))
        == 2
    )
    assert faults(RemoveRow(row="r02"), MoveRow(row="r02", after=None)) == [
        "edit 2 (move): there is no row 'r02' any more"
    ]


def test_voices_are_recast_where_there_is_a_cast() -> None:
    recast = Recast(character="Ann", voice="v2")
    assert apply_edits(SCRIPT, [recast], voices={"Ann": "v1"})[0].cast == {"Ann": "v2"}
    assert "give the scene folder" in faults(recast)[0]
    assert "'Zoe' does not speak; there are: Ann, Bob" in faults(Recast(character="Zoe", voice="v"), voices={})[0]
    renamed = SetCell(row="r02", column="character", value="Zoe")
    assert apply_edits(SCRIPT, [renamed, Recast(character="Zoe", voice="v")], voices={})[0].cast == {"Zoe": "v"}


rows = st.sampled_from([row.row for row in SCRIPT.rows] + ["r09"])
some_edit: st.SearchStrategy[AnyEdit] = st.one_of(
    st.builds(SetCell, row=rows, column=st.sampled_from(["note", "volume", "type", "id"]), value=st.text(max_size=3)),
    st.builds(MoveRow, row=rows, after=st.one_of(rows, st.none())),
    st.builds(RemoveRow, row=rows),
    st.builds(InsertRow, after=st.one_of(rows, st.none()),
              cells=st.just({"type": "speech", "character": "Cy", "description": "New."})),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(some_edit, max_size=6))
def test_random_edits_give_a_valid_table_or_faults(edits: list[AnyEdit]) -> None:
    try:
        edited, _ = apply_edits(SCRIPT, edits)
    except EditsInvalid as error:
        assert error.faults and all(error.faults)
        return
    assert isinstance(edited.script, Script)
    inserted = sum(isinstance(edit, InsertRow) for edit in edits)
    gone = {edit.row for edit in edits if isinstance(edit, RemoveRow)}
    gone |= {"r01", "r05"} if gone & {"r01", "r05"} else set()
    assert len({row.row for row in edited.script.rows}) == len(ROWS) + inserted - len(gone)
