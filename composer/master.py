"""Master: brings summed stems to the scene's loudness under its true peak, and writes their sum.

Conventions: a curve is the master's gain at every border of 2 ms chunks, joined by straight lines; stems are changed
in place, all by the same curve, so they sum to the mix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from composer.ducking import along
from composer.faults import Fault
from composer.limiter import limiter_nodes
from composer.meters import (
    CHUNK,
    CHUNKS_PER_HOP,
    UNDER_PEAK,
    LoudnessMeter,
    PeakMeter,
    hops_lufs,
    in_hops,
    true_chunk_peaks,
)
from composer.settings import MixSettings
from composer.wavfile import StereoWav
from models.audio import PEAK_REACH
from models.clip import Samples

MAX_MASTER_GAIN_DB = 30.0
LOUDNESS_TOLERANCE_LU = 0.1
CEILING_MARGIN_DB = 0.1
"""The limiter works to a ceiling this much lower, so that other oversamplers find no peak above it either."""
MAX_RETRIES = 4
CHUNKS_AT_ONCE = 1_000 * CHUNKS_PER_HOP

Curve = NDArray[np.float32]
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Mastered:
    loudness_lufs: float
    true_peak_dbtp: float
    gain_db: float
    warnings: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Stem:
    """An unfinished stem and which of its blocks hold sound."""

    file: StereoWav
    sounds: NDArray[np.bool_]


def blocks(n_samples: int, block: int) -> Iterator[tuple[int, int]]:
    """The borders (begin, end) of blocks one after another."""
    return ((begin, min(begin + block, n_samples)) for begin in range(0, n_samples, block))


class Master:
    """The measures of a scene's stems and the curve that follows from them.

    `energies` and `peaks` are those of the stems' sum, one for each chunk. `peaks` are true peaks where they could
    pass the ceiling at `foreseen_gain_db`; others are found when they are needed.
    """

    def __init__(
        self,
        stems: Sequence[Stem],
        energies: NDArray[np.float32],
        peaks: NDArray[np.float32],
        *,
        n_samples: int,
        block: int,
        settings: MixSettings,
        floor: float,
        executor: Executor,
    ) -> None:
        self._stems, self._energies, self._peaks = stems, energies, peaks
        self._n_samples, self._block, self._executor = n_samples, block, executor
        self._target_lufs, self._limit_dbtp = settings.loudness_lufs, settings.true_peak_dbtp
        self._floor = floor

    def finish(self, whole: StereoWav, tell: Tell) -> Mastered:
        """Changes the stems and writes their sum into `whole`, measured again until it is right."""
        before = hops_lufs(in_hops(self._energies), self._n_samples)
        if not isfinite(before):
            self._apply(whole, None, np.ones(len(self._peaks) + 1, dtype=np.float32), tell)
            silent = Fault("", "volume", "the whole scene is silent; nothing was made louder", "warning")
            return Mastered(-np.inf, -np.inf, 0.0, (silent,))
        gain_db = min(self._target_lufs - before, MAX_MASTER_GAIN_DB)
        ceiling_db = self._limit_dbtp - CEILING_MARGIN_DB
        aim_lufs = self._target_lufs
        applied: Curve | None = None
        for _ in range(MAX_RETRIES):
            gain_db, curve = self._curve_for(aim_lufs, gain_db, ceiling_db)
            loudness, peak = self._apply(whole, applied, curve, tell)
            applied = curve
            over_db = max(0.0, peak - self._limit_dbtp)
            off_lu = self._target_lufs - loudness
            is_spent = off_lu > 0.0 and gain_db >= MAX_MASTER_GAIN_DB
            if over_db == 0.0 and (abs(off_lu) <= LOUDNESS_TOLERANCE_LU or is_spent):
                break
            ceiling_db -= over_db
            aim_lufs += off_lu
        return Mastered(loudness, peak, gain_db, self._warnings(before, loudness))

    def _warnings(self, before: float, loudness: float) -> tuple[Fault, ...]:
        if abs(loudness - self._target_lufs) <= LOUDNESS_TOLERANCE_LU:
            return ()
        return (
            Fault(
                "",
                "volume",
                f"the mix reaches {loudness:.1f} LUFS, not {self._target_lufs:g}: its rows measure {before:.1f} LUFS "
                f"and at most {MAX_MASTER_GAIN_DB:.0f} dB are added under a peak of {self._limit_dbtp:g} dBTP; "
                "raise the rows' volume or lower loudness_lufs",
                "warning",
            ),
        )

    def _curve_for(self, aim_lufs: float, gain_db: float, ceiling_db: float) -> tuple[float, Curve]:
        """The gain and its curve that should measure `aim_lufs`, foretold from the energies of chunks."""
        ceiling = 10.0 ** (ceiling_db / 20.0)
        for _ in range(12):
            gain = 10.0 ** (gain_db / 20.0)
            self._find_true_peaks(UNDER_PEAK * ceiling / gain)
            nodes = limiter_nodes(self._peaks, gain, ceiling)
            off_lu = aim_lufs - hops_lufs(_changed_hops(self._energies, nodes), self._n_samples)
            if abs(off_lu) < 0.01 or (off_lu > 0.0 and gain_db >= MAX_MASTER_GAIN_DB):
                break
            gain_db = min(gain_db + off_lu, MAX_MASTER_GAIN_DB)
        return gain_db, nodes

    def _find_true_peaks(self, floor: float) -> None:
        """Puts true peaks in place of sample peaks down to a lower floor than so far, reading the stems again."""
        if floor >= self._floor:
            return
        around = self._peaks.copy()
        np.maximum(around[1:], self._peaks[:-1], out=around[1:])
        np.maximum(around[:-1], self._peaks[1:], out=around[:-1])
        wanted = (around > floor) & (around <= self._floor)
        per_block = self._block // CHUNK
        for first in np.unique(np.flatnonzero(wanted) // per_block) * per_block:
            chunks = np.flatnonzero(wanted[first : first + per_block])
            found = true_chunk_peaks(self._read_padded(int(first) * CHUNK), chunks)
            self._peaks[first + chunks] = np.maximum(self._peaks[first + chunks], found)
        self._floor = floor

    def _read_padded(self, begin: int) -> Samples:
        """The sum of the stems in a block of whole chunks, with PEAK_REACH samples more on each side."""
        end = min(begin + self._block, self._n_samples)
        first, last = max(0, begin - PEAK_REACH), min(end + PEAK_REACH, self._n_samples)
        n_padded = -(-(end - begin) // CHUNK) * CHUNK + 2 * PEAK_REACH
        total = np.zeros((2, n_padded), dtype=np.float32)
        at = first - (begin - PEAK_REACH)
        for stem in self._stems:
            if stem.sounds[first // self._block : (last - 1) // self._block + 1].any():
                total[:, at : at + last - first] += stem.file.read_frames(first, last).T
        return total

    def _apply(self, whole: StereoWav, applied: Curve | None, curve: Curve, tell: Tell) -> tuple[float, float]:
        """Multiplies the stems by a curve (over the one they already had) and writes their sum: (LUFS, dBTP)."""
        loudness, peaks = LoudnessMeter(2), PeakMeter()
        for index, (begin, end) in enumerate(blocks(self._n_samples, self._block)):
            gains = _stretch(curve, begin, end)
            if applied is not None:
                gains = gains / _stretch(applied, begin, end)

            def change(stem: Stem, begin: int = begin, end: int = end, gains: Curve = gains) -> Samples:
                frames = stem.file.read_frames(begin, end)
                frames.reshape(-1)[:] *= gains
                stem.file.write_frames(begin, frames)
                return frames

            total = np.zeros((end - begin, 2), dtype=np.float32)
            for frames in self._executor.map(change, [stem for stem in self._stems if stem.sounds[index]]):
                total += frames
            sides = np.ascontiguousarray(total.T)
            measured = [self._executor.submit(meter.feed, sides) for meter in (loudness, peaks)]
            whole.write_frames(begin, total)
            for task in measured:
                task.result()
            tell(end / self._n_samples)
        peaks.finish(self._n_samples)
        peak_dbtp = 20.0 * float(np.log10(peaks.highest)) if peaks.highest > 0.0 else -np.inf
        return hops_lufs(loudness.energies(), self._n_samples), peak_dbtp


def _changed_hops(energies: NDArray[np.float32], curve: Curve) -> NDArray[np.float32]:
    """The energies of hops when chunks are multiplied by a curve (a line's mean square), in pieces to save memory."""
    hops = [np.zeros(0, dtype=np.float32)]
    for begin in range(0, len(energies), CHUNKS_AT_ONCE):
        piece = energies[begin : begin + CHUNKS_AT_ONCE]
        left, right = curve[begin : begin + len(piece)], curve[begin + 1 : begin + len(piece) + 1]
        hops.append(in_hops(piece * (left * left + left * right + right * right) / np.float32(3.0)))
    return np.concatenate(hops)


def _stretch(curve: Curve, begin: int, end: int) -> Curve:
    """The gains of a block, two for each frame; a single one where the curve is flat."""
    part = curve[begin // CHUNK : -(-end // CHUNK) + 1]
    if (part == part[0]).all():
        return part[:1]
    return np.repeat(along(part, CHUNK)[: end - begin], 2)
