"""Errors as the service tells them: one shape (RFC 9457's problem+json), with the faults by row and column."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from composer.edits import EditsInvalid
from composer.errors import (
    ComposerError,
    ExportFailed,
    PlanFailed,
    RenderFailed,
    SceneBusy,
    SceneInvalid,
    ScriptInvalid,
    StoryUnreadable,
    TableUnreadable,
    WriterUnavailable,
)
from composer.faults import Fault
from models.errors import ModelError

MEDIA_TYPE = "application/problem+json"
KIND = "urn:talescape:"
MAX_FAULTS = 200
"""So many faults are told of one request; the detail says when there are more."""
_DISK_REFUSES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class Problem(BaseModel):
    """What went wrong, where, and the way out."""

    model_config = ConfigDict(frozen=True)

    type: str
    """urn:talescape: and a name that stays the same, for programs."""
    title: str
    status: int
    detail: str
    """For people: what, where, and the way out."""
    faults: list[Fault] = []
    """Each fault of a table with its row and column, or of a request with its place in it as the column."""


class Refused(ComposerError):
    """A request that the service refuses, with the status and the headers of its answer."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.faults, self.headers = faults, dict(headers or {})


_KINDS: tuple[tuple[type[Exception], int, str], ...] = (
    (ScriptInvalid, 422, "table-invalid"),
    (EditsInvalid, 422, "edits-invalid"),
    (StoryUnreadable, 422, "words-unusable"),
    (TableUnreadable, 422, "table-unreadable"),
    (PlanFailed, 502, "plan-failed"),
    (WriterUnavailable, 503, "writer-unavailable"),
    (SceneBusy, 409, "scene-busy"),
    (SceneInvalid, 422, "scene-invalid"),
    (RenderFailed, 422, "render-failed"),
    (ExportFailed, 409, "export-failed"),
    (ModelError, 422, "engine-failed"),
    (ComposerError, 422, "refused"),
)
"""From the particular to the general."""


def make_problem(status: int, kind: str, detail: str, faults: Sequence[Fault] = ()) -> Problem:
    """A problem whose words can be sent, whatever they quote."""
    more = f" ({len(faults)} faults, the first {MAX_FAULTS} are told)" if len(faults) > MAX_FAULTS else ""
    told = [_told(fault) for fault in faults[:MAX_FAULTS]]
    title = HTTPStatus(status).phrase
    return Problem(type=KIND + kind, title=title, status=status, detail=_sendable(detail + more), faults=told)


def problem_of(error: Exception, root: Path) -> Problem:
    """What an error means to a client: ours by their kind, anything else as a fault of the service, without its words.

    Places are told as seen from the served folder.
    """
    if isinstance(error, Refused):
        return make_problem(error.status, error.kind, _from_root(error.detail, root), error.faults)
    if _is_full(error):
        return make_problem(507, "disk-full", _from_root(str(error), root))
    if not isinstance(error, ComposerError | ModelError) or _failed_here(error):
        return make_problem(500, "failed", "talescape itself failed; the log of the service says where")
    status, kind = next((status, kind) for known, status, kind in _KINDS if isinstance(error, known))
    faults: list[Fault] = []
    if isinstance(error, ScriptInvalid):
        faults = error.faults
    elif isinstance(error, EditsInvalid):
        faults = error.table_faults or [Fault("", "", each) for each in error.faults]
    detail = str(error) if not faults else "\n".join(str(error).splitlines()[:5])
    return make_problem(status, kind, _from_root(detail, root), faults)


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK_REFUSES:
            return True
        error = error.__cause__
    return False


def _failed_here(error: Exception) -> bool:
    """A file that could not be written is no fault of what was asked."""
    return type(error) is ComposerError and isinstance(error.__cause__, OSError)


def _from_root(text: str, root: Path) -> str:
    return text.replace(f"{root}/", "").replace(f"{root}\\", "").replace(str(root), "the served folder")


def _told(fault: Fault) -> Fault:
    return Fault(_sendable(fault.row), _sendable(fault.column), _sendable(fault.message), fault.severity)


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
