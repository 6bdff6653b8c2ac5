"""Mixer: a timeline becomes three stems and a mix at its loudness and true peak, in blocks of ten seconds.

Three walks over the scene: one reads the speech and finds where beds go down; one sums the stems, with ducking and
room, into unfinished files while it measures; one applies the master's gain curve to them in place and writes the
mix. The curve is the same for all stems, so they sum to the mix. Memory does not grow with the scene but for some
6 kB a second of measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer.buses import Channel, add_all
from composer.ducking import FRAME_SAMPLES, along, duck_gains, frame_levels
from composer.faults import Fault
from composer.limiter import limiter_nodes
from composer.meters import (
    CHUNK,
    HOP,
    LoudnessMeter,
    chunk_peaks,
    chunks_lufs,
    true_chunk_peaks,
)
from composer.reverb import Reverb, shares
from composer.settings import MixSettings
from composer.timeline import Bus, Placement, Timeline
from composer.wavfile import StereoWav
from models.audio import PEAK_REACH
from models.clip import Samples

BLOCK_S = 10.0
BUSES: tuple[Bus, ...] = ("speech", "music", "effects")
MAX_MASTER_GAIN_DB = 30.0
LOUDNESS_TOLERANCE_LU = 0.1
CEILING_MARGIN_DB = 0.1
"""The limiter works to a ceiling this much lower, so that other oversamplers find no peak above it either."""
MAX_RETRIES = 4

Curve = NDArray[np.float32]


@dataclass(frozen=True)
class MixedRow:
    """What became of a placement. Its loudness is measured before ducking, room and master."""

    row: str
    start_sample: int
    n_samples: int
    gain_db: float
    pan: float
    loudness_lufs: float


@dataclass(frozen=True)
class MixResult:
    loudness_lufs: float
    true_peak_dbtp: float
    master_gain_db: float
    rows: tuple[MixedRow, ...]
    warnings: tuple[Fault, ...] = ()


def mix(
    timeline: Timeline,
    settings: MixSettings,
    *,
    stems_dir: Path,
    mix_path: Path,
    on_progress: Callable[[float], None] | None = None,
    block_s: float = BLOCK_S,
) -> MixResult:
    """Writes speech.wav, music.wav and effects.wav (float32) and the mix (24-bit PCM), all stereo and equally long.

    The stems sum to the mix. Files appear under their names only when all are complete. Raises SceneInvalid naming
    the row whose clip is broken, OSError when the disk does not take the files.
    """
    stems_dir.mkdir(parents=True, exist_ok=True)
    mix_path.parent.mkdir(parents=True, exist_ok=True)
    tell = on_progress or (lambda share: None)
    n_samples, sample_rate = timeline.n_samples, timeline.sample_rate
    block = max(1, round(block_s * sample_rate / HOP)) * HOP
    channels = [Channel(placement) for placement in timeline.placements]
    with ExitStack() as stack:
        stems = [
            stack.enter_context(
                StereoWav(stems_dir / f"{bus}.wav", n_samples=n_samples, sample_rate=sample_rate, n_bits=32)
            )
            for bus in BUSES
        ]
        whole = stack.enter_context(StereoWav(mix_path, n_samples=n_samples, sample_rate=sample_rate, n_bits=24))
        gains = _duck_borders(timeline, settings, block)
        master = _Master(stems, n_samples, block, settings)
        master.sum_stems(channels, gains, settings, lambda share: tell(0.6 * share))
        result = master.finish(whole, lambda share: tell(0.6 + 0.4 * share))
        for file in [*stems, whole]:
            file.flush()
        for file in [*stems, whole]:
            file.finish()
    loudness, peak, gain_db, warnings = result
    rows = tuple(_mixed_row(channel) for channel in channels)
    return MixResult(loudness, peak, gain_db, rows, warnings)


def _mixed_row(channel: Channel) -> MixedRow:
    placement = channel.placement
    return MixedRow(
        row=placement.row,
        start_sample=placement.start_sample,
        n_samples=placement.n_samples,
        gain_db=placement.gain_db,
        pan=placement.pan,
        loudness_lufs=channel.loudness_lufs(),
    )


def _blocks(n_samples: int, block: int) -> Iterator[tuple[int, int]]:
    return ((begin, min(begin + block, n_samples)) for begin in range(0, n_samples, block))


class _Active:
    """Which channels sound in a block, found while blocks go forward."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._waiting = sorted(channels, key=lambda channel: channel.placement.start_sample, reverse=True)
        self._sounding: list[Channel] = []

    def until(self, begin: int, end: int) -> list[Channel]:
        while self._waiting and self._waiting[-1].placement.start_sample < end:
            self._sounding.append(self._waiting.pop())
        self._sounding = [channel for channel in self._sounding if channel.placement.end_sample > begin]
        return self._sounding


