"""The parts of a piece: melody, chords, bass and drums, bar by bar.

Conventions: times are in beats from the start of the piece; velocity is MIDI's 1 to 127. Every random choice comes
from the generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.music.brief import MusicBrief
from models.music.harmony import chord_classes, near_pitch, scale_pitch, voiced

DRUM_TRACK = "drums"


@dataclass(frozen=True)
class PlayedNote:
    track: str
    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Bar:
    """One bar of the plan: its chord's degree and whether it is the dominant of a cadence."""

    degree: int
    dominant: bool = False
    section: int = 0


def plan_bars(brief: MusicBrief, n_bars: int, rng: np.random.Generator) -> list[Bar]:
    """Degrees of `n_bars` bars: progressions of four in sections of eight, A A B A', ending on the dominant.

    A body that ends on the dominant leads into both its own beginning and the final cadence.
    """
    choices = brief.style.progressions
    main = choices[int(rng.integers(len(choices)))]
    other = choices[(choices.index(main) + 1) % len(choices)]
    bars: list[Bar] = []
    while len(bars) < n_bars:
        section = (0, 0, 1, 0)[(len(bars) // 8) % 4]
        degrees = main if section == 0 else other
        bars += [Bar(degree, section=section) for degree in degrees]
    bars = bars[:n_bars]
    if n_bars > 1:
        bars[-1] = Bar(5, dominant=True, section=bars[-1].section)
    return bars


def chord_of(brief: MusicBrief, bar: Bar) -> tuple[int, ...]:
    return chord_classes(brief.tonic, brief.mode, bar.degree, dominant=bar.dominant)


def melody_notes(brief: MusicBrief, bars: list[Bar], rng: np.random.Generator) -> list[PlayedNote]:
    """A two-bar motif for each section, moved onto each chord and varied; every fourth bar rests on a long note.

    Notes on beats are chord tones, notes between them go by step.
    """
    style = brief.style
    if style.melody is None:
        return []
    rhythms = {section: [_rhythm(style.beats, style.busy, rng) for _ in range(2)] for section in (0, 1)}
    contours = {section: rng.integers(-2, 3, size=16) for section in (0, 1)}
    centre = 12 * style.melody_octave + 12
    notes: list[PlayedNote] = []
    pitch = near_pitch(chord_of(brief, bars[0])[2 if rng.random() < 0.4 else 0], centre)
    for number, bar in enumerate(bars):
        classes = chord_of(brief, bar)
        long_bar = number % 4 == 3
        rhythm = [(0.0, style.beats * 0.9)] if long_bar else rhythms[bar.section][number % 2]
        if number % 8 in (4, 5) and not long_bar and rng.random() < 0.35:
            rhythm = rhythm[: max(1, len(rhythm) - 1)]
        for step, (beat, length) in enumerate(rhythm):
            move = int(contours[bar.section][(step + 3 * (number % 2)) % 16])
            if beat == int(beat):
                target = pitch + 2 * move + round((centre - pitch) / 4)
                pitch = min((near_pitch(tone, target) for tone in classes), key=lambda tone: abs(tone - target))
            else:
                pitch = _scale_neighbour(brief, pitch, 1 if move >= 0 else -1)
            accent = 8 if beat == 0 else 0
            velocity = brief.velocity + 8 + accent + int(rng.integers(-5, 6))
            start = number * style.beats + _swung(beat, style.swing)
            notes.append(PlayedNote("melody", start, length * style.legato, pitch, velocity))
    return notes


def _rhythm(n_beats: int, busy: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Onsets and lengths of a bar in beats; `busy` decides how often beats are split or held over."""
    onsets = [0.0]
    for beat in range(1, n_beats):
        if rng.random() < 0.35 + 0.6 * busy:
            onsets.append(float(beat))
    for beat in range(n_beats):
        if float(beat) in onsets and rng.random() < busy * 0.7:
            onsets.append(beat + 0.5)
    onsets = sorted(onsets)
    ends = [*onsets[1:], float(n_beats)]
    return [(onset, end - onset) for onset, end in zip(onsets, ends, strict=True)]


def _scale_neighbour(brief: MusicBrief, pitch: int, direction: int) -> int:
    scale = {scale_pitch(brief.tonic, brief.mode, step) % 12 for step in range(7)}
    other = pitch + direction
    while other % 12 not in scale:
        other += direction
    return other


def chord_notes(brief: MusicBrief, bars: list[Bar], rng: np.random.Generator) -> list[PlayedNote]:
    """The harmony in its style's pattern; voices move as little as they can from chord to chord."""
    style = brief.style
    notes: list[PlayedNote] = []
    before: tuple[int, ...] | None = None
    for number, bar in enumerate(bars):
        before = voiced(chord_of(brief, bar), before)
        start = float(number * style.beats)
        for layer in range(len(style.harmony)):
            pattern = style.chord_pattern if layer == 0 else "pad"
            for beat, length, index, loudness in chord_pattern(pattern, style.beats):
                velocity = brief.velocity - (8 if layer == 0 else 22) + loudness + int(rng.integers(-4, 5))
                picked = before if index is None else (_spread(before, index),)
                onset = start + _swung(beat, style.swing)
                notes += [PlayedNote(f"harmony{layer}", onset, length, pitch, velocity) for pitch in picked]
    return notes


def _spread(chord: tuple[int, ...], index: int) -> int:
    """The index-th note of the chord, going on through the octaves."""
    octave, note = divmod(index, len(chord))
    return chord[note] + 12 * octave


def chord_pattern(name: str, n_beats: int) -> list[tuple[float, float, int | None, int]]:
    """Onset, length (beats), note of the chord (None: all of them) and loudness of each strike in a bar."""
    whole = float(n_beats)
    eighths = [number / 2 for number in range(2 * n_beats)]
    if name == "pad":
        return [(0.0, whole, None, -6)]
    if name == "arpeggio":
        order = (0, 1, 2, 3, 4, 3, 2, 1)
        return [(beat, whole - beat, order[step % 8], 0 if step % 4 else 5) for step, beat in enumerate(eighths)]
    if name == "waltz":
        return [(0.0, 1.0, 0, 2), *[(float(beat), 0.8, None, -4) for beat in range(1, n_beats)]]
    if name == "strum":
        hits = [(0.0, 5), (1.0, -2), (1.5, -6), (2.0, 2), (2.5, -6), (3.0, -2), (3.5, -6)]
        return [(beat, 0.45, None, loudness) for beat, loudness in hits if beat < n_beats]
    if name == "stabs":
        return [(float(beat) + (0.5 if beat % 2 else 0.0), 0.3, None, 2) for beat in range(n_beats)]
    if name == "comping":
        return [(0.0, 1.4, None, 0), (1.5, 0.4, None, -4), *([(2.5, 1.2, None, -2)] if n_beats > 3 else [])]
    if name == "pulse":
        return [(float(beat), 0.5, None, 4 if beat == 0 else -4) for beat in range(n_beats)]
    if name == "ostinato":
        order = (0, 0, 1, 0, 2, 0, 1, 2)
        return [(beat, 0.45, order[step % 8], 6 if step % 4 == 0 else -2) for step, beat in enumerate(eighths)]
    if name == "sequence":
        order = (0, 2, 3, 1, 4, 2, 3, 5)
        return [(beat, 0.4, order[step % 8], 4 if step % 4 == 0 else -2) for step, beat in enumerate(eighths)]
    raise AssertionError(f"no chord pattern {name}")


def bass_notes(brief: MusicBrief, bars: list[Bar], rng: np.random.Generator) -> list[PlayedNote]:
    """Roots first; patterns differ in what follows them."""
    style = brief.style
    if style.bass is None:
        return []
    notes: list[PlayedNote] = []
    for number, bar in enumerate(bars):
        classes = chord_of(brief, bar)
        after = chord_of(brief, bars[(number + 1) % len(bars)])
        root = near_pitch(classes[0], 38)
        fifth = root + (classes[2] - classes[0]) % 12
        following = near_pitch(after[0], root)
        for beat, length, pitch in _bass_pattern(style.bass_pattern, style.beats, root, fifth, following, classes):
            velocity = brief.velocity - 2 + (6 if beat == 0 else 0) + int(rng.integers(-4, 5))
            start = number * style.beats + _swung(beat, style.swing)
            notes.append(PlayedNote("bass", start, length, pitch, velocity))
    return notes


def _bass_pattern(
    name: str, n_beats: int, root: int, fifth: int, following: int, classes: tuple[int, ...]
) -> list[tuple[float, float, int]]:
    whole = float(n_beats)
    if name == "eighths":
        return [(step / 2, 0.42, root) for step in range(2 * n_beats)]
    if name == "fifths":
        return [(0.0, 0.9, root), *([(float(n_beats // 2), 0.9, fifth)] if n_beats > 3 else [])]
    if name == "walking":
        third = root + (classes[1] - classes[0]) % 12
        last = following + (1 if following < fifth else -1)
        return [(float(beat), 0.9, pitch) for beat, pitch in enumerate((root, third, fifth, last)[:n_beats])]
    if name == "offbeat":
        return [(beat + 0.5, 0.4, root) for beat in range(n_beats)]
    if name == "pedal":
        return [(0.0, 1.4, root), (1.5, 0.4, root), *([(2.0, 1.9, root)] if n_beats > 3 else [])]
    return [(0.0, whole * 0.98, root)]  # "whole" and "drone": a drone's harmony stays on its root by its progression


def drum_notes(brief: MusicBrief, bars: list[Bar], rng: np.random.Generator) -> list[PlayedNote]:
    """The style's pattern; a crash opens each section, a short fill closes every eighth bar."""
    style = brief.style
    notes: list[PlayedNote] = []
    if not style.drums:
        return notes
    for number in range(len(bars)):
        fill = number % 8 == 7 and len(bars) > 8
        for pitch, pattern in style.drums:
            for step, mark in enumerate(pattern[: 4 * style.beats]):
                if mark == "." or (fill and step >= 4 * style.beats - 4):
                    continue
                velocity = int(brief.velocity * int(mark) / 9) + int(rng.integers(-4, 5))
                start = number * style.beats + _swung(step / 4, style.swing)
                notes.append(PlayedNote(DRUM_TRACK, start, 0.25, pitch, velocity))
        if fill:
            for step in range(4):
                start = (number + 1) * style.beats - 1 + step / 4
                notes.append(PlayedNote(DRUM_TRACK, start, 0.25, (50, 48, 45, 41)[step], brief.velocity - 6 + 3 * step))
        if number % 8 == 0 and brief.velocity > 75:
            notes.append(PlayedNote(DRUM_TRACK, float(number * style.beats), 1.0, 49, brief.velocity - 18))
    return notes


def final_notes(brief: MusicBrief, start: float, length: float) -> list[PlayedNote]:
    """The last chord: the tonic in every part, struck at `start` and held."""
    style = brief.style
    classes = chord_classes(brief.tonic, brief.mode, 1)
    chord = voiced(classes, None)
    notes = [
        PlayedNote(f"harmony{n}", start, length, pitch, brief.velocity)
        for n in range(len(style.harmony))
        for pitch in chord
    ]
    if style.melody is not None:
        top = near_pitch(classes[0], 12 * style.melody_octave + 12)
        notes.append(PlayedNote("melody", start, length, top, brief.velocity + 10))
    if style.bass is not None:
        notes.append(PlayedNote("bass", start, length, near_pitch(classes[0], 38), brief.velocity + 4))
    if style.drums:
        notes += [PlayedNote(DRUM_TRACK, start, 1.0, pitch, brief.velocity) for pitch in (36, 49)]
    return notes


def _swung(beat: float, swing: float) -> float:
    """Eighths between beats come late by a third of `swing` of a half beat."""
    return beat + swing / 6 if beat % 1 == 0.5 else beat
