"""Timeline: a script and the lengths of its clips become placements, every number fixed; no sound is read.

Conventions: positions and lengths are in samples at 48 kHz, each rounded once from seconds. A mono clip is panned with
equal power (cos, sin; each side -3 dB in the centre). A stereo clip keeps its sides at pan 0; panned to one side, the
other side's sound moves over with cos and sin, so that nothing of it is lost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from composer.audibility import Heard, inaudible_rows
from composer.beds import Segment, arranged, cut, looped
from composer.faults import Fault
from composer.reverb import tail_s
from composer.script import MusicRow, Script, SoundRow, SpeechRow
from composer.settings import MixSettings, Room, SectionSettings

SAMPLE_RATE = 48_000
MAX_GAIN_DB = 40.0
EDGE_SAMPLES = 480
"""10 ms: the fade where a clip is cut in the foreground or composed music sets in."""

Bus = Literal["speech", "music", "effects"]


@dataclass(frozen=True)
class ClipFile:
    """One clip on disk: float32 WAV at 48 kHz, one or two channels."""

    path: Path
    n_samples: int
    n_channels: int
    loudness_lufs: float
    bars: tuple[int, ...] = ()
    ending_sample: int | None = None


@dataclass(frozen=True)
class Placement:
    """Where and how one row sounds."""

    row: str
    bus: Bus
    clip: ClipFile
    start_sample: int
    n_samples: int
    gain_db: float
    pan: float
    segments: tuple[Segment, ...]
    fade_in_samples: int = 0
    fade_out_samples: int = 0
    distance: float = 0.0
    """0 is in the foreground and nearly dry, 1 in the background with the room around it."""
    ducked: bool = False
    """Goes down while somebody speaks."""
    room: Room | None = None
    """The room around it, where it is another than the scene's."""

    @property
    def end_sample(self) -> int:
        return self.start_sample + self.n_samples


@dataclass(frozen=True)
class Timeline:
    placements: tuple[Placement, ...]
    n_samples: int
    sample_rate: int = SAMPLE_RATE
    warnings: tuple[Fault, ...] = ()


def build_timeline(
    script: Script,
    clips: Mapping[str, ClipFile],
    settings: MixSettings,
    sections: Mapping[str, SectionSettings] | None = None,
) -> Timeline:
    """Places every row that has a clip; rows without one take no time.

    A background lasts from the foreground row after its begin to the end of those before its end row; a `start` on
    its begin or end row moves that border, so that music leads in (-2.5 on begin) or rings on (+3 on end). One with
    nothing in the foreground inside it takes its own length and holds back what follows. A new section begins after a
    pause; its rows, and the backgrounds that begin in it, are heard in its room.
    """
    layout = _Layout(script, clips, settings, sections or {})
    layout.place()
    placements = tuple(layout.placements[row.row] for row in script.rows if row.row in layout.placements)
    ends = (one.end_sample + _samples(tail_s(one.room or settings.room)) for one in placements)
    heard = [
        Heard(placement.row, placement.bus, placement.start_sample, placement.end_sample, volume, placement.ducked)
        for placement in placements
        if (volume := layout.volumes[placement.row]) is not None
    ]
    warnings = layout.warnings + inaudible_rows(heard, settings.duck_db)
    return Timeline(placements, max(ends, default=0), SAMPLE_RATE, tuple(warnings))


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


