"""People as steady sound: murmur, applause, cheering, a heartbeat.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from models.clip import Samples
from models.effects import dsp, voices
from models.effects.sounds import SAMPLE_RATE, Sound


def murmur(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """People talking without words; a restaurant adds dishes, a market is louder and has no walls."""
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    market = dsp.says(description, "market", "bazaar", "fair", "street")
    tables = dsp.says(description, "restaurant", "cafe", "coffee", "diner", "pub", "bar", "tavern", "dinner", "canteen")
    bank = voices.phrases(rng, 30, effort=0.8 if market or force > 0 else 0.5)
    out = voices.babble(n, rng, bank, {-1: 9, 0: 24, 1: 40}[int(force)], 0.9)
    out = dsp.reverb(out, rng, t60_s=0.5 if market else 1.0, mix=0.3 if market else 0.5, cutoff_hz=4500)
    out = dsp.at_rms(out, 0.05)
    if tables:
        out += 0.02 * dishes(n, rng)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.8)
    air = dsp.wide_noise(n, rng, [(60.0, 0.0), (300.0, -3.0), (2000.0, -14.0), (9000.0, -30.0)])
    return dsp.tamed(dsp.at_rms(out + 0.006 * air, float(np.interp(force, [-1, 0, 1], [0.035, 0.06, 0.11]))))


def dishes(n: int, rng: np.random.Generator) -> Samples:
    """Cups, plates and spoons now and then, peak about 1."""
    bank = []
    for _ in range(16):
        base_hz = float(rng.uniform(1400, 3800))
        ratios = np.array([1.0, 2.3, 3.7, 5.2]) * rng.uniform(0.95, 1.05, 4)
        t60s_s = rng.uniform(0.06, 0.35) / np.sqrt(np.arange(1, 5))
        ring = dsp.modal(dsp.count(0.4), list(base_hz * ratios), list(t60s_s), [1.0, 0.7, 0.5, 0.3], rng)
        bank.append(dsp.at_peak(ring, 1.0))
    return dsp.reverb(dsp.scatter(n, 1.6, bank, rng, spread_db=7.0), rng, t60_s=0.8, mix=0.2)


def _clap(rng: np.random.Generator) -> dsp.Mono:
    """Two palms: a few milliseconds of noise around the resonance of the hollow between them (Repp 1987)."""
    n = dsp.count(0.018)
    centre_hz = float(np.exp(rng.uniform(np.log(600), np.log(1900))))
    noise = dsp.bandpass(dsp.white(n, rng), 0.55 * centre_hz, 1.8 * centre_hz, 1)
    return dsp.at_peak(noise * dsp.pulse(n, 0.0005, 0.0075), 1.0) * np.float32(10 ** (rng.normal(0.0, 2.0) / 20))


def applause(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A hall of people clapping; "light" is a few dozen, "loud" a thousand."""
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    claps_per_s = float(np.interp(force, [-1, 0, 1], [350, 1500, 2500]))
    out = dsp.scatter(n, claps_per_s, [_clap(rng) for _ in range(80)], rng, spread_db=6.0)
    out = dsp.reverb(out, rng, t60_s=0.9, mix=0.05, cutoff_hz=3000)
    out = dsp.lowpass(dsp.highpass(out, 400.0), 3000.0, 3) * dsp.slow_curve(n, rng, 1.0, 0.8, 1.1)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.7)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.05, 0.1, 0.16]))))


def _shout(rng: np.random.Generator) -> dsp.Mono:
    """One person cheering: a high open vowel that rises and falls, unsteady with excitement."""
    n = int(rng.uniform(0.4, 1.4) * voices.RATE)
    t = np.linspace(0, 1, n)
    bend = 0.4 + 0.6 * np.sin(np.pi * t ** rng.uniform(0.4, 1.0))
    tremor = 1 + 0.02 * np.sin(2 * np.pi * 5.5 * t * n / voices.RATE + rng.uniform(0, 6))
    pitch = float(np.exp(rng.uniform(np.log(300), np.log(620)))) * bend * tremor
    first, last = voices.VOWELS_HZ[rng.choice([3, 4, 5, 7, 8], 2)] * rng.uniform(1.0, 1.2)
    formants = first[:, None] * (1 - t) + last[:, None] * t
    level = np.minimum(1.0, t / 0.15) * np.minimum(1.0, (1 - t) / 0.4)
    sound = voices.voiced(pitch, level, formants, rng)
    return dsp.at_rms(np.asarray(signal.resample_poly(sound, 2, 1), dtype=np.float32), 0.1)


