"""Phrases: where a noun phrase ends, what its head is, and which article it takes in a sentence."""

from __future__ import annotations

from composer.writers.prompt_nouns import (
    DETERMINERS,
    PREPOSITIONS,
    RELATIVES,
    indefinite,
    is_abstract_pair,
    is_known_name,
    is_mass,
    is_plural,
    looks_like_a_name,
    lower_common_start,
    wants_the,
)
from composer.writers.prompt_verbs import AUXILIARIES, verb_of

_FOREIGN = frozenset(
    "una un el los las noche de del y en con que le les des et une dans der die das und ein eine im auf mit il "
    "lo gli di che "
    "nella na w z och".split()
)


def is_foreign(tokens: list[str]) -> bool:
    """Whether small words say that it is not English; "die" alone says nothing."""
    words = [token.casefold().strip(",.;:!?") for token in tokens]
    english = sum(word in PREPOSITIONS or word in ("a", "an", "the", "and", "who", "that", "is") for word in words)
    return sum(word in _FOREIGN for word in words) >= 2 and not english


def after_gerund(word: str) -> bool:
    lower = word.casefold()
    return (
        lower in DETERMINERS
        or lower in PREPOSITIONS
        or lower in ("how", "with", "together", "up", "down")
        or (not is_plural(lower) and not lower.endswith("s") and lower in ("water", "friends", "alone", "home"))
    )


def head_of(tokens: list[str]) -> str:
    """The head noun of a noun phrase: the last word before a preposition, a relative or a comma."""
    for index, token in enumerate(tokens):
        word = token.casefold()
        if index and (word in PREPOSITIONS or word in RELATIVES or word in ("called", "named")):
            return tokens[index - 1].strip(",;:.!?\"'")
        if token.endswith((",", ";", ":")):
            return token.strip(",;:")
        gerund_here = (found := verb_of(word)) is not None and found[1] == "gerund" and index + 1 < len(tokens)
        if index and gerund_here and tokens[index - 1].casefold() not in DETERMINERS:
            return tokens[index - 1].strip(",;:.!?\"'")
    return tokens[-1].strip(",;:.!?\"'") if tokens else ""


def split_phrase(tokens: list[str]) -> tuple[list[str], list[str]]:
    """A noun phrase up to its head, and what follows it."""
    for index, token in enumerate(tokens):
        word = token.casefold()
        is_gerund = (found := verb_of(word)) is not None and found[1] == "gerund" and index + 1 < len(tokens)
        is_gerund = is_gerund and index > 0 and tokens[index - 1].casefold() not in DETERMINERS
        stops = word in PREPOSITIONS or word in RELATIVES or word in ("called", "named", "and", "but", "because")
        stops = stops or word in ("after", "before", "while", "when", "as") or is_gerund
        if index and stops:
            return tokens[:index], tokens[index:]
        if token.endswith((",", ";", ":")):
            return [*tokens[:index], token.rstrip(",;:")], [token[-1], *tokens[index + 1 :]]
    return tokens, []


def definite(tokens: list[str]) -> str:
    """A noun phrase with "the" where English wants it; names, plurals and mass words stay bare."""
    if not tokens:
        return ""
    first = tokens[0].casefold()
    if first in ("a", "an"):
        return " ".join(["the", *tokens[1:]])
    if first in DETERMINERS:
        return lower_common_start(" ".join(tokens))
    if looks_like_a_name(tokens):
        return " ".join(tokens)
    return "the " + lower_common_start(" ".join(tokens))


def bare_or_definite(tokens: list[str], phrase: list[str]) -> str:
    """As a subject of talk in general: "whales", "coffee", but "the lighthouse"."""
    head = head_of(tokens)
    first = tokens[0].casefold()
    if looks_like_a_name(phrase) or (is_known_name(head) and head[:1].isupper() and not is_plural(head)):
        return " ".join(tokens) if looks_like_a_name(phrase) else lower_common_start(" ".join(tokens))
    if first not in DETERMINERS and (
        is_plural(head) or is_mass(head) or is_abstract_pair(phrase) or "and" in tokens or "vs" in tokens
    ):
        return lower_common_start(" ".join(tokens))
    if first in ("a", "an"):
        return lower_common_start(" ".join(tokens))
    return definite(tokens)


def with_article(tokens: list[str]) -> str:
    head = head_of(tokens)
    first = tokens[0].casefold()
    if first in DETERMINERS or looks_like_a_name(tokens) or is_plural(head) or is_mass(head):
        return lower_common_start(" ".join(tokens))
    if is_pronoun(tokens[0]):
        return lower_common_start(" ".join(tokens))
    if len(tokens) == 1 and wants_the(first):
        return f"the {first}"
    return indefinite(lower_common_start(" ".join(tokens)))


def place_in(tokens: list[str]) -> str:
    """The named place in a phrase: "Alpha Centauri" out of "to Alpha Centauri"; empty without one."""
    for index, token in enumerate(tokens[:-1]):
        if token.casefold() in ("to", "on", "in", "at", "near", "from", "around", "across") and (
            tokens[index + 1][:1].isupper()
        ):
            name = []
            for word in tokens[index + 1 :]:
                if not (word[:1].isupper() or word.casefold() in ("of", "the")):
                    break
                name.append(word.strip(",;:.!?"))
                if word.endswith((",", ";", ":")):
                    break
            return " ".join(name)
    return ""


def short_of(phrase: list[str]) -> str:
    """The short, definite name: "the probe" out of "a new light-speed probe"; a possessive stays."""
    if phrase[0].casefold() in DETERMINERS - {"a", "an", "the", "some", "one"}:
        return " ".join(phrase)
    return f"the {phrase[-1]}" if not phrase[-1][:1].isupper() else definite(phrase)


def is_adverb(word: str) -> bool:
    lower = word.casefold()
    return lower.endswith("ly") and lower not in ("family", "fly") or lower in (
        "over", "up", "down", "out", "off", "away", "back", "again", "together", "home", "alone", "that", "how",
        "why", "what", "where", "if", "when", "because", "while", "as", "once", "and", "but", "not", "so",
    )  # fmt: skip


def is_pronoun(word: str) -> bool:
    return word.casefold() in ("it", "them", "him", "her", "us", "me", "you", "itself", "himself", "herself",
                               "everyone", "nobody", "everything", "each")  # fmt: skip


def has_clause(tokens: list[str]) -> bool:
    return any(token.casefold() in AUXILIARIES for token in tokens)
