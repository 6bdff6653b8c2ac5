"""Passages: a story in portions for a language model, and whether an answer keeps their words."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from composer.writers.story_text import sentences_of

PASSAGE_WORDS = 600
"""A story goes to the model in passages of about this many words."""
MAX_SHOWN = 6
"""So many of the places where words differ are told."""


def passages_of(story: str) -> list[str]:
    """The story's text in passages that end with a paragraph, or within an endless paragraph with a sentence."""
    passages: list[str] = []
    n_words = 0
    for paragraph in re.split(r"\n\s*\n", story):
        for mark, stretch in _stretches(paragraph):
            length = len(stretch.split())
            if passages and n_words + length <= PASSAGE_WORDS:
                passages[-1] += mark + stretch
                n_words += length
            elif stretch:
                passages.append(stretch)
                n_words = length
    return passages


def _stretches(paragraph: str) -> list[tuple[str, str]]:
    """(what parts it from the text before, text) for a paragraph, or for its sentences where it is too long."""
    if len(paragraph.split()) <= PASSAGE_WORDS:
        return [("\n\n", paragraph.strip())]
    return [("\n\n" if number == 0 else " ", each) for number, each in enumerate(sentences_of(paragraph))]


def word_faults(passage: str, spoken: str) -> list[str]:
    """Where the spoken words differ from the passage's; empty when all are there, in order, and no others."""
    wanted, said = _bare_words(passage), _bare_words(spoken)
    if wanted == said:
        return []
    faults = []
    for kind, begin, end, other_begin, other_end in SequenceMatcher(None, wanted, said, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        after = f"after {_shown(wanted[max(0, begin - 4) : begin])}" if begin else "at the beginning"
        text, rows = _shown(wanted[begin:end]), _shown(said[other_begin:other_end])
        told = {"delete": f"the text's {text} is missing", "insert": f"the rows add {rows}"}
        faults.append(f"{after}: {told.get(kind, f'the text says {text}, the rows say {rows}')}")
    more = [f"and {len(faults) - MAX_SHOWN} more places"] if len(faults) > MAX_SHOWN else []
    return [
        "the speech rows must hold the passage word for word, its attributions (he said) in Narrator rows too",
        *faults[:MAX_SHOWN],
        *more,
    ]


def _shown(words: list[str]) -> str:
    if len(words) <= 14:
        return repr(" ".join(words))
    return repr(f"{' '.join(words[:7])} ... {' '.join(words[-7:])}")


def _bare_words(text: str) -> list[str]:
    """Words without case and marks, which a model may set its own way."""
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).casefold())
