"""Roles and people: who speaks, in which order, and what the prompt tells of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer.writers.prompt_nouns import DETERMINERS, PREPOSITIONS, indefinite

_HOSTS = "anchor|anchorman|anchorwoman|newscaster|newsreader|presenter|host|hostess|moderator|interviewer|announcer"
_REPORTERS = "reporter|correspondent|journalist"
_NARRATORS = "narrator|storyteller|voice-?over"
_SPEAKERS = """engineer scientist biologist astronomer astronaut doctor nurse professor teacher student historian expert
analyst director president mayor minister senator spokesperson spokeswoman spokesman officer detective inspector
captain pilot sailor soldier general farmer fisherman fisherwoman baker chef cook waiter waitress barista
customer shopkeeper butler maid king queen prince princess knight wizard witch ghost robot alien monster dragon
grandmother grandfather grandma grandpa mother father mum mom dad son daughter sister brother uncle aunt husband
wife child kid boy girl man woman teenager neighbour neighbor friend stranger guide ranger coach player striker
goalkeeper referee fan commentator pundit author writer poet painter artist musician singer composer actor
actress filmmaker gardener beekeeper mechanic inventor programmer developer architect explorer diver climber
geologist physicist chemist meteorologist philosopher psychologist lawyer judge thief pirate survivor witness
eyewitness resident guest villager keeper librarian curator carpenter instructor therapist caller boss employee
founder ceo entrepreneur scout cowboy sheriff bartender driver conductor vet veterinarian priest monk nun
butcher firefighter firewoman fireman paramedic midwife surgeon dentist pharmacist plumber electrician postman
trainer coach zookeeper locksmith watchmaker tailor shoemaker blacksmith potter weaver dancer magician clown juggler
translator runner cyclist swimmer boxer trucker shepherd miner welder""".split()
_ROLE = re.compile(rf"(?i)\b({_HOSTS}|{_REPORTERS}|{_NARRATORS}|{'|'.join(_SPEAKERS)})\b")
_NOT_A_MODIFIER = frozenset(
    "interviewing interviews interview between with by and or then followed start starts end ends featuring "
    "again the to "
    "from also narrated hosted read told who that first next finally is are speaking questions meets asks meeting "
    "including voice called named another same talking talks".split()
)


@dataclass(frozen=True)
class Role:
    """One who speaks, as the prompt asks for them."""

    slot: str
    """host, reporter, narrator or guest."""
    name: str
    """The character's name in the table: "Chief Engineer"."""
    words: str
    """With its article: "a chief engineer"."""


@dataclass(frozen=True)
class Person:
    """Somebody with a name: Mira, a girl."""

    name: str
    what: str
    """What they are: "a girl", "her robot dog"; empty when the prompt does not say."""


def slot_of(word: str) -> str:
    """Which part of a scene a role word plays."""
    if re.fullmatch(rf"(?i){_HOSTS}", word):
        return "host"
    if re.fullmatch(rf"(?i){_REPORTERS}", word):
        return "reporter"
    return "narrator" if re.fullmatch(rf"(?i){_NARRATORS}", word) else "guest"


def find_roles(text: str, genre: str) -> tuple[Role, ...]:
    """The roles in the order of the text; one who comes again stands twice."""
    roles: list[Role] = []
    for found in _ROLE.finditer(text):
        if found.group(1).islower() is False and text[: found.start()].endswith(("News ", "Show ")):
            continue
        before = re.findall(r"[\w'’-]+|[.,;:]", text[: found.start()])[-3:]
        modifiers: list[str] = []
        for word in reversed(before):
            lower = word.casefold()
            stops = lower in _NOT_A_MODIFIER or lower in DETERMINERS or lower in PREPOSITIONS or not word[0].isalnum()
            if stops:
                break
            modifiers.insert(0, word)
        noun = found.group(1)
        slot = slot_of(noun)
        if re.search(
            r"(?i)\b(?:narrated|told|read|voiced|presented|spoken) by (?:an? |the )?(?:[\w'’-]+ ){0,3}$",
            text[: found.start()],
        ):
            slot = "narrator"
        if slot == "guest" and re.match(r" (?:tells|narrates|remembers|recalls|explains)\b", text[found.end() :]):
            slot = "narrator"
        words = " ".join([*modifiers, noun])
        following = re.match(r",?\s+(?:called|named)?\s*((?:[A-Z][\w'’-]+)(?: [A-Z][\w'’-]+)?)", text[found.end() :])
        name = following.group(1) if following else _role_name(slot, words)
        if following or not any(role.name == name and role == roles[-1] for role in roles[-1:]):
            roles.append(Role(slot, name, indefinite(words) if words[:1].islower() else words))
    return tuple(roles)


