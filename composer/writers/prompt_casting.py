"""Casting of a prompt: which character fills which slot of a sheet, and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from composer.writers.prompt_heroes import Hero
from composer.writers.prompt_nouns import indefinite
from composer.writers.prompt_reading import Reading
from composer.writers.prompt_roles import Role, age_of, find_roles, gender_of
from composer.writers.prompt_tags import find_tags

_HINTS = {
    "host": "warm and clear, speaks to the listener",
    "reporter": "lively and quick, speaks from the spot",
    "narrator": "calm and clear storyteller",
    "voice": "confident and deep",
    "pundit": "experienced, dry humour",
    "child": "curious and quick",
}
_MAIN = {
    "news": "host",
    "podcast": "host",
    "weather": "host",
    "sports": "host",
    "advertisement": "voice",
    "trailer": "voice",
}
"""The slot that leads through a genre; where none is named, the narrator."""
_NAMES = {
    "meditation": {"narrator": "Guide"}, "tour": {"narrator": "Guide"}, "walk": {"narrator": "Guide"},
    "horror": {"narrator": "Storyteller"}, "history": {"narrator": "Teacher", "guest": "Student"},
    "weather": {"host": "Forecaster", "reporter": "Reporter"}, "advertisement": {"voice": "Announcer"},
    "sports": {"host": "Commentator"}, "trailer": {"voice": "Voice"},
}  # fmt: skip
_GUESTS = {
    "sports": "pundit", "horror": "listener", "advertisement": "customer", "history": "student",
}  # fmt: skip
"""Who else speaks when the prompt names nobody; other genres ask their topic."""
_SILENT_GUEST = (
    "meditation",
    "scene",
    "tour",
    "walk",
    "weather",
    "trailer",
    "bedtime",
    "fairytale",
    "story",
    "drama",
    "mystery",
)
_TALE = ("hero", "friend", "helper", "first", "second", "detective", "suspect")
_EXPERTS = (
    ("space", "astronomer"), ("disaster", "eyewitness"), ("animal", "biologist"), ("food", "chef"),
    ("sea", "marine biologist"),
    ("history", "historian"), ("tech", "engineer"), ("sport", "coach"), ("arts", "musician"), ("mind", "psychologist"),
    ("nature", "naturalist"), ("city", "resident"),
)  # fmt: skip


def cast_of(reading: Reading, tale: Mapping[str, object]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Slot -> character, character -> casting hints, slot -> "a chief engineer". `tale` is what tale_of found."""
    main = _MAIN.get(reading.genre, "narrator")
    names = _NAMES.get(reading.genre, {})
    cast = {main: names.get(main, main.capitalize())}
    words: dict[str, str] = {}
    about: dict[str, str] = {cast[main]: _HINTS[main]}

    def put(slot: str, role: Role) -> None:
        cast[slot] = role.name
        words[slot] = role.words if role.name in role.words or not role.name[:1].isupper() else role.words
        plain = re.sub(r"^(?:an?|the|my|her|his|their|its|our) ", "", role.words)
        hints = [
            re.sub(rf" ?(?:(?:called|named) )?{re.escape(role.name)}$", "", plain),
            gender_of(plain),
            age_of(plain),
        ]
        hints.append(_HINTS.get(slot, "lively" if slot in _TALE else "speaks from experience"))
        about[role.name] = ", ".join(dict.fromkeys(hint for hint in hints if hint))

    named = list(dict.fromkeys(reading.roles))
    guests = 0
    for role in named:
        if role.slot == "narrator" and main == "host":
            put(main, role)
        elif role.slot == "guest" and reading.genre in ("tour", "walk") and role.name.endswith("Guide"):
            put(main, role)
        elif role.slot == "guest":
            guests += 1
            put("guest" if guests == 1 else f"guest{guests}", role)
        elif role.slot == "reporter" and main != "narrator":
            put("reporter", role)
        elif role.slot == "narrator" and main == "narrator":
            put(main, role)
        elif main != "voice":
            put(main, role)
    if cast[main] not in about:
        about[cast[main]] = _HINTS[main]
    about = {name: hints for name, hints in about.items() if name in cast.values()}
    if reading.genre in ("news", "weather") and not any(slot in cast for slot in ("reporter", "guest")):
        put("reporter", Role("reporter", "Reporter", "a reporter"))
    if main == "host":
        cast["asker"] = cast.get("reporter", cast[main])
    for slot, role in _players(reading, tale):
        put(slot, role)
    if reading.genre == "podcast" and "guest" not in cast:
        for role in find_roles(reading.topic.words, "podcast")[:1]:
            put("guest", role)
    if "guest" not in cast and reading.genre not in _SILENT_GUEST:
        put("guest", _default_guest(reading))
    return cast, about, words


def _players(reading: Reading, tale: Mapping[str, object]) -> list[tuple[str, Role]]:
    """Who plays in tales, dramas and mysteries."""
    heroes = [tale[slot] for slot in ("hero", "friend", "helper")]
    players = [Role("guest", hero.name, hero.intro) for hero in heroes if isinstance(hero, Hero)]
    if reading.genre in ("bedtime", "fairytale", "story"):
        return list(zip(("hero", "friend", "helper"), players, strict=False))
    if reading.genre == "trailer":
        return [*zip(("hero", "friend"), players, strict=False), ("guest", Role("guest", "Stranger", "a stranger"))]
    asked = [Role("guest", person.name, f"{person.what} {person.name}".strip()) for person in reading.people]
    asked += [role for role in dict.fromkeys(reading.roles) if role.slot == "guest" and role not in asked]
    asked += [player for player in players[:2] if not tale["invented"] and tale["together"] and not reading.people]
    if reading.genre == "drama":
        asked += [role for role in find_roles(reading.topic.words, "drama") if role not in asked]
        pair = re.search(
            r"(?i)\btwo ((?:[a-z-]+ )?)([a-z]+)s\b(?= who| that| argu| fight| talk| quarrel| in| at| on|,|$)",
            reading.prompt,
        )
        if pair and not asked and pair.group(2) not in _NAMELESS:
            asked = [
                Role("guest", f"{which} {pair.group(2).title()}", f"{pair.group(1)}{pair.group(2)}")
                for which in ("First", "Second")
            ]
        names = {role.name for role in asked}
        spare = [Role("guest", name, words) for name, words in _STRANGERS if name not in names]
        return list(zip(("first", "second"), [*asked, *spare], strict=False))
    if reading.genre == "mystery":
        sleuths = [
            role
            for role in asked
            if re.search(r"(?i)detective|inspector|sleuth|miss |captain", f"{role.name} {role.words}")
        ]
        others = [role for role in asked if not sleuths or role.name not in sleuths[0].name]
        sleuth = (sleuths or [Role("guest", "Detective", "a detective")])[0]
        return [("detective", sleuth), ("suspect", (others or [Role("guest", "Witness", "a nervous witness")])[0])]
    return []


_NAMELESS = ("friend", "stranger", "lover", "sibling", "colleague", "neighbour", "neighbor", "sister", "brother")
_STRANGERS = (("Anna", "a woman called Anna"), ("Daniel", "a man called Daniel"))


def _default_guest(reading: Reading) -> Role:
    noun = _GUESTS.get(reading.genre, "")
    if not noun and reading.topic.kind == "question":
        noun = "scientist"
    if not noun:
        tags = find_tags(reading.topic.words)
        noun = next((noun for tag, noun in _EXPERTS if tag in tags), "expert")
    return Role("guest", noun.title(), indefinite(noun))
