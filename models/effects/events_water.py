"""Water as events: splashes, drops, bubbles.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import (
    by_size,
    by_speed,
    finished,
    phrases,
    repeated,
    steps,
)
from models.effects.sounds import Sound


def _bubble(rng: np.random.Generator, low_hz: float, high_hz: float) -> dsp.Mono:
    """One bubble: a sine at its Minnaert frequency that rises as it nears the surface (van den Doel 2005)."""
    hz = float(np.exp(rng.uniform(np.log(low_hz), np.log(high_hz))))
    n = dsp.count(0.1)
    return dsp.tone(hz * (1 + 3 * dsp.times(n))) * dsp.pulse(n, 0.002, 60 / hz + 0.01)


def splash(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Something falls into water: the slap, the crown of drops that falls back, the bubbles that it drags down."""
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    big = by_size(description, 0.6, 1.0, 1.5)
    n = dsp.count(2.5)
    for start_s in steps(duration_s, 0.03, 3.0, rng, 0.0):
        slap = dsp.wide_noise(n, rng, [(100, -6), (400, 0), (1910, 0), (7640, -18)]) * dsp.pulse(n, 0.004, 0.354 * big)
        crown = dsp.wide_noise(n, rng, [(200, -18), (2670 / big, 0), (8010 / big, 0), (14000, -15)])
        drops = np.stack([np.abs(dsp.wander(n, rng, 216.0)), np.abs(dsp.wander(n, rng, 216.0))]) ** 0.637
        crown = np.asarray(crown * dsp.pulse(n, 0.115, 1.65 * big) * drops, dtype=np.float32)
        bank = [_bubble(rng, 314 / big, 1884 / big) for _ in range(60)]
        gulp = dsp.scatter(n, 285.0, bank, rng) * dsp.pulse(n, 0.05, 1.45 * big)
        dsp.place(out, np.asarray(0.39 * slap + 2 * crown + 0.4 * gulp, dtype=np.float32), dsp.count(start_s))
    return finished(out, duration_s, description, peak=0.75, rng=rng)


def drip(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Water drops into water: a tiny click, then two bubbles that rise (Minnaert; van den Doel 2005)."""
    gap_s = by_speed(description, 1.2, 0.5, 0.25)
    cave = dsp.says(description, "cave", "cavern", "dungeon", "sewer", "tunnel", "well")
    n = dsp.count(0.3)
    t = dsp.times(n)
    base_hz = by_size(description, 950, 659, 450)

    def drop(_take: int) -> dsp.Mono:
        hz = base_hz * float(np.exp(rng.normal(0, 0.08)))
        out = np.zeros(n, np.float32)
        n_click = dsp.count(0.05)
        click = dsp.band_noise(n_click, rng, 1000, 5400) * dsp.pulse(n_click, 0.0005, 0.015)
        dsp.place(out, dsp.at_peak(click, 0.125), 0)
        for hz_share, level, t60_s, lag_s in ((1.0, 1.0, 0.155, 0.016), (1.4, 0.25, 0.093, 0.012)):
            bubble = dsp.tone(hz * hz_share * (1 + 10.5 * t)) * dsp.pulse(n, 0.002, t60_s)
            dsp.place(out, bubble, dsp.count(lag_s), level)
        return dsp.at_peak(out, 1.0) * np.float32(rng.uniform(0.5, 1.0))

    out = repeated(duration_s, steps(duration_s, 0.05, gap_s, rng, 0.15), drop)
    wet = dsp.reverb(out, rng, t60_s=2.5 if cave else 1.2, mix=0.25 if cave else 0.13)
    air = dsp.wide_noise(wet.shape[1], rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    return finished(dsp.at_peak(wet, 1.0) + np.float32(0.008) * air, duration_s, description, peak=0.26, rng=rng)


def bubbles(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Air that rises through water: many bubbles of all sizes."""
    n = dsp.count(duration_s)
    bank = []
    for _ in range(60):
        hz = float(np.exp(rng.uniform(np.log(242), np.log(2280)))) * by_size(description, 1.5, 1.0, 0.6)
        n_one = dsp.count(0.12)
        bank.append(dsp.tone(hz * (1 + 12 * dsp.times(n_one))) * dsp.pulse(n_one, 0.0013, 85 / hz + 0.01))
    out = dsp.lowpass(dsp.scatter(n, by_speed(description, 90, 200, 300), bank, rng, spread_db=8.0), 800.0, 1)
    flow = dsp.wide_noise(n, rng, [(100, -12), (300, 0), (900, -3), (3000, -20)])
    out = dsp.at_rms(out, 0.1) + np.float32(0.0865) * flow
    return finished(dsp.reverb(out, rng, t60_s=0.58, mix=0.235), duration_s, description, peak=0.5, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "splash",
        splash,
        phrases("splash, water splash, splashing, plunge, dive into water, splash of water"),
        2.0,
        False,
        ("Splash, splatter",),
    ),
    Sound(
        "water drops",
        drip,
        phrases(
            "water dripping, drip, dripping, water drop, water drops, dripping tap, drops, leaking tap, "
            "droplets, drip in a cave"
        ),
        5.0,
        False,
        ("Drip", "Plop"),
    ),
    Sound(
        "bubbles",
        bubbles,
        phrases("bubbles, bubbling, bubble, potion bubbling, underwater bubbles, boiling potion, bubbling water"),
        4.0,
        False,
        ("Gurgling", "Boiling", "Plop"),
    ),
)