def _role_name(slot: str, words: str) -> str:
    if slot == "host":
        return "Host" if "interviewer" not in words.casefold() else "Interviewer"
    if slot == "reporter" or words.casefold() in ("narrator", "storyteller", "voiceover", "voice-over"):
        return slot.capitalize()
    return title_case(words)


def title_case(words: str) -> str:
    """A role as a name: "chief engineer" -> "Chief Engineer"; what has capitals keeps them."""
    return " ".join(word if word[:1].isupper() else word[:1].upper() + word[1:] for word in words.split())


_CALLED = re.compile(
    r"\b((?:an?|the|my|her|his|their|our|one|its|two)\s+(?:[a-z][\w'’-]*\s+){1,4}?)(?:(?:called|named)\s+)"
    r"([A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)?)(?:\s+and\s+([A-Z][\w'’-]+)(?=[\s.,;]|$))?"
)
_POSSESSED = re.compile(r"\b((?:her|his|their|my|its)\s+(?:[a-z][\w'’-]*\s+){1,3})([A-Z][\w'’-]+)")
_TITLED = re.compile(r"\b((?:Captain|Detective|Inspector|Professor|Doctor|Dr\.?|Mr\.?|Mrs\.?|Ms\.?|Miss|King"
                     r"|Queen|Prince|Princess|Sir"
                     r"|Lady|Uncle|Aunt|Grandma|Grandpa)\s[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)?)")  # fmt: skip
_AFTER_NAME = re.compile(
    r"\b([A-Z][a-z]+), (an? (?:[\w'’-]+ ){0,3}[\w'’-]+?)(?=,|\.|;| who| and her| and his| and their|$)"
)
_AND_NAMES = re.compile(r"\bbetween ([A-Z][\w'’-]+)(?:,\s+(an? [^,]+),)? and ([A-Z][\w'’-]+)")


def find_people(text: str) -> tuple[Person, ...]:
    """Everybody with a name, in order of appearance."""
    found: dict[str, tuple[int, str]] = {}

    def add(name: str, what: str, place: int) -> None:
        if name not in found:
            found[name] = (place, re.sub(r"\s+", " ", what).strip())

    for match in _CALLED.finditer(text):
        add(match.group(2), match.group(1), match.start(2))
        if match.group(3):
            add(match.group(3), match.group(1), match.start(3))
    for match in _POSSESSED.finditer(text):
        add(match.group(2), match.group(1), match.start(2))
    for match in _AFTER_NAME.finditer(text):
        add(match.group(1), match.group(2), match.start(1))
    for match in _AND_NAMES.finditer(text):
        add(match.group(1), match.group(2) or "", match.start(1))
        add(match.group(3), "", match.start(3))
    for match in _TITLED.finditer(text):
        add(match.group(1), "", match.start(1))
    ordered = sorted(found.items(), key=lambda entry: entry[1][0])
    return tuple(Person(name, what) for name, (_, what) in ordered)[:6]


_FEMALE = (
    r"she|her|girl|woman|lady|mother|mum|mom|grandmother|grandma|queen|princess|witch|sister|daughter|aunt|wife|actress"
    r"|waitress|hostess|anchorwoman|spokeswoman|fisherwoman|nun|maid|female|goddess"
)
_MALE = (
    r"boy|man|gentleman|father|dad|grandfather|grandpa|king|prince|wizard|brother|son|uncle|husband|actor|waiter"
    r"|anchorman|spokesman|fisherman|monk|priest|butler|cowboy|male|sir"
)


def gender_of(words: str) -> str:
    """Gives "female" or "male" when the words say so, else empty."""
    if re.search(rf"(?i)\b(?:{_FEMALE})\b", words):
        return "female"
    return "male" if re.search(rf"(?i)\b(?:{_MALE})\b", words) else ""


def age_of(words: str) -> str:
    """Gives "child", "young" or "old" when the words say so, else empty."""
    if re.search(
        r"(?i)\b(?:girl|boy|child|kid|toddler|(?:five|six|seven|eight|nine|ten)-year-old|[3-9]-year-old|baby)\b", words
    ):
        return "child"
    if re.search(r"(?i)\b(?:old|elderly|aged|retired|grand(?:mother|father|ma|pa)|ancient)\b", words):
        return "old"
    return "young" if re.search(r"(?i)\b(?:young|teenager?|student|teen)\b", words) else ""
