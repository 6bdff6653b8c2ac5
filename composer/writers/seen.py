"""Seen: what a picture shows, named by the bundled encoder, and the plan of a scene that lets it be heard.

The things it can name, with the words that find them and the sounds that they make, stand in
scripts_templates/seen.json. A confidence is the share of a softmax over all things of TEMPERATURE times the cosine: of
2,390 pictures that the encoder was not trained on, half are named rightly, and of those named with a confidence above
0.8 nine in ten are (drawings 0.59 of all, photographs 0.41).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from composer.brief import Brief, Plan
from composer.cells import DEFAULT_VOLUME
from composer.errors import StoryUnreadable
from composer.faults import Fault
from composer.pictures import picture_part
from composer.writers.prompt import add_sounds, plan_prompt
from composer.writers.prompt_asks import Asks
from composer.writers.prompt_filling import Rows, speech

if TYPE_CHECKING:
    from models.encoders import Encoder

TEMPERATURE = 14.0
LEAST, SURE = 0.2, 0.5
"""Below LEAST a thing is not taken to be there, below SURE it is said that it is a guess."""
MOST_THINGS = 3
BED_VOLUME = -30.0
NARRATOR = "Narrator"


class Thing(BaseModel):
    """One thing that pictures show and that can be heard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shown: str
    """As one would say it: "a dog"."""
    kind: Literal["bed", "event", "music"]
    sound: str
    words: tuple[str, ...] = Field(min_length=1)
    """What the picture is compared with, beside the name."""
    around: str = ""
    """The ambience that is likely where there is nothing else to be heard around it."""


@dataclass(frozen=True)
class Seen:
    """A thing and how sure it is that the picture shows it, 0 to 1."""

    thing: Thing
    confidence: float


@cache
def known_things() -> tuple[Thing, ...]:
    """Everything that can be named."""
    text = (resources.files("scripts_templates") / "seen.json").read_text("utf-8")
    return tuple(Thing.model_validate(each) for each in json.loads(text)["things"])


def things_seen(picture: Path, encode: Encoder | None = None) -> list[Seen]:
    """Every known thing with its confidence, surest first. Raises StoryUnreadable for what is no picture."""
    from models.encoders import encoder, unit
    from models.errors import PictureUnreadable

    picture_part(picture)  # the same refusals as a vision model's pictures have
    encode = encode or encoder("bundled")
    things = known_things()
    phrases = [phrase for thing in things for phrase in (thing.name, *thing.words)]
    owners = np.repeat(np.arange(len(things)), [1 + len(thing.words) for thing in things])
    said = unit(encode.texts(phrases))
    means = unit(np.stack([said[owners == place].mean(axis=0) for place in range(len(things))]))
    try:
        cosines = means @ unit(encode.pictures([picture]))[0]
    except PictureUnreadable as error:
        raise StoryUnreadable(str(error)) from error
    shares = np.exp(TEMPERATURE * (cosines - cosines.max()))
    shares /= shares.sum()
    return [Seen(things[place], float(shares[place])) for place in np.argsort(-shares, kind="stable")]


def plan_picture(brief: Brief, encode: Encoder | None = None) -> Plan:
    """A scene of what the brief's picture shows; with a prompt, the prompt's scene with the picture's sounds in it.

    Every sound row says in its note what was seen and how surely, and `repairs` warn of guesses. Raises
    StoryUnreadable for what is no picture, and, without a prompt, for a picture in which nothing is recognised.
    """
    assert brief.picture is not None
    seen = things_seen(brief.picture, encode)
    there = [each for each in seen[:MOST_THINGS] if each.confidence >= LEAST]
    name = brief.picture.name
    if brief.prompt.strip():
        planned = plan_prompt(brief.prompt, seed=brief.seed)
        sounds = tuple(each.thing.sound for each in there if each.thing.kind != "music")
        rows = noted(add_sounds(planned.rows, Asks(sounds=sounds)), there, name)
        told = warnings(there, seen, rows, name)
        return Plan(planned.title, rows, planned.about, planned.rooms, [*planned.repairs, *told])
    if not there:
        raise StoryUnreadable(
            f"{name}: nothing that sounds is recognised in it ({guesses(seen)}); say in a prompt beside it what "
            "should be heard, or let a model that sees plan it (--model)"
        )
    rows = noted(picture_rows(there, brief.seed), there, name)
    return Plan(
        f"A picture of {listed([each.thing.shown for each in there])}", rows, repairs=warnings(there, seen, rows, name)
    )


def picture_rows(there: Sequence[Seen], seed: int) -> Rows:
    """Ambience under all, a narrator who says what is to be heard, and then each event."""
    beds = [each.thing.sound for each in there if each.thing.kind == "bed"] or [there[0].thing.around]
    openings = ("Look at the picture, and listen:", "Close your eyes. This is", "Step into the picture. Here is")
    first = [each.thing for each in there if each.confidence >= SURE] or [there[0].thing]
    opening = openings[int(np.random.default_rng(seed).integers(len(openings)))]
    rows: Rows = [speech(NARRATOR, f"{opening} {listed([thing.shown for thing in first])}.")]
    for each in there:
        if each.thing.kind == "bed":
            continue
        if each.thing not in first:
            rows.append(speech(NARRATOR, f"And that could be {each.thing.shown}."))
        kind = "music" if each.thing.kind == "music" else "sound_effect"
        row: dict[str, object] = {"type": kind, "layout": "foreground", "volume": DEFAULT_VOLUME[kind] + 5.0}
        rows.append(row | {"description": each.thing.sound, "duration": 10.0 if kind == "music" else "auto"})
    if len(rows) == 1:
        rows.append(speech(NARRATOR, "Stay a while."))
    for number, sound in enumerate(dict.fromkeys(bed for bed in beds if bed), 1):
        bed = {"type": "sound_effect", "layout": "background", "id": number}
        rows = [bed | {"action": "begin", "volume": BED_VOLUME, "description": sound}, *rows, bed | {"action": "end"}]
    return rows


def noted(rows: Rows, there: Sequence[Seen], name: str) -> Rows:
    """The rows, with what was seen and how surely in the notes of those whose sounds come from the picture."""
    notes = {each.thing.sound: f"seen in {name}: {each.thing.name}, confidence {each.confidence:.2f}" for each in there}
    if there and there[0].thing.around:
        notes.setdefault(there[0].thing.around, f"around {there[0].thing.shown}, as {name} shows it")
    return [row | {"note": notes[str(row["description"])]} if row.get("description") in notes else row for row in rows]


def warnings(there: Sequence[Seen], seen: Sequence[Seen], rows: Rows, name: str) -> list[Fault]:
    """One for a picture that is only guessed at."""
    if there and there[0].confidence >= SURE:
        return []
    what = (
        f"is only guessed at ({guesses(seen)}); check the table" if there else f"shows nothing known ({guesses(seen)})"
    )
    return [Fault("", "picture", f"{name} {what}", "warning")]


def guesses(seen: Sequence[Seen]) -> str:
    """The likeliest things with their confidences."""
    return ", ".join(f"{each.thing.name} {each.confidence:.2f}" for each in seen[:MOST_THINGS])


def listed(names: Sequence[str]) -> str:
    """ "a dog", "a dog and rain", "a dog, rain and the sea"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
