"""Quotes: each paragraph becomes pieces, told by the narrator or said by somebody, whatever marks the story uses.

Conventions: “ ” „ “ « » 「 」 and " open and close speech everywhere; single marks do so only in a story that uses them
for its dialogue. A dash at the head of a paragraph is speech too. Marks inside a said piece are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from composer.writers.story_text import has_words
from composer.writers.story_verbs import ANY_VERB, SAYING, STRONG_VERB, SUBJECT_HINT

_CLOSERS = {"“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", '"': '"', "‘": "’'", "'": "'’"}
_SINGLE_OPEN = re.compile(r"(?:(?<=^)|(?<=[\s(—–\-:]))['‘](?=[^\W_]|[—…¡¿\"“])")
_SINGLE_CLOSE = re.compile(r"(?<=[.,!?…;:—–\-)”\"])['’](?![^\W_])")
_LOOSE_CLOSE = re.compile(r"(?<=[^\W_])['’](?=[\s.,;:!?)]|$)")
_DOUBLE_OPEN = re.compile(r"[“„«「『]|(?:(?<=^)|(?<=[\s(—–\-:]))\"(?=\S)")
_NAMING = frozenset(("called", "read", "put", "went", "pronounced", "spoke"))
_ELISION = re.compile(r"(?i)['‘’](?:tis|twas|twere|twill|em|cause|bout|til|till|round|un|n|\d\ds?)\b")
_DASH = re.compile(r"^(?:[—–―]|--)\s*(?=\S)")
_DASH_TELLS = re.compile(
    rf"[,.?!…]\s+(?=(?:{ANY_VERB})\s+{SUBJECT_HINT}|(?:he|she|they|I|[A-Z][\w'’-]+)\s+(?:{STRONG_VERB})\b)"
    rf"|\s[—–―]\s+(?=(?:{ANY_VERB}|{SUBJECT_HINT}))"
)
_DASH_SAYS = re.compile(r"(?<=[.,!?:])\s+(?:[—–―]\s*)?(?=[^\W_a-z¿¡]|[¿¡])|\s[—–―]\s")
_VERB_NEXT = re.compile(
    rf"^[\s,—–-]*(?:(?:{STRONG_VERB})\b|(?:[A-Z][\w'’.-]+|he|she|they|it|I|we|the [\w ]{{2,20}}?) (?:{STRONG_VERB})\b)"
)
_VERB_BEFORE = re.compile(rf"(?:\b(?:{ANY_VERB})\b[^.!?]{{0,60}}[,:]|:|：|，)\s*$")


@dataclass(frozen=True)
class Piece:
    text: str
    said: bool
    open_ended: bool = False
    """A quote that is not closed in this paragraph: the next one may go on with it."""


def uses_single_quotes(paragraphs: Sequence[str]) -> bool:
    """Whether single marks are the story's marks of speech."""
    single = sum(bool(_SINGLE_OPEN.match(text)) for text in paragraphs)
    double = sum(bool(_DOUBLE_OPEN.match(text)) for text in paragraphs)
    if single == double == 0:
        single = sum(bool(_SINGLE_OPEN.search(text) and _SINGLE_CLOSE.search(text)) for text in paragraphs)
        double = sum(bool(_DOUBLE_OPEN.search(text)) for text in paragraphs)
    return single > double


def pieces_of(paragraphs: Sequence[str]) -> list[list[Piece]]:
    """The pieces of each paragraph, in order."""
    single = uses_single_quotes(paragraphs)
    dashes = sum(bool(_DASH.match(text)) for text in paragraphs) >= 2
    found = []
    for index, text in enumerate(paragraphs):
        goes_on = paragraphs[index + 1][:1] if index + 1 < len(paragraphs) else ""
        if dashes and (start := _DASH.match(text)):
            found.append(_tidy(_dash_pieces(text[start.end() :])))
        else:
            found.append(_tidy(_quote_pieces(text, single, goes_on)))
    return found


