"""Footsteps: steps on gravel, wood, stone, snow, grass and water, walking or running.

Conventions: those of models.effects.sounds. A step is a heel and a toe on the ground, each a force that excites
what the ground is made of: modes of boards, grains that rub on one another (PhISEM, Cook 1997), water.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import by_speed, finished, phrases, steps
from models.effects.sounds import Sound

STEP_PERIOD_S = {"slow": 0.8, "walk": 0.55, "fast": 0.42, "run": 0.32}
"""Walking is near 110 steps a minute, running near 180."""


def period_s(description: str) -> float:
    """The time from one step to the next."""
    if dsp.says(description, "running", "run", "runs", "sprint", "sprinting", "jogging", "chase"):
        return STEP_PERIOD_S["run"]
    return by_speed(description, STEP_PERIOD_S["slow"], STEP_PERIOD_S["walk"], STEP_PERIOD_S["fast"])


@dataclass(frozen=True)
class Ground:
    """What one walks on, as the foot hears it."""

    words: tuple[str, ...]
    low_hz: float
    high_hz: float
    """The grains ring between these; a grain an octave higher is weaker by `tilt` of 6 dB."""
    tilt: float
    grains_per_s: float
    grain_t60_s: float
    heel_s: float = 0.027
    toe_s: float = 0.052
    toe: float = 0.25
    soft: float = 0.11
    """Level of the sole's dull noise, over the peak of the grains."""
    thump: float = 0.06
    thump_hz: tuple[float, float] = (60.0, 200.0)
    click: float = 0.0
    modes_hz: tuple[float, ...] = ()
    modes_t60_s: float = 0.1
    modes: float = 0.0
    drops: int = 0
    inside: bool = False


STONE = Ground((), 465, 3400, -0.675, 1600, 0.0043, inside=True, click=0.15)
GROUNDS = (
    Ground(("gravel", "pebbles", "stones", "rocks", "sand", "path"), 700, 5500, -0.55, 1700, 0.0045, toe=0.35),
    Ground(("snow", "ice", "snowy"), 900, 2600, -0.9, 3500, 0.008, heel_s=0.055, toe_s=0.07, toe=0.7, soft=0.04),
    Ground(
        ("grass", "leaves", "forest", "field", "meadow", "autumn"), 700, 6000, -0.8, 1500, 0.005, heel_s=0.04, toe=0.5
    ),
    Ground(
        ("water", "puddle", "puddles", "mud", "stream", "swamp"), 400, 4000, -0.6, 2500, 0.004, heel_s=0.04, drops=10
    ),
    Ground(
        ("metal", "grating", "steel", "deck", "catwalk"),
        465,
        3400,
        -0.6,
        1600,
        0.0043,
        modes_hz=(620, 1046, 1540, 2260, 3160, 4420),
        modes_t60_s=0.25,
        modes=0.5,
        inside=True,
    ),
    Ground(("heels", "high heels", "stilettos"), 700, 4500, -0.5, 1600, 0.0043, heel_s=0.02, click=0.8, inside=True),
    Ground(
        ("wood", "wooden", "floor", "floorboards", "stairs", "stair", "hallway", "porch", "attic", "house"),
        300,
        1800,
        -0.8,
        1600,
        0.006,
        soft=0.2,
        thump=0.3,
        thump_hz=(90.0, 260.0),
        modes_hz=(130, 210, 330, 480, 700),
        modes_t60_s=0.09,
        modes=0.2,
        inside=True,
    ),
    Ground(("carpet", "barefoot", "rug"), 250, 1500, -0.9, 1200, 0.006, soft=0.4, inside=True),
)


def ground(description: str) -> Ground:
    """What the words say one walks on; stone when they do not."""
    return next((ground for ground in GROUNDS if dsp.says(description, *ground.words)), STONE)


