"""People as events: a baby cries, people laugh, scream, sneeze, gasp and sigh.

Conventions: those of models.effects.sounds. Each voice is a throat (models.effects.throats).
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import by_size, by_strength, phrases
from models.effects.sounds import Sound
from models.effects.throats import Call, Formant, bouts, called, still, voice

WAH = Call(
    0.95,
    ((0.0, 360), (0.2, 470), (0.5, 490), (0.85, 430), (1.0, 330)),
    ((0.0, 0.0), (0.12, 0.8), (0.5, 1.0), (0.85, 0.7), (1.0, 0.0)),
    (
        Formant(((0.0, 700), (0.3, 1150), (1.0, 950)), 350),
        Formant(((0.0, 1900), (0.3, 2400), (1.0, 2100)), 500, -2.0),
        still(3900, 800, -6.0),
        still(5600, 1200, -14.0),
    ),
    tilt=0.6,
    breath=0.06,
    jitter=0.012,
    rough=0.1,
    shake=0.012,
    shake_hz=7.0,
)
HA = Call(
    0.15,
    ((0.0, 290), (0.35, 300), (1.0, 240)),
    ((0.0, 0.3), (0.25, 0.9), (0.5, 1.0), (1.0, 0.0)),
    (still(750, 200), still(1300, 250, -4.0), still(2600, 400, -12.0), still(3600, 600, -18.0)),
    tilt=1.0,
    breath=0.25,
    jitter=0.015,
)
SHRIEK = Call(
    1.5,
    ((0.0, 674), (0.1, 1055), (0.5, 1259), (0.85, 1074), (1.0, 757)),
    ((0.0, 0.0), (0.08, 0.9), (0.5, 1.0), (0.85, 0.8), (1.0, 0.0)),
    (
        still(1479, 448, 1.0),
        still(2500, 700, -2.0),
        still(3369, 986, -16.3),
        still(5152, 1399, -10.8),
    ),
    tilt=0.5,
    breath=0.297,
    jitter=0.015,
    rough=0.3,
    shake=0.01,
    shake_hz=7.0,
)
AH = Call(
    0.422,
    ((0.0, 176), (1.0, 317)),
    ((0.0, 0.0), (0.576, 0.385), (0.867, 0.592), (1.0, 0.0)),
    (
        still(458, 107, 4.8),
        still(1433, 237, -7.9),
        still(2967, 603, -7.6),
    ),
    tilt=1.11,
    breath=1.83,
    jitter=0.0303,
)
CHOO = Call(
    0.429,
    ((0.0, 486), (0.3, 283), (1.0, 253)),
    ((0.0, 0.0), (0.05, 1.0), (0.28, 0.924), (0.571, 0.316), (1.0, 0.0)),
    (
        Formant(((0.0, 3795), (0.35, 1900), (1.0, 862)), 1706, 1.3),
        Formant(((0.0, 4800), (0.35, 3200), (1.0, 2200)), 2500, -2.0),
        still(7652, 2802, -8.7),
    ),
    tilt=1.17,
    breath=3.0,
    jitter=0.032,
)
GASP = Call(
    0.83,
    ((0.0, 224), (1.0, 280)),
    ((0.0, 0.0), (0.366, 0.634), (0.786, 0.681), (1.0, 0.0)),
    (
        Formant(((0.0, 1059), (1.0, 1734)), 528, 3.1),
        Formant(((0.0, 1326), (1.0, 2151)), 535, -7.8),
        still(3781, 1573, 3.3),
    ),
    tilt=0.95,
    breath=3.0,
    jitter=0.0066,
)
SIGH = Call(
    0.995,
    ((0.0, 275), (0.3, 267), (1.0, 156)),
    ((0.0, 0.0), (0.252, 0.86), (0.501, 0.803), (1.0, 0.0)),
    (
        Formant(((0.0, 1116), (1.0, 694)), 385, -5.4),
        Formant(((0.0, 1500), (1.0, 1100)), 500, -3.0),
        still(3088, 779, -2.7),
    ),
    tilt=1.46,
    breath=0.783,
    jitter=0.0258,
    rough=0.09,
)
MAN, WOMAN, CHILD = 0.55, 1.0, 1.35
"""Pitches of voices, as multiples of the calls above, which are a woman's."""


def whose(description: str, otherwise: float) -> float:
    """The pitch of the voice that the words name."""
    if dsp.says(description, "man", "men", "male", "his", "he", "guy", "boy's father"):
        return MAN
    if dsp.says(description, "child", "children", "kid", "kids", "girl", "boy", "little"):
        return CHILD
    return WOMAN if dsp.says(description, "woman", "women", "female", "her", "she", "lady", "ladies") else otherwise


