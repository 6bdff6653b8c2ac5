"""Helpers that events share: sizes in words, repeats, dying noise, bounces and endings.

Conventions: those of models.effects.sounds; mono is float32 (n_samples,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.clip import Samples
from models.effects import dsp

SMALL = ("small", "little", "tiny", "miniature", "hand", "light", "thin", "high")
LARGE = ("large", "big", "huge", "giant", "massive", "enormous", "deep", "great", "low", "heavy")
Band = tuple[float, float, float, float]
"""Noise from low_hz to high_hz at gain_db that dies in t60_s."""

CUT_S = 0.03
"""An event that is longer than it may be is faded within this time."""


def phrases(text: str) -> tuple[str, ...]:
    """Phrases that are separated by commas."""
    return tuple(phrase.strip() for phrase in text.split(","))


def size(description: str) -> float:
    """-1 where the description makes the thing small, 1 where it makes it large, otherwise 0."""
    return float(dsp.says(description, *LARGE)) - float(dsp.says(description, *SMALL))


def by_size(description: str, small: float, plain: float, large: float) -> float:
    """One of three values after the size in the description."""
    return {-1: small, 0: plain, 1: large}[int(size(description))]


def by_speed(description: str, slow: float, plain: float, fast: float) -> float:
    """One of three values after the speed in the description."""
    return {-1: slow, 0: plain, 1: fast}[int(dsp.speed(description))]


def by_strength(description: str, weak: float, plain: float, strong: float) -> float:
    """One of three values after the strength in the description."""
    return {-1: weak, 0: plain, 1: strong}[int(dsp.strength(description))]


def steps(duration_s: float, first_s: float, period_s: float, rng: np.random.Generator, jitter: float) -> list[float]:
    """Moments that come every period_s from first_s on, each off by a normal share (sd jitter) of the period."""
    n_steps = max(1, int(np.ceil((duration_s - first_s) / period_s)))
    return [max(0.0, first_s + period_s * (step + float(rng.normal(0.0, jitter)))) for step in range(n_steps)]


def repeated(duration_s: float, starts_s: Sequence[float], make: Callable[[int], Samples]) -> Samples:
    """Takes made one after another (make gets the take's number), laid at their moments; mono or stereo as made."""
    n = dsp.count(duration_s)
    out: Samples | None = None
    for take, start_s in enumerate(starts_s):
        grain = make(take)
        if out is None:
            out = np.zeros((*grain.shape[:-1], n), np.float32)
        dsp.place(out, grain, dsp.count(start_s))
    return np.zeros(n, np.float32) if out is None else out


def dying_noise(n: int, rng: np.random.Generator, bands: Sequence[Band]) -> dsp.Mono:
    """Noise in bands, each dying at its own pace: high ones first, as in air."""
    total = np.zeros(n, np.float32)
    for low_hz, high_hz, gain_db, t60_s in bands:
        n_band = min(n, dsp.count(1.4 * t60_s))
        if n_band > 1:
            noise = dsp.band_noise(n_band, rng, low_hz, high_hz) * dsp.decay(n_band, t60_s)
            total[:n_band] += np.float32(10 ** (gain_db / 20)) * noise
    return total


def wide_dying_noise(n: int, rng: np.random.Generator, bands: Sequence[Band], width: float) -> Samples:
    """Dying noise in stereo."""
    return dsp.wide(dying_noise(n, rng, bands), dying_noise(n, rng, bands), width)


def panel(
    n: int, rng: np.random.Generator, low_hz: float, t60_s: float, n_modes: int = 9, tilt_db: float = 3.0
) -> dsp.Mono:
    """A wooden panel that is struck: modes ever closer above the lowest, high ones die first."""
    ratios = np.cumsum(rng.uniform(0.35, 0.75, n_modes)) + 0.5
    hz = low_hz * ratios / ratios[0]
    gains = 10 ** (-tilt_db * np.log2(hz / hz[0]) / 20) * rng.uniform(0.5, 1.0, n_modes)
    return dsp.modal(n, list(hz), list(t60_s * (hz / hz[0]) ** -0.5), list(gains), rng)


def click(n: int, rng: np.random.Generator, low_hz: float, high_hz: float, t60_s: float) -> dsp.Mono:
    """A short burst of noise."""
    return dsp.at_peak(dsp.band_noise(n, rng, low_hz, high_hz) * dsp.pulse(n, 0.0004, t60_s), 1.0)


def bounces(first_gap_s: float, restitution: float, least_gap_s: float) -> list[tuple[float, float]]:
    """Moments and speeds of a dropped thing's impacts: gaps and speeds shrink by the restitution each time."""
    moments, start_s, gap_s, speed = [], 0.0, first_gap_s, 1.0
    while gap_s > least_gap_s:
        moments.append((start_s, speed))
        start_s, gap_s, speed = start_s + gap_s, gap_s * restitution, speed * restitution
    return moments


def finished(
    samples: Samples, duration_s: float, description: str, *, peak: float = 0.7, rng: np.random.Generator | None = None
) -> Samples:
    """Stereo of exactly duration_s at a peak that follows the words; far things are dull, soft and in the open.

    A sound that is still going at its end is faded within CUT_S.
    """
    out = samples if samples.ndim == 2 else np.stack([samples, samples])
    out = dsp.exactly(out, duration_s)
    if dsp.is_far(description):
        if rng is not None:
            out = dsp.reverb(out, rng, t60_s=1.5, mix=0.3, cutoff_hz=3000)
        out = dsp.far_away(out, 0.6)
        peak *= 0.5
    peak *= by_strength(description, 0.5, 1.0, 1.25)
    return dsp.fades(dsp.at_peak(out, min(peak, 0.95)), 0.0, CUT_S)
