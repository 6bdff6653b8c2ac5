"""Impacts: thuds, punches, hammers, metal, drums.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import (
    by_size,
    by_speed,
    by_strength,
    click,
    finished,
    panel,
    phrases,
    repeated,
    steps,
)
from models.effects.sounds import Sound

MEMBRANE = (1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501)
"""Modes of an ideal membrane over its lowest (zeros of Bessel functions; Rossing 2000, table 2.1)."""
BAR = (1.0, 2.756, 5.404, 8.933, 13.34, 18.64)
"""Modes of a bar free at both ends over its lowest (Rossing 2000, section 4.3)."""


def thud(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Something heavy and soft falls."""
    n = dsp.count(duration_s)
    low_hz = 1.0 / by_size(description, 1 / 140, 1 / 100, 1 / 70) * float(rng.uniform(0.97, 1.03))
    t = dsp.times(n)
    body = dsp.tone(low_hz * (1 + 0.02 * np.exp(-t / 0.03))) * dsp.pulse(n, 0.002, 0.43)
    body += np.float32(1.72) * click(n, rng, 80, 1850, 0.29) + np.float32(0.007) * click(n, rng, 400, 4000, 0.012)
    out = np.zeros(n, np.float32)
    for start_s in np.arange(0.05, max(duration_s, 0.06), 2.5):
        dsp.place(out, body, dsp.count(float(start_s)))
    return finished(dsp.reverb(out, rng, t60_s=0.345, mix=0.387), duration_s, description, peak=0.9, rng=rng)


