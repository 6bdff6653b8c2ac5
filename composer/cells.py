"""Raw cells, as spreadsheets, language models and other programs write them, made into the table's values.

Every change of meaning is reported as a repair; a change of form ("Sound effect", "N/A", "-15 dB") is not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

from composer.faults import Fault

COLUMNS = (
    "row", "type", "layout", "id", "character", "volume", "action", "description",
    "duration", "start", "pan", "image", "source", "voice", "engine", "seed", "section", "note",
)  # fmt: skip

DEFAULT_VOLUME = {"speech": -15.0, "music": -30.0, "sound_effect": -25.0}

ALIASES = {
    "audio_type": "type", "audiotype": "type", "kind": "type",
    "content_description": "description", "content": "description", "text": "description", "desc": "description",
    "words": "description", "dialogue": "description", "dialog": "description",
    "vol": "volume", "loudness": "volume", "level": "volume",
    "len": "duration", "length": "duration", "seconds": "duration",
    "speaker": "character", "role": "character", "key": "row", "panning": "pan", "gap": "start",
    "chapter": "section", "notes": "note", "comment": "note", "comments": "note", "remarks": "note",
}  # fmt: skip
"""Headings of the talk's table and of other programs -> ours."""

MAX_HEADING = 100
MAX_EXTRA = 200
"""So many columns that are not ours a table may have."""

