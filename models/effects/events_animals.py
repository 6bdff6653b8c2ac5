"""Animals as events: a dog barks or growls, a cat meows, a wolf howls, an owl hoots.

Conventions: those of models.effects.sounds. Each voice is a throat (models.effects.throats).
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.gestures import by_size, phrases
from models.effects.sounds import Sound
from models.effects.throats import Call, Formant, bouts, called, still, voice

BARK = Call(
    0.18,
    ((0.0, 527), (0.3, 541), (0.6, 617), (1.0, 266)),
    ((0.0, 0.0), (0.117, 0.91), (0.465, 0.845), (1.0, 0.0)),
    (
        Formant(((0.0, 609), (0.4, 919), (1.0, 759)), 446, 3.1),
        Formant(((0.0, 1513), (0.4, 1853), (1.0, 1436)), 389, -1.6),
        still(2921, 1123, -16.6),
    ),
    tilt=0.76,
    breath=1.02,
    jitter=0.06,
    rough=0.63,
)
GROWL = Call(
    1.2,
    ((0.0, 60.8), (0.5, 85.6), (1.0, 57.3)),
    ((0.0, 0.0), (0.122, 0.875), (0.589, 0.77), (1.0, 0.0)),
    (
        still(470, 334, 0.0),
        still(1524, 398, 1.6),
        still(3328, 378, -12.5),
    ),
    tilt=0.82,
    breath=1.24,
    jitter=0.0345,
    rough=0.5,
    shake_hz=22.4,
    tremor=0.44,
)
MEOW = Call(
    0.818,
    ((0.0, 675), (0.25, 867), (0.6, 920), (1.0, 555)),
    ((0.0, 0.0), (0.126, 0.754), (0.346, 0.517), (0.714, 0.35), (1.0, 0.0)),
    (
        Formant(((0.0, 929), (0.35, 1223), (0.7, 1383), (1.0, 574)), 200, -13.1),
        Formant(((0.0, 2749), (0.35, 2318), (1.0, 1417)), 561, -14.9),
        still(3599, 922, -14.4),
    ),
    tilt=0.42,
    breath=0.017,
    jitter=0.0141,
    rough=0.17,
)
HOWL = Call(
    3.2,
    ((0.0, 280), (0.12, 480), (0.3, 560), (0.7, 530), (1.0, 330)),
    ((0.0, 0.0), (0.1, 0.7), (0.3, 1.0), (0.7, 0.8), (1.0, 0.0)),
    (Formant(((0.0, 500), (0.3, 700), (1.0, 450)), 300), still(1200, 400, -14), still(2600, 800, -26)),
    tilt=1.5,
    breath=0.03,
    jitter=0.004,
    shake=0.008,
    shake_hz=4.5,
)
HOOT = Call(
    0.591,
    ((0.0, 414), (0.2, 470), (0.7, 521), (1.0, 477)),
    ((0.0, 0.0), (0.197, 0.563), (0.855, 0.992), (1.0, 0.0)),
    (still(419, 217, -1.2),),
    tilt=2.58,
    breath=0.03,
    jitter=0.0016,
)


def dog_bark(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A dog barks in twos and threes; a large one is lower and slower, a small one yaps."""
    pitch = by_size(description, 1.6, 1.0, 0.6) * float(rng.uniform(0.9, 1.1))
    length = by_size(description, 0.7, 1.0, 1.25)
    starts_s = bouts(duration_s, rng, (0.05, 0.45, 1.15, 1.5), 2.6)
    return called(
        duration_s,
        starts_s,
        lambda _take: (
            voice(BARK, rng, pitch=pitch * float(rng.uniform(0.93, 1.07)), length=length)
            * np.float32(rng.uniform(0.7, 1.0))
        ),
        rng,
        description,
    )


