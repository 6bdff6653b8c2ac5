"""Cues: what a sentence says can be heard, where it is set, and which music suits its mood.

Data and descriptions stand in scripts_templates/cues.json. A word there is only a candidate: a phrase must bear it out,
and it must be neither denied, nor compared ("like thunder"), nor a name ("Rain said").
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CueKind = Literal["bed", "event", "music", "stop"]
MAX_SENTENCE_CHARS = 2_000
"""No more of a sentence is read for cues: prose without full stops stays linear."""


@dataclass(frozen=True)
class Cue:
    """One thing to hear. `start` and `end` are characters of the sentence; a stop ends the beds of its family."""

    kind: CueKind
    family: str
    description: str
    words: str
    start: int
    end: int
    seconds: float = 0.0
    """How long an event lasts."""


@dataclass(frozen=True)
class Place:
    """Where a text is set and how that sounds; `outdoors` is where rain and wind are heard plainly."""

    family: str
    description: str
    outdoors: bool
    start: int


class Entry(BaseModel):
    """One cue, place or mood: the words that tell it and the sound that they let be heard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    words: str
    sound: str
    phrase: str = ""
    denied: str = Field("", alias="not")
    seconds: float = 0.0
    indoors: bool = False


class Cues(BaseModel):
    """Everything that cues.json says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beds: tuple[Entry, ...]
    events: tuple[Entry, ...]
    places: tuple[Entry, ...]
    moods: tuple[Entry, ...]


@dataclass(frozen=True)
class _Pattern:
    entry: Entry
    phrase: re.Pattern[str] | None
    denied: re.Pattern[str] | None


_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_DENIED_BEFORE = re.compile(
    r"(?i)(?:\b(?:no|not|never|without|neither|nor|nobody|no one|none|hardly any|no more|like|as if|as though|unlike"
    r"|than|dream(?:ed|t|ing)? of|dream(?:ed|t) that|imagined?|wish(?:ed|ing)?|hoped|would|could have|might|if|unless"
    r"|until|till|before|afraid of|remember(?:ed|ing)?|memory of|thought of|thinking of|spoke of|told of|stories of"
    r"|picture of|painting of|instead of|as (?:loud|soft|quiet|fast|cold|wild|old) as|lest|cannot|promised|threatened"
    r"|forecast|used to|waited for|smell of)|n['’]t)\b[^,;:.!?—]*$"
)
_STOPPED_BEFORE = re.compile(r"(?i)\b(?:stopped|ceased|quit|left off|finished)(?: \w+)?\s*$|\bafter the\s*$")
_STOPPED_AFTER = re.compile(
    r"(?i)^(?:\s\w+){0,3}?\s+(?:(?:had|has|have|was|were)\s+)?(?:at last\s+|finally\s+|suddenly\s+|soon\s+)?"
    r"(?:stopped|ceased|died (?:down|away|out)|let up|went out|gone out|was over|were over|ended|eased|passed over"
    r"|gone by|fell silent|fallen silent|stilled|grew still|blew itself out|over at last)\b"
)
_SPEAKS_AFTER = re.compile(
    r"^\s+(?:said|asked|cried|replied|answered|whispered|shouted|called|told|was a|smiled|nodded)\b"
)
_LEFT = re.compile(r"\b(?:from|left|leaving|out of|towards?|about|thought of)(?: \w+){0,2} $")
_GOES_IN = re.compile(
    r"(?i)\b(?:went|came|ran|stepped|hurried|walked|rushed|slipped|led (?:him|her|them))"
    r"(?: back| straight)? (?:inside|indoors)\b"
)


def find_cues(sentence: str) -> list[Cue]:
    """Beds, events and stops that a sentence tells, in its order; one of a family."""
    text = sentence[:MAX_SENTENCE_CHARS]
    lowered = text.casefold() if len(text.casefold()) == len(text) else text.lower()
    found: dict[tuple[str, str], Cue] = {}
    for word in _WORD.finditer(lowered):
        for kind, pattern in _index().get(word.group(), ()):
            if (kind, pattern.entry.family) in found or ("stop", pattern.entry.family) in found:
                continue
            cue = _read(text, lowered, word, kind, pattern)
            if cue is not None:
                found[cue.kind, cue.family] = cue
    return sorted(found.values(), key=lambda cue: (cue.start, cue.kind, cue.family))


def _read(text: str, lowered: str, word: re.Match[str], kind: CueKind, pattern: _Pattern) -> Cue | None:
    start, end = word.span()
    if kind == "bed" and _is_said(text, start, end):
        stopped = _STOPPED_BEFORE.search(lowered[max(0, start - 40) : start]) or _STOPPED_AFTER.match(
            lowered[end : end + 60]
        )
        if stopped:
            return Cue("stop", pattern.entry.family, "", text[start:end], start, end)
    if pattern.phrase is not None:
        near = max(0, start - 80)
        spans = (each.span() for each in pattern.phrase.finditer(lowered, near, min(len(lowered), end + 80)))
        span = next((each for each in spans if each[0] <= start and end <= each[1]), None)
        if span is None:
            return None
        start, end = span
    around = lowered[max(0, start - 20) : end + 30]
    if pattern.denied is not None and pattern.denied.search(around):
        return None
    if not _is_said(text, word.start(), word.end()) or _DENIED_BEFORE.search(lowered[max(0, start - 70) : start]):
        return None
    if re.match(r"(?:no|not|without|never)\b", lowered[start:end]):
        return None
    entry = pattern.entry
    return Cue(kind, entry.family, entry.sound, text[start:end], start, end, entry.seconds)


def _is_said(text: str, start: int, end: int) -> bool:
    """Whether the word is a word of the language here, and not somebody's or something's name."""
    if not text[start].isupper() or text[start:end].isupper():
        return True
    before = text[:start].rstrip()
    at_beginning = not before or before[-1] in ".!?:“”\"'‘’—…»"
    return at_beginning and not _SPEAKS_AFTER.match(text[end : end + 20])


def setting_bed(text: str) -> str | None:
    """How the place that a text names first sounds ("engineering office"); None when it names none."""
    place = find_place(text)
    return place.description if place else None


def find_place(text: str, *, last: bool = False) -> Place | None:
    """The first place that a text names, or the last."""
    text = text[:MAX_SENTENCE_CHARS]
    lowered = text.casefold() if len(text.casefold()) == len(text) else text.lower()
    found: Place | None = None
    for word in _WORD.finditer(lowered):
        for pattern in _places().get(word.group(), ()):
            cue = _read(text, lowered, word, "music", pattern)
            if cue is not None and not _LEFT.search(lowered[max(0, word.start() - 30) : word.start()]):
                found = Place(cue.family, cue.description, not pattern.entry.indoors, cue.start)
                if not last:
                    return found
                break
    return found


def goes_inside(text: str) -> bool:
    """Whether somebody goes indoors in this sentence: rain and wind stay outside."""
    return _GOES_IN.search(text[:MAX_SENTENCE_CHARS]) is not None


def mood_of(text: str) -> str:
    """The mood that most words of a text speak of: "tense", "calm" ...; empty when too few do."""
    counts: Counter[str] = Counter()
    for word in _WORD.findall(text.casefold()):
        counts.update(_moods().get(word, ()))
    if not counts:
        return ""
    order = [entry.family for entry in known_cues().moods]
    best = max(order, key=lambda mood: (counts[mood], -order.index(mood)))
    return best if counts[best] >= 2 else ""


def mood_music(text: str) -> str:
    """Music that suits the mood of a text."""
    mood = mood_of(text) or "calm"
    return next(entry.sound for entry in known_cues().moods if entry.family == mood)


@cache
def known_cues() -> Cues:
    """The cues that the writer knows."""
    text = (resources.files("scripts_templates") / "cues.json").read_text("utf-8")
    return Cues.model_validate(json.loads(text))


def _pattern(entry: Entry) -> _Pattern:
    return _Pattern(
        entry,
        re.compile(rf"\b(?:{entry.phrase})") if entry.phrase else None,
        re.compile(rf"\b(?:{entry.denied})") if entry.denied else None,
    )


@cache
def _index() -> dict[str, tuple[tuple[CueKind, _Pattern], ...]]:
    """Word -> the patterns that it can begin, beds before events, the more special ones first."""
    index: dict[str, tuple[tuple[CueKind, _Pattern], ...]] = {}
    kinds: tuple[tuple[CueKind, tuple[Entry, ...]], ...] = (("bed", known_cues().beds), ("event", known_cues().events))
    for kind, entries in kinds:
        for entry in entries:
            pattern = _pattern(entry)
            for word in entry.words.split():
                index[word] = (*index.get(word, ()), (kind, pattern))
    return index


@cache
def _places() -> dict[str, tuple[_Pattern, ...]]:
    index: dict[str, tuple[_Pattern, ...]] = {}
    for entry in known_cues().places:
        pattern = _pattern(entry)
        for word in entry.words.split():
            index[word] = (*index.get(word, ()), pattern)
    return index


@cache
def _moods() -> dict[str, tuple[str, ...]]:
    index: dict[str, tuple[str, ...]] = {}
    for entry in known_cues().moods:
        for word in entry.words.split():
            index[word] = (*index.get(word, ()), entry.family)
    return index
