"""Rendering with toy engines: what is made, what is kept, what is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from composer.errors import ComposerError, RenderFailed, SceneInvalid, ScriptInvalid
from composer.render import Finished, RowDone, RowFailed, check, plan_render, render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings
from training.evaluate_scene import evaluate

pytestmark = pytest.mark.usefixtures("toy_engines")

ROWS: list[dict[str, object]] = [
    {"type": "sound_effect", "layout": "background", "id": 1, "action": "begin", "description": "rain", "volume": -35},
    {"type": "speech", "character": "Ann", "description": "Hello there."},
    {"type": "sound_effect", "description": "a door", "volume": -20},
    {"type": "speech", "character": "Bob", "description": "Who is it?"},
    {"type": "sound_effect", "layout": "background", "id": 1, "action": "end"},
]


def scene_of(folder: Path, rows: list[dict[str, object]], **settings: object) -> Scene:
    scene = Scene(folder / "scene")
    scene.folder.mkdir(exist_ok=True)
    scene.write_settings(Settings.model_validate({"title": "Test", **settings}))
    scene.write_script(script_of(rows))
    return scene


def finish(scene: Scene, **options: object) -> Finished:
    last = list(render(scene, **options))[-1]  # type: ignore[arg-type]
    assert isinstance(last, Finished)
    return last


def changed(row: int, **cells: object) -> list[dict[str, object]]:
    return [{**cells_of_row, **cells} if n == row else cells_of_row for n, cells_of_row in enumerate(ROWS)]


def test_a_scene_becomes_a_mix_with_stems_and_a_receipt(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS)
    finished = finish(scene)
    assert (finished.rows, finished.synthesized, finished.failed) == (5, 4, [])
    mix, sample_rate = soundfile.read(scene.mix_path, always_2d=True)
    assert sample_rate == 48_000
    stems = sum(
        soundfile.read(scene.stems_dir / f"{bus}.wav", always_2d=True)[0] for bus in ("speech", "music", "effects")
    )
    assert np.abs(mix - stems).max() < 1e-6
    manifest = json.loads(scene.manifest_path.read_text("utf-8"))
    assert manifest["format"] == "talescape-scene/1"
    assert manifest["duration_s"] == pytest.approx(len(mix) / sample_rate)
    assert [row["row"] for row in manifest["rows"]] == ["r01", "r02", "r03", "r04"]
    assert all((scene.folder / row["clip"]).is_file() for row in manifest["rows"])
    assert {row["engine"] for row in manifest["rows"]} == {"toy-speech", "toy-sounds"}


def test_a_second_render_synthesizes_nothing_and_gives_the_same_mix(tmp_path: Path, toy_engines: list[str]) -> None:
    scene = scene_of(tmp_path, ROWS)
    finish(scene)
    first = scene.mix_path.read_bytes()
    toy_engines.clear()
    assert finish(scene).synthesized == 0
    assert toy_engines == []
    assert scene.mix_path.read_bytes() == first


@pytest.mark.parametrize(
    ("rows", "made"),
    [
        (changed(1, description="Hello, everybody in here!"), ["Hello, everybody in here!"]),
        (changed(2, description="a window"), ["a window"]),
        (changed(2, volume=-30, start=1.5, pan=0.5, note="softer"), []),
        (changed(0, volume=-45), []),
        ([*ROWS, {"type": "speech", "character": "Ann", "description": "New."}], ["New."]),
        (ROWS[1:4], []),
    ],
    ids=["words", "effect", "placing", "bed level", "a new row", "rows deleted"],
)
def test_only_what_changed_is_made_again(
    rows: list[dict[str, object]], made: list[str], tmp_path: Path, toy_engines: list[str]
) -> None:
    keyed = [{**row, "row": f"r{number + 1:02d}"} for number, row in enumerate(ROWS)]
    scene = scene_of(tmp_path, keyed)
    finish(scene)
    toy_engines.clear()
    keys = {json.dumps([row.get("type"), row.get("action"), row.get("character")]): row["row"] for row in keyed}
    rekeyed = [
        {**row, "row": keys.get(json.dumps([row.get("type"), row.get("action"), row.get("character")]), "r09")}
        for row in rows
    ]
    if len(rows) == 6:
        rekeyed[5]["row"] = "r09"
    scene.write_script(script_of(rekeyed))
    planned = plan_render(scene)
    assert len(planned.synthesize) == len(made)
    assert toy_engines == []  # a dry run makes nothing
    assert finish(scene).synthesized == len(made)
    assert toy_engines == made


def test_a_new_neighbour_changes_no_sound(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, [{**row, "row": f"r{n:02d}"} for n, row in enumerate(ROWS, 1)])
    finish(scene)
    before = {path.name: path.read_bytes() for path in scene.clips_dir.glob("*.wav")}
    scene.write_script(script_of([{"type": "music", "description": "tune", "row": "r00"}, *scene_rows(scene)]))
    finish(scene)
    after = {path.name: path.read_bytes() for path in scene.clips_dir.glob("*.wav")}
    assert before.items() <= after.items() and len(after) == len(before) + 1


def scene_rows(scene: Scene) -> list[dict[str, object]]:
    from composer.script import row_cells

    return [row_cells(row) for row in scene.read_script()[0].rows]


def test_only_named_rows_are_made_with_only(tmp_path: Path, toy_engines: list[str]) -> None:
    scene = scene_of(tmp_path, ROWS)
    planned = plan_render(scene, only=["r03"])
    assert (planned.synthesize, planned.cached) == (["r03"], [])
    finished = finish(scene, only=["r03"])
    assert toy_engines == ["a door"]
    assert {fault.row for fault in finished.warnings} >= {"r01", "r02", "r04"}
    finish(scene)
    toy_engines.clear()
    assert finish(scene, only=["r02"], fresh=True).synthesized == 1
    assert toy_engines == ["Hello there."]
    with pytest.raises(SceneInvalid, match="r99.*r01, r02, r03, r04"):
        list(render(scene, only=["r99"]))


@pytest.mark.parametrize(
    ("words", "reason"),
    [("CRASH", "ZeroDivisionError: the toy crashed"), ("NAN", "not finite"), ("SILENCE", "silence")],
)
def test_a_failing_row_is_told_and_the_others_are_rendered(words: str, reason: str, tmp_path: Path) -> None:
    scene = scene_of(tmp_path, changed(1, description=words))
    finished = finish(scene)
    assert [fault.row for fault in finished.failed] == ["r02"]
    assert reason in finished.failed[0].message
    assert finished.synthesized == 3 and scene.mix_path.is_file()


def test_an_engine_that_hangs_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALESCAPE_ROW_LIMIT_S", "0.2")
    finished = finish(scene_of(tmp_path, changed(1, description="HANG")))
    assert "gave nothing within 0.2 s" in finished.failed[0].message
    assert finished.synthesized == 3


def test_when_every_row_fails_nothing_is_mixed(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, [{"type": "speech", "character": "Ann", "description": "CRASH"}])
    with pytest.raises(RenderFailed, match="r01"):
        list(render(scene))
    assert not scene.mix_path.exists()


def test_what_no_engine_can_make_is_a_fault_of_its_row(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, changed(2, description="unheard-of noise"))
    rows, faults = check(scene)
    assert rows == 5
    assert [(fault.row, fault.column, fault.severity) for fault in faults] == [("r03", "description", "error")]
    assert [fault.row for fault in finish(scene).failed] == ["r03"]


@pytest.mark.parametrize(
    ("row", "cells", "column", "way_out"),
    [
        (1, {"description": "你好"}, "description", "ASCII"),
        (1, {"voice": "zoe"}, "voice", "ann, bob, cy"),
        (1, {"engine": "nosuch"}, "engine", "toy-speech"),
        (2, {"engine": "nosuch"}, "engine", "toy-sounds"),
        (2, {"source": "../secret.wav"}, "source", "outside"),
        (2, {"source": "/etc/passwd"}, "source", "outside"),
        (2, {"source": "missing.wav"}, "source", "not in the scene folder"),
    ],
)
def test_check_names_row_column_and_way_out(
    row: int, cells: dict[str, object], column: str, way_out: str, tmp_path: Path
) -> None:
    _, faults = check(scene_of(tmp_path, changed(row, **cells)))
    errors = [fault for fault in faults if fault.severity == "error"]
    assert [(fault.row, fault.column) for fault in errors] == [(f"r{row + 1:02d}", column)]
    assert way_out in errors[0].message


def test_a_link_does_not_lead_out_of_the_scene(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, changed(2, source="link.wav"))
    (tmp_path / "outside.wav").write_bytes(b"RIFF")
    (scene.folder / "link.wav").symlink_to(tmp_path / "outside.wav")
    _, faults = check(scene)
    assert "outside" in faults[0].message


def test_a_source_is_used_as_it_is_and_a_new_one_is_noticed(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, changed(2, source="door.wav"))
    soundfile.write(scene.folder / "door.wav", np.full((24_000, 2), 0.1), 24_000)
    finish(scene)
    soundfile.write(scene.folder / "door.wav", np.full((24_000, 2), 0.2), 24_000)
    assert plan_render(scene).synthesize == ["r03"]
    (scene.folder / "door.wav").write_bytes(b"not audio")
    finished = finish(scene)
    assert finished.failed[0].column == "source" and "door.wav" in finished.failed[0].message


def test_voices_are_cast_once_and_kept_with_the_comments_of_scene_toml(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS)
    scene.settings_path.write_text('# my scene\ntitle = "Test"\n[cast]\nBob = "cy"  # gruff\n')
    finish(scene)
    text = scene.settings_path.read_text()
    assert "# my scene" in text and "# gruff" in text
    cast = scene.read_settings().cast
    assert cast["Bob"] == "cy" and cast["Ann"] in {"ann", "bob"}


def test_a_cast_voice_that_nobody_has_is_a_fault_of_the_characters_rows(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS, cast={"Ann": "af_nobody"})
    _, faults = check(scene)
    assert [(fault.row, fault.column) for fault in faults] == [("r02", "character")]
    assert "ann, bob, cy" in faults[0].message


def test_damaged_clips_are_made_again(tmp_path: Path, toy_engines: list[str]) -> None:
    scene = scene_of(tmp_path, ROWS)
    finish(scene)
    wavs = sorted(scene.clips_dir.glob("*.wav"))
    wavs[0].write_bytes(wavs[0].read_bytes()[:1000])
    wavs[1].with_suffix(".json").write_text("{")
    toy_engines.clear()
    assert finish(scene).synthesized == 2


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS)
    scene.clips_dir.mkdir()
    (scene.clips_dir / "abc.wav.part").write_bytes(b"half")
    finish(scene)
    assert not list(scene.folder.rglob("*.part"))


def test_two_renders_at_once_are_refused(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS)
    with scene.locked(), pytest.raises(SceneInvalid, match="another process"):
        list(render(scene))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("title = ", "scene.toml"),
        ("volume = 3", "volume: no such setting"),
        ("[mix]\nloudness_lufs = 5", "mix.loudness_lufs"),
        ("[mix]\nroom = 'ballroom'", "mix.room"),
        ("seed = -1", "seed"),
    ],
)
def test_faulty_settings_name_their_key(text: str, place: str, tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS)
    scene.settings_path.write_text(text)
    with pytest.raises(SceneInvalid, match=place):
        list(render(scene))


def test_a_faulty_table_renders_nothing_and_keeps_the_old_mix(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS)
    finish(scene)
    before = scene.mix_path.read_bytes()
    scene.script_path.write_text("type,description,volume\nspeech,hello,loud\n")
    with pytest.raises(ScriptInvalid, match="row r01, volume"):
        list(render(scene))
    assert scene.mix_path.read_bytes() == before and scene.manifest_path.is_file()


def test_new_keys_are_written_back_so_that_they_stay(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, ROWS)
    text = scene.script_path.read_text()
    scene.script_path.write_text(text.replace("r03,", ",", 1))
    finish(scene)
    assert [row.row for row in scene.read_script()[0].rows] == ["r01", "r02", "r06", "r04", "r05"]
    assert scene.read_script()[1] == []


def test_a_full_disk_is_told_and_what_was_made_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from composer import clips

    scene = scene_of(tmp_path, ROWS)
    written: list[Path] = []
    write = clips.write_clip

    def write_until_full(clip: object, path: Path) -> None:
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write(clip, path)  # type: ignore[arg-type]

    monkeypatch.setattr(clips, "write_clip", write_until_full)
    with pytest.raises(ComposerError, match="r03.*No space left.*kept"):
        list(render(scene))
    monkeypatch.undo()
    assert len(list(scene.clips_dir.glob("*.wav"))) == 2


def test_events_tell_each_row(tmp_path: Path) -> None:
    events = list(render(scene_of(tmp_path, changed(2, description="CRASH"))))
    assert [event.row for event in events if isinstance(event, RowDone)] == ["r01", "r02", "r04"]
    assert [event.fault.row for event in events if isinstance(event, RowFailed)] == ["r03"]


@pytest.mark.parametrize("room", ["none", "hall"])
def test_a_rendered_scene_holds_what_its_table_and_manifest_say(room: str, tmp_path: Path) -> None:
    """By other means than the mixer's own: pyloudnorm, scipy's resampling, correlation of clips with stems."""
    rows = [*changed(2, duration=1.5, pan=0.7, start=-0.4), {"type": "music", "description": "a tune", "volume": -24}]
    scene = scene_of(tmp_path, rows, mix={"room": room})
    finished = finish(scene)
    measured = evaluate(scene.folder)
    assert measured.rows == measured.rows_measured == 5
    assert measured.row_error_worst_lu is not None and measured.row_error_worst_lu < 0.2
    assert measured.master_error_lu < 0.2 and measured.master_lufs == pytest.approx(finished.loudness_lufs, abs=0.1)
    if measured.master_error_by_ffmpeg_lu is not None:
        assert measured.master_error_by_ffmpeg_lu <= 0.1
    assert measured.true_peak_dbtp <= -1.0
    assert measured.stems_against_mix_dbfs < -120.0
    assert measured.starts_measured == 4
    if room == "none":  # a tone in a hall resembles its dry self at another phase
        assert measured.start_error_worst_samples == 0