def cheering(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Shouts of joy over applause."""
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    shouts_per_s = float(np.interp(force, [-1, 0, 1], [4, 9, 16]))
    shouts = dsp.scatter(n, shouts_per_s, [_shout(rng) for _ in range(50)], rng, spread_db=5.0)
    out = dsp.at_rms(dsp.reverb(shouts, rng, t60_s=1.4, mix=0.3, cutoff_hz=5000), 0.1)
    out += dsp.at_rms(applause(duration_s, rng, "loud applause" if force > 0 else ""), 0.065)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.6)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.06, 0.11, 0.17]))))


def heartbeat(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Lub and dub: two low thumps a beat, the second shorter and higher, a third of the beat later."""
    n = dsp.count(duration_s)
    beats_per_s = float(np.interp(dsp.speed(description), [-1, 0, 1], [0.85, 1.15, 2.0]))
    n_thump = dsp.count(0.25)
    t = np.arange(n_thump) / SAMPLE_RATE
    flesh: dsp.Curve = [(20.0, -10.0), (75.0, 0.0), (150.0, 0.0), (300.0, -18.0), (900.0, -50.0)]
    low_hz = float(rng.uniform(62, 80))
    thumps = []
    for start_hz, attack_s, t60_s in ((low_hz, 0.012, 0.15), (1.25 * low_hz, 0.009, 0.11)):
        swing = dsp.tone(start_hz * (1 - 1.2 * np.minimum(t, 0.2))) * dsp.pulse(n_thump, attack_s, t60_s)
        rush = dsp.shaped_noise(n_thump, rng, flesh) * dsp.pulse(n_thump, attack_s, 0.8 * t60_s)
        thumps.append(dsp.fades(swing + 0.06 * rush, 0.0, 0.02))
    lub, dub = thumps
    out = np.zeros(n, np.float32)
    start_s = -float(rng.uniform(0, 0.5)) / beats_per_s
    while start_s < duration_s:
        beat_s = float(rng.normal(1.0, 0.02)) / beats_per_s
        dsp.place(out, lub, round(start_s * SAMPLE_RATE), float(rng.uniform(0.9, 1.0)))
        dsp.place(out, dub, round((start_s + min(0.3, 0.36 * beat_s)) * SAMPLE_RATE), float(rng.uniform(0.6, 0.7)))
        start_s += beat_s
    level = float(np.interp(dsp.strength(description), [-1, 0, 1], [0.35, 0.6, 0.8]))
    return dsp.tamed(dsp.pan(np.float32(level) * out, 0.0))


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "murmur",
        murmur,
        (
            "murmur",
            "crowd",
            "people talking",
            "crowd murmur",
            "chatter",
            "restaurant",
            "cafe",
            "coffee shop",
            "market",
            "people chatting",
            "conversation",
            "voices",
            "babble",
            "hubbub",
            "tavern",
            "pub",
            "bar",
            "party",
            "audience murmur",
            "bazaar",
            "canteen",
            "diner",
            "crowd talking",
            "people murmuring",
            "marketplace",
            "lobby",
            "banquet",
            "inn",
            "restaurant chatter",
            "crowd chatter",
            "voices talking",
            "muffled voices",
            "crowded room",
            "gathering",
        ),
        25.0,
        True,
        ("Hubbub, speech noise, speech babble", "Chatter", "Crowd", "Conversation", "Speech"),
    ),
    Sound(
        "applause",
        applause,
        (
            "applause",
            "clapping",
            "audience clapping",
            "people clapping",
            "audience applause",
            "crowd applauding",
            "audience applauding",
            "ovation",
        ),
        8.0,
        True,
        ("Applause", "Clapping"),
    ),
    Sound(
        "cheering",
        cheering,
        (
            "cheering",
            "cheering crowd",
            "crowd cheering",
            "cheers",
            "stadium",
            "stadium crowd",
            "audience cheering",
            "crowd roaring",
            "fans cheering",
            "people cheering",
        ),
        10.0,
        True,
        ("Cheering", "Crowd"),
    ),
    Sound(
        "heartbeat",
        heartbeat,
        ("heartbeat", "heart beating", "heart beat", "pulse of a heart", "beating heart"),
        8.0,
        True,
        ("Heart sounds, heartbeat", "Heart murmur"),
    ),
)
