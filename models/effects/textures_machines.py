"""Machines as steady sound: engines, a spaceship, a helicopter, a train.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from models.clip import Samples
from models.effects import dsp
from models.effects.sounds import SAMPLE_RATE, Sound


def engine(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A four-stroke, four-cylinder engine: two firings a turn, each a little different, through the exhaust."""
    n = dsp.count(duration_s)
    turns_hz = float(np.interp(dsp.speed(description), [-1, 0, 1], [11.0, 14.0, 35.0])) * float(rng.uniform(0.95, 1.05))
    if dsp.says(description, "truck", "tractor", "diesel", "bus"):
        turns_hz *= 0.75
    speed_hz = turns_hz * (1 + 0.015 * dsp.wander(n, rng, 3.0))
    firings = np.cumsum(2 * speed_hz.astype(np.float64)) / SAMPLE_RATE
    starts = np.searchsorted(firings, np.arange(1, int(firings[-1]) + 1))
    gains = np.array([1.0, 0.8, 0.92, 0.7])
    impulses = np.zeros(n, np.float32)
    for number, start in enumerate(starts):
        impulses[min(int(start), n - 1)] = gains[number % 4] * rng.normal(1.0, 0.08)
    n_bang = dsp.count(0.09)
    bang = dsp.modal(
        n_bang, [48.0, 92.0, 170.0, 310.0, 620.0], [0.1, 0.09, 0.06, 0.04, 0.025], [0.5, 0.9, 1.0, 0.7, 0.4], rng
    )
    bang += 0.12 * dsp.lowpass(dsp.white(n_bang, rng), 2500.0) * dsp.decay(n_bang, 0.03)
    body = np.asarray(signal.oaconvolve(impulses, bang)[:n], dtype=np.float32)
    hiss = dsp.shaped_noise(n, rng, [(80.0, -6.0), (300.0, 0.0), (1500.0, 0.0), (6000.0, -6.0)])
    rattle = 1.0 + 0.6 * dsp.tone(2 * speed_hz)
    belts_hz = 8 * speed_hz * (1 + 0.01 * dsp.wander(n, rng, 2.0))
    belts = dsp.harmonics(belts_hz, [0.6, 1.0, 0.6, 0.6, 0.5, 0.4, 0.3, 0.3, 0.2, 0.2])
    out = dsp.at_rms(body, 0.1) + dsp.at_rms(belts, 0.1) + 0.022 * hiss * rattle
    stereo = dsp.reverb(out.astype(np.float32), rng, t60_s=0.15, mix=0.25, cutoff_hz=3000)
    if dsp.is_far(description):
        stereo = dsp.far_away(stereo, 0.8)
    return dsp.tamed(dsp.at_rms(stereo, float(np.interp(dsp.strength(description), [-1, 0, 1], [0.06, 0.11, 0.17]))))


