"""The cache of rendered clips: one WAV and one receipt for each fingerprint.

A clip is there when its receipt can be read and its WAV has the size that the receipt names; the receipt is written
last, so a kill at any moment leaves a clip that is either whole or made again.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from composer.cleaning import Cleaning
from composer.files import write_atomically
from composer.timeline import ClipFile
from models.audio import loudness_lufs
from models.clip import Clip, resample, with_channels, write_clip
from models.errors import SynthesisFailed

SAMPLE_RATE = 48_000
"""Clips are kept at the scene's rate, so that mixing never resamples."""


class ClipReceipt(BaseModel):
    """What was made, by whom, and what the timeline needs to know of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    engine_version: str
    text: str
    n_samples: int
    n_channels: int
    n_bytes: int
    loudness_lufs: float
    bars: tuple[int, ...] = ()
    ending_sample: int | None = None
    seconds_spent: float
    credits: dict[str, str] = {}
    cleaning: Cleaning | None = None


def clip_path(clips_dir: Path, fingerprint: str) -> Path:
    return clips_dir / f"{fingerprint}.wav"


def receipt_path(clips_dir: Path, fingerprint: str) -> Path:
    return clips_dir / f"{fingerprint}.json"


def find_clip(clips_dir: Path, fingerprint: str) -> ClipReceipt | None:
    """The receipt of a clip that is wholly there, else None."""
    try:
        receipt = ClipReceipt.model_validate_json(receipt_path(clips_dir, fingerprint).read_bytes())
        n_bytes = clip_path(clips_dir, fingerprint).stat().st_size
    except (OSError, ValidationError):
        return None
    return receipt if n_bytes == receipt.n_bytes else None


def keep_clip(
    clips_dir: Path,
    fingerprint: str,
    clip: Clip,
    *,
    engine: str,
    engine_version: str,
    text: str,
    seconds_spent: float,
    cleaning: Cleaning | None = None,
) -> ClipReceipt:
    """Checks a fresh clip, brings it to 48 kHz and one or two channels, measures it and stores it.

    Raises SynthesisFailed when it is empty, silent or holds what is no number; OSError when the disk refuses.
    """
    if clip.n_samples == 0:
        raise SynthesisFailed(f"{engine} gave an empty clip for {text[:60]!r}")
    if not np.isfinite(clip.samples).all():
        raise SynthesisFailed(f"{engine} gave samples that are not finite numbers for {text[:60]!r}")
    if not np.abs(clip.samples).max() > 1e-6:
        raise SynthesisFailed(f"{engine} gave silence for {text[:60]!r}")
    kept = resample(with_channels(clip, min(clip.n_channels, 2)), SAMPLE_RATE)
    path = clip_path(clips_dir, fingerprint)
    write_clip(kept, path)
    receipt = ClipReceipt(
        engine=engine,
        engine_version=engine_version,
        text=text,
        n_samples=kept.n_samples,
        n_channels=kept.n_channels,
        n_bytes=path.stat().st_size,
        loudness_lufs=loudness_lufs(kept.samples, SAMPLE_RATE),
        bars=kept.bars,
        ending_sample=kept.ending_sample,
        seconds_spent=seconds_spent,
        credits=clip.credits,
        cleaning=cleaning,
    )
    write_atomically(receipt_path(clips_dir, fingerprint), receipt.model_dump_json(indent=1))
    return receipt


def clip_file(clips_dir: Path, fingerprint: str, receipt: ClipReceipt) -> ClipFile:
    """The clip as the timeline wants it."""
    return ClipFile(
        path=clip_path(clips_dir, fingerprint),
        n_samples=receipt.n_samples,
        n_channels=receipt.n_channels,
        loudness_lufs=receipt.loudness_lufs,
        bars=receipt.bars,
        ending_sample=receipt.ending_sample,
    )


def seconds_by_engine(clips_dir: Path) -> dict[str, tuple[float, float]]:
    """Engine -> (seconds of work, seconds of sound) over all receipts here: what estimates learn from."""
    totals: dict[str, tuple[float, float]] = {}
    for path in clips_dir.glob("*.json") if clips_dir.is_dir() else ():
        try:
            receipt = json.loads(path.read_bytes())
            work_s, sound_s = totals.get(receipt["engine"], (0.0, 0.0))
            totals[receipt["engine"]] = work_s + receipt["seconds_spent"], sound_s + receipt["n_samples"] / SAMPLE_RATE
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return totals
