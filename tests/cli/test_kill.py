"""Killing a render: at any moment no file looks finished that is not, and the next render goes on to the same sound.

Real `talescape render` processes are killed with SIGKILL at random moments of each phase. The scene was rendered once
as version "old" and then edited to version "new"; two undisturbed renders say what every file of either must hold.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile
from toys import installed_toys

from composer.cells import COLUMNS
from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings

HOUSE = Path(__file__).parent.parent.parent
MIXED = ("stems/speech.wav", "stems/music.wav", "stems/effects.wav", "mix.wav")
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX thing")


def rows(*, effect_db: float, last_line: str) -> list[dict[str, object]]:
    music = {"type": "music", "layout": "background", "id": 1}
    rain = {"type": "sound_effect", "layout": "background", "id": 1}
    events = ["a door knock", "thunder", "footsteps on gravel", "glass breaking", "applause"]
    return [
        {**music, "action": "begin", "description": "calm piano", "volume": -32, "duration": 10},
        {**rain, "action": "begin", "description": "rain", "volume": -38},
        {"type": "speech", "character": "Ann", "description": "Somebody is at the door, and it is raining."},
        *({"type": "sound_effect", "description": words, "volume": effect_db} for words in events),
        {"type": "speech", "character": "Bob", "description": last_line},
        {**rain, "action": "end"},
        {**music, "action": "end"},
    ]


OLD = rows(effect_db=-24.0, last_line="That was it.")
NEW = rows(effect_db=-20.0, last_line="That was it, and it ended otherwise than they thought.")


@dataclass(frozen=True)
class House:
    """The scene after its old version was rendered, and what its files hold after undisturbed renders of both."""

    scene: Scene
    old: dict[str, str]
    new: dict[str, str]
    environment: dict[str, str]


def hashes(folder: Path) -> dict[str, str]:
    """The content of every sound and of the manifest, by its place in the scene."""
    paths = [*folder.rglob("*.wav"), *folder.glob("manifest.json")]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def write_table(scene: Scene, raw: list[dict[str, object]]) -> None:
    scene.write_script(script_of([{**row, "row": f"r{number:02d}"} for number, row in enumerate(raw, 1)]))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("kill")
    environment = installed_toys(folder / "toys").variables
    scene = Scene(folder / "scene")
    scene.folder.mkdir()
    engines = {"speech": "toy-speech", "music": "composed", "sound_effect": "procedural"}
    scene.write_settings(Settings.model_validate({"title": "Kill", "engines": engines}))
    write_table(scene, OLD)
    finish(scene, environment)
    undisturbed = Scene(folder / "undisturbed" / "scene")
    shutil.copytree(scene.folder, undisturbed.folder)
    old = hashes(undisturbed.folder)
    write_table(undisturbed, NEW)
    finish(undisturbed, environment)
    new = hashes(undisturbed.folder)
    assert all(old[name] != new[name] for name in ("mix.wav", "manifest.json"))
    return House(scene, old, new, environment)


def start(scene: Scene, environment: dict[str, str], *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cli", "render", str(scene.folder), *flags]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(scene: Scene, environment: dict[str, str]) -> None:
    process = start(scene, environment)
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, told.decode()


def assert_nothing_is_half(house: House) -> None:
    """Every file under its final name is whole and true to the old version or the new one."""
    folder = house.scene.folder
    found = hashes(folder)
    for name, content in found.items():
        if name.endswith(".wav"):
            with soundfile.SoundFile(folder / name) as file:
                frame_bytes = {"FLOAT": 4, "PCM_24": 3}[file.subtype] * file.channels
                assert file.frames * frame_bytes <= (folder / name).stat().st_size, name
        assert content in (house.old.get(name), house.new.get(name)), f"{name} is neither the old file nor the new one"
    if "manifest.json" in found:
        version = house.old if found["manifest.json"] == house.old["manifest.json"] else house.new
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        for name in [*MIXED, *(row["clip"] for row in manifest["rows"])]:
            assert found.get(name) == version[name], f"the manifest is there, and {name} is not what it tells of"
    with (folder / "script.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert tuple(lines[0]) == COLUMNS and len(lines) == 1 + len(NEW)
    assert tomllib.loads((folder / "scene.toml").read_text("utf-8"))["title"] == "Kill"


def clips(scene: Scene) -> set[int]:
    """The files under clips' final names; one that is made again is another file."""
    folder = scene.clips_dir
    return {entry.inode() for entry in os.scandir(folder) if entry.name.endswith(".wav")} if folder.is_dir() else set()


def synthesis_begins(scene: Scene) -> Callable[[], bool]:
    before = clips(scene)
    return lambda: clips(scene) != before


def mixing_begins(scene: Scene) -> Callable[[], bool]:
    return lambda: (scene.stems_dir / "speech.wav.part").exists()


def mastering_begins(scene: Scene) -> Callable[[], bool]:
    """The master writes the mix, which is a hole in the disk until then (one block of 4 kB holds its header)."""
    unfinished = scene.mix_path.with_name("mix.wav.part")
    return lambda: unfinished.exists() and unfinished.stat().st_blocks > 64


def writing_begins(scene: Scene) -> Callable[[], bool]:
    """The first stem gets its name: a new file stands under it."""
    stem = scene.stems_dir / "speech.wav"
    before = stem.stat().st_ino if stem.exists() else 0
    return lambda: stem.exists() and stem.stat().st_ino != before


def at_once(scene: Scene) -> Callable[[], bool]:
    return lambda: True


PHASES = {  # phase -> (what is waited for, the longest wait after it, flags)
    "start": (at_once, 1.0, []),
    "synthesis": (synthesis_begins, 1.5, []),
    "synthesis again": (synthesis_begins, 1.5, ["--fresh"]),
    "mixing": (mixing_begins, 0.15, []),
    "mastering": (mastering_begins, 0.1, []),
    "writing": (writing_begins, 0.004, []),
}
KILLS = {"start": 3, "synthesis": 4, "synthesis again": 2, "mixing": 4, "mastering": 4, "writing": 3}


@pytest.mark.slow
def test_twenty_kills_leave_nothing_half_and_the_render_goes_on(house: House) -> None:
    """After each kill every file is looked at; after the last a render ends undisturbed."""
    assert sum(KILLS.values()) == 20
    dice = random.Random(2026)
    write_table(house.scene, NEW)
    died = 0
    for phase, (waits_for, at_most_s, flags) in PHASES.items():
        for _ in range(KILLS[phase]):
            if phase == "synthesis":  # as in a new scene
                shutil.rmtree(house.scene.clips_dir)
                house.scene.manifest_path.unlink(missing_ok=True)
            begins = waits_for(house.scene)
            process = start(house.scene, house.environment, *flags)
            given_up_s = time.monotonic() + PATIENCE_S
            while process.poll() is None and not begins() and time.monotonic() < given_up_s:
                time.sleep(0.0005)
            time.sleep(dice.uniform(0.0, at_most_s))
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE_S)
            died += process.returncode == -signal.SIGKILL
            assert process.returncode in (0, -signal.SIGKILL), phase
            assert_nothing_is_half(house)
    assert died >= 15  # a few are over before the signal reaches them
    finish(house.scene, house.environment)
    after = hashes(house.scene.folder)
    assert all(content == house.new[name] for name, content in after.items())
    made = [row["clip"] for row in json.loads(house.scene.manifest_path.read_text("utf-8"))["rows"]]
    assert {*MIXED, *made, "manifest.json"} <= set(after)
    assert not list(house.scene.folder.rglob("*.part"))
