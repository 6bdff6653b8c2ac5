"""Nature as steady sound: fire, crickets at night, birds at dawn.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.sounds import SAMPLE_RATE, Sound


def _crackles(rng: np.random.Generator, n_grains: int) -> list[dsp.Mono]:
    bank = []
    for _ in range(n_grains):
        n = dsp.count(rng.uniform(0.004, 0.03))
        low_hz = float(rng.uniform(500, 2500))
        snap = dsp.bandpass(dsp.white(n, rng), low_hz, min(low_hz * rng.uniform(3, 8), 18_000.0), 1)
        bank.append(dsp.at_peak(snap * dsp.pulse(n, 0.0002, rng.uniform(0.002, 0.025)), 1.0))
    return bank


def fire(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    roar = dsp.wide_noise(
        n, rng, [(30.0, -6.0), (60.0, 0.0), (110.0, 0.0), (200.0, -10.0), (500.0, -18.0), (3000.0, -40.0)], 0.5
    )
    out = 0.025 * (1.0 + 0.6 * force) * roar * dsp.slow_curve(n, rng, 4.0, 0.5, 1.2)
    out += 0.003 * dsp.wide_noise(n, rng, [(500.0, -12.0), (2000.0, 0.0), (9000.0, -6.0), (18_000.0, -20.0)])
    rate_hz = float(np.interp(force, [-1, 0, 1], [9, 22, 45]))
    out += 0.07 * dsp.scatter(n, rate_hz, _crackles(rng, 40), rng, spread_db=7.0)
    bursts = dsp.scatter(n, 0.7, [_burst(rng) for _ in range(6)], rng, spread_db=4.0)
    out += 0.16 * bursts
    level = float(np.interp(force, [-1, 0, 1], [0.03, 0.05, 0.09]))
    return dsp.tamed(dsp.at_rms(out, level))


def _burst(rng: np.random.Generator) -> dsp.Mono:
    """A pocket of sap going off: several snaps within a tenth of a second."""
    out = np.zeros(dsp.count(0.25), np.float32)
    bank = _crackles(rng, 6)
    for start in rng.exponential(0.05, int(rng.integers(3, 9))):
        dsp.place(out, bank[int(rng.integers(6))], dsp.count(start), float(rng.uniform(0.3, 1.0)))
    return out


def _cricket(rng: np.random.Generator, n: int) -> dsp.Mono:
    """One field cricket: chirps of a few wing strokes at about 4.5 kHz."""
    carrier_hz = float(rng.uniform(3900, 4900))
    stroke_s, n_strokes = float(rng.uniform(0.028, 0.036)), int(rng.integers(2, 5))
    period_s = float(rng.uniform(0.5, 0.95))
    n_stroke = dsp.count(stroke_s)
    shape = np.sin(np.pi * np.linspace(0, 1, int(0.65 * n_stroke))) ** 0.8
    chirp_level = np.zeros(n_stroke * n_strokes, np.float32)
    for stroke in range(n_strokes):
        dsp.place(chirp_level, shape.astype(np.float32), stroke * n_stroke, 0.6 + 0.4 * stroke / n_strokes)
    bend = carrier_hz * (1.0 + 0.004 * np.sin(np.pi * np.linspace(0, 1, len(chirp_level))))
    chirp = chirp_level * (dsp.tone(bend) + 0.08 * dsp.tone(2 * bend))
    out = np.zeros(n, np.float32)
    start_s = -float(rng.uniform(0, 1.0))
    while start_s * SAMPLE_RATE < n:
        dsp.place(out, chirp, round(start_s * SAMPLE_RATE), float(rng.uniform(0.85, 1.0)))
        start_s += period_s * float(rng.normal(1.0, 0.03)) + (rng.exponential(1.5) if rng.random() < 0.04 else 0.0)
    return out


def crickets(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    out = np.zeros((2, n), np.float32)
    for number in range({-1: 2, 0: 4, 1: 8}[int(force)]):
        gain = 10 ** (-(2.5 * number + rng.uniform(0, 2)) / 20)
        out += dsp.pan(_cricket(rng, n) * np.float32(gain), float(rng.uniform(-0.9, 0.9)))
    out *= 0.1
    out = dsp.reverb(out, rng, t60_s=0.7, mix=0.12, cutoff_hz=8000)
    out += 0.006 * dsp.wide_noise(n, rng, [(60.0, -6.0), (200.0, 0.0), (1000.0, -12.0), (8000.0, -24.0)])
    out += 0.002 * dsp.wide_noise(n, rng, [(3000.0, -30.0), (4200.0, 0.0), (5200.0, 0.0), (7000.0, -30.0)])
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.03, 0.05, 0.08]))))


def _syllable(rng: np.random.Generator, base_hz: float) -> dsp.Mono:
    """One note of a bird: a whistle that sweeps, or trembles, with a weak second harmonic."""
    n = dsp.count(rng.uniform(0.04, 0.2))
    t = np.linspace(0, 1, n)
    kind = int(rng.choice(4, p=[0.35, 0.25, 0.25, 0.15]))
    span = float(rng.uniform(0.15, 0.5))
    if kind == 0:
        bend = 1 + span * (0.5 - t)
    elif kind == 1:
        bend = 1 + span * (t - 0.5)
    elif kind == 2:
        bend = 1 + span * np.sin(np.pi * t)
    else:
        bend = 1 + 0.35 * span * np.sin(2 * np.pi * rng.uniform(22, 45) * t * n / SAMPLE_RATE)
    level = np.sin(np.pi * t) ** 0.7
    return (level * (dsp.tone(base_hz * bend) + 0.1 * dsp.tone(2 * base_hz * bend))).astype(np.float32)


def _song(rng: np.random.Generator, base_hz: float) -> dsp.Mono:
    """One phrase of a bird's song: a few notes, each repeated."""
    notes = []
    for _ in range(int(rng.integers(1, 4))):
        note = _syllable(rng, base_hz * float(rng.uniform(0.8, 1.3)))
        gap = np.zeros(dsp.count(rng.uniform(0.02, 0.09)), np.float32)
        notes += [note, gap] * int(rng.integers(1, 6))
    return np.concatenate(notes)


