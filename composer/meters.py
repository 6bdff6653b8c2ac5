"""Meters that follow a mix block by block: K-weighted energy in short chunks, and true peaks.

Conventions: a chunk is 96 samples (2 ms at 48 kHz), 50 chunks are a hop of 100 ms; blocks begin on a chunk's border.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from models.audio import (
    HOPS_PER_BLOCK,
    PEAK_REACH,
    PEAK_ROW,
    integrated_lufs,
    k_weighting,
    momentary_lufs,
    row_peaks,
    times_matrix,
)
from models.clip import Samples

SAMPLE_RATE = 48_000
CHUNK = 96
CHUNKS_PER_HOP = 50
HOP = CHUNK * CHUNKS_PER_HOP
_N_STATES = 4
_DOUBLINGS = 7
"""The filter forgets: after 2**7 chunks its state has fallen below 1e-20 of what it was."""


@cache
def _chunk_filter() -> tuple[Samples, Samples, NDArray[np.float64]]:
    """K-weighting as matrices over a chunk: ((samples, state) -> output, samples -> state, state -> state).

    Found by running the recursive filter on unit inputs and unit states, so they are that filter exactly.
    """
    sections = k_weighting(SAMPLE_RATE)
    impulses, no_state = np.eye(CHUNK), np.zeros((len(sections), CHUNK, 2))
    from_samples, state = signal.sosfilt(sections, impulses, axis=1, zi=no_state)
    samples_to_state = state.transpose(1, 0, 2).reshape(CHUNK, _N_STATES)
    unit_states = np.eye(_N_STATES).reshape(_N_STATES, len(sections), 2).transpose(1, 0, 2)
    from_state, state = signal.sosfilt(sections, np.zeros((_N_STATES, CHUNK)), axis=1, zi=unit_states)
    state_to_state = state.transpose(1, 0, 2).reshape(_N_STATES, _N_STATES)
    return (
        np.concatenate([from_samples, from_state]).astype(np.float32),
        samples_to_state.astype(np.float32),
        state_to_state,
    )


class LoudnessMeter:
    """K-weighted energies of blocks that follow one another, channels summed: of chunks if `in_chunks`, else hops."""

    def __init__(self, n_channels: int, *, in_chunks: bool = False) -> None:
        self._states = np.zeros((n_channels, _N_STATES))
        self._in_chunks = in_chunks
        self._energies: list[NDArray[np.float32]] = []

    def feed(self, block: Samples) -> None:
        """The next block; only the last may end within a chunk."""
        n_chunks = -(-block.shape[1] // CHUNK)
        energies = np.zeros(n_chunks, dtype=np.float32)
        if self._states.any() or block.any():
            for channel, samples in enumerate(block):
                energies += self._channel_energies(channel, samples, n_chunks)
        self._energies.append(energies if self._in_chunks else in_hops(energies))

    def _channel_energies(self, channel: int, samples: NDArray[np.float32], n_chunks: int) -> NDArray[np.float32]:
        to_output, samples_to_state, state_to_state = _chunk_filter()
        rows = np.zeros((n_chunks, CHUNK + _N_STATES), dtype=np.float32)
        whole = len(samples) // CHUNK
        rows[:whole, :CHUNK] = samples[: whole * CHUNK].reshape(whole, CHUNK)
        rows[whole:, : len(samples) - whole * CHUNK] = samples[whole * CHUNK :]
        states = np.empty((n_chunks + 1, _N_STATES))
        states[0] = self._states[channel]
        states[1:] = times_matrix(rows[:, :CHUNK], samples_to_state)
        # each state is the sum of all chunks before it, carried on: summed by doubling the distance
        carry = state_to_state
        for doubling in range(_DOUBLINGS):
            states[2**doubling :] += states[: -(2**doubling)] @ carry
            carry = carry @ carry
        self._states[channel] = np.where(np.abs(states[-1]) > 1e-12, states[-1], 0.0)
        rows[:, CHUNK:] = states[:-1]
        weighted = times_matrix(rows, to_output)
        return np.asarray(np.einsum("nf,nf->n", weighted, weighted), dtype=np.float32)

    def energies(self) -> NDArray[np.float32]:
        """All chunks or hops so far."""
        return np.concatenate([np.zeros(0, dtype=np.float32), *self._energies])


def in_hops(chunk_energies: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energies of chunks -> of hops of 100 ms; the last may be short of chunks."""
    n_hops = -(-len(chunk_energies) // CHUNKS_PER_HOP)
    padded = np.zeros(n_hops * CHUNKS_PER_HOP, dtype=np.float32)
    padded[: len(chunk_energies)] = chunk_energies
    return np.asarray(padded.reshape(n_hops, CHUNKS_PER_HOP).sum(axis=1), dtype=np.float32)


def hops_lufs(hop_energies: NDArray[np.float32], n_samples: int) -> float:
    """The loudness of K-weighted hop energies by the rule of models.audio.loudness_lufs."""
    hops = hop_energies.astype(np.float64)
    whole = n_samples // HOP
    if whole >= HOPS_PER_BLOCK:
        loudness = integrated_lufs(hops[:whole], HOP)
        if np.isfinite(loudness):
            return loudness
    return momentary_lufs(np.pad(hops, HOPS_PER_BLOCK), HOP)


def chunk_peaks(block: Samples) -> NDArray[np.float32]:
    """The highest sample of each chunk, over both sides."""
    highest = np.maximum(np.abs(block[0]), np.abs(block[1]))
    n_chunks = -(-len(highest) // CHUNK)
    if len(highest) % CHUNK:
        highest = np.pad(highest, (0, n_chunks * CHUNK - len(highest)))
    return np.asarray(highest.reshape(n_chunks, CHUNK).max(axis=1), dtype=np.float32)


ROWS_PER_CHUNK = CHUNK // PEAK_ROW


def true_chunk_peaks(padded: Samples, chunks: NDArray[np.intp]) -> NDArray[np.float32]:
    """True peaks of the named chunks of a block that has PEAK_REACH more samples on either side."""
    rows = (chunks[:, None] * ROWS_PER_CHUNK + np.arange(ROWS_PER_CHUNK)).reshape(-1)
    peaks = np.zeros(len(chunks), dtype=np.float32)
    for samples in padded:
        windows = np.lib.stride_tricks.sliding_window_view(samples, PEAK_ROW + 2 * PEAK_REACH)[::PEAK_ROW]
        found = row_peaks(windows[rows]).reshape(len(chunks), ROWS_PER_CHUNK).max(axis=1)
        np.maximum(peaks, found, out=peaks)
    return peaks


UNDER_PEAK = 0.45
"""Between samples a waveform rises by less than 7 dB over them: chunks under this share cannot hold the peak."""


class PeakMeter:
    """The peaks of blocks that follow one another; true peaks wherever it matters.

    With a `floor` it keeps each chunk's peak, a true one where that could pass the floor; without one, the highest.
    """

    def __init__(self, floor: float | None = None) -> None:
        self.highest = 0.0
        self._floor = floor
        self._peaks: list[NDArray[np.float32]] = []
        self._rest = np.zeros((2, PEAK_REACH), dtype=np.float32)

    def feed(self, block: Samples) -> None:
        """The next block; what its last chunk needs from the one after is waited for."""
        joined = np.concatenate([self._rest, block], axis=1)
        used = max(0, (joined.shape[1] - 2 * PEAK_REACH) // CHUNK) * CHUNK
        if used:
            self._measure(joined[:, : used + 2 * PEAK_REACH])
        self._rest = joined[:, used:].copy()

    def finish(self, n_samples: int) -> NDArray[np.float32]:
        """The end of the blocks: the kept peaks of the `n_samples` that were fed."""
        self.feed(np.zeros((2, CHUNK + 2 * PEAK_REACH), dtype=np.float32))
        return np.concatenate([np.zeros(0, dtype=np.float32), *self._peaks])[: -(-n_samples // CHUNK)]

    def _measure(self, padded: Samples) -> None:
        peaks = chunk_peaks(padded[:, PEAK_REACH:-PEAK_REACH])
        around = np.maximum(peaks, chunk_peaks(padded[:, : -2 * PEAK_REACH]))
        np.maximum(around, chunk_peaks(padded[:, 2 * PEAK_REACH :]), out=around)
        self.highest = max(self.highest, float(peaks.max()))
        loud = np.flatnonzero(around > UNDER_PEAK * (self.highest if self._floor is None else self._floor))
        if loud.size:
            peaks[loud] = true_chunk_peaks(padded, loud)
            self.highest = max(self.highest, float(peaks.max()))
        if self._floor is not None:
            self._peaks.append(peaks)
