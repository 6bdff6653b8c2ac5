"""The sounds in a report: mp3 that every browser plays, as data URIs, within a bound of size.

Conventions: sizes are in bytes as the page holds them (base64); rates in kbit/s, constant, so that sizes are foreseen.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import soundfile

from composer.errors import ExportFailed
from composer.exports.rendered import Rendered, RenderedRow
from models.clip import Samples

RATE = 48_000
MIX_KBPS = (128, 96, 80, 64)
"""The mix takes the first of these with which it fits into its share."""
MIX_SHARE = 0.6
ROW_KBPS = 64
LONGEST_ROW_S = 30.0
FADE_S = 0.5
ROW_LUFS = -18.0
"""Rows are played at one loudness: beds by themselves are too soft to judge."""
HIGHEST_PEAK = 0.9
BLOCK_SAMPLES = 480_000
MB = 1_000_000
N_THREADS = 2


@dataclass(frozen=True)
class Player:
    """What a page plays: mp3, or why it plays nothing; `note` says what of the sound is not in it."""

    data: bytes = b""
    note: str = ""

    @property
    def uri(self) -> str:
        return "data:audio/mpeg;base64," + base64.b64encode(self.data).decode("ascii")

    @property
    def n_bytes(self) -> int:
        return written_bytes(len(self.data))


def written_bytes(n_bytes: int) -> int:
    """How many letters base64 takes."""
    return -(-n_bytes // 3) * 4


def foreseen_bytes(n_samples: int, kbps: int) -> int:
    """What a sound of 48 kHz will take in the page; an mp3 has a few frames more than its sound needs."""
    return written_bytes(round((n_samples / RATE + 0.2) * kbps * 125))


@dataclass(frozen=True)
class Sounds:
    mix: Player
    rows: dict[str, Player]

    @property
    def left_out(self) -> list[str]:
        """Keys of the rows without a player."""
        return [row for row, player in self.rows.items() if not player.data]


def embed(rendered: Rendered, max_mb: float) -> Sounds:
    """Encodes the mix and then row after row, as far as `max_mb` megabytes hold them. Raises ExportFailed."""
    left = max_mb * MB
    mix_path, n_samples = rendered.scene.mix_path, rendered.n_samples
    kbps = next((rate for rate in MIX_KBPS if foreseen_bytes(n_samples, rate) <= MIX_SHARE * left), None)
    if kbps is not None:
        left -= foreseen_bytes(n_samples, kbps)
    wanted = []
    for row in rendered.rows:
        heard = min(row.placement.clip.n_samples, round(LONGEST_ROW_S * RATE))
        left -= foreseen_bytes(heard, ROW_KBPS)
        if left < 0:
            break
        wanted.append(row)
    with ThreadPoolExecutor(N_THREADS) as executor:
        mixing = executor.submit(_mp3, mix_path, kbps) if kbps is not None else None
        made = dict(zip((row.row for row in wanted), executor.map(_row_player, wanted), strict=True))
        mix = Player(mixing.result()) if mixing else Player(note=_too_large(n_samples, max_mb))
    over = Player(note=f"left out: the page would pass {max_mb:g} MB of sound")
    return Sounds(mix, {row.row: made.get(row.row, over) for row in rendered.rows})


def _too_large(n_samples: int, max_mb: float) -> str:
    least_mb = ceil(foreseen_bytes(n_samples, MIX_KBPS[-1]) / MIX_SHARE / MB)
    return (
        f"The mix is left out: the page may hold {max_mb:g} MB of sound, and the mix alone needs --max-mb "
        f"{least_mb}. It is in mix.wav."
    )


def _row_player(row: RenderedRow) -> Player:
    clip = row.placement.clip
    gain = np.float32(10.0 ** ((ROW_LUFS - clip.loudness_lufs) / 20.0)) if np.isfinite(clip.loudness_lufs) else 1.0
    n_samples = min(clip.n_samples, round(LONGEST_ROW_S * RATE))
    is_cut = n_samples < clip.n_samples
    note = f"the first {LONGEST_ROW_S:.0f} s of {clip.n_samples / RATE:.0f} s" if is_cut else ""
    return Player(_mp3(clip.path, ROW_KBPS, n_samples=n_samples, gain=float(gain), fades=is_cut), note)


def _mp3(
    path: Path, kbps: int, *, n_samples: int | None = None, gain: float | None = None, fades: bool = False
) -> bytes:
    """A file as mp3; with a `gain` as a mono sound that passes no peak, faded at its end if so wished."""
    try:
        with soundfile.SoundFile(path) as file:
            n_channels = file.channels if gain is None else 1
            blocks = _blocks(file) if gain is None else iter([_mono(file, n_samples or file.frames, gain, fades)])
            return _encoded(blocks, n_channels, kbps)
    except (soundfile.SoundFileError, OSError) as error:
        raise ExportFailed(f"{path}: cannot be put into the report: {error}; render the scene again") from error


def _blocks(file: soundfile.SoundFile) -> Iterator[Samples]:
    yield from file.blocks(BLOCK_SAMPLES, dtype="float32", always_2d=True)


def _mono(file: soundfile.SoundFile, n_samples: int, gain: float, fades: bool) -> Samples:
    samples = file.read(n_samples, dtype="float32", always_2d=True).mean(axis=1)
    peak = float(np.abs(samples).max(initial=0.0))
    samples *= np.float32(min(gain, HIGHEST_PEAK / peak) if peak > 0.0 else 0.0)
    if fades:
        n_fade = min(len(samples), round(FADE_S * RATE))
        samples[len(samples) - n_fade :] *= np.linspace(1.0, 0.0, n_fade, dtype=np.float32)
    return np.asarray(samples, dtype=np.float32)


def _encoded(blocks: Iterator[Samples], n_channels: int, kbps: int) -> bytes:
    if "MP3" not in soundfile.available_formats():
        raise ExportFailed("this libsndfile cannot write mp3; install soundfile 0.12 or newer from PyPI")
    out = io.BytesIO()
    level = (320 - kbps) / 288  # libsndfile's scale from 320 to 32 kbit/s
    with soundfile.SoundFile(
        out,
        "w",
        samplerate=RATE,
        channels=n_channels,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=level,
        bitrate_mode="CONSTANT",
    ) as file:
        for block in blocks:
            file.write(block)
    return out.getvalue()
