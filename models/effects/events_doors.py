"""Doors: knocks, creaks and slams.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import (
    by_size,
    by_speed,
    click,
    finished,
    panel,
    phrases,
    repeated,
    steps,
)
from models.effects.sounds import Sound


def knock(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Knuckles on a door, three to five times, then again after a pause."""
    heavy = dsp.strength(description)
    low_hz = 1.0 / by_size(description, 1 / 170, 1 / 120, 1 / 85) * float(rng.uniform(0.92, 1.08))
    gap_s = by_speed(description, 0.36, 0.22, 0.15) * float(rng.uniform(0.92, 1.08))
    n_knocks = int(rng.integers(3, 5)) + (1 if heavy > 0 else 0)
    turn_s = n_knocks * gap_s + 1.4
    starts_s = [
        0.05 + turn_s * turn + gap_s * (step + float(rng.normal(0, 0.03)))
        for turn in range(int(duration_s / turn_s) + 1)
        for step in range(n_knocks)
    ]
    n = dsp.count(0.35)
    body_seed = int(rng.integers(2**32))

    def once(_take: int) -> dsp.Mono:
        body = dsp.at_peak(panel(n, np.random.default_rng(body_seed), low_hz, 0.11, 12, 2.0), 1.0)
        tap = click(n, rng, 500, 2600, 0.02)
        return (body + np.float32(0.5) * tap) * np.float32(rng.uniform(0.7, 1.0))

    out = repeated(duration_s, [start_s for start_s in starts_s if start_s < duration_s] or [0.0], once)
    return finished(dsp.reverb(out, rng, t60_s=0.45, mix=0.18), duration_s, description, peak=0.65, rng=rng)


def slam(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A door that falls shut: the latch, the leaf on its frame, the panel, and the room that answers."""
    metal = dsp.says(description, "metal", "iron", "steel", "prison", "car", "vault", "gate")
    low_hz = 1.0 / by_size(description, 1 / 125, 1 / 96.5, 1 / 70) * float(rng.uniform(0.95, 1.05))
    n_hit = dsp.count(0.8)
    hit = dsp.at_peak(panel(n_hit, rng, low_hz, 0.067, 14, 8.7), 1.0)
    hit += np.float32(1.9) * click(n_hit, rng, 60, 2550, 0.0235) + np.float32(0.088) * click(
        n_hit, rng, 800, 7000, 0.048
    )
    if metal:
        ring_hz = low_hz * 4 * np.cumsum(rng.uniform(0.3, 0.8, 14))
        hit += dsp.at_peak(dsp.modal(n_hit, list(ring_hz), list(rng.uniform(0.3, 0.9, 14)), [1.0] * 14, rng), 0.6)
    out = np.zeros(dsp.count(duration_s), np.float32)
    for start_s in np.arange(0.2, max(duration_s, 0.21), 4.0):
        dsp.place(out, click(dsp.count(0.05), rng, 1200, 6000, 0.02), dsp.count(float(start_s) - 0.041), 0.06)
        dsp.place(out, hit, dsp.count(float(start_s)))
        for rattle in range(1, 4):
            at_s = float(start_s) + 0.0336 * rattle * float(rng.uniform(0.85, 1.15))
            dsp.place(out, hit[: n_hit // 3] * dsp.decay(n_hit // 3, 0.12), dsp.count(at_s), 0.22 / rattle)
    wet = dsp.reverb(out, rng, t60_s=by_size(description, 0.7, 0.97, 1.4), mix=0.56, cutoff_hz=1860)
    return finished(wet, duration_s, description, peak=0.9, rng=rng)


def creak(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A dry hinge: wood and iron that stick and slip, rung by the door (Farnell, Designing Sound, ch. 30)."""
    turn_s = by_speed(description, 3.0, 2.2, 1.3)
    pitch = by_size(description, 1.25, 1.0, 0.75)

    def once(_take: int) -> dsp.Mono:
        return _one_creak(turn_s, rng, pitch) * np.float32(rng.uniform(0.8, 1.0))

    out = repeated(duration_s, steps(duration_s, 0.03, turn_s + 0.3, rng, 0.02), once)
    wet = dsp.at_peak(dsp.reverb(out, rng, t60_s=0.92, mix=0.02), 1.0)
    air = dsp.wide_noise(wet.shape[1], rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    return finished(wet + np.float32(0.0024) * air, duration_s, description, peak=0.37, rng=rng)


def _one_creak(length_s: float, rng: np.random.Generator, pitch: float) -> dsp.Mono:
    """One swing: slips come faster while the door moves faster; the longer it stuck, the harder it slips."""
    n = dsp.count(length_s + 0.2)
    n_grain = dsp.count(0.024)
    slips = np.zeros(n, np.float32)
    at_s = 0.03
    while at_s < length_s:
        swing = np.sin(np.pi * at_s / length_s)
        gap_s = float(np.exp(rng.normal(0, 0.014))) / (8.4 * (1 + 0.3 * swing**2))
        level = float((8.4 * gap_s) ** 0.21 * np.exp(rng.normal(0, 0.13)) * (0.3 + 0.7 * swing))
        slips[dsp.count(at_s)] += 3 * level
        rub = dsp.band_noise(n_grain, rng, 500, 8000) * dsp.pulse(n_grain, 0.0003, 0.02)
        dsp.place(slips, dsp.at_peak(rub, 1.0), dsp.count(at_s), 0.5 * level)
        at_s += gap_s
    hz = np.minimum(2500 * pitch * np.array([1.0, 1.5, 2.1, 2.9, 4.1, 5.6, 7.5]), 14_000) * rng.uniform(0.99, 1.01, 7)
    iron = dsp.resonate(slips, list(hz), list(0.0335 * hz), list(np.arange(1, 8) ** -0.05))
    panel_hz = [102 * pitch, 205 * pitch, 324 * pitch, 459 * pitch, 647 * pitch]
    panel = dsp.resonate(slips, panel_hz, [20, 30, 40, 50, 60], [1.0] * 5)
    return dsp.fades(dsp.at_peak(iron, 1.0) + dsp.at_peak(panel, 0.75) + dsp.at_peak(slips, 0.027), 0.05, 0.1)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "door knock",
        knock,
        phrases("door knock, knock, knock on a door, knocking, door knocking, knock at the door, knuckles on wood"),
        2.0,
        False,
        ("Knock", "Door"),
    ),
    Sound(
        "door slam",
        slam,
        phrases(
            "door slam, slam, door slamming, slamming door, door shutting, door closing, door close, closing "
            "door, gate closing, lid slam"
        ),
        1.5,
        False,
        ("Slam", "Door"),
    ),
    Sound(
        "door creak",
        creak,
        phrases(
            "door creak, creak, creaking door, creaky door, door opening, opening door, hinge, rusty hinge, "
            "squeaky door, floorboard creak, wood creak"
        ),
        2.5,
        False,
        ("Creak", "Squeak", "Door"),
    ),
)
