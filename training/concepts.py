"""The sounding things that pictures show and words ask for, with the sentences that the text tower learns from."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

UNSEEN_WORDS = {
    "puppy": "dog",
    "hound": "dog",
    "thunderstorm": "thunder",
    "tempest": "thunder",
    "infant": "baby",
    "newborn": "baby",
    "toddler": "baby",
    "downpour": "rain",
    "drizzle": "rain",
    "surf": "sea waves",
    "cockerel": "rooster",
    "blaze": "fire",
    "inferno": "fire",
    "chopper": "helicopter",
    "rotorcraft": "helicopter",
    "timepiece": "clock",
    "cuckoo clock": "clock",
    "gale": "wind",
    "yacht": "boat",
    "sparrow": "bird",
    "metropolis": "city",
    "lumberjack": "chainsaw",
    "hay fever": "sneeze",
}
"""Words, and the concept each means, that stand in no training sentence: asked at the end, as words never met."""

PLAIN_TEMPLATES = ("{}", "a {}", "a photo of a {}.", "a picture of a {}", "a drawing of a {}", "an icon of a {}.")
SOUND_TEMPLATES = (
    "the sound of a {}",
    "{} sound effect",
    "{} noise",
    "we hear a {}",
    "sound of {}",
    "{} in the background",
)
PROMPTS = (
    "{}",
    "a photo of {}.",
    "a photo of the small {}.",
    "a low resolution photo of a {}.",
    "a photo of many {}.",
)
"""The prompts that CLIPSep averages at test time (its published five)."""


@dataclass(frozen=True)
class Concept:
    """A thing that sounds: plain names of emoji and icons, labels of photographs, and what people say."""

    name: str
    pictures: frozenset[str]
    photos: frozenset[str]
    says: tuple[str, ...]


@cache
def sound_concepts() -> list[Concept]:
    """Every sounding thing, in the table's order: where two claim a picture, the earlier one has it."""
    table = tomllib.loads((Path(__file__).parent / "sound_concepts.toml").read_text("utf-8"))
    return [
        Concept(
            name=name,
            pictures=frozenset(re.sub(r"[^a-z0-9]", "", part) for part in row["pictures"].split(",")),
            photos=frozenset(part.strip() for part in row["photos"].split(",") if part.strip()),
            says=tuple(row["says"]),
        )
        for name, row in table.items()
    ]


def has_unseen_word(text: str) -> bool:
    """Whether a text holds one of UNSEEN_WORDS, as a whole word or its plural."""
    return bool(_UNSEEN.search(text.lower()))


def texts_of(name: str, says: tuple[str, ...] = ()) -> list[str]:
    """What one may write for a thing of that name: its sentences first, then the name in every template."""
    templates = PLAIN_TEMPLATES + (SOUND_TEMPLATES if says else ())
    texts = [*says, *(template.format(name) for template in templates)]
    return [text for text in dict.fromkeys(texts) if not has_unseen_word(text)]


_UNSEEN = re.compile(r"\b(" + "|".join(re.escape(word) for word in UNSEEN_WORDS) + r")(s|es|ies)?\b|\bpuppies\b")
