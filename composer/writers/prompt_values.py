"""Values: what the sheets may say of a reading, as plain words under short names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from composer.writers.prompt_nouns import indefinite, lower_common_start
from composer.writers.prompt_reading import Reading
from composer.writers.prompt_roles import title_case
from composer.writers.prompt_sounds import bed_of, music_of, site_of, style_of
from composer.writers.prompt_tags import find_tags
from composer.writers.prompt_topic import Topic


def values_of(
    reading: Reading,
    cast: Mapping[str, str],
    words: Mapping[str, str],
    tale: Mapping[str, object],
    rng: np.random.Generator,
) -> dict[str, object]:
    """The values of a sheet. Everything a sheet names is here, empty where the prompt is silent."""
    topic = reading.topic
    tags = find_tags(f"{topic.words} {reading.theme} {reading.place}")
    site = site_of(reading, tags)
    return {
        "topic": topic,
        "is_done": _is_done(topic),
        "tags": tags,
        "org": reading.organisation,
        "outlet": reading.outlet or _outlet(reading, rng),
        "guest_words": _guest_words(words.get("guest", ""), cast.get("guest", "")),
        "title": reading.title,
        "title_spoken": reading.title.rstrip(" .!?…"),
        "thing_bare": re.sub(r"^(?:the|an?) ", "", topic.thing),
        "has_topic": reading.topic.words.casefold() not in _NO_TOPIC,
        "asked": topic.asked,
        "doer": "disaster" not in tags
        and (bool(reading.organisation.words) or any(role.slot == "guest" for role in reading.roles))
        and _is_done(topic),
        "town": reading.topic.words.removeprefix("the weather in ")
        if reading.topic.words.startswith("the weather")
        else "",
        "for_people": bool(
            re.search(r"(?i)(?:people|students|parents|beginners|kids|children|workers|ers)$", topic.words)
        ),
        "grave": "disaster" in tags,
        "historical": "history" in tags,
        "habit": _habit(topic),
        "product": _product(topic),
        "it_product": "them" if topic.noun_plural else "one" if re.match(r"an? ", topic.noun) else "it",
        "claim": _CLAIMS[int(rng.integers(len(_CLAIMS)))],
        "hook_sound": _hook(tags),
        "small_sound": SMALL[int(rng.integers(len(SMALL)))],
        "lines": reading.asks.lines,
        "sounds": reading.asks.sounds,
        "named_title": reading.named and reading.topic.words.casefold() == reading.title.casefold(),
        "place_small": bool(re.match(r"(?:in|at|on|aboard|inside|under|beneath|beside) (?:a|an|the)\b", reading.place)),
        "outlet_given": bool(reading.outlet),
        "weather_noun": {
            "rainy": "rain",
            "raining": "rain",
            "stormy": "storm",
            "snowy": "snow",
            "foggy": "fog",
            "windy": "wind",
            "sunny": "heat",
        }.get(reading.weather, reading.weather),
        "outside": "outside",
        "detective_title": _titled(cast.get("detective", "")),
        "place": reading.place,
        "place_name": re.sub(r"^(?:in|on|at|aboard|inside|under|beneath|by|near|through|beside) ", "", reading.place),
        "time": reading.time,
        "weather": reading.weather,
        "mood": reading.mood,
        "theme": reading.theme,
        "light_speed": bool(re.search(r"(?i)light[- ]?speed|speed of light", reading.prompt)),
        "on_site": site[0],
        "site_words": site[1],
        "site_bed": site[2],
        "style": style_of(reading, tags),
        "bed": next((sound for sound in reading.asks.sounds if _AMBIENT.search(sound)), "") or bed_of(reading),
        "music": music_of(reading),
        **tale,
    }


_AMBIENT = re.compile(
    r"(?i)\b(?:rain|waves|ocean|sea|wind|forest|birdsong|crickets|river|stream|traffic|fireplace|storm)\b"
)


def _titled(name: str) -> str:
    """How one asks for somebody: "Detective Vera Moon", but "the detective"."""
    return name if " " in name else f"the {name.lower()}"


_NO_TOPIC = frozenset("meditation relaxation nature walk story horror trailer weather breathing".split())
_CLAIMS = ("Made for people with better things to do.", "Small thing. Big grin.", "You will wonder how you "
    "managed without.",
           "Life is short. Start here.")  # fmt: skip
SMALL = ("Soft footsteps.", "A door opens.", "A soft gust of wind.", "A floorboard creaks.")
HOOKS = {
    "food": "Sizzling in a pan.",
    "animal": "A dog barks.",
    "tech": "Notification ding.",
    "sea": "A wave breaks on the beach.",
    "city": "A bicycle bell rings.",
    "arts": "Vinyl record crackle and hiss.",
}
OTHER_HOOK = "A shop bell rings."


def _hook(tags: frozenset[str]) -> str:
    return next((sound for tag, sound in HOOKS.items() if tag in tags), OTHER_HOOK)


def _is_done(topic: Topic) -> bool:
    """Whether somebody did it: "sending a probe"."""
    return topic.kind == "clause" and topic.doing != topic.noun and bool(re.match(r"[a-z]+ing\b", topic.doing))


def _habit(topic: Topic) -> str:
    """A clause in the present, as given: "my cat dreams of the moon"."""
    return lower_common_start(topic.words.rstrip(".!? ")) if topic.kind == "clause" else topic.clause


def _product(topic: Topic) -> str:
    """What an advertisement is for, as one names a product."""
    return re.sub(r"^an? ", "the ", topic.noun) if topic.kind in ("noun", "clause") else topic.noun


def _guest_words(words: str, name: str) -> str:
    if not words:
        return ""
    if not name or title_case(words.split(" ", 1)[-1]) == name:
        return words
    return name if name == words else f"{name}, {words}"


_PROGRAMMES = {
    "news": ("the Evening News", "the World Tonight", "the News at Nine"),
    "podcast": ("Open Questions", "the Long Answer", "Ask Me Slowly", "Between Two Microphones"),
    "weather": ("the Morning Weather",),
}


def _outlet(reading: Reading, rng: np.random.Generator) -> str:
    """A name for the programme where the prompt gives none; news take the town's name."""
    names = _PROGRAMMES.get(reading.genre, ("the Evening News",))
    chosen = names[int(rng.integers(len(names)))]
    town = re.search(r"\b(?:in|from) ([A-Z][a-z]+)\b", reading.topic.words)
    return f"{town.group(1)} News" if town and reading.genre == "news" else chosen


__all__ = ["indefinite", "values_of"]
