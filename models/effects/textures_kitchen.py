"""The kitchen as steady sound: something frying, a cat purring beside the stove.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import phrases
from models.effects.sounds import Sound


def frying(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Fat in a hot pan: water that bursts into steam in thousands of small crackles, and the hiss of it."""
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    bank = []
    for _ in range(60):
        n_one = dsp.count(0.012)
        low_hz = float(np.exp(rng.uniform(np.log(1200), np.log(6000))))
        pop = dsp.band_noise(n_one, rng, low_hz, min(3.0 * low_hz, 16_000.0))
        bank.append(dsp.at_peak(pop * dsp.pulse(n_one, 0.0003, float(rng.uniform(0.003, 0.012))), 1.0))
    crackle = dsp.scatter(n, float(np.interp(force, [-1, 0, 1], [70, 160, 400])), bank, rng, spread_db=7.0)
    hiss = dsp.wide_noise(n, rng, [(200, -20), (1000, -8), (4000, 0), (9000, 0), (16_000, -8)])
    out = dsp.at_rms(crackle, 0.05) + np.float32(0.04) * hiss * dsp.slow_curve(n, rng, 3.0, 0.6, 1.1)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.6)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.03, 0.05, 0.08]))))


def purring(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A cat purrs: a rattle some 25 times a second, breathed in and, a little lower, out (Remmers & Gautier 1972)."""
    n = dsp.count(duration_s)
    t = dsp.times(n) + np.float32(rng.uniform(0.0, 3.0))
    breath = np.sin(2 * np.pi * t / 1.9)
    hz = float(rng.uniform(24.0, 28.0)) * (1 + 0.08 * np.sign(breath)) * (1 + 0.02 * dsp.wander(n, rng, 5.0))
    pulses = dsp.harmonics(hz, list(np.arange(1, 60) ** -0.25))
    rattle = dsp.shape(pulses, [(40, -12), (90, 0), (250, -3), (700, -14), (2500, -28)])
    hiss = dsp.shaped_noise(n, rng, [(150, -12), (400, 0), (1500, -6), (6000, -20)]) * (0.4 + np.abs(pulses))
    level = 0.25 + 0.75 * np.abs(breath) ** 0.7
    out = (dsp.at_rms(rattle, 0.05) + dsp.at_rms(np.asarray(hiss, np.float32), 0.015)) * level.astype(np.float32)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.6)
    return dsp.tamed(dsp.at_rms(dsp.pan(out, 0.0), 0.05))


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "frying",
        frying,
        phrases(
            "frying, frying pan, sizzling, sizzling pan, frying bacon, bacon sizzling, bacon frying, food frying, "
            "sizzle, frying food, frying eggs, oil sizzling, bacon, cooking, stir fry, meat sizzling, frying fish, "
            "sizzling meat"
        ),
        15.0,
        True,
        ("Frying (food)", "Sizzle"),
    ),
    Sound(
        "purring",
        purring,
        phrases("cat purring, purring, purr, purring cat, cat purrs, purrs, purring kitten, kitten purring"),
        10.0,
        True,
        ("Purr", "Cat"),
    ),
)
