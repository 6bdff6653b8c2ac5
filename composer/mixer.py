"""Mixer: a timeline becomes three stems and a mix at its loudness and true peak, in blocks of five seconds.

Three walks over the scene: one reads the speech and finds where beds go down; one sums the stems, with ducking and
room, into unfinished files while it measures; in the third the master changes them in place and writes the mix.
Memory does not grow with the scene but for some 8 kB a second of measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np

from composer.buses import Channel, add_all
from composer.ducking import FRAME_SAMPLES, along, duck_gains, frame_levels
from composer.faults import Fault
from composer.master import CEILING_MARGIN_DB, MAX_MASTER_GAIN_DB, Curve, Master, Stem, Tell, blocks
from composer.meters import HOP, UNDER_PEAK, LoudnessMeter, PeakMeter
from composer.reverb import Reverb, shares
from composer.settings import MixSettings, Room
from composer.timeline import Bus, Placement, Timeline
from composer.wavfile import StereoWav
from models.clip import Samples

BLOCK_S = 5.0
N_THREADS = 2
"""Each more needs up to 20 MB in a long reverberation."""
BUSES: tuple[Bus, ...] = ("speech", "music", "effects")
FORESIGHT_DB = 3.0
"""True peaks are looked for as if the master gave this much more gain than the rows' volumes let expect."""


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
        executor = stack.enter_context(ThreadPoolExecutor(N_THREADS))
        files = [
            stack.enter_context(
                StereoWav(stems_dir / f"{bus}.wav", n_samples=n_samples, sample_rate=sample_rate, n_bits=32)
            )
            for bus in BUSES
        ]
        whole = stack.enter_context(StereoWav(mix_path, n_samples=n_samples, sample_rate=sample_rate, n_bits=24))
        stems = [Stem(file, np.zeros(-(-n_samples // block), dtype=np.bool_)) for file in files]
        duck = duck_borders(timeline, settings, block)
        floor = _peak_floor(channels, settings)
        buses = [_Bus([one for one in channels if one.placement.bus == bus], settings) for bus in BUSES]
        loudness, peaks = _sum_stems(buses, stems, duck, n_samples, block, floor, executor, lambda x: tell(0.5 * x))
        master = Master(
            stems,
            loudness.energies(),
            peaks.finish(n_samples),
            n_samples=n_samples,
            block=block,
            settings=settings,
            floor=UNDER_PEAK * floor,
            executor=executor,
        )
        mastered = master.finish(whole, lambda share: tell(0.5 + 0.5 * share))
        for file in [*files, whole]:
            file.flush()
        for file in [*files, whole]:
            file.finish()
    return MixResult(
        mastered.loudness_lufs,
        mastered.true_peak_dbtp,
        mastered.gain_db,
        tuple(_mixed_row(channel) for channel in channels),
        mastered.warnings,
    )


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


def _sum_stems(
    buses: Sequence[_Bus],
    stems: Sequence[Stem],
    duck: Curve | None,
    n_samples: int,
    block: int,
    floor: float,
    executor: Executor,
    tell: Tell,
) -> tuple[LoudnessMeter, PeakMeter]:
    """Sums every bus into its file and measures their sum."""
    loudness, peaks = LoudnessMeter(2, in_chunks=True), PeakMeter(floor)
    for index, (begin, end) in enumerate(blocks(n_samples, block)):
        envelope = _envelope(duck, begin, end)

        def fill(
            pair: tuple[_Bus, Stem], begin: int = begin, end: int = end, envelope: Curve | None = envelope
        ) -> Samples | None:
            bus, stem = pair
            sound = bus.block(begin, end, envelope)
            if sound is not None:
                stem.file.write(begin, sound)
            return sound

        total = np.zeros((2, end - begin), dtype=np.float32)
        for stem, sound in zip(stems, executor.map(fill, zip(buses, stems, strict=True)), strict=True):
            if sound is not None:
                total += sound
                stem.sounds[index] = True
        for task in [executor.submit(meter.feed, total) for meter in (loudness, peaks)]:
            task.result()
        tell(end / n_samples)
    return loudness, peaks


def _peak_floor(channels: Sequence[Channel], settings: MixSettings) -> float:
    """Peaks under this will stay under the ceiling, if the scene is about as loud as its foreground rows."""
    heard = [channel.placement for channel in channels if isfinite(channel.placement.clip.loudness_lufs)]
    heard = [placement for placement in heard if placement.distance == 0.0] or heard
    powers = [10.0 ** ((one.clip.loudness_lufs + one.gain_db) / 10.0) for one in heard]
    foreseen_lufs = 10.0 * float(np.log10(np.mean(powers))) if powers else settings.loudness_lufs
    gain_db = min(settings.loudness_lufs - foreseen_lufs + FORESIGHT_DB, MAX_MASTER_GAIN_DB)
    return float(10.0 ** ((settings.true_peak_dbtp - CEILING_MARGIN_DB - gain_db) / 20.0))


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


def duck_borders(timeline: Timeline, settings: MixSettings, block: int) -> Curve | None:
    """The beds' gain at borders of 10 ms, from the dry speech bus; None when nothing is ducked."""
    speech = [placement for placement in timeline.placements if placement.bus == "speech"]
    if not speech or settings.duck_db == 0.0 or not any(placement.ducked for placement in timeline.placements):
        return None
    channels = [Channel(placement) for placement in speech]
    active = _Active(channels)
    levels = []
    for begin, end in blocks(timeline.n_samples, block):
        bus = np.zeros((2, end - begin), dtype=np.float32)
        add_all(active.until(begin, end), bus, begin)
        levels.append(frame_levels(bus))
    volumes = [placement.clip.loudness_lufs + placement.gain_db for placement in speech]
    quietest = min((volume for volume in volumes if isfinite(volume)), default=-35.0)
    return duck_gains(np.concatenate(levels), quietest, settings.duck_db)


class _Bus:
    """One stem while it is summed: layers that share a room and a distance, and the rooms behind them."""

    def __init__(self, channels: Sequence[Channel], settings: MixSettings) -> None:
        kinds = sorted({_layer_of(channel.placement, settings) for channel in channels})
        self._layers = [
            (
                ducked,
                room,
                shares(room, distance),
                _Active([one for one in channels if _layer_of(one.placement, settings) == (room, distance, ducked)]),
            )
            for room, distance, ducked in kinds
        ]
        self._reverbs = {room: Reverb(room) for room, _, _ in kinds if room != "none"}

    def block(self, begin: int, end: int, envelope: Curve | None) -> Samples | None:
        """The stem's sound between two samples; None when it is silent."""
        dry_sum: Samples | None = None
        sends: dict[Room, Samples] = {}
        for ducked, room, (dry, wet), active in self._layers:
            sounding = active.until(begin, end)
            if not sounding:
                continue
            layer = np.zeros((2, end - begin), dtype=np.float32)
            add_all(sounding, layer, begin)
            if ducked and envelope is not None:
                layer *= envelope
            if room in self._reverbs:
                send = layer * np.float32(wet)
                sends[room] = sends[room] + send if room in sends else send
                layer *= np.float32(dry)
            dry_sum = layer if dry_sum is None else dry_sum + layer
        for room, reverb in self._reverbs.items():
            if room in sends or reverb.rings:
                answer = reverb.process(sends[room] if room in sends else np.zeros((2, end - begin), dtype=np.float32))
                dry_sum = answer if dry_sum is None else dry_sum + answer
        return dry_sum


def _layer_of(placement: Placement, settings: MixSettings) -> tuple[Room, float, bool]:
    return placement.room or settings.room, placement.distance, placement.ducked


def _envelope(duck: Curve | None, begin: int, end: int) -> Curve | None:
    if duck is None:
        return None
    last = -(-end // FRAME_SAMPLES)
    return along(duck[begin // FRAME_SAMPLES : last + 1], FRAME_SAMPLES)[: end - begin]
