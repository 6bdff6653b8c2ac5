"""Subjects: whom the words beside a quote name as its speaker ("said the old captain", "Anna looked up and asked,")."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from composer.writers.story_verbs import ACTS, ANY_VERB, NOT_NAMES, NOT_NOUNS, SAYING, TITLES, WEAK

MentionKind = Literal["name", "role", "he", "she", "it", "they", "I"]

_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*\.?|[^\w\s]")
_DETERMINERS = frozenset("the a an his her my their our its another this that".split())
_PRONOUNS: dict[str, MentionKind] = {"he": "he", "she": "she", "it": "it", "they": "they", "i": "I", "we": "I"}
_PARTICLES = frozenset("of de van von la le du der da di the".split())
_ADVERBS = frozenset(
    "had then only just also again at once last first finally always never now still even almost both".split()
)
_AFTER_VERB = frozenset("on out in up back again then".split())
_SENTENCE_BREAK = re.compile(r"[.!?…][\"'”’»)]*\s+(?=[^a-z\s])")
_INITIAL = re.compile(r"(?:[A-Z]|Mrs?|Ms|Dr|St|Capt|Col|Gen|Lt|Sgt|Prof|Rev|Jr|Sr)\.")
_INVERTED = re.compile(rf"(?i)(?:(?:and|but|so|then|thus)\s+)?(?P<verb>{ANY_VERB})\b")


@dataclass(frozen=True)
class Mention:
    kind: MentionKind
    name: str = ""
    """As a character is named: Anna, Old Captain, Mother."""
    aside: str = ""
    """What else the words say of them: "old captain", "her brother"."""
    owner: str = ""
    """his or her, for kin."""


@dataclass(frozen=True)
class _Found:
    mention: Mention
    end: int
    """The token after the subject."""


def subject_after(text: str) -> Mention | None:
    """The speaker that the words right after a quote name with a verb of saying."""
    text = re.sub(r"^[\s,—–.…-]+", "", text[:200])
    inverted = _INVERTED.match(text)
    if inverted:
        tokens = _tokens(text[inverted.end() :])
        skip = 0
        while skip < len(tokens) and skip < 3 and (tokens[skip] in _AFTER_VERB or tokens[skip].endswith("ly")):
            skip += 1
        found = _subject(tokens, skip)
        if found and not (found.mention.kind in ("it",) and inverted["verb"].lower() in WEAK):
            return found.mention
    tokens = _tokens(text)
    if len(tokens) > 1 and tokens[0].lower() in ("and", "but", "then", "so"):
        tokens = tokens[1:]
    found = _subject(tokens, 0)
    return found.mention if found and _verb_follows(tokens, found.end) else None


def subject_before(text: str) -> Mention | None:
    """The speaker that the sentence leading up to a quote names with a verb of saying."""
    sentence = last_sentence(text)
    if not re.search(r"[,:：]$|[^\W_]$|[—–-]$", sentence):
        return None
    tokens = _tokens(sentence)
    verbs = [index for index, token in enumerate(tokens) if token.lower() in SAYING]
    if not verbs or len(tokens) - verbs[-1] > 14:
        return None
    for verb in reversed(verbs):
        for begin in range(verb - 1, max(-1, verb - 8), -1):
            found = _subject(tokens, begin)
            if found and found.end <= verb and _only_adverbs(tokens[found.end : verb]) and _begins(tokens, begin):
                return found.mention
    beginning = subject_of(sentence)
    if beginning:
        return beginning
    found = _subject(tokens, verbs[-1] + 1) if verbs[-1] + 1 < len(tokens) else None  # "Then cried the king:"
    return found.mention if found and tokens[verbs[-1] + 1].lower() not in ("her", "his", "my") else None


def subject_of(sentence: str) -> Mention | None:
    """The person or thing that a sentence begins with, as far as its first words tell."""
    tokens = _tokens(sentence[:200])
    for begin in range(min(len(tokens), 12)):
        if begin == 0 or tokens[begin - 1] in ",;—–" or tokens[begin - 1].lower() in _LEADS:
            found = _subject(tokens, begin)
            if found and found.end < len(tokens) and tokens[found.end] not in ".!?":
                return found.mention
    return None


def actor_of(sentence: str) -> Mention | None:
    """The named person who does something in a sentence that has no quote: "Mr. Bennet made no answer." """
    tokens = _tokens(sentence[:200])
    found = _subject(tokens, 0)
    if found is None or found.mention.kind != "name" or found.end >= len(tokens):
        return None
    follows = tokens[found.end].lower()
    acts = follows in ACTS or follows in SAYING or follows in ("and", "did") or follows.endswith("ed")
    return found.mention if acts else None


_LEADS = frozenset(
    "then so and but now at-last when as while after before finally suddenly meanwhile once again".split()
)


def last_sentence(text: str) -> str:
    text = text[-400:].rstrip(" \"'“”‘’«»")
    begin = 0
    for found in _SENTENCE_BREAK.finditer(text):
        if not _INITIAL.fullmatch(text[: found.start() + 1].rsplit(maxsplit=1)[-1]):
            begin = found.end()
    return text[begin:].strip()


def _tokens(text: str) -> list[str]:
    """Words and marks. A full stop belongs to the word in "Mr." and "J."; elsewhere it ends the sentence."""
    found: list[str] = []
    for token in _TOKEN.findall(text):
        ends = len(token) > 1 and token.endswith(".") and not _INITIAL.fullmatch(token)
        found += [token[:-1], "."] if ends else [token]
    return found


def _begins(tokens: list[str], begin: int) -> bool:
    """Whether a subject may begin at this token: not in the middle of a name or after a preposition."""
    if begin == 0:
        return True
    before = tokens[begin - 1]
    if is_name_word(before) and is_name_word(tokens[begin]) and before not in ",.":
        return False
    return (
        before.lower() not in ("to", "at", "of", "with", "for", "from", "by", "upon", "on")
        and before.lower() not in _DETERMINERS
    )


def _only_adverbs(tokens: list[str]) -> bool:
    return len(tokens) <= 3 and all(token.lower() in _ADVERBS or token.endswith("ly") for token in tokens)


def _verb_follows(tokens: list[str], index: int) -> bool:
    for token in tokens[index : index + 4]:
        if token.lower() in SAYING:
            return True
        if token.lower() not in _ADVERBS and not token.endswith("ly"):
            break
    if index < len(tokens) and tokens[index] == ",":  # "Anna, smiling, said"
        later = tokens[index + 1 : index + 12]
        return "," in later and later.index(",") + 1 < len(later) and later[later.index(",") + 1].lower() in SAYING
    return False


def is_name_word(token: str) -> bool:
    return token[:1].isupper() and token.lower().rstrip(".") not in NOT_NAMES


def _subject(tokens: list[str], begin: int) -> _Found | None:
    if begin >= len(tokens):
        return None
    first = tokens[begin].lower()
    if first == "one" and [token.lower() for token in tokens[begin + 1 : begin + 2]] == ["of"]:
        found = _role(tokens, begin + 3)
        if found and found.mention.name.endswith("s"):
            return _Found(Mention("role", found.mention.name[:-1], found.mention.aside), found.end)
        return found
    if first in _PRONOUNS and tokens[begin] != "i":
        return _Found(Mention(_PRONOUNS[first]), begin + 1)
    if first in _DETERMINERS:
        found = _role(tokens, begin + 1)
        if found and first in ("his", "her"):
            return _Found(replace(found.mention, owner=first), found.end)
        return found
    if (
        first in ("old", "young", "little", "poor", "dear")
        and begin + 1 < len(tokens)
        and is_name_word(tokens[begin + 1])
    ):
        found = _name(tokens, begin + 1)
        return found and _Found(Mention("name", found.mention.name, first), found.end)
    return _name(tokens, begin) if is_name_word(tokens[begin]) else None


def _name(tokens: list[str], begin: int) -> _Found | None:
    end = begin
    while end < len(tokens) and end - begin < 5:
        if is_name_word(tokens[end]):
            end += 1
        elif end > begin and tokens[end] in _PARTICLES and end + 1 < len(tokens) and is_name_word(tokens[end + 1]):
            end += 2
        else:
            break
        if re.search(r"['’]s$", tokens[end - 1]):  # Anna's mother
            kin = _role(tokens, end)
            return kin and _Found(
                Mention("role", f"{' '.join(tokens[begin:end])} {kin.mention.name}", kin.mention.aside), kin.end
            )
    words = tokens[begin:end]
    if not words or (len(words) == 1 and words[0].lower() in SAYING):
        return None
    return _Found(Mention("name", _tidy(words)), end)


def _role(tokens: list[str], begin: int) -> _Found | None:
    end = begin
    while end < len(tokens) and end - begin < 5:
        token = tokens[end]
        if not token[0].isalpha() or token.lower() in NOT_NOUNS or token.lower() in _DETERMINERS:
            break
        if token.lower() in SAYING or (end > begin and re.search(r"(?:ly|ing|ed)$", token)):
            break
        if is_name_word(token):
            found = _name(tokens, end)
            if found is None:
                return None
            aside = " ".join(tokens[begin : found.end])
            adjectives = [each for each in tokens[begin:end] if each.lower() in ("old", "young", "little")]
            name = (
                _tidy([*adjectives, found.mention.name]) if found.mention.name.lower() in TITLES else found.mention.name
            )
            return _Found(Mention("name", name, aside), found.end)
        end += 1
    words = tokens[begin:end]
    if not words or words[-1].lower() in _THINGS:
        return None
    kept = words[-3:] if len(words) > 3 else words
    return _Found(Mention("role", _tidy(kept), " ".join(words)), end)


_THINGS = frozenset(
    """door room window way time day night morning evening words word house sea wind rain fire road hand hands eyes head
    face table silence moment end same other others rest one first last letter sign book clock bell telephone phone air
    sun moon sky story matter question answer thing things sound light lights lamp water ship train""".split()
)


def _tidy(words: list[str]) -> str:
    shown = []
    for word in " ".join(words).split():
        if word.isupper() and len(word) > 3:
            word = word.capitalize()
        shown.append(word if word in _PARTICLES or not word[0].islower() else word[0].upper() + word[1:])
    return re.sub(r"['’]s$", "", " ".join(shown))
