"""Script: the table of a scene as validated rows, and every fault of a table with its row and column.

Conventions: `volume` is the clip's loudness in LUFS, `duration` and `start` are in seconds, `pan` runs from -1 (left)
to 1 (right). Text is normalised once, on entry: trimmed, line ends as \\n, no control characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from composer.cells import COLUMNS, DEFAULT_VOLUME, read_cells
from composer.errors import ScriptInvalid
from composer.faults import Fault
from composer.rows import ANY_ROW, MAX_DURATION_S, EffectRow, MusicRow, Row, SoundRow, SpeechRow, row_cells

__all__ = [
    "EffectRow",
    "MusicRow",
    "Row",
    "Script",
    "SoundRow",
    "SpeechRow",
    "faults_json",
    "next_key",
    "read_rows",
    "row_cells",
    "script_of",
]


MAX_ROWS = 20_000


class Script(BaseModel):
    """The rows in the order of the table. Keys are unique; every background begin has its end, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=MAX_ROWS)]

    @model_validator(mode="after")
    def _rows_agree(self) -> Script:
        faults = [fault for fault in _pairing_faults(self.rows) if fault.severity == "error"]
        if faults:
            raise ValueError("; ".join(str(fault) for fault in faults))
        return self

    def spans(self) -> dict[str, str]:
        """The key of each background's begin row -> the key of its end row."""
        open_rows: dict[tuple[str, int], str] = {}
        spans = {}
        for row in self.rows:
            if isinstance(row, SpeechRow) or row.id is None:
                continue
            if row.action == "begin":
                open_rows[row.type, row.id] = row.row
            else:
                spans[open_rows.pop((row.type, row.id))] = row.row
        return spans

    def characters(self) -> list[str]:
        """Who speaks, in order of appearance."""
        return list(dict.fromkeys(row.character for row in self.rows if isinstance(row, SpeechRow)))

    def sections(self) -> dict[str, str]:
        """The key of every row -> the section it is in: its own cell or that of the rows above; empty before any."""
        found, current = {}, ""
        for row in self.rows:
            current = row.section or current
            found[row.row] = current
        return found

    def sounding(self) -> list[SpeechRow | MusicRow | EffectRow]:
        """The rows that become clips: all but the background ends."""
        return [row for row in self.rows if isinstance(row, SpeechRow) or row.action != "end"]


def read_rows(
    raw_rows: Iterable[Mapping[str, object]], *, keep_extra: bool = True
) -> tuple[Script | None, list[Fault]]:
    """Reads raw rows (cells as text or JSON values, by column name) into a Script.

    Reports every fault at once: errors (then there is no Script), repairs that were made, and warnings. Keys that
    are missing or used twice are given anew; no row is ever dropped. Columns that are not ours are kept, or are
    faults without `keep_extra`.
    """
    faults: list[Fault] = []
    cells_of_rows = list(raw_rows)
    if not cells_of_rows:
        return None, [Fault("", "", "the table has no rows; give at least one speech, music or sound_effect row")]
    if len(cells_of_rows) > MAX_ROWS:
        return None, [
            Fault("", "", f"the table has {len(cells_of_rows):,} rows, at most {MAX_ROWS:,} are read; split it")
        ]
    tidy = read_cells(cells_of_rows, faults, keep_extra=keep_extra)
    rows: list[SpeechRow | MusicRow | EffectRow] = []
    for cells in tidy:
        row = _read_row(cells, faults)
        if row is not None:
            rows.append(row)
    if len(rows) == len(tidy):
        rows = _close_backgrounds(rows, faults)
        faults += _pairing_faults(rows)
    if any(fault.severity == "error" for fault in faults):
        return None, faults
    return Script(rows=tuple(rows)), faults


def script_of(raw_rows: Iterable[Mapping[str, object]]) -> Script:
    """The Script of raw rows. Raises ScriptInvalid with every fault."""
    script, faults = read_rows(raw_rows)
    if script is None:
        raise ScriptInvalid(faults)
    return script


_ALLOWED = {
    "speech": set(SpeechRow.model_fields),
    "music": set(MusicRow.model_fields),
    "sound_effect": set(EffectRow.model_fields),
}
_MISPLACED = {
    "character": "only speech rows have a character",
    "voice": "only speech rows have a voice",
    "image": "speech has no picture; use it on a sound_effect row",
    "source": "speech has no source; use it on a sound_effect or music row",
    "id": "speech is foreground and has no id",
    "action": "speech is foreground and has no action",
}


def _read_row(cells: dict[str, object], faults: list[Fault]) -> SpeechRow | MusicRow | EffectRow | None:
    key, kind = str(cells["row"]), cells.get("type")
    if kind not in _ALLOWED:
        shown = "is empty" if kind is None else f"{kind!r} is unknown"
        faults.append(Fault(key, "type", f"{shown}; give one of: speech, music, sound_effect"))
        return None
    if kind == "speech" and cells.get("layout") == "background":
        faults.append(Fault(key, "layout", "speech cannot be a background; set layout to foreground"))
        return None
    if cells.get("action") == "end":
        cells = _end_cells(cells, faults)
    given = {column: value for column, value in cells.items() if value is not None}
    misplaced = sorted(set(given) - _ALLOWED[str(kind)])
    for column in misplaced:
        faults.append(Fault(key, column, f"{_MISPLACED[column]}; empty the cell"))
    given = {column: value for column, value in given.items() if column not in misplaced}
    try:
        row = ANY_ROW.validate_python({"volume": DEFAULT_VOLUME[str(kind)], **given})
    except ValidationError as error:
        found = [_fault_of(key, details) for details in error.errors()]
        told = {(fault.row, fault.column) for fault in faults if fault.severity == "error"}
        once = {fault.column: fault for fault in reversed(found)}  # one fault a cell: the first
        faults += [fault for fault in once.values() if (key, fault.column) not in told]
        return None
    return None if misplaced else row


