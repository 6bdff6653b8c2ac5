"""Animals as steady sound: bees.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import phrases
from models.effects.sounds import Sound


def _levels(description: str, weak: float, plain: float, strong: float) -> float:
    return float(np.interp(dsp.strength(description), [-1, 0, 1], [weak, plain, strong]))


def _in_the_open(samples: Samples, rng: np.random.Generator, description: str, rms: float) -> Samples:
    """With a little air, far away where the words say so, at a level that follows them."""
    out = dsp.at_rms(dsp.reverb(samples, rng, t60_s=1.0, mix=0.15, cutoff_hz=5000), 0.05)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.6)
        rms *= 0.5
    air = dsp.wide_noise(out.shape[1], rng, [(60, 0), (300, -3), (2000, -14), (9000, -30)])
    return dsp.tamed(dsp.at_rms(out + np.float32(0.0015) * air, rms * _levels(description, 0.6, 1.0, 1.5)))


def bees(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A swarm: wings that beat about 230 times a second, each bee coming and going on its own way."""
    n = dsp.count(duration_s)
    out = np.zeros((2, n), np.float32)
    gains = list(1 / np.arange(1, 24) ** 0.9)
    one = dsp.says(description, "bee", "fly", "wasp", "hornet", "bumblebee", "housefly")
    for _ in range(2 if one else int(_levels(description, 5, 9, 16))):
        base_hz = float(rng.uniform(190, 270))
        hz = base_hz * (1 + 0.05 * dsp.wander(n, rng, 1.2) + 0.006 * dsp.wander(n, rng, 30.0))
        near = dsp.slow_curve(n, rng, 0.7, 0.05, 1.0) ** 2
        buzz = dsp.harmonics(hz, gains) * near
        side = dsp.slow_curve(n, rng, 0.4, 0.1, 0.9) * np.float32(np.pi / 2)
        out += np.stack([np.cos(side) * buzz, np.sin(side) * buzz])
    shaped = np.stack([dsp.shape(row, [(100, -20), (220, 0), (900, -2), (3000, -10), (9000, -24)]) for row in out])
    return _in_the_open(shaped, rng, description, 0.06)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "bees",
        bees,
        phrases(
            "bees buzzing, bees, bee, bee buzzing, swarm of bees, beehive, wasp, wasps, hornet, buzzing insects, "
            "fly buzzing, flies buzzing, buzzing flies, buzzing, bumblebee, buzz, swarm"
        ),
        15.0,
        True,
        ("Bee, wasp, etc.", "Buzz", "Fly, housefly", "Insect"),
    ),
)
