"""What models really answer, made into values: JSON out of fences and prose, outlines and rows out of JSON."""

from __future__ import annotations

import json
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from composer.cells import ALIASES, tidy_text
from composer.faults import Fault
from composer.script import read_rows, row_cells

_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.S | re.I)
MAX_OPENINGS = 50
"""A reply with more brackets than this that open nothing is no answer."""
MAX_CAST = 60


class CastMember(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    about: str


class Outline(BaseModel):
    """The first answer: what the scene is and who is in it."""

    model_config = ConfigDict(extra="forbid")
    title: str
    setting: str
    mood: str
    cast: list[CastMember]
    beats: list[str]


class WrittenRow(BaseModel):
    """One row as a model is asked for it; what it means is checked by composer.script alone."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["speech", "music", "sound_effect"]
    layout: Literal["foreground", "background"]
    id: int | None
    character: str | None
    volume: float | None
    action: Literal["begin", "end"] | None
    description: str | None
    duration: float | None
    start: float | None
    pan: float | None


class WrittenRows(BaseModel):
    """The second answer: the table."""

    model_config = ConfigDict(extra="forbid")
    rows: list[WrittenRow]


class AnswerUnusable(ValueError):
    """An answer that cannot be used; `faults` says why, one line each, for the model to mend."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


def json_in(text: str) -> object:
    """The largest JSON object or array in a reply. Raises AnswerUnusable saying what is wrong with it."""
    said = _THOUGHTS.sub("", text).strip()
    for each in (text, said):
        try:
            return json.loads(each)
        except (ValueError, RecursionError) as error:
            whole = str(error)
    if not said:
        raise AnswerUnusable("the answer is empty")
    decoder = json.JSONDecoder()
    best: tuple[int, object] = (0, None)
    position = 0
    for _ in range(MAX_OPENINGS):
        found = re.compile(r"[{\[]").search(said, position)
        if found is None:
            break
        try:
            value, end = decoder.raw_decode(said, found.start())
        except (ValueError, RecursionError):
            position = found.start() + 1
            continue
        if end - found.start() > best[0]:
            best = end - found.start(), value
        position = end
    if best[0] < 2 or best[0] < len(said) / 4:
        raise AnswerUnusable(f"the answer is not JSON ({whole}); it begins {said[:60]!r}")
    return best[1]


def rows_in(value: object) -> list[dict[str, object]]:
    """The rows of an answer: under "rows", bare, or under whatever key holds a list of objects."""
    if isinstance(value, dict):
        if "type" in value and "rows" not in value:
            return [value]
        lists = [value.get("rows"), *value.values()]
        value = next((each for each in lists if isinstance(each, list)), None)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise AnswerUnusable('the answer holds no list of rows; answer {"rows": [...]}')
    return value


def read_outline(value: object) -> Outline:
    """The outline in an answer, tidied; schema-ignoring models may leave out setting, mood and beats."""
    if isinstance(value, dict) and "title" not in value:  # {"outline": {...}}
        value = next((each for each in value.values() if isinstance(each, dict) and "title" in each), value)
    if not isinstance(value, dict):
        raise AnswerUnusable("the outline must be a JSON object with title, setting, mood, cast and beats")
    known: dict[str, object] = {"beats": [], "setting": "", "mood": ""}
    known |= {name: _plain(value[name]) for name in Outline.model_fields if value.get(name) is not None}
    if isinstance(known.get("cast"), list):
        known["cast"] = [_cast_member(member) for member in value["cast"]]
    elif isinstance(value.get("cast"), dict):  # {"Anna": "a girl"}
        known["cast"] = [{"name": _plain(name), "about": _plain(about)} for name, about in value["cast"].items()]
    try:
        outline = Outline.model_validate(known)
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
        raise AnswerUnusable(*lines) from error
    if not outline.cast:
        raise AnswerUnusable("cast: nobody speaks; name at least a Narrator")
    if len(outline.cast) > MAX_CAST:
        raise AnswerUnusable(f"cast: has {len(outline.cast)} members, at most {MAX_CAST} are read; keep who speaks")
    return outline


def _cast_member(member: object) -> object:
    """A member as the schema has it; models that ignore it give plain names or other keys."""
    if isinstance(member, str):
        return {"name": _plain(member), "about": ""}
    if isinstance(member, dict) and "name" in member:
        rest = [str(_plain(value)) for key, value in member.items() if key != "name" and value]
        return {"name": _plain(member["name"]), "about": "; ".join(rest)[:500]}
    return member


def _plain(value: object) -> object:
    """Text as the table can keep it; lists of texts where one text is asked for stay lists."""
    if isinstance(value, str):
        return tidy_text(value)[:2_000]
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, int | float):
        return str(value)
    return value


