"""A rendered toy scene for the tests of exports: every kind of row, pans, overlaps, loops, stereo, awkward names."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from composer.beds import Segment
from composer.exports.rendered import Rendered
from composer.render import render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import MixSettings, Settings

RATE = 48_000
TITLE = 'The <Bell> & "Ann\'s" Söhne; a=1 #2 \\o/'
ROWS: list[dict[str, object]] = [
    {"type": "music", "layout": "background", "id": 1, "action": "begin", "description": "calm <piano> & strings.",
     "start": -1},
    {"type": "speech", "character": "Ann & Söhne", "start": 1.00007,
     "description": "Good evening, and welcome. Tonight, three of us go down into the old mine; nobody else may know."},
    {"type": "sound_effect", "description": "a heavy door.", "duration": 0.5, "pan": -0.5},
    {"type": "music", "layout": "background", "id": 1, "action": "end"},
    {"type": "sound_effect", "layout": "background", "id": 2, "action": "begin", "description": "water drips",
     "pan": 0.3},
    {"type": "speech", "character": "Bob", "description": 'She said "go" > and left.', "pan": 0.4},
    {"type": "speech", "character": "Cy", "description": "No.", "start": -0.4},
    {"type": "sound_effect", "description": "a bell", "source": "bell.wav", "pan": 0.25, "start": -0.2,
     "duration": 0.5},
    {"type": "speech", "character": "Bob", "description": "Who is there, down in the dark, and why?", "pan": -1},
    {"type": "sound_effect", "layout": "background", "id": 2, "action": "end"},
    {"type": "music", "description": "a short fanfare"},
]  # fmt: skip
SETTINGS = Settings(title=TITLE, clean="never", mix=MixSettings(room="none", loudness_lufs=-32.0))
"""No room and so quiet that the limiter rests: the dry rows are what the mix is made of."""


@cache
def _kept() -> Path:
    """Rendered once for all tests of a run."""
    folder = Path(tempfile.mkdtemp(prefix="talescape-exports-")) / "toy scene"
    scene_of(folder, ROWS, SETTINGS)
    return folder


def scene_of(folder: Path, rows: list[dict[str, object]], settings: Settings = SETTINGS) -> Scene:
    """A scene rendered with toy engines."""
    from composer import orders
    from models import engines

    sounds = {"toy-sounds": "toys:ToySounds"}
    registry = {"speech": {"toy-speech": "toys:ToySpeech"}, "music": sounds, "sound_effect": sounds}
    caches = (engines.speech_engine, engines.sound_engine, orders._is_ready)
    scene = Scene(folder)
    folder.mkdir(parents=True)
    _write_bell(folder / "bell.wav")
    scene.write_settings(settings)
    scene.write_script(script_of(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("composer.cleaning.checkpoint_version", lambda: None)
        patch.setattr(engines, "REGISTRY", registry)
        for each in caches:
            each.cache_clear()
        assert list(render(scene))
    for each in caches:
        each.cache_clear()
    return scene


def _write_bell(path: Path) -> None:
    """Two unlike channels, 0.7 s."""
    rng = np.random.default_rng(4)
    decay = np.exp(-np.arange(round(0.7 * RATE)) / 9_000.0)[:, None]
    soundfile.write(path, 0.2 * rng.standard_normal((len(decay), 2)) * decay, RATE, subtype="FLOAT")


def toy_scene(folder: Path) -> Scene:
    """A copy of the rendered scene that a test may spoil."""
    return Scene(Path(shutil.copytree(_kept(), folder / "toy scene")))


def manifest_of(scene: Scene) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(scene.manifest_path.read_text("utf-8"))
    return manifest


def manifest_rows(scene: Scene) -> dict[str, dict[str, Any]]:
    return {row["row"]: row for row in manifest_of(scene)["rows"]}


def joined(rendered: Rendered) -> Rendered:
    """The scene with its music bed made of two pieces from the middle of its clip, as composed music is."""
    row = next(row for row in rendered.rows if row.row == "r01")
    pieces = (Segment(2_001, 0, 40_000, 0, 1_440), Segment(70_007, 38_560, row.n_samples - 38_560, 1_440, 0))
    clip = replace(row.placement.clip, n_samples=pieces[1].file_offset + pieces[1].n_samples)
    made = replace(row, placement=replace(row.placement, segments=pieces, clip=clip))
    return replace(rendered, rows=tuple(made if each is row else each for each in rendered.rows))
