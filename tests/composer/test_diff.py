"""The difference of two tables: what was added, removed, moved and changed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import cli
from composer.diff import Moved, diff, diff_scripts, told
from composer.errors import SceneInvalid, ScriptInvalid
from composer.keys import with_keys_of
from composer.render import Finished, plan_render, render
from composer.rows import row_cells
from composer.scene import Scene
from composer.script import Script, script_of
from composer.settings import MixSettings, Settings
from composer.tables import write_table


def row(key: str, words: str = "Hello.", **cells: object) -> dict[str, object]:
    return {"row": key, "type": "speech", "character": "Ann", "description": words, **cells}


def scene_of(folder: Path, rows: list[dict[str, object]], **settings: object) -> Scene:
    scene = Scene(folder)
    scene.folder.mkdir()
    scene.write_settings(Settings.model_validate({"title": "T", **settings}))
    scene.write_script(script_of(rows))
    return scene


def test_each_kind_of_difference_is_named() -> None:
    old = script_of([row("r01"), row("r02", "Two."), row("r03", "Three."), row("r04", "Four.", note="x")])
    new = script_of(
        [row("r04", "Four.", mood="glad"), row("r01", "Hi.", volume=-20), row("r05", "Five."), row("r03", "Three.")]
    )
    found = diff_scripts(old, new)
    assert [(one.row, one.after) for one in found.added] == [("r05", "r01")]
    assert [(one.row, one.after) for one in found.removed] == [("r02", "r01")]
    assert found.moved == (Moved("r04", "", "r03"),)
    assert [(one.row, one.column, one.old, one.new) for one in found.changed] == [
        ("r04", "note", "x", None),
        ("r04", "mood", None, "glad"),
        ("r01", "volume", -15.0, -20.0),
        ("r01", "description", "Hello.", "Hi."),
    ]
    assert found.added[0].cells["description"] == "Five." and found.removed[0].cells["description"] == "Two."
    assert told(found)[-1] == "1 added, 1 removed, 1 moved, 4 cells changed in 2 rows"


def test_the_same_table_in_another_format_is_no_difference(tmp_path: Path) -> None:
    script = script_of([row("r01", "a, b"), {"row": "x", "type": "music", "description": "y", "start": 0.5}])
    for name in ("a.csv", "a.xlsx", "a.md"):
        write_table(script, tmp_path / name)
        found = diff(tmp_path / "a.csv", tmp_path / name)
        assert not found and told(found) == ["no difference"]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_diff_leads_from_the_old_table_to_the_new_one(data: st.DataObject) -> None:
    """Applied by hand here: take away, put the moved and the new rows after their neighbours, change the cells."""
    keys = [f"k{number}" for number in range(12)]
    some = st.lists(st.sampled_from(keys), min_size=1, unique=True)
    old_keys, new_keys = data.draw(some), data.draw(some)
    words = st.sampled_from("abc")
    old = script_of([row(key, data.draw(words)) for key in old_keys])
    new = script_of([row(key, data.draw(words)) for key in new_keys])
    found = diff_scripts(old, new)
    gone = {one.row for one in (*found.removed, *found.moved)}
    place = {one.row: one.after for one in (*found.added, *found.moved)}
    order = [key for key in old_keys if key not in gone]
    for key in new_keys:  # from the top: the row above is always there already
        if key in place:
            order.insert(order.index(place[key]) + 1 if place[key] else 0, key)
    assert order == new_keys
    assert len(found.moved) == len(set(old_keys) & set(new_keys)) - _longest_common(old_keys, new_keys)
    cells = {one.row: row_cells(one) for one in old.rows}
    for change in found.changed:
        assert cells[change.row][change.column] == change.old
        cells[change.row][change.column] = change.new
    cells |= {one.row: {**row_cells(new.rows[0]), **one.cells} for one in found.added}
    assert script_of([cells[key] for key in order]) == new


def _longest_common(one: list[str], other: list[str]) -> int:
    """The longest common subsequence by the textbook's table (Cormen et al., chapter 15.4)."""
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for a, left in enumerate(one):
        for b, right in enumerate(other):
            lengths[a + 1][b + 1] = lengths[a][b] + 1 if left == right else max(lengths[a][b + 1], lengths[a + 1][b])
    return lengths[-1][-1]