def punch(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Fist on flesh: a slap over a short thump."""
    n = dsp.count(duration_s)
    t = dsp.times(n)
    low_hz = by_size(description, 80, 59, 48)
    blow = dsp.tone(low_hz * (1 + 0.314 * np.exp(-t / 0.02))) * dsp.pulse(n, 0.001, 0.137)
    blow = np.float32(0.089) * blow + click(n, rng, 184, 1670, by_strength(description, 0.2, 0.284, 0.35))
    out = np.zeros(n, np.float32)
    for start_s in np.arange(0.03, max(duration_s, 0.04), 1.2):
        dsp.place(out, blow, dsp.count(float(start_s)))
    return finished(dsp.reverb(out, rng, t60_s=0.47, mix=0.122), duration_s, description, peak=0.333, rng=rng)


def hammer(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A hammer on a nail in wood, or on an anvil, blow after blow."""
    gap_s = by_speed(description, 0.85, 0.55, 0.36)
    anvil = dsp.says(description, "metal", "anvil", "iron", "steel", "blacksmith", "smith", "forge")
    n = dsp.count(1.2 if anvil else 0.4)
    seed = int(rng.integers(2**32))

    def once(take: int) -> dsp.Mono:
        own = np.random.default_rng(seed)
        if anvil:
            hz = by_size(description, 1500, 900, 520) * np.array(BAR[:5]) * own.uniform(0.97, 1.03, 5)
            rung = dsp.modal(n, list(hz), list(0.9 / np.sqrt(np.arange(1, 6))), [0.7, 1.0, 0.8, 0.6, 0.4], own)
        else:
            rung = panel(n, own, 190 * (1 + 0.02 * take), 0.1, 12, 1.5)
            nail = dsp.modal(n, [2100 + 60 * take, 3900 + 90 * take, 6300], [0.09, 0.07, 0.05], [0.5, 0.4, 0.3], own)
            rung = dsp.at_peak(rung, 1.0) + nail
        return (dsp.at_peak(rung, 1.0) + 0.5 * click(n, rng, 800, 9000, 0.02)) * np.float32(rng.uniform(0.75, 1.0))

    out = repeated(duration_s, steps(duration_s, 0.05, gap_s, rng, 0.03), once)
    return finished(dsp.reverb(out, rng, t60_s=0.5, mix=0.15), duration_s, description, peak=0.7, rng=rng)


def steel(n: int, rng: np.random.Generator, base_hz: float, t60_s: float) -> dsp.Mono:
    """A piece of steel that is struck: nine modes a third to two thirds of the lowest apart."""
    hz = base_hz * np.cumsum(np.concatenate([[1.0], 0.326 + rng.uniform(0.0, 0.301, 8)]))
    t60s_s = t60_s * rng.uniform(0.5, 1.2, 9) * (hz / hz[0]) ** -0.5
    gains = [1.0, 0.9, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    return dsp.at_peak(dsp.modal(n, list(hz), list(t60s_s), gains, rng), 1.0)


def clang(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Pipes or blades strike each other and ring."""
    base_hz = 1.0 / by_size(description, 1 / 1300, 1 / 871, 1 / 520)
    n = dsp.count(1.6)

    def once(_take: int) -> dsp.Mono:
        own_hz = base_hz * float(rng.uniform(0.9, 1.1))
        blow = steel(n, rng, own_hz, 0.9) + np.float32(0.175) * click(n, rng, 1200, 12000, 0.056)
        return blow * np.float32(rng.uniform(0.6, 1.0))

    out = repeated(duration_s, steps(duration_s, 0.04, by_speed(description, 1.5, 0.75, 0.45), rng, 0.06), once)
    return finished(dsp.reverb(out, rng, t60_s=0.7, mix=0.03), duration_s, description, peak=0.7, rng=rng)


def drum(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A drum and a stick, beat after beat."""
    gap_s = by_speed(description, 1.0, 0.6, 0.33)
    low_hz = 1.0 / by_size(description, 1 / 280, 1 / 201, 1 / 110) * float(rng.uniform(0.96, 1.04))
    hz = low_hz * np.array(MEMBRANE)
    n = dsp.count(1.2)
    t = dsp.times(n)
    gains = (1.0, 0.7, 0.5, 0.35, 0.3, 0.25, 0.2, 0.15)
    dive = 1 + 0.115 * np.exp(-t / 0.03)

    def once(_take: int) -> dsp.Mono:
        skin = np.zeros(n, np.float32)
        for mode_hz, gain in zip(hz, gains, strict=True):
            skin += (
                np.float32(gain)
                * dsp.tone(mode_hz * dive)
                * dsp.pulse(n, 0.001, 0.119 * hz[0] / mode_hz * 201 / low_hz)
            )
        stick = dsp.band_noise(n, rng, 200, 2840) * dsp.pulse(n, 0.0005, 0.061)
        return (dsp.at_peak(skin, 1.0) + dsp.at_peak(stick, 0.2)) * np.float32(rng.uniform(0.7, 1.0))

    out = repeated(duration_s, steps(duration_s, 0.03, gap_s, rng, 0.01), once)
    return finished(dsp.reverb(out, rng, t60_s=1.1, mix=0.16), duration_s, description, peak=0.4, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "thud",
        thud,
        phrases("thud, thump, body fall, heavy fall, falling body, dull thud, bump"),
        1.0,
        False,
        ("Thump, thud", "Thunk"),
    ),
    Sound(
        "punch",
        punch,
        phrases("punch, slap, smack, fist fight, punches, face slap, whack"),
        0.8,
        False,
        ("Slap, smack", "Whack, thwack"),
    ),
    Sound(
        "hammer",
        hammer,
        phrases("hammer, hammering, hammer blows, nailing, blacksmith, anvil, blacksmith hammer, forge hammer"),
        2.5,
        False,
        ("Hammer",),
    ),
    Sound(
        "clang",
        clang,
        phrases(
            "clang, metal clang, metal impact, metallic impact, metallic hit, "
            "pipe clang, metallic clang, metal hit, sword, swords, sword "
            "clash, sword fight, swords clashing, blades"
        ),
        2.5,
        False,
        ("Clang",),
    ),
    Sound(
        "drum",
        drum,
        phrases("drum, drum hit, drums, drumming, drum beat, war drums, tribal drums, bass drum"),
        2.5,
        False,
        ("Drum", "Bass drum", "Tabla", "Timpani"),
    ),
)
