"""How fast and how small separation is: real-time factor, further queries, memory, and the reference's way.

The net has random weights at the size of the bundled checkpoint (width 32 while there is none): time does not depend on
their values. The published reference runs its U-Net once for every query; its way is run here with the same net.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from models.clipsep.checkpoint import CheckpointConfig, load_config, save_checkpoint
from models.clipsep.net import NetConfig, SeparationNet
from models.clipsep.separator import WEIGHTS, ClipSep
from models.clipsep.streaming import NET_RATE, Recording
from models.clipsep.warp import log_magnitude, stft, unwarp, warp
from models.engines import SoundQuery

QUERIES = [SoundQuery(text) for text in ("dog", "rain", "clock", "bell", "wind", "train", "crowd", "bird")]
SECONDS = 60
N_THREADS = 2


class ToyEncoder:
    version = "1"

    def __init__(self, n_dimensions: int) -> None:
        self.n_dimensions = n_dimensions

    def texts(self, texts: list[str]) -> np.ndarray:
        return np.random.default_rng(len(texts[0])).standard_normal((len(texts), self.n_dimensions), dtype=np.float32)


def engine(folder: Path) -> ClipSep:
    config = load_config(WEIGHTS).net if (WEIGHTS / "config.json").is_file() else NetConfig(width=32, query_size=256)
    torch.manual_seed(0)
    save_checkpoint(SeparationNet(config).eval(), CheckpointConfig(net=config, encoder="toy"), folder)
    return ClipSep(folder, words_encoder=ToyEncoder(config.query_size))  # type: ignore[arg-type]


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(N_THREADS)
    yield
    torch.set_num_threads(before)


def noise(rate: int, n_channels: int, seconds: float) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n_channels, round(rate * seconds)), dtype=np.float32) * 0.1


def seconds_of(made: ClipSep, samples: np.ndarray, rate: int, n_queries: int) -> float:
    begun_s = time.perf_counter()
    separation = made.begin(Recording(rate, *samples.shape), QUERIES[:n_queries], level_rms=0.1)
    for _ in separation.parts([samples]):
        pass
    return time.perf_counter() - begun_s


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("rate", "n_channels"), [(16_000, 1), (44_100, 2), (48_000, 2)])
def test_real_time_factor_and_the_cost_of_further_queries(
    benchmark: Any, tmp_path: Path, rate: int, n_channels: int
) -> None:
    made, samples = engine(tmp_path), noise(rate, n_channels, SECONDS)
    seconds_of(made, samples[:, : rate * 5], rate, 1)
    spent_s = {n: min(seconds_of(made, samples, rate, n) for _ in range(2)) for n in (2, 4, 8)}
    spent_s[1] = benchmark.pedantic(seconds_of, args=(made, samples, rate, 1), rounds=3) or benchmark.stats.stats.min
    spent_s[1] = benchmark.stats.stats.min
    further = (spent_s[8] - spent_s[1]) / 7 / spent_s[1]
    told = {f"real_time_factor_{n}_queries": round(spent_s[n] / SECONDS, 4) for n in (1, 2, 4, 8)}
    benchmark.extra_info.update(told, further_query_share=round(further, 3))
    print(f"\n{rate} Hz, {n_channels} channels, {N_THREADS} threads: {told}; each further query {further:.0%}")
    assert further < 1.0


@pytest.mark.usefixtures("two_threads")
def test_four_queries_against_one_pass_of_the_net_for_each(benchmark: Any, tmp_path: Path) -> None:
    """Both ways in one run, in turns: 4 queries on windows of 65,535 samples; then whole recordings."""
    made = engine(tmp_path)
    net, vectors = made._net, torch.from_numpy(made.query_vectors(QUERIES[:4]))
    magnitudes = stft(torch.from_numpy(noise(NET_RATE, 4, 65_535 / NET_RATE))).abs()  # (4, 513, 256)

    def ours() -> None:
        with torch.inference_mode():
            features = net.features(log_magnitude(warp(magnitudes))[:, None])
            unwarp(net.masks(features, vectors.expand(4, -1, -1)))

    def reference() -> None:
        with torch.inference_mode():
            for vector in vectors:
                features = net.features(log_magnitude(warp(magnitudes))[:, None])
                unwarp(net.masks(features, vector.expand(4, 1, -1)))

    ours(), reference()
    spent: dict[str, list[float]] = {"ours": [], "reference": []}
    for _ in range(6):
        for name, way in (("ours", ours), ("reference", reference)):
            begun_s = time.perf_counter()
            way()
            spent[name].append(time.perf_counter() - begun_s)
    windows = min(spent["reference"]) / min(spent["ours"])
    samples = noise(44_100, 2, 30)
    together = min(seconds_of(made, samples, 44_100, 4) for _ in range(2))

    def one_by_one() -> None:
        for query in QUERIES[:4]:
            separation = made.begin(Recording(44_100, *samples.shape), [query], level_rms=0.1)
            for _ in separation.parts([samples]):
                pass

    benchmark.pedantic(one_by_one, rounds=2)
    whole = benchmark.stats.stats.min / together
    benchmark.extra_info.update(times_faster_net=round(windows, 2), times_faster_whole=round(whole, 2))
    print(f"\n4 queries: the net's part {windows:.2f} times faster than a pass a query, whole recordings {whole:.2f}")
    assert windows > 2.0


MEASURE = """
import json, re, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import torch
torch.set_num_threads(2)
import test_separation_speed as bench
from composer import separation
made = bench.engine(Path(sys.argv[3]).parent / "checkpoint")
separation.separator = lambda name: made
begun = time.perf_counter()
queries = bench.QUERIES[:2]
for event in separation.separate(Path(sys.argv[3]), queries, Path(sys.argv[3]).parent / "out", keep_residual=True):
    pass
