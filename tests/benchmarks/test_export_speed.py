"""How long each export of a ten-minute scene of 200 rows takes, and that its memory does not grow with the scene.

Each export runs in a fresh process that has read the scene once (what every export does first). Its peak memory is
told above what that needs; ffmpeg, a process of its own, is told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from composer.compressed import find_ffmpeg
from composer.exports.export import FORMATS
from composer.scene import Scene

sys.path.insert(0, str(Path(__file__).parent.parent / "composer"))

from exporting import manifest_of, scene_of  # noqa: E402

from composer.settings import MixSettings, Settings  # noqa: E402

SETTINGS = Settings(title="Ten minutes", clean="never", mix=MixSettings(loudness_lufs=-23.0))
WORDS = "and then, slowly, the long way down to the harbour began, "
BEDS = (("music", 1), ("sound_effect", 2))
TRACKED = 24.0
"""MiB that a scene three times as long may need more: its manifest, its script and its tables of captions or clips."""

# VmHWM is this process's own peak; ru_maxrss would begin with that of the process which started it.
MEASURE = """
import json, re, resource, sys, time
from pathlib import Path
from composer.exports.export import FORMATS, export_scene
from composer.exports.rendered import read_rendered
from composer.scene import Scene
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
scene, name = Scene(Path(sys.argv[1])), sys.argv[2]
read_rendered(scene)
before, begun_s, cpu_s = peak_kib(), time.perf_counter(), time.process_time()
(path,) = export_scene(scene, [name])
took_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - cpu_s
children = resource.getrusage(resource.RUSAGE_CHILDREN)
ffmpeg = Path(sys.argv[3])
files = [path] if path.is_file() else list(path.iterdir())
print(json.dumps({
    "s": took_s,
    "cpu_s": cpu_s + children.ru_utime + children.ru_stime,
    "mib": (peak_kib() - before) / 1024,
    "ffmpeg_mib": int(ffmpeg.read_text()) / 1024 if ffmpeg.exists() else 0.0,
    "size_mib": sum(file.stat().st_size for file in files) / 2**20,
}))
"""


def long_scene(folder: Path, minutes: int) -> Scene:
    """Twenty rows a minute: five speakers, effects, and two beds under each two minutes."""
    rows: list[dict[str, object]] = []
    for number in range(minutes * 20):
        if number % 40 == 0:
            for kind, key in BEDS:
                end = {"type": kind, "layout": "background", "id": key, "action": "end"}
                rows += [end] if number else []
                rows.append({**end, "action": "begin", "description": f"{kind} of part {number // 40}"})
        elif number % 8 == 7:
            rows.append({"type": "sound_effect", "description": f"a door, number {number}", "duration": 2.0})
        else:
            words = (WORDS * 2)[: 48 + number % 7].rstrip(" ,") + "."
            rows.append({"type": "speech", "character": f"Speaker {number % 5}", "description": words.capitalize()})
    ends = [{"type": kind, "layout": "background", "id": key, "action": "end"} for kind, key in BEDS]
    return scene_of(folder, rows[: minutes * 20 - len(ends)] + ends, SETTINGS)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Scene]:
    folder = tmp_path_factory.mktemp("scenes")
    found = {minutes: long_scene(folder / f"scene{minutes}", minutes) for minutes in (10, 30)}
    assert len(found[10].read_script()[0].rows) == 200 and not manifest_of(found[10])["left_out"]
    assert manifest_of(found[10])["duration_s"] == pytest.approx(600.0, rel=0.1)
    return found


# A small process between ours and ffmpeg: a child's ru_maxrss begins with the memory of the process that forks it.
SHIM = """#!{python}
import resource, subprocess, sys
done = subprocess.run([{ffmpeg!r}, *sys.argv[1:]])
open({told!r}, "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(done.returncode)
"""


def measured(scene: Scene, name: str, folder: Path) -> dict[str, float]:
    shim, told = folder / "ffmpeg", folder / "told"
    told.unlink(missing_ok=True)
    shim.write_text(SHIM.format(python=sys.executable, ffmpeg=find_ffmpeg(), told=str(told)))
    shim.chmod(0o755)
    command = [sys.executable, "-c", MEASURE, str(scene.folder), name, str(told)]
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


@pytest.mark.parametrize("name", FORMATS)
def test_time_and_memory_of_an_export(benchmark: Any, scenes: dict[int, Scene], name: str, tmp_path: Path) -> None:
    ten = benchmark.pedantic(measured, args=(scenes[10], name, tmp_path), rounds=1)
    thirty = measured(scenes[30], name, tmp_path)
    benchmark.extra_info.update({f"ten_{key}": round(value, 2) for key, value in ten.items()})
    print(
        f"\n{name}: {ten['s']:.2f} s ({ten['cpu_s']:.2f} s of CPU), {ten['mib']:.0f} MiB for 10 minutes, "
        f"{thirty['mib']:.0f} for 30; ffmpeg {ten['ffmpeg_mib']:.0f} and {thirty['ffmpeg_mib']:.0f} MiB; "
        f"writes {ten['size_mib']:.1f} MiB"
    )
    assert thirty["mib"] < ten["mib"] + TRACKED
    assert thirty["ffmpeg_mib"] < ten["ffmpeg_mib"] + TRACKED