def dog_growl(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A dog growls, breath by breath."""
    pitch = by_size(description, 1.5, 1.0, 0.75) * float(rng.uniform(0.92, 1.08))
    starts_s = bouts(duration_s, rng, (0.05, 1.75), 3.6)
    return called(
        duration_s,
        starts_s,
        lambda _take: voice(GROWL, rng, pitch=pitch, length=float(rng.uniform(0.9, 1.1))),
        rng,
        description,
        peak=0.5,
        room=0.05,
    )


def cat_meow(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A cat meows; a kitten is higher."""
    kitten = dsp.says(description, "kitten", "kittens")
    pitch = 1.5 if kitten else by_size(description, 1.35, 1.0, 0.85)
    starts_s = bouts(duration_s, rng, (0.05, 1.5), 3.0)
    return called(
        duration_s,
        starts_s,
        lambda _take: voice(
            MEOW, rng, pitch=pitch * float(rng.uniform(0.92, 1.08)), length=float(rng.uniform(0.8, 1.15))
        ),
        rng,
        description,
        peak=0.5,
        room=0.06,
    )


def wolf_howl(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A wolf howls, its voice rising, held and falling; others answer a pack's."""
    pack = dsp.says(description, "wolves", "pack", "coyotes")
    pattern_s = (0.05, 0.9, 1.6, 3.0) if pack else (0.05,)
    pitch = float(rng.uniform(0.92, 1.08))
    return called(
        duration_s,
        bouts(duration_s, rng, pattern_s, 4.2),
        lambda take: (
            voice(HOWL, rng, pitch=pitch * (1 + 0.17 * (take % len(pattern_s))), length=float(rng.uniform(0.9, 1.1)))
            * np.float32(0.8 ** (take % len(pattern_s)))
        ),
        rng,
        description,
        peak=0.5,
        room_s=1.8,
        room=0.25,
    )


def owl(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A tawny or a great horned owl: a few soft low hoots in a rhythm."""
    pitch = by_size(description, 1.25, 1.0, 0.85) * float(rng.uniform(0.93, 1.07))
    lengths = (0.8, 0.45, 0.45, 1.0, 1.0)
    starts_s = bouts(duration_s, rng, (0.05, 0.75, 1.1, 1.7, 2.5), 5.0, 0.03)
    return called(
        duration_s,
        starts_s,
        lambda take: voice(HOOT, rng, pitch=pitch, length=lengths[take % 5]) * np.float32(rng.uniform(0.8, 1.0)),
        rng,
        description,
        peak=0.45,
        room_s=1.6,
        room=0.2,
    )


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "dog barking",
        dog_bark,
        phrases(
            "dog barking, dog, dogs, barking, dog barks, bark, barks, dogs barking, barking dog, hound, hounds, "
            "puppy, puppy barking, dog yapping, hounds baying, yapping dog, guard dog, watchdog"
        ),
        3.0,
        False,
        ("Dog", "Bark", "Bow-wow", "Yip"),
    ),
    Sound(
        "dog growling",
        dog_growl,
        phrases(
            "dog growling, growl, growling, growls, dog snarling, snarl, snarling, wolf growling, beast growling, "
            "growling dog, monster growling, animal growling"
        ),
        3.6,
        False,
        ("Growling", "Dog", "Roar"),
    ),
    Sound(
        "cat meowing",
        cat_meow,
        phrases(
            "cat meowing, cat, cats, meow, meowing, kitten, kitten meowing, cat meows, cat mewing, mewing, cat crying, "
            "cat miaowing, miaow, kitten mewing, cat yowling"
        ),
        3.0,
        False,
        ("Meow", "Cat", "Caterwaul"),
    ),
    Sound(
        "wolf howl",
        wolf_howl,
        phrases(
            "wolf howl, wolf, wolves, wolf howling, wolves howling, howling wolf, howling wolves, "
            "pack of wolves, coyote, coyote howling, coyotes, dog howling, howl of a wolf"
        ),
        4.2,
        False,
        ("Howl", "Canidae, dogs, wolves"),
    ),
    Sound(
        "owl",
        owl,
        phrases("owl hooting, owl, owls, hoot, hooting, owl hoots, hoot of an owl, owl calling, owl hoot, hooting owl"),
        5.0,
        False,
        ("Owl", "Hoot"),
    ),
)