peak_kib = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([peak_kib / 1024, time.perf_counter() - begun]))
"""


def peak_of(path: Path) -> tuple[float, float]:
    """Peak MiB of a fresh process that separates a file into 2 queries and the residual, and its seconds."""
    here = Path(__file__).parent
    command = [sys.executable, "-c", MEASURE, str(here.parent.parent), str(here), str(path)]
    peak_mib, spent_s = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return peak_mib, spent_s


def recording(path: Path, *, rate: int, n_channels: int, seconds: int, sounding_share: float) -> Path:
    """A file whose seconds hold noise, or silence for the rest of the share."""
    block = noise(rate, n_channels, 1).T
    with soundfile.SoundFile(path, "w", rate, n_channels, "PCM_16", format="RF64") as file:
        for second in range(seconds):
            file.write(block * (second % 100 < 100 * sounding_share))
    return path


def test_peak_memory_of_one_hour(benchmark: Any, tmp_path: Path) -> None:
    """44.1 kHz stereo, 2 queries and the residual: one hour against one minute."""
    minute = recording(tmp_path / "m.wav", rate=44_100, n_channels=2, seconds=60, sounding_share=1.0)
    hour = recording(tmp_path / "h.wav", rate=44_100, n_channels=2, seconds=3600, sounding_share=1.0)
    short_mib, _ = peak_of(minute)
    long_mib, spent_s = benchmark.pedantic(peak_of, args=(hour,), rounds=1)
    benchmark.extra_info.update(
        one_minute_mib=round(short_mib), one_hour_mib=round(long_mib), one_hour_s=round(spent_s)
    )
    print(
        f"\none minute {short_mib:.0f} MiB, one hour {long_mib:.0f} MiB in {spent_s:.0f} s (imports and net included)"
    )
    assert long_mib < short_mib + 30.0


def test_eight_hours(benchmark: Any, tmp_path: Path) -> None:
    """16 kHz mono, sound in 5 % of the seconds: the net rests while it is silent."""
    path = recording(tmp_path / "e.wav", rate=16_000, n_channels=1, seconds=8 * 3600, sounding_share=0.05)
    peak_mib, spent_s = benchmark.pedantic(peak_of, args=(path,), rounds=1)
    benchmark.extra_info.update(eight_hours_mib=round(peak_mib), eight_hours_s=round(spent_s))
    print(f"\neight hours: {peak_mib:.0f} MiB, {spent_s:.0f} s")
    assert soundfile.info(tmp_path / "out" / "dog.wav").frames == 8 * 3600 * 16_000
