"""Clip: samples that travel with their rate; reading, writing and resampling them.

Conventions: samples are float32, shape (channels, n_samples), about [-1, 1].
"""

from __future__ import annotations

import errno
import os
import struct
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import AudioUnreadable

Samples = NDArray[np.float32]

MAX_CHANNELS = 32
MAX_SAMPLE_RATE = 768_000
MIN_SAMPLE_RATE = 1_000
MAX_NUMBERS = 500_000_000
"""2 GB of float32: an hour in stereo at 48 kHz is 346 million."""
BLOCK_FRAMES = 262_144


ORIGIN, BUNDLED = "origin", "bundled"
"""A credit of clips that ship with the program, which hold one sound each."""


@dataclass(frozen=True)
class Clip:
    """Sound with its rate.

    A clip that may be stretched to any length names its joints: `bars` are the samples where the body
    may be cut and joined (bar lines, ascending, the first is where the body begins to repeat) and
    `ending_sample` is where its ending starts. A clip without them is looped by crossfading its ends.
    """

    samples: Samples
    sample_rate: int
    bars: tuple[int, ...] = ()
    ending_sample: int | None = None
    credits: dict[str, str] = field(default_factory=dict)
    """Where it comes from: any of licence, source, author, link; an empty dict is our own synthesis."""

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise ValueError(
                f"samples must be float32 (channels, n_samples), not {self.samples.dtype} {self.samples.shape}"
            )
        if self.sample_rate <= 0:
            raise ValueError(f"sample_rate must be positive, not {self.sample_rate}")

    @property
    def n_channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def n_samples(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate


def resample(clip: Clip, sample_rate: int) -> Clip:
    """The clip at another rate (soxr, very high quality); joints move with it."""
    if sample_rate == clip.sample_rate:
        return clip
    import soxr

    ratio = sample_rate / clip.sample_rate
    samples = soxr.resample(clip.samples.T, clip.sample_rate, sample_rate, quality="VHQ").T
    return replace(
        clip,
        samples=np.ascontiguousarray(samples, dtype=np.float32),
        sample_rate=sample_rate,
        bars=tuple(round(bar * ratio) for bar in clip.bars),
        ending_sample=None if clip.ending_sample is None else round(clip.ending_sample * ratio),
    )


def with_channels(clip: Clip, n_channels: int) -> Clip:
    """The clip with one or two channels; mono is copied to both sides, more channels are averaged."""
    if clip.n_channels == n_channels:
        return clip
    if n_channels == 1:
        return replace(clip, samples=clip.samples.mean(axis=0, keepdims=True, dtype=np.float32))
    if clip.n_channels == 1:
        return replace(clip, samples=np.repeat(clip.samples, n_channels, axis=0))
    mono = clip.samples.mean(axis=0, keepdims=True, dtype=np.float32)
    return replace(clip, samples=np.repeat(mono, n_channels, axis=0))


def read_clip(path: Path, *, max_duration_s: float = 3600.0) -> Clip:
    """Reads an audio file with libsndfile.

    Refuses what cannot be used: not audio, cut short, over `max_duration_s`, over 32 channels, rates outside
    1 to 768 kHz, over 500 million numbers, and samples that are not finite. Raises AudioUnreadable with the file's
    name.
    """
    import soundfile

    probe_clip(path, max_duration_s=max_duration_s)
    try:
        with soundfile.SoundFile(path) as file:
            sample_rate, declared = file.samplerate, file.frames
            samples = np.empty((file.channels, declared), dtype=np.float32)
            at = 0
            for block in file.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                if not np.isfinite(block).all():
                    where_s = (at + float(np.argmin(np.isfinite(block).all(axis=1)))) / sample_rate
                    raise AudioUnreadable(f"{path}: holds a sample that is not a finite number at {where_s:.3f} s")
                samples[:, at : at + len(block)] = block.T
                at += len(block)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise _not_audio(path, error) from error
    if at < declared:
        raise AudioUnreadable(f"{path}: is cut short: {at} of {declared} frames are there")
    return Clip(samples, sample_rate)


def probe_clip(path: Path, *, max_duration_s: float = 3600.0) -> None:
    """Raises AudioUnreadable for what read_clip refuses and a header gives away: costs no time on any file."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            refuse_header(path, file.frames, file.channels, file.samplerate, max_duration_s)
            n_frames = file.frames
        missing = missing_wav_bytes(path)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise _not_audio(path, error) from error
    if missing:
        raise AudioUnreadable(f"{path}: is cut short: {missing:,} bytes of its samples are missing")
    if n_frames == 0:
        raise AudioUnreadable(f"{path}: holds no samples")


def _not_audio(path: Path, error: Exception) -> AudioUnreadable:
    reason = str(error).rpartition("': ")[2].rstrip(".")  # libsndfile's reason, without the path once more
    return AudioUnreadable(f"{path}: cannot be read as audio: {reason}; wav, flac, ogg, mp3 and aiff are read")


def refuse_header(path: Path, n_frames: int, n_channels: int, sample_rate: int, max_duration_s: float) -> None:
    """Raises AudioUnreadable when a header tells of more than is read."""
    if n_channels > MAX_CHANNELS:
        raise AudioUnreadable(f"{path}: has {n_channels} channels, at most {MAX_CHANNELS} are read")
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise AudioUnreadable(
            f"{path}: has a sample rate of {sample_rate} Hz, {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} are read"
        )
    if n_frames > max_duration_s * sample_rate:
        raise AudioUnreadable(
            f"{path}: says it is {n_frames / sample_rate:,.0f} s long, "
            f"at most {max_duration_s:,.0f} s are read; cut it first"
        )
    if n_frames * n_channels > MAX_NUMBERS:
        raise AudioUnreadable(
            f"{path}: says it holds {n_frames:,} samples in {n_channels} channels, at most {MAX_NUMBERS:,} numbers "
            "are read; cut it, or bring it to 48 kHz and two channels first"
        )


def missing_wav_bytes(path: Path) -> int:
    """How many bytes of samples a WAV file promises and lacks: libsndfile reads a cut file without a word.

    Chunks follow Microsoft's RIFF layout; a size of 2^32 - 1 is a stream's "until the end" and promises nothing.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        position = 12
        while position + 8 <= size:
            file.seek(position)
            name, n_bytes = struct.unpack("<4sI", file.read(8))
            position += 8
            if name == b"data":
                return max(0, position + n_bytes - size) if n_bytes < 2**32 - 1 else 0
            position += n_bytes + n_bytes % 2
    return 0


def write_clip(clip: Clip, path: Path) -> None:
    """Writes a float32 WAV file under a temporary name, flushes it to the disk, then renames it: never half a file.

    The same clip gives the same bytes: libsndfile would put the time of day into its PEAK chunk. Raises OSError when
    the disk does not take all of it; the temporary file is removed then.
    """
    unfinished = path.with_name(path.name + ".part")
    frames = np.ascontiguousarray(clip.samples.T, dtype="<f4")
    try:
        with unfinished.open("wb") as file:
            file.write(_float_wav_header(clip, frames.nbytes))
            file.write(frames.data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def _float_wav_header(clip: Clip, n_bytes: int) -> bytes:
    """RIFF with the chunks that Microsoft asks of a WAV that is not PCM: fmt, fact, data."""
    frame_bytes = 4 * clip.n_channels
    chunks = b"WAVEfmt " + struct.pack(
        "<IHHIIHH", 16, 3, clip.n_channels, clip.sample_rate, clip.sample_rate * frame_bytes, frame_bytes, 32
    )
    chunks += b"fact" + struct.pack("<II", 4, clip.n_samples) + b"data"
    if len(chunks) + 4 + n_bytes >= 2**32:
        raise OSError(errno.EFBIG, f"{clip.duration_s:,.0f} s of sound do not fit into a WAV file")
    return b"RIFF" + struct.pack("<I", len(chunks) + 4 + n_bytes) + chunks + struct.pack("<I", n_bytes)
