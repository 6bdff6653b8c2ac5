"""Many sounds together against one by one, as a ratio within one run; both ways give the same samples on a CPU.

CLIPSonic with random weights of the size of training/configs/clipsonic_bundled.yaml, sampled in 2 steps: the time of a
step does not depend on what the weights are. CLIPSep's bundled net over windows of several recordings.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clipsonic_toys import toy_folder

from models.clipsep.checkpoint import load_net
from models.clipsep.separator import WEIGHTS
from models.clipsonic.config import FramesConfig, SamplingConfig
from models.clipsonic.engine import ClipSonic
from models.threads import one_thread
from models.vocoder.mel import MelScale

N_ROWS = 8
N_STEPS = 2
N_ROUNDS = 2


def least_s(one_by_one: Callable[[], object], together: Callable[[], object]) -> tuple[float, float]:
    """The processor's time that each takes: the least of some rounds that take turns."""
    spent_s: dict[str, list[float]] = {"alone": [], "together": []}
    for _ in range(N_ROUNDS):
        for name, call in (("alone", one_by_one), ("together", together)):
            begun_s = time.process_time()
            call()
            spent_s[name].append(time.process_time() - begun_s)
    return min(spent_s["alone"]), min(spent_s["together"])


def test_clipsonic_rows_together(benchmark: Any, tmp_path: Path) -> None:
    folder = toy_folder(
        tmp_path / "net",
        mel=MelScale(n_fft=1024, hop=320, n_mels=80),
        n_frames=208,
        query_size=512,
        encoder_version="",
        net=FramesConfig(width=320, depth=10, n_heads=5, patch=2, kernel=7, mlp_ratio=3.0),
        sampling=SamplingConfig(n_steps=N_STEPS),
    )
    engine = ClipSonic(folder)
    vectors = np.random.default_rng(0).standard_normal((N_ROWS, 512)).astype(np.float32)
    seeds = list(range(N_ROWS))
    both = engine.mels(vectors[:2], n_frames=208, seeds=seeds[:2])
    assert torch.equal(both[1], engine.mels(vectors[[1]], n_frames=208, seeds=[1])[0])

    def compare() -> tuple[float, float]:
        with one_thread():
            return least_s(
                lambda: [engine.mels(vectors[[n]], n_frames=208, seeds=[n]) for n in seeds],
                lambda: engine.mels(vectors, n_frames=208, seeds=seeds),
            )

    alone_s, together_s = benchmark.pedantic(compare, rounds=1)
    sound_s = N_ROWS * 208 * 320 / 16_000
    steps = f"{alone_s / N_STEPS / sound_s:.4f} s alone, {together_s / N_STEPS / sound_s:.4f} s together"
    print(f"\nCLIPSonic, {N_ROWS} rows together: {alone_s / together_s:.2f} times as fast as one by one, one thread")
    print(f"a step of a second of sound, guided: {steps}")


def test_clipsep_windows_together(benchmark: Any) -> None:
    net = load_net(WEIGHTS).to(memory_format=torch.channels_last)
    maps = torch.randn(8, 1, 256, 256).contiguous(memory_format=torch.channels_last)

    def features(n_batch: int) -> None:
        with torch.inference_mode():
            for begin in range(0, len(maps), n_batch):
                net.features(maps[begin : begin + n_batch])

    def compare() -> list[float]:
        with one_thread():
            spent_s = [least_s(lambda: features(1), lambda n=n: features(n)) for n in (2, 4, 8)]  # type: ignore[misc]
        return [alone_s / together_s for alone_s, together_s in spent_s]

    two, four, eight = benchmark.pedantic(compare, rounds=1)
    print(
        f"\nCLIPSep, windows in one pass: 2 {two:.2f}, 4 {four:.2f}, 8 {eight:.2f} times as fast as alone, one thread"
    )