def _quote_pieces(text: str, single: bool, next_mark: str) -> list[Piece]:
    opener = _SINGLE_OPEN if single else _DOUBLE_OPEN
    closers = [found.start() for found in _SINGLE_CLOSE.finditer(text)] if single else []
    nth = 0
    pieces: list[Piece] = []
    told_from = position = 0
    while True:
        begin = opener.search(text, position)
        if begin is None:
            break
        mark, inside = begin.group(), begin.end()
        if single:
            if _ELISION.match(text, begin.start()) and begin.start() > 0:
                position = inside
                continue
            while nth < len(closers) and closers[nth] < inside:
                nth += 1
            close = closers[nth] if nth < len(closers) else -1
            if close < 0 and (loose := _LOOSE_CLOSE.search(text, inside, inside + 200)):
                close = loose.start()
        else:
            close = _close(text, mark, inside)
        if close < 0 and (single and next_mark != mark):
            break
        end = len(text) if close < 0 else close
        if not _is_speech(text, begin.start(), inside, end, close >= 0):
            position = end + 1
            continue
        pieces.append(Piece(text[told_from : begin.start()], False))
        pieces.append(Piece(text[inside:end], True, open_ended=close < 0))
        told_from = position = min(len(text), end + 1)
        if close < 0:
            break
    pieces.append(Piece(text[told_from:], False))
    return pieces


def _close(text: str, mark: str, inside: int) -> int:
    """Where a quote closes; marks of the same kind inside it are passed over. -1 when it does not."""
    closing = _CLOSERS[mark]
    if mark == '"':
        return text.find('"', inside)
    if mark == "»" or len(closing) > 1:
        places = [place for place in (text.find(each, inside) for each in closing) if place >= 0]
        return min(places, default=-1)
    close = text.find(closing, inside)
    again = text.find(mark, inside)
    if 0 <= again < close and (later := text.find(closing, close + 1)) >= 0 and text.find(mark, again + 1, later) < 0:
        return later
    return close


def _is_speech(text: str, begin: int, inside: int, end: int, closed: bool) -> bool:
    """Said aloud, and not a word that is held up with tongs, a title or a sign."""
    quote = text[inside:end].strip()
    if not has_words(quote):
        return False
    before, after = text[max(0, begin - 120) : begin].rstrip(), text[end + 1 : end + 60]
    if not before or not closed:
        return True
    if text[begin] in "「『":
        return before[-1] in "：，。:,！？」』" or quote[-1] in "。！？"
    if quote[-1] in ",—…-–" or _VERB_BEFORE.search(text[max(0, begin - 120) : begin]) or _VERB_NEXT.match(after):
        return True
    if before[-1] in '.!?؟…,;:—–”’»")':
        return quote[-1] in ".!?؟;:" or not after.strip()
    last_word = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*$", before)
    if last_word and last_word.group() in SAYING - _NAMING and quote[:1].isupper():
        return True
    return quote[-1] in ".!?؟" and quote[:1].isupper() and len(quote.split()) > 4


def _dash_pieces(text: str) -> list[Piece]:
    """Speech after a dash, its attribution, speech again: "Come in, said Anna. Sit down." """
    pieces: list[Piece] = []
    position = 0
    while position < len(text):
        tells = _DASH_TELLS.search(text, position)
        if tells is None:
            pieces.append(Piece(text[position:], True))
            break
        cut = tells.start() + (1 if text[tells.start()] in ",.?!…" else 0)
        pieces.append(Piece(text[position:cut], True))
        says = _DASH_SAYS.search(text, tells.end())
        end = says.start() if says else len(text)
        pieces.append(Piece(text[cut:end], False))
        position = says.end() if says else len(text)
    return pieces


def _tidy(pieces: list[Piece]) -> list[Piece]:
    """Without empty pieces; marks that stand alone are dropped or put to the piece before."""
    tidy: list[Piece] = []
    for piece in pieces:
        text = piece.text.strip()
        if has_words(text):
            tidy.append(Piece(text, piece.said, piece.open_ended))
    return tidy
