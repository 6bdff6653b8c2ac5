"""Where things stand in the timeline picture: its forms, its tracks, the lines that a long scene is wrapped into.

Conventions: times are in seconds of the mix. A scene is drawn as lines of music are: each line holds the next stretch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from composer.exports.rendered import RenderedRow
from composer.exports.tracks import AMBIENCE, EFFECTS, MUSIC, VOICES

RATE = 48_000
MARGIN = 14
OTHERS = "#6b7685"
MAX_VOICES = 24
MAX_LANES = 4
CLIP_PX = 60.0
"""A scene is wrapped so that half of its foreground clips are at least this wide, as far as its lines allow."""
SHORTEST_LINE_S = 10.0
PAUSE_REACH = 0.15
"""A line is made this much shorter or longer to end at a pause."""


@dataclass(frozen=True)
class Form:
    """How wide a picture is, whether names stand beside their tracks or above, and how many lines it may have."""

    width: int
    names_beside: bool
    max_lines: int
    titled: bool = True

    @property
    def left(self) -> float:
        """Where the time begins."""
        return 128.0 if self.names_beside else float(MARGIN)

    @property
    def room(self) -> float:
        return self.width - self.left - MARGIN


WIDE = Form(1200, True, 12)
NARROW = Form(400, False, 24)
"""For phones."""
COVER = Form(1200, True, 1)
"""The whole scene at one glance."""


@dataclass(frozen=True)
class Track:
    """A speaker or a bus, in lanes whose rows do not overlap."""

    name: str
    colour: str
    lanes: tuple[tuple[RenderedRow, ...], ...]


def picture_tracks(rows: Sequence[RenderedRow]) -> list[Track]:
    """One track a speaker in order of appearance, then effects, ambience and music, as far as there are any."""
    speech = [row for row in rows if row.placement.bus == "speech"]
    names = list(dict.fromkeys(row.speaker for row in speech))
    found = [
        Track(name or "Nobody", VOICES[number % len(VOICES)], lanes([row for row in speech if row.speaker == name]))
        for number, name in enumerate(names[:MAX_VOICES])
    ]
    rest = [row for row in speech if row.speaker in names[MAX_VOICES:]]
    if rest:
        found.append(Track(f"{len(names) - MAX_VOICES} more voices", OTHERS, lanes(rest)))
    effects = [row for row in rows if row.placement.bus == "effects"]
    kinds = (
        ("Effects", EFFECTS, [row for row in effects if not row.placement.ducked]),
        ("Ambience", AMBIENCE, [row for row in effects if row.placement.ducked]),
        ("Music", MUSIC, [row for row in rows if row.placement.bus == "music"]),
    )
    return found + [Track(name, colour, lanes(own)) for name, colour, own in kinds if own]


def lanes(rows: Sequence[RenderedRow]) -> tuple[tuple[RenderedRow, ...], ...]:
    """Rows in the fewest lanes in which none overlaps another; past MAX_LANES they share the last."""
    found: list[list[RenderedRow]] = []
    for row in sorted(rows, key=lambda row: row.start_sample):
        free = next((lane for lane in found if lane[-1].end_sample <= row.start_sample), None)
        if free is None and len(found) < MAX_LANES:
            free = []
            found.append(free)
        (found[-1] if free is None else free).append(row)
    return tuple(tuple(lane) for lane in found)


@dataclass(frozen=True)
class Stretch:
    """One line's part of the scene, and where its moments lie on the page."""

    left: float
    begin_s: float
    end_s: float
    px_per_s: float

    @property
    def width(self) -> float:
        return (self.end_s - self.begin_s) * self.px_per_s

    @property
    def right(self) -> float:
        return self.left + self.width

    def x(self, at_s: float) -> float:
        return self.left + (at_s - self.begin_s) * self.px_per_s

    def holds(self, at_s: float) -> bool:
        return self.begin_s <= at_s <= self.end_s

    def shows(self, row: RenderedRow) -> bool:
        return start_s(row) < self.end_s and end_s(row) > self.begin_s

    def cut(self, begin_s: float, end_s: float) -> tuple[float, float]:
        """What of a time lies in the line."""
        return max(begin_s, self.begin_s), min(end_s, self.end_s)


def start_s(row: RenderedRow) -> float:
    return row.start_sample / RATE


def end_s(row: RenderedRow) -> float:
    return row.end_sample / RATE


def wrap(rows: Sequence[RenderedRow], duration_s: float, form: Form) -> list[Stretch]:
    """Breaks the scene into lines of one scale, where there is a pause in the foreground if one is near."""
    foreground = sorted((row for row in rows if not row.placement.ducked), key=lambda row: row.start_sample)
    lengths_s = [row.n_samples / RATE for row in foreground]
    line_s = duration_s
    if lengths_s:
        line_s = max(SHORTEST_LINE_S, form.room / CLIP_PX * float(np.median(lengths_s)))
    n_lines = max(1, min(form.max_lines, math.ceil(duration_s / line_s - 0.2)))
    pauses_s = np.array(_pauses(foreground))
    borders_s = [0.0]
    for n_left in range(n_lines, 1, -1):
        even_s = (duration_s - borders_s[-1]) / n_left
        distances_s = np.abs(pauses_s - borders_s[-1] - even_s)
        is_near = distances_s.size > 0 and distances_s.min() <= PAUSE_REACH * even_s
        borders_s.append(float(pauses_s[distances_s.argmin()]) if is_near else borders_s[-1] + even_s)
    borders_s.append(duration_s)
    pairs = list(zip(borders_s, borders_s[1:], strict=False))
    px_per_s = form.room / max(end - begin for begin, end in pairs)
    return [Stretch(form.left, begin, end, px_per_s) for begin, end in pairs]


def _pauses(foreground: Sequence[RenderedRow]) -> list[float]:
    """Moments at which no foreground row sounds: just before the next begins."""
    found, heard_until = [], 0
    for row in foreground:
        if row.start_sample >= heard_until > 0:
            found.append(max(heard_until / RATE, start_s(row) - 0.1))
        heard_until = max(heard_until, row.end_sample)
    return found
