"""Timelines of made sounds for the tests of mixing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from composer.beds import Segment
from composer.mixer import MixResult, mix
from composer.settings import MixSettings
from composer.timeline import Bus, ClipFile, Placement, Timeline
from models.audio import loudness_lufs
from models.clip import Clip, Samples, write_clip

RATE = 48_000
PLAIN = MixSettings(room="none", duck_db=0.0, loudness_lufs=-40.0, true_peak_dbtp=0.0)
"""No room, no ducking, and so quiet that the limiter rests."""


def bursts(seed: int, *, seconds: float, n_channels: int = 1) -> Samples:
    """Noise with the rhythm of syllables, four a second."""
    rng = np.random.default_rng(seed)
    n_samples = round(seconds * RATE)
    rhythm = np.abs(np.sin(np.arange(n_samples) * (4.0 * np.pi / RATE))) ** 2
    return (0.1 * rng.standard_normal((n_channels, n_samples)) * rhythm).astype(np.float32)


def hiss(seed: int, *, seconds: float, n_channels: int = 1) -> Samples:
    """Steady pink-like noise: white noise through one pole at about 500 Hz."""
    from scipy import signal

    white = np.random.default_rng(seed).standard_normal((n_channels, round(seconds * RATE)))
    return (0.5 * signal.lfilter([0.06], [1.0, -0.94], white, axis=1)).astype(np.float32)


def clip_of(folder: Path, name: str, samples: Samples) -> ClipFile:
    path = folder / f"{name}.wav"
    write_clip(Clip(samples, RATE), path)
    return ClipFile(path, samples.shape[1], samples.shape[0], loudness_lufs(samples, RATE))


def placed(clip: ClipFile, *, row: str = "r", bus: Bus = "effects", start: int = 0, **given: Any) -> Placement:
    values: dict[str, Any] = {"gain_db": 0.0, "pan": 0.0, "segments": (Segment(0, 0, clip.n_samples),)}
    values |= {"n_samples": clip.n_samples, **given}
    return Placement(row=row, bus=bus, clip=clip, start_sample=start, **values)


@dataclass(frozen=True)
class Mixed:
    """A finished mix read back by libsndfile, (2, n_samples) each."""

    speech: Samples
    music: Samples
    effects: Samples
    mix: Samples
    result: MixResult

    @property
    def sum(self) -> Samples:
        return self.speech + self.music + self.effects

    @property
    def unmastered(self) -> Samples:
        """The sum before the master, where its limiter did nothing."""
        return self.sum / np.float32(10.0 ** (self.result.master_gain_db / 20.0))


def mixed(folder: Path, placements: list[Placement], settings: MixSettings = PLAIN, **given: Any) -> Mixed:
    n_samples = given.pop("n_samples", max((one.end_sample for one in placements), default=0))
    timeline = Timeline(tuple(placements), n_samples)
    result = mix(timeline, settings, stems_dir=folder / "stems", mix_path=folder / "mix.wav", **given)
    paths = [folder / "stems" / f"{bus}.wav" for bus in ("speech", "music", "effects")] + [folder / "mix.wav"]
    read = [soundfile.read(path, dtype="float32", always_2d=True)[0].T for path in paths]
    return Mixed(read[0], read[1], read[2], read[3], result)
