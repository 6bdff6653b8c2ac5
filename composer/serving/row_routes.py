"""Routes of a scene's table: read it, replace it, edit its rows. Every change names the version that it changes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

from fastapi import APIRouter, Path, Response

from composer.diff import diff_scripts
from composer.edits import AnyEdit, InsertRow, Recast, RemoveRow, SetCell
from composer.errors import SceneInvalid, ScriptInvalid, TableUnreadable
from composer.keys import with_keys_of
from composer.revise import Place, Proposal, accept
from composer.scene import Scene
from composer.script import Script, read_rows
from composer.serving.limits import refuse_too_many_rows
from composer.serving.places import require_match, table_now
from composer.serving.problems import Refused
from composer.serving.service import (
    IfMatch,
    IfNoneMatch,
    SceneName,
    Served,
    Service,
    is_known,
    not_modified,
    problems,
    table_answer,
)
from composer.serving.shapes import CellChange, EditList, NewRow, NewTable, Table

router = APIRouter(tags=["rows"])
KeyPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="A row's key.")]
CHANGED = problems(404, 409, 412, 428, 507)


@router.get("/scenes/{name}/table", response_model=Table, responses={304: {}, **problems(404, 409)})
def read_table(service: Served, name: SceneName, if_none_match: IfNoneMatch = None) -> Response:
    """The rows, and the ETag that a change of them needs."""
    with service.scene(name) as scene:
        script, faults, mark = table_now(scene)
    return not_modified(mark) if is_known(if_none_match, mark) else table_answer(script, faults, mark)


@router.put("/scenes/{name}/table", response_model=Table, responses=CHANGED)
def replace_table(service: Served, name: SceneName, table: NewTable, if_match: IfMatch = None) -> Response:
    """Replace all rows; every fault is told at once. The last version is kept beside the table."""
    refuse_too_many_rows(len(table.rows), service.limits)
    with service.thinking(), service.scene(name) as scene:
        require_match(if_match, scene.table_hash())
        raw = [row.raw() for row in table.rows]
        before = _script_before(scene)
        script, faults = read_rows(with_keys_of(before, raw) if before is not None else raw)
        if script is None:
            raise ScriptInvalid(faults)
        scene.write_script(script)
        return table_answer(script, faults, scene.table_hash())


@router.patch("/scenes/{name}/table", response_model=Table, responses=CHANGED)
def edit_table(service: Served, name: SceneName, wanted: EditList, if_match: IfMatch = None) -> Response:
    """Make edits in their order, all or none: set cells, insert, remove and move rows, recast characters."""
    return _edit(service, name, wanted.edits, if_match)


@router.post("/scenes/{name}/rows", response_model=Table, responses=CHANGED)
def insert_row(service: Served, name: SceneName, row: NewRow, if_match: IfMatch = None) -> Response:
    """A new row below another or at the top; it is given a key."""
    return _edit(service, name, [InsertRow(after=row.after, cells=row.cells)], if_match)


@router.patch("/scenes/{name}/rows/{row}", response_model=Table, responses=CHANGED)
def change_row(
    service: Served, name: SceneName, row: KeyPath, change: CellChange, if_match: IfMatch = None
) -> Response:
    """Change cells of one row."""
    edits = [SetCell(row=row, column=column, value=value) for column, value in change.cells.items()]
    return _edit(service, name, edits, if_match, row=row)


@router.delete("/scenes/{name}/rows/{row}", response_model=Table, responses=CHANGED)
def remove_row(service: Served, name: SceneName, row: KeyPath, if_match: IfMatch = None) -> Response:
    """Remove one row; the begin of a background takes its end along, and the other way round."""
    return _edit(service, name, [RemoveRow(row=row)], if_match, row=row)


def _edit(
    service: Service, name: str, edits: Sequence[AnyEdit], if_match: str | None, *, row: str | None = None
) -> Response:
    """Makes edits as `talescape revise` does.

    Recasting writes scene.toml, which a render writes too: so not during one.
    """
    with service.thinking(), service.scene(name) as scene:
        recasts = any(isinstance(edit, Recast) for edit in edits)
        with scene.locked() if recasts else nullcontext():
            mark = scene.table_hash()
            require_match(if_match, mark)
            place = Place(scene.folder)
            assert place.mark  # of now: what somebody writes meanwhile will be seen
            if row is not None:
                _require_row(place.script, row)
            edited, faults = place.try_out(edits)
            refuse_too_many_rows(len(edited.script.rows), service.limits)
            found = diff_scripts(place.script, edited.script)
            if scene.table_hash() != mark:
                raise _STALE
            try:
                accept(Proposal(place, list(edits), edited, found, [], [], faults))
            except SceneInvalid:
                raise _STALE from None
        return table_answer(edited.script, faults, scene.table_hash())


_STALE = Refused(412, "stale", "the scene was edited meanwhile; read it again and repeat your change")


def _require_row(script: Script, key: str) -> None:
    if key not in (keys := [row.row for row in script.rows]):
        shown = ", ".join(keys[:50]) + (", …" if len(keys) > 50 else "")
        raise Refused(404, "no-row", f"there is no row {key!r}; there are: {shown}")


def _script_before(scene: Scene) -> Script | None:
    """The table as it is, for its keys; None where it is faulty."""
    try:
        return Place(scene.folder).script
    except (ScriptInvalid, TableUnreadable):
        return None
