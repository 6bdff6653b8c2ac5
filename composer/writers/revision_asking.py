"""Asks a language model for edits of a table: validated against it, faults sent back, nothing taken on trust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from composer.asking import answered, inside, prompt_text
from composer.cells import column_of
from composer.edits import AnyEdit, EditsInvalid, InsertRow, MoveRow, Recast, RemoveRow, SetCell
from composer.errors import ComposerError
from composer.formats.layout import row_object
from composer.replies import AnswerUnusable, WrittenRow
from composer.script import Script
from composer.trail import Trail

if TYPE_CHECKING:
    from composer.revise import Place
    from composer.writers import Message, Writer

MAX_TABLE_CHARS = 120_000
"""Longer tables are not shown to a model: it would lose its way, and the edits with it."""
MAX_EDITS = 200


class WrittenEdit(BaseModel):
    """One edit as a model is asked for it; which keys count depends on `op`."""

    model_config = ConfigDict(extra="forbid")
    op: Literal["set", "insert", "remove", "move", "recast"]
    row: str | None
    column: str | None
    value: str | None
    after: str | None
    cells: WrittenRow | None
    character: str | None
    voice: str | None


class WrittenEdits(BaseModel):
    """The answer: edits, and what cannot be done."""

    model_config = ConfigDict(extra="forbid")
    edits: list[WrittenEdit]
    cannot: list[str]


def ask_for_edits(place: Place, wish: str, writer: Writer) -> tuple[list[AnyEdit], list[str]]:
    """The edits that a model proposes and that can be applied, and what it says that it cannot do.

    Raises PlanFailed when no answer could be used, ComposerError for a table that is too long to be shown.
    """
    table = "\n".join(json.dumps(row_object(row), ensure_ascii=False) for row in place.script.rows)
    if len(table) > MAX_TABLE_CHARS:
        raise ComposerError(
            f"{place.target}: has {len(table):,} characters, at most {MAX_TABLE_CHARS:,} are shown to a model; "
            "revise with --offline, or a part of the table"
        )
    voices = place.voices
    text = prompt_text(
        "revise.j2",
        wish=inside(wish),
        title=place.settings.title,
        voices=voices,
        there=_voices_there(place) if voices else [],
        table=inside(table),
    )
    messages: list[Message] = [
        {"role": "system", "content": prompt_text("plan_system.j2")},
        {"role": "user", "content": text},
    ]

    def read(value: object) -> tuple[list[AnyEdit], list[str]]:
        edits, cannot = read_edits(value, place.script)
        try:
            place.try_out(edits)
        except EditsInvalid as error:
            raise AnswerUnusable(*error.faults) from error
        return edits, cannot

    trail = Trail(place.scene.plan_dir if place.scene is not None else None)
    return answered(writer, messages, WrittenEdits, read, "revise", trail, faults_template="revise_faults.j2")


def _voices_there(place: Place) -> list[str]:
    from models.engines import speech_engine

    names = dict.fromkeys(order.engine for order in place.orders.orders if order.kind == "speech")
    return [voice.name for name in names for voice in speech_engine(name).voices()]


_OPS = {"edit": "set", "update": "set", "change": "set", "add": "insert", "delete": "remove"}
"""What models that do not follow the schema call the operations."""


def read_edits(value: object, script: Script) -> tuple[list[AnyEdit], list[str]]:
    """The edits of an answer, and what it says cannot be done. Raises AnswerUnusable with every fault."""
    if isinstance(value, list):
        value = {"edits": value}
    raw = value.get("edits") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(raw, list) or not all(isinstance(each, dict) for each in raw):
        raise AnswerUnusable('the answer holds no list of edits; answer {"edits": [...], "cannot": [...]}')
    told = value.get("cannot") or []
    cannot = [" ".join(str(each).split())[:500] for each in (told if isinstance(told, list) else [told])]
    if len(raw) > MAX_EDITS:
        raise AnswerUnusable(f"{len(raw)} edits are too many, at most {MAX_EDITS} are read; change less")
    edits: list[AnyEdit] = []
    faults = []
    for number, each in enumerate(raw, 1):
        try:
            edits.append(_edit(each, script))
        except (AnswerUnusable, ValidationError) as error:
            faults.append(f"edit {number}: {_why(error)}")
    if faults:
        raise AnswerUnusable(*faults)
    if not edits and not cannot:
        raise AnswerUnusable("there are no edits; if the wish cannot be done, say so in cannot")
    return edits, cannot


def _edit(raw: Mapping[str, object], script: Script) -> AnyEdit:
    op = _OPS.get(str(raw.get("op")), raw.get("op"))
    given = {key: value for key, value in raw.items() if value is not None}
    match op:
        case "set":
            column = str(given.get("column"))
            return SetCell.model_validate(
                {"row": given.get("row"), "column": column_of(column) or column, "value": raw.get("value")}
            )
        case "insert":
            cells = given.get("cells")
            if not isinstance(cells, dict):
                raise AnswerUnusable("an insert needs cells, an object of columns and values")
            known = {column_of(str(key)) or str(key): cell for key, cell in cells.items() if cell not in (None, "")}
            known.pop("row", None)
            return InsertRow.model_validate({"after": _after(given, script), "cells": known})
        case "remove":
            return RemoveRow.model_validate({"row": given.get("row")})
        case "move":
            return MoveRow.model_validate({"row": given.get("row"), "after": _after(given, script)})
        case "recast":
            return Recast.model_validate({key: given.get(key) for key in ("character", "voice")})
    raise AnswerUnusable(f"op {op!r} is unknown; give one of: set, insert, remove, move, recast")


def _after(given: Mapping[str, object], script: Script) -> object:
    """The row above; models that ignore the schema also say `before`."""
    keys = [row.row for row in script.rows if row.row != given.get("row")]
    if "after" not in given and given.get("before") in keys:
        at = keys.index(str(given["before"]))
        return keys[at - 1] if at else None
    return given.get("after") or None


def _why(error: AnswerUnusable | ValidationError) -> str:
    if isinstance(error, AnswerUnusable):
        return "; ".join(error.faults)
    return "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
