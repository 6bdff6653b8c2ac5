"""The manifest says what each row was made from, so that an edit after a render is seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from composer.made_from import made_from
from composer.render import render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import EngineSettings, Settings

SPEECH: dict[str, object] = {"row": "r01", "type": "speech", "character": "Ann", "description": "Yes."}
SOUND: dict[str, object] = {"row": "r01", "type": "sound_effect", "description": "a bell", "source": "bell.wav"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    soundfile.write(tmp_path / "bell.wav", np.full(4_800, 0.1), 48_000)
    soundfile.write(tmp_path / "other.wav", np.full(4_800, 0.2), 48_000)
    return Scene(tmp_path)


def digest(scene: Scene, row: dict[str, object], settings: Settings | None = None) -> str:
    return made_from(scene, script_of([row]).rows[0], settings or Settings())


def test_every_cell_that_is_heard_changes_the_digest_and_a_note_does_not(scene: Scene) -> None:
    told = {digest(scene, SPEECH)}
    for edit in (
        {"description": "No."}, {"character": "Bob"}, {"volume": -16}, {"pan": 0.1}, {"start": 1}, {"voice": "ann"},
        {"engine": "bark"}, {"seed": 3}, {"row": "r02"},
    ):  # fmt: skip
        told.add(digest(scene, {**SPEECH, **edit}))
    assert len(told) == 10
    assert digest(scene, {**SPEECH, "note": "for people"}) == digest(scene, SPEECH)


def test_settings_that_a_row_leaves_open_change_its_digest(scene: Scene) -> None:
    plain = digest(scene, SPEECH)
    assert digest(scene, SPEECH, Settings(seed=1)) != plain
    assert digest(scene, SPEECH, Settings(engines=EngineSettings(speech="bark"))) != plain
    assert digest(scene, SPEECH, Settings(clean="never", title="Another", cast={"Ann": "x"})) == plain
    assert digest(scene, SOUND, Settings(clean="never")) != digest(scene, SOUND)


def test_a_files_content_counts_and_not_only_its_name(scene: Scene) -> None:
    before = digest(scene, SOUND)
    assert digest(scene, {**SOUND, "source": "other.wav"}) != before
    (scene.folder / "bell.wav").write_bytes((scene.folder / "other.wav").read_bytes())
    assert digest(scene, SOUND) != before


def test_the_manifest_names_what_each_row_was_made_from_and_which_rows_were_left_out(
    tmp_path: Path, toy_engines: list[str]
) -> None:
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    rows: list[dict[str, object]] = [
        {"type": "speech", "character": "Ann", "description": "Yes."},
        {"type": "speech", "character": "Ann", "description": "A CRASH comes."},
        {"type": "music", "layout": "background", "id": 1, "action": "begin", "description": "strings"},
        {"type": "music", "layout": "background", "id": 1, "action": "end"},
    ]
    script = script_of(rows)
    scene.write_settings(Settings())
    scene.write_script(script)
    assert list(render(scene))
    manifest = json.loads(scene.manifest_path.read_text("utf-8"))
    assert manifest["left_out"] == ["r02"]
    assert {row["row"]: row["made_from"] for row in manifest["rows"]} == {
        row.row: made_from(scene, row, Settings()) for row in script.rows if row.row in ("r01", "r03")
    }
