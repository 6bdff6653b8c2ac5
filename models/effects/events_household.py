"""About the house as events: a whistle, a kettle, a match, steam, a twig that breaks.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import by_size, by_speed, finished, phrases, repeated, steps
from models.effects.sounds import Sound


def whistle(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A referee's whistle: two pipes near 2.8 kHz that a pea interrupts some 35 times a second."""
    hz = by_size(description, 3300, 2800, 2080) * float(rng.uniform(0.793, 1.29))
    blasts = ((0.0678, 0.28), (0.45, 1.0))

    def blast(take: int) -> dsp.Mono:
        n = dsp.count(blasts[take % 2][1])
        pea = 0.5 + 0.5 * dsp.tone(36 * (1 + 0.123 * dsp.wander(n, rng, 7.43)))
        rise = 1 - 0.06 * dsp.decay(n, 0.0901)
        sound = dsp.harmonics(hz * rise * (1 + 0.0294 * (pea - 0.5)), [1.0, 0.429, 0.15])
        sound += 0.863 * dsp.harmonics(1.06 * hz * rise * (1 + 0.03 * (pea - 0.5)), [1.0, 0.183])
        sound += 0.127 * dsp.band_noise(n, rng, 0.8 * hz, 0.915 * hz)
        return dsp.fades(sound * (0.422 + 0.635 * pea), 0.0177, 0.03)

    starts_s = [turn_s + start_s for turn_s in np.arange(0.0, duration_s, 3.49) for start_s, _ in blasts]
    out = dsp.reverb(repeated(duration_s, starts_s, blast), rng, t60_s=0.9, mix=0.146, cutoff_hz=5340)
    return finished(out, duration_s, description, peak=0.5, rng=rng)


