"""What a report of a ten-minute scene of 200 rows takes, and that its memory does not grow with the scene.

Run: `python -m pytest tests/benchmarks/test_report_speed.py --benchmark-only -s -o addopts=`. Each report is made in a
fresh process that has read the scene once; its peak memory is told above what that needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from test_export_speed import long_scene

from composer.scene import Scene

TRACKED = 24.0
"""MiB that a scene three times as long may need more, in its manifest, its table and its picture."""

MEASURE = """
import json, re, sys, time
from pathlib import Path
from composer.exports.rendered import read_rendered
from composer.report import write_report
from composer.scene import Scene
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
scene = Scene(Path(sys.argv[1]))
read_rendered(scene)
before, begun_s, cpu_s = peak_kib(), time.perf_counter(), time.process_time()
report = write_report(scene)
print(json.dumps({
    "s": time.perf_counter() - begun_s,
    "cpu_s": time.process_time() - cpu_s,
    "mib": (peak_kib() - before) / 1024,
    "mb": report.n_bytes / 1e6,
    "players": report.n_players,
}))
"""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Scene]:
    folder = tmp_path_factory.mktemp("scenes")
    return {minutes: long_scene(folder / f"scene{minutes}", minutes) for minutes in (10, 30)}


def measured(scene: Scene) -> dict[str, float]:
    command = [sys.executable, "-c", MEASURE, str(scene.folder)]
    figures: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return figures


def test_time_and_memory_of_a_report(benchmark: Any, scenes: dict[int, Scene]) -> None:
    ten = benchmark.pedantic(measured, args=(scenes[10],), rounds=1)
    thirty = measured(scenes[30])
    benchmark.extra_info.update({f"ten_{key}": round(value, 2) for key, value in ten.items()})
    for minutes, told in ((10, ten), (30, thirty)):
        print(
            f"\n{minutes} minutes: {told['s']:.1f} s ({told['cpu_s']:.1f} s of CPU), {told['mib']:.0f} MiB, "
            f"{told['mb']:.1f} MB with {told['players']:.0f} players"
        )
    assert thirty["mib"] < ten["mib"] + TRACKED
