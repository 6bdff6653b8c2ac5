"""A render that dies at any change it makes to the disk: each step is tried in turn, with toy engines."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import warnings
from pathlib import Path

import pytest

from composer.render import render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings

pytestmark = [
    pytest.mark.usefixtures("toy_engines"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked child"),
]

MIXED = ("stems/speech.wav", "stems/music.wav", "stems/effects.wav", "mix.wav")
OLD: list[dict[str, object]] = [
    {"row": "r01", "type": "speech", "character": "Ann", "description": "Hello."},
    {"row": "r02", "type": "sound_effect", "description": "a door"},
]
NEW: list[dict[str, object]] = [
    *OLD,
    {"row": "r03", "type": "music", "description": "a tune"},
    {"row": "r04", "type": "speech", "character": "Bob", "description": "Who is it?"},
]


def hashes(scene: Scene) -> dict[str, str]:
    paths = [*scene.folder.rglob("*.wav"), *scene.folder.glob("manifest.json")]
    return {path.relative_to(scene.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def scene_in(folder: Path) -> Scene:
    scene = Scene(folder / "scene")
    scene.folder.mkdir(parents=True)
    scene.write_settings(Settings(title="Crash", cast={"Ann": "ann"}))
    scene.write_script(script_of(OLD))
    list(render(scene))
    return scene


def dies_at(step: int, scene: Scene) -> bool:
    """Renders in a child that kills itself in place of its change number `step`; False when there were fewer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn of forks beside threads
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = step

    def deadly(change: object) -> object:
        def changed(*arguments: object, **options: object) -> object:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return change(*arguments, **options)  # type: ignore[operator]

        return changed

    signal.alarm(60)
    for name in ("replace", "fsync", "unlink", "truncate"):
        setattr(os, name, deadly(getattr(os, name)))
    try:
        list(render(scene))
        os._exit(0)
    finally:
        os._exit(1)


def test_whatever_change_is_the_last_nothing_is_half(tmp_path: Path) -> None:
    undisturbed = scene_in(tmp_path / "undisturbed")
    old = hashes(undisturbed)
    undisturbed.write_script(script_of(NEW))
    list(render(undisturbed))
    new = hashes(undisturbed)
    step, without_receipt = 0, 0
    while True:
        scene = scene_in(tmp_path / f"at-{step}")
        scene.write_script(script_of(NEW))
        if not dies_at(step, scene):
            break
        found = hashes(scene)
        assert all(content in (old.get(name), new.get(name)) for name, content in found.items()), step
        if "manifest.json" in found:
            version = old if found["manifest.json"] == old["manifest.json"] else new
            assert all(found[name] == version[name] for name in MIXED), step
        without_receipt += "manifest.json" not in found
        cast = scene.read_settings().cast
        assert cast["Ann"] == "ann" and len(cast) <= 2
        assert [row.row for row in scene.read_script()[0].rows] == ["r01", "r02", "r03", "r04"]
        list(render(scene))
        assert hashes(scene) == new and not list(scene.folder.rglob("*.part"))
        step += 1
    assert json.loads(scene.manifest_path.read_text("utf-8"))["rows"]
    assert step > 20 and without_receipt >= 8  # four files flushed and named, the manifest too
