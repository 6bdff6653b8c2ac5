"""Help for the phonemizer: stretched and shouted words, interjections, and words that it takes for abbreviations.

The phonemizer reads "[word](/phonemes/)" as the word with these phonemes; all else is plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from typing import Any

_STRETCHED = re.compile(r"\b[^\W\d_]*([^\W\d_])\1{2,}[^\W\d_]*\b", re.I)
_RUN = re.compile(r"([^\W\d_])\1{2,}", re.I)
_SHORTER = {"goo": "go", "stoop": "stop", "ohh": "oh", "aah": "ah", "ahh": "ah"}
_SOUNDS = (
    (re.compile(r"\b(?P<word>s+h+)\b", re.I), "ʃˈːː"),
    (re.compile(r"\b(?P<word>b+r{2,})\b", re.I), "bɹˈɜɹ"),
    (re.compile(r"\b(?P<word>g+r{2,})\b", re.I), "ɡɹˈɜɹ"),
    (re.compile(r"\b(?P<word>p+s{2,}t)\b", re.I), "psˈːt"),
    (re.compile(r"\b(?P<word>t+s+k)\b", re.I), "tˈɪsk"),
    (re.compile(r"\b(?P<word>z{2,})\b", re.I), "zˈːː"),
    (re.compile(r"\b(?P<word>e+w{1,})\b", re.I), "jˈu"),
    (re.compile(r"\b(?P<word>a+r+g+h+)\b", re.I), "ˈɑɹɡ"),
    (re.compile(r"\b(?P<word>u+g+h+)\b", re.I), "ˈʌɡ"),
    (re.compile(r"(?<!\w)'?(?P<word>tis)\b", re.I), "tˈɪz"),
    (re.compile(r"(?<!\w)'?(?P<word>twas)\b", re.I), "twˈʌz"),
)
_NO_ABBREVIATION = re.compile(
    r"\b(no|nos|fig|figs|est|ed|eds|ch|vol|pp|Sun|Sat|Mon|Wed|Fri|Thu|Mar|Co|Rep|Gen|Pres|Ms)"
    r"(?=\.(?:\s+[^\W\d_a-z]|\W*$|\.))|(?<=,\s)(no)(?=\.)"
)
_ENDLESS = re.compile(r"[^\W\d_]{41,}")
_DROPPED_G = re.compile(r"\b([^\W\d_]{2,}in)'(?!\w)")
_SHOUTED = re.compile(r"\b[A-Z][A-Z']*[A-Z]\b")


def unstretched(text: str, known: Iterable[str]) -> str:
    """Letters repeated three times or more are cut to the two or the one that make a known word: "sooo", "goooood"."""

    def shorter(found: re.Match[str]) -> str:
        word = found.group()
        runs = list(_RUN.finditer(word))
        if len(runs) > 4:
            return word
        for lengths in product((2, 1), repeat=len(runs)):
            cut, position = "", 0
            for run, length in zip(runs, lengths, strict=True):
                cut += word[position : run.start()] + run[0][:length]
                position = run.end()
            cut += word[position:]
            plain = _SHORTER.get(cut.casefold(), cut.casefold())
            if plain in words:
                return plain.capitalize() if word[0].isupper() else plain
        return _RUN.sub(lambda run: run[0][:2], word)

    words = known if isinstance(known, set | frozenset | dict) else set(known)
    return _STRETCHED.sub(shorter, text)


def in_pieces(text: str) -> str:
    """Words over 40 letters in pieces of 20: the phonemizer reads the first letters of a word only."""
    return _ENDLESS.sub(lambda found: " ".join(re.findall(r".{1,20}", found.group())), text)


def with_sounds(text: str) -> str:
    """Interjections that no dictionary holds, such as "shh" and "brr", get their phonemes."""
    for pattern, phonemes in _SOUNDS:
        text = pattern.sub(rf"[\g<word>](/{phonemes}/)", text)
    return text


def with_dropped_g(text: str, g2p: Any) -> str:
    """ "doin'" is "doing" with an n at its end."""

    def spoken(found: re.Match[str]) -> str:
        phonemes = g2p(f"{found[1]}g")
        return f"[{found[1]}](/{phonemes[:-1]}n/)" if phonemes.endswith("ŋ") else found[0]

    return _DROPPED_G.sub(spoken, text)


def without_abbreviations(text: str) -> str:
    """At the end of a sentence "no.", "fig." and "Sun." are words, not "number", "figure" and "Sunday"."""
    return _NO_ABBREVIATION.sub(lambda found: f"{found.group()} ", text)


def unshouted(text: str, g2p: Any) -> str:
    """Words in capitals that the phonemizer would spell, although they are words, in small letters.

    In a stretch without small letters every such word is one; elsewhere "US", "IT" and "LED" stay what they were.
    """
    if not _SHOUTED.search(text):
        return text
    known = g2p.lexicon.golds.d
    spelt = {
        token.text
        for token in g2p.phonemize_tokens(g2p.tokenize(text))
        if _SHOUTED.fullmatch(token.text)
        and token.text.casefold() in known
        and token.phonemes == g2p.lexicon.get_NNP(token.text)[0]
    }
    if not spelt:
        return text
    parts = re.split(r"(?<=[.!?…:;—])(\s+|$)", text)
    for number, part in enumerate(parts):
        shouted = part == part.upper() and len(re.findall(r"[^\W\d_]{2,}", part)) > 1
        for word in spelt if shouted else spelt - _LETTERS:
            part = re.sub(rf"\b{word}\b", word.casefold(), part)
        parts[number] = part
    return "".join(parts)


_LETTERS = set("AD ADD AL ALS AM CAD DOE DOS ED ER ET ID IN IS IT LED MA MIA OR PA PE PM POW SOS US WHO".split())
"""Words in capitals that are more often read letter by letter."""