OLD = [
    row("r01", "One."),
    row("r02", "Two."),
    {"row": "r03", "type": "music", "description": "drums"},
    row("r07", "Six."),
]


def without_keys(script: Script) -> list[dict[str, object]]:
    return [{column: value for column, value in row_cells(one).items() if column != "row"} for one in script.rows]


def test_rows_that_lost_their_keys_get_them_back() -> None:
    old = script_of(OLD)
    edited = without_keys(old)
    edited[1]["description"] = "Two, and more."
    edited = [edited[3], edited[0], edited[1], {"type": "speech", "character": "Bob", "description": "New."}, edited[2]]
    assert [one["row"] for one in with_keys_of(old, edited)] == ["r07", "r01", "r02", "r08", "r03"]


def test_a_table_with_any_key_keeps_what_it_says() -> None:
    rows = [row("r09", "One."), {"type": "music", "description": "drums"}]
    assert with_keys_of(script_of(OLD), rows) == rows


@pytest.mark.usefixtures("toy_engines")
def test_the_cost_is_that_of_a_render_and_nothing_is_written(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "scene", OLD)
    assert isinstance(list(render(scene))[-1], Finished)
    before = {path: path.stat().st_mtime_ns for path in scene.folder.rglob("*")}
    edited = tmp_path / "edited.csv"
    write_table(script_of([OLD[0], {**OLD[1], "description": "Else."}, OLD[2], OLD[3]]), edited)
    for old, new in ((scene.folder, edited), (edited, scene.folder)):
        found = diff(old, new)
        assert found.render is not None and [one.row for one in found.changed] == ["r02"]
        assert found.render.synthesize == (["r02"] if new == edited else [])
    assert {path: path.stat().st_mtime_ns for path in scene.folder.rglob("*")} == before
    assert plan_render(scene).synthesize == []


@pytest.mark.usefixtures("toy_engines")
def test_two_scenes_differ_in_their_settings_too(tmp_path: Path) -> None:
    one = scene_of(tmp_path / "one", OLD)
    two = scene_of(tmp_path / "two", OLD, mix=MixSettings(room="hall").model_dump(), cast={"Ann": "bob"})
    found = diff(one.folder, two.folder)
    assert [(change.column, change.old, change.new) for change in found.settings] == [
        ("mix.room", "studio", "hall"),
        ("cast.Ann", None, "bob"),
    ]


@pytest.mark.usefixtures("toy_engines")
def test_the_command_prints_lines_or_json(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "scene", OLD)
    write_table(script_of([*OLD[1:], row("r08", "A line | of words " * 9)]), tmp_path / "new.yaml")
    arguments = ["diff", str(scene.folder), str(tmp_path / "new.yaml")]
    result = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == '- r01  speech Ann "One."'
    assert lines[1].startswith('+ r08  speech Ann "A line | of words') and lines[1].endswith('…", after r07')
    assert lines[2] == "1 added, 1 removed"
    assert lines[3].startswith("a render would make 4 of 4 clips (r02, r03, r07, r08), about ")
    data = json.loads(CliRunner().invoke(cli.app, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert set(data) == {"added", "removed", "moved", "changed", "settings", "render"}
    assert data["render"]["synthesize"] == ["r02", "r03", "r07", "r08"] and data["moved"] == []


def test_a_faulty_or_missing_table_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("type,description\nmusic,x\n")
    bad.write_text("type,description,volume\nmusic,x,loud\n")
    with pytest.raises(ScriptInvalid, match="bad.csv: row r01, volume"):
        diff(good, bad)
    with pytest.raises(SceneInvalid, match="has no script.csv"):
        diff(good, tmp_path)