def _end_cells(cells: dict[str, object], faults: list[Fault]) -> dict[str, object]:
    """An end row closes its background and may say when (`start`): what else it says is taken away, and said."""
    kept = {"row", "type", "layout", "id", "action", "start", "section", "note", "extra", "volume"}
    for column, value in cells.items():
        if column not in kept and value is not None and value != "auto":
            faults.append(
                Fault(str(cells["row"]), column, f"{value!r} on an end row does nothing and was emptied", "repaired")
            )
    tidy = {column: value for column, value in cells.items() if column in kept}
    tidy["volume"] = None
    return tidy


def _fault_of(key: str, details: Any) -> Fault:
    column, message, given = "", str(details["msg"]), details.get("input")
    names = [part for part in details["loc"] if isinstance(part, str) and part in COLUMNS]
    if names:
        column = names[-1]
    if details["type"] == "value_error":
        found = re.match(r"Value error, (\w+): (.*)", message, re.S)
        if found:
            column, message = found.group(1), found.group(2)
        return Fault(key, column, message)
    if details["type"] == "missing":
        return Fault(key, column, _MISSING.get(column, "is missing; fill the cell"))
    if column in _RANGES and details["type"] != "extra_forbidden":
        return Fault(key, column, f"{given!r} cannot be used; give {_RANGES[column]}")
    shown = repr(given) if len(repr(given)) <= 60 else f"{repr(given)[:57]}..."
    return Fault(key, column, f"{shown}: {message[:1].lower()}{message[1:]}")


_RANGES = {
    "volume": "dB from -60 to 0",
    "duration": f"seconds above 0 and up to {MAX_DURATION_S:.0f}, or auto",
    "start": "seconds from -600 to 600",
    "pan": "a number from -1 (left) to 1 (right)",
    "layout": "foreground or background",
    "action": "begin or end, and only on background rows",
    "id": "a whole number from 0",
    "seed": "a whole number from 0",
}
_MISSING = {
    "description": "is empty; write the words that are spoken",
    "character": "is empty; write who speaks",
    "layout": "is empty; give foreground or background",
}


def _close_backgrounds(
    rows: Sequence[SpeechRow | MusicRow | EffectRow], faults: list[Fault]
) -> list[SpeechRow | MusicRow | EffectRow]:
    """Adds an end row for each background that never ends."""
    closed = list(rows)
    still_open: dict[tuple[str, int], SoundRow] = {}
    for row in rows:
        if isinstance(row, SpeechRow) or row.id is None:
            continue
        if row.action == "begin":
            still_open[row.type, row.id] = row
        else:
            still_open.pop((row.type, row.id), None)
    taken = {row.row for row in rows}
    for row in still_open.values():
        key = next_key(taken)
        taken.add(key)
        end = {"row": key, "type": row.type, "layout": "background", "id": row.id, "action": "end"}
        closed.append(ANY_ROW.validate_python({**end, "volume": DEFAULT_VOLUME[row.type]}))
        faults.append(
            Fault(row.row, "action", f"background {row.id} never ends; end row {key} was added at the end", "repaired")
        )
    return closed


def _pairing_faults(rows: Sequence[SpeechRow | MusicRow | EffectRow]) -> list[Fault]:
    """Keys used twice, ends without a begin, begins of a background that is already open."""
    faults: list[Fault] = []
    open_rows: dict[tuple[str, int], str] = {}
    seen: set[str] = set()
    for row in rows:
        if row.row in seen:
            faults.append(Fault(row.row, "row", "this key is used twice; give each row its own"))
        seen.add(row.row)
        if isinstance(row, SpeechRow) or row.id is None:
            continue
        key = row.type, row.id
        if row.action == "begin" and key in open_rows:
            faults.append(
                Fault(
                    row.row,
                    "id",
                    f"background {row.id} is already open since row {open_rows[key]}; end it first or use another id",
                )
            )
        elif row.action == "begin":
            open_rows[key] = row.row
        elif key not in open_rows:
            faults.append(
                Fault(
                    row.row,
                    "action",
                    f"end of {row.type} background {row.id} comes without a begin above it; "
                    "move it below its begin row or delete it",
                )
            )
        else:
            del open_rows[key]
    faults += [Fault(row, "action", "this background never ends; add an end row") for row in open_rows.values()]
    return faults


def next_key(taken: Iterable[str]) -> str:
    """The first key after the highest that is taken: keys of deleted rows are not used again."""
    numbers = [int(found.group(1)) for key in taken if (found := re.fullmatch(r"r(\d{1,9})", key))]
    return f"r{max(numbers, default=0) + 1:02d}"


def faults_json(n_rows: int, faults: Sequence[Fault]) -> dict[str, object]:
    """The faults in the shape that `talescape check --json` prints."""
    return {"rows": n_rows, "faults": [asdict(fault) for fault in faults]}
