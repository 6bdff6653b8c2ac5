"""Motion: swooshes, passing and flying things, blades.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import (
    by_size,
    by_speed,
    finished,
    phrases,
    steps,
)
from models.effects.sounds import SAMPLE_RATE, Sound

Levels = NDArray[np.floating]
SOUND_M_S = 343.0
"""Speed of sound in air at 20 degrees Celsius."""


def moving_noise(n: int, rng: np.random.Generator, centre_hz: Levels, octaves: float) -> dsp.Mono:
    """Noise in a band that moves: short frames of noise, each with its own spectrum, overlapped."""
    hop = 1024
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    hz = np.maximum(np.fft.rfftfreq(2 * hop, 1 / SAMPLE_RATE), 1.0)
    out = np.zeros(n + 2 * hop, np.float32)
    noise = dsp.white(n + 4 * hop, rng)
    for start in range(0, n + hop, hop):
        centre = float(centre_hz[min(start, n - 1)])
        gain = np.exp(-0.5 * (np.log2(hz / centre) / octaves) ** 2)
        frame = np.fft.irfft(np.fft.rfft(noise[start : start + 2 * hop] * np.sqrt(window)) * gain)
        grain = np.asarray(frame * np.sqrt(window) / np.sqrt(np.mean(gain**2)), dtype=np.float32)
        dsp.place(out, grain, start - hop)
    return out[:n]


def passing(n: int, closest_s: float, speed_m_s: float, distance_m: float) -> tuple[Levels, Levels, Levels]:
    """Something that passes on a straight line: its Doppler factor, its level (1 at the closest) and its place."""
    along_m = speed_m_s * (np.arange(n) / SAMPLE_RATE - closest_s)
    away_m = np.sqrt(along_m**2 + distance_m**2)
    doppler = 1 / (1 + speed_m_s * along_m / away_m / SOUND_M_S)
    return doppler, distance_m / away_m, along_m / away_m


def placed(mono: dsp.Mono, place: Levels) -> Samples:
    """Mono at a place that moves from -1 to 1."""
    angle = (0.8 * place + 1) * np.pi / 4
    return np.asarray(np.sqrt(2.0) * np.stack([np.cos(angle) * mono, np.sin(angle) * mono]), dtype=np.float32)


def swoosh(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Air that is cut by something quick: a band of noise that rises and falls from left to right."""
    n = dsp.count(duration_s)
    length_s = by_speed(description, 1.4, 0.8, 0.4)
    low_hz, high_hz = (f * by_size(description, 1.6, 1.0, 0.55) for f in (350.0, 1800.0))
    out = np.zeros((2, n), np.float32)
    for start_s in steps(duration_s, 0.05, length_s + 0.8, rng, 0.0):
        n_one = dsp.count(length_s)
        u = np.linspace(0, 1, n_one)
        peak_at = float(rng.uniform(0.5, 0.62))
        rise = np.interp(u, [0, peak_at, 1], [0, 1, 0])
        hump = np.sin(np.pi / 2 * rise) ** 2
        air = moving_noise(n_one, rng, low_hz * (high_hz / low_hz) ** hump, 0.7)
        breath = moving_noise(n_one, rng, 3 * low_hz * (high_hz / low_hz) ** hump, 0.6)
        sound = (air + 0.3 * breath) * (hump**1.5).astype(np.float32)
        dsp.place(out, placed(sound, 2 * u - 1), dsp.count(start_s))
    return finished(dsp.reverb(out, rng, t60_s=0.4, mix=0.08), duration_s, description, peak=0.6, rng=rng)


