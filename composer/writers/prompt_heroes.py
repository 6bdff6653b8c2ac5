"""Heroes: who a tale is about, how a narrator speaks of them, and what they did, in the past tense of tales."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.writers.prompt_nouns import (
    DETERMINERS,
    PREPOSITIONS,
    RELATIVES,
    is_common,
    is_known_name,
    is_mass,
    is_plural,
)
from composer.writers.prompt_roles import gender_of, title_case
from composer.writers.prompt_verbs import past, verb_of

if TYPE_CHECKING:
    from composer.writers.prompt_reading import Reading


@dataclass(frozen=True)
class Hero:
    """Somebody in a tale."""

    name: str
    """The character in the table: "Mira", "Small Cloud"."""
    called: str
    """As a narrator says it: "Mira", "the cloud"."""
    intro: str
    """At first mention: "a girl called Mira", "a small cloud"."""
    gender: str = ""

    @property
    def she(self) -> str:
        return {"female": "she", "male": "he"}.get(self.gender, "it")

    @property
    def her(self) -> str:
        return {"female": "her", "male": "him"}.get(self.gender, "it")

    @property
    def hers(self) -> str:
        return {"female": "her", "male": "his"}.get(self.gender, "its")


_NO_HEROES = frozenset(
    """night day morning evening afternoon smell sound taste history story tale journey adventure trip voyage war
battle city town village forest castle house home island sea ocean river lake mountain desert garden market
street road school museum world dream memory secret mystery problem question idea time year century future past
moment party wedding christmas birthday summer winter spring autumn storm rain party picnic race contest fire
importance meaning value power art way end beginning fall rise invention discovery life death friendship
kindness courage room attic kitchen station argument conversation meeting breakup fight secret letter tour day
    walk week hour chance list thing things something nothing case murder theft disappearance
    haunting shop bookshop bakery café hotel lighthouse orchard train ship submarine bridge
    tower church library mug map key door window clock restaurant elevator machine painting violin""".split()
)
_INVENTED = (
    ("Nell", "a girl called Nell", "female"), ("Ivo", "a boy called Ivo", "male"), ("Tamsin", "a girl called "
        "Tamsin", "female"),
    ("Jonas", "a boy called Jonas", "male"), ("Wren", "a girl called Wren", "female"), ("Emil", "a boy called "
        "Emil", "male"),
)  # fmt: skip
_FRIENDS = ("owl", "toad", "heron", "hedgehog", "tortoise", "badger")
_FEMALE_NAMES = frozenset(
    """alice emma lily rose grace ruth jane mary ann anne sue lucy amy zoe chloe sophie charlotte elizabeth kate helen
sarah hannah leah ingrid margaret isabel iris beth claire marie louise eve ines aoife yuki mei""".split()
)
_MALE_NAMES = frozenset(
    """tom ben jack max leo sam oliver henry john james peter paul finn noah bob luca joshua elijah otto hugo theo
