"""Sounds for training: the clips of a CSV table in memory as 16-bit samples, by concept, split by recording.

Conventions: 16 kHz mono; a table has the columns file, set, concept, text, fold, licence, author, link.
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.clip import read_clip, resample, with_channels
from models.errors import ModelError

SAMPLE_RATE = 16_000
HOP = 1_600
"""Samples of one step, 0.1 s, of the activity curve."""
ACTIVE_DB = -30.0
"""A step counts as sounding when it is no further below the clip's loudest step."""
SHORTEST_S = 2.0
"""Levels are measured as if a clip lasted at least this long, so that a knock is not blown up."""


class DataUnusable(ModelError):
    """Training data that cannot be used: a broken sound, a missing column, a concept without queries."""


@dataclass(frozen=True)
class Sound:
    """One clip with what its table says of it."""

    samples: NDArray[np.int16]
    name: str
    collection: str
    concept: str
    text: str
    fold: str
    credits: tuple[str, str, str]
    """Licence, author, link."""
    rms: float
    active: NDArray[np.int32]
    """The steps of 0.1 s that sound."""


class SoundsConfig(BaseModel):
    """Which clips of a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    """CSV path; the files in it are relative to its folder."""
    more_tables: list[str] = Field(default_factory=list)
    """Further tables of the same columns."""
    collections: list[str]
    folds: list[str] = Field(default_factory=list)
    """Of collections that have folds, only these; empty for all."""
    concepts: str = ""
    """CSV path (text, concept) that names the concept of clips whose concept column is empty; "" leaves them out."""
    unnamed: bool = False
    """Clips without a concept too, under their text: for training that needs no queries."""
    held_out_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Of collections without folds, this share of the texts is left out, chosen by a hash of the text."""
    held_out_collections: list[str] = Field(default_factory=list)
    """Of these collections only; empty for all."""


def read_sounds(config: SoundsConfig, base: Path, *, held_out: bool = False) -> list[Sound]:
    """The clips that the config asks for, in the table's order; paths are relative to `base`.

    With `held_out`, those of its collections that it leaves to be tested on instead.
    Raises DataUnusable for a missing table, column or file and for sound that cannot be read: never a silent example.
    """
    rows = chosen_rows(config, base, held_out=held_out)
    return [read_sound(folder / row["file"], row, row["concept"]) for folder, row in rows]


def chosen_rows(config: SoundsConfig, base: Path, *, held_out: bool = False) -> list[tuple[Path, dict[str, str]]]:
    """As read_sounds, without the sound: the folder that each row's file is relative to, and the row with its concept.

    Raises DataUnusable for a missing table or column, and when there is no such row.
    """
    named = read_concepts(base / config.concepts) if config.concepts else {}
    columns = ("file", "set", "concept", "text", "fold", "licence", "author", "link")
    tables = [base / name for name in (config.table, *config.more_tables)]
    chosen = []
    for folder, row in ((path.parent, row) for path in tables for row in _rows(path, columns)):
        concept = row["concept"] or named.get(row["text"], "") or (row["text"] if config.unnamed else "")
        if row["set"] in config.collections and concept and _is_held_out(row, config) == held_out:
            chosen.append((folder, row | {"concept": concept}))
    if not chosen:
        left = " that is held out" if held_out else ""
        raise DataUnusable(f"{tables[0]}: no clip{left} is of {', '.join(config.collections)} and has a concept")
    return chosen


def _is_held_out(row: dict[str, str], config: SoundsConfig) -> bool:
    if row["fold"]:
        return bool(config.folds) and row["fold"] not in config.folds
    if config.held_out_collections and row["set"] not in config.held_out_collections:
        return False
    return hash_share(row["text"]) < config.held_out_share


def read_concepts(path: Path) -> dict[str, str]:
    """text -> concept."""
    return {row["text"]: row["concept"] for row in _rows(path, ("text", "concept"))}


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except OSError as error:
        raise DataUnusable(f"{path}: cannot be read: {error.strerror}") from error
    missing = [column for column in columns if column not in (reader.fieldnames or [])]
    if missing:
        raise DataUnusable(f"{path}: has no column {', '.join(missing)}; it has {', '.join(reader.fieldnames or [])}")
    return rows


def hash_share(text: str) -> float:
    """A number from 0 to 1 that is always the same for a text."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big") / 2**64


def read_sound(path: Path, row: dict[str, str], concept: str) -> Sound:
    """One file as a Sound. Raises DataUnusable for what cannot be read or is silent throughout."""
    credits = (row.get("licence", ""), row.get("author", ""), row.get("link", ""))
    if path.suffix == ".int16":
        samples = _stretch(path, row)
        return replace(
            sound_of(samples, concept, name=concept), collection=row["set"], text=row["text"], credits=credits
        )
    try:
        clip = resample(with_channels(read_clip(path), 1), SAMPLE_RATE)
    except (ModelError, OSError) as error:
        raise DataUnusable(f"{path}: cannot be used for training: {error}") from error
    samples = np.round(np.clip(clip.samples[0], -1.0, 1.0) * 32767.0).astype(np.int16)
    sound = sound_of(samples, concept, name=row.get("file", path.name))
    return replace(sound, collection=row.get("set", ""), text=row.get("text", ""), fold=row["fold"], credits=credits)


def _stretch(path: Path, row: dict[str, str]) -> NDArray[np.int16]:
    """A video's sound in the one file of all videos (training/videos.py): mapped, not read into memory."""
    try:
        begin, n_samples = int(row["begin"]), int(row["n_samples"])
        return _mapped(path)[begin : begin + n_samples]
    except (OSError, KeyError, ValueError) as error:
        raise DataUnusable(f"{path}: cannot be used for training: {error}") from error


@cache
def _mapped(path: Path) -> NDArray[np.int16]:
    return np.memmap(path, dtype="<i2", mode="r")


def sound_of(samples: NDArray[np.int16], concept: str, *, name: str) -> Sound:
    """A Sound of samples, with its level and where it sounds. Raises DataUnusable when it is silent throughout."""
    energy = np.square(samples.astype(np.float64) / 32767.0)
    if not energy.any():
        raise DataUnusable(f"{name}: is silent throughout")
    steps = np.add.reduceat(energy, np.arange(0, len(energy), HOP))
    active = np.flatnonzero(steps > steps.max() * 10.0 ** (ACTIVE_DB / 10.0)).astype(np.int32)
    rms = float(np.sqrt(energy.sum() / max(len(energy), SHORTEST_S * SAMPLE_RATE)))
    return Sound(samples, name, "", concept, "", "", ("", "", ""), rms, active)


def by_concept(sounds: Iterable[Sound]) -> dict[tuple[str, str], list[int]]:
    """(collection, concept) -> places in the list, both in the order of the table."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, sound in enumerate(sounds):
        places[sound.collection, sound.concept].append(place)
    return dict(places)


def write_credits(sounds: Iterable[Sound], path: Path) -> None:
    """Author, licence and link of every clip, for the folder of the weights that learned from them."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "licence", "author", "link"))
        writer.writerows((sound.name, *sound.credits) for sound in sounds)
