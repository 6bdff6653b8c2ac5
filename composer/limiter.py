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


NODES_AT_ONCE = 50_000


def limiter_nodes(chunk_peaks: NDArray[np.float32], gain: float, ceiling: float) -> NDArray[np.float32]:
    """The master's gain at each border of a chunk, (n_chunks + 1,): `gain`, less where peaks pass the ceiling.

    Within chunk k no gain on the lines is above ceiling / chunk_peaks[k]: each border takes the lower of its two
    chunks, the minimum over REACH borders, falls back slowly (only ever lower), and is then averaged over the same
    REACH, which cannot rise above what that minimum covers.
    """
    n_nodes = len(chunk_peaks) + 1
    nodes = np.empty(n_nodes, dtype=np.float32)
    attenuation = 0.0
    for begin in range(0, n_nodes, NODES_AT_ONCE):
        end = min(begin + NODES_AT_ONCE, n_nodes)
        piece, attenuation = _piece(chunk_peaks, gain, ceiling, begin, end, attenuation)
        nodes[begin:end] = piece
    return nodes


def _piece(
    chunk_peaks: NDArray[np.float32], gain: float, ceiling: float, begin: int, end: int, attenuation: float
) -> tuple[NDArray[np.float64], float]:
    """Nodes from `begin` to `end`, given the attenuation held REACH + 1 nodes before; and that for the next piece."""
    # chunks on both sides of nodes begin - 2 * REACH to end + 2 * REACH; beyond the scene nothing is to be lowered
    first, last = begin - 2 * REACH - 1, end + 2 * REACH
    wanted = np.ones(last - first)
    inside = slice(max(first, 0), min(last, len(chunk_peaks)))
    peaks = np.maximum(chunk_peaks[inside] * gain, 1e-30)
    wanted[inside.start - first : inside.stop - first] = np.minimum(1.0, ceiling / peaks)
    nodes = np.minimum(wanted[:-1], wanted[1:])
    if attenuation == 0.0 and not (nodes < 1.0).any():
        return np.full(end - begin, gain), 0.0
    lowest = ndimage.minimum_filter1d(nodes, 2 * REACH + 1, mode="nearest")[REACH:-REACH]
    with np.errstate(divide="ignore"):
        # the largest of all earlier attenuations, each decayed since: a running maximum of log(a) + n / release
        steps = np.arange(len(lowest) + 1) / RELEASE_CHUNKS
        logs = np.log(np.concatenate([[attenuation], -np.log(lowest)])) + steps
    held = np.exp(np.maximum.accumulate(logs) - steps)[1:]
    held[held < 1e-5] = 0.0
    window = np.hanning(2 * REACH + 3)[1:-1]
    smooth = np.convolve(np.exp(-held), window / window.sum(), mode="valid")
    return smooth * gain, float(held[end - begin - 1])
