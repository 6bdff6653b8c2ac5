"""What a planner is asked for (Brief) and what it gives (Plan)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from composer.faults import Fault
from composer.settings import Room


@dataclass(frozen=True)
class Brief:
    """Exactly one of prompt, story and screenplay holds text, or a picture alone is given."""

    prompt: str = ""
    story: str = ""
    screenplay: str = ""
    """In Fountain: it is laid out by rules, whoever else might write."""
    picture: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class Plan:
    """A planned scene: raw rows for composer.script.read_rows, in order, keyed by the table's column names."""

    title: str
    rows: list[dict[str, object]]
    about: Mapping[str, str] = field(default_factory=dict)
    """Character -> what the writer knows of them ("chief engineer, calm, in her fifties"), for casting."""
    rooms: Mapping[str, Room] = field(default_factory=dict)
    """Section -> the room it is in."""
    repairs: list[Fault] = field(default_factory=list)
    """What was mended in a model's answer on the way to these rows."""