def read_written_rows(value: object) -> tuple[list[dict[str, object]], list[Fault]]:
    """The rows in an answer, valid and with every background closed, and what was repaired in them.

    What can only be mended in one way is mended, since no model needs asking for that: cells that cannot be used are
    emptied where an empty cell has a meaning, and backgrounds are paired. Every other fault raises AnswerUnusable
    with its row and column.
    """
    rows = [{str(key): cell for key, cell in row.items() if key != "row"} for row in rows_in(value)]
    repairs = _without_inventions(rows)
    while True:
        script, faults = read_rows(rows, keep_extra=False)
        errors = [fault for fault in faults if fault.severity == "error"]
        if script is not None:
            break
        mended = [repair for fault in reversed(errors) if (repair := _mended(rows, fault)) is not None]
        if not mended:
            raise AnswerUnusable(*(str(fault) for fault in errors))
        repairs += reversed(mended)
    if not any(row.type == "speech" for row in script.rows):
        raise AnswerUnusable("there is no speech row; somebody must speak")
    kept = [{column: cell for column, cell in row_cells(row).items() if column != "row"} for row in script.rows]
    return kept, [*repairs, *(fault for fault in faults if fault.severity == "repaired")]


_MAY_BE_EMPTY = frozenset("layout id character volume action duration start pan".split())
_NOT_FOR_MODELS = frozenset("voice engine seed image source".split())
"""A model knows neither our voices and engines nor the files of the scene."""


def _without_inventions(rows: list[dict[str, object]]) -> list[Fault]:
    """Takes out the cells that are not a model's to fill, and the lengths of speech, which speech itself decides."""
    repairs = []
    for number, row in enumerate(rows, 1):
        for key in [key for key in row if _column(key) in _NOT_FOR_MODELS]:
            value = row.pop(key)
            if value:
                repairs.append(_emptying(number, key, value, "a model knows nothing of it"))
        if str(row.get("type")).casefold() == "speech" and row.get("duration") not in (None, "", "auto"):
            value = row.pop("duration")
            repairs.append(_emptying(number, "duration", value, "speech lasts as long as it takes"))
    return repairs


def _mended(rows: list[dict[str, object]], fault: Fault) -> Fault | None:
    """Mends the row that a fault is about; None where only the model can. Faults must come from the last row up."""
    found = re.fullmatch(r"[r#](\d{1,6})", fault.row)
    if found is None:
        return None
    at = int(found.group(1)) - 1
    if "without a begin" in fault.message:
        rows.pop(at)
        return Fault(fault.row, "action", "an end without its begin was left out here", "repaired")
    if "already open" in fault.message:
        end = {key: cell for key, cell in rows[at].items() if _column(key) in ("type", "layout", "id")}
        rows.insert(at, {**end, "action": "end"})
        return Fault(fault.row, "id", "began while it was open; the one before it was ended here", "repaired")
    return _emptied(rows[at], fault)


def _emptied(row: dict[str, object], fault: Fault) -> Fault | None:
    """Takes the cell out of its row that a fault is about; None where that would not help."""
    columns = [fault.column]
    if fault.message.startswith("a foreground row has no id"):
        given = [name for name in ("id", "action") if row.get(name) not in (None, "")]
        columns = ["layout"] if len(given) == 2 else given
    elif "needs an id" in fault.message:
        return None
    elif fault.column not in _MAY_BE_EMPTY and not fault.message.startswith(("no such column", "is given twice")):
        return None
    key = next((key for key in reversed(row) if key[:60] in columns or _column(key) in columns), None)
    return _emptying(int(fault.row[1:]), key, row.pop(key), fault.message) if key is not None else None


def _emptying(number: int, column: str, value: object, why: str) -> Fault:
    return Fault(f"r{number:02d}", column[:60], f"{str(value)[:60]!r} was emptied: {why}", "repaired")


def _column(heading: str) -> str:
    name = re.sub(r"[\s_-]+", "_", heading.strip().casefold())
    return ALIASES.get(name, name)
