"""Separation of a recording of any length, rate and number of channels, block by block in constant memory.

Masks are found at 16 kHz and laid over spectra at the recording's own rate:

    blocks -> Listener: magnitudes at 16 kHz -> Masker: overlapping windows through the net -> Painter -> parts

Conventions: blocks are (channels, n_samples); magnitudes at 16 kHz (513, n_frames), frame k in the middle of sample
256 k; masks (n_queries, 513, n_frames), 0 to 1. The rule above 7.5 kHz, where the net hears nothing: each frame's mask
goes on as its mean over the octave below, weighted by the magnitudes there (with ideal masks, mixtures of two of the
bundled clips at 44.1 kHz reach 9.9 dB SDR above 8 kHz so, 9.2 dB with the plain mean, 0 dB with nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.clip import Samples

Magnitudes = NDArray[np.float32]
Masks = NDArray[np.float32]
MaskFunction = Callable[[Magnitudes], Masks]
"""(n_windows, 513, 256) magnitudes -> (n_windows, n_queries, 513, 256) masks."""
Observer = Callable[[int, Magnitudes, Masks], None]
"""Sees (first frame, magnitudes (513, n), masks (n_queries, 513, n)) of the whole recording, in order."""
Blocks = NDArray[np.floating[Any]]

NET_RATE = 16_000
NET_FFT = 1024
NET_HOP = 256
NET_BINS = NET_FFT // 2 + 1
WINDOW_FRAMES = 256
"""What the net was trained on: 4.1 s."""
STEP_FRAMES = 192
"""Windows overlap by a quarter, and fade into each other."""
TOP_HZ = 7_500.0
"""Resampling to 16 kHz leaves nothing above; for faster recordings the mask beyond follows the rule."""
BLOCK_S = 1.0
PAINTED_FRAMES = 64
DIGITAL_SILENCE = 1e-6
"""Magnitudes of a frame that holds nothing: below the dither of 24-bit samples."""


@dataclass(frozen=True)
class Recording:
    """What must be known before the first block."""

    sample_rate: int
    n_channels: int
    n_samples: int

    @property
    def n_frames(self) -> int:
        """Frames at 16 kHz."""
        return -(-self.n_samples * NET_RATE // self.sample_rate) // NET_HOP + 1


@dataclass(frozen=True)
class Part:
    """A stretch of the recording: `mixture` (channels, n), and `parts` (n_outputs, channels, n) found in it."""

    begin: int
    mixture: Blocks
    parts: Samples


def separate_blocks(
    blocks: Iterable[Blocks],
    recording: Recording,
    mask_function: MaskFunction,
    n_queries: int,
    *,
    combine: NDArray[np.float32] | None = None,
    share: bool = False,
    observers: Sequence[Observer] = (),
    n_batch: int = 1,
) -> Iterator[Part]:
    """Stretches of the recording with the sound of each query, in order and without gaps.

    `combine` (n_outputs, n_queries) gives weighted sums of the queries' sounds instead, at the cost of one output.
    `share` divides what several queries claim among them, so that the parts never sum to more than the mixture.
    Refuses blocks that do not add up to `recording` with ValueError.
    """
    listener = Listener(recording)
    masker = Masker(recording.n_frames, mask_function, n_queries, share=share, n_batch=n_batch)
    painter = Painter(recording, np.eye(n_queries, dtype=np.float32) if combine is None else combine)
    n_done = 0
    for block in _sliced(blocks, round(BLOCK_S * recording.sample_rate)):
        n_done += block.shape[1]
        if block.shape[0] != recording.n_channels or n_done > recording.n_samples:
            raise ValueError(f"a block {block.shape} does not fit {recording} after {n_done - block.shape[1]} samples")
        magnitudes = listener.push(block, last=n_done == recording.n_samples)
        for first, heard, masks in masker.push(magnitudes):
            for observer in observers:
                observer(first, heard, masks)
            painter.add_masks(heard, masks)
        yield from painter.push(block, last=n_done == recording.n_samples)
    if n_done != recording.n_samples:
        raise ValueError(f"{n_done} samples came, {recording.n_samples} were announced")


def _sliced(blocks: Iterable[Blocks], n_most: int) -> Iterator[Blocks]:
    for block in blocks:
        for begin in range(0, block.shape[1], n_most):
            yield block[:, begin : begin + n_most]


class Listener:
    """Magnitudes at 16 kHz: the root mean square over the channels, so that opposite phases do not cancel."""

    def __init__(self, recording: Recording) -> None:
        import soxr

        self._n_frames, self._n_given = recording.n_frames, 0
        self._waiting = np.zeros((recording.n_channels, NET_FFT // 2), np.float32)  # zeros before the beginning
        self._resampler = None
        if recording.sample_rate != NET_RATE:
            self._resampler = soxr.ResampleStream(
                recording.sample_rate, NET_RATE, recording.n_channels, dtype="float32", quality="HQ"
            )

    def push(self, block: Blocks, *, last: bool) -> Magnitudes:
        """The frames that are complete now; with the last block all the others, zeros beyond the end."""
        samples = block.astype(np.float32, copy=False)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(np.ascontiguousarray(samples.T), last=last).T
        joined = np.concatenate([self._waiting, samples], axis=1)
        if last:
            n_needed = NET_FFT + (self._n_frames - self._n_given - 1) * NET_HOP
            joined = np.pad(joined[:, :n_needed], ((0, 0), (0, max(0, n_needed - joined.shape[1]))))
        n_new = max(0, (joined.shape[1] - NET_FFT) // NET_HOP + 1)
        self._waiting = joined[:, n_new * NET_HOP :]
        self._n_given += n_new
        if n_new == 0:
            return np.zeros((NET_BINS, 0), np.float32)
        power = np.zeros((n_new, NET_BINS), np.float32)
        for channel in joined:
            power += np.abs(scipy.fft.rfft(_frames(channel, n_new, NET_HOP) * _hann(NET_FFT))) ** 2
        return np.sqrt(power / len(joined)).T


class Masker:
    """Runs the net over overlapping windows of 256 frames and fades their masks into one."""

    def __init__(
        self, n_frames: int, mask_function: MaskFunction, n_queries: int, *, share: bool = False, n_batch: int = 1
    ) -> None:
        self._n_frames, self._function, self._share, self._n_batch = n_frames, mask_function, share, n_batch
        self._starts = window_starts(n_frames)
        self._next = 0
        """Of the windows: the first that has not been through the net."""
        self._first = 0
        """Frame at which the stores below begin: all before it are given away."""
        self._heard = np.zeros((NET_BINS, 0), np.float32)
        self._sums = np.zeros((n_queries, NET_BINS, 0), np.float32)
        self._weights = np.zeros(0, np.float32)
        self._fade = (np.sin(np.pi * (np.arange(WINDOW_FRAMES) + 0.5) / WINDOW_FRAMES) ** 2).astype(np.float32)

    def push(self, magnitudes: Magnitudes) -> Iterator[tuple[int, Magnitudes, Masks]]:
        """Gives (first frame, magnitudes, masks) of the frames that no later window changes."""
        self._heard = np.concatenate([self._heard, magnitudes], axis=1)
        n_heard = self._first + self._heard.shape[1]
        while self._next < len(self._starts):
            batch = self._starts[self._next : self._next + self._n_batch]
            if n_heard < min(batch[-1] + WINDOW_FRAMES, self._n_frames):
                return
            self._add(batch)
            self._next += len(batch)
            yield self._give(self._starts[self._next] if self._next < len(self._starts) else self._n_frames)

    def _add(self, starts: list[int]) -> None:
        windows = [self._heard[:, s - self._first : s - self._first + WINDOW_FRAMES] for s in starts]
        n_there = windows[0].shape[1]
        filled = [_without_silence(window) for window in windows]
        sounding = [index for index, window in enumerate(filled) if window.any()]
        masks = np.zeros((len(starts), *self._sums.shape[:2], WINDOW_FRAMES), np.float32)  # silence: no claim
        if sounding:
            masks[sounding] = self._function(np.stack([filled[index] for index in sounding]))
        n_more = starts[-1] + n_there - self._first - len(self._weights)
        self._sums = np.pad(self._sums, ((0, 0), (0, 0), (0, max(0, n_more))))
        self._weights = np.pad(self._weights, (0, max(0, n_more)))
        for start, mask in zip(starts, masks, strict=True):
            place = slice(start - self._first, start - self._first + n_there)
            self._sums[:, :, place] += mask[:, :, :n_there] * self._fade[:n_there]
            self._weights[place] += self._fade[:n_there]

    def _give(self, end: int) -> tuple[int, Magnitudes, Masks]:
        n, first = end - self._first, self._first
        masks = self._sums[:, :, :n] / self._weights[:n]
        if self._share:
            masks /= np.maximum(masks.sum(axis=0), 1.0)
        heard = self._heard[:, :n]
        self._heard, self._sums = self._heard[:, n:].copy(), self._sums[:, :, n:].copy()
        self._weights, self._first = self._weights[n:].copy(), end
        return first, heard, masks


def _without_silence(window: Magnitudes) -> Magnitudes:
    """(513, n) -> (513, 256): frames of digital silence, and those that are missing, repeat the others in turn.

    What a net hears in silence disturbs what it makes of the rest: mixtures of half a second improve by 5.8 dB so, by
    1.4 dB when the window is filled with silence.
    """
    filled = np.pad(window, ((0, 0), (0, WINDOW_FRAMES - window.shape[1])))
    sounding = filled.max(axis=0) > DIGITAL_SILENCE
    if sounding.any() and not sounding.all():
        frames = filled[:, sounding]
        filled[:, ~sounding] = frames[:, np.arange(WINDOW_FRAMES - frames.shape[1]) % frames.shape[1]]
    return filled


def window_starts(n_frames: int) -> list[int]:
    """First frames of the windows: evenly spaced, at most STEP_FRAMES apart, the last ends with the recording."""
    n_more = -(-max(0, n_frames - WINDOW_FRAMES) // STEP_FRAMES)
    return [0] + [round((n_frames - WINDOW_FRAMES) * index / n_more) for index in range(1, n_more + 1)]


class Painter:
    """Lays masks over the spectra of the recording itself and goes back to sound."""

    def __init__(self, recording: Recording, combine: NDArray[np.float32]) -> None:
        self._recording, self._combine = recording, combine
        self._hop = own_hop(recording.sample_rate)
        self._n_fft = 4 * self._hop
        self._window = _hann(self._n_fft)
        self._bins = _bins_at(recording.sample_rate, self._n_fft)
        self._mixture = np.zeros((recording.n_channels, 3 * self._hop), np.float32)  # zeros before the beginning
        self._masks = np.zeros((len(combine), NET_BINS + 1, 0), np.float32)
        self._first_mask, self._frame = 0, -1  # frame j covers samples (j - 2) hop to (j + 2) hop
        self._last_frame = (recording.n_samples - 1) // self._hop + 2
        self._begin = 0
        self._out = np.zeros((len(combine), recording.n_channels, 4 * self._hop), np.float32)
        """Sums under way, from sample (frame - 2) hop."""

    def add_masks(self, heard: Magnitudes, masks: Masks) -> None:
        """Takes the next masks (n_queries, 513, n) with the magnitudes that they were found in."""
        bins_hz = np.arange(NET_BINS) * (NET_RATE / NET_FFT)
        octave = (bins_hz >= TOP_HZ / 2) & (bins_hz <= TOP_HZ)
        weights = heard[octave] + np.float32(1e-10)
        above = (masks[:, octave] * weights).sum(axis=1, keepdims=True) / weights.sum(axis=0)
        combined = np.einsum("oq,qft->oft", self._combine, np.concatenate([masks, above], axis=1))
        self._masks = np.concatenate([self._masks, combined], axis=2)

    def push(self, block: Blocks, *, last: bool) -> Iterator[Part]:
        """Gives the stretches that are complete; with the last block all the rest."""
        self._mixture = np.concatenate([self._mixture, block], axis=1)
        if last:
            n_needed = (self._last_frame - self._frame) * self._hop + self._n_fft
            self._mixture = np.pad(self._mixture, ((0, 0), (0, max(0, n_needed - self._mixture.shape[1]))))
        while n := min(PAINTED_FRAMES, self._frames_ready()):
            yield from self._paint(n)

    def _place(self, frame: int) -> float:
        """Where a frame lies among the masks."""
        place = frame * self._hop * NET_RATE / (self._recording.sample_rate * NET_HOP)
        return min(max(place, 0.0), self._recording.n_frames - 1.0)

    def _frames_ready(self) -> int:
        n = min((self._mixture.shape[1] - self._n_fft) // self._hop + 1, self._last_frame - self._frame + 1)
        n_masks = self._first_mask + self._masks.shape[2]
        while n > 0 and int(np.ceil(self._place(self._frame + n - 1))) >= n_masks:
            n -= 1
        return max(0, n)

    def _paint(self, n: int) -> Iterator[Part]:
        masks = self._masks_of(n)  # (n_outputs, n, 514)
        n_channels, hop = self._recording.n_channels, self._hop
        grown = np.pad(self._out, ((0, 0), (0, 0), (0, (n - 1) * hop)))
        below, share = self._bins
        for channel in range(n_channels):
            frames = _frames(self._mixture[channel].astype(np.float32, copy=False), n, hop)
            spectra = scipy.fft.rfft(frames * self._window)
            for output, mask in enumerate(masks):
                own = mask[:, below] * (1 - share) + mask[:, np.minimum(below + 1, NET_BINS)] * share
                sound = scipy.fft.irfft(spectra * own, self._n_fft) * (self._window / np.float32(1.5))
                for quarter in range(4):  # the squares of four Hann windows, a quarter apart, sum to 1.5
                    piece = sound[:, quarter * hop : (quarter + 1) * hop].reshape(-1)
                    grown[output, channel, quarter * hop : quarter * hop + len(piece)] += piece
        yield from self._give(grown, n)

    def _give(self, grown: Samples, n: int) -> Iterator[Part]:
        """What no later frame reaches: the samples before (frame + n - 2) hop."""
        hop, n_samples = self._hop, self._recording.n_samples
        origin = (self._frame - 2) * hop
        end = min(origin + n * hop, n_samples)
        if end > self._begin:
            place = slice(self._begin - origin, end - origin)
            yield Part(self._begin, self._mixture[:, place].copy(), grown[:, :, place].copy())
            self._begin = end
        self._out, self._mixture = grown[:, :, n * hop :], self._mixture[:, n * hop :]
        self._out = np.pad(self._out, ((0, 0), (0, 0), (0, 4 * hop - self._out.shape[2])))
        self._frame += n
        n_spent = int(self._place(self._frame)) - self._first_mask
        self._masks, self._first_mask = self._masks[:, :, n_spent:], self._first_mask + n_spent

    def _masks_of(self, n: int) -> Masks:
        """Masks of the next frames, between those at 16 kHz in time: (n_outputs, n, 514)."""
        places = np.array([self._place(self._frame + index) for index in range(n)]) - self._first_mask
        below = places.astype(np.int64)
        share = (places - below).astype(np.float32)
        above = np.minimum(below + 1, self._masks.shape[2] - 1)
        masks = self._masks[:, :, below] * (1 - share) + self._masks[:, :, above] * share
        return masks.transpose(0, 2, 1)


def own_hop(sample_rate: int) -> int:
    """16 ms at the recording's own rate; where that is no whole number, the nearest that transforms fast."""
    if sample_rate * 2 % 125 == 0:
        return sample_rate * 2 // 125
    wanted = sample_rate * 0.016
    found = (scipy.fft.prev_fast_len(int(wanted), real=True), scipy.fft.next_fast_len(int(wanted), real=True))
    return int(min(found, key=lambda hop: abs(hop - wanted)))


def _bins_at(sample_rate: int, n_fft: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For every bin of the recording's spectra: the bin at 16 kHz below it and the share of the next; 513 is above."""
    bins_hz = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    places = bins_hz / (NET_RATE / NET_FFT)
    places[places > NET_BINS - 1] = NET_BINS
    if sample_rate > NET_RATE:
        places[bins_hz > TOP_HZ] = NET_BINS
    below = places.astype(np.int64)
    return below, (places - below).astype(np.float32)


def _frames(samples: Samples, n_frames: int, hop: int) -> Samples:
    """(n_samples,) -> (n_frames, 4 hop), a view."""
    views = np.lib.stride_tricks.sliding_window_view(samples, 4 * hop)[::hop]
    return views[:n_frames]


def _hann(n: int) -> Samples:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)