def rocket(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A rocket or a starship lights up, roars and crackles, and is gone; its turbines rise in pitch."""
    n = dsp.count(duration_s)
    u = np.linspace(0, 1, n)
    level = np.interp(u, [0, 0.12, 0.5, 1], [0.0, 1.0, 0.8, 0.25])
    roar = dsp.wide_noise(n, rng, [(20, -5.6), (60, 0), (250, -8.3), (1000, -18.7), (4000, -29), (14000, -45)], 0.4)
    crackle = 0.068 + np.abs(dsp.wander(n, rng, 200.0)) ** 0.55
    turbine = dsp.harmonics(by_size(description, 1300, 900, 600) * (1 + 0.8 * u), list(1 / np.arange(1, 10)))
    out = (roar * crackle + np.float32(0.0365) * turbine) * level
    bent = dsp.tamed(dsp.at_peak(np.asarray(out, dtype=np.float32), 2.76), 0.9)
    return finished(bent, duration_s, description, peak=0.5, rng=rng)


def car_pass(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A car goes by: tyres on the road, its engine, Doppler's fall."""
    n = dsp.count(duration_s)
    speed_m_s = by_speed(description, 10.0, 18.0, 30.0)
    doppler, level, place = passing(n, 0.5 * duration_s, speed_m_s, 5.0)
    level = level**1.2
    tyres = moving_noise(n, rng, 950 * doppler**2, 0.9) + 0.6 * moving_noise(n, rng, 250 * doppler, 0.8)
    motor = dsp.harmonics(55 * doppler, list(1 / np.arange(1, 13) ** 0.9))
    sound = (tyres + 0.5 * motor) * level.astype(np.float32)
    out = placed(dsp.fades(sound.astype(np.float32), 0.3, 0.4), place)
    return finished(dsp.reverb(out, rng, t60_s=0.5, mix=0.08), duration_s, description, peak=0.6, rng=rng)


def flyover(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """An aircraft passes overhead: a jet's roar and whine that Doppler bends, or a propeller's drone."""
    n = dsp.count(duration_s)
    doppler, level, place = passing(n, 0.45 * duration_s, by_speed(description, 40.0, 50.0, 80.0), 400.0)
    swell = dsp.slow_curve(n, rng, 0.5, 0.4, 1.0)
    if dsp.says(description, "propeller", "small plane", "biplane", "prop", "old"):
        own = dsp.harmonics(85 * doppler * (1 + 0.004 * dsp.wander(n, rng, 3.0)), list(1 / np.arange(1, 16) ** 0.6))
        sound = dsp.shape(own, [(60, 0), (500, 0), (2000, -12), (6000, -30)]) + 0.2 * moving_noise(
            n, rng, 400 * doppler, 1.0
        )
    else:
        whine = dsp.harmonics(1240 * doppler**2, [1.0, 0.4]) + dsp.tone(1711 * doppler**2)
        sound = moving_noise(n, rng, 280 * doppler**2, 1.14) + 0.87 * moving_noise(n, rng, 804 * doppler**3, 0.73)
        sound = sound + 0.013 * whine * level
    mono = (sound * level**0.63 * swell).astype(np.float32)
    stereo = placed(dsp.fades(mono, duration_s / 6, duration_s / 4), 0.6 * place)
    wet = dsp.at_peak(dsp.reverb(stereo, rng, t60_s=1.2, mix=0.15), 1.0)
    air = dsp.wide_noise(n, rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    return finished(wet + np.float32(0.013) * air, duration_s, description, peak=0.6, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "swoosh",
        swoosh,
        phrases("swoosh, whoosh, transition swoosh, swish, transition, transition whoosh, fast whoosh, swing"),
        1.0,
        False,
        ("Whoosh, swoosh, swish",),
    ),
    Sound(
        "rocket",
        rocket,
        phrases(
            "rocket launch, rocket, rocket taking off, launch, spaceship launch, spaceship flyby, spaceship "
            "passing, spaceship taking off, liftoff, thrusters, missile"
        ),
        8.0,
        False,
        ("Jet engine", "Aircraft", "Aircraft engine"),
    ),
    Sound(
        "car passing",
        car_pass,
        phrases("car passing by, car passing, passing car, car drive by, car driving by, car goes by, car pass"),
        5.0,
        False,
        ("Car passing by", "Car", "Vehicle"),
    ),
    Sound(
        "airplane",
        flyover,
        phrases(
            "airplane flyover, airplane, plane, jet, aeroplane, aircraft, jet flyover, plane passing, jet "
            "passing, fighter jet, plane overhead"
        ),
        8.0,
        False,
        ("Aircraft", "Fixed-wing aircraft, airplane", "Jet engine"),
    ),
)
