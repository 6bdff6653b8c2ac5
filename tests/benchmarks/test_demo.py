"""What the demo costs by stage, and how fast the program starts.

Run: `python -m pytest tests/benchmarks/test_demo.py --benchmark-only -s -o addopts=`. Compute is CPU time of all
threads (user and system): unlike the clock, it is nearly the same on a machine that does other work besides.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from composer.brief import Brief
from composer.drafting import draft
from composer.render import Finished, Mixing, RowDone, render
from composer.scene import Scene

HOUSE = Path(__file__).parent.parent.parent
PROMPT = (HOUSE / "scripts_templates" / "mars_news.txt").read_text("utf-8")
STAGE_OF = {"kokoro": "speech", "composed": "music"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def seconds_of_sound(scene: Scene) -> dict[str, float]:
    """How much sound the clips of each stage hold."""
    import json

    manifest = json.loads(scene.manifest_path.read_text("utf-8"))
    sound: dict[str, float] = defaultdict(float)
    for row in manifest["rows"]:
        receipt = json.loads((scene.folder / row["clip"]).with_suffix(".json").read_text("utf-8"))
        sound[STAGE_OF.get(row["engine"], "effects")] += receipt["n_samples"] / manifest["sample_rate"]
    return sound


def test_the_demo_by_stage(benchmark: Any, folder: Path) -> None:
    compute: dict[str, float] = defaultdict(float)
    scene = Scene(folder / "mars-news")

    def whole() -> Finished:
        last, stage = time.process_time(), ""
        draft(scene, Brief(prompt=PROMPT), None)
        now = time.process_time()
        compute["plan"], last = now - last, now
        finished = None
        for event in render(scene):
            now = time.process_time()
            if isinstance(event, RowDone):
                stage = STAGE_OF.get(event.engine, "effects")
            elif isinstance(event, Finished):
                stage, finished = "mix", event
            else:
                stage = "choose" if not isinstance(event, Mixing) else "mix"
            compute[stage] += now - last
            last = now
        assert finished is not None
        return finished

    finished = benchmark.pedantic(whole, rounds=1)
    assert finished.failed == []
    sound = seconds_of_sound(scene)
    total = sum(compute.values())
    clock_s = benchmark.stats.stats.min
    print(f"\n{finished.duration_s:.1f} s of mix, {total:.1f} s of compute, {clock_s:.1f} s by the clock")
    for stage, spent in compute.items():
        made = sound.get(stage, finished.duration_s)
        print(f"{stage:<8} {spent:6.2f} s for {made:6.1f} s of sound: {spent / made:.3f} s a second")
    benchmark.extra_info.update({stage: round(spent, 2) for stage, spent in compute.items()})
    benchmark.extra_info.update(compute_per_second=round(total / finished.duration_s, 3))


def program_s(*arguments: str) -> tuple[float, float]:
    """Clock and CPU seconds of the program, start to end."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun_s = time.perf_counter()
    subprocess.run([sys.executable, "-m", "cli", *arguments], cwd=HOUSE, capture_output=True, check=True)
    clock_s = time.perf_counter() - begun_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("what", ["help", "cached render"])
def test_the_program_starts(benchmark: Any, folder: Path, what: str) -> None:
    """The median of ten runs; the cached render is that of the demo, whose mix is made again."""
    arguments = ["--help"] if what == "help" else ["render", str(folder / "mars-news")]
    if what != "help" and not (folder / "mars-news").exists():
        scene = Scene(folder / "mars-news")
        draft(scene, Brief(prompt=PROMPT), None)
        list(render(scene))
    runs = [program_s(*arguments) for _ in range(10)]
    clock_s, cpu_s = (sorted(times)[5] for times in zip(*runs, strict=True))
    benchmark.pedantic(program_s, args=tuple(arguments), rounds=1)
    benchmark.extra_info.update(median_clock_s=round(clock_s, 3), median_cpu_s=round(cpu_s, 3))
    print(f"\n{what}: median of 10: {clock_s:.3f} s by the clock, {cpu_s:.3f} s of CPU; least {min(runs)[0]:.3f} s")
