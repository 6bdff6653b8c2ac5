"""Weather and water as steady sound: rain, thunderstorm, wind, sea waves, a stream.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.sounds import SAMPLE_RATE, Sound


def _drops(rng: np.random.Generator, n_grains: int, low_hz: float, high_hz: float) -> list[dsp.Mono]:
    """Rain drops: a short tick of the impact, then for some the ring of the bubble (Minnaert) it leaves behind."""
    bank = []
    for _ in range(n_grains):
        n = dsp.count(rng.uniform(0.006, 0.02))
        tick = dsp.white(n, rng) * dsp.decay(n, rng.uniform(0.002, 0.006))
        hz = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz)))
        ring = dsp.tone(np.linspace(hz, 1.1 * hz, n)) * dsp.pulse(n, 0.0008, rng.uniform(0.008, 0.02))
        bank.append((0.5 * tick + rng.uniform(0, 1.2) * ring).astype(np.float32))
    return bank


def rain(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    drops_per_s = float(np.interp(force, [-1, 0, 1], [60, 220, 500]))
    hiss_db = float(np.interp(force, [-1, 0, 1], [-4.0, 0.0, 4.0]))
    curve = [(60.0, -30.0), (300.0, -14.0), (1000.0, -6.0), (3000.0, 0.0), (8000.0, -1.0), (16_000.0, -9.0)]
    if dsp.says(description, "roof", "tin", "metal"):
        curve = [(60.0, -24.0), (250.0, -4.0), (900.0, 0.0), (3000.0, -4.0), (8000.0, -8.0), (16_000.0, -18.0)]
    if force > 0:
        curve = [(hz, db + (5.0 if hz < 1500 else 0.0)) for hz, db in curve]
    out = dsp.wide_noise(n, rng, curve) * dsp.slow_curve(n, rng, 0.3, 0.85, 1.1) * np.float32(10 ** (hiss_db / 20))
    out += 1.6 * dsp.scatter(n, drops_per_s, _drops(rng, 24, 1200, 7000), rng, spread_db=6.0)
    out += 2.2 * dsp.scatter(n, drops_per_s / 12, _drops(rng, 12, 700, 3000), rng, spread_db=5.0)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.7)
    level = float(np.interp(force, [-1, 0, 1], [0.05, 0.1, 0.18]))
    return dsp.tamed(dsp.at_rms(out, level))


def thunder_roll(duration_s: float, rng: np.random.Generator, *, near: bool) -> Samples:
    """One thunder: several overlapping claps that rumble and die away, sharper at first when it is near."""
    n = dsp.count(duration_s)
    out = np.zeros((2, n), np.float32)
    curve = [(15.0, -12.0), (35.0, 0.0), (90.0, -1.0), (250.0, -9.0), (900.0, -24.0), (4000.0, -48.0)]
    noise = dsp.wide_noise(n, rng, curve, 0.4)
    for clap in range(int(rng.integers(5, 9))):
        start_s = 0.0 if clap == 0 else float(rng.uniform(0.05, 0.5)) * duration_s
        n_clap = n - dsp.count(start_s)
        attack_s = float(rng.uniform(0.01, 0.1) if near else rng.uniform(0.1, 0.5))
        envelope = dsp.pulse(n_clap, attack_s, float(rng.uniform(0.5, 1.0)) * duration_s)
        rumble = np.roll(noise, int(rng.integers(n)), axis=1)[:, :n_clap]
        rumble = rumble * envelope * dsp.slow_curve(n_clap, rng, 2.0, 0.1, 1.0)
        dsp.place(out, rumble, dsp.count(start_s), float(rng.uniform(0.4, 1.0)))
    return dsp.fades(out, 0.002, 0.5)


def thunderstorm(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description.replace("storm", ""))
    far = dsp.is_far(description)
    bed = dsp.at_rms(rain(duration_s, rng, "rain"), float(np.interp(force, [-1, 0, 1], [0.02, 0.036, 0.06])))
    start_s = -float(rng.uniform(1.0, 3.0))
    while start_s < duration_s:
        length_s = float(rng.uniform(5.0, 8.0))
        roll = thunder_roll(length_s, rng, near=not far and rng.random() < 0.5)
        dsp.place(bed, dsp.at_rms(roll, 0.12 if far else 0.2 + 0.05 * force), round(start_s * SAMPLE_RATE))
        start_s += length_s * float(rng.uniform(0.6, 1.1))
    return dsp.tamed(bed[:, :n])


def wind(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Gusts of low noise, and the whistle of air around edges that rises with them."""
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    gusts = dsp.slow_curve(n, rng, float(np.interp(force, [-1, 0, 1], [0.25, 0.4, 0.6])), 0.1, 1.0)
    curve = [(30.0, 0.0), (100.0, -3.0), (400.0, -20.0 + 2.0 * force), (2000.0, -40.0 + 3.0 * force)]
    out = dsp.wide_noise(n, rng, curve, 0.5) * gusts * (1.0 + 0.2 * np.tanh(dsp.wander(n, rng, 8.0)))
    for middle_hz in (350.0, 480.0, 700.0):
        centre_hz = middle_hz * float(rng.uniform(0.9, 1.1)) * (1.0 + 0.15 * force)
        whistle = dsp.band_noise(n, rng, 0.96 * centre_hz, 1.04 * centre_hz)
        whistle = whistle * gusts**2 * dsp.slow_curve(n, rng, 0.6, 0.05, 1.0)
        out += (0.15 + 0.1 * force) * dsp.pan(whistle, float(rng.uniform(-0.6, 0.6)))
    return dsp.tamed(dsp.at_rms(out.astype(np.float32), float(np.interp(force, [-1, 0, 1], [0.04, 0.08, 0.15]))))


