"""What can go wrong in composer, named as facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import ModelError

if TYPE_CHECKING:
    from composer.faults import Fault


class ComposerError(Exception):
    """The root: every error that composer raises on purpose. Its text says what, where and the way out."""


class ScriptInvalid(ComposerError):
    """A table has faults that must be mended; `faults` names each with row and column, `table` which one it is."""

    def __init__(self, faults: list[Fault], table: str = "") -> None:
        self.faults = faults
        errors = [fault for fault in faults if fault.severity == "error"]
        super().__init__("\n".join(f"{table}: {fault}" if table else str(fault) for fault in errors))


class TableUnreadable(ComposerError):
    """A file is not a table that we can read."""


class StoryUnreadable(ComposerError):
    """A story or prompt cannot be used: empty, too long, not text."""


class PlanFailed(ComposerError):
    """The writer gave no usable plan."""


class WriterUnavailable(ComposerError):
    """The language-model server cannot be used: no key, no answer, wrong address."""


class SceneInvalid(ComposerError):
    """A scene folder lacks something or holds something that cannot be used."""


class SceneBusy(SceneInvalid):
    """Another process renders the scene."""


class RenderFailed(ComposerError):
    """No row could be rendered."""


class ExportFailed(ComposerError):
    """A format cannot be written here."""


def in_a_line(error: Exception) -> str:
    """Any error in words: ours speak for themselves, the system's name their file, a fault of ours says that it is."""
    if isinstance(error, ComposerError | ModelError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"talescape itself failed: {type(error).__name__}: {error}; please report it with what --debug shows"
