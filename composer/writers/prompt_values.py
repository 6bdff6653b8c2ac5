"""Values: what the sheets may say of a reading, as plain words under short names."""

from __future__ import annotations

import re

import numpy as np

from composer.writers.prompt_nouns import indefinite
from composer.writers.prompt_reading import Reading
from composer.writers.prompt_roles import title_case
from composer.writers.prompt_sounds import site_of, style_of
from composer.writers.prompt_tags import find_tags
from composer.writers.prompt_topic import Topic


def values_of(
    reading: Reading, cast: dict[str, str], words: dict[str, str], rng: np.random.Generator
) -> dict[str, object]:
    """The values of a sheet. Everything a sheet names is here, empty where the prompt is silent."""
    topic = reading.topic
    tags = find_tags(f"{topic.words} {reading.theme} {reading.place}")
    site = site_of(reading, tags)
    return {
        "topic": topic,
        "is_done": topic.kind == "clause" and topic.doing != topic.noun and bool(re.match(r"[a-z]+ing\b", topic.doing)),
        "clause_then": clause_then(topic),
        "tags": tags,
        "org": reading.organisation,
        "outlet": reading.outlet or _outlet(reading, rng),
        "guest_words": _guest_words(words.get("guest", ""), cast.get("guest", "")),
        "title": reading.title,
        "place": reading.place,
        "time": reading.time,
        "weather": reading.weather,
        "mood": reading.mood,
        "theme": reading.theme,
        "light_speed": bool(re.search(r"(?i)light[- ]?speed|speed of light", reading.prompt)),
        "on_site": site[0],
        "site_words": site[1],
        "site_bed": site[2],
        "style": style_of(reading, tags),
    }


def clause_then(topic: Topic) -> str:
    """The clause as history will tell it: "humans sent a probe"."""
    return re.sub(r" (?:have|has) (?=\w+(?:ed|en|t|d|n|ng|nk|m|k|ne|ome|un)\b)", " had ", topic.clause, count=1)


def _guest_words(words: str, name: str) -> str:
    if not words:
        return ""
    if not name or title_case(words.split(" ", 1)[-1]) == name:
        return words
    return name if name == words else f"{name}, {words}"


def _outlet(reading: Reading, rng: np.random.Generator) -> str:
    place = re.search(r"\b(?:in|on|from) ((?:[A-Z][\w'’-]+)(?: [A-Z][\w'’-]+)?)", reading.prompt)
    near = f"{place.group(1)} " if place and reading.genre == "news" else ""
    return (
        f"{near}{('Evening News', 'News Tonight', 'World News')[int(rng.integers(3))]}" if near == "" else f"{near}News"
    )


__all__ = ["indefinite", "values_of"]
