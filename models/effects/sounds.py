"""Sound: one kind of sound that the procedural engine can make, and the words that ask for it.

Conventions: makers return float32 samples of shape (2, n_samples) at 48 kHz, peak below 1, exactly
round(duration_s * 48000) samples long; all randomness comes from the generator they are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.clip import Samples

SAMPLE_RATE = 48_000

Maker = Callable[[float, np.random.Generator, str], Samples]
"""(duration_s, rng, description) -> samples; the description colours the sound: "heavy", "distant", "on gravel"."""


@dataclass(frozen=True)
class Sound:
    name: str
    make: Maker
    phrases: tuple[str, ...]
    """Words and phrases, lower case, that name this sound: "rain", "downpour", "drizzle"."""
    natural_s: float
    """How long it is when nobody says."""
    steady: bool
    """True for textures that go on for any length; False for events that begin and end."""
    heard_as: tuple[str, ...]
    """AudioSet class names, as YAMNet spells them, any of which in its top 5 counts as recognised."""