def _step(below: Ground, rng: np.random.Generator, roll_s: float) -> dsp.Mono:
    """Heel and toe press the ground; how hard they press says how often and how loud its grains break."""
    n = dsp.count(0.5)
    t = dsp.times(n)
    force = np.zeros(n, np.float32)
    for at_s, length_s, level in ((0.0, below.heel_s, 1.0), (roll_s, below.toe_s, below.toe)):
        force += np.float32(level) * np.exp(-0.5 * ((t - at_s - 2.2 * length_s) / length_s) ** 2)
    force = np.minimum(force, 1.0)
    n_grain = dsp.count(1.2 * below.grain_t60_s)
    bank = []
    for hz in np.exp(rng.uniform(np.log(below.low_hz), np.log(below.high_hz), 24)):
        grain = dsp.band_noise(n_grain, rng, hz / 1.5, hz * 1.5) * dsp.pulse(n_grain, 0.0003, below.grain_t60_s)
        bank.append(dsp.at_peak(grain, 1.0) * np.float32((hz / 1000) ** below.tilt))
    grains = np.zeros(n, np.float32)
    for start in dsp.poisson_starts(n, below.grains_per_s, rng):
        if rng.uniform() < force[start]:
            level = float(force[start] * 10 ** (rng.normal(-6, 4.3) / 20))
            dsp.place(grains, bank[int(rng.integers(24))], int(start), level)
    sole = dsp.shaped_noise(n, rng, [(60, -12), (150, 0), (800, -3), (4000, -14), (12000, -24)]) * force
    out = dsp.at_peak(grains, 1.0) + dsp.at_peak(sole, below.soft)
    out += dsp.at_peak(dsp.band_noise(n, rng, *below.thump_hz) * dsp.pulse(n, 0.004, 0.08), below.thump)
    contact = dsp.count(1.2 * below.heel_s)
    if below.click:
        n_click = dsp.count(0.03)
        click = dsp.band_noise(n_click, rng, 800, 5000) * dsp.pulse(n_click, 0.0006, 0.02)
        dsp.place(out, dsp.at_peak(click, below.click), contact)
    if below.modes:
        hz = np.array(below.modes_hz) * rng.uniform(0.97, 1.03, len(below.modes_hz))
        gains = (hz / hz[0]) ** -0.5
        ring = dsp.modal(n, list(hz), list(below.modes_t60_s * gains), list(gains), rng)
        dsp.place(out, dsp.at_peak(ring, below.modes), contact)
    for _ in range(below.drops):
        hz = float(np.exp(rng.uniform(np.log(400), np.log(2200))))
        n_drop = dsp.count(0.06)
        drop = dsp.tone(hz * (1 + 3 * dsp.times(n_drop))) * dsp.pulse(n_drop, 0.002, 0.04)
        dsp.place(out, drop, dsp.count(float(rng.uniform(0.05, 0.4))), float(rng.uniform(0.03, 0.2)))
    return dsp.at_peak(out, 1.0)


def footsteps(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """One person's steps; left and right differ a little, and no step is like the last."""
    gap_s = period_s(description)
    below = ground(description)
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    roll_s = min(0.09, 0.17 * gap_s)
    for number, start_s in enumerate(steps(duration_s, 0.06, gap_s, rng, 0.03)):
        sound = _step(below, rng, roll_s * float(rng.uniform(0.9, 1.1))) * np.float32(rng.uniform(0.7, 1.0))
        dsp.place(out, dsp.pan(sound, 0.12 if number % 2 else -0.12), dsp.count(start_s))
    out = dsp.reverb(out, rng, t60_s=0.7 if below.inside else 0.4, mix=0.07, cutoff_hz=5000)
    air = dsp.wide_noise(out.shape[1], rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    return finished(dsp.at_peak(out, 1.0) + np.float32(0.006) * air, duration_s, description, peak=0.5, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "footsteps",
        footsteps,
        phrases(
            "footsteps, footstep, steps, walking, footfalls, person walking, running footsteps, heavy boots, "
            "footsteps of boots, boots marching, boots on wood, boots on stone, boots on gravel, boots on snow, "
            "high heels, heels, footsteps approaching, footsteps on gravel, footsteps on wood, footsteps on snow, "
            "walk, running, jogging"
        ),
        6.0,
        False,
        ("Walk, footsteps", "Run"),
    ),
)