_EMPTY = {"", "n/a"}
_EMPTY_VALUE = _EMPTY | {"na", "none", "null", "nan", "-", "–", "—"}
"""In columns that hold numbers and choices these cannot be meant; in text they can ("None", a speaker sighs)."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_NUMBER = re.compile(r"[+-]?(\d{1,12}([.,]\d{1,40})?|[.,]\d{1,40})([eE][+-]?\d{1,3})?")
_UNIT = {
    "volume": r"\s*(db|dbfs|lufs|lkfs)?\s*",
    "duration": r"\s*(s|sec|secs|second|seconds)?\s*",
    "start": r"\s*(s|sec|secs|second|seconds)?\s*",
    "pan": r"\s*",
}
TEXT_COLUMNS = ("character", "description", "section", "note", "voice", "engine", "image", "source")
_CHOICES = {
    "type": {
        "speech": "speech", "dialogue": "speech", "narration": "speech", "voice": "speech",
        "music": "music",
        "sound_effect": "sound_effect", "sound_effects": "sound_effect", "soundeffect": "sound_effect",
        "sfx": "sound_effect", "effect": "sound_effect",
    },
    "layout": {"foreground": "foreground", "fg": "foreground", "background": "background", "bg": "background"},
    "action": {"begin": "begin", "start": "begin", "end": "end", "stop": "end"},
}  # fmt: skip


@lru_cache(maxsize=10_000)
def column_of(heading: str) -> str | None:
    """Our column that a heading means, whatever its case, its blanks and its unit; None for a column of others."""
    name = re.sub(r"[\s_-]+", "_", heading.strip("\ufeff\"'“”‘’ \t\r\n").casefold())
    for each in (name, re.sub(r"_?[(\[][^()\[\]]{0,20}[)\]]$", "", name)):
        column = ALIASES.get(each, each)
        if column in COLUMNS:
            return column
    return None


def read_cells(
    raw_rows: Sequence[Mapping[str, object]], faults: list[Fault], *, keep_extra: bool = True
) -> list[dict[str, object]]:
    """Each raw row as one value a column (None: empty), and under `extra` the cells of columns that are not ours.

    Appends what was wrong or repaired to `faults`; without `keep_extra`, a column that is not ours is wrong.
    """
    if keep_extra:
        _tell_misspelt(raw_rows, faults)
    renamed = [_rename(raw, faults, index, keep_extra) for index, raw in enumerate(raw_rows)]
    keys = _give_keys(renamed, faults)
    tidy = [_tidy(cells, key, faults) for cells, key in zip(renamed, keys, strict=True)]
    _complete(tidy, faults)
    return tidy


def _rename(raw: Mapping[str, object], faults: list[Fault], index: int, keep_extra: bool) -> dict[str, object]:
    place = f"#{index + 1}"
    cells: dict[str, object] = {}
    extra: dict[str, object] = {}
    for written, value in raw.items():
        heading = tidy_heading(str(written))
        column = column_of(heading)
        if column is not None and _is_empty(cells.get(column), column):
            cells[column] = value
        elif column is not None:
            if not _is_empty(value, column):
                faults.append(Fault(place, column, f"is given twice ({heading!r} means {column!r}); keep one"))
        elif not keep_extra:
            if not _is_empty(value, "note"):
                message = f"no such column; there are: {', '.join(COLUMNS)} (put remarks into note)"
                faults.append(Fault(place, str(written)[:60], message))
        elif value is not None and value != "":
            if not heading or len(heading) > MAX_HEADING or heading in extra:
                message = f"a column needs a heading of its own, of 1 to {MAX_HEADING} characters; rename it"
                faults.append(Fault(place, heading[:60], message))
            extra[heading] = value
    if len(extra) > MAX_EXTRA:
        faults.append(Fault(place, "", f"has {len(extra)} columns that are not ours, at most {MAX_EXTRA} are kept"))
    return {**cells, "extra": extra} if extra else cells


def tidy_heading(heading: str) -> str:
    """The heading of a column that is not ours as every format can write it: one trimmed line."""
    return re.sub(r"\s+", " ", tidy_text(heading))


def _tell_misspelt(raw_rows: Sequence[Mapping[str, object]], faults: list[Fault]) -> None:
    """A column that is not ours is kept and changes nothing; one that looks like ours is told."""
    strange = {tidy_heading(str(heading)) for heading in {heading for raw in raw_rows for heading in raw}}
    strange = {heading for heading in strange if column_of(heading) is None}
    for heading in sorted(strange):
        near = get_close_matches(heading.strip().casefold(), COLUMNS, n=1, cutoff=0.75)
        if near:
            message = f"is kept, but it is no column that we know and changes nothing; did you mean {near[0]!r}?"
            faults.append(Fault("", heading[:60], message, "warning"))


def _is_empty(value: object, column: str) -> bool:
    empty = _EMPTY if column in TEXT_COLUMNS else _EMPTY_VALUE
    return value is None or (isinstance(value, str) and value.strip().casefold() in empty)


def tidy_text(text: str) -> str:
    """Text as the table keeps it: line ends as \\n, no control characters, trimmed."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _give_keys(rows: Sequence[Mapping[str, object]], faults: list[Fault]) -> list[str]:
    """The keys as given; missing ones and the later of two equal ones get a new key after the highest."""
    given = ["" if _is_empty(row.get("row"), "row") else str(row["row"]).strip() for row in rows]
    highest = max((int(found.group(1)) for key in given if (found := re.fullmatch(r"r(\d{1,9})", key))), default=0)
    taken = {key for key in given if key}
    fresh_table = not taken
    seen: set[str] = set()
    keys = []
    for index, key in enumerate(given):
        if key and key not in seen and re.fullmatch(r"[A-Za-z0-9_-]{1,40}", key):
            seen.add(key)
            keys.append(key)
            continue
        highest += 1
        while f"r{highest:02d}" in taken:
            highest += 1
        new = f"r{highest:02d}"
        if key and key in seen:
            faults.append(Fault(new, "row", f"key {key!r} is used twice; line {index + 1} is now {new}", "repaired"))
        elif key:
            faults.append(
                Fault(new, "row", f"key {key[:60]!r} may hold letters, digits, - and _ only; now {new}", "repaired")
            )
        elif not fresh_table:
            faults.append(Fault(new, "row", f"line {index + 1} had no key; it is now {new}", "repaired"))
        seen.add(new)
        keys.append(new)
    return keys


def _tidy(raw: Mapping[str, object], key: str, faults: list[Fault]) -> dict[str, object]:
    cells: dict[str, object] = dict.fromkeys(COLUMNS)
    cells["row"] = key
    for column, value in raw.items():
        if column == "extra":
            cells["extra"] = _extra(value, key, faults)
        if column in ("row", "extra") or _is_empty(value, column):
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            faults.append(Fault(key, column, f"is {type(value).__name__}, not text or a number; write plain text"))
        elif column in _CHOICES:
            cells[column] = _choice(column, str(value))
        elif column in TEXT_COLUMNS:
            cells[column] = _text(column, str(value), key, faults)
        elif column in ("id", "seed"):
            cells[column] = _whole(column, value, key, faults)
        else:
            cells[column] = _number(column, value, key, faults)
    return cells


