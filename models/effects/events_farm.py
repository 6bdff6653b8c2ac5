"""The farm as events: a cow moos, a sheep bleats, a horse neighs, hooves go by.

Conventions: those of models.effects.sounds. Each voice is a throat (models.effects.throats).
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import by_size, finished, phrases
from models.effects.sounds import Sound
from models.effects.throats import Call, Formant, bouts, called, still, voice

MOO = Call(
    2.1,
    ((0.0, 120), (0.2, 155), (0.55, 189), (0.85, 192), (1.0, 128)),
    ((0.0, 0.0), (0.1, 0.6), (0.5, 1.0), (0.85, 0.8), (1.0, 0.0)),
    (
        Formant(((0.0, 209), (0.4, 386), (1.0, 325)), 159, -1.7),
        Formant(((0.0, 789), (0.4, 999), (1.0, 846)), 267, -11.8),
        still(1875, 291, -22.5),
    ),
    tilt=0.77,
    breath=0.111,
    jitter=0.0202,
    rough=0.57,
)
BAA = Call(
    0.95,
    ((0.0, 229), (0.2, 248), (0.8, 244), (1.0, 216)),
    ((0.0, 0.0), (0.08, 0.9), (0.7, 1.0), (1.0, 0.0)),
    (
        Formant(((0.0, 400), (0.15, 750), (1.0, 700)), 250, 0.0),
        Formant(((0.0, 1100), (0.15, 1600), (1.0, 1500)), 300, -4.0),
        still(2700, 500, -9.0),
        still(2950, 762, -19.7),
    ),
    tilt=0.53,
    breath=0.08,
    jitter=0.0337,
    rough=0.27,
    shake=0.05,
    shake_hz=8.5,
    tremor=0.6,
)
NEIGH = Call(
    2.58,
    ((0.0, 594), (0.12, 785), (0.35, 997), (0.6, 714), (0.85, 684), (1.0, 262)),
    ((0.0, 0.0), (0.096, 1.0), (0.32, 1.0), (0.595, 1.0), (0.849, 0.759), (1.0, 0.0)),
    (
        still(1081, 615, 0.5),
        still(1125, 530, -3.6),
        still(2763, 1018, -3.8),
        still(6209, 1079, -8.4),
    ),
    tilt=0.93,
    breath=0.566,
    jitter=0.02,
    rough=0.3,
    shake=0.0355,
    shake_hz=7.0,
    tremor=0.57,
)
GAITS: dict[str, tuple[float, tuple[float, ...]]] = {
    "walk": (1.15, (0.0, 0.27, 0.5, 0.77)),
    "trot": (0.66, (0.0, 0.03, 0.5, 0.53)),
    "gallop": (0.46, (0.0, 0.2, 0.34, 0.54)),
}
"""How long a stride of each gait lasts, and when in it (0 to 1) the four hooves fall (Hildebrand 1965)."""


def cow(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A cow moos with a mouth that opens; a calf is higher."""
    calf = dsp.says(description, "calf", "calves")
    pitch = 1.7 if calf else by_size(description, 1.3, 1.0, 0.85) * float(rng.uniform(0.92, 1.08))
    return called(
        duration_s,
        bouts(duration_s, rng, (0.05, 2.4), 5.0),
        lambda _take: voice(MOO, rng, pitch=pitch, length=float(rng.uniform(0.9, 1.15))),
        rng,
        description,
    )