def machinery(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A running machine: steel parts that strike in a cycle of four, a motor under load, a hall around it."""
    n = dsp.count(duration_s)
    strikes_hz = float(np.interp(dsp.speed(description), [-1, 0, 1], [16.0, 32.0, 45.0])) * float(rng.uniform(0.9, 1.1))
    n_strike = dsp.count(0.12)
    parts = []
    for _ in range(4):
        modes_hz = list(np.array([700.0, 1500.0, 2700.0, 4300.0]) * rng.uniform(0.9, 1.1, 4))
        steel = dsp.modal(n_strike, modes_hz, [0.08, 0.06, 0.05, 0.04], [0.5, 0.7, 0.5, 0.35], rng)
        knock = dsp.bandpass(dsp.white(n_strike, rng), 500, 6000, 1) * dsp.pulse(n_strike, 0.001, 0.06)
        parts.append(dsp.at_peak(steel + 0.5 * knock, 1.0))
    out = np.zeros((2, n), np.float32)
    at_s, turn = -float(rng.uniform(0, 0.3)), 0
    while at_s < duration_s:
        strike = dsp.pan(parts[turn % 4], (-0.3, 0.1, 0.3, 0.0)[turn % 4])
        gain = (1.0, 0.45, 0.7, 0.35)[turn % 4] * float(rng.uniform(0.85, 1.0))
        dsp.place(out, strike, round(at_s * SAMPLE_RATE), gain)
        at_s += float(np.clip(rng.normal(1.0, 0.08), 0.5, 1.5)) / strikes_hz
        turn += 1
    out = dsp.at_rms(dsp.reverb(out, rng, t60_s=0.4, mix=0.5, cutoff_hz=7000), 0.1)
    drift_hz = float(rng.uniform(90, 120)) * (1 + 0.01 * dsp.wander(n, rng, 2.0))
    motor = dsp.at_rms(dsp.harmonics(drift_hz, [0.6, 1.0, 0.6, 0.6, 0.5, 0.4, 0.3, 0.3, 0.2, 0.2]), 0.1)
    air = dsp.wide_noise(n, rng, [(60.0, -10.0), (300.0, 0.0), (2000.0, -6.0), (8000.0, -18.0)])
    out += 1.1 * dsp.pan(motor, 0.0) + 0.03 * air
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.8)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(dsp.strength(description), [-1, 0, 1], [0.05, 0.09, 0.14]))))


def spaceship(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """The inside of a spaceship: a deep drone and the rush of its drive, throbbing slowly."""
    n = dsp.count(duration_s)
    root_hz = float(rng.uniform(58, 70)) * (1 + 0.002 * dsp.wander(n, rng, 0.3))
    drone = dsp.harmonics(root_hz, [1.0, 0.6, 0.3, 0.2, 0.1]) + 0.7 * dsp.harmonics(1.007 * root_hz, [1.0, 0.5, 0.2])
    drive = dsp.wide_noise(n, rng, [(30.0, 0.0), (100.0, -3.0), (400.0, -20.0), (2000.0, -40.0)], 0.5)
    throb_hz = float(np.interp(dsp.speed(description), [-1, 0, 1], [0.5, 1.1, 2.2])) * float(rng.uniform(0.9, 1.1))
    throb = 0.7 + 0.3 * np.sin(2 * np.pi * throb_hz * dsp.times(n) + float(rng.uniform(0, 6)))
    out = (0.085 * dsp.pan(drone, 0.0) + 0.05 * drive) * throb.astype(np.float32)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(dsp.strength(description), [-1, 0, 1], [0.06, 0.11, 0.17]))))


def helicopter(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Rotor blades slapping the air about fifteen times a second over a turbine."""
    n = dsp.count(duration_s)
    blades_hz = float(rng.uniform(13.0, 17.0)) * (1 + 0.01 * dsp.wander(n, rng, 0.5))
    turns = (np.cumsum(blades_hz.astype(np.float64)) / SAMPLE_RATE) % 1.0
    chop = np.exp(-6.0 * turns) * np.minimum(1.0, turns / 0.06)
    low = dsp.wide_noise(
        n, rng, [(25.0, -6.0), (60.0, 0.0), (180.0, -2.0), (500.0, -9.0), (1500.0, -22.0), (6000.0, -40.0)], 0.3
    )
    mid = dsp.wide_noise(
        n, rng, [(200.0, -14.0), (600.0, 0.0), (1500.0, -3.0), (5000.0, -14.0), (12_000.0, -30.0)], 0.6
    )
    thump = np.sin(2 * np.pi * 2 * turns) * np.exp(-4.0 * turns) * np.minimum(1.0, turns / 0.03)
    turbine = dsp.harmonics(blades_hz * 61.0, [0.2, 0.1, 0.05])
    far = dsp.is_far(description)
    air = low * (0.25 + 1.6 * chop) + (0.12 if far else 0.3) * mid * (0.2 + 1.4 * chop)
    air += dsp.pan((0.7 * thump + 0.05 * turbine).astype(np.float32), 0.0)
    out = np.asarray(air * dsp.slow_curve(n, rng, 0.3, 0.8, 1.1), dtype=np.float32)
    if far:
        out = dsp.far_away(out, 0.7)
    level = float(np.interp(dsp.strength(description) - float(far), [-2, -1, 0, 1], [0.04, 0.06, 0.12, 0.18]))
    return dsp.tamed(dsp.at_rms(out, level))


def _rattle(rng: np.random.Generator) -> dsp.Mono:
    """Steel on steel: a knock of noise around 700 to 2000 Hz that rings for a twentieth of a second."""
    n = dsp.count(0.2)
    centre_hz = float(np.exp(rng.uniform(np.log(700), np.log(2000))))
    noise = dsp.bandpass(dsp.white(n, rng), 0.55 * centre_hz, 1.8 * centre_hz, 1)
    return dsp.at_peak(noise * dsp.pulse(n, 0.0005, 0.125), 1.0)


def train(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A rolling train: wheels rattling on steel, louder as wheel pairs cross a joint, over a deep rumble."""
    n = dsp.count(duration_s)
    period_s = float(np.interp(dsp.speed(description), [-1, 0, 1], [2.0, 1.44, 0.95])) * float(rng.uniform(0.95, 1.05))
    rolling = dsp.scatter(n, 600.0, [_rattle(rng) for _ in range(120)], rng, spread_db=6.0)
    rolling = dsp.reverb(rolling, rng, t60_s=0.3, mix=0.4, cutoff_hz=3000)
    rolling = dsp.at_rms(dsp.lowpass(dsp.highpass(rolling, 400.0), 3000.0), 0.1)
    joints = np.full(n, 0.85, np.float32)
    hit = dsp.pulse(dsp.count(0.2), 0.006, 0.2)
    clack = dsp.bandpass(dsp.white(dsp.count(0.15), rng), 250.0, 1500.0, 1) * dsp.pulse(dsp.count(0.15), 0.002, 0.1)
    clacks = np.zeros(n, np.float32)
    at_s = -float(rng.uniform(0, period_s))
    while at_s < duration_s:
        for offset, gain in ((0.0, 1.0), (0.105, 0.85), (0.31, 0.7), (0.415, 0.9)):
            start = round((at_s + (offset + float(rng.normal(0, 0.005))) * period_s) * SAMPLE_RATE)
            dsp.place(joints, hit, start, 0.5 * gain)
            dsp.place(clacks, clack, start, 0.06 * gain * float(rng.uniform(0.8, 1.0)))
        at_s += period_s
    rumble = dsp.wide_noise(n, rng, [(20.0, -12.0), (40.0, 0.0), (75.0, 0.0), (120.0, -18.0), (250.0, -40.0)], 0.4)
    out = rolling * joints + dsp.pan(clacks, 0.0) + 0.02 * rumble * dsp.slow_curve(n, rng, 1.5, 0.6, 1.1)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.8)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(dsp.strength(description), [-1, 0, 1], [0.06, 0.1, 0.16]))))


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "engine",
        engine,
        (
            "engine",
            "car engine",
            "engine idling",
            "car idling",
            "motor",
            "idling engine",
            "truck engine",
            "tractor",
            "diesel engine",
            "motor running",
            "car",
            "car driving",
            "truck",
            "bus",
            "tractor idling",
            "boat engine",
            "motorboat",
        ),
        15.0,
        True,
        ("Engine", "Idling", "Medium engine (mid frequency)", "Heavy engine (low frequency)"),
    ),
    Sound(
        "machinery",
        machinery,
        (
            "machinery",
            "machine",
            "machines",
            "factory",
            "machinery hum",
            "generator",
            "machine room",
            "industrial machinery",
            "machine hum",
            "engine room",
            "server room",
            "electric hum",
            "computer hum",
            "fan",
            "refrigerator hum",
            "workshop",
            "mill",
        ),
        20.0,
        True,
        ("Mechanisms", "Engine"),
    ),
    Sound(
        "spaceship",
        spaceship,
        (
            "spaceship",
            "spacecraft",
            "starship",
            "space station",
            "spaceship hum",
            "spaceship engine",
            "spaceship interior",
            "spaceship bridge",
            "space ship",
            "space ship interior",
            "rocket cabin",
            "cockpit",
            "spacecraft cabin",
        ),
        25.0,
        True,
        ("Vehicle", "Aircraft engine", "Hum", "Throbbing"),
    ),
    Sound(
        "helicopter",
        helicopter,
        ("helicopter", "chopper", "helicopter hovering", "helicopter flying", "rotor blades"),
        15.0,
        True,
        ("Helicopter",),
    ),
    Sound(
        "train",
        train,
        (
            "train",
            "train rolling",
            "railway",
            "train on tracks",
            "train passing",
            "train ride",
            "rolling train",
            "clickety clack",
            "subway",
            "train car",
            "train wheels",
            "train chugging",
            "train moving",
            "metro",
            "railroad",
            "train rolling on tracks",
            "train carriage",
        ),
        20.0,
        True,
        ("Train", "Rail transport", "Railroad car, train wagon", "Clickety-clack", "Subway, metro, underground"),
    ),
)
