"""What is exported is what was rendered: scenes edited since, spoiled or never rendered are refused, with the row."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_type_hints

import pytest
from exporting import ROWS, SETTINGS, manifest_of, manifest_rows, scene_of, toy_scene

import cli
from composer.errors import ExportFailed, SceneInvalid, ScriptInvalid
from composer.exports.export import FORMATS, export_scene
from composer.exports.rendered import read_rendered
from composer.scene import Scene
from composer.settings import MixSettings


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return toy_scene(tmp_path)


def edit(scene: Scene, row: str, **cells: str) -> None:
    """Changes cells of the table as a hand does."""
    with scene.script_path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for each in rows:
        if each["row"] == row:
            each.update(cells)
    with scene.script_path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_rows_are_those_of_the_manifest_with_their_cuts_loops_and_fades(scene: Scene) -> None:
    rendered = read_rendered(scene)
    told = manifest_rows(scene)
    assert [row.row for row in rendered.rows] == list(told)
    for row in rendered.rows:
        placement, wanted = row.placement, told[row.row]
        assert (placement.start_sample, placement.n_samples) == (wanted["start_sample"], wanted["n_samples"])
        assert placement.gain_db == pytest.approx(wanted["gain_db"], abs=0.0006) and placement.pan == wanted["pan"]
    by_row = {row.row: row.placement for row in rendered.rows}
    assert len(by_row["r01"].segments) > 1 and by_row["r01"].fade_in_samples > 0
    assert by_row["r05"].fade_out_samples > 0 and by_row["r05"].ducked and not by_row["r03"].fade_in_samples
    assert by_row["r08"].clip.n_channels == 2


def test_an_unknown_format_lists_the_choices(scene: Scene) -> None:
    with pytest.raises(
        ExportFailed, match="wav: formats are mp3, m4a, ogg, opus, flac, stems, clips, .*otio, png, svg"
    ):
        export_scene(scene, ["wav"])
    with pytest.raises(ExportFailed, match="no format: formats are"):
        export_scene(scene, [])
    assert not scene.export_dir.exists()


def test_the_help_names_every_format() -> None:
    told = get_type_hints(cli.export, include_extras=True)["to"].__metadata__[0].help
    assert told == f"Formats with commas between: {', '.join(FORMATS)}."


def test_a_scene_never_rendered_says_so_and_stays_as_it_is(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "planned")
    scene.folder.mkdir()
    scene.write_settings(SETTINGS)
    before = sorted(scene.folder.iterdir())
    for name in FORMATS:
        with pytest.raises(ExportFailed, match=r"has no finished mix; .* talescape render"):
            export_scene(scene, [name])
    assert sorted(scene.folder.iterdir()) == before
    with pytest.raises(SceneInvalid, match="there is no such scene folder"):
        export_scene(Scene(tmp_path / "nowhere"), ["srt"])


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("r02", {"description": "Good night."}),
        ("r02", {"character": "Anna"}),
        ("r06", {"voice": "cy"}),
        ("r06", {"pan": "0.2"}),
        ("r06", {"volume": "-20"}),
        ("r03", {"duration": "0.6"}),
        ("r05", {"start": "-3"}),
        ("r10", {"start": "2"}),
        ("r08", {"source": ""}),
        ("r11", {"seed": "9"}),
    ],
)
def test_an_edited_row_is_named(scene: Scene, row: str, cells: dict[str, str]) -> None:
    edit(scene, row, **cells)
    with pytest.raises(
        ExportFailed, match=r"^row r\d\d: .*since the last render; render again.* talescape render"
    ) as told:
        read_rendered(scene)
    assert row == "r10" or str(told.value).startswith(f"row {row}: was edited")


def test_a_recording_that_changed_or_went_is_an_edit(scene: Scene) -> None:
    bell = scene.folder / "bell.wav"
    bell.write_bytes(bell.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(ExportFailed, match="row r08: was edited since"):
        read_rendered(scene)
    bell.unlink()
    with pytest.raises(ExportFailed, match="row r08: 'bell.wav' is not in the scene folder"):
        read_rendered(scene)


def test_notes_and_the_title_may_change_without_a_render(scene: Scene) -> None:
    edit(scene, "r02", note="slower next time")
    scene.write_settings(SETTINGS.model_copy(update={"title": "Another"}))
    assert read_rendered(scene).title == "Another"


def test_rows_that_are_new_gone_or_moved_are_named(scene: Scene, tmp_path: Path) -> None:
    table = scene.script_path.read_text("utf-8")
    lines = table.splitlines(keepends=True)
    scene.script_path.write_text(table + "r20,speech,foreground,,Bob,,,One more.\n", "utf-8")
    with pytest.raises(ExportFailed, match="row r20: is new in the table and not in the mix"):
        read_rendered(scene)
    scene.script_path.write_text("".join(lines[:-1]), "utf-8")
    with pytest.raises(ExportFailed, match="row r11: is in the mix and no longer in the table"):
        read_rendered(scene)
    assert lines[6].startswith("r06") and lines[9].startswith("r09")
    scene.script_path.write_text("".join([*lines[:6], lines[9], *lines[7:9], lines[6], *lines[10:]]), "utf-8")
    with pytest.raises(
        ExportFailed, match="row r.*: by the table it begins at .* rows were moved since the last render"
    ):
        read_rendered(scene)


def test_settings_of_the_mix_and_the_cast_that_changed_are_named(scene: Scene) -> None:
    settings = scene.read_settings()
    scene.write_settings(settings.model_copy(update={"mix": MixSettings(room="hall", loudness_lufs=-32.0)}))
    with pytest.raises(ExportFailed, match="mix.room is 'hall' and was 'none' at the last render"):
        read_rendered(scene)
    scene.write_settings(settings)
    with scene.settings_path.open("a", encoding="utf-8") as file:
        file.write('\n[sections.One]\nroom = "hall"\n')
    with pytest.raises(ExportFailed, match="scene.toml: its sections were edited since the last render"):
        read_rendered(scene)
    scene.write_settings(settings.model_copy(update={"seed": 5}))
    with pytest.raises(ExportFailed, match="row r01: was edited"):
        read_rendered(scene)


def test_a_voice_given_since_to_a_character_is_told(scene: Scene, toy_engines: list[str]) -> None:
    settings = scene.read_settings()
    assert read_rendered(scene).rows
    other = next(name for name in ("ann", "bob", "cy") if name != settings.cast["Bob"])
    scene.write_settings(settings.model_copy(update={"cast": settings.cast | {"Bob": other}}))
    with pytest.raises(ExportFailed, match=f"row r06: 'Bob' is cast as '{other}' in scene.toml and spoken by"):
        read_rendered(scene)
    scene.write_settings(settings.model_copy(update={"cast": settings.cast | {"Bob": "af_heart"}}))
    assert read_rendered(scene).rows  # a voice of another engine


@pytest.mark.parametrize("suffix", [".wav", ".json"])
def test_a_missing_clip_names_the_row_in_every_format(scene: Scene, suffix: str) -> None:
    clip = scene.folder / manifest_rows(scene)["r06"]["clip"]
    clip.with_suffix(suffix).unlink()
    for name in FORMATS:
        with pytest.raises(ExportFailed, match=r"row r06: its clip clips/\w+\.wav is missing or broken"):
            export_scene(scene, [name])


def test_a_clip_that_is_no_sound_names_the_row_and_leaves_nothing(scene: Scene) -> None:
    clip = scene.folder / manifest_rows(scene)["r02"]["clip"]
    clip.write_bytes(b"x" * clip.stat().st_size)
    for name in ("srt", "clips", "clips-flac", "rpp", "dawproject"):
        with pytest.raises(SceneInvalid, match="row r02: its clip .* cannot be read"):
            export_scene(scene, [name])
    assert list(scene.export_dir.iterdir()) == []


def test_a_mix_that_is_not_the_manifests_is_refused(scene: Scene) -> None:
    scene.mix_path.write_bytes(scene.mix_path.read_bytes()[:-60_000])
    with pytest.raises(ExportFailed, match="mix.wav: has .* samples, its manifest tells"):
        read_rendered(scene)


def test_a_faulty_table_tells_its_faults(scene: Scene) -> None:
    edit(scene, "r02", volume="loud")
    with pytest.raises(ScriptInvalid, match="r02"):
        read_rendered(scene)


def test_rows_that_failed_at_the_render_are_left_out(tmp_path: Path) -> None:
    crashing: list[dict[str, object]] = [
        *ROWS[:3],
        {"type": "speech", "character": "Bob", "description": "CRASH"},
        ROWS[3],
    ]
    scene = scene_of(tmp_path / "partly", crashing)
    assert manifest_of(scene)["left_out"] == ["r04"]
    (path,) = export_scene(scene, ["labels"])
    assert len(path.read_text("utf-8").splitlines()) == 3


def test_a_scene_that_is_being_rendered_waits(scene: Scene) -> None:
    with scene.locked(), pytest.raises(SceneInvalid, match="by another process"):
        export_scene(scene, ["labels"])


def test_what_a_killed_export_left_is_swept_and_a_folder_is_replaced_whole(scene: Scene) -> None:
    (path,) = export_scene(scene, ["clips"])
    (path / "old.wav").write_bytes(b"from an export before")
    left = scene.export_dir / "toy scene-stems.part"
    left.mkdir()
    (left / "half.wav").write_bytes(b"half")
    assert export_scene(scene, ["clips", "clips"]) == [path]
    assert sorted(each.name for each in scene.export_dir.iterdir()) == ["toy scene-clips"]
    assert len(list(path.iterdir())) == 9


def test_the_same_scene_gives_the_same_bytes(scene: Scene) -> None:
    names = [name for name in FORMATS if name not in ("png", "svg", "m4a", "opus", "ogg")]
    first = {file: file.read_bytes() for path in export_scene(scene, names) for file in _files(path)}
    again = {file: file.read_bytes() for path in export_scene(scene, names) for file in _files(path)}
    assert len(first) > 30 and {file.name for file in first if first[file] != again[file]} == set()


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]
