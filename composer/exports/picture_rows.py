"""One row in the timeline picture: its box or its span with brackets, its waveform, its ducking, its words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from composer.exports.clock import short_clock
from composer.exports.drawing import Box, Mark, Point, Shape, Stroke, Words, wrapped_text
from composer.exports.picture_lanes import RATE, Stretch, end_s, start_s
from composer.exports.picture_sounds import FRAMES_PER_S, Sounds, columns
from composer.exports.rendered import RenderedRow

INK, UNSEEN, HALO = "#17202b", "#ffffff", "#ffffff"
WORDS_SIZE, WORDS_LINE = 10.0, 12.0
POWER = 0.6
"""Sizes are drawn to this power, so that what is half as loud is still seen."""
DUCKED_DB = 12.0
"""A bed that goes down by this much has its line at the bottom."""


@dataclass(frozen=True)
class Place:
    """The lane of a line that a row is drawn into."""

    stretch: Stretch
    top: float
    height: float
    colour: str
    loudest: float
    """The size that fills the lane."""
    n_words: int
    """How many lines of words fit above the waveform."""

    @property
    def wave(self) -> tuple[float, float]:
        """Top and bottom of what is left for the waveform."""
        return self.top + 4 + WORDS_LINE * self.n_words, self.top + self.height - 3


def row_marks(row: RenderedRow, following: RenderedRow | None, sounds: Sounds, place: Place) -> list[Mark]:
    """A row in one line of the picture; its words may run on over the empty lane up to the row `following` it."""
    stretch, is_bed = place.stretch, row.placement.ducked
    begin_s, stop_s = stretch.cut(start_s(row), end_s(row))
    left = stretch.x(begin_s)
    width = max(stretch.x(stop_s) - left, 1.5)
    inner = place.top + 1, place.height - 2
    marks: list[Mark] = [
        Box(left, inner[0], width, inner[1], place.colour, 0.13 if is_bed else 0.2, 0 if is_bed else 3)
    ]
    marks += _waveform(row, sounds, place, begin_s, stop_s)
    if is_bed:
        marks += _ducking(sounds, place, begin_s, stop_s)
        marks += _brackets(row, place)
    limit = stretch.right if following is None else stretch.x(start_s(following))
    room = (left + width if is_bed else limit) - left - 9
    words = ("… " if start_s(row) < stretch.begin_s else "") + (row.receipt.words or row.row)
    for number, text in enumerate(wrapped_text(words, WORDS_SIZE, room, place.n_words)):
        y = place.top + 9 + WORDS_LINE * number
        marks.append(Words(left + (7 if is_bed else 5), y, text, WORDS_SIZE, INK, room=room))
    times = f"{short_clock(row.start_sample, RATE)} to {short_clock(row.end_sample, RATE)}"
    marks.append(Box(left, *((inner[0], width, inner[1])), UNSEEN, 0.0, told=f"{row.row}, {times}: {row.label}"))
    return marks


def _waveform(row: RenderedRow, sounds: Sounds, place: Place, begin_s: float, stop_s: float) -> list[Mark]:
    left, right = place.stretch.x(begin_s), place.stretch.x(stop_s)
    found = columns(sounds.sizes(row), begin_s - start_s(row), stop_s - begin_s, max(2, round(right - left)))
    if not found.any() or place.loudest == 0.0:
        return []
    top, bottom = place.wave
    tall = np.maximum(0.5 * (bottom - top) * (found / place.loudest) ** POWER, 0.3)
    xs = np.linspace(left, right, len(tall))
    upper = [(float(x), float((top + bottom) / 2 - size)) for x, size in zip(xs, tall, strict=True)]
    lower = [(float(x), float((top + bottom) / 2 + size)) for x, size in zip(xs, tall, strict=True)]
    return [Shape((*upper, *reversed(lower)), place.colour, 0.8)]


def _ducking(sounds: Sounds, place: Place, begin_s: float, stop_s: float) -> list[Mark]:
    """The line of a bed's volume: at the top it is full, and it goes down under speech."""
    if sounds.duck_gains is None:
        return []
    left, right = place.stretch.x(begin_s) + 3, place.stretch.x(stop_s) - 3
    n_points = max(2, round((right - left) / 2))
    moments = np.linspace(begin_s, stop_s, n_points) * FRAMES_PER_S
    gains = sounds.duck_gains[np.minimum(np.round(moments).astype(int), len(sounds.duck_gains) - 1)]
    depths = np.minimum(-20.0 * np.log10(gains.astype(np.float64)) / DUCKED_DB, 1.0)
    top, bottom = place.wave
    xs = np.linspace(left, max(right, left), n_points)
    line = _bends([(float(x), float(top + (bottom - top) * d)) for x, d in zip(xs, depths, strict=True)])
    return [Stroke(line, HALO, 3.2, 0.75), Stroke(line, INK, 1.3)]


def _bends(points: list[Point]) -> tuple[Point, ...]:
    """The points of a line without those inside its level parts."""
    inner = zip(points, points[1:], points[2:], strict=False)
    return points[0], *(point for before, point, after in inner if not before[1] == point[1] == after[1]), points[-1]


def _brackets(row: RenderedRow, place: Place) -> list[Mark]:
    """Where a background begins and ends."""
    marks: list[Mark] = []
    top, bottom = place.top + 1, place.top + place.height - 1
    for at_s, foot in ((start_s(row), 5.0), (end_s(row), -5.0)):
        if place.stretch.holds(at_s):
            x = place.stretch.x(at_s) + foot / 5.0
            points = ((x + foot, top + 1), (x, top + 1), (x, bottom - 1), (x + foot, bottom - 1))
            marks.append(Stroke(points, place.colour, 2.0))
    return marks
