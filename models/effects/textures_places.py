"""Places as steady sound: an office, typing, a quiet room, city traffic.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp, voices
from models.effects.sounds import SAMPLE_RATE, Sound


def _key(rng: np.random.Generator) -> dsp.Mono:
    """One key: the finger lands, the key bottoms out, then comes back up; plastic rings over a dull case."""
    out = np.zeros(dsp.count(0.2), np.float32)
    n = dsp.count(0.05)
    for start_s, gain in ((0.0, 0.3), (rng.uniform(0.004, 0.012), 1.0), (rng.uniform(0.06, 0.12), 0.4)):
        click = dsp.at_peak(dsp.bandpass(dsp.white(n, rng), 1400, 8000, 1) * dsp.pulse(n, 0.0003, 0.02))
        modes_hz = list(np.array([900.0, 1900.0, 3100.0, 4700.0]) * rng.uniform(0.9, 1.1, 4))
        plastic = dsp.modal(n, modes_hz, [0.04, 0.03, 0.02, 0.015], [0.3, 0.5, 0.4, 0.3], rng)
        case = dsp.modal(n, [float(rng.uniform(150, 300))], [0.05], [1.0], rng)
        dsp.place(out, click + 0.3 * plastic + 0.3 * case, dsp.count(start_s), gain * 10 ** (rng.normal(0, 2) / 20))
    return dsp.at_peak(out, 1.0)


def keystrokes(n: int, rng: np.random.Generator, keys_per_s: float) -> Samples:
    """Someone typing: bursts of a word, short waits between, now and then a longer one; peak about 1."""
    keys = [_key(rng) for _ in range(20)]
    out = np.zeros((2, n), np.float32)
    at_s = -float(rng.uniform(0, 0.6))
    while at_s * SAMPLE_RATE < n:
        for _ in range(int(rng.integers(3, 10))):
            key = dsp.pan(keys[int(rng.integers(len(keys)))], float(rng.uniform(-0.3, 0.3)))
            dsp.place(out, key, round(at_s * SAMPLE_RATE), float(rng.uniform(0.4, 1.0)))
            at_s += float(rng.gamma(6.0, 1 / 6.0)) / keys_per_s
        at_s += float(rng.gamma(3.0, 1 / 3.0)) * 2.0 / keys_per_s
    return out


def typing(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    keys_per_s = float(np.interp(dsp.speed(description), [-1, 0, 1], [3.5, 7.0, 10.0]))
    out = 0.3 * keystrokes(n, rng, keys_per_s)
    out = dsp.reverb(out, rng, t60_s=0.25, mix=0.12, cutoff_hz=8000)
    out += 0.0005 * dsp.wide_noise(n, rng, [(60.0, 0.0), (300.0, -6.0), (4000.0, -20.0)])
    return dsp.tamed(out * np.float32(10 ** (6.0 * dsp.strength(description) / 20)))


def _printer(n: int, rng: np.random.Generator) -> dsp.Mono:
    """A printer: a carriage that whirs to and fro over a motor."""
    strokes_hz = float(rng.uniform(0.9, 1.5))
    t = dsp.times(n)
    carriage = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * strokes_hz * t)) * np.minimum(
        1, 8 * np.abs(np.sin(2 * np.pi * strokes_hz * t))
    )
    motor = dsp.harmonics(np.full(n, rng.uniform(180, 260)) * (1 + 0.25 * carriage), [0.5, 0.3, 0.25, 0.2, 0.15, 0.1])
    paper = dsp.band_noise(n, rng, 1500, 6000)
    whole = 0.35 * motor * (0.4 + 0.6 * carriage) + 0.4 * paper * (0.3 + 0.7 * carriage)
    return np.asarray(whole, dtype=np.float32)


def _phone(rng: np.random.Generator) -> dsp.Mono:
    """An office telephone: two tones warbling, two rings."""
    low_hz = float(rng.uniform(900, 1300))
    n_ring = dsp.count(0.9)
    warble = np.where(np.sin(2 * np.pi * 14 * np.arange(n_ring) / SAMPLE_RATE) > 0, low_hz, 1.25 * low_hz)
    ring = dsp.fades(dsp.harmonics(warble, [1.0, 0.2, 0.25, 0.05]), 0.01, 0.05)
    return np.concatenate([ring, np.zeros(dsp.count(1.6), np.float32), ring])


def office(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Keyboards near and far, low talk, the air conditioning, now and then a telephone or the printer."""
    n = dsp.count(duration_s)
    busy = max(dsp.strength(description), dsp.speed(description))
    talk = voices.babble(n, rng, voices.phrases(rng, 24, effort=0.2), {-1: 3, 0: 7, 1: 12}[int(busy)], 2.0)
    talk = dsp.reverb(talk, rng, t60_s=0.6, mix=0.4, cutoff_hz=3500)
    out = dsp.at_rms(talk, float(np.interp(busy, [-1, 0, 1], [0.004, 0.006, 0.008])))
    for desk in range({-1: 1, 0: 2, 1: 3}[int(busy)]):
        keys = dsp.reverb(keystrokes(n, rng, float(rng.uniform(6, 8))), rng, t60_s=0.25, mix=0.12, cutoff_hz=8000)
        out += np.float32(0.3 * 0.22**desk) * keys
    at_s = float(rng.uniform(1.0, 8.0))
    while at_s < duration_s:
        ring = dsp.far_away(dsp.reverb(_phone(rng), rng, t60_s=0.6, mix=0.4), 0.3)
        dsp.place(out, ring, dsp.count(at_s), 0.005)
        at_s += float(rng.uniform(9.0, 16.0))
    at_s = float(rng.uniform(3.0, 12.0))
    while at_s < duration_s:
        n_print = dsp.count(rng.uniform(2.5, 4.5))
        sheet = dsp.far_away(dsp.pan(dsp.fades(_printer(n_print, rng), 0.1, 0.2), float(rng.uniform(-0.8, 0.8))), 0.3)
        dsp.place(out, sheet, dsp.count(at_s), 0.005)
        at_s += float(rng.uniform(11.0, 22.0))
    air = dsp.wide_noise(n, rng, [(40.0, -3.0), (110.0, 0.0), (400.0, -8.0), (2000.0, -20.0), (9000.0, -36.0)])
    return dsp.tamed(np.float32(1.3) * (out + 0.005 * air))


