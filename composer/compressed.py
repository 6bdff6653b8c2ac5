"""Compressed copies of a mix for publishing: mp3, m4a and ogg with a title, through pydub and ffmpeg."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np

from composer.errors import ExportFailed
from composer.files import UNFINISHED

# suffix -> ffmpeg's container and codec
CODECS = {".mp3": ("mp3", "libmp3lame"), ".m4a": ("ipod", "aac"), ".ogg": ("ogg", "libvorbis")}


def export_compressed(mix_path: Path, out_path: Path, *, title: str, bitrate: str = "192k") -> None:
    """Encodes a mix by the suffix of `out_path`, with its title as a tag; the file appears only when it is whole.

    The encoder is given 16 bits, finer than what any of these formats keeps. Raises ExportFailed for other suffixes,
    without ffmpeg, for a mix that cannot be read, and with ffmpeg's last words when it fails.
    """
    if out_path.suffix.lower() not in CODECS:
        raise ExportFailed(f"{out_path.name}: no such compressed format; there are: {', '.join(CODECS)}")
    if not re.fullmatch(r"[1-9]\d{1,2}k", bitrate):
        raise ExportFailed(f"bitrate {bitrate!r} cannot be used; give kilobits a second, like 192k")
    container, codec = CODECS[out_path.suffix.lower()]
    ffmpeg = find_ffmpeg()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydub looks for ffmpeg on the PATH only and warns when it is elsewhere
        from pydub import AudioSegment
        from pydub.exceptions import CouldntEncodeError

        samples, sample_rate = _read_16_bit(mix_path)
        segment = AudioSegment(
            data=samples.tobytes(), sample_width=2, frame_rate=sample_rate, channels=samples.shape[1]
        )
        segment.converter = ffmpeg
        unfinished = out_path.with_name(out_path.name + UNFINISHED)
        try:
            out_path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb+") as file:
                segment.export(
                    file,
                    format=container,
                    codec=codec,
                    bitrate=bitrate,
                    tags={"title": _one_line(title)},
                    parameters=["-map_metadata", "-1", "-fflags", "+bitexact"],
                )
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, out_path)
        except (CouldntEncodeError, OSError) as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise ExportFailed(f"{out_path}: cannot be written: {str(error).strip()[-400:]}") from error


def find_ffmpeg() -> str:
    """The ffmpeg program on the PATH, else the one of the optional package. Raises ExportFailed."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise ExportFailed(
            "ffmpeg is needed for mp3, m4a and ogg and was not found; put it on the PATH, "
            "or: pip install 'talescape[ffmpeg]'"
        ) from error


def _one_line(title: str) -> str:
    return " ".join(title.replace("\0", " ").split()) or "Untitled"


def _read_16_bit(path: Path) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int16]], int]:
    """The mix as (n_samples, channels), rounded in pieces so that memory holds it once."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            samples = np.empty((file.frames, file.channels), dtype=np.int16)
            at = 0
            for piece in file.blocks(480_000, dtype="float32", always_2d=True):
                samples[at : at + len(piece)] = np.clip(np.rint(piece * 32_768.0), -32_768, 32_767)
                at += len(piece)
            sample_rate = int(file.samplerate)
    except (soundfile.SoundFileError, OSError) as error:
        raise ExportFailed(f"{path}: cannot be read: {error}; render the scene first") from error
    if at < len(samples) or at == 0:
        raise ExportFailed(f"{path}: holds {at} of {len(samples)} samples; render the scene again")
    return samples, sample_rate
