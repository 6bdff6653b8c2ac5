"""Prompt: the offline writer's plan for a prompt: read it, cast it, fill the genre's sheet, add what was asked for."""

from __future__ import annotations

import re
import zlib

import numpy as np

from composer.brief import Plan
from composer.writers.prompt_asks import Asks
from composer.writers.prompt_casting import cast_of
from composer.writers.prompt_filling import Rows, fill_sheet, speech
from composer.writers.prompt_heroes import tale_of
from composer.writers.prompt_reading import Reading, read_prompt
from composer.writers.prompt_values import values_of

_STEADY = re.compile(
    r"(?i)\b(?:rain\w*|wind|storm|waves|sea|ocean|surf|crowds?|crickets|cicadas|birdsong|birds|traffic|river|stream|fire"
    r"|fireplace|campfire|crackling|chatter|static|hum|humming|snoring|buzzing|bees|rustling|engines?|chimes|ticking|pouring"
    r"|seagulls?|gulls|frogs)\b"
)


def plan_prompt(prompt: str, *, seed: int) -> Plan:
    """A scene for a prompt, by rules alone. The same prompt and seed give the same plan.

    Raises StoryUnreadable for a prompt that is empty or too long.
    """
    reading = read_prompt(prompt)
    start = (seed, zlib.crc32(reading.prompt.encode("utf-8", "replace")))
    rng = np.random.default_rng(start)
    tale = tale_of(reading, rng)
    cast, about, words = cast_of(reading, tale)
    values = values_of(reading, cast, words, tale, rng)
    lengths = [reading.asks.length] if reading.asks.seconds is None else [1, 2, 3, 4]
    tried = [
        fill_sheet(reading.genre, values, cast, length=length, rng=np.random.default_rng(start)) for length in lengths
    ]
    rows = min(tried, key=lambda rows: abs(seconds_of(rows) - (reading.asks.seconds or 0.0)))
    rows = add_lines(rows, reading.asks, cast)
    rows = add_sounds(rows, reading.asks)
    rows = add_music(rows, reading.asks)
    spoken = {str(row["character"]) for row in rows if row["type"] == "speech"}
    return Plan(reading.title, rows, {name: words for name, words in about.items() if name in spoken})


def seconds_of(rows: Rows) -> float:
    """About how long the rows last: 2.6 spoken words a second, and the foreground sounds."""
    words = sum(len(str(row["description"]).split()) for row in rows if row["type"] == "speech")
    sounds = [row.get("duration") for row in rows if row["type"] != "speech" and row["layout"] == "foreground"]
    return words / 2.6 + 0.35 * len(rows) + sum(float(str(length)) if length != "auto" else 2.0 for length in sounds)


def add_lines(rows: Rows, asks: Asks, cast: dict[str, str]) -> Rows:
    """Quoted lines of the prompt, word for word: they are the last but one thing that the chief voice says."""
    said = " ".join(str(row.get("description")) for row in rows)
    lines = [line for line in asks.lines if line not in said]
    places = [index for index, row in enumerate(rows) if row["type"] == "speech"]
    if not lines or not places:
        return rows
    speaker = cast.get("voice") or cast.get("hero") or cast.get("guest") or str(rows[places[-1]]["character"])
    if speaker not in {rows[index]["character"] for index in places}:
        speaker = str(rows[places[-1]]["character"])
    return [*rows[: places[-1]], *(speech(speaker, line) for line in lines), *rows[places[-1] :]]


def add_sounds(rows: Rows, asks: Asks) -> Rows:
    """Sounds that the prompt names: steady ones lie under the whole scene, events fall between the lines."""
    if asks.no_sounds:
        return [row for row in rows if row["type"] != "sound_effect"]
    there = {row.get("description") for row in rows}
    steady = [sound for sound in asks.sounds if _STEADY.search(sound) and sound not in there]
    events = [sound for sound in asks.sounds if sound not in steady and sound not in there]
    number = max((int(str(row["id"])) for row in rows if row.get("id")), default=0)
    for sound in steady:
        number += 1
        bed = {"type": "sound_effect", "layout": "background", "id": number}
        rows = [bed | {"action": "begin", "volume": -32.0, "description": sound}, *rows, bed | {"action": "end"}]
    places = [index for index, row in enumerate(rows) if row["type"] == "speech"]
    for index, sound in reversed(list(enumerate(events))):
        after = places[(index + 1) * len(places) // (len(events) + 1)] if places else len(rows) - 1
        effect = {
            "type": "sound_effect",
            "layout": "foreground",
            "volume": -25.0,
            "description": sound,
            "duration": "auto",
        }
        rows = [*rows[:after], effect, *rows[after:]]
    return rows


def add_music(rows: Rows, asks: Asks) -> Rows:
    """Music that the prompt names takes the place of the sheet's; none where none is wanted."""
    if asks.no_music:
        return [row for row in rows if row["type"] != "music"]
    if not asks.music:
        return rows
    words = f"{asks.music[:1].upper()}{asks.music[1:]}."
    changed = [
        row | {"description": words} if row["type"] == "music" and row.get("description") else row for row in rows
    ]
    if any(row["type"] == "music" for row in rows):
        return changed
    number = max((int(str(row["id"])) for row in rows if row.get("id")), default=0) + 1
    bed: dict[str, object] = {"type": "music", "layout": "background", "id": number}
    return [bed | {"action": "begin", "volume": -30.0, "description": words}, *rows, bed | {"action": "end"}]


__all__ = ["Reading", "plan_prompt"]
