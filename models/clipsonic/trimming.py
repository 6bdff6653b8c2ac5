"""Cuts a generated waveform to an event or to a stretch of texture, with ends that sound natural.

Conventions: samples are mono, (n_samples,) float32; an event is what sounds from its first loud moment to where it has
faded by SOUNDING_DB below its loudest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BLOCK_S = 0.01
SOUNDING_DB = -35.0
LEAD_S, TAIL_S = 0.01, 0.15
"""What is kept before the first loud moment, and how long the end fades."""
EDGE_S = 0.005


def event(samples: Floats, sample_rate: int, duration_s: float | None) -> Floats:
    """The event in a waveform: as long as it naturally is, or exactly `duration_s`.

    A longer event than asked for is cut to its loudest stretch and fades out; a shorter one rings out into silence.
    """
    first, last = span(samples, sample_rate)
    n_tail = round(TAIL_S * sample_rate)
    whole = samples[first : last + n_tail]
    if duration_s is None:
        return faded(whole, EDGE_S * sample_rate if first else 0.0, min(n_tail, len(whole) // 2))
    n = round(duration_s * sample_rate)
    if len(whole) > n:
        start = _loudest(whole, n, round(BLOCK_S * sample_rate))
        return faded(whole[start : start + n], EDGE_S * sample_rate if first + start else 0.0, min(n_tail, n // 4))
    whole = faded(whole, EDGE_S * sample_rate if first else 0.0, min(n_tail, len(whole) // 2))
    return np.pad(whole, (0, n - len(whole)))


def stretch(samples: Floats, sample_rate: int, duration_s: float) -> Floats:
    """Exactly `duration_s` from the middle of a steady sound, without a step at either end."""
    n = round(duration_s * sample_rate)
    start = max(0, (len(samples) - n) // 2)
    cut = np.pad(samples[start : start + n], (0, max(0, n - len(samples))))
    n_edge = min(EDGE_S * sample_rate, n // 4)
    return faded(cut, n_edge, n_edge)


def span(samples: Floats, sample_rate: int) -> tuple[int, int]:
    """Where the sound begins and ends, in samples: (first, last + 1)."""
    levels, n_block = block_levels(samples, sample_rate)
    sounding = np.flatnonzero(levels > levels.max() + SOUNDING_DB)
    first = int(sounding[0]) * n_block - round(LEAD_S * sample_rate)
    return max(0, first), min(len(samples), (int(sounding[-1]) + 1) * n_block)


def block_levels(samples: Floats, sample_rate: int) -> tuple[NDArray[np.float64], int]:
    """The level of each block of BLOCK_S in dB of full scale, and its length in samples."""
    n_block = max(1, round(BLOCK_S * sample_rate))
    edges = np.arange(0, len(samples), n_block)
    energies = np.add.reduceat(np.square(samples, dtype=np.float64), edges)
    return 10.0 * np.log10(energies / n_block + 1e-12), n_block


def _loudest(samples: Floats, n: int, n_block: int) -> int:
    """Where the loudest stretch of n samples begins, to a block; of equals the first."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    starts = np.arange(0, len(samples) - n + 1, n_block)
    return int(starts[np.argmax(energy[starts + n] - energy[starts])])


def faded(samples: Floats, n_in: float, n_out: float) -> Floats:
    """With a cosine's rise over the first n_in samples and fall over the last n_out."""
    result = samples.astype(np.float32, copy=True)
    n_in, n_out = min(round(n_in), len(result)), min(round(n_out), len(result))
    result[:n_in] *= _rise(n_in)
    if n_out:
        result[-n_out:] *= _rise(n_out)[::-1]
    return result


def _rise(n: int) -> Floats:
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / max(n, 1))).astype(np.float32)