class _Layout:
    """Walks down the table once and fixes where everything starts and ends."""

    def __init__(
        self,
        script: Script,
        clips: Mapping[str, ClipFile],
        settings: MixSettings,
        sections: Mapping[str, SectionSettings],
    ) -> None:
        self.script, self.clips, self.settings = script, clips, settings
        self.section_of, self.sections = script.sections(), sections
        self.section_before: str | None = None
        """The section of the foreground row before."""
        self.placements: dict[str, Placement] = {}
        self.volumes: dict[str, float | None] = {}
        self.warnings: list[Fault] = []
        self.cursor = 0
        """Where the row before ends."""
        self.something_played = False

    def place(self) -> None:
        there = set(self.section_of.values())
        for name in sorted(set(self.sections) - there):
            told = ", ".join(sorted(there - {""})) or "none"
            self._warn("", "section", f"scene.toml speaks of {name!r}, but the table's sections are: {told}")
        spans = self.script.spans()
        index_of = {row.row: index for index, row in enumerate(self.script.rows)}
        is_foreground = [row.layout == "foreground" and row.row in self.clips for row in self.script.rows]
        foreground_before = [0]
        for yes in is_foreground:
            foreground_before.append(foreground_before[-1] + yes)
        begin_of = {end: begin for begin, end in spans.items()}
        extents: list[tuple[int, int, int]] = []  # (index in the table, start, end) of all that holds time
        waiting: list[tuple[SoundRow, int, int]] = []  # backgrounds over foreground rows
        for index, row in enumerate(self.script.rows):
            if row.layout == "foreground":
                if row.row in self.clips:
                    placement = self._place_foreground(row)
                    extents.append((index, placement.start_sample, placement.end_sample))
            elif not isinstance(row, SpeechRow) and row.action == "begin" and row.row in self.clips:
                end_index = index_of[spans[row.row]]
                if foreground_before[end_index] > foreground_before[index + 1]:
                    waiting.append((row, index, end_index))
                else:
                    placement = self._place_bed(row, self.cursor + _samples(row.start or 0.0), None)
                    extents.append((index, placement.start_sample, placement.end_sample))
            elif row.row in begin_of and begin_of[row.row] in self.placements:
                held = self.placements[begin_of[row.row]]
                self.cursor = max(self.cursor, held.end_sample)
                self.something_played = True
        for row, index, end_index in waiting:
            inside = extents[bisect_left(extents, (index,)) : bisect_left(extents, (end_index,))]
            start, end = inside[0][1], max(end for _, _, end in inside)
            shortest = min(EDGE_SAMPLES, end - start)
            start = max(0, min(start + _samples(row.start or 0.0), end - shortest))
            end += _samples(self.script.rows[end_index].start or 0.0)
            self._place_bed(row, start, max(shortest, end - start))

    def _place_foreground(self, row: SpeechRow | SoundRow) -> Placement:
        clip = self.clips[row.row]
        gap_s = row.start if row.start is not None else self._gap_s(row)
        self.section_before = self.section_of[row.row]
        start = self.cursor + _samples(gap_s)
        if start < 0:
            self._warn(row.row, "start", f"{gap_s:g} s lies before the scene; the row begins with it instead")
            start = 0
        n_samples = clip.n_samples
        if row.duration != "auto" and not isinstance(row, SpeechRow):
            n_samples = max(1, min(n_samples, _samples(row.duration)))
        is_cut = n_samples < clip.n_samples
        placement = Placement(
            row=row.row,
            bus=_bus(row),
            clip=clip,
            start_sample=start,
            n_samples=n_samples,
            gain_db=self._gain_db(row, clip),
            pan=row.pan,
            segments=cut(clip.n_samples, n_samples),
            fade_out_samples=min(EDGE_SAMPLES, n_samples // 2) if is_cut else 0,
            room=self._room(row),
        )
        self._keep(placement)
        self.cursor = placement.end_sample
        self.something_played = True
        return placement

    def _gap_s(self, row: SpeechRow | SoundRow) -> float:
        """The silence before a foreground row that does not say it itself."""
        if not self.something_played:
            return 0.0
        section = self.section_of[row.row]
        if section == self.section_before or self.section_before is None:
            return self.settings.gap_s
        own = self.sections.get(section, SectionSettings()).pause_s
        return self.settings.section_pause_s if own is None else own

    def _room(self, row: SpeechRow | SoundRow) -> Room | None:
        return self.sections.get(self.section_of[row.row], SectionSettings()).room

    def _place_bed(self, row: SoundRow, start: int, span: int | None) -> Placement:
        """A background over a span; without a span it takes its own time."""
        clip = self.clips[row.row]
        start = max(0, start)
        own = clip.n_samples if row.duration == "auto" else max(1, _samples(row.duration))
        if span is None:
            n_samples = own
            if row.duration == "auto":
                self._warn(
                    row.row,
                    "action",
                    f"nothing is in the foreground between its begin and its end; it plays {own / SAMPLE_RATE:.1f} s "
                    "on its own and what follows waits for it",
                )
        else:
            n_samples = span if row.duration == "auto" else min(own, span)
        fade = min(_samples(self.settings.fade_s), n_samples // 4)
        arrangement = None
        if clip.bars and clip.ending_sample is not None:
            arrangement = arranged(clip.n_samples, clip.bars, clip.ending_sample, n_samples)
        if arrangement is not None:
            segments, fade_in = arrangement, min(EDGE_SAMPLES, fade)
            is_cut = segments[-1].file_offset + segments[-1].n_samples < clip.n_samples
            fade_out = fade if is_cut else 0
        elif clip.n_samples >= n_samples:
            segments, fade_in, fade_out = cut(clip.n_samples, n_samples), fade, fade
        else:
            segments, fade_in, fade_out = (
                looped(clip.n_samples, n_samples, _samples(self.settings.crossfade_s)),
                fade,
                fade,
            )
        placement = Placement(
            row=row.row,
            bus=_bus(row),
            clip=clip,
            start_sample=start,
            n_samples=n_samples,
            gain_db=self._gain_db(row, clip),
            pan=row.pan,
            segments=segments,
            fade_in_samples=fade_in,
            fade_out_samples=fade_out,
            distance=1.0,
            ducked=True,
            room=self._room(row),
        )
        self._keep(placement)
        return placement

    def _gain_db(self, row: SpeechRow | SoundRow, clip: ClipFile) -> float:
        self.volumes[row.row] = row.volume
        if not isfinite(clip.loudness_lufs):
            self._warn(row.row, "volume", "its clip is silent; make it anew with: talescape render --fresh")
            self.volumes[row.row] = None
            return 0.0
        gain_db = row.volume - clip.loudness_lufs
        if gain_db <= MAX_GAIN_DB:
            return gain_db
        self._warn(
            row.row,
            "volume",
            f"its clip is so quiet ({clip.loudness_lufs:.0f} LUFS) that {row.volume:g} would need {gain_db:.0f} dB; "
            f"it gets {MAX_GAIN_DB:.0f} dB",
        )
        self.volumes[row.row] = clip.loudness_lufs + MAX_GAIN_DB
        return MAX_GAIN_DB

    def _keep(self, placement: Placement) -> None:
        self.placements[placement.row] = placement

    def _warn(self, row: str, column: str, message: str) -> None:
        self.warnings.append(Fault(row, column, message, "warning"))


def _bus(row: SpeechRow | SoundRow) -> Bus:
    if isinstance(row, SpeechRow):
        return "speech"
    return "music" if isinstance(row, MusicRow) else "effects"
