"""Breaking and falling: glass, crashes, coins and keys.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import (
    bounces,
    by_size,
    by_speed,
    by_strength,
    click,
    dying_noise,
    finished,
    phrases,
    steps,
    wide_dying_noise,
)
from models.effects.sounds import Sound


def _shard(rng: np.random.Generator, low_hz: float, high_hz: float, t60_s: float) -> dsp.Mono:
    """A piece of glass that hits something: a few inharmonic modes."""
    base_hz = float(np.exp(rng.uniform(np.log(low_hz), np.log(high_hz))))
    hz = base_hz * np.array([1.0, 1.4, 1.9, 2.7, 3.6]) * rng.uniform(0.93, 1.07, 5)
    t60s_s = t60_s * float(rng.uniform(0.4, 1.3)) * np.array([1.0, 0.8, 0.6, 0.5, 0.4])
    n = dsp.count(1.2 * t60_s)
    return dsp.at_peak(dsp.modal(n, list(hz), list(t60s_s), list(rng.uniform(0.3, 1.0, 5)), rng), 1.0)


def glass(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A pane or a bottle breaks: the crack, then shards that fall ever more rarely."""
    n = dsp.count(duration_s)
    out = np.zeros((2, n), np.float32)
    low_hz = by_size(description, 3500, 2400, 1500)
    length_s = by_size(description, 0.7, 1.1, 1.8)
    n_crack = dsp.count(0.5)
    bands = [(300.0, 1200.0, -12.0, 0.12), (1200.0, 5000.0, -2.0, 0.2), (5000.0, 16000.0, 0.0, 0.3)]
    crack = dsp.at_peak(wide_dying_noise(n_crack, rng, bands, 0.4), 0.8)
    dsp.place(out, dsp.fades(crack, 0.0008, 0.05), dsp.count(0.04))
    bank = [_shard(rng, low_hz, 4 * low_hz, 0.25) for _ in range(40)]
    n_shards = int(by_size(description, 50, 90, 170))
    starts_s = 0.05 + rng.exponential(0.3 * length_s, n_shards)
    for start_s in starts_s:
        level = 0.35 * float(10 ** (rng.normal(-3, 6) / 20)) * float(np.exp(-start_s / length_s))
        dsp.place(out, dsp.pan(bank[int(rng.integers(40))], float(rng.uniform(-0.6, 0.6))), dsp.count(start_s), level)
    return finished(
        dsp.reverb(out, rng, t60_s=0.4, mix=0.1, cutoff_hz=9000), duration_s, description, peak=0.8, rng=rng
    )


