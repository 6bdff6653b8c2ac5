"""Edits: small changes of a table, as a model or a rule proposes them, checked against it and applied all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from composer.cells import COLUMNS
from composer.errors import ComposerError
from composer.faults import Fault
from composer.rows import row_cells
from composer.script import Script, next_key, read_rows

Value = str | int | float | None
"""What goes into a cell, as a hand would write it; None and "" empty it."""
NOT_SET = frozenset(("row",))
"""Keys are given once and stay."""


class _Edit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SetCell(_Edit):
    """One cell says something else."""

    op: Literal["set"] = "set"
    row: str
    column: str
    value: Value


class InsertRow(_Edit):
    """A new row below `after`, or at the top."""

    op: Literal["insert"] = "insert"
    after: str | None
    cells: dict[str, Value]


class RemoveRow(_Edit):
    """A row goes; the begin of a background takes its end along, and the other way round."""

    op: Literal["remove"] = "remove"
    row: str


class MoveRow(_Edit):
    """A row goes below `after`, or to the top."""

    op: Literal["move"] = "move"
    row: str
    after: str | None


class Recast(_Edit):
    """A character gets another voice in scene.toml."""

    op: Literal["recast"] = "recast"
    character: str
    voice: str


Edit = Annotated[SetCell | InsertRow | RemoveRow | MoveRow | Recast, Field(discriminator="op")]
AnyEdit = SetCell | InsertRow | RemoveRow | MoveRow | Recast


class EditsInvalid(ComposerError):
    """Edits that cannot be applied to this table; `faults` says why, one line each.

    `table_faults` has the same by row and column, where the edits can be made and the table would be faulty after them.
    """

    def __init__(self, faults: Sequence[str] = (), table_faults: Sequence[Fault] = ()) -> None:
        self.faults = [*faults, *(f"after the edits: {fault}" for fault in table_faults)]
        self.table_faults = list(table_faults)
        super().__init__("\n".join(self.faults))


class Edited(BaseModel):
    """A table after edits, and who got another voice."""

    model_config = ConfigDict(frozen=True)

    script: Script
    cast: dict[str, str]


def apply_edits(
    script: Script, edits: Sequence[AnyEdit], *, voices: Mapping[str, str] | None = None
) -> tuple[Edited, list[Fault]]:
    """The table after all edits, in their order, and what reading it repaired.

    `voices` is the cast, character -> voice, of a scene; without it nobody can be recast. Raises EditsInvalid with
    every edit that names what is not there, and with every fault of the table that would come of them.
    """
    rows = _Rows(script)
    recasts = {number: edit for number, edit in enumerate(edits, 1) if isinstance(edit, Recast)}
    faults = [
        f"edit {number} ({edit.op}): {fault}"
        for number, edit in enumerate(edits, 1)
        if not isinstance(edit, Recast) and (fault := rows.apply(edit))
    ]
    edited, told = read_rows(rows.cells) if not faults else (script, [])
    if edited is None:
        raise EditsInvalid(table_faults=[fault for fault in told if fault.severity == "error"])
    for number, recast in recasts.items():
        if voices is None:
            fault = "voices are cast in a scene's scene.toml; give the scene folder, or set the voice column"
        elif recast.character not in edited.characters():
            fault = f"{recast.character!r} does not speak; there are: {', '.join(edited.characters())}"
        else:
            continue
        faults.append(f"edit {number} (recast): {fault}")
    if faults:
        raise EditsInvalid(faults)
    cast = {recast.character: recast.voice for recast in recasts.values()}
    return Edited(script=edited, cast=cast), [fault for fault in told if fault.severity != "error"]


class _Rows:
    """The rows while edits change them."""

    def __init__(self, script: Script) -> None:
        self.cells: list[dict[str, object]] = [row_cells(row) for row in script.rows]
        self.partner = {begin: end for begin, end in script.spans().items()}
        self.partner |= {end: begin for begin, end in self.partner.items()}
        self.own_columns = {heading for row in script.rows for heading in row.extra}
        self.taken = {row.row for row in script.rows}
        self.last_below: dict[str | None, str] = {}
        """Where the last new row below a row stands: the next one goes below that."""

    def apply(self, edit: SetCell | InsertRow | RemoveRow | MoveRow) -> str:
        """Changes the rows; gives what is wrong with the edit, empty where nothing is."""
        named = [getattr(edit, "row", None), getattr(edit, "after", None)]
        for key in named:
            if key is not None and self._at(key) is None:
                return f"there is no row {key!r}{' any more' if key in self.taken else ''}"
        match edit:
            case SetCell():
                return self._set(edit)
            case InsertRow():
                return self._insert(edit)
            case RemoveRow():
                gone = {edit.row, self.partner.get(edit.row, edit.row)}
                self.cells = [cells for cells in self.cells if cells["row"] not in gone]
                return ""
            case MoveRow():
                if edit.row == edit.after:
                    return "a row cannot go below itself"
                moved = self.cells.pop(self._index(edit.row))
                self.cells.insert(self._below(edit.after), moved)
                return ""

    def _set(self, edit: SetCell) -> str:
        if fault := self._column_fault(edit.column):
            return fault
        self.cells[self._index(edit.row)][edit.column] = edit.value
        return ""

    def _insert(self, edit: InsertRow) -> str:
        if fault := next((fault for column in edit.cells if (fault := self._column_fault(column))), ""):
            return fault
        key = next_key(self.taken)
        self.taken.add(key)
        anchor = self.last_below.get(edit.after, edit.after)
        below = anchor if anchor is None or self._at(anchor) is not None else edit.after
        self.cells.insert(self._below(below), {**edit.cells, "row": key})
        self.last_below[edit.after] = key
        return ""

    def _column_fault(self, column: str) -> str:
        if column in NOT_SET:
            return "keys of rows stay as they are"
        if column not in COLUMNS and column not in self.own_columns:
            return f"there is no column {column!r}; there are: {', '.join(COLUMNS[1:])}"
        return ""

    def _at(self, key: str) -> int | None:
        return next((at for at, cells in enumerate(self.cells) if cells["row"] == key), None)

    def _index(self, key: str) -> int:
        at = self._at(key)
        assert at is not None  # apply looked
        return at

    def _below(self, after: str | None) -> int:
        return 0 if after is None else self._index(after) + 1