def _extra(raw: object, key: str, faults: list[Fault]) -> dict[str, str]:
    """Cells of columns that are not ours, as text; True and 2.5 as JSON writes them."""
    found: dict[str, str] = {}
    for heading, value in raw.items() if isinstance(raw, dict) else ():
        if isinstance(value, list | dict):
            message = f"is {type(value).__name__}, not text or a number; write plain text"
            faults.append(Fault(key, heading[:60], message))
            continue
        text = tidy_text(value if isinstance(value, str) else json.dumps(value, default=str))
        if text:
            found[heading] = text
    return found


def _choice(column: str, text: str) -> str:
    name = re.sub(r"[\s_-]+", "_", text.strip().casefold())
    return _CHOICES[column].get(name, text.strip())


def _text(column: str, text: str, key: str, faults: list[Fault]) -> str | None:
    if _CONTROL.search(text.replace("\r", "")):
        faults.append(Fault(key, column, "control characters were taken out", "repaired"))
    tidy = tidy_text(text)
    return None if _is_empty(tidy, column) else tidy


def _whole(column: str, value: str | int | float, key: str, faults: list[Fault]) -> int | None:
    text = str(value).strip()
    if re.fullmatch(r"[+-]?\d{1,20}", text):
        return int(text)
    if re.fullmatch(r"[+-]?\d{1,12}\.0{1,6}", text):  # a spreadsheet's idea of a whole number
        return int(text.split(".")[0])
    faults.append(Fault(key, column, f"{text[:60]!r} is not a whole number"))
    return None


def _number(column: str, value: str | int | float, key: str, faults: list[Fault]) -> float | str | None:
    """A number, without its unit; typographic minus signs and decimal commas are read."""
    if isinstance(value, int | float):
        if math.isfinite(value) and abs(value) < 1e15:
            return float(value) + 0.0  # -0.0 becomes 0.0, which every format can write
        faults.append(Fault(key, column, f"{value!r} is not a usable number"))
        return None
    text = value.strip().replace("\u2212", "-").replace("\u2013", "-").casefold()
    if column == "duration" and text == "auto":
        return "auto"
    if column == "volume" and text == "auto":
        return None
    found = re.fullmatch(f"({_NUMBER.pattern}){_UNIT[column]}", text)
    if found:
        number = float(found.group(1).replace(",", "."))
        if math.isfinite(number):
            return number + 0.0
    hint = {"duration": "seconds such as 2.5, or auto", "volume": "a number of dB from -60 to 0", "pan": "-1 to 1"}
    faults.append(
        Fault(key, column, f"{value[:60]!r} is not a number; give {hint.get(column, 'seconds such as +0.5')}")
    )
    return None


def _complete(rows: Sequence[dict[str, object]], faults: list[Fault]) -> None:
    """Fills what can only mean one thing: layouts, the speaker's name, the id of a background."""
    used = {(row["type"], row["id"]) for row in rows if row["id"] is not None}
    open_ids: dict[object, list[object]] = {}
    for row in rows:
        key, kind = str(row["row"]), row["type"]
        if row["layout"] is None:
            row["layout"] = "foreground" if kind == "speech" or row["action"] is None else "background"
        if kind == "speech" and row["character"] is None and row["layout"] == "foreground":
            row["character"] = "Narrator"
            faults.append(Fault(key, "character", "nobody was named; the line went to Narrator", "repaired"))
        if kind not in ("music", "sound_effect") or row["layout"] != "background":
            continue
        ids = open_ids.setdefault(kind, [])
        if row["action"] == "begin":
            if row["id"] is None:
                row["id"] = next(number for number in range(1, len(rows) + 2) if (kind, number) not in used)
                used.add((kind, row["id"]))
                faults.append(Fault(key, "id", f"background had no id; it is now {row['id']}", "repaired"))
            ids.append(row["id"])
        elif row["action"] == "end":
            if row["id"] is None and len(ids) == 1:
                row["id"] = ids[0]
                faults.append(
                    Fault(key, "id", f"end row had no id; it closes the one open background, {ids[0]}", "repaired")
                )
            if row["id"] in ids:
                ids.remove(row["id"])