def _duck_borders(timeline: Timeline, settings: MixSettings, block: int) -> Curve | None:
    """The beds' gain at borders of 10 ms, from the dry speech bus; None when nothing is ducked."""
    speech = [placement for placement in timeline.placements if placement.bus == "speech"]
    if not speech or settings.duck_db == 0.0 or not any(placement.ducked for placement in timeline.placements):
        return None
    channels = [Channel(placement) for placement in speech]
    active = _Active(channels)
    levels = []
    for begin, end in _blocks(timeline.n_samples, block):
        bus = np.zeros((2, end - begin), dtype=np.float32)
        add_all(active.until(begin, end), bus, begin)
        levels.append(frame_levels(bus))
    volumes = [placement.clip.loudness_lufs + placement.gain_db for placement in speech]
    quietest = min((volume for volume in volumes if isfinite(volume)), default=-35.0)
    return duck_gains(np.concatenate(levels), quietest, settings.duck_db)


class _Master:
    """The unfinished stems of a scene, their measures, and the gain curve that makes them the finished ones."""

    def __init__(self, stems: Sequence[StereoWav], n_samples: int, block: int, settings: MixSettings) -> None:
        self._stems, self._n_samples, self._block = stems, n_samples, block
        self._target_lufs, self._limit_dbtp = settings.loudness_lufs, settings.true_peak_dbtp
        n_chunks = -(-n_samples // CHUNK)
        self._peaks = np.zeros(n_chunks, dtype=np.float32)
        self._is_true_peak = np.zeros(n_chunks, dtype=bool)
        self._energies = np.zeros(n_chunks, dtype=np.float32)
        self._written = [np.zeros(-(-n_samples // block), dtype=bool) for _ in stems]

    def sum_stems(
        self,
        channels: Sequence[Channel],
        duck: Curve | None,
        settings: MixSettings,
        tell: Callable[[float], None],
    ) -> None:
        """Sums every bus into its file and measures their sum."""
        buses = [_Bus([one for one in channels if one.placement.bus == bus], settings) for bus in BUSES]
        meter = LoudnessMeter(2)
        for index, (begin, end) in enumerate(_blocks(self._n_samples, self._block)):
            envelope = _envelope(duck, begin, end)
            total = np.zeros((2, end - begin), dtype=np.float32)
            for stem, bus, written in zip(self._stems, buses, self._written, strict=True):
                sound = bus.block(begin, end, envelope)
                if sound is not None:
                    stem.write(begin, sound)
                    total += sound
                    written[index] = True
            meter.feed(total)
            peaks = chunk_peaks(total)
            self._peaks[begin // CHUNK : begin // CHUNK + len(peaks)] = peaks
            tell(end / self._n_samples)
        self._energies = meter.energies()

    def finish(self, whole: StereoWav, tell: Callable[[float], None]) -> tuple[float, float, float, tuple[Fault, ...]]:
        """Brings the stems to the target, writes the mix: (LUFS, dBTP, master gain in dB, warnings)."""
        before = chunks_lufs(self._energies, self._n_samples)
        if not isfinite(before):
            self._apply(whole, None, np.ones(len(self._peaks) + 1, dtype=np.float32), tell)
            silent = Fault("", "volume", "the whole scene is silent; nothing was made louder", "warning")
            return -np.inf, -np.inf, 0.0, (silent,)
        gain_db = min(self._target_lufs - before, MAX_MASTER_GAIN_DB)
        ceiling_db = self._limit_dbtp - CEILING_MARGIN_DB
        aim_lufs = self._target_lufs
        old_nodes: Curve | None = None
        for attempt in range(MAX_RETRIES):
            gain_db, nodes = self._curve_for(aim_lufs, gain_db, ceiling_db)
            loudness, peak = self._apply(whole, old_nodes, nodes, tell)
            old_nodes = nodes
            too_loud_db = max(0.0, peak - self._limit_dbtp)
            off_lu = self._target_lufs - loudness
            can_move = gain_db < MAX_MASTER_GAIN_DB - 1e-6 or off_lu < 0.0
            if too_loud_db == 0.0 and (abs(off_lu) <= LOUDNESS_TOLERANCE_LU or not can_move):
                break
            ceiling_db -= too_loud_db
            aim_lufs += off_lu
        return loudness, peak, gain_db, self._warnings(before, loudness)

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
            self._refine_peaks(gain, ceiling)
            nodes = limiter_nodes(self._peaks, gain, ceiling)
            squares = (nodes[:-1] ** 2 + nodes[:-1] * nodes[1:] + nodes[1:] ** 2) / 3.0
            off_lu = aim_lufs - chunks_lufs(self._energies * squares, self._n_samples)
            if abs(off_lu) < 0.01 or (off_lu > 0.0 and gain_db >= MAX_MASTER_GAIN_DB):
                break
            gain_db = min(gain_db + off_lu, MAX_MASTER_GAIN_DB)
        return gain_db, nodes

    def _refine_peaks(self, gain: float, ceiling: float) -> None:
        """Puts true peaks in place of sample peaks wherever a peak could pass the ceiling."""
        around = np.maximum(self._peaks, 0.0)
        around[1:] = np.maximum(around[1:], self._peaks[:-1])
        around[:-1] = np.maximum(around[:-1], self._peaks[1:])
        wanted = (around * gain > 0.45 * ceiling) & ~self._is_true_peak
        per_block = self._block // CHUNK
        for first in np.unique(np.flatnonzero(wanted) // per_block) * per_block:
            chunks = np.flatnonzero(wanted[first : first + per_block])
            begin = int(first) * CHUNK
            found = true_chunk_peaks(self._read_padded(begin), chunks)
            self._peaks[first + chunks] = np.maximum(self._peaks[first + chunks], found)
        self._is_true_peak |= wanted

    def _read_padded(self, begin: int) -> Samples:
        """The sum of the stems in a block of whole chunks, with PEAK_REACH samples more on each side."""
        end = min(begin + self._block, self._n_samples)
        first, last = max(0, begin - PEAK_REACH), min(end + PEAK_REACH, self._n_samples)
        n_padded = -(-(end - begin) // CHUNK) * CHUNK + 2 * PEAK_REACH
        total = np.zeros((2, n_padded), dtype=np.float32)
        at = first - (begin - PEAK_REACH)
        for stem, written in zip(self._stems, self._written, strict=True):
            if written[first // self._block : (last - 1) // self._block + 1].any():
                total[:, at : at + last - first] += stem.read(first, last)
        return total

    def _apply(
        self, whole: StereoWav, old_nodes: Curve | None, nodes: Curve, tell: Callable[[float], None]
    ) -> tuple[float, float]:
        """Multiplies the stems by the curve (over the one they already had) and writes their sum: (LUFS, dBTP)."""
        meter, peak_meter = LoudnessMeter(2), _PeakMeter()
        for index, (begin, end) in enumerate(_blocks(self._n_samples, self._block)):
            curve = _stretch(nodes, begin, end)
            if old_nodes is not None:
                curve = curve / _stretch(old_nodes, begin, end)
            total = np.zeros((2, end - begin), dtype=np.float32)
            for stem, written in zip(self._stems, self._written, strict=True):
                if written[index]:
                    sound = stem.read(begin, end)
                    sound *= curve
                    stem.write(begin, sound)
                    total += sound
            whole.write(begin, total)
            meter.feed(total)
            peak_meter.feed(total)
            tell(end / self._n_samples)
        return chunks_lufs(meter.energies(), self._n_samples), peak_meter.finish_dbtp()


class _PeakMeter:
    """The true peak of blocks that follow one another."""

    def __init__(self) -> None:
        self._highest = 0.0
        self._rest = np.zeros((2, 2 * PEAK_REACH), dtype=np.float32)

    def feed(self, block: Samples) -> None:
        joined = np.concatenate([self._rest, block], axis=1)
        n_chunks = (joined.shape[1] - 2 * PEAK_REACH) // CHUNK
        used = n_chunks * CHUNK
        self._measure(joined[:, : used + 2 * PEAK_REACH])
        self._rest = joined[:, used:].copy()

    def finish_dbtp(self) -> float:
        self.feed(np.zeros((2, CHUNK + 2 * PEAK_REACH), dtype=np.float32))
        return 20.0 * float(np.log10(self._highest)) if self._highest > 0.0 else -np.inf

    def _measure(self, padded: Samples) -> None:
        """Only chunks near the highest sample can hold the true peak: between samples it rises by less than 8 dB."""
        peaks = chunk_peaks(padded[:, PEAK_REACH:-PEAK_REACH])
        if not len(peaks):
            return
        self._highest = max(self._highest, float(peaks.max()))
        around = np.maximum(peaks, chunk_peaks(padded[:, : -2 * PEAK_REACH]))
        around = np.maximum(around, chunk_peaks(padded[:, 2 * PEAK_REACH :]))
        loud = np.flatnonzero(around > 0.45 * self._highest)
        if self._highest > 0.0 and loud.size:
            self._highest = max(self._highest, float(true_chunk_peaks(padded, loud).max()))


class _Bus:
    """One stem while it is summed: layers that share a distance, and the room behind them."""

    def __init__(self, channels: Sequence[Channel], settings: MixSettings) -> None:
        kinds = sorted({_layer_of(channel.placement) for channel in channels})
        self._layers = [
            (
                ducked,
                shares(settings.room, distance),
                _Active([one for one in channels if _layer_of(one.placement) == (distance, ducked)]),
            )
            for distance, ducked in kinds
        ]
        self._reverb = Reverb(settings.room) if settings.room != "none" and channels else None

    def block(self, begin: int, end: int, envelope: Curve | None) -> Samples | None:
        """The stem's sound between two samples; None when it is silent."""
        dry_sum: Samples | None = None
        send = None
        for ducked, (dry, wet), active in self._layers:
            sounding = active.until(begin, end)
            if not sounding:
                continue
            layer = np.zeros((2, end - begin), dtype=np.float32)
            add_all(sounding, layer, begin)
            if ducked and envelope is not None:
                layer *= envelope
            if self._reverb is not None:
                send = layer * np.float32(wet) if send is None else send + layer * np.float32(wet)
                layer *= np.float32(dry)
            dry_sum = layer if dry_sum is None else dry_sum + layer
        if self._reverb is not None and (send is not None or self._reverb.rings):
            answer = self._reverb.process(np.zeros((2, end - begin), dtype=np.float32) if send is None else send)
            dry_sum = answer if dry_sum is None else dry_sum + answer
        return dry_sum


def _layer_of(placement: Placement) -> tuple[float, bool]:
    return placement.distance, placement.ducked


def _envelope(duck: Curve | None, begin: int, end: int) -> Curve | None:
    if duck is None:
        return None
    last = -(-end // FRAME_SAMPLES)
    return along(duck[begin // FRAME_SAMPLES : last + 1], FRAME_SAMPLES)[: end - begin]


def _stretch(nodes: Curve, begin: int, end: int) -> Curve:
    """The curve of a block, one value a sample; a single one where it is flat."""
    part = nodes[begin // CHUNK : -(-end // CHUNK) + 1]
    if (part == part[0]).all():
        return part[:1]
    return along(part, CHUNK)[: end - begin]
