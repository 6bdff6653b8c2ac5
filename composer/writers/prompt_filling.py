"""Filling: a sheet and a reading become the rows of a table.

Templates are ours and run in a sandbox; every word of the prompt is a value in them, never a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from composer.cells import DEFAULT_VOLUME
from composer.writers.prompt_nouns import indefinite
from composer.writers.prompt_sheets import Exchange, Line, Pool, parse_sheet, read_sheet

Rows = list[dict[str, object]]


def cap(text: object) -> str:
    """The text with a capital first letter."""
    words = str(text)
    return words[:1].upper() + words[1:]


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.filters["cap"] = cap
    environment.filters["the"] = lambda words: re.sub(r"^(?:an?|some) ", "the ", str(words))
    environment.filters["a"] = lambda words: indefinite(str(words))
    return environment


@cache
def _template(words: str) -> Any:
    return _environment().from_string(words)


@cache
def _condition(words: str) -> Any:
    return _environment().compile_expression(words, undefined_to_none=False)


def render_words(words: str, values: Mapping[str, object]) -> str:
    """One variant of a line with the values in it."""
    return tidy_sentence(_template(words).render(**values))


def fill_sheet(
    genre: str, values: Mapping[str, object], cast: Mapping[str, str], *, length: int, rng: np.random.Generator
) -> Rows:
    """The rows of a genre's sheet. `cast` maps each slot to its character; slots without one stay silent.

    Slots `guest`, `guest2`... share the exchanges of a pool in turn.
    """
    return fill_parts(read_sheet(genre), values, cast, length=length, rng=rng)


def fill_parts(
    parts: Sequence[Line | Pool],
    values: Mapping[str, object],
    cast: Mapping[str, str],
    *,
    length: int,
    rng: np.random.Generator,
) -> Rows:
    """The rows of a sheet that was read."""
    values = {**values, "cast": cast, "length": length}
    beds: dict[str, int] = {}
    rows: Rows = []
    guests = [slot for slot in cast if re.fullmatch(r"guest\d*", slot)]
    for part in parts:
        if isinstance(part, Line):
            rows += _row(part, values, cast, beds, rng)
            continue
        for index, exchange in enumerate(_choose(part, values, length, rng)):
            turn = dict(cast)
            if len(guests) > 1:
                turn["guest"] = cast[guests[index % len(guests)]]
            for line in exchange.lines:
                rows += _row(line, values | {"cast": turn, "turn": index}, turn, beds, rng)
    return rows


def _choose(pool: Pool, values: Mapping[str, object], length: int, rng: np.random.Generator) -> list[Exchange]:
    """As many exchanges as the length asks for, in the order of the sheet; those with a condition come first."""
    usable = [index for index, exchange in enumerate(pool.exchanges) if _holds(exchange.condition, values)]
    n_wanted = min(pool.counts[min(length, len(pool.counts)) - 1], len(usable))
    order = [int(index) for index in rng.permutation(usable)] if usable else []
    order.sort(key=lambda index: ("tags" not in pool.exchanges[index].condition, not pool.exchanges[index].condition))
    return [pool.exchanges[index] for index in sorted(order[:n_wanted])]


def _holds(condition: str, values: Mapping[str, object]) -> bool:
    return not condition or bool(_condition(condition)(**values))


def _row(
    line: Line, values: Mapping[str, object], cast: Mapping[str, str], beds: dict[str, int], rng: np.random.Generator
) -> Rows:
    choice = int(rng.integers(len(line.variants))) if line.variants else 0
    if line.linked:
        choice = beds.get("variant", 0) % len(line.variants)
    if not _holds(line.condition, values) or (line.kind == "speech" and line.slot not in cast):
        return []
    words = render_words(line.variants[choice], values) if line.variants else ""
    kind = "sound_effect" if line.kind in ("ambience", "effect") else line.kind
    if line.kind == "speech":
        beds["variant"] = choice
        return [speech(cast[line.slot], words)] if words else []
    row: dict[str, object] = {"type": kind, "layout": "background" if line.action else "foreground"}
    if line.action == "begin":
        beds[f"{kind} {line.slot}"] = beds.get("last", 0) + 1
        beds["last"] = beds[f"{kind} {line.slot}"]
    if line.action:
        if f"{kind} {line.slot}" not in beds:
            return []
        row |= {"id": beds[f"{kind} {line.slot}"], "action": line.action}
    if line.action == "end":
        return [row]
    row |= {"volume": line.volume, "description": words}
    if line.action == "":
        row["duration"] = "auto" if line.duration_s is None else line.duration_s
    return [row]


def speech(character: str, words: str) -> dict[str, object]:
    """A spoken row."""
    return {
        "type": "speech", "layout": "foreground", "character": character, "volume": DEFAULT_VOLUME["speech"],
        "description": words, "duration": "auto",
    }  # fmt: skip


def tidy_sentence(text: str) -> str:
    """Blanks that a template leaves between its parts, closed up."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" ([,.;!?])(?=\s|$)", r"\1", text)
    return re.sub(r"(?<=[a-z]{2})([.!?])\.(?=\s|$)", r"\1", text)


__all__ = ["Rows", "cap", "fill_parts", "fill_sheet", "parse_sheet", "render_words", "speech", "tidy_sentence"]
