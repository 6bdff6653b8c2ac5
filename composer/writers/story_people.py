"""People: one name for each person of a story, and what the text says of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping

from composer.names import FEMALE_NAMES, MALE_NAMES, Gender, gender_of
from composer.writers.story_subjects import Mention
from composer.writers.story_verbs import TITLES

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_PRONOUN = re.compile(r"\b(?:(he|his|him|himself)|(she|her|hers|herself))\b", re.I)
_SENTENCE = re.compile(r"[^.!?…]+")
_KIN_NAME = re.compile(
    r"\b((?:grand)?(?:daughter|son|mother|father)|sister|brother|wife|husband|aunt|uncle|niece|nephew|queen|king|widow)"
    r",? ([A-Z][\w'’-]+)"
)
NARRATOR = "Narrator"
_NO_NAMES = frozenset("old young little the mr mrs miss poor".split())
_KIN = {"grandpa": "grandfather", "grandad": "grandfather", "granddad": "grandfather", "gramps": "grandfather",
        "grandma": "grandmother", "granny": "grandmother", "gran": "grandmother", "nana": "grandmother",
        "mum": "mother", "mom": "mother", "mama": "mother", "mamma": "mother", "mummy": "mother", "mommy": "mother",
        "dad": "father", "papa": "father", "daddy": "father", "pa": "father"}  # fmt: skip
"""What children call them -> what others do: one person, in a story that has both."""


class People:
    """The persons of one story: names that mean the same person, genders, descriptions."""

    def __init__(self, mentions: list[Mention], told: str = "") -> None:
        """`told` is the narrator's text, for who is introduced in it ("an old woman opened")."""
        self.roles = {mention.name for mention in mentions if mention.kind == "role"}
        self._introduced = frozenset(re.findall(r"\b(?:an?|another) ((?:[a-z]+ )?[a-z]+)\b", told.casefold()))
        counts = Counter(mention.name for mention in mentions if mention.name)
        self.main_name = _main_names(counts)
        self.asides: dict[str, list[str]] = defaultdict(list)
        for mention in mentions:
            if mention.aside and mention.aside not in self.asides[self.named(mention.name)]:
                self.asides[self.named(mention.name)].append(mention.aside)
        self.votes: dict[str, Counter[Gender]] = defaultdict(Counter)
        self.by_word: dict[str, str] = {}
        owners: dict[str, set[str]] = defaultdict(set)
        for name in counts:
            for word in _WORD.findall(name.casefold()):
                owners[word].add(self.named(name))
        for name in counts:
            words = _WORD.findall(name.casefold())
            given = {word for word in words[1:-1] if word in FEMALE_NAMES or word in MALE_NAMES}
            for word in {*words[-1:], *words[:1], *given}:
                if len(owners[word]) == 1 and word not in _NO_NAMES:
                    self.by_word[word] = self.named(name)

    def were_introduced(self, role: str) -> bool:
        """Whether the text brings a role in as somebody new."""
        return role.casefold() in self._introduced

    def named(self, name: str) -> str:
        return self.main_name.get(name, name)

    def spotted(self, text: str) -> list[str]:
        """Who is named in a text, in its order. Roles count in lower case too, names do not."""
        found = []
        for word in _WORD.finditer(text):
            person = self.by_word.get(word.group().casefold())
            if person is None:
                lowered = word.group().casefold()
                if word.group()[0].isupper() and (lowered in FEMALE_NAMES or lowered in MALE_NAMES):
                    person = self.by_word.setdefault(lowered, word.group())
            elif word.group()[0].islower() and not _is_role_here(text, word.start()):
                person = None
            if person:
                found.append(person)
        return found

    def learn(self, text: str) -> None:
        """Takes the pronouns after a name, in a sentence that names one person, as that person's."""
        for kin, name in _KIN_NAME.findall(text):
            person, gender = self.by_word.get(name.casefold()), gender_of("", kin.removeprefix("grand"))
            if person and gender:
                self.votes[person][gender] += 3
        for sentence in _SENTENCE.findall(text):
            named = self.spotted(sentence)
            if len(set(named)) != 1:
                continue
            at = sentence.casefold().find(_WORD.findall(named[0].casefold())[-1])
            male = female = False
            for pronoun in _PRONOUN.finditer(sentence, max(0, at)):
                male |= pronoun.group(1) is not None
                female |= pronoun.group(2) is not None
            if male != female:
                self.votes[named[0]]["female" if female else "male"] += 1

    def gender(self, name: str) -> Gender | None:
        others = [alias for alias, main in self.main_name.items() if main == name and alias != name]
        told = gender_of(name, " ".join([*self.asides.get(name, ()), *others]))
        if told is None and others:
            told = next((gender for alias in others if (gender := gender_of(alias))), None)
        if told is None and self.votes[name]:
            (best, most), *rest = self.votes[name].most_common()
            return best if not rest or most > rest[0][1] else None
        return told

    def about(self, speakers: list[str], text: str) -> dict[str, str]:
        """What the text says of each speaker, for casting."""
        told = _appositions(text)
        found = {}
        for name in speakers:
            if name == NARRATOR:
                continue
            said = [aside for aside in self.asides.get(name, ()) if aside.casefold() != name.casefold()]
            for word in {name, *(alias for alias, main in self.main_name.items() if main == name)}:
                said += told.get(word, ())
            gender = self.gender(name)
            parts = list(dict.fromkeys([*said[:4], *({"female": ["woman"], "male": ["man"]}.get(gender or "", []))]))
            if gender and gender_of(name, " ".join(parts)) != gender:
                parts.append("she, her" if gender == "female" else "he, him, his")
            if parts:
                found[name] = ", ".join(parts)[:300]
        return found


