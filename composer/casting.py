"""Casting: each character gets a voice that suits what is said of them, stable and distinct.

A voice's score adds up what the words ask for; of voices that suit equally, a hash of the character's name picks one,
so that who else speaks, and in which order, changes as little as possible.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from composer.errors import ComposerError
from composer.names import gender_of, manner_of
from models.engines import Voice

WRONG_GENDER = -10.0
USED_ALREADY = -4.0
"""Distinct voices matter more than fine fits, less than the right gender."""


@dataclass(frozen=True)
class Character:
    name: str
    description: str = ""
    """What the script says of them: "old sea captain, gruff"; "She is a chief engineer"."""


def cast_voices(
    characters: Sequence[Character], voices: Sequence[Voice], *, overrides: Mapping[str, str], seed: int
) -> dict[str, str]:
    """Character name -> voice name for `characters`, the main ones first.

    `overrides` (earlier casts, a user's wishes) are kept as they are. Raises ComposerError when one of them names a
    voice that is not there, or when there are no voices.
    """
    if not voices:
        raise ComposerError("there are no voices to cast; see: talescape engines")
    names = [voice.name for voice in voices]
    for name, wanted in overrides.items():
        if wanted not in names:
            raise ComposerError(f"{name!r} is cast as {wanted!r}, which is not there; there are: {', '.join(names)}")
    used = Counter(overrides.values())
    cast = {}
    for character in characters:
        chosen = overrides.get(character.name)
        if chosen is None:
            chosen = max(voices, key=lambda voice: _score(character, voice, used, seed)).name
            used[chosen] += 1
        cast[character.name] = chosen
    return cast


def _score(character: Character, voice: Voice, used: Counter[str], seed: int) -> float:
    gender = gender_of(character.name, character.description)
    manner = manner_of(character.name, character.description)
    narrates = character.name.casefold() in ("narrator", "storyteller", "host", "announcer")
    score = 1.5 * voice.quality
    if gender is not None and voice.gender != gender:
        score += WRONG_GENDER
    if manner["clear"] or narrates:
        score += 6.0 * voice.quality
    if manner["british"] != (voice.accent == "British"):
        score -= 2.0 if manner["british"] else 0.6
    if manner["old"] and not manner["young"]:
        score += 1.5 * (voice.age == "old") - 1.5 * (voice.age in ("young", "child"))
    if manner["young"]:
        score += 1.5 * (voice.age in ("young", "child")) - 2.0 * (voice.age == "old")
    if voice.age == "old" and not manner["old"]:
        score -= 1.5
    height = (voice.pitch_hz - _MIDDLE_HZ[voice.gender]) / 40.0  # about -1 to 1 within a gender
    if manner["deep"] or (manner["old"] and not manner["high"]):
        score -= 1.5 * height
    if manner["high"]:
        score += 1.5 * height
    if manner["deep"] and gender is None and voice.gender == "female":
        score -= 3.0
    if manner["flat"]:
        score += 1.0 - 2.0 * voice.quality
    return score + USED_ALREADY * used[voice.name] + 1.2 * _chance(character.name, voice.name, seed)


_MIDDLE_HZ = {"female": 188.0, "male": 128.0, "neutral": 155.0}


def _chance(character: str, voice: str, seed: int) -> float:
    """0 to 1, the same for the same names and seed."""
    digest = hashlib.sha256(f"{seed}/{character}/{voice}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4]) / 2**32
