"""Where separated sounds go: safe file names of queries, and a refusal to write over the recording itself."""

from __future__ import annotations

import mimetypes
import re
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from composer.errors import ComposerError
from composer.sound_files import BITS, CONTAINERS, LOSSY, SoundFile, subtype_like, suffix_like

MAX_NAME_BYTES = 80
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}
"""File names that Windows keeps for itself."""


def output_paths(source: SoundFile, names: Sequence[str], output: Path) -> dict[str, Path]:
    """A path for each name: `output` itself when it is a sound file's name, else files in that folder.

    Raises ComposerError when a path is the recording itself or cannot be.
    """
    suffix = output.suffix.lower()
    if output.is_dir() or not (suffix in CONTAINERS or _is_media(output)):
        paths = {
            name: output / f"{stem}{suffix_like(source)}" for name, stem in zip(names, file_stems(names), strict=True)
        }
    elif suffix not in CONTAINERS:
        raise ComposerError(f"{output}: {suffix} cannot be written; there are: {', '.join(CONTAINERS)}")
    elif len(names) > 1:
        raise ComposerError(f"{output}: {len(names)} files are to be written; name a folder")
    else:
        paths = {names[0]: output}
    for path in paths.values():
        _refuse_source(path, source.path)
        if path.is_dir():
            raise ComposerError(f"{path}: is a folder; move it away, or name another output")
    return paths


def make_room(source: SoundFile, paths: Sequence[Path]) -> None:
    """Makes the folder of the outputs. Raises ComposerError when it cannot be or the files do not fit on its disk."""
    folder = paths[0].parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ComposerError(f"{folder}: cannot be made a folder: {error.strerror}") from error
    needed = sum(_n_bytes(source, path) for path in paths)
    if needed > free:
        raise ComposerError(f"{folder}: {needed:,} bytes are needed, {free:,} are free; make room or name another disk")


def refuse_picture(path: Path, source: Path, outputs: Sequence[Path]) -> None:
    """Raises ComposerError when a picture would be written over the recording or an output, is a folder or no PNG."""
    _refuse_source(path, source)
    if path.is_dir():
        raise ComposerError(f"{path}: is a folder; name a file")
    if path.absolute() in (output.absolute() for output in outputs):
        raise ComposerError(f"{path}: is an output too; name another file for the picture")
    if path.suffix.lower() != ".png":
        raise ComposerError(f"{path}: the picture is a PNG; give its name the end .png")


def _refuse_source(path: Path, source: Path) -> None:
    if path.exists() and path.samefile(source):
        raise ComposerError(f"{path}: is the recording itself; name another output")


def _is_media(path: Path) -> bool:
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind.startswith(("audio/", "video/"))


def _n_bytes(source: SoundFile, path: Path) -> int:
    """The least that a file will take; compressed ones are not foreseen."""
    subtype = subtype_like(source, path.suffix.lower())
    if path.suffix.lower() == ".flac" or CONTAINERS[path.suffix.lower()] in LOSSY:
        return 0
    n_bits = BITS.get(subtype) or (64 if subtype == "DOUBLE" else 32)
    return source.n_samples * source.n_channels * n_bits // 8


def file_stems(names: Sequence[str]) -> list[str]:
    """A file name without suffix for each text: letters and digits of any script, distinct on every file system."""
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = _stem(name)
        distinct, number = stem, 1
        while distinct.casefold() in taken:
            number += 1
            distinct = f"{stem}-{number}"
        taken.add(distinct.casefold())
        stems.append(distinct)
    return stems


def _stem(text: str) -> str:
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", text)).strip("-")
    cut = words.encode("utf-8", "ignore")[:MAX_NAME_BYTES].decode("utf-8", "ignore").strip("-")
    if not cut:
        return "query"
    return f"{cut}-sound" if cut.casefold() in RESERVED else cut
