"""Cleaning: of a recording, the sound that its row describes is kept, where a check says that this helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict

from composer.settings import CleanMode
from models.audio import loudness_lufs
from models.clip import Clip
from models.clipsep import checkpoint_version
from models.clipsep.level import GatedLevel
from models.clipsep.streaming import Recording
from models.engines import SoundQuery, separator
from models.threads import one_thread

SEPARATOR = "clipsep"
SURE = 0.6
"""Below this confidence that the described sound is there, auto keeps the recording as it is: a net that hedges takes
away from the sound too."""
TOO_LITTLE_DB = -12.0
"""A sound this far below the recording is not worth keeping."""
NOTHING_ELSE_DB = -4.5
"""A rest this far below the recording is not worth taking away: the net leaves as much of clean recordings.

Measured with the bundled net on 27 recordings of nine of ESC-10's sounds (training folds; training.calibrate_clipsep):
all stay as they are when they are clean or have speech 10 or 20 dB below; with speech as loud, 20 are cleaned, by 5.9
dB SDR in the mean. Speech alone, with another sound asked for, is taken for it in 3 of 27 (chainsaw twice, dog)."""


class Cleaning(BaseModel):
    """What was found and decided; levels are the loudness of the recording and of the sound taken out of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str
    separator: str
    before_lufs: float
    after_lufs: float
    residual_lufs: float
    confidence: float
    used: bool
    because: str


def cleaning_version(mode: CleanMode, query: str) -> str | None:
    """What a clip's fingerprint must know of its cleaning: None where none will be tried.

    Raises EngineUnavailable when it must be cleaned and no separator is ready.
    """
    if mode == "never" or not query:
        return None
    version = checkpoint_version()
    if version is None and mode == "always":
        separator(SEPARATOR)  # says what it lacks
    return None if version is None else f"{mode} {SEPARATOR}/{version}"


def clean(clip: Clip, query: str, *, mode: CleanMode) -> tuple[Clip, Cleaning]:
    """The clip, or the sound that `query` names out of it, and why. Raises ModelError.

    `always` takes the sound; `auto` takes it when it is surely there, when something else is there too, and when
    neither of the two is too quiet to matter.
    """
    level = GatedLevel(clip.sample_rate)
    level.add(clip.samples)
    with one_thread():
        separation = separator(SEPARATOR).begin(
            Recording(clip.sample_rate, *clip.samples.shape), [SoundQuery(query)], level_rms=level.rms()
        )
        parts = [part.parts[0] for part in separation.parts([clip.samples])]
        confidence = separation.confidences()[0]
    sound = np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32)
    before, after, residual = (
        loudness_lufs(samples, clip.sample_rate) for samples in (clip.samples, sound, clip.samples - sound)
    )
    used, because = _decision(mode, before, after, residual, confidence)
    told = Cleaning(
        query=query,
        separator=f"{SEPARATOR}/{checkpoint_version()}",
        before_lufs=_finite(before),
        after_lufs=_finite(after),
        residual_lufs=_finite(residual),
        confidence=round(confidence, 3),
        used=used,
        because=because,
    )
    return (replace(clip, samples=sound) if used else clip), told


def _decision(mode: CleanMode, before: float, after: float, residual: float, confidence: float) -> tuple[bool, str]:
    if not after > before - 60.0:
        return False, "nothing of it was found; the recording is used as it is"
    if mode == "always":
        return True, "scene.toml says always"
    if confidence < SURE:
        return False, f"not sure that it is there ({confidence:.2f}); the recording is used as it is"
    if after < before + TOO_LITTLE_DB:
        return False, "too little of it was found; the recording is used as it is"
    if residual < before + NOTHING_ELSE_DB:
        return False, "there is little else in the recording; it is used as it is"
    return True, f"it is there ({confidence:.2f}), and so is something else"


def _finite(lufs: float) -> float:
    """JSON knows no infinity: silence is -120 LUFS here."""
    return round(max(lufs, -120.0), 2)