def kettle(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A kettle comes to the boil: steam, and a whistle that climbs and stays."""
    n = dsp.count(duration_s)
    rise = np.minimum(1.0, dsp.times(n) / 1.5 + 0.15)
    hz = float(rng.uniform(1900, 2300)) * (0.75 + 0.25 * rise) * (1 + 0.004 * dsp.wander(n, rng, 8.0))
    tone = dsp.harmonics(hz, [1.0, 0.35, 0.2, 0.08]) * rise * dsp.slow_curve(n, rng, 6.0, 0.8, 1.0)
    steam = dsp.wide_noise(n, rng, [(300, -18), (1500, -3), (5000, 0), (14_000, -6)])
    out = np.stack([tone, tone]) + np.float32(0.25) * steam * rise
    return finished(dsp.fades(out, 0.05, 0.05), duration_s, description, peak=0.45, rng=rng)


def match_strike(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A match is drawn over its box, flares up and burns."""
    n = dsp.count(max(duration_s, 1.8))
    scratch_n, flare_n = dsp.count(0.22), dsp.count(1.3)
    out = np.zeros(n, np.float32)
    grit = 0.3 + np.abs(dsp.wander(scratch_n, rng, 300.0))
    scratch = dsp.band_noise(scratch_n, rng, 1800, 9000) * grit * np.linspace(0.3, 1.0, scratch_n)
    dsp.place(out, dsp.fades(dsp.at_peak(np.asarray(scratch, dtype=np.float32), 0.7), 0.01, 0.02), dsp.count(0.04))
    flare = dsp.shaped_noise(flare_n, rng, [(80, -6), (300, 0), (1500, -2), (6000, 0), (14_000, -8)])
    flare *= dsp.pulse(flare_n, 0.06, 1.4) * (0.4 + np.abs(dsp.wander(flare_n, rng, 40.0)))
    dsp.place(out, dsp.at_peak(np.asarray(flare, dtype=np.float32), 1.0), dsp.count(0.22))
    for start in dsp.poisson_starts(n, 14, rng):
        if start > dsp.count(0.3):
            pop_n = dsp.count(0.012)
            pop = dsp.band_noise(pop_n, rng, 1500, 8000) * dsp.pulse(pop_n, 0.0003, 0.01)
            dsp.place(out, dsp.at_peak(pop, 1.0), int(start), float(10 ** (rng.normal(-14, 5) / 20)))
    return finished(out, duration_s, description, peak=0.5, rng=rng)


def steam(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Steam or air lets go: a burst of hiss that dies down, as from a valve or an airlock."""
    n = dsp.count(min(duration_s, 2.6))
    hiss = dsp.wide_noise(n, rng, [(200, -20), (1200, -6), (4000, 0), (14_000, -1)])
    level = dsp.pulse(n, 0.03, by_speed(description, 6.0, 3.5, 1.8)) * dsp.slow_curve(n, rng, 12.0, 0.85, 1.0)
    out = dsp.fades(hiss * level, 0.02, 0.2)
    clunk_n = dsp.count(0.2)
    clunk = dsp.band_noise(clunk_n, rng, 80, 900) * dsp.pulse(clunk_n, 0.002, 0.12)
    dsp.place(out, dsp.pan(dsp.at_peak(clunk, 0.6), 0.0), dsp.count(0.01))
    wet = dsp.reverb(out, rng, t60_s=0.6, mix=0.1)
    return finished(wet, duration_s, description, peak=0.5, rng=rng)


def branch_snap(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A twig or a branch breaks: fibres tear, then the wood cracks; a large one goes on splintering."""
    body_hz = 1 / by_size(description, 1 / 909, 1 / 692, 1 / 127) * float(rng.uniform(0.572, 0.648))

    def snap(_take: int) -> dsp.Mono:
        n = dsp.count(0.5)
        out = np.zeros(n, np.float32)
        for number in range(int(rng.integers(12, 13))):
            crack_n = dsp.count(0.0311)
            hz = body_hz * float(rng.uniform(1.12, 2.3))
            crack = dsp.band_noise(crack_n, rng, hz, 6 * hz if 16 * hz < 11000 else 48000)
            crack *= dsp.pulse(crack_n, 0.0009, float(rng.uniform(0.00641, 0.0495)))
            late = 0.0 if number == 0 else float(rng.exponential(0.0592))
            dsp.place(out, dsp.at_peak(crack, 1.0), dsp.count(0.0448 + late), 1.0 if number == 0 else 0.612)
        wood = dsp.modal(n, [body_hz, 3.13 * body_hz, 2.47 * body_hz], [0.0615, 0.0376, 0.0228], [1.0, 0.6, 0.271], rng)
        dsp.place(out, wood, dsp.count(0.0335), 1.2)
        return out

    starts_s = steps(duration_s, 0.0219, 1.37, rng, 0.0581)
    out = dsp.reverb(repeated(duration_s, starts_s, snap), rng, t60_s=0.6, mix=0.179, cutoff_hz=2800)
    return finished(out, duration_s, description, peak=0.6, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "whistle",
        whistle,
        phrases(
            "referee whistle, whistle, referee, whistle blowing, police whistle, whistle blast, coach whistle, "
            "sports whistle, whistle blows"
        ),
        2.0,
        False,
        ("Whistle",),
    ),
    Sound(
        "kettle",
        kettle,
        phrases("kettle whistling, kettle, tea kettle, kettle boiling, whistling kettle, teakettle, kettle whistle"),
        5.0,
        False,
        ("Whistle", "Steam", "Steam whistle", "Hiss"),
    ),
    Sound(
        "match",
        match_strike,
        phrases("match striking, match, striking a match, match strike, lighting a match, matchstick, match being lit"),
        1.8,
        False,
        ("Fire", "Sizzle", "Scratch", "Scrape"),
    ),
    Sound(
        "steam",
        steam,
        phrases(
            "steam hiss, steam, hiss, hissing, steam hissing, airlock, airlock door, hissing steam, steam release, "
            "steam escaping, air hissing, airlock opening, pneumatic hiss, gas leak"
        ),
        2.6,
        False,
        ("Steam", "Hiss", "Air brake"),
    ),
    Sound(
        "branch snapping",
        branch_snap,
        phrases(
            "branch snapping, twig snapping, branch, twig, snapping twig, branch breaking, twig snaps, twig breaking, "
            "branch cracking, stick breaking, stick snapping, branch snaps, wood cracking, wood breaking, "
            "snapping branch"
        ),
        1.0,
        False,
        ("Crack", "Splinter", "Wood"),
    ),
)
