"""Topic: what a prompt is about, as noun phrases and clauses that fit into English sentences.

A headline ("Humans send probe to Mars") becomes a clause ("humans have sent a probe to Mars"), a noun phrase ("the
probe to Mars") and a short name ("the probe"). What cannot be read as English is used as it was given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from composer.writers.prompt_nouns import (
    DETERMINERS,
    PREPOSITIONS,
    RELATIVES,
    is_abstract_pair,
    is_known_name,
    is_mass,
    is_plural,
    looks_like_a_name,
    lower_common_start,
)
from composer.writers.prompt_phrases import (
    after_gerund,
    bare_or_definite,
    definite,
    has_clause,
    head_of,
    is_adverb,
    is_foreign,
    is_pronoun,
    place_in,
    short_of,
    split_phrase,
    with_article,
)
from composer.writers.prompt_verbs import AUXILIARIES, Form, gerund, participle, past, third_person, verb_of

Kind = Literal["clause", "noun", "doing", "question", "other"]


@dataclass(frozen=True)
class Topic:
    """What it is about, in the shapes that sentences need. No shape ends with a stop; none is empty."""

    words: str
    """As given, trimmed."""
    kind: Kind
    noun: str
    """Stands after "about": "the light-speed probe to Alpha Centauri"."""
    thing: str
    """Short and definite: "the probe"."""
    clause: str
    """A whole statement: "humans have sent a light-speed probe to Alpha Centauri"."""
    doing: str
    """The deed: "sending a light-speed probe to Alpha Centauri"; for what is not done, the noun again."""
    who: str
    """Who does it, or the thing."""
    place: str = ""
    """Where to: "Alpha Centauri"; empty when there is none."""
    plural: bool = False
    """Whether `thing` is plural."""
    noun_plural: bool = False
    told: str = ""
    """The clause as history tells it: "humans sent a light-speed probe to Alpha Centauri"; empty without one."""

    @property
    def the_noun(self) -> str:
        """At later mentions: "the lighthouse" where the noun was "a lighthouse", shorter where it was long."""
        if len(self.noun.split()) > 5 and len(self.thing) > 3 and self.kind in ("noun", "clause"):
            return self.thing
        return re.sub(r"^an? ", "the ", self.noun)

    @property
    def asked(self) -> str:
        """The question as one asks it, without its mark: "how do bees make honey"; empty for other kinds."""
        return _inverted(self.words) if self.kind == "question" else ""

    @property
    def it(self) -> str:
        return "they" if self.plural else "it"

    @property
    def them(self) -> str:
        return "them" if self.plural else "it"

    @property
    def its(self) -> str:
        return "their" if self.plural else "its"

    @property
    def are(self) -> str:
        return "are" if self.plural else "is"

    @property
    def have(self) -> str:
        return "have" if self.plural else "has"

    @property
    def do(self) -> str:
        return "do" if self.plural else "does"

    @property
    def were(self) -> str:
        return "were" if self.plural else "was"

    def v(self, base: str) -> str:
        """A present-tense verb that agrees with the thing."""
        return base if self.plural else third_person(base)

    def nv(self, base: str) -> str:
        """A present-tense verb that agrees with the noun."""
        if base == "be":
            return "are" if self.noun_plural else "is"
        return base if self.noun_plural else third_person(base)


def read_topic(words: str) -> Topic:
    """The topic of a prompt's words. Never fails: what has no grammar we know is used as a name."""
    words = re.sub(r"\s+", " ", words).strip(" \t\n,;:.!-–—")
    tokens = words.rstrip("?").split()
    if not any(character.isalnum() for character in words) or re.search(r"[{}<>=\\|;$]|https?:", words):
        return _as_name(words)
    first = tokens[0].casefold()
    if words.endswith("?") or first in ("why", "how", "what", "when", "where", "who", "whether"):
        return _question(words, tokens)
    found = verb_of(first)
    if found and found[1] == "gerund" and len(tokens) > 1 and after_gerund(tokens[1]):
        return Topic(words, "doing", lower_common_start(words), lower_common_start(words),
                     f"{lower_common_start(words)} takes more than you would think", lower_common_start(words),
                     "people")  # fmt: skip
    if is_foreign(tokens):
        return _as_name(words)
    place = _find_verb(tokens)
    if place is not None:
        return _clause(words, tokens, place)
    if not words.isascii() and sum(character.isascii() and character.isalpha() for character in words) < 3:
        return _as_name(words)
    return _noun(words, tokens)


