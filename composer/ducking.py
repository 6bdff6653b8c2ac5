"""Ducking: how far beds go down, from the loudness of the speech bus itself.

Conventions: a frame is 10 ms; levels are mean squares, both sides summed; the envelope is a linear gain per frame
border, joined by straight lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.clip import Samples

FRAME_SAMPLES = 480
ATTACK_FRAMES = 8
"""Beds begin to fall 80 ms before the first sound of a word and are down when it comes."""
HOLD_FRAMES = 25
RELEASE_FRAMES = 40
UNDER_SPEECH_DB = 25.0
"""A frame counts as speech when it is less than this below the quietest row's loudness."""


def frame_levels(speech: Samples) -> NDArray[np.float32]:
    """Mean square of each 10 ms of a stereo block; the last frame may be cut short."""
    n_frames = -(-speech.shape[1] // FRAME_SAMPLES)
    padded = speech
    if speech.shape[1] % FRAME_SAMPLES:
        padded = np.pad(speech, ((0, 0), (0, n_frames * FRAME_SAMPLES - speech.shape[1])))
    frames = padded.reshape(2, n_frames, FRAME_SAMPLES)
    return np.asarray(np.einsum("cnf,cnf->n", frames, frames) / FRAME_SAMPLES, dtype=np.float32)


def duck_gains(levels: NDArray[np.float32], quietest_lufs: float, duck_db: float) -> NDArray[np.float32]:
    """Gains at the borders of frames, (n_frames + 1,): `duck_db` down while speech sounds, 0 dB far from it."""
    threshold = 10.0 ** (float(np.clip(quietest_lufs - UNDER_SPEECH_DB, -70.0, -35.0)) / 10.0)
    sounds = levels > threshold
    borders = np.zeros(len(levels) + 1, dtype=np.float32)
    borders[:-1] = sounds
    np.maximum(borders[1:], sounds, out=borders[1:])
    index = np.arange(len(borders), dtype=np.float32)
    last_sound = np.maximum.accumulate(np.where(borders > 0, index, np.float32(-np.inf)))
    next_sound = np.minimum.accumulate(np.where(borders > 0, index, np.float32(np.inf))[::-1])[::-1]
    after = 1.0 - np.clip((index - last_sound - HOLD_FRAMES) / RELEASE_FRAMES, 0.0, 1.0)
    before = 1.0 - np.clip((next_sound - index) / ATTACK_FRAMES, 0.0, 1.0)
    depth = np.maximum(after, before)
    return np.asarray(10.0 ** (-duck_db * depth / 20.0), dtype=np.float32)


def along(borders: NDArray[np.float32], step_samples: int) -> NDArray[np.float32]:
    """Values at borders `step_samples` apart -> one value a sample, by straight lines."""
    ramp = np.arange(step_samples, dtype=np.float32) / np.float32(step_samples)
    rise = np.diff(borders)[:, None]
    return np.asarray(borders[:-1, None] + rise * ramp, dtype=np.float32).reshape(-1)
