"""Bursts: thunder, explosions and shots.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import (
    by_size,
    by_strength,
    dying_noise,
    finished,
    phrases,
    repeated,
    steps,
    wide_dying_noise,
)
from models.effects.sounds import Sound


def thunder(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Claps along a crooked channel that reach us one after another, and roll; sharp when near, dull from afar."""
    far = dsp.is_far(description) or dsp.says(description, "rumble", "rumbling", "rolling", "low")
    near = dsp.says(description, "clap", "crack", "close", "nearby", "near", "sharp") or dsp.strength(description) > 0
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    start_s = 0.03
    while start_s < duration_s:
        dsp.place(out, _roll(float(rng.uniform(7.0, 9.0)), rng, near=near, far=far), dsp.count(start_s))
        start_s += float(rng.uniform(9.0, 13.0))
    if far:
        out = dsp.lowpass(out, 500.0, 1)
    peak = 0.35 if far else 0.8 if near else 0.55
    peak *= by_strength(description, 0.6, 1.0, 1.1)
    return dsp.fades(dsp.at_peak(dsp.reverb(out, rng, t60_s=3.0, mix=0.06, cutoff_hz=900), peak), 0.0, 0.03)


def _roll(length_s: float, rng: np.random.Generator, *, near: bool, far: bool) -> Samples:
    """One thunder: the high bands die first on their way through the air."""
    n = dsp.count(length_s)
    out = np.zeros((2, n), np.float32)
    for clap, at_s in enumerate([0.0, *np.sort(rng.uniform(0.1, 4.0, 3 if not far else 5))]):
        n_clap = n - dsp.count(float(at_s))
        t60_s = 7.0 * float(rng.uniform(0.6, 1.2))
        high_db = -12.0 if near and clap == 0 else -19.5
        bands = [(30, 120, 0.0, t60_s), (120, 400, 2.4, t60_s), (400, 1500, -1.0, 0.93 * t60_s)]
        sound = wide_dying_noise(n_clap, rng, [*bands, (1500, 6000, high_db, 0.5 * t60_s)], 0.4)
        attack_s = 0.02 if near and clap == 0 else float(rng.uniform(0.25, 0.75))
        sound = dsp.fades(sound, attack_s, 0.0) * dsp.slow_curve(n_clap, rng, 15.0, 0.25, 1.0)
        dsp.place(out, sound, dsp.count(float(at_s)), 2.0 if clap == 0 else float(rng.uniform(0.3, 1.0)))
    return dsp.fades(dsp.tamed(dsp.at_peak(out, 2.2), 0.9), 0.0, 0.4)


def _blast(n: int, rng: np.random.Generator, gains_db: tuple[float, ...], t60_s: float, drive: float) -> Samples:
    """Noise in five bands, each dying faster than the one below, bent by its own loudness."""
    edges_hz = ((30, 120), (120, 500), (500, 2000), (2000, 7000), (7000, 15000))
    bands = [
        (low, high, db, t60_s * 0.82**k) for k, ((low, high), db) in enumerate(zip(edges_hz, gains_db, strict=True))
    ]
    return np.asarray(np.tanh(drive * dsp.at_peak(wide_dying_noise(n, rng, bands, 0.4), 1.0)), dtype=np.float32)


def explosion(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A blast: everything at once, then the rumble that dies away."""
    t60_s = by_size(description, 2.0, 3.5, 5.5)
    bottom_db = by_size(description, -12.0, -7.0, 0.0)
    blast = _blast(dsp.count(duration_s), rng, (bottom_db, -5.6, 3.0, -17.3, -23.3), t60_s, 5.4)
    out = np.pad(blast, ((0, 0), (dsp.count(0.03), 0)))[:, : blast.shape[1]]
    return finished(
        dsp.reverb(out, rng, t60_s=0.4, mix=0.05, cutoff_hz=4000), duration_s, description, peak=0.8, rng=rng
    )


def gunshot(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A muzzle blast, a tenth of a second of everything, and the long echo of the open; automatic ones fire on."""
    automatic = dsp.says(description, "machine", "automatic", "burst", "rapid", "gunfire", "shooting")
    t60_s = by_size(description, 0.06, 0.09, 0.14)
    n = dsp.count(2.5)
    bands = [(60, 300, -15.0, t60_s), (300, 1200, -8.0, 0.94 * t60_s)]
    bands += [(1200, 4000, 0.0, 0.89 * t60_s), (4000, 14000, 4.0, 0.84 * t60_s)]

    def shot(_take: int) -> Samples:
        blast = np.tanh(9.7 * dsp.at_peak(dying_noise(n, rng, bands), 1.0)).astype(np.float32)
        echo = dsp.wide_noise(n, rng, [(50, -6), (200, 0), (857, 0), (3430, -24)]) * dsp.pulse(n, 0.01, 2.35)
        return np.asarray(np.stack([blast, blast]) + np.float32(0.022) * echo, dtype=np.float32)

    out = repeated(duration_s, steps(duration_s, 0.03, 0.1 if automatic else 1.8, rng, 0.02), shot)
    return finished(out, duration_s, description, peak=0.6, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "thunder",
        thunder,
        phrases(
            "thunder, thunder clap, thunder rumble, thunderclap, rumble of thunder, lightning, lightning "
            "strike, thunder roll, rolling thunder"
        ),
        7.0,
        False,
        ("Thunder", "Thunderstorm"),
    ),
    Sound(
        "explosion",
        explosion,
        phrases(
            "explosion, explode, blast, bomb, detonation, bomb explosion, grenade, cannon, cannon fire, "
            "artillery, boom, deep boom"
        ),
        3.5,
        False,
        ("Explosion", "Boom"),
    ),
    Sound(
        "gunshot",
        gunshot,
        phrases("gunshot, gun, shot, gunfire, shooting, pistol, rifle, shotgun, revolver, machine gun, rifle shot"),
        1.5,
        False,
        ("Gunshot, gunfire",),
    ),
)