def crash(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Things collide and break: a heavy blow, then splinters and glass that clatter on."""
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    bands = [
        (40.0, 200.0, 2.5, 0.6),
        (200.0, 1000.0, 0.0, 0.6),
        (1000.0, 5000.0, -7.7, 0.64),
        (5000.0, 14000.0, -12.3, 0.64),
    ]
    blow = dsp.wide(dying_noise(dsp.count(1.0), rng, bands), dying_noise(dsp.count(1.0), rng, bands), 0.4)
    dsp.place(out, dsp.fades(dsp.at_peak(blow, 3.0), 0.0, 0.1), dsp.count(0.04))
    n = dsp.count(0.3)
    bank = []
    for base_hz in by_size(description, 1.3, 1.0, 0.7) * np.exp(rng.uniform(np.log(903), np.log(3850), 24)):
        hz = base_hz * np.array([1.0, 1.4, 1.9, 2.7, 3.6]) * rng.uniform(0.93, 1.07, 5)
        ring = dsp.modal(n, list(hz), list(0.0068 * rng.uniform(0.3, 1.0, 5)), [1.0, 0.8, 0.7, 0.5, 0.4], rng)
        bank.append(dsp.at_peak(dsp.at_peak(ring, 1.0) + np.float32(0.73) * click(n, rng, 300, 9000, 0.095), 1.0))
    for start_s in 0.05 + rng.exponential(0.0833 * by_strength(description, 0.6, 1.0, 1.6), 176):
        level = 0.119 * float(10 ** (rng.normal(-4, 5) / 20)) * float(np.exp(-start_s))
        dsp.place(out, dsp.pan(bank[int(rng.integers(24))], float(rng.uniform(-0.6, 0.6))), dsp.count(start_s), level)
    return finished(dsp.reverb(out, rng, t60_s=0.552, mix=0.049), duration_s, description, peak=0.36, rng=rng)


def coin(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A coin dropped on a hard table: bounces that come ever faster until it lies still."""
    base_hz = 1.0 / by_size(description, 1 / 5400, 1 / 4530, 1 / 3400) * float(rng.uniform(0.95, 1.05))
    hz = base_hz * np.array([1.0, 1.02, 1.68, 2.3, 3.1]) * rng.uniform(0.98, 1.02, 5)
    n = dsp.count(0.4)
    out = np.zeros(dsp.count(duration_s), np.float32)
    for drop_s in np.arange(0.04, duration_s, 2.0):
        for start_s, speed in bounces(0.168, 0.779, 0.012):
            ring = dsp.modal(n, list(hz), [0.046, 0.041, 0.028, 0.018, 0.014], list(rng.uniform(0.3, 1.0, 5)), rng)
            tick = dsp.at_peak(dsp.band_noise(n, rng, 1500, 12000) * dsp.pulse(n, 0.0003, 0.0166), 1.2)
            hit = dsp.at_peak(dsp.at_peak(ring, 1.0) + tick, 1.0)
            dsp.place(out, hit, dsp.count(float(drop_s) + start_s), speed**0.3)
    return finished(dsp.reverb(out, rng, t60_s=0.4, mix=0.18), duration_s, description, peak=0.5, rng=rng)


def keys(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A bunch of keys is shaken: small steel bars that hit one another in swings."""
    n = dsp.count(duration_s)
    bank = []
    n_ring = dsp.count(0.25)
    for _ in range(24):
        base_hz = float(np.exp(rng.uniform(np.log(3900), np.log(13000)))) * by_size(description, 1.2, 1.0, 0.75)
        hz = base_hz * np.array([1.0, 1.4, 2.1, 2.756, 3.6]) * rng.uniform(0.95, 1.05, 5)
        ring = dsp.modal(n_ring, list(hz), list(0.04 * rng.uniform(0.4, 1.2, 5)), [1, 0.9, 0.8, 0.6, 0.4], rng)
        tick = dsp.band_noise(n_ring, rng, 2500, 14000) * dsp.pulse(n_ring, 0.0003, 0.01)
        bank.append(dsp.at_peak(dsp.at_peak(ring, 1.0) + dsp.at_peak(tick, 0.65), 1.0))
    swings_per_s = by_speed(description, 2.0, 3.57, 6.0)
    out = np.zeros((2, n), np.float32)
    for start_s in steps(duration_s, 0.03, 1 / swings_per_s, rng, 0.15):
        for _ in range(int(rng.poisson(13)) + 1):
            place_s = start_s + abs(float(rng.normal(0, 0.059)))
            ring = dsp.pan(bank[int(rng.integers(24))], float(rng.uniform(-0.3, 0.3)))
            dsp.place(out, ring, dsp.count(place_s), float(10 ** (rng.normal(-6, 12) / 20)))
    air = dsp.wide_noise(n, rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    wet = dsp.at_peak(dsp.reverb(out, rng, t60_s=0.3, mix=0.05, cutoff_hz=9000), 1.0) + np.float32(0.0007) * air
    return finished(wet, duration_s, description, peak=0.635, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "glass breaking",
        glass,
        phrases(
            "glass breaking, glass, glass shatter, glass shattering, breaking glass, broken glass, window "
            "breaking, glass smash, shatter, bottle breaking, bottle smash"
        ),
        2.0,
        False,
        ("Shatter", "Glass", "Breaking"),
    ),
    Sound(
        "crash",
        crash,
        phrases("crash, smash, car crash, collision, wreck, collapse, debris"),
        2.5,
        False,
        ("Smash, crash", "Breaking"),
    ),
    Sound(
        "coin",
        coin,
        phrases("coin, coins, coin drop, coins dropping, dropped coin, coin falling, money"),
        2.0,
        False,
        ("Coin (dropping)",),
    ),
    Sound(
        "keys",
        keys,
        phrases("keys jingling, keys, key ring, keys jangling, bunch of keys, keychain"),
        3.0,
        False,
        ("Keys jangling",),
    ),
)
