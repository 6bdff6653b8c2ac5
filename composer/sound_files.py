"""Sound files of any length, read and written in blocks.

Conventions: blocks are (channels, n_samples), float32, or float64 where a file holds more than float32 can (32-bit PCM,
doubles). What a PCM file holds is k / 2^(bits - 1) for whole k, and is written back as that k.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.errors import ComposerError
from composer.files import UNFINISHED
from composer.wavfile import wav_header
from models.clip import missing_wav_bytes, refuse_header
from models.errors import AudioUnreadable

Blocks = NDArray[np.floating[Any]]

MAX_DURATION_S = 7 * 24 * 3600.0
BLOCK_SAMPLES = 1 << 20
"""Of all channels together."""
CONTAINERS = {
    ".wav": "WAV",
    ".flac": "FLAC",
    ".aiff": "AIFF",
    ".aif": "AIFF",
    ".caf": "CAF",
    ".w64": "W64",
    ".ogg": "OGG",
    ".mp3": "MP3",
}
BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATS = ("FLOAT", "DOUBLE")
LOSSY = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}


@dataclass(frozen=True)
class SoundFile:
    """A file that was looked through from end to end."""

    path: Path
    sample_rate: int
    n_channels: int
    n_samples: int
    container: str
    subtype: str

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate

    def blocks(self) -> Iterator[Blocks]:
        """The samples once more, in order."""
        return read_blocks(self.path)


def read_blocks(path: Path) -> Iterator[Blocks]:
    """The samples of a file. Raises AudioUnreadable for what cannot be used, with the file's name and the place."""
    import soundfile

    if not path.is_file():
        raise AudioUnreadable(f"{path}: is {'a folder' if path.is_dir() else 'not there'}; name a sound file")
    try:
        with soundfile.SoundFile(path) as file:
            refuse_header(path, file.frames, file.channels, file.samplerate, MAX_DURATION_S)
            dtype = "float64" if file.subtype in ("PCM_32", "DOUBLE") else "float32"
            missing = missing_wav_bytes(path)
            if missing:
                raise AudioUnreadable(f"{path}: is cut short: {missing:,} bytes of its samples are missing")
            n_read, n_block = 0, max(1, BLOCK_SAMPLES // file.channels)
            while len(frames := file.read(n_block, dtype=dtype, always_2d=True)):
                if not np.isfinite(frames).all():
                    place_s = (n_read + float(np.argmin(np.isfinite(frames).all(axis=1)))) / file.samplerate
                    raise AudioUnreadable(f"{path}: holds a sample that is not a finite number at {place_s:.3f} s")
                n_read += len(frames)
                yield frames.T
            if n_read < file.frames:
                raise AudioUnreadable(f"{path}: is cut short: {n_read:,} of {file.frames:,} frames are there")
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise AudioUnreadable(f"{path}: cannot be read as audio: {error}") from error
    if n_read == 0:
        raise AudioUnreadable(f"{path}: holds no samples")


def described(path: Path, n_samples: int) -> SoundFile:
    """What the header says of a file whose samples were counted."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        return SoundFile(path, file.samplerate, file.channels, n_samples, file.format, file.subtype)


def suffix_like(source: SoundFile) -> str:
    """The suffix of a file that holds what the source holds: its own where that is lossless, else .wav."""
    return {"FLAC": ".flac", "AIFF": ".aiff"}.get(source.container, ".wav")


def subtype_like(source: SoundFile, suffix: str) -> str:
    """How samples are kept in a file of that suffix: as in the source if it can, else float32 or the most there is."""
    import soundfile

    container = CONTAINERS[suffix]
    if container in LOSSY:
        return LOSSY[container]
    if container == "WAV" and source.subtype == "PCM_S8":
        return "PCM_U8"
    if source.subtype in (*BITS, *FLOATS) and soundfile.check_format(container, source.subtype):
        return source.subtype
    return "FLOAT" if soundfile.check_format(container, "FLOAT") else "PCM_24"


def as_kept(samples: Blocks, subtype: str) -> Blocks:
    """The samples as a file of that subtype gives them back."""
    if subtype not in BITS:
        return samples
    full = 2.0 ** (BITS[subtype] - 1)
    return np.clip(np.rint(samples.astype(np.float64) * full), -full, full - 1) / full


class SoundWriter:
    """A file under construction, like `source` in rate, channels and length; `finish` gives it its name."""

    def __init__(self, path: Path, source: SoundFile) -> None:
        import soundfile

        self.path, self._source = path, source
        self.subtype = subtype_like(source, path.suffix.lower())
        self._container = CONTAINERS[path.suffix.lower()]
        self._unfinished = path.with_name(path.name + UNFINISHED)
        self._raw: FileIO | None = None
        try:
            if self._container == "WAV":
                self._raw = FileIO(self._unfinished, "w")
                self._write_raw(self._wav_header())
            else:
                self._encoder = soundfile.SoundFile(
                    self._unfinished, "w", source.sample_rate, source.n_channels, self.subtype, None, self._container
                )
        except (soundfile.LibsndfileError, OSError) as error:
            self._drop()
            raise ComposerError(f"{path}: {_why(error)}") from error

    def __enter__(self) -> SoundWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def write(self, samples: Blocks) -> None:
        """Takes the next samples (channels, n). Raises ComposerError when the disk refuses them."""
        import soundfile

        try:
            if self._raw is not None:
                self._write_raw(_octets(samples, self.subtype))
            else:
                self._encoder.write(_for_libsndfile(samples, self.subtype))
        except (soundfile.LibsndfileError, OSError, AssertionError) as error:  # soundfile asserts that all was taken
            raise ComposerError(f"{self.path}: {_why(error)}") from error

    def finish(self) -> None:
        """The whole file, on the disk and under its own name. Raises ComposerError."""
        import soundfile

        try:
            if self._raw is not None:
                n_bytes = self._raw.tell() - len(self._wav_header())
                self._write_raw(b"\0" * (n_bytes % 2))
                self._raw.close()
            else:
                self._encoder.close()
                if self._container not in LOSSY and soundfile.info(self._unfinished).frames != self._source.n_samples:
                    raise OSError("the disk did not take all of it")
            with self._unfinished.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(self._unfinished, self.path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise ComposerError(f"{self.path}: {_why(error)}") from error

    def _wav_header(self) -> bytes:
        source, n_bits = self._source, BITS.get(self.subtype) or (64 if self.subtype == "DOUBLE" else 32)
        return wav_header(
            source.n_samples, source.sample_rate, source.n_channels, n_bits, is_float=self.subtype not in BITS
        )

    def _write_raw(self, data: bytes | memoryview) -> None:
        assert self._raw is not None
        view = memoryview(data)
        while len(view):
            view = view[self._raw.write(view) :]

    def _drop(self) -> None:
        """Leaves nothing half done; after `finish` there is nothing to remove."""
        if self._raw is not None:
            self._raw.close()
        elif hasattr(self, "_encoder"):
            self._encoder.close()
        with suppress(OSError):
            self._unfinished.unlink(missing_ok=True)


def _why(error: Exception) -> str:
    if isinstance(error, AssertionError):
        return "cannot be written: the disk did not take all of it"
    said = (isinstance(error, OSError) and error.strerror) or getattr(error, "error_string", str(error))
    return f"cannot be written: {said}"


def _whole(samples: Blocks, n_bits: int) -> NDArray[np.int64]:
    full = 2.0 ** (n_bits - 1)
    return np.clip(np.rint(samples.T.astype(np.float64) * full), -full, full - 1).astype(np.int64)


def _octets(samples: Blocks, subtype: str) -> bytes:
    """(channels, n) -> the bytes of a WAV file."""
    if subtype not in BITS:
        return samples.T.astype("<f8" if subtype == "DOUBLE" else "<f4").tobytes()
    whole = _whole(samples, BITS[subtype])
    if subtype == "PCM_U8":
        return (whole + 128).astype(np.uint8).tobytes()
    if subtype == "PCM_24":
        octets: NDArray[np.uint8] = whole.astype("<i4").reshape(-1, 1).view(np.uint8)
        return octets[:, :3].tobytes()
    return whole.astype("<i2" if subtype == "PCM_16" else "<i4").tobytes()


def _for_libsndfile(samples: Blocks, subtype: str) -> NDArray[Any]:
    """(channels, n) -> frames that libsndfile keeps as they are: whole numbers in the upper bits."""
    if subtype not in BITS:
        return np.ascontiguousarray(samples.T)
    return (_whole(samples, BITS[subtype]) << (32 - BITS[subtype])).astype(np.int32)
