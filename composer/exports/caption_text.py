"""Breaks spoken words into captions of two short lines, at the borders of phrases.

The measures are those that broadcasters' guides share (Netflix, English Timed Text Style Guide; BBC, Subtitle
Guidelines): lines of at most 42 characters, two lines, broken after punctuation or before a conjunction or preposition
rather than between an article and its noun. A wide letter (Chinese, Japanese, Korean) counts as 42/16 characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import inf

LINE_WIDTH = 42.0
N_LINES = 2
SHORTEST_S, LONGEST_S = 5.0 / 6.0, 7.0
"""How long a caption should stand."""
READING_SPEED = 20.0
"""Characters a second that are read with ease (Netflix: 20 for adults)."""
CAPTION_COST = 2.0
"""Rather one caption more than a border in the middle of a phrase."""
_WIDE = 42.0 / 16.0

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_CLAUSE_END = re.compile(r"[;:—–][\"'”’»)\]]*$|^[-–—]$")
_COMMA = re.compile(r"[,、，][\"'”’»)\]]*$")
_ABBREVIATION = re.compile(r"^[\"'“‘«(]*(mr|mrs|ms|dr|st|prof|[a-z])\.$", re.I)
_CONJUNCTIONS = frozenset(
    "and but or nor so because that which who whom whose when while where if unless until as than then although though "
    "since whether".split()
)
_PREPOSITIONS = frozenset(
    "in on at of for to from with without by into onto over under after before through between about against across "
    "along around behind beyond during inside near off outside past towards up upon".split()
)
_HOLDS_ON = frozenset(
    "a an the my your his her its our their this these those some any no each every very more most so too as not "
    "mr mrs ms dr i you he she it we they is are was were be been have has had do does did will would can could".split()
)
_NEVER_FIRST = frozenset("ァィゥェォッャュョヮヵヶぁぃぅぇぉっゃゅょゎーゝゞヽヾ々・")


@dataclass(frozen=True)
class Caption:
    """Lines of one caption, and where its words lie in the spoken text, as shares of its length from 0 to 1."""

    lines: tuple[str, ...]
    begin: float
    end: float
    follows_pause: bool
    """A speaker takes breath before it: the caption before it ends with punctuation."""


@dataclass(frozen=True)
class _Word:
    text: str
    spaced: bool
    """A space comes after it."""
    begin: float
    end: float


def captions_of(text: str, *, duration_s: float, prefix: str = "") -> list[Caption]:
    """The text that is spoken in so many seconds, in captions; `prefix` stands before the first and is silent.

    Finds the captions whose borders together are the least disturbing.
    """
    words = _words(text, prefix)
    run = _Run(words)
    per_s = run.width(0, len(words)) / max(duration_s, 0.001)
    max_width = min(N_LINES * LINE_WIDTH, max(LINE_WIDTH / 2.0, LONGEST_S * per_s))
    best: list[tuple[float, int]] = [(0.0, 0)]  # for so many words: the least cost, and where their last caption begins
    for end in range(1, len(words) + 1):
        found = (inf, end - 1)
        for begin in range(end - 1, -1, -1):
            total = run.width(begin, end)
            if begin < end - 1 and total > max_width:
                break
            split = run.second_line(begin, end)
            if split is None and begin < end - 1:
                break
            cost = best[begin][0] + run.costs[end] + CAPTION_COST + 4.0 * (1.0 - min(1.0, total / max_width)) ** 2
            if split is not None and split != end:
                cost += 0.7 * run.costs[split]
            if (words[end - 1].end - words[begin].begin) * duration_s < SHORTEST_S:
                cost += 6.0
            if cost < found[0]:
                found = cost, begin
        best.append(found)
    captions: list[Caption] = []
    end = len(words)
    while end > 0:
        begin = best[end][1]
        split = run.second_line(begin, end) or end
        lines = tuple(_joined(words[a:b]) for a, b in ((begin, split), (split, end)) if b > a)
        breath = begin > 0 and run.costs[begin] <= 2.0
        captions.append(Caption(lines, words[begin].begin, words[end - 1].end, breath))
        end = begin
    return captions[::-1]


class _Run:
    """The words of a text with what is asked of them again and again."""

    def __init__(self, words: list[_Word]) -> None:
        self.costs = [_border_cost(words, end) for end in range(len(words) + 1)]
        """How much it disturbs to break after so many words."""
        widths = [_width(word.text) + word.spaced for word in words]
        self._until = list(accumulate(widths, initial=0.0))
        self._spaced = [False, *(word.spaced for word in words)]

    def width(self, begin: int, end: int) -> float:
        """How wide words are in one line."""
        return self._until[end] - self._until[begin] - self._spaced[end]

    def second_line(self, begin: int, end: int) -> int | None:
        """Where the second line begins (`end`: there is one line only); None when two lines do not hold the words."""
        if self.width(begin, end) <= LINE_WIDTH:
            return end
        found: tuple[float, int] | None = None
        for split in range(begin + 1, end):
            first, second = self.width(begin, split), self.width(split, end)
            if first > LINE_WIDTH:
                break
            if second > LINE_WIDTH:
                continue
            cost = self.costs[split] + 0.15 * abs(first - second) + (1.0 if first > second else 0.0)
            if found is None or cost < found[0]:
                found = cost, split
        return found[1] if found else None


def _words(text: str, prefix: str) -> list[_Word]:
    """Words with their places in the text; what is wider than a line is cut, and wide letters are words themselves."""
    pieces: list[tuple[str, bool, bool]] = []  # text, space after, is spoken
    for source, spoken in ((prefix, False), (text, True)):
        for token in source.split():
            parts = _parts(token)
            pieces += [(part, number == len(parts) - 1, spoken) for number, part in enumerate(parts)]
    weights = [_weight(part) if spoken else 0.0 for part, _, spoken in pieces]
    total = sum(weights) or 1.0
    words, at = [], 0.0
    for (part, spaced, _), weight in zip(pieces, weights, strict=True):
        words.append(_Word(part, spaced, at / total, (at + weight) / total))
        at += weight
    return words


def _parts(token: str) -> list[str]:
    parts: list[str] = []
    for letter in token:
        is_wide = unicodedata.east_asian_width(letter) in "WF" and unicodedata.category(letter)[0] == "L"
        if not parts or is_wide or _width(parts[-1] + letter) > LINE_WIDTH or _is_wide_word(parts[-1], letter):
            parts.append(letter)
        else:
            parts[-1] += letter
    return parts


def _is_wide_word(part: str, letter: str) -> bool:
    """A wide letter keeps only punctuation with it."""
    return unicodedata.east_asian_width(part[0]) in "WF" and unicodedata.category(letter)[0] != "P"


def _weight(word: str) -> float:
    """How long a word takes, about: its letters, and the pause that its punctuation asks for."""
    pause = 6.0 if _ends_sentence(word) else 3.0 if _CLAUSE_END.search(word) or _COMMA.search(word) else 0.0
    return _width(word) + 1.0 + pause


@lru_cache(maxsize=20_000)
def _width(text: str) -> float:
    marks = sum(unicodedata.category(letter) in ("Mn", "Me", "Cf") for letter in text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) - marks + (_WIDE - 1.0) * wide


def width(text: str) -> float:
    """How many characters wide a line is."""
    return _width(text)


def _ends_sentence(word: str) -> bool:
    return bool(_SENTENCE_END.search(word)) and not _ABBREVIATION.match(word)


def _border_cost(words: list[_Word], end: int) -> float:
    """How much it disturbs to break after the first `end` words."""
    if end >= len(words):
        return 0.0
    last, following = words[end - 1].text, words[end].text
    if _ends_sentence(last):
        return 0.0
    if _CLAUSE_END.search(last):
        return 1.0
    if _COMMA.search(last):
        return 2.0
    if not words[end - 1].spaced:
        return _wide_border_cost(last[0], following[0])
    return _word_border_cost(last, following) + _torn_cost(words, end)


def _word_border_cost(last: str, following: str) -> float:
    """Between two words without punctuation."""
    after, before = re.sub(r"\W", "", following).casefold(), re.sub(r"\W", "", last).casefold()
    if before in _HOLDS_ON:
        return 12.0
    if following[0] in '(["“‘«':
        return 3.0
    if after in _CONJUNCTIONS:
        return 4.0
    if after in _PREPOSITIONS:
        return 5.0
    if last[:1].isupper() and following[:1].isupper():
        return 10.0
    return 7.0


def _torn_cost(words: list[_Word], end: int) -> float:
    """One or two words that begin a phrase are torn off when they end a line."""
    for n_torn in (1, 2):
        before = words[end - 1 - n_torn].text if end > n_torn else ""
        if _ends_sentence(before) or _CLAUSE_END.search(before):
            return 6.0 / n_torn
        if _COMMA.search(before):
            return 3.0 / n_torn
    return 0.0


def _wide_border_cost(last: str, following: str) -> float:
    """Between letters without spaces: rather not within a word of one script, nor before what cannot begin a line."""
    if unicodedata.east_asian_width(last) not in "WF" or following in _NEVER_FIRST:
        return 20.0
    scripts = [unicodedata.name(letter, "").split(" ")[0] for letter in (last, following)]
    return 10.0 if scripts[0] == scripts[1] else 6.0


def _joined(words: list[_Word]) -> str:
    return "".join(word.text + (" " if word.spaced else "") for word in words).strip()