def _is_role_here(text: str, at: int) -> bool:
    return (
        re.search(r"(?i)\b(?:the|a|an|his|her|my|their|our|old|young|little)(?: \w+)? $", text[max(0, at - 30) : at])
        is not None
    )


def _main_names(counts: Counter[str]) -> Mapping[str, str]:
    """Name -> the form that is used most; "Ahab", "Captain Ahab" and "the captain" are one where only one fits."""
    words = {name: frozenset(_WORD.findall(name.casefold())) for name in counts}
    longer: dict[str, list[str]] = {name: [] for name in counts}
    holders: dict[str, list[str]] = defaultdict(list)
    for name in sorted(counts):
        for word in words[name]:
            holders[word].append(name)
    for name in counts:
        if not words[name] or "'s" in name or "’s" in name:
            continue
        kin = (
            [other for other in counts if re.fullmatch(rf".*['’]s {re.escape(name)}", other)]
            if len(counts) < 500
            else []
        )
        if len(kin) == 1:
            longer[name] = kin
            continue
        rarest = min(words[name], key=lambda word: (len(holders[word]), word))
        longer[name] = [
            other for other in holders[rarest][:200] if words[name] < words[other] and not re.search("['’]s ", other)
        ]
    group = {}
    for name in counts:
        others = longer[name]
        widest = max(others, key=lambda other: (len(words[other]), other), default=None)
        if widest and all(words[other] <= words[widest] for other in others):
            group[name] = widest
    for name in counts:
        kin_name = _KIN.get(name.casefold(), "").capitalize()
        if kin_name in counts:
            group[name] = group.get(kin_name, kin_name)
    members: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        members[group.get(name, name)].append(name)
    main = {}
    for names in members.values():
        best = max(names, key=lambda name: (not words[name] <= TITLES, counts[name], len(name), name))
        main.update(dict.fromkeys(names, best))
    return main


def _appositions(text: str) -> dict[str, list[str]]:
    """Name -> "a tall blacksmith" of "Tom, a tall blacksmith," and of "Tom was a tall blacksmith"."""
    found: dict[str, list[str]] = defaultdict(list)
    pattern = re.compile(
        r"\b([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)(?:, (?:the |an? )| (?:was|is) (?:an? ))"
        r"((?:[a-z-]+ ){0,3}[a-z-]+)(?=[,.;]| who| with| of| in)"
    )
    for match in pattern.finditer(text):
        if len(found[match.group(1)]) < 3:
            found[match.group(1)].append(match.group(2))
    for match in re.finditer(
        r"\b([A-Z][\w'’-]+),? (?:was |is )?(?:(?:only|just|nearly) )?([\w-]+ years old|an? old [a-z]+|a young [a-z]+)",
        text,
    ):
        if len(found[match.group(1)]) < 3 and match.group(2) not in found[match.group(1)]:
            found[match.group(1)].append(match.group(2))
    for match in re.finditer(r"\b([Oo]ld|[Yy]oung|[Ll]ittle) ([A-Z][\w'’-]+)", text):
        if match.group(1).lower() not in found[match.group(2)]:
            found[match.group(2)].append(match.group(1).lower())
    return found