def _inverted(words: str) -> str:
    """The question as it is asked: "how bees make honey" -> "how do bees make honey"; one that is asked stays."""
    tokens = words.rstrip("?!. ").split()
    if tokens[0].casefold() == "whether" and len(tokens) > 2:
        return _asked_whether(tokens[1:])
    lowered = [tokens[0].lower(), *tokens[1:]]
    n_asking = 2 if len(tokens) > 2 and tokens[1].casefold() in ("much", "many", "long", "far", "fast", "old") else 1
    if len(tokens) < 3 or tokens[0].casefold() in AUXILIARIES or tokens[n_asking].casefold() in AUXILIARIES:
        return " ".join(lowered)
    for index in range(n_asking + 1, len(tokens)):
        word = tokens[index].casefold()
        if word in AUXILIARIES:
            return " ".join([*lowered[:n_asking], word, *tokens[n_asking:index], *tokens[index + 1 :]])
        found = verb_of(word)
        if found and found[1] != "gerund" and _agrees(tokens[n_asking:index], found[1], tokens[index + 1 :] or ["so"]):
            helping = {"base": "do", "third": "does", "past": "did"}[found[1]]
            return " ".join([*lowered[:n_asking], helping, *tokens[n_asking:index], found[0], *tokens[index + 1 :]])
    return f"what about {' '.join(lowered)}"


def _asked_whether(tokens: list[str]) -> str:
    """ "pineapple belongs on pizza" -> "does pineapple belong on pizza"; "to open it" -> "should we open it"."""
    if tokens[0].casefold() == "to":
        return " ".join(["should we", *tokens[1:]])
    for index in range(1, len(tokens)):
        word = tokens[index].casefold()
        if word in AUXILIARIES:
            return " ".join([word, *tokens[:index], *tokens[index + 1 :]])
        found = verb_of(word)
        if found and found[1] != "gerund" and _agrees(tokens[:index], found[1], tokens[index + 1 :] or ["so"]):
            helping = {"base": "do", "third": "does", "past": "did"}[found[1]]
            return " ".join([helping, *tokens[:index], found[0], *tokens[index + 1 :]])
    return f"is it true that {' '.join(tokens)}"


def _find_verb(tokens: list[str]) -> int | None:
    """Where the main verb stands: after a subject that agrees with it, not inside a relative clause."""
    determiners = 0
    after_preposition = False
    is_headline = all(token[:1].isupper() for token in tokens if len(token) > 3)
    for index, token in enumerate(tokens):
        word = token.casefold().strip(",;:.!?\"'")
        if word in RELATIVES and index > 0:
            return None
        if word in DETERMINERS:
            determiners += not after_preposition
            after_preposition = False
        if word in PREPOSITIONS and index > 0:
            after_preposition = True
        if index == 0 or determiners > 1:
            continue
        if token[:1].isupper() and not is_headline:  # "Edna and Rose": a name that is also a verb
            continue
        if tokens[index - 1].casefold() in DETERMINERS or tokens[index - 1].endswith((",", ";", ":")):
            continue
        if word in ("called", "named"):
            return None
        if word in AUXILIARIES:
            return index if index + 1 < len(tokens) else None
        found = verb_of(word)
        if found is None or tokens[index - 1].casefold() in PREPOSITIONS:
            continue
        if found[1] != "gerund" and _agrees(tokens[:index], found[1], tokens[index + 1 :]):
            return index
    return None


def _agrees(subject: list[str], form: Form, rest: list[str]) -> bool:
    head = head_of(subject)
    if head.casefold() in PREPOSITIONS or head.casefold() in ("and", "or"):
        return False
    plural = is_plural(head) or "and" in [word.casefold() for word in subject] or head.casefold() in ("i", "we", "you")
    follows = rest[0].casefold() if rest else ""
    if form == "third":  # "the town dances": a plural noun unless something that a verb takes comes next
        return (
            not plural
            and (bool(rest) or head.casefold() in DETERMINERS or len(subject) > 1)
            and follows != "of"
            or (
                not plural
                and follows == "of"
                and verb_of("dream") is not None
                and len(subject) >= 1
                and bool(rest[1:])
                and subject[0].casefold() in DETERMINERS
            )
        )
    if form == "past":
        return bool(rest) and follows not in ("by", "of", "from") or not rest and len(subject) > 1
    return plural


