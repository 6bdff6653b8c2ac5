"""Files: what they hold, as a hash, and writing so that a kill leaves the old file or the new one, never half of it."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from composer.errors import ComposerError

UNFINISHED = ".part"


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content as hexadecimal digits, read piece by piece. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, data: str | bytes) -> None:
    """Writes to a temporary name beside `path`, flushes to the disk and renames. Raises ComposerError."""
    unfinished = path.with_name(path.name + UNFINISHED)
    raw = data.encode("utf-8") if isinstance(data, str) else data
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        taken = isinstance(error, FileExistsError)  # by making the folder: a file has its name
        why = f"{path.parent} is a file, not a folder" if taken else error.strerror or error
        raise ComposerError(f"{path}: cannot be written: {why}") from error


def sweep(folder: Path) -> int:
    """Removes the unfinished files that a killed run left behind; gives how many there were."""
    leftovers = [path for path in folder.glob(f"*{UNFINISHED}") if path.is_file()] if folder.is_dir() else []
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def take_lock(descriptor: int) -> bool:
    """Takes the lock without waiting; the system frees it when the process ends, however it ends."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
