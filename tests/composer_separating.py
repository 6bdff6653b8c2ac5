"""A toy separator that knows its masks: "low" is what lies below 1 kHz, "high" the rest, "all" everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile

from models.clip import Clip
from models.clipsep.streaming import NET_BINS, Magnitudes, Masks, Recording, separate_blocks
from models.engines import SoundQuery

BELOW_1_KHZ = 64
"""Bins of 15.625 Hz."""


class ToySeparation:
    def __init__(self, recording: Recording, queries: Sequence[SoundQuery]) -> None:
        low = np.arange(NET_BINS)[:, None] < BELOW_1_KHZ
        masks = {"low": low, "high": ~low, "none": low & ~low}
        self._masks = np.stack([masks.get(query.text, low | ~low) for query in queries]).astype(np.float32)
        self._recording, self._n_seen = recording, 0

    def masks(self, windows: Magnitudes) -> Masks:
        self._n_seen += len(windows)
        return np.broadcast_to(self._masks, (len(windows), len(self._masks), NET_BINS, windows.shape[2]))

    def parts(self, blocks: Any, **how: Any) -> Any:
        return separate_blocks(blocks, self._recording, self.masks, len(self._masks), **how)

    def confidences(self) -> list[float]:
        return [float(self._n_seen > 0 and mask.any()) for mask in self._masks]


class ToySeparator:
    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "test"

    def separate(self, mixture: Clip, query: str) -> Clip:
        return mixture

    def begin(self, recording: Recording, queries: Sequence[SoundQuery], *, level_rms: float) -> ToySeparation:
        return ToySeparation(recording, queries)


def recording(path: Path, *, rate: int = 44_100, channels: int = 2, duration_s: float = 3.0, **how: Any) -> Path:
    """A 440 Hz and a 3 kHz tone with a little noise, the channels at different levels."""
    time_s = np.arange(round(duration_s * rate)) / rate
    tones = 0.2 * np.sin(2 * np.pi * 440 * time_s) + 0.2 * np.sin(2 * np.pi * 3000 * time_s)
    tones += 0.01 * np.random.default_rng(0).standard_normal(len(time_s))
    soundfile.write(path, np.outer(tones, 1.0 / (1.0 + np.arange(channels))), rate, **how)
    return path


def samples_of(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float64", always_2d=True)[0]
