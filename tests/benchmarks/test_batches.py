"""Batches: scenes an hour with one and two workers, local and Ray, from a cold and a warm store, memory, and a campaign
of kills. Ray's part is left out where it is not installed.

The same 24 scenes with the bundled engines in one run: each has two lines of its own and an opening that all share.
One worker takes all cores for speech, so two are held against one worker on one core, too (`taskset`, Linux).
TALESCAPE_BATCH_SCENES and TALESCAPE_BATCH_KILLS make both smaller.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parent.parent.parent
N_SCENES = int(os.environ.get("TALESCAPE_BATCH_SCENES", "24"))
N_KILLS = int(os.environ.get("TALESCAPE_BATCH_KILLS", "50"))
THINGS = (
    "boat",
    "clock",
    "door",
    "garden",
    "ladder",
    "lamp",
    "letter",
    "mountain",
    "piano",
    "river",
    "shadow",
    "train",
)


def manifest(folder: Path) -> Path:
    lines = []
    for number in range(N_SCENES):
        thing = THINGS[number % len(THINGS)]
        rows: list[dict[str, object]] = [
            {
                "type": "music",
                "layout": "background",
                "action": "begin",
                "id": 1,
                "description": "calm piano",
                "seed": 1,
            },
            {"type": "speech", "character": "Narrator", "description": "Welcome back to our little evening series."},
            {"type": "sound_effect", "description": "a door knock"},
            {
                "type": "speech",
                "character": "Ann",
                "description": f"Tonight I tell you of the {thing}, story {number}.",
            },
            {
                "type": "speech",
                "character": "Bob",
                "description": f"I never liked that {thing}, number {number} least.",
            },
            {"type": "music", "layout": "background", "action": "end", "id": 1},
        ]
        (folder / f"{number}.json").write_text(json.dumps(rows))
        lines.append(json.dumps({"name": f"scene-{number:02d}", "table": f"{number}.json"}))
    path = folder / "scenes.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def timed(scenes: Path, folder: Path, *flags: str, on_core: int | None = None) -> tuple[float, dict[str, Any]]:
    command = [sys.executable, "-m", "cli", "batch", str(scenes), "-o", str(folder), "--offline", "--json", *flags]
    command = command if on_core is None else ["taskset", "-c", str(on_core), *command]
    begun_s = time.perf_counter()
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - begun_s, json.loads(done.stdout)


def test_scenes_an_hour(benchmark: Any, tmp_path: Path) -> None:
    scenes = manifest(tmp_path)
    took_s: dict[str, float] = {}

    def run(name: str, *flags: str, on_core: int | None = None) -> None:
        folder = tmp_path / name
        took_s[name], done = timed(scenes, folder, *flags, on_core=on_core)
        assert (done["done"], done["failed"]) == (N_SCENES, [])
        memory_mb = max(line["peak_memory_mb"] for line in done["results"])
        speed = N_SCENES / took_s[name] * 3600
        made = f"{done['synthesized']} clips made, {done['shared']} shared"
        print(f"\n{name}: {took_s[name]:.1f} s, {speed:.0f} scenes/h, {made}, {memory_mb} MB a worker at most")

    def run_all() -> None:
        for executor in ("local", *(["ray"] if find_spec("ray") else [])):
            for n_workers in (1, 2):
                name = f"{executor}-{n_workers}"
                run(name, "--workers", str(n_workers), "--executor", executor)
                shutil.copytree(tmp_path / name / "store", tmp_path / f"{name}-warm" / "store")
                run(f"{name}-warm", "--workers", str(n_workers), "--executor", executor)
            for heat in ("", "-warm"):
                ratio = took_s[f"{executor}-1{heat}"] / took_s[f"{executor}-2{heat}"]
                print(f"{executor}{heat}: two workers {ratio:.2f} times as fast as one with both cores")
        run("one-core", "--workers", "1", on_core=min(os.sched_getaffinity(0)))
        ratio = took_s["one-core"] / took_s["local-2"]
        print(f"local: two workers {ratio:.2f} times as fast as one with one core, efficiency {ratio / 2:.2f}")

    benchmark.pedantic(run_all, rounds=1)


def test_a_campaign_of_kills(benchmark: Any) -> None:
    """The kill test of the suite with many more kills; it prints what was lost and what was made twice."""
    test = "tests/cli/test_batch.py::test_kills_of_workers_and_parents_lose_and_spoil_nothing"
    environment = {**os.environ, "TALESCAPE_BATCH_KILLS": str(N_KILLS)}

    def campaign() -> None:
        command = [sys.executable, "-m", "pytest", "-q", "-s", test]
        done = subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True)
        print("\n" + "\n".join(line for line in done.stdout.splitlines() if "killed;" in line))
        assert done.returncode == 0, done.stdout[-3000:]

    benchmark.pedantic(campaign, rounds=1)