def sheep(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Sheep or goats bleat, one after another; lambs are higher."""
    young = dsp.says(description, "lamb", "lambs", "kid")
    base = 1.6 if young else by_size(description, 1.3, 1.0, 0.8)

    def bleat(_take: int) -> Samples:
        pitch = base * float(rng.uniform(0.85, 1.15))
        sound = voice(BAA, rng, pitch=pitch, length=float(rng.uniform(0.75, 1.15)))
        return dsp.pan(sound * np.float32(rng.uniform(0.5, 1.0)), float(rng.uniform(-0.5, 0.5)))

    return called(duration_s, bouts(duration_s, rng, (0.05, 1.3, 1.9), 3.6), bleat, rng, description)


def horse_neigh(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A horse neighs: a high shaking cry that falls."""
    pitch = by_size(description, 1.2, 1.0, 0.85) * float(rng.uniform(0.93, 1.07))
    return called(
        duration_s,
        bouts(duration_s, rng, (0.05,), 3.2),
        lambda _take: voice(NEIGH, rng, pitch=pitch, length=float(rng.uniform(0.9, 1.1))),
        rng,
        description,
    )


def _hoof(rng: np.random.Generator, hollow_hz: float, hard: float) -> dsp.Mono:
    """One hoof: a hollow horn that claps and rings, on what is below it: hard is 0 for earth, 1 for stone."""
    n = dsp.count(0.3)
    hz = hollow_hz * float(rng.uniform(0.92, 1.08))
    clap = dsp.band_noise(n, rng, 0.7 * hz, 1.43 * hz) * dsp.pulse(n, 0.0008, 0.066)
    ring = dsp.modal(n, [hz, 1.7 * hz, 2.6 * hz], [0.033, 0.023, 0.017], [1.0, 0.6, 0.4], rng)
    thud = dsp.band_noise(n, rng, 60, 260) * dsp.pulse(n, 0.004, 0.11)
    dirt = dsp.band_noise(n, rng, 400, 3500) * dsp.pulse(n, 0.003, 0.06)
    click = dsp.band_noise(n, rng, 1800, 7000) * dsp.pulse(n, 0.0005, 0.015)
    out = np.float32(0.68) * dsp.at_peak(clap, 1.0) + np.float32(0.1 + 0.27 * hard) * dsp.at_peak(ring, 1.0)
    out += np.float32(0.35 * (1 - hard) ** 2) * dsp.at_peak(thud, 1.0)
    out += np.float32(0.24 - 0.15 * hard) * dsp.at_peak(dirt, 1.0)
    return dsp.fades(out + np.float32(0.12 * hard) * dsp.at_peak(click, 1.0), 0.0003, 0.01)


STONES = ("cobblestone", "cobblestones", "cobbles", "stone", "stones", "street", "road", "pavement", "bridge")


def gait(description: str) -> str:
    """Which gait the words ask for: on stones horses trot, elsewhere they gallop, when nothing else is said."""
    if dsp.says(description, "walk", "walking", "walks", "plodding", "slow", "slowly"):
        return "walk"
    if dsp.says(description, "gallop", "gallops", "galloping", "galloped", "canter", "cantering"):
        return "gallop"
    return "trot" if dsp.says(description, "trot", "trots", "trotting", "carriage", *STONES) else "gallop"


def hooves(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A horse goes by at a walk, a trot or a gallop, on earth or on stones."""
    stride_s, falls = GAITS[gait(description)]
    stone = dsp.says(description, *STONES)
    soft = dsp.says(description, "grass", "dirt", "sand", "mud", "field", "meadow", "earth", "ground", "snow")
    hard = 1.0 if stone else 0.2 if soft else 0.5
    hollows_hz = 825.0 * np.array([1.0, 0.95, 1.0, 0.95]) * np.exp(rng.normal(0.0, 0.06, 4))
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    for stride in range(int(np.ceil(duration_s / stride_s)) + 1):
        for foot, share in enumerate(falls):
            start_s = 0.04 + stride_s * (stride + share + float(rng.normal(0.0, 0.012)))
            hoof = _hoof(rng, float(hollows_hz[foot]), hard) * np.float32(rng.uniform(0.6, 1.0))
            dsp.place(out, dsp.pan(hoof, 0.15 if foot % 2 else -0.15), dsp.count(max(0.0, start_s)))
    out = dsp.at_peak(dsp.reverb(out, rng, t60_s=0.84, mix=0.09, cutoff_hz=6300), 1.0)
    air = dsp.wide_noise(out.shape[1], rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    return finished(out + np.float32(0.009) * air, duration_s, description, peak=0.55, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "cow",
        cow,
        phrases(
            "cow mooing, cow, cows, moo, mooing, cattle, cow moos, cows mooing, calf, ox, oxen, bull, cattle lowing, "
            "herd of cows, mooing cow"
        ),
        4.6,
        False,
        ("Moo", "Cattle, bovinae"),
    ),
    Sound(
        "sheep",
        sheep,
        phrases(
            "sheep bleating, sheep, bleat, bleating, lamb, lambs, goat, goats, goat bleating, lamb bleating, baa, "
            "flock of sheep, sheep baaing, bleating sheep"
        ),
        3.6,
        False,
        ("Sheep", "Bleat", "Goat"),
    ),
    Sound(
        "horse neigh",
        horse_neigh,
        phrases(
            "horse neighing, horse neigh, neigh, neighing, whinny, whinnying, horse whinnying, horse whinny, horse, "
            "horse neighs, horse whinnies, horse whinnied, horse neighed, neighing horse, "
            "pony, horses neighing, stallion, mare"
        ),
        2.4,
        False,
        ("Neigh, whinny", "Horse"),
    ),
    Sound(
        "hooves",
        hooves,
        phrases(
            "horse galloping, horse hooves, hooves, hoof, hoofbeats, hoof beats, galloping horse, galloping horses, "
            "galloping, gallop, horse trotting, trotting, clip clop, horse walking, hooves on cobblestones, "
            "hooves on the ground, horses galloping, horse running, hoofs, horse riding, rider, cantering, horseman, "
            "horse gallops, hooves clattering, hooves pounding, thundering hooves, riders approaching, "
            "horse and carriage"
        ),
        6.0,
        False,
        ("Clip-clop", "Horse"),
    ),
)
