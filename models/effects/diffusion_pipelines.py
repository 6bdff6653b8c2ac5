"""What the effect engines on diffusers pipelines share: their reach, and windows joined to any length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.clip import Clip, Samples
from models.engines import Fit, SoundQuery
from models.errors import ModelError, SynthesisFailed

NATURAL_EVENT_S = 4.0
NATURAL_BED_S = 10.0
OVERLAP_S = 1.0

FIT = Fit(0.7, "synthesizes from free text")
"""Published text-to-audio models serve most descriptions; not measured here, since their weights are not."""


def generated_to_length(
    query: SoundQuery,
    duration_s: float | None,
    seed: int,
    *,
    sample_rate: int,
    window_s: float,
    draw: Callable[[float, int], Samples],
) -> Clip:
    """Draws windows of at most `window_s` and joins them by equal-power crossfades to exactly `duration_s`.

    `draw(duration_s, seed)` gives float32 (channels, n_samples).
    """
    if not query.text:
        raise ModelError("this engine reads words; write a description")
    length_s = duration_s if duration_s is not None else (NATURAL_BED_S if query.bed else NATURAL_EVENT_S)
    n_samples = round(length_s * sample_rate)
    n_overlap = round(OVERLAP_S * sample_rate)
    samples = _drawn(draw, min(length_s, window_s), seed)
    number = 1
    while samples.shape[1] < n_samples:
        rest_s = (n_samples - samples.shape[1] + n_overlap) / sample_rate
        piece = _drawn(draw, min(max(rest_s, 2 * OVERLAP_S), window_s), seed + number)
        samples = _crossfaded(samples, piece, min(n_overlap, samples.shape[1] // 2, piece.shape[1] // 2))
        number += 1
    return Clip(np.ascontiguousarray(samples[:, :n_samples]), sample_rate)


def _drawn(draw: Callable[[float, int], Samples], duration_s: float, seed: int) -> Samples:
    samples = draw(duration_s, seed)
    if samples.ndim != 2 or samples.shape[1] == 0 or not np.isfinite(samples).all():
        raise SynthesisFailed(f"the pipeline gave samples of shape {samples.shape} that cannot be used")
    peak = float(np.abs(samples).max())
    return samples / peak * np.float32(0.9) if peak > 0.9 else samples


def _crossfaded(first: Samples, second: Samples, n_overlap: int) -> Samples:
    angle = np.linspace(0, np.pi / 2, n_overlap, dtype=np.float32)
    joint = first[:, first.shape[1] - n_overlap :] * np.cos(angle) + second[:, :n_overlap] * np.sin(angle)
    return np.concatenate([first[:, : first.shape[1] - n_overlap], joint, second[:, n_overlap:]], axis=1)
