"""Words become a musical brief: style, key, tempo and instruments."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from models.music.styles import (
    FAST_WORDS,
    INSTRUMENTS,
    LOUD_WORDS,
    MAJOR_WORDS,
    MINOR_WORDS,
    SLOW_WORDS,
    SOFT_WORDS,
    SONG_WORDS,
    STINGER_WORDS,
    STYLES,
    Style,
)

KEYS = {"c": 0, "c#": 1, "db": 1, "d": 2, "eb": 3, "d#": 3, "e": 4, "f": 5, "f#": 6, "gb": 6, "g": 7, "ab": 8, "a": 9}
KEYS |= {"g#": 8, "bb": 10, "a#": 10, "b": 11}
_KEY = re.compile(r"\bin (?:the key of )?([a-g](?:#|b|\s?sharp|\s?flat)?)\s+(major|minor)\b", re.I)
_BPM = re.compile(r"\b(\d{2,3})\s?bpm\b", re.I)
DEFAULT_STYLE = "podcast"
INSTRUMENT_STYLE = "calm"
"""How a piece goes when only instruments are named."""


@dataclass(frozen=True)
class MusicBrief:
    """What is to be composed. `tonic` is a pitch class, 0 for C."""

    style: Style
    tonic: int
    mode: str
    bpm: float
    velocity: int
    known: tuple[str, ...]
    """The words that were understood."""
    stinger: bool = False
    song: bool = False


def read_brief(description: str, seed: int) -> MusicBrief:
    """The brief of a description; what the words leave open is drawn with the seed."""
    rng = np.random.default_rng([seed % 2**63, 11])
    text = f" {re.sub(r'[^a-z0-9#&-]+', ' ', description.casefold())} "
    words = set(text.split())
    style, known = _style_of(text)
    style, heard = _with_instruments(style, text)
    if heard and not known:
        style, heard = _with_instruments(next(each for each in STYLES if each.name == INSTRUMENT_STYLE), text)
    bpm = style.bpm * float(rng.uniform(0.95, 1.05))
    bpm *= 1.15 if words & FAST_WORDS else 0.85 if words & SLOW_WORDS else 1.0
    told_bpm = _BPM.search(description)
    if told_bpm:
        bpm = min(220.0, max(40.0, float(told_bpm.group(1))))
    mode = style.mode
    if words & MAJOR_WORDS and mode in ("minor", "phrygian"):
        mode = "major"
    if words & MINOR_WORDS and mode in ("major", "lydian", "mixolydian"):
        mode = "minor"
    tonic = int(rng.integers(12))
    told_key = _KEY.search(description)
    if told_key:
        name = told_key.group(1).casefold().replace(" ", "").replace("sharp", "#").replace("flat", "b")
        tonic, mode = KEYS.get(name, 0), told_key.group(2).casefold()
    velocity = style.velocity + 10 * bool(words & LOUD_WORDS) - 12 * bool(words & SOFT_WORDS)
    return MusicBrief(
        style=style,
        tonic=tonic,
        mode=mode,
        bpm=bpm,
        velocity=velocity,
        known=tuple(dict.fromkeys([*known, *heard])),
        stinger=bool(words & STINGER_WORDS),
        song=bool(words & SONG_WORDS),
    )


def _style_of(text: str) -> tuple[Style, list[str]]:
    """The style with the most of its words in the text; its first word, its own name, counts for three."""
    best, best_rank, best_words = None, (0.0, 0), []
    for style in STYLES:
        found = [word for word in style.words if f" {word} " in text or f" {word}s " in text]
        first = style.words.index(found[0]) if found else len(style.words)
        rank = (len(found) + 2.0 * (first == 0) + 0.1 * sum(" " in word or "-" in word for word in found), -first)
        if found and rank > best_rank:
            best, best_rank, best_words = style, rank, found
    if best is None:
        best = next(style for style in STYLES if style.name == DEFAULT_STYLE)
    return best, best_words


def _with_instruments(style: Style, text: str) -> tuple[Style, list[str]]:
    """Instruments that are named take over: the first the melody, further ones the harmony."""
    named = [name for name in sorted(INSTRUMENTS, key=len, reverse=True) if f" {name} " in text]
    named = [name for name in named if not any(name != other and name in other for other in named)]
    named.sort(key=lambda name: text.index(f" {name} "))
    if not named:
        return style, []
    programs = [INSTRUMENTS[name] for name in named]
    solo = f" solo {named[0]} " in text
    harmony = tuple(programs[1:]) or (() if solo and programs[0] not in (0, 24, 25, 46) else style.harmony)
    if programs[0] in (0, 6, 24, 25, 46) and len(programs) == 1:
        harmony = (programs[0],)
    octave = 4 if programs[0] in (42, 43, 57, 58, 60, 70) else style.melody_octave
    return replace(style, melody=programs[0], harmony=harmony, melody_octave=octave), named
