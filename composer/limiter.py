"""Limiter: one gain curve that keeps a whole scene under its true-peak ceiling, the same for every stem.

Conventions: the curve has a node at every border of 2 ms chunks and straight lines between; gains are linear.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

REACH = 3
"""Chunks before a peak in which the gain begins to fall (6 ms of look-ahead)."""
RELEASE_CHUNKS = 40.0
"""The gain comes back with a time constant of 80 ms."""


def limiter_nodes(chunk_peaks: NDArray[np.float32], gain: float, ceiling: float) -> NDArray[np.float32]:
    """The master's gain at each border of a chunk, (n_chunks + 1,): `gain`, less where peaks pass the ceiling.

    Within chunk k no gain on the lines is above ceiling / chunk_peaks[k]: each border takes the lower of its two
    chunks, the minimum over REACH borders, falls back slowly (only ever lower), and is then averaged over the same
    REACH, which cannot rise above what that minimum covers.
    """
    wanted = np.ones(len(chunk_peaks) + 2)
    wanted[1:-1] = np.minimum(1.0, ceiling / np.maximum(chunk_peaks * gain, 1e-30))
    nodes = np.minimum(wanted[:-1], wanted[1:])
    if not (nodes < 1.0).any():
        return np.full(len(nodes), gain, dtype=np.float32)
    lowest = ndimage.minimum_filter1d(nodes, 2 * REACH + 1, mode="nearest")
    with np.errstate(divide="ignore"):
        # the largest of all earlier attenuations, each decayed since: a running maximum of log(a) + n / release
        steps = np.arange(len(lowest)) / RELEASE_CHUNKS
        attenuation = np.exp(np.maximum.accumulate(np.log(-np.log(lowest)) + steps) - steps)
    held = np.where(attenuation > 1e-5, np.exp(-attenuation), 1.0)
    window = np.hanning(2 * REACH + 3)[1:-1]
    smooth = ndimage.convolve1d(np.minimum(held, lowest), window / window.sum(), mode="nearest")
    return np.asarray(np.minimum(smooth, nodes) * gain, dtype=np.float32)
