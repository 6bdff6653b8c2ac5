"""Sections: a pause where one begins, a room of its own, and its name in the manifest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mixing import RATE, bursts, clip_of, hiss, mixed, placed

from composer.render import Finished, render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import MixSettings, SectionSettings, Settings
from composer.timeline import ClipFile, Timeline, build_timeline
from composer.writers.story import plan_story

DRY = MixSettings(room="none", gap_s=0.5, section_pause_s=3.0)


def speech(row: str, **cells: object) -> dict[str, object]:
    return {"row": row, "type": "speech", "character": "Ann", "description": "Hello.", **cells}


def rain(row: str, action: str, **cells: object) -> dict[str, object]:
    words = {"description": "rain"} if action == "begin" else {}
    return {"row": row, "type": "sound_effect", "layout": "background", "id": 1, "action": action, **words, **cells}


def build(rows: list[dict[str, object]], settings: MixSettings = DRY, **sections: SectionSettings) -> Timeline:
    """Every clip lasts one second."""
    script = script_of(rows)
    clips = {row.row: ClipFile(Path("none.wav"), RATE, 1, -20.0) for row in script.sounding()}
    return build_timeline(script, clips, settings, sections)


def starts_s(timeline: Timeline) -> dict[str, float]:
    return {one.row: one.start_sample / RATE for one in timeline.placements}


def test_a_section_begins_after_a_pause() -> None:
    rows = [
        speech("a", section="One"),
        speech("b"),
        rain("c", "begin", section="Two"),
        speech("d"),
        rain("e", "end"),
        speech("f", section="Three"),
        speech("g", section="Four", start=0.25),
    ]
    timeline = build(rows, Three=SectionSettings(pause_s=0.0), Four=SectionSettings(pause_s=9.0))
    assert starts_s(timeline) == {"a": 0.0, "b": 1.5, "c": 5.5, "d": 5.5, "f": 6.5, "g": 7.75}
    assert timeline.warnings == ()


def test_a_scene_without_sections_has_no_pauses() -> None:
    assert starts_s(build([speech("a"), speech("b"), speech("c")])) == {"a": 0.0, "b": 1.5, "c": 3.0}


def test_a_section_that_the_table_does_not_have_is_told() -> None:
    timeline = build([speech("a", section="Kitchen")], Kitchn=SectionSettings(room="hall"))
    assert [fault.severity for fault in timeline.warnings] == ["warning"]
    assert "'Kitchn'" in timeline.warnings[0].message and "Kitchen" in timeline.warnings[0].message


def test_rows_are_in_the_room_of_the_section_where_they_begin_and_the_longest_room_rings_out() -> None:
    rows = [rain("a", "begin", section="Cave"), speech("b"), speech("c", section="Field"), rain("d", "end")]
    timeline = build(rows, Cave=SectionSettings(room="cave"), Field=SectionSettings(room="none"))
    assert {one.row: one.room for one in timeline.placements} == {"a": "cave", "b": "cave", "c": "none"}
    last = max(one.end_sample for one in timeline.placements)
    assert timeline.n_samples == last + round(3.03 * RATE)  # the bed ends last, in the cave


def test_two_rooms_sound_as_each_alone(tmp_path: Path) -> None:
    """A mix is linear: the sum of two scenes, each with its room, is the scene with both."""
    quiet = MixSettings(room="hall", duck_db=0.0, loudness_lufs=-40.0, true_peak_dbtp=0.0)
    near = placed(clip_of(tmp_path, "a", bursts(1, seconds=2.0)), row="a")
    far = placed(clip_of(tmp_path, "b", hiss(2, seconds=2.0)), row="b", start=RATE, room="cave", distance=1.0)
    n_samples = 5 * RATE
    both = mixed(tmp_path / "both", [near, far], quiet, n_samples=n_samples).unmastered
    first = mixed(tmp_path / "first", [near], quiet, n_samples=n_samples).unmastered
    second = mixed(tmp_path / "second", [far], quiet.model_copy(update={"room": "studio"}), n_samples=n_samples)
    same = mixed(tmp_path / "same", [placed(far.clip, row="b", start=RATE, distance=1.0)],
                 quiet.model_copy(update={"room": "cave"}), n_samples=n_samples)  # fmt: skip
    assert np.abs(both - (first + second.unmastered)).max() < 1e-6
    assert np.abs(second.unmastered - same.unmastered).max() < 1e-6
    assert np.abs(first).max() > 0.01 and np.abs(second.unmastered).max() > 0.01


@pytest.mark.usefixtures("toy_engines")
def test_the_manifest_names_the_section_of_each_row(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    scene.settings_path.write_text('title = "T"\n[sections."Act: two"]\nroom = "hall"\npause_s = 2.5\n')
    scene.write_script(script_of([speech("a"), speech("b", section="Act: two"), speech("c")]))
    assert isinstance(list(render(scene))[-1], Finished)
    rows = json.loads(scene.manifest_path.read_text("utf-8"))["rows"]
    assert [row["section"] for row in rows] == [None, "Act: two", "Act: two"]
    assert rows[1]["start_sample"] - rows[0]["n_samples"] == round(2.5 * RATE)
    assert scene.read_settings() == Settings(
        title="T", cast=scene.read_settings().cast, sections={"Act: two": SectionSettings(room="hall", pause_s=2.5)}
    )


def test_the_chapters_of_a_story_are_sections() -> None:
    story = "The Sea\n\nChapter One\n\nRain fell.\n\nChapter Two: Home\n\nThe sun shone. She slept.\n"
    script = script_of(plan_story(story, seed=0).rows)
    spoken = {row.description: name for row in script.rows for name in [script.sections()[row.row]]}
    assert spoken["The Sea"] == "" and spoken["Chapter One"] == "Chapter One"
    assert spoken["The sun shone. She slept."] == spoken["Chapter Two: Home"] == "Chapter Two: Home"
