"""Sheets: the templates of genres, read into lines and exchanges before any word of a prompt comes near them.

A sheet is a text file of lines `[condition] head: variant || variant`; an indented line goes on with the one above.

    # a remark
    music theme begin -30: Solemn brass. || Bright strings.     background music; `music theme end` closes it
    music 6 -22: A short fanfare.                               foreground music of 6 s
    ambience site begin -32: Rain on a roof.                    background sound; `ambience site end`
    effect 1 -25: Transition swoosh.                            foreground sound of 1 s (or auto)
    host: Good evening. || Welcome.                             the one in slot `host` speaks
    guest+: Good evening to you. || Thank you.                  the variant of the same number as above
    pool 1 3 5 9                                                at lengths 1 to 4, so many of its exchanges are used
    -- [condition]                                              an exchange begins
    reporter: Why now?
    guest: Because it was time.
    endpool

Words and conditions are Jinja2; what the prompt says reaches them as values only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

LineKind = Literal["speech", "music", "ambience", "effect"]


@dataclass(frozen=True)
class Line:
    kind: LineKind
    slot: str
    """Who speaks, or the name of the bed; empty for foreground sounds."""
    action: Literal["", "begin", "end"]
    duration_s: float | None
    volume: float | None
    variants: tuple[str, ...]
    condition: str = ""
    linked: bool = False
    """Written with a plus (`host+:`): takes the variant of the same number as the line above."""


@dataclass(frozen=True)
class Exchange:
    lines: tuple[Line, ...]
    condition: str = ""


@dataclass(frozen=True)
class Pool:
    counts: tuple[int, ...]
    exchanges: tuple[Exchange, ...]


_LINE = re.compile(
    r"(?:\[(?P<condition>[^\]]*(?:\[[^\]]*\][^\]]*)*)\]\s+)?"
    r"(?:(?P<bed>music|ambience) (?P<name>[a-z]\w*) (?:(?P<end>end)|begin (?P<bed_volume>-\d+):(?P<bed_words>.*))"
    r"|(?P<event>music|effect) (?P<duration>auto|[\d.]+) (?P<volume>-\d+):(?P<event_words>.*)"
    r"|(?P<slot>[a-z]\w*)(?P<linked>\+?):(?P<speech>.*))"
)


@cache
def read_sheet(genre: str) -> tuple[Line | Pool, ...]:
    """The sheet of a genre. Raises ValueError with the line where a sheet is wrong."""
    text = files("scripts_templates").joinpath("offline", f"{genre}.j2").read_text(encoding="utf-8")
    return parse_sheet(text, f"{genre}.j2")


def parse_sheet(text: str, name: str) -> tuple[Line | Pool, ...]:
    """A sheet's text as lines and pools."""
    parts: list[Line | Pool] = []
    pool: tuple[int, ...] = ()
    exchanges: list[tuple[str, list[Line]]] = []
    for number, line in _joined(text):
        if line.startswith("pool "):
            pool, exchanges = tuple(int(count) for count in line.split()[1:]), []
        elif line == "endpool":
            parts.append(Pool(pool, tuple(Exchange(tuple(lines), condition) for condition, lines in exchanges)))
            pool = ()
        elif pool and line.startswith("--"):
            exchanges.append((line[2:].strip()[1:-1], []))
        elif pool and exchanges:
            exchanges[-1][1].append(_line(line, f"{name}, line {number}"))
        else:
            parts.append(_line(line, f"{name}, line {number}"))
    return tuple(parts)


def _joined(text: str) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace() and lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        else:
            lines.append((number, line.strip()))
    return lines


def _line(text: str, place: str) -> Line:
    found = _LINE.fullmatch(text)
    if found is None:
        raise ValueError(f"{place}: cannot be read as a line of a sheet: {text[:80]!r}")
    condition = found["condition"] or ""
    if found["slot"]:
        return Line(
            "speech", found["slot"], "", None, None, _variants(found["speech"]), condition, bool(found["linked"])
        )
    if found["event"]:
        kind: LineKind = "music" if found["event"] == "music" else "effect"
        duration_s = None if found["duration"] == "auto" else float(found["duration"])
        return Line(kind, "", "", duration_s, float(found["volume"]), _variants(found["event_words"]), condition)
    kind = "music" if found["bed"] == "music" else "ambience"
    if found["end"]:
        return Line(kind, found["name"], "end", None, None, (), condition)
    return Line(
        kind, found["name"], "begin", None, float(found["bed_volume"]), _variants(found["bed_words"]), condition
    )


def _variants(words: str) -> tuple[str, ...]:
    return tuple(variant.strip() for variant in words.split("||"))
