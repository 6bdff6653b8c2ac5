"""Tables in files <-> raw rows and scripts: the format is told by the suffix, every rewrite keeps the last version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from composer.errors import TableUnreadable
from composer.faults import Fault
from composer.files import write_atomically
from composer.formats import FORMATS, format_of
from composer.formats.layout import RawRows
from composer.script import Script, read_rows

MAX_BYTES = 64 * 2**20
BACKUP = ".bak"
"""The last version of a table stands beside it under its name and this."""

__all__ = ["FORMATS", "RawRows", "keys_were_given", "read_raw_rows", "read_table", "write_keeping", "write_table"]


def read_table(path: Path) -> tuple[Script | None, list[Fault]]:
    """The script in a file, chosen by its suffix, with every fault. Raises TableUnreadable when it is no table."""
    return read_rows(read_raw_rows(path))


def read_raw_rows(path: Path) -> RawRows:
    """The rows of a table file as they are written there, by column heading."""
    data = read_bytes(path)  # a name that was misspelt is told as that, not as a wrong suffix
    return format_of(path.name.removesuffix(BACKUP)).read(data, str(path))


def read_bytes(path: Path) -> bytes:
    """What is in a table's file. Raises TableUnreadable when it cannot be read or is too large."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise TableUnreadable(f"{path}: has {size:,} bytes, at most {MAX_BYTES:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise TableUnreadable(f"{path}: cannot be read: {error.strerror}") from error


def write_table(script: Script, path: Path) -> Path | None:
    """Writes the script in the format that the suffix names, atomically.

    A table that is there gives its layout (order of columns, comments and the like), and stays as PATH.bak, which is
    returned; None where there was none or nothing changed. Raises TableUnreadable when it cannot be written.
    """
    old = read_bytes(path) if path.is_file() else None
    return write_keeping(path, format_of(path.name).write(script, old))


def write_keeping(path: Path, data: bytes) -> Path | None:
    """Writes a file atomically, after its last version, which is returned, where that says something else."""
    old = path.read_bytes() if path.is_file() else None
    if old == data:
        return None
    kept = None if old is None else path.with_name(path.name + BACKUP)
    if kept is not None and old is not None:
        write_atomically(kept, old)
    write_atomically(path, data)
    return kept


def keys_were_given(faults: Sequence[Fault]) -> bool:
    """True when reading gave or changed row keys, so that the file should be written again to keep them."""
    return any(fault.severity == "repaired" and fault.column == "row" for fault in faults)