def room_tone(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """The air of an empty room: low soft noise and a trace of mains hum (50 Hz and its harmonics)."""
    n = dsp.count(duration_s)
    air = dsp.wide_noise(n, rng, [(30.0, -2.0), (80.0, 0.0), (300.0, -9.0), (1500.0, -22.0), (8000.0, -40.0)], 0.6)
    hum = dsp.harmonics(np.full(n, 50.0), [0.5, 1.0, 0.25, 0.35, 0.1, 0.12])
    out = 0.0025 * air + 0.0005 * dsp.pan(hum, 0.0)
    return out * np.float32(10 ** (6.0 * dsp.strength(description) / 20))


def _tyres(rng: np.random.Generator) -> dsp.Mono:
    """A moment of tyre on tarmac: a short soft burst of noise around 300 to 1200 Hz."""
    n = dsp.count(0.2)
    centre_hz = float(np.exp(rng.uniform(np.log(300), np.log(1200))))
    noise = dsp.bandpass(dsp.white(n, rng), 0.55 * centre_hz, 1.8 * centre_hz, 1)
    return dsp.at_peak(noise * dsp.pulse(n, 0.0005, 0.125), 1.0) * np.float32(10 ** (rng.normal(0.0, 2.0) / 20))


def traffic(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A city street: tyres and engines of many cars, and single ones that pass from side to side."""
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    busy = float(np.clip(force + dsp.speed(description), -1, 1))
    n_street = min(n, dsp.count(12.0))
    rolling = dsp.scatter(n_street, 800.0, [_tyres(rng) for _ in range(80)], rng, spread_db=6.0)
    rolling = dsp.reverb(rolling, rng, t60_s=0.3, mix=0.4, cutoff_hz=2000)
    out = dsp.at_rms(dsp.lowpass(dsp.highpass(rolling, 400.0), 3000.0), 0.1) * dsp.slow_curve(
        n_street, rng, 0.4, 0.3, 1.0
    )
    for _ in range({-1: 2, 0: 4, 1: 6}[round(busy)]):
        firing_hz = float(rng.uniform(50, 110)) * (1 + 0.08 * dsp.wander(n_street, rng, 0.4))
        motor = dsp.harmonics(firing_hz, [0.5, 1.0, 0.6, 0.5, 0.35, 0.25, 0.2, 0.15, 0.1])
        motor *= dsp.slow_curve(n_street, rng, 0.3, 0.0, 1.0) * (1 + 0.3 * np.tanh(dsp.wander(n_street, rng, 30.0)))
        out += 0.05 * dsp.pan(motor, float(rng.uniform(-0.7, 0.7)))
    out += 0.03 * dsp.wide_noise(
        n_street, rng, [(25.0, -6.0), (45.0, 0.0), (80.0, -3.0), (150.0, -24.0), (300.0, -50.0)]
    )
    out = dsp.extended(out, n, rng)
    at_s = -4.0
    passing = np.zeros((2, n), np.float32)
    cars = [_car_pass(rng) for _ in range(3)]
    while at_s < duration_s:
        car = cars[int(rng.integers(3))][:: int(rng.choice([-1, 1]))]
        dsp.place(passing, car, round(at_s * SAMPLE_RATE), float(10 ** (-rng.exponential(5.0) / 20)))
        at_s += float(rng.exponential(np.interp(busy, [-1, 0, 1], [5.0, 2.2, 1.2])))
    out += 0.2 * dsp.at_rms(passing, 0.1)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.8)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(busy, [-1, 0, 1], [0.045, 0.08, 0.12]))))


def _car_pass(rng: np.random.Generator) -> Samples:
    """One car: tyre noise and an engine that swell, cross over and fade, falling in pitch as it passes (Doppler)."""
    length_s = float(rng.uniform(4.5, 8.0))
    n = dsp.count(length_s)
    t = np.linspace(-length_s / 2, length_s / 2, n)
    speed_m_s, nearest_m = float(rng.uniform(9, 16)), float(rng.uniform(5, 14))
    distance_m = np.sqrt(nearest_m**2 + (speed_m_s * t) ** 2)
    level = (nearest_m / distance_m) ** 1.3 * np.hanning(n) ** 0.5
    doppler = 1.0 / (1.0 + speed_m_s**2 * t / distance_m / 343.0)
    tyres = dsp.shaped_noise(n, rng, [(80.0, -10.0), (300.0, -4.0), (900.0, 0.0), (1800.0, -6.0), (6000.0, -22.0)])
    low = dsp.shaped_noise(n, rng, [(30.0, -3.0), (70.0, 0.0), (200.0, -6.0), (600.0, -20.0)])
    engine = dsp.harmonics(float(rng.uniform(55, 95)) * doppler, [0.5, 1.0, 0.5, 0.5, 0.25, 0.2, 0.12, 0.1])
    mono = level * (0.6 * tyres + 0.5 * low + 0.25 * engine)
    side = float(rng.choice([-1.0, 1.0])) * speed_m_s * t / distance_m
    angle = (0.8 * side + 1) * np.pi / 4
    return (0.16 * np.stack([np.cos(angle) * mono, np.sin(angle) * mono])).astype(np.float32)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "office",
        office,
        (
            "office",
            "office ambience",
            "engineering office",
            "open plan office",
            "newsroom",
            "call center",
            "workplace",
            "control room",
            "mission control",
            "office noise",
            "office chatter",
            "engineers working",
            "people working",
        ),
        30.0,
        True,
        ("Typing", "Computer keyboard"),
    ),
    Sound(
        "typing",
        typing,
        (
            "typing",
            "keyboard",
            "typing on a keyboard",
            "computer keyboard",
            "keyboard typing",
            "keystrokes",
            "keyboard clicking",
        ),
        8.0,
        True,
        ("Typing", "Computer keyboard", "Typewriter"),
    ),
    Sound(
        "room tone",
        room_tone,
        (
            "room tone",
            "quiet room",
            "empty room",
            "room ambience",
            "air conditioning",
            "ventilation",
            "quiet room ambience",
            "library",
            "bedroom",
        ),
        20.0,
        True,
        ("Silence", "Inside, small room", "Hum"),
    ),
    Sound(
        "traffic",
        traffic,
        (
            "traffic",
            "city traffic",
            "street",
            "city",
            "road",
            "highway",
            "cars passing",
            "urban street",
            "city street",
            "street ambience",
            "city ambience",
            "cars",
            "downtown",
            "avenue",
            "motorway",
            "freeway",
            "rush hour",
            "intersection",
            "cars driving",
        ),
        25.0,
        True,
        ("Traffic noise, roadway noise", "Motor vehicle (road)", "Vehicle"),
    ),
)
