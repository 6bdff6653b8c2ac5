"""How fast and how small mixing is: 200 clips (25 minutes) onto 10 minutes, against plain pydub in the same run.

pydub loads 16-bit files, applies each gain, overlays, and exports one 16-bit WAV: what a script with pydub does. It
pans nothing. Ours, `sum`: loads the same sounds as float32, applies gain and pan, sums, writes one float32 WAV.
Ours, `mix`: the whole chain: three float32 stems and a 24-bit mix, ducking, room, loudness to 0.1 LU, true-peak
limiter, measured again, flushed to the disk.
"""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from composer.beds import Segment
from composer.buses import Channel, add_all
from composer.mixer import mix
from composer.settings import MixSettings
from composer.timeline import ClipFile, Placement, Timeline
from composer.wavfile import StereoWav
from models.clip import Clip, write_clip

RATE = 48_000
N_CLIPS = 200
CLIP_SAMPLES = round(7.5 * RATE)
BUSES = ("speech", "music", "effects")


@dataclass(frozen=True)
class Scene:
    folder: Path
    timeline: Timeline


def make_scene(folder: Path, *, minutes: float) -> Scene:
    """200 clips of 7.5 s, each on its own file, spread evenly at random over the scene and its three buses."""
    rng = np.random.default_rng(1)
    n_samples = round(minutes * 60 * RATE)
    placements = []
    for index in range(N_CLIPS):
        path = folder / f"clip{index}.wav"
        rhythm = np.abs(np.sin(np.arange(CLIP_SAMPLES, dtype=np.float32) / 9_000)) ** 3
        samples = rng.standard_normal((1, CLIP_SAMPLES), dtype=np.float32) * np.float32(0.1) * rhythm
        write_clip(Clip(samples, RATE), path)
        soundfile.write(folder / f"clip{index}_16.wav", samples.T, RATE, subtype="PCM_16")
        bus = BUSES[index % 3]
        placements.append(
            Placement(
                row=f"r{index}",
                bus=bus,  # type: ignore[arg-type]
                clip=ClipFile(path, CLIP_SAMPLES, 1, -24.5),
                start_sample=int(rng.integers(0, n_samples - CLIP_SAMPLES)),
                n_samples=CLIP_SAMPLES,
                gain_db=9.5 if bus == "speech" else -6.0,
                pan=float(rng.uniform(-1, 1)),
                segments=(Segment(0, 0, CLIP_SAMPLES),),
                distance=float(bus == "music"),
                ducked=bus == "music",
            )
        )
    return Scene(folder, Timeline(tuple(placements), n_samples))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"), minutes=10.0)


@dataclass(frozen=True)
class Spent:
    """By the clock, and CPU time of all threads, which other work on the machine hardly changes."""

    clock_s: float
    cpu_s: float


def least(work: Callable[[], None], rounds: int) -> Spent:
    """The least of some rounds."""
    clocks_s, cpus_s = [], []
    for _ in range(rounds):
        clock_s, cpu_s = time.perf_counter(), time.process_time()
        work()
        clocks_s.append(time.perf_counter() - clock_s)
        cpus_s.append(time.process_time() - cpu_s)
    return Spent(min(clocks_s), min(cpus_s))


@pytest.fixture(scope="module")
def pydub(scene: Scene) -> Spent:
    """What plain pydub takes, once."""
    return least(lambda: mix_with_pydub(scene), rounds=1)


def mix_with_pydub(scene: Scene) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for ffmpeg, which WAV files do not need
        from pydub import AudioSegment

        bus = AudioSegment.silent(round(scene.timeline.n_samples * 1000 / RATE), frame_rate=RATE).set_channels(2)
        for index, placement in enumerate(scene.timeline.placements):
            segment = AudioSegment.from_wav(scene.folder / f"clip{index}_16.wav").apply_gain(placement.gain_db)
            bus = bus.overlay(segment, position=round(placement.start_sample * 1000 / RATE))
        with bus.export(scene.folder / "pydub.wav", format="wav"):
            pass


def sum_alone(scene: Scene) -> None:
    """Load, gain, pan, sum and write one file."""
    channels = [Channel(placement) for placement in scene.timeline.placements]
    n_samples = scene.timeline.n_samples
    with StereoWav(scene.folder / "sum.wav", n_samples=n_samples, sample_rate=RATE, n_bits=32) as file:
        for begin in range(0, n_samples, 10 * RATE):
            bus = np.zeros((2, min(10 * RATE, n_samples - begin)), dtype=np.float32)
            add_all(channels, bus, begin)
            file.write(begin, bus)
        file.finish()