def baby_crying(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A baby cries, wail after wail, with a catch of breath between them."""
    pitch = float(rng.uniform(0.92, 1.08))
    return called(
        duration_s,
        bouts(duration_s, rng, (0.05, 1.25, 2.4, 3.6), 4.9),
        lambda _take: (
            voice(WAH, rng, pitch=pitch * float(rng.uniform(0.94, 1.06)), length=float(rng.uniform(0.8, 1.12)))
            * np.float32(rng.uniform(0.75, 1.0))
        ),
        rng,
        description,
        room_s=0.4,
        room=0.08,
    )


def _laugh(rng: np.random.Generator, pitch: float) -> dsp.Mono:
    """One person's laugh: ha after ha, about five a second, ever lower and softer (Bachorowski et al. 2001)."""
    n_has, gap_s = int(rng.integers(5, 9)), float(rng.uniform(0.17, 0.22))
    out = np.zeros(dsp.count(gap_s * n_has + 0.4), np.float32)
    for number in range(n_has):
        fall = 1.12 - 0.3 * number / n_has + float(rng.normal(0.0, 0.03))
        ha = voice(HA, rng, pitch=pitch * fall, length=float(rng.uniform(0.85, 1.15)))
        dsp.place(out, ha, dsp.count(number * gap_s * float(rng.uniform(0.98, 1.02))), 1.0 - 0.6 * number / n_has)
    return out


def laughter(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Several people laugh, or the one whom the words name."""
    alone = dsp.says(description, "man", "woman", "child", "girl", "boy", "someone", "giggle", "giggling", "chuckle")
    people = 1 if alone else 5
    pitches = [whose(description, float(rng.choice([MAN, WOMAN, 0.9, 0.62]))) * rng.uniform(0.9, 1.1)] * people
    if not alone:
        pitches = [pitch * float(other) for pitch, other in zip(pitches, (1.0, 0.6, 1.15, 0.7, 1.3), strict=True)]
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    for person, pitch in enumerate(pitches):
        start_s = 0.05 + 0.15 * person
        while start_s < duration_s:
            laugh = _laugh(rng, float(pitch))
            dsp.place(out, dsp.pan(laugh, float(rng.uniform(-0.6, 0.6))), dsp.count(start_s), float(0.85**person))
            start_s += len(laugh) / 48_000 + float(rng.uniform(0.1, 0.6))
    return called(duration_s, [0.0], lambda _take: out, rng, description, room_s=0.6, room=0.12)


def scream(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Someone screams in terror: high, loud and rough."""
    pitch = float(rng.uniform(0.92, 1.08)) * (0.65 if whose(description, WOMAN) == MAN else 1.0)
    return called(
        duration_s,
        bouts(duration_s, rng, (0.05,), 3.0),
        lambda _take: voice(SHRIEK, rng, pitch=pitch, length=float(rng.uniform(0.9, 1.15))),
        rng,
        description,
        room_s=1.0,
        room=0.15,
    )


def sneeze(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Ah - a breath is drawn - and choo: it bursts out between the teeth."""
    pitch = 1.2 * whose(description, 0.8) * float(rng.uniform(0.93, 1.07))

    def both(_take: int) -> Samples:
        breath = 0.35 * voice(AH, rng, pitch=pitch, length=float(rng.uniform(0.8, 1.1)))
        burst = voice(CHOO, rng, pitch=pitch, length=float(rng.uniform(0.85, 1.2)))
        return np.concatenate([breath, np.zeros(dsp.count(0.05), np.float32), burst])

    return called(duration_s, bouts(duration_s, rng, (0.05,), 3.0), both, rng, description, room_s=0.4, room=0.08)


def gasp(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Someone draws a sudden breath."""
    length = by_strength(description, 0.8, 1.0, 1.2)
    return called(
        duration_s,
        bouts(duration_s, rng, (0.05,), 2.0),
        lambda _take: voice(GASP, rng, pitch=whose(description, WOMAN), length=length * float(rng.uniform(0.9, 1.1))),
        rng,
        description,
        peak=0.4,
        room=0.05,
    )


def sigh(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Someone sighs: a long breath out with hardly any voice."""
    pitch = whose(description, WOMAN) * by_size(description, 1.1, 1.0, 0.85)
    return called(
        duration_s,
        bouts(duration_s, rng, (0.05,), 3.0),
        lambda _take: voice(SIGH, rng, pitch=pitch, length=float(rng.uniform(0.9, 1.15))),
        rng,
        description,
        peak=0.4,
        room=0.05,
    )


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "baby crying",
        baby_crying,
        phrases(
            "baby crying, baby, infant, baby cries, crying baby, newborn, baby cry, baby wailing, infant crying, "
            "crying infant, baby cried, toddler crying, newborn crying, cry of a baby, baby weeping"
        ),
        4.9,
        False,
        ("Baby cry, infant cry", "Crying, sobbing"),
    ),
    Sound(
        "laughter",
        laughter,
        phrases(
            "people laughing, laughter, laughing, laugh, laughs, giggle, giggling, giggles, chuckle, chuckling, "
            "crowd laughing, audience laughing, audience laughter, laughing crowd, children laughing, woman laughing, "
            "man laughing, evil laugh, crowd laughter, friends laughing"
        ),
        4.0,
        False,
        ("Laughter", "Giggle", "Belly laugh", "Chuckle, chortle", "Snicker"),
    ),
    Sound(
        "scream",
        scream,
        phrases(
            "woman screaming, scream, screams, screaming, shriek, shrieking, shrieks, person screaming, "
            "scream of terror, scream in terror, terrified scream, screaming in fear, someone screaming, yell, yelling"
        ),
        2.2,
        False,
        ("Screaming", "Yell", "Shout"),
    ),
    Sound(
        "sneeze",
        sneeze,
        phrases("sneeze, sneezing, sneezes, person sneezing, man sneezing, woman sneezing, achoo"),
        1.4,
        False,
        ("Sneeze",),
    ),
    Sound(
        "gasp",
        gasp,
        phrases(
            "gasp, gasping, gasps, gasp of surprise, sharp breath, gasp for air, gasping for air, intake of breath"
        ),
        1.0,
        False,
        ("Gasp", "Breathing"),
    ),
    Sound(
        "sigh",
        sigh,
        phrases("sigh, sighing, sighs, exhale, exhaling, breath, breathing out, sigh of relief, deep breath, breaths"),
        1.8,
        False,
        ("Sigh", "Breathing"),
    ),
)