arthur george charlie harry william david michael daniel jan lars ali omar bolt rex luke mark""".split()
)


def tale_of(reading: Reading, rng: np.random.Generator) -> dict[str, object]:
    """The values of a tale: hero, friend, what the hero did (`deed`, past tense, may be empty), `invented`."""
    words = reading.topic.words
    if words == "the two of us" and (
        pair := re.search(r"\bbetween ((?:an? |the )\S.*? and .+?)(?=[,.;]|$| who\b| in\b| at\b)", reading.prompt)
    ):
        words = pair.group(1)
    choice, other = int(rng.integers(len(_INVENTED))), int(rng.integers(len(_FRIENDS)))
    heroes, rest = _named(reading, words) if reading.people else ([], "") if reading.named else _from_topic(words)
    invented = not heroes
    if invented:
        name, intro, gender = _INVENTED[choice]
        heroes = [Hero(name, name, intro, gender)]
    told = " ".join(hero.intro for hero in heroes)
    animal = next(_FRIENDS[(other + step) % len(_FRIENDS)] for step in range(6)
                  if _FRIENDS[(other + step) % len(_FRIENDS)] not in told)  # fmt: skip
    stranger = Hero(animal.title(), f"the {animal}", f"an old {animal}", "")
    deed = "" if invented else past_phrase(rest, len(heroes) > 1 and bool(re.match(r"\w+ing\b", rest)))
    sought = re.match(r"(?:was|were) (?:looking|searching) for (.+)", deed)
    wish = re.match(
        r"(?:wanted|wished|dreamed|dreamt|longed|hoped|learned) (?:to|of) (.+?)(?= but | and | because |$)", deed
    )
    return {
        "sought": sought.group(1) if sought else "",
        "wish": wish.group(1) if wish and not re.match(r"\w+ing\b", wish.group(1)) else "",
        "fear": fear.group(1) if (fear := re.match(r"(?:was|were) (?:afraid|scared|frightened) of (.+)", deed)) else "",
        "hero": heroes[0],
        "friend": heroes[1] if len(heroes) > 1 else stranger,
        "helper": stranger,
        "together": len(heroes) > 1,
        "both": f"{heroes[0].called} and {heroes[1].called}" if len(heroes) > 1 else heroes[0].called,
        "both_intro": f"{heroes[0].intro} and {heroes[1].intro}" if len(heroes) > 1 else heroes[0].intro,
        "deed": deed,
        "invented": invented,
    }


def _named(reading: Reading, words: str) -> tuple[list[Hero], str]:
    people = reading.people[:2]
    heroes = []
    for person in people:
        what = person.what
        own = re.match(r"(?:her|his|their|its|my)\b", what)
        if not what or re.match(r"(?:two|three|four)\b", what):
            intro = person.name
        else:
            intro = f"{what} {person.name}" if own else f"{what} called {person.name}"
        heroes.append(Hero(person.name, person.name, intro, _gender(person.name, what)))
    ends = [words.rfind(person.name) + len(person.name) for person in people if person.name in words]
    rest = words[max(ends) :].strip(" ,.") if ends else ""
    if rest.startswith(("'", "’", "and ")):
        rest = ""
    own_words = re.match(r"an? [\w' -]+?(?=,| who| that| which|$)", rest)
    return heroes, rest[own_words.end() :].strip(" ,") if own_words else rest


def _gender(name: str, what: str) -> str:
    first = name.split()[-1].casefold()
    found = gender_of(re.sub(r"^(?:her|his)\b", "", f"{what} {name}".strip()))
    if found:
        return found
    if first in _FEMALE_NAMES or (first.endswith(("a", "elle", "ine", "ette")) and first not in ("luca", "joshua")):
        return "female"
    return (
        "male"
        if first in _MALE_NAMES or (not what or not re.search(r"\b(?:dog|cat|robot|horse|bird|fox)\b", what))
        else ""
    )


def _from_topic(words: str) -> tuple[list[Hero], str]:
    """Heroes out of "a small cloud who is afraid of rain" or "a knight and a dragon", and what follows them."""
    tokens = words.split()
    first, tail = _phrase(tokens)
    hero = _hero(first)
    if hero is None:
        return [], ""
    heroes = [hero]
    if tail and tail[0].casefold() == "and":
        second, after = _phrase(tail[1:])
        other = _hero(second)
        if other is not None:
            heroes.append(other)
            tail = after
        else:
            return heroes, " ".join(tail[1:]) if verb_of(tail[1] if len(tail) > 1 else "") else ""
    if tail and tail[0].casefold() in PREPOSITIONS:
        stop = next((i for i, word in enumerate(tail) if word.casefold() in RELATIVES or _is_verb(word)), len(tail))
        if stop and len(heroes) == 1:
            added = " ".join(tail[:stop]).strip(" ,")
            heroes = [Hero(hero.name, hero.called, f"{hero.intro} {added}", hero.gender)]
        tail = tail[stop:]
    return heroes, " ".join(tail).strip(" ,")


def _is_verb(word: str) -> bool:
    found = verb_of(word)
    return found is not None and found[1] in ("third", "gerund", "past") and not word.endswith(("fishing",))


def _phrase(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    for index, token in enumerate(tokens):
        word = token.casefold().strip(",")
        stops = word in PREPOSITIONS or word in RELATIVES or word in ("and", "but") or (index > 1 and _is_verb(word))
        stops = stops or word in ("is", "was", "has", "had", "can", "can't", "cannot", "could", "will", "wants")
        if index and stops:
            return list(tokens[:index]), list(tokens[index:])
        if token.endswith(","):
            return [*tokens[:index], token[:-1]], list(tokens[index + 1 :])
    return list(tokens), []


def _hero(phrase: Sequence[str]) -> Hero | None:
    if not phrase or len(phrase) > 6:
        return None
    first, head = phrase[0].casefold(), phrase[-1].strip(",.;:!?")
    if len(phrase) == 1 and head[:1].isupper() and head[1:].islower() and not is_common(head) and not is_plural(head):
        return None if is_known_name(head) else Hero(head, head, head, _gender(head, ""))
    own = first in ("his", "her", "their", "its")
    if first not in ("a", "an", "the", "my", "our", "one") and not own or len(phrase) < 2 or not head[:1].isalpha():
        return None
    if is_plural(head) or is_mass(head) or head.casefold() in _NO_HEROES or head.casefold() in DETERMINERS:
        return None
    bare = " ".join(phrase[1:]).strip(",.;:!?")
    called = f"{first} {head}" if first in ("my", "our") or own else f"the {head}"
    lowered = f"{first} {bare}"
    return Hero(title_case(bare)[:60], called, lowered, gender_of(bare))


_PAST_AUXILIARIES = {
    "is": "was", "are": "were", "am": "was", "has": "had", "have": "had", "can": "could", "can't": "could not",
    "cannot": "could not", "will": "would", "won't": "would not", "does": "did", "do": "did", "doesn't": "did not",
    "don't": "did not", "isn't": "was not", "aren't": "were not", "may": "might",
}  # fmt: skip


def past_phrase(words: str, plural: bool = False) -> str:
    """A verb phrase in the past: "who is afraid of rain" -> "was afraid of rain"; empty when there is no verb."""
    tokens = words.split()
    while tokens and tokens[0].casefold().strip(",") in ("who", "that", "which", "and", "as"):
        tokens = tokens[1:]
    if not tokens:
        return ""
    first, rest = tokens[0].casefold(), tokens[1:]
    adverb = ""
    if first in ("never", "always", "secretly", "only", "once", "suddenly", "finally", "accidentally") and rest:
        adverb, first, rest = f"{first} ", rest[0].casefold(), rest[1:]
    found = verb_of(first)
    if first in _PAST_AUXILIARIES:
        verb = _PAST_AUXILIARIES[first]
    elif first in ("was", "were", "had", "could", "would", "did", "must", "should"):
        verb = first
    elif found and found[1] == "gerund":
        verb = f"{'were' if plural else 'was'} {first}"
    elif found:
        verb = first if found[1] == "past" else past(found[0])
    elif first.endswith("ing") and len(first) > 5:
        verb = f"{'were' if plural else 'was'} {first}"
    elif first.endswith("s") and len(first) > 3 and not first.endswith("ss") and rest:
        verb = past(re.sub(r"ies$", "y", first) if first.endswith("ies") else re.sub(r"(?<=[sxzh])es$|s$", "", first))
    else:
        return ""
    said = " ".join([f"{adverb}{verb}", *(_past_later(rest))])
    return said


def _past_later(tokens: Sequence[str]) -> list[str]:
    """A later verb put into the past, too: "and lives there" -> "and lived there"."""
    done: list[str] = []
    for index, token in enumerate(tokens):
        before = tokens[index - 1].casefold() if index else ""
        found = verb_of(token)
        if before in ("and", "but", "who", "that", "he", "she", "it") and found and found[1] == "third":
            done.append(past(found[0]))
        elif before in ("and", "but", "who", "he", "she", "it") and token.casefold() in (
            "is",
            "has",
            "can't",
            "cannot",
        ):
            done.append(_PAST_AUXILIARIES[token.casefold()])
        else:
            done.append(token)
    return done
