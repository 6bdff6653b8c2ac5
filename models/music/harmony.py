"""Scales, chords and voice leading. Pitches are MIDI numbers; a degree counts scale steps, 1 is the tonic."""

from __future__ import annotations

from collections.abc import Sequence

from models.music.styles import MODES

HARMONY_RANGE = (52, 76)
"""Inner voices stay between E3 and E5."""


def scale_pitch(tonic: int, mode: str, step: int) -> int:
    """The pitch of a scale step, counted from 0 at the tonic of octave 0 and going on through the octaves."""
    octave, degree = divmod(step, 7)
    return tonic + 12 * octave + MODES[mode][degree]


def chord_classes(tonic: int, mode: str, degree: int, *, dominant: bool = False) -> tuple[int, ...]:
    """The pitch classes of the triad on a degree, root first.

    `dominant` sharpens the third of a minor V, the leading note that a cadence wants (harmonic minor).
    """
    classes = [scale_pitch(tonic, mode, degree - 1 + third) % 12 for third in (0, 2, 4)]
    if (classes[2] - classes[0]) % 12 == 6:  # a diminished triad sounds as a mistake in these styles
        classes[2] = (classes[0] + 7) % 12
    if dominant and (classes[1] - classes[0]) % 12 == 3:
        classes[1] = (classes[0] + 4) % 12
    return tuple(classes)


def voiced(classes: Sequence[int], before: Sequence[int] | None) -> tuple[int, ...]:
    """The chord as three notes in the harmony's range: the inversion that moves least from the chord before."""
    candidates = []
    for bottom in range(HARMONY_RANGE[0], HARMONY_RANGE[1] - 11):
        if bottom % 12 not in classes:
            continue
        notes = sorted(bottom + (pitch - bottom) % 12 for pitch in classes)
        candidates.append(tuple(notes))
    if before is None:
        return min(candidates, key=lambda notes: abs(sum(notes) / 3 - 62))
    return min(candidates, key=lambda notes: (movement(before, notes), abs(sum(notes) / 3 - 62)))


def movement(first: Sequence[int], second: Sequence[int]) -> int:
    """How many semitones all voices move together."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True))


def near_pitch(pitch_class: int, target: int) -> int:
    """The pitch of that class nearest to the target."""
    return target + (pitch_class - target + 6) % 12 - 6