def birds(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    n_birds = {-1: 2, 0: 5, 1: 9}[int(force)]
    out = np.zeros((2, n), np.float32)
    for number in range(n_birds):
        base_hz = float(np.exp(rng.uniform(np.log(2300), np.log(6000))))
        songs = [_song(rng, base_hz) for _ in range(3)]
        gain, place = 10 ** (-(2.0 * number) / 20), float(rng.uniform(-0.9, 0.9))
        start_s = -float(rng.uniform(0, 2))
        while start_s < duration_s:
            song = songs[int(rng.integers(3))]
            dsp.place(out, dsp.pan(song, place), round(start_s * SAMPLE_RATE), float(gain * rng.uniform(0.5, 1.0)))
            start_s += len(song) / SAMPLE_RATE + float(rng.gamma(2.0, 1.3))
    out = dsp.reverb(0.15 * out, rng, t60_s=1.2, mix=0.25, cutoff_hz=7000)
    out += 0.005 * dsp.wide_noise(n, rng, [(80.0, -3.0), (300.0, 0.0), (1500.0, -8.0), (6000.0, -18.0)])
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.03, 0.05, 0.08]))))


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "fire",
        fire,
        (
            "fire",
            "campfire",
            "fireplace",
            "bonfire",
            "fire crackling",
            "crackling fire",
            "flames",
            "hearth",
            "burning wood",
            "campfire crackling",
            "torch burning",
            "fire burning",
            "crackling",
        ),
        20.0,
        True,
        ("Fire", "Crackle"),
    ),
    Sound(
        "crickets",
        crickets,
        (
            "crickets",
            "cricket",
            "night",
            "summer night",
            "crickets chirping",
            "night ambience",
            "insects",
            "cicadas",
            "crickets at night",
            "night insects",
            "cicadas chirping",
        ),
        20.0,
        True,
        ("Cricket", "Insect"),
    ),
    Sound(
        "birds",
        birds,
        (
            "birds",
            "birdsong",
            "birds chirping",
            "birds singing",
            "forest",
            "dawn chorus",
            "songbirds",
            "forest dawn",
            "forest ambience",
            "woods",
            "garden birds",
            "chirping birds",
            "morning birds",
            "meadow",
            "birdsong at dawn",
            "birds tweeting",
            "birds chirping in trees",
            "park",
            "countryside",
            "woodland",
        ),
        20.0,
        True,
        ("Bird", "Bird vocalization, bird call, bird song", "Chirp, tweet"),
    ),
)
