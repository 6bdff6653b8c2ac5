"""The engines of the default install: a scene is the same to the bit in a batch and alone, whatever the workers.

Speech by Kokoro, a computed effect, composed music, a bundled clip, and a recording that CLIPSep cleans; with one
worker and with two, each with other numbers of threads, rendered alone with three threads, and by Ray where it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from batching import sounds

from models.clip import Clip, write_clip

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="counts on spawned workers"), pytest.mark.slow]
LINES = {"one": "Who is there?", "two": "Only the rain."}


def manifest(folder: Path) -> Path:
    random, time_s = np.random.default_rng(3), np.arange(2 * 16_000) / 16_000
    barks = np.sin(2 * np.pi * 500 * time_s) * (np.sin(2 * np.pi * 2 * time_s) > 0.7)
    noisy = (0.3 * barks + 0.05 * random.standard_normal(len(time_s))).astype(np.float32)
    write_clip(Clip(noisy[None], 16_000), folder / "yard.wav")
    specs = []
    for name, words in LINES.items():
        rows: list[dict[str, object]] = [
            {"type": "music", "layout": "background", "action": "begin", "id": 1, "description": "calm piano"},
            {"type": "speech", "character": "Ann", "description": words},
            {"type": "sound_effect", "description": "a door knock", "duration": 1, "engine": "procedural"},
            {"type": "sound_effect", "description": "cymbal crash", "duration": 1, "engine": "library"},
            {"type": "sound_effect", "description": "dog barking", "source": "yard.wav"},
            {"type": "music", "layout": "background", "action": "end", "id": 1},
        ]
        (folder / f"{name}.json").write_text(json.dumps(rows))
        specs.append(json.dumps({"name": name, "table": f"{name}.json", "clean": "always", "seed": 5}))
    path = folder / "scenes.jsonl"
    path.write_text("\n".join(specs) + "\n")
    return path


def run(*words: str, threads: int | None = None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    done = subprocess.run([sys.executable, "-m", "cli", *words, "--json"], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_scenes_are_equal_to_the_bit_with_one_worker_two_alone_and_by_ray(tmp_path: Path) -> None:
    scenes = manifest(tmp_path)
    made = {}
    ways = {"local-1": ("--workers", "1"), "local-2": ("--workers", "2")}
    if find_spec("ray"):
        ways["ray-2"] = ("--workers", "2", "--executor", "ray")
    for way, flags in ways.items():
        run("batch", str(scenes), "-o", str(tmp_path / way), "--offline", *flags)
        made[way] = sounds(tmp_path / way)
    alone = tmp_path / "local-1"
    cleaned = [json.loads(path.read_text()).get("cleaning") for path in (alone / "one" / "clips").glob("*.json")]
    assert sum(bool(each and each["used"]) for each in cleaned) == 1
    ours = {place: content for place, content in made["local-1"].items() if place.startswith("one/")}
    for path in [*alone.glob("one/*.wav"), *alone.glob("one/clips/*.wav"), *alone.glob("one/stems/*.wav")]:
        if path.name != "yard.wav":
            path.unlink()
    run("render", str(alone / "one"), threads=3)
    for way in list(ways)[1:]:
        assert made[way] == made["local-1"], way
    again = {place: content for place, content in sounds(alone).items() if place.startswith("one/")}
    assert again == ours and len(ours) == 5 + 4 + 1  # clips, stems and mix, and the recording
