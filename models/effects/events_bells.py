"""Bells and clocks: clock ticking, church, hand and bicycle bells, old telephones.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import (
    by_size,
    by_speed,
    click,
    finished,
    phrases,
    repeated,
    steps,
)
from models.effects.sounds import SAMPLE_RATE, Sound

BELL = (0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 2.662, 3.011, 4.166, 5.433, 6.796)
"""Partials of a church bell over its prime: hum, prime, tierce, quint, nominal, ... (Rossing 2000, table 11.1)."""
BELL_GAINS = (0.6, 0.8, 1.0, 0.35, 1.0, 0.35, 0.4, 0.55, 0.35, 0.25, 0.15)
BELL_T60S = (1.0, 0.55, 0.5, 0.3, 0.35, 0.2, 0.2, 0.2, 0.14, 0.1, 0.07)


def clock(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A clock's escapement: tick and tock, one a second; a grandfather clock is low, a watch high and five a second."""
    watch = dsp.says(description, "watch", "stopwatch", "pocket watch", "wristwatch")
    large = dsp.says(description, "grandfather", "pendulum", "wall", "tower", "old")
    period_s = 0.2 if watch else by_speed(description, 1.5, 1.0, 0.5)
    scale = 1.9 if watch else 0.75 if large else by_size(description, 1.35, 1.0, 0.75)
    hz = scale * np.array([1150, 1900, 2750, 3900, 5400, 7300]) * rng.uniform(0.93, 1.07, 6)
    n = dsp.count(min(0.12, 0.7 * period_s))
    case = dsp.decay(n, 0.05)
    takes = []
    for pitch, level in ((1.0, 1.0), (0.86, 0.8)):
        sound = dsp.modal(n, list(pitch * hz), [0.05, 0.045, 0.04, 0.03, 0.025, 0.02], [0.7, 1, 1, 0.9, 0.6, 0.4], rng)
        sound += np.float32(0.6) * dsp.band_noise(n, rng, 1500, 9000) * dsp.pulse(n, 0.0003, 0.008)
        early = dsp.exactly(np.pad(0.35 * sound, (dsp.count(0.012), 0)), n / SAMPLE_RATE) * case
        takes.append(dsp.at_peak(sound + early, level))
    starts_s = steps(duration_s, 0.05, period_s, rng, 0.0)
    out = repeated(duration_s, starts_s, lambda take: takes[take % 2] * np.float32(rng.uniform(0.93, 1.0)))
    return finished(dsp.reverb(out, rng, t60_s=0.3, mix=0.08), duration_s, description, peak=0.5, rng=rng)


def struck_bell(n: int, rng: np.random.Generator, prime_hz: float, t60_s: float) -> dsp.Mono:
    """One stroke on a church bell; each partial is a pair that beats slowly, as real bells are never quite round."""
    hz = prime_hz * np.array(BELL) * (1 + rng.normal(0, 0.003, len(BELL)))
    pair = np.concatenate([hz, hz + rng.uniform(0.3, 1.2, len(hz))])
    t60s_s = t60_s * np.tile(BELL_T60S, 2)
    gains = np.concatenate([np.array(BELL_GAINS), 0.4 * np.array(BELL_GAINS)])
    clapper = 0.2 * dsp.band_noise(n, rng, 1000, 6000) * dsp.pulse(n, 0.0005, 0.03)
    return dsp.at_peak(dsp.modal(n, list(pair), list(t60s_s), list(gains), rng) + clapper, 1.0)


