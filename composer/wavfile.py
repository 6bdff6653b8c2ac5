"""Stereo WAV files that are written in place and appear under their name only when they are whole.

Conventions: samples are float32, shape (2, n_samples); a file is float32 or 24-bit PCM at a fixed length that is known
before the first sample. Files over 4 GiB are RF64 (EBU Tech 3306), which libsndfile, ffmpeg and DAWs read.
"""

from __future__ import annotations

import os
import struct
from io import FileIO
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from composer.files import UNFINISHED
from models.clip import Samples

N_CHANNELS = 2


class StereoWav:
    """A file under construction; silence is what nobody has written. `finish` gives it its name."""

    def __init__(self, path: Path, *, n_samples: int, sample_rate: int, n_bits: int) -> None:
        self.path, self.n_samples, self._sample_bytes = path, n_samples, n_bits // 8
        self._unfinished = path.with_name(path.name + UNFINISHED)
        header = wav_header(n_samples, sample_rate, N_CHANNELS, n_bits, is_float=n_bits == 32)
        self._data_offset = len(header)
        self._file = FileIO(self._unfinished, "w+")
        try:
            self._write(0, header)
            self._file.truncate(len(header) + n_samples * N_CHANNELS * self._sample_bytes)
        except OSError:
            self._file.close()
            self._unfinished.unlink(missing_ok=True)
            raise

    def __enter__(self) -> StereoWav:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is not None:
            self._unfinished.unlink(missing_ok=True)

    def write(self, begin: int, samples: Samples) -> None:
        """Puts (2, n_samples) where they belong."""
        frames = np.empty((samples.shape[1], N_CHANNELS), dtype=np.float32)
        frames[:, 0], frames[:, 1] = samples
        self.write_frames(begin, frames)

    def write_frames(self, begin: int, frames: Samples) -> None:
        """Puts interleaved (n_samples, 2) where they belong."""
        data = _octets(frames) if self._sample_bytes == 4 else memoryview(_as_pcm_24(frames))
        self._write(self._data_offset + begin * N_CHANNELS * self._sample_bytes, data)

    def read_frames(self, begin: int, end: int) -> Samples:
        """What a float file holds there, interleaved (end - begin, 2)."""
        assert self._sample_bytes == 4
        frames = np.empty((end - begin, N_CHANNELS), dtype=np.float32)
        view = _octets(frames)
        self._file.seek(self._data_offset + begin * N_CHANNELS * 4)
        while len(view):
            n_bytes = self._file.readinto(view)
            if not n_bytes:
                raise OSError(f"{self._unfinished}: ends too early")
            view = view[n_bytes:]
        return frames

    def flush(self) -> None:
        """Everything on the disk."""
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """The file under its own name."""
        self._file.close()
        os.replace(self._unfinished, self.path)

    def _write(self, offset: int, data: bytes | memoryview) -> None:
        self._file.seek(offset)
        view = memoryview(data)
        while len(view):
            view = view[self._file.write(view) :]


def _octets(frames: Samples) -> memoryview:
    return frames.reshape(-1).view(np.uint8).data


def _as_pcm_24(frames: Samples) -> bytes:
    scaled = frames * np.float32(2**23)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -(2**23), 2**23 - 1, out=scaled)
    octets: NDArray[np.uint8] = scaled.astype("<i4").reshape(-1, 1).view(np.uint8)
    return octets[:, :3].tobytes()


def wav_header(
    n_samples: int, sample_rate: int, n_channels: int, n_bits: int, *, is_float: bool, before: bytes = b""
) -> bytes:
    """What comes before the samples: RIFF, or RF64 when the file is larger than 4 GiB; `before` are whole chunks."""
    frame_bytes = n_channels * n_bits // 8
    n_bytes = n_samples * frame_bytes
    chunks = b"fmt " + struct.pack(
        "<IHHIIHH",
        16,
        3 if is_float else 1,
        n_channels,
        sample_rate,
        sample_rate * frame_bytes,
        frame_bytes,
        n_bits,
    )
    if is_float:
        chunks += b"fact" + struct.pack("<II", 4, min(n_samples, 0xFFFFFFFF))
    chunks = before + chunks
    riff_bytes = 4 + len(chunks) + 8 + n_bytes
    if riff_bytes <= 0xFFFFFFFF:
        return b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVE" + chunks + b"data" + struct.pack("<I", n_bytes)
    sizes = b"ds64" + struct.pack("<IQQQI", 28, riff_bytes + 36, n_bytes, n_samples, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + sizes + chunks + b"data\xff\xff\xff\xff"