def mix_in(room: str) -> Callable[[Scene], None]:
    def whole(scene: Scene) -> None:
        settings = MixSettings(room=room)  # type: ignore[arg-type]
        mix(scene.timeline, settings, stems_dir=scene.folder / "stems", mix_path=scene.folder / "mix.wav")

    return whole


@pytest.mark.parametrize(
    ("name", "work", "at_least"),
    [("sum", sum_alone, 40.0), ("mix, no room", mix_in("none"), 5.0), ("mix, studio", mix_in("studio"), 3.0)],
)
def test_mixing_against_pydub(
    benchmark: Any, scene: Scene, pydub: Spent, name: str, work: Callable[[Scene], None], at_least: float
) -> None:
    ours = least(lambda: work(scene), rounds=4)
    benchmark.pedantic(work, args=(scene,), rounds=1)
    clock_ratio, cpu_ratio = pydub.clock_s / ours.clock_s, pydub.cpu_s / ours.cpu_s
    benchmark.extra_info.update(pydub_s=round(pydub.clock_s, 2), times_faster=round(clock_ratio, 1))
    print(
        f"\n{name}: {ours.clock_s:.2f} s, pydub {pydub.clock_s:.1f} s, {clock_ratio:.1f} times faster; "
        f"CPU {ours.cpu_s:.2f} s, pydub {pydub.cpu_s:.1f} s, {cpu_ratio:.1f} times less"
    )
    assert max(clock_ratio, cpu_ratio) > at_least


def test_the_sum_against_the_bound_of_memory(benchmark: Any, scene: Scene) -> None:
    """The bound: the same 200 pieces added to both sides of a bus by np.add, from memory to memory."""
    piece = np.random.default_rng(2).standard_normal(CLIP_SAMPLES, dtype=np.float32)
    pieces = [piece + np.float32(index) for index in range(N_CLIPS)]
    bus = np.zeros((2, scene.timeline.n_samples), dtype=np.float32)

    def bound() -> None:
        for samples, placement in zip(pieces, scene.timeline.placements, strict=True):
            part = bus[:, placement.start_sample : placement.end_sample]
            np.add(part[0], samples, out=part[0])
            np.add(part[1], samples, out=part[1])

    def ours() -> None:
        channels = [Channel(placement) for placement in scene.timeline.placements]
        block = np.zeros((2, 10 * RATE), dtype=np.float32)
        for begin in range(0, scene.timeline.n_samples, 10 * RATE):
            block[:] = 0.0
            add_all(channels, block, begin)

    times_s = []
    for _ in range(5):
        begun_s = time.perf_counter()
        bound()
        times_s.append(time.perf_counter() - begun_s)
    benchmark.pedantic(ours, rounds=5, warmup_rounds=1)
    ratio = benchmark.stats.stats.min / min(times_s)
    benchmark.extra_info.update(bound_s=round(min(times_s), 4), times_the_bound=round(ratio, 1))
    print(
        f"\nsum with reading: {benchmark.stats.stats.min:.3f} s, np.add alone {min(times_s):.3f} s, {ratio:.1f} times"
    )
    assert ratio < 20.0


# VmHWM is this process's own peak; ru_maxrss would begin with that of the process which started it.
MEASURE = """
import re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_mixing import make_scene, mix_in, Scene
import scipy.fft, scipy.signal, pickle
scene = pickle.loads(Path(sys.argv[2]).read_bytes())
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak_kib()
mix_in(sys.argv[3])(scene)
print((peak_kib() - before) / 1024)
"""


@pytest.mark.parametrize("room", ["none", "studio", "hall"])
def test_memory_stays_flat(benchmark: Any, scene: Scene, tmp_path: Path, room: str) -> None:
    """Peak resident memory of a fresh process above what imports need, for 10 and for 30 minutes."""
    import pickle
    from dataclasses import replace

    def peak_mib(minutes: int) -> float:
        longer = replace(scene.timeline, n_samples=minutes * 60 * RATE)
        moved = tuple(replace(one, start_sample=one.start_sample * minutes // 10) for one in longer.placements)
        (tmp_path / "scene").write_bytes(pickle.dumps(Scene(tmp_path, replace(longer, placements=moved))))
        command = [sys.executable, "-c", MEASURE, str(Path(__file__).parent), str(tmp_path / "scene"), room]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    ten = benchmark.pedantic(peak_mib, args=(10,), rounds=1)
    thirty = peak_mib(30)
    benchmark.extra_info.update(ten_minutes_mib=round(ten, 1), thirty_minutes_mib=round(thirty, 1))
    print(f"\n{room}: {ten:.0f} MiB for 10 minutes, {thirty:.0f} MiB for 30")
    assert ten < 64.0 and thirty < 64.0 + 20.0
