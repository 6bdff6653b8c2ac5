"""People as steady sound: murmur, applause, cheering, a heartbeat.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp, voices
from models.effects.sounds import SAMPLE_RATE, Sound


def murmur(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """People talking without words; a restaurant adds dishes, a market adds calls and open air."""
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    market = dsp.says(description, "market", "bazaar", "fair", "street")
    tables = dsp.says(description, "restaurant", "cafe", "coffee", "diner", "pub", "bar", "tavern", "dinner", "canteen")
    bank = voices.phrases(rng, 36, effort=0.7 if market or force > 0 else 0.3)
    n_speakers = {-1: 7, 0: 16, 1: 28}[int(force)]
    out = voices.babble(n, rng, bank, n_speakers, 0.9)
    out = dsp.reverb(out, rng, t60_s=0.5 if market else 0.9, mix=0.25 if market else 0.4, cutoff_hz=4500)
    if tables:
        out = dsp.at_rms(out, 0.05) + 0.02 * dishes(n, rng)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.8)
    out = dsp.at_rms(out, 0.05) + 0.004 * dsp.wide_noise(
        n, rng, [(60.0, 0.0), (300.0, -3.0), (2000.0, -14.0), (9000.0, -30.0)]
    )
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.035, 0.06, 0.11]))))


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
    """Two palms: a burst of noise around the resonance of the hollow between them (Repp 1987)."""
    n = dsp.count(0.05)
    centre_hz = float(rng.uniform(700, 2300))
    noise = dsp.bandpass(dsp.white(n, rng), 0.6 * centre_hz, 1.7 * centre_hz, 1)
    noise += 0.35 * dsp.white(n, rng) * dsp.decay(n, 0.006)
    return dsp.at_peak(noise * dsp.pulse(n, 0.0008, rng.uniform(0.02, 0.045)), 1.0)


def applause(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    out = np.zeros((2, n), np.float32)
    for number in range({-1: 14, 0: 45, 1: 110}[int(force)]):
        claps = [_clap(rng) for _ in range(3)]
        period_s = 1.0 / float(rng.uniform(3.0, 5.0))
        angle, gain = rng.uniform(0.1, 0.9) * np.pi / 2, 10 ** (-rng.exponential(6.0) / 20)
        sides = np.float32(gain) * np.array([[np.cos(angle)], [np.sin(angle)]], np.float32)
        start_s = -float(rng.uniform(0, period_s)) - 0.05
        while start_s < duration_s:
            clap = claps[int(rng.integers(3))]
            dsp.place(out, clap[None, :], round(start_s * SAMPLE_RATE), sides * np.float32(rng.uniform(0.7, 1.0)))
            start_s += period_s * float(rng.normal(1.0, 0.05))
    out = dsp.reverb(out, rng, t60_s=1.1, mix=0.35, cutoff_hz=6000)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.05, 0.1, 0.16]))))


def _shout(rng: np.random.Generator) -> dsp.Mono:
    """One person cheering: a long high open vowel that rises and falls."""
    n = int(rng.uniform(0.7, 2.2) * voices.RATE)
    t = np.linspace(0, 1, n)
    female = rng.random() < 0.5
    top_hz = float(rng.uniform(420, 700) if female else rng.uniform(260, 430))
    pitch = top_hz * (0.75 + 0.25 * np.sin(np.pi * t ** rng.uniform(0.5, 1.2)))
    first, last = voices.VOWELS_HZ[rng.choice([2, 3, 4, 7, 8], 2)] * (1.15 if female else 1.0)
    formants = first[:, None] * (1 - t) + last[:, None] * t
    level = np.minimum(1.0, t / 0.12) * np.minimum(1.0, (1 - t) / 0.35)
    sound = voices.voiced(pitch.astype(np.float32), level.astype(np.float32), formants.astype(np.float32), rng)
    doubled = np.repeat(sound, 2)
    return dsp.at_rms(dsp.lowpass(doubled, 9000.0), 0.1)


def cheering(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    n = dsp.count(duration_s)
    force = dsp.strength(description)
    rate_hz = float(np.interp(force, [-1, 0, 1], [10, 30, 60]))
    out = dsp.scatter(n, rate_hz, [_shout(rng) for _ in range(40)], rng, spread_db=5.0)
    roar = dsp.wide_noise(n, rng, [(200.0, -20.0), (600.0, -3.0), (1200.0, 0.0), (2500.0, -4.0), (8000.0, -20.0)], 0.8)
    out = dsp.at_rms(out, 0.1) + 0.035 * roar * dsp.slow_curve(n, rng, 1.0, 0.7, 1.1)
    out += 0.45 * applause(duration_s, rng, description)
    out = dsp.reverb(out, rng, t60_s=1.6, mix=0.45, cutoff_hz=5000)
    if dsp.is_far(description):
        out = dsp.far_away(out, 0.6)
    return dsp.tamed(dsp.at_rms(out, float(np.interp(force, [-1, 0, 1], [0.06, 0.11, 0.17]))))


def heartbeat(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Lub and dub: two low thumps a beat, the second shorter and higher, a third of the beat later."""
    n = dsp.count(duration_s)
    beats_per_s = float(np.interp(dsp.speed(description), [-1, 0, 1], [0.85, 1.15, 2.0]))
    out = np.zeros(n, np.float32)
    start_s = -float(rng.uniform(0, 0.5)) / beats_per_s
    n_thump = dsp.count(0.22)
    t = np.arange(n_thump) / SAMPLE_RATE
    body = dsp.shaped_noise(n_thump, rng, [(20.0, -6.0), (45.0, 0.0), (120.0, -9.0), (300.0, -30.0)])
    lub = dsp.tone(62.0 - 90.0 * np.minimum(t, 0.2)) * dsp.pulse(n_thump, 0.012, 0.18) + 0.15 * body * dsp.pulse(
        n_thump, 0.01, 0.12
    )
    dub = dsp.tone(78.0 - 120.0 * np.minimum(t, 0.2)) * dsp.pulse(n_thump, 0.008, 0.12) + 0.12 * body * dsp.pulse(
        n_thump, 0.008, 0.08
    )
    while start_s < duration_s:
        beat_s = float(rng.normal(1.0, 0.02)) / beats_per_s
        dsp.place(out, lub, round(start_s * SAMPLE_RATE), float(rng.uniform(0.9, 1.0)))
        dsp.place(out, dub, round((start_s + min(0.32, 0.36 * beat_s)) * SAMPLE_RATE), float(rng.uniform(0.55, 0.7)))
        start_s += beat_s
    level = float(np.interp(dsp.strength(description), [-1, 0, 1], [0.4, 0.65, 0.85]))
    return dsp.tamed(dsp.pan(np.float32(level / 1.1) * out, 0.0))


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
        ),
        25.0,
        True,
        ("Hubbub, speech noise, speech babble", "Chatter", "Crowd", "Conversation"),
    ),
    Sound(
        "applause",
        applause,
        ("applause", "clapping", "audience clapping", "people clapping", "audience applause"),
        8.0,
        True,
        ("Applause", "Clapping"),
    ),
    Sound(
        "cheering",
        cheering,
        ("cheering", "cheering crowd", "crowd cheering", "cheers", "stadium", "stadium crowd", "audience cheering"),
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
