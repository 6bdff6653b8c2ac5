"""Sounds of a prompt: where it is set, how that sounds, and which music goes with its theme and mood."""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer.writers.prompt_reading import Reading


@dataclass(frozen=True)
class Style:
    news_music: str
    news_close: str
    space: bool


_SITES = (
    # what the prompt says -> where the reporter stands, its short name, how it sounds
    (r"engineer|probe|rocket|laborator|\blab\b|scientist|robot|spacecraft|satellite|reactor",
     "at the headquarters", "headquarters", "Background noise of busy engineering office."),
    (r"flood|tsunami|river", "at the water's edge", "the water's edge", "Rushing water, rain and distant sirens."),
    (r"fire|volcano|erupt|explosion", "behind the fire line", "the fire line", "Crackling fire and distant sirens."),
    (r"storm|hurricane|tornado|blizzard", "out in the wind", "the middle of the storm", "Howling wind and heavy rain."),
    (r"match|game|cup|championship|olympic|marathon|team|player", "at the stadium", "the stadium", "Stadium crowd murmuring and cheering."),
    (r"sea|ocean|whale|ship|beach|harbou?r|island|fish|shark", "at the harbour", "the harbour", "Waves against a pier and seagulls."),
    (r"bakery|bread|restaurant|chef|cook|coffee|food|pizza|chocolate", "in the kitchen", "the kitchen", "Busy kitchen with dishes and voices."),
    (r"zoo|animal|elephant|penguin|panda|lion", "at the zoo", "the zoo", "Zoo with birds, animals and visitors."),
    (r"forest|bear|wolf|wolves|tree|owl|deer|park", "at the edge of the forest", "the edge of the forest", "Forest with birdsong and wind in leaves."),
    (r"court|trial|judge|election|president|minister|parliament|council|mayor|law", "outside the town hall", "the town hall",
     "Crowd of people murmuring outside, camera shutters."),
    (r"school|teacher|student|university", "in the schoolyard", "the schoolyard", "Schoolyard with children playing."),
    (r"market|shop|bank|prices|stock", "on the trading floor", "the trading floor", "Busy hall with many voices and ringing telephones."),
    (r"museum|painting|art|concert|orchestra|theatre|opera", "in the foyer", "the foyer", "Large hall with footsteps and low voices."),
)  # fmt: skip


def site_of(reading: Reading, tags: frozenset[str]) -> tuple[str, str, str]:
    """Where a reporter stands: "at the headquarters", "headquarters", and the bed of that place."""
    roles = " ".join(role.words for role in reading.roles)
    for text in (roles, reading.topic.words):
        for pattern, where, name, bed in _SITES:
            if re.search(rf"(?i)\b(?:{pattern})", text):
                return where, name, bed
    return "in the middle of town", "the middle of town", "Busy city street with traffic and people."


def style_of(reading: Reading, tags: frozenset[str]) -> Style:
    """The music of the theme."""
    space = reading.theme == "science fiction" or "space" in tags
    colour = "with futuristic synthesizers" if space else "with brass and strings"
    return Style(
        news_music=f"Dramatic orchestral news theme {colour}.",
        news_close=f"Dramatic orchestral news theme {colour}, closing.",
        space=space,
    )
