"""Film: magic, risers, booms, lasers; pages and cloth for the foley.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.events_motion import moving_noise
from models.effects.gestures import (
    by_speed,
    finished,
    phrases,
    steps,
)
from models.effects.sounds import Sound


def sparkle(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Magic dust: a rising run of tiny bells, a pentatonic scale in which each note is a little off."""
    n = dsp.count(duration_s)
    out = np.zeros((2, n), np.float32)
    scale = 2.0 ** (np.array([0, 2, 4, 7, 9]) / 12)
    for turn_s in np.arange(0.0, duration_s, 3.0):
        for note in range(26):
            at_s = float(turn_s) + 0.05 + 1.4 * (note / 26) ** 1.2 + float(rng.uniform(0, 0.03))
            hz = 1250 * scale[note % 5] * 2 ** (note // 13) * float(rng.uniform(0.99, 1.01))
            n_note = dsp.count(1.2)
            bell = dsp.modal(n_note, [hz, 2.76 * hz, 5.4 * hz], [1.0, 0.5, 0.25], [1.0, 0.35, 0.15], rng)
            side = float(rng.uniform(-0.7, 0.7))
            dsp.place(out, dsp.pan(dsp.at_peak(bell, 1.0), side), dsp.count(at_s), float(rng.uniform(0.3, 1.0)))
    return finished(
        dsp.reverb(out, rng, t60_s=1.4, mix=0.2, cutoff_hz=9000), duration_s, description, peak=0.5, rng=rng
    )


def page(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A page is turned: paper that bends in many small snaps, then falls flat."""
    out = np.zeros(dsp.count(duration_s), np.float32)
    length_s = by_speed(description, 1.2, 0.93, 0.5)
    n = dsp.count(length_s)
    u = np.linspace(0, 1, n)
    level = (0.2 + 0.8 * np.sin(np.pi * u) ** 2) * (1 - u**6)
    n_snap = dsp.count(0.01)
    for start_s in steps(duration_s, 0.05, length_s + 0.12, rng, 0.0):
        rub = moving_noise(n, rng, 1190 * (1 + u), 0.98) * np.abs(dsp.wander(n, rng, 108.0)) ** 0.6
        snaps = np.zeros(n, np.float32)
        for start in dsp.poisson_starts(n, 35.0, rng):
            snap = dsp.band_noise(n_snap, rng, 863, 9000) * dsp.pulse(n_snap, 0.0003, 0.0035)
            dsp.place(snaps, dsp.at_peak(snap, 1.0), int(start), float(10 ** (rng.normal(-6, 3.3) / 20)))
        turn = dsp.at_peak(np.asarray(rub, dtype=np.float32), 0.168) + dsp.at_peak(snaps, 1.0)
        dsp.place(out, (turn * level).astype(np.float32), dsp.count(start_s))
    air = dsp.wide_noise(len(out), rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    paper = np.stack([out, out]) / np.float32(max(1e-9, float(np.max(np.abs(out)))))
    return finished(paper + np.float32(0.0095) * air, duration_s, description, peak=0.2, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "sparkle",
        sparkle,
        phrases(
            "magic sparkle, sparkle, magic, shimmer, fairy dust, twinkle, magic spell, magic shimmer, "
            "magical chime, spell, wind chimes, chimes"
        ),
        3.0,
        False,
        ("Chime", "Wind chime", "Jingle, tinkle", "Glockenspiel"),
    ),
    Sound(
        "page turn",
        page,
        phrases("page turn, page, turning pages, page turning, book pages, paper, paper rustle"),
        2.0,
        False,
        ("Crumpling, crinkling", "Rustle"),
    ),
)