def waves(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    rough = dsp.wide_noise(n, rng, [(30.0, -14.0), (90.0, -2.0), (300.0, 0.0), (900.0, -6.0), (4000.0, -22.0)], 0.8)
    bright = dsp.wide_noise(
        n, rng, [(200.0, -24.0), (700.0, -4.0), (2500.0, 0.0), (7000.0, -5.0), (16_000.0, -20.0)], 0.9
    )
    swell, foam = np.zeros(n, np.float32), np.zeros(n, np.float32)
    start_s = -float(rng.uniform(2.0, 9.0))
    while start_s < duration_s:
        length_s = float(rng.uniform(6.0, 9.5))
        n_wave = dsp.count(length_s)
        t = np.linspace(0, 1, n_wave)
        gain = float(rng.uniform(0.6, 1.0))
        dsp.place(swell, (np.sin(np.pi * t**0.8) ** 2).astype(np.float32), round(start_s * SAMPLE_RATE), gain)
        wash = np.where(t < 0.38, (t / 0.38) ** 3, np.exp(-(t - 0.38) * 5.0) * np.minimum(1.0, (1 - t) * 5.0))
        dsp.place(foam, wash.astype(np.float32), round(start_s * SAMPLE_RATE), gain)
        start_s += length_s * float(rng.uniform(0.65, 0.95))
    out = rough * (0.22 + 0.8 * swell) + bright * (0.08 + (0.5 + 0.15 * force) * foam)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.6)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.06, 0.11, 0.18]))))


def _bubbles(rng: np.random.Generator, n_grains: int) -> list[dsp.Mono]:
    """Bubbles of water: decaying sines that rise in pitch (van den Doel 2005)."""
    bank = []
    for _ in range(n_grains):
        hz = float(np.exp(rng.uniform(np.log(350), np.log(2600))))
        t60_s = float(np.clip(26.0 / hz, 0.012, 0.09))
        n = dsp.count(1.2 * t60_s)
        rise = 1.0 + rng.uniform(0.0, 0.5) * np.arange(n) / max(n, 1)
        bank.append(dsp.tone(hz * rise) * dsp.pulse(n, 0.0015, t60_s))
    return bank


def stream(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    bubbles_per_s = float(np.interp(force, [-1, 0, 1], [140, 320, 600]))
    out = dsp.scatter(n, bubbles_per_s, _bubbles(rng, 64), rng, spread_db=7.0)
    flow = dsp.wide_noise(n, rng, [(150.0, -20.0), (400.0, -5.0), (900.0, 0.0), (2500.0, -7.0), (9000.0, -22.0)])
    out += (0.9 + 0.5 * force) * flow * dsp.slow_curve(n, rng, 1.5, 0.7, 1.2)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.05, 0.09, 0.15]))))


RAIN_HEARD = ("Rain", "Rain on surface", "Raindrop")
SOUNDS: tuple[Sound, ...] = (
    Sound(
        "rain",
        rain,
        (
            "rain",
            "raining",
            "rainfall",
            "drizzle",
            "downpour",
            "rain shower",
            "raindrops",
            "rain on the roof",
            "rain on a window",
            "rainy",
            "rain pattering",
            "rain falling",
            "rain pouring",
            "rainy night",
        ),
        20.0,
        True,
        RAIN_HEARD,
    ),
    Sound(
        "thunderstorm",
        thunderstorm,
        (
            "thunderstorm",
            "storm",
            "rainstorm",
            "lightning storm",
            "thunder and rain",
            "rain and thunder",
            "rain with thunder",
        ),
        30.0,
        True,
        ("Thunderstorm", "Thunder"),
    ),
    Sound(
        "wind",
        wind,
        (
            "wind",
            "windy",
            "breeze",
            "gust",
            "gale",
            "wind howling",
            "wind blowing",
            "blizzard",
            "wind whistling",
            "windy night",
            "desert wind",
            "snowstorm",
            "sandstorm",
            "draught",
            "wind rustling leaves",
        ),
        20.0,
        True,
        ("Wind", "Wind noise (microphone)"),
    ),
    Sound(
        "waves",
        waves,
        (
            "waves",
            "sea",
            "ocean",
            "surf",
            "seashore",
            "beach",
            "sea waves",
            "ocean waves",
            "waves crashing",
            "waves breaking",
            "waves lapping",
            "water lapping",
            "seaside",
            "shore",
            "coast",
            "shoreline",
            "waves rolling",
            "sea shore",
        ),
        25.0,
        True,
        ("Waves, surf", "Ocean"),
    ),
    Sound(
        "stream",
        stream,
        (
            "stream",
            "brook",
            "creek",
            "river",
            "babbling brook",
            "flowing water",
            "running water",
            "water flowing",
            "mountain stream",
            "spring water",
            "fountain",
            "rushing water",
            "trickling water",
            "water stream",
        ),
        20.0,
        True,
        ("Stream", "Gurgling", "Trickle, dribble"),
    ),
)
