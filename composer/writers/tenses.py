"""Tenses: what screenplays tell in the present, told in the past, as the cues of stories expect it."""

from __future__ import annotations

import re
from functools import cache

from composer.writers.cues import Cue, find_cues, known_cues

_IRREGULAR = """beat beat, begin began, blow blew, break broke, burst burst, climb climbed, come came, creep crept,
draw drew, drive drove, fall fell, fling flung, fly flew, go went, grind ground, hang hung, hit hit, keep kept,
leap leapt, light lit, meet met, pour poured, ring rang, rise rose, run ran, shut shut, sing sang, slide slid,
speed sped, strike struck, stride strode, sweep swept, swing swung, tear tore, throw threw"""


def find_cues_now(sentence: str) -> list[Cue]:
    """The cues of a sentence that may stand in the present: "A door slams." lets the same be heard as "slammed"."""
    found: dict[tuple[str, str], Cue] = {}
    for told in dict.fromkeys((in_the_past(sentence, nouns=False), in_the_past(sentence, nouns=True), sentence)):
        for cue in find_cues(told):
            found.setdefault((cue.kind, cue.family), cue)
    return [cue for cue in found.values() if cue.kind != "bed" or ("stop", cue.family) not in found]


def in_the_past(sentence: str, *, nouns: bool) -> str:
    """The sentence with the verbs that cues know in the past; with `nouns`, also those that may be nouns (crash)."""
    known = _past()

    def past(word: re.Match[str]) -> str:
        told, may_be_noun = known.get(word.group(), (word.group(), False))
        return told if nouns or not may_be_noun else word.group()

    return re.sub(r"[a-z]+", past, sentence)


@cache
def _past() -> dict[str, tuple[str, bool]]:
    """Verbs in the present, alone and with s -> in the past, and whether the word is a cue by itself."""
    entries = [*known_cues().beds, *known_cues().events]
    nouns = {word for entry in entries for word in entry.words.split()}
    told = " ".join(f"{entry.words} {entry.phrase}" for entry in entries)
    found: dict[str, str] = {}
    for pair in _IRREGULAR.split(","):
        base, past = pair.split()
        found |= {base: past, _with_s(base): past}
    for past in sorted(set(re.findall(r"(?<![a-z?])[a-z]{2,}ed\b", told))):
        for base in _bases(past):
            found |= {base: past, _with_s(base): past}
    return {present: (past, present in nouns) for present, past in found.items() if present != past}


def _bases(past: str) -> list[str]:
    """What a verb in -ed may be in the present: slammed, slam; crackled, crackle; cried, cry; creaked, creak."""
    stem = past.removesuffix("ed")
    if stem.endswith("i"):
        return [f"{stem[:-1]}y"]
    doubled = [stem[:-1]] if stem[-1:] == stem[-2:-1] and stem[-1] not in "sl" else []
    return [stem, f"{stem}e", *doubled]


def _with_s(base: str) -> str:
    if base.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{base}es"
    return f"{base[:-1]}ies" if re.search(r"[^aeiou]y$", base) else f"{base}s"