def _clause(words: str, tokens: list[str], place: int) -> Topic:
    subject, verb, rest = tokens[:place], tokens[place].casefold(), tokens[place + 1 :]
    who = with_article(subject)
    head = head_of(subject)
    plural_subject = is_plural(head) or "and" in [word.casefold() for word in subject]
    auxiliary = verb in AUXILIARIES
    found = None if auxiliary else verb_of(verb)
    base, form = found if found else (verb, "base")
    takes_object = bool(rest) and not auxiliary and rest[0].casefold() not in PREPOSITIONS and not is_adverb(rest[0])
    phrase, tail = split_phrase(rest) if takes_object else ([], rest)
    takes_object = bool(phrase)
    object_words = with_article(phrase) if takes_object else ""
    said = " ".join(part for part in (object_words, " ".join(tail)) if part).replace(" ,", ",").replace(" :", ":")
    if auxiliary or form == "past" or who.casefold() in ("i", "we", "you") or base in ("love", "like", "need", "want"):
        clause = f"{who} {verb} {said}".strip()
    elif base in ("dream", "live", "sleep", "wait", "rain", "wonder", "wish", "hope", "fear", "believe", "rule",
                  "know", "mean", "think", "feel", "work", "stand", "roam", "whisper", "sing", "dance"):  # fmt: skip
        clause = f"{who} {verb} {said}".strip()  # states and habits stay in the present
    else:
        clause = f"{who} {'have' if plural_subject else 'has'} {participle(base)} {said}".strip()
    told = phrase if takes_object and not is_pronoun(phrase[0]) else subject
    thing_head = head_of(told)
    thing = definite(told) if len(told) == 1 or told is subject or looks_like_a_name(told) else short_of(told)
    if len(tail) > 1 and tail[0].casefold() == "to" and (verb_of(tail[1]) or ("", ""))[1] == "base":
        tail = []  # an octopus that is taught to play is no "octopus to play"
    noun = f"{definite(told)} {' '.join(tail)}".strip() if told is phrase else f"{definite(subject)}"
    if told is subject and looks_like_a_name(subject):
        thing = noun = " ".join(subject)
    doing = (f"{gerund(base)} {said}" if not auxiliary else noun).strip()
    tail_has_verb = any(word.casefold() in AUXILIARIES or (verb_of(word) or ("", ""))[1] in ("third", "past")
                        for word in tail)  # fmt: skip
    if tail_has_verb and told is phrase:
        noun = definite(told)
    plural = is_plural(thing_head) or (told is subject and plural_subject)
    noun = noun.replace(" ,", ",")
    history = clause if auxiliary or form == "past" else f"{who} {past(base)} {said}".strip()
    return Topic(words, "clause", noun, thing, clause, doing, who, place_in(tail or rest), plural, plural, history)


def _noun(words: str, tokens: list[str]) -> Topic:
    phrase, tail = split_phrase(tokens)
    inner = next((i for i, word in enumerate(phrase) if i > 1 and word.casefold() in ("the", "a", "an", "my")), 0)
    phrase = phrase[:inner] if inner else phrase  # "the day the sun went out" is a day
    head = phrase[-1] if inner else head_of(tokens)
    joined = bool(tail) and tail[0].casefold() in ("and",) and not has_clause(tail)
    noun = bare_or_definite(tokens, phrase)
    bare = noun == lower_common_start(words) and words.split()[0].casefold() not in DETERMINERS
    if looks_like_a_name(phrase) and not tail:
        thing = words
    elif bare and is_known_name(head):
        thing = lower_common_start(" ".join(phrase))
    elif joined:
        thing = noun
    elif bare and (is_plural(head) or is_mass(head) or is_abstract_pair(phrase)):
        thing = lower_common_start(" ".join(phrase))
    elif phrase[0].casefold() in DETERMINERS or len(phrase) > 1:
        thing = short_of(phrase)
        if tail and tail[0].casefold() == "of":
            thing = definite(tokens)
    else:
        thing = definite(phrase)
    plural = is_plural(head) or (joined and not is_mass(head) or joined)
    return Topic(words, "noun", noun, thing, f"all eyes are on {noun}", noun, thing,
                 place_in(tail), plural, plural)  # fmt: skip


def _question(words: str, tokens: list[str]) -> Topic:
    asked = words.rstrip("?").strip()
    lowered = asked[:1].lower() + asked[1:] if not asked.startswith("I ") else asked
    inverted = len(tokens) > 1 and (tokens[0].casefold() in AUXILIARIES or tokens[1].casefold() in AUXILIARIES)
    phrase: list[str] = []
    for token in tokens[2 if inverted else 1 :]:
        word = token.casefold()
        if phrase and (word in AUXILIARIES or word in PREPOSITIONS or verb_of(word)):
            break
        if word not in AUXILIARIES and word not in ("to", "much", "many", "long", "far"):
            phrase.append(token)
    noun = f"the question “{asked[:1].upper()}{asked[1:]}?”" if inverted else f"the question of {lowered}"
    thing = bare_or_definite(phrase, phrase) if phrase and not is_pronoun(phrase[0]) else "the question"
    plural = bool(phrase) and thing != "the question" and is_plural(head_of(phrase))
    clause = f"one question will not rest: {lowered}"
    return Topic(words, "question", noun, thing, clause, noun, "people", "", plural, False)


def _as_name(words: str) -> Topic:
    """Other scripts, pictures and signs: used as they are, as one would say a name."""
    return Topic(words, "other", words, words, f"all eyes are on {words}", words, words)