def church_bell(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A church bell that tolls, every two and a half seconds."""
    prime_hz = 1.0 / by_size(description, 1 / 720, 1 / 440, 1 / 230) * float(rng.uniform(0.95, 1.05))
    gap_s = by_speed(description, 4.0, 2.5, 1.4)
    seed = int(rng.integers(2**32))
    t60_s = by_size(description, 5.0, 8.0, 14.0)
    n = dsp.count(min(duration_s, t60_s))

    def toll(_take: int) -> dsp.Mono:
        return struck_bell(n, np.random.default_rng(seed), prime_hz, t60_s) * np.float32(rng.uniform(0.8, 1.0))

    out = repeated(duration_s, steps(duration_s, 0.03, gap_s, rng, 0.01), toll)
    return finished(dsp.reverb(out, rng, t60_s=2.0, mix=0.12), duration_s, description, peak=0.7, rng=rng)


def hand_bell(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A small bell on a desk or in a hand: one ding, or several when it is shaken."""
    shaken = dsp.says(description, "ringing", "shaken", "school", "dinner", "jingling")
    base_hz = 1.0 / by_size(description, 1 / 2280, 1 / 2000, 1 / 1300) * float(rng.uniform(0.9, 1.1))
    n = dsp.count(2.0)

    def ding(_take: int) -> dsp.Mono:
        hz = base_hz * np.array([1.0, 1.003, 2.71, 2.716, 5.1]) * rng.uniform(0.9995, 1.0005, 5)
        sound = dsp.modal(n, list(hz), [1.65, 1.48, 0.82, 0.74, 0.36], [1.0, 0.6, 0.145, 0.087, 0.0725], rng)
        sound += np.float32(0.184) * click(n, rng, 1500, 12000, 0.008)
        return dsp.at_peak(sound, 1.0) * np.float32(rng.uniform(0.75, 1.0))

    gap_s = 0.24 if shaken else 2.2
    out = repeated(duration_s, steps(duration_s, 0.03, gap_s, rng, 0.06 if shaken else 0.0), ding)
    return finished(dsp.reverb(out, rng, t60_s=0.21, mix=0.22), duration_s, description, peak=0.17, rng=rng)


def bicycle_bell(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Two quick thumb strokes; in each a wheel throws hammers against a small steel shell."""
    n = dsp.count(1.2)
    base_hz = 1.0 / by_size(description, 1 / 1950, 1 / 1570, 1 / 1250) * float(rng.uniform(0.9, 1.1))
    hz = base_hz * np.array([1.0, 1.01, 1.74, 1.76, 2.55, 3.46])
    ring = dsp.modal(n, list(hz), [0.86, 0.86, 0.54, 0.54, 0.32, 0.21], [1.0, 0.7, 1.0, 0.62, 0.74, 0.5], rng)
    ring += np.float32(0.151) * click(n, rng, 2000, 12000, 0.006)
    starts_s = [
        turn_s + stroke_s + hammer * gap_s
        for turn_s in np.arange(0.03, max(duration_s, 0.04), 2.2)
        for stroke_s in (0.0, 0.285)
        for hammer, gap_s in enumerate(np.linspace(0.0208, 0.0427, 12))
    ]
    out = repeated(duration_s, starts_s, lambda _take: ring * np.float32(rng.uniform(0.4, 1.0)))
    return finished(dsp.reverb(out, rng, t60_s=0.2, mix=0.105), duration_s, description, peak=0.78, rng=rng)


def bell_buzz(n: int, rng: np.random.Generator, shells_hz: tuple[float, float], strokes_hz: float) -> dsp.Mono:
    """A clapper that swings between two steel shells."""
    clicks = [np.zeros(n, np.float32), np.zeros(n, np.float32)]
    for stroke, start_s in enumerate(np.arange(0.0, n / SAMPLE_RATE, 1 / strokes_hz)):
        where = dsp.count(float(start_s + rng.normal(0, 0.0015)))
        if 0 <= where < n:
            clicks[stroke % 2][where] = rng.uniform(0.7, 1.0)
    total = np.zeros(n, np.float32)
    for struck, base_hz in zip(clicks, shells_hz, strict=True):
        n_ring = dsp.count(0.6)
        hz = base_hz * np.array([1.0, 1.006, 2.42, 4.28, 6.1])
        ring = dsp.modal(n_ring, list(hz), [0.6, 0.6, 0.4, 0.25, 0.15], [1, 0.7, 0.8, 0.5, 0.3], rng)
        total += signal.oaconvolve(struck, ring)[:n].astype(np.float32)
    return dsp.at_peak(total, 1.0)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "clock ticking",
        clock,
        phrases(
            "clock ticking, clock, ticking, ticking clock, clock tick, tick tock, grandfather clock, wall "
            "clock, pocket watch, stopwatch, watch ticking, time bomb"
        ),
        6.0,
        False,
        ("Tick-tock", "Clock", "Tick"),
    ),
    Sound(
        "church bell",
        church_bell,
        phrases(
            "church bell, bell, church bells, bell toll, bell tower, church clock, clock striking, "
            "tolling bell, cathedral bell, bells, "
            "bell tolling, temple bell, town bell"
        ),
        6.0,
        False,
        ("Church bell", "Bell"),
    ),
    Sound(
        "hand bell",
        hand_bell,
        phrases(
            "hand bell, small bell, ding, bell ding, desk bell, reception bell, service bell, little bell, "
            "shop bell, school bell, ship's bell, dinner bell, notification, notification ding"
        ),
        2.0,
        False,
        ("Ding", "Bell"),
    ),
    Sound(
        "bicycle bell",
        bicycle_bell,
        phrases("bicycle bell, bike bell, cycle bell"),
        2.0,
        False,
        ("Bicycle bell", "Bell"),
    ),
)
