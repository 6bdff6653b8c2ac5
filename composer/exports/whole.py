"""Files and folders that appear under their names only when they are whole, however long they take to write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from composer.errors import ExportFailed
from composer.files import UNFINISHED

OLD = ".old" + UNFINISHED


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A binary file to write into; flushed and renamed to `path` at the end, removed when something fails.

    Raises ExportFailed for what the disk refuses.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with unfinished.open("wb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise ExportFailed(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill; it takes the place of `path`, and of all that was in it, when it is whole.

    Raises ExportFailed for what the disk refuses.
    """
    unfinished, old = path.with_name(path.name + UNFINISHED), path.with_name(path.name + OLD)
    try:
        for leftover in (unfinished, old):
            if leftover.exists():
                shutil.rmtree(leftover)
        unfinished.mkdir()
        yield unfinished
        _replace_folder(unfinished, path, old)
    except OSError as error:
        raise ExportFailed(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        for leftover in (unfinished, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _replace_folder(new: Path, path: Path, old: Path) -> None:
    """Puts a folder in the place of another, which is `old` then; back again when that fails."""
    if path.exists():
        os.rename(path, old)
    try:
        os.rename(new, path)
    except OSError:
        if old.exists():
            os.rename(old, path)
        raise
