"""Fits how sure CLIPSep is to what it finds, and shows what cleaning would do: run it for new weights.

    python -m training.calibrate_clipsep CHECKPOINT --sounds ../shared/data/sounds.csv --speech data/speech/sounds.csv

Prints SLOPE and OFFSET for models/clipsep/confidence.py, and for the thresholds of composer/cleaning.py the confidence
and levels of recordings that are clean, that have speech over them, and that are speech alone.
Conventions: recordings of 5 s at 16 kHz; levels in LUFS against the recording.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.audio import loudness_lufs
from models.clip import Clip
from models.clipsep.confidence import OFFSET, SLOPE
from models.clipsep.level import GatedLevel
from models.clipsep.separator import ClipSep
from models.clipsep.streaming import Recording
from models.engines import SoundQuery
from training.concepts import sound_concepts
from training.sounds import SAMPLE_RATE, Sound, SoundsConfig, read_sounds

Floats = NDArray[np.float32]
N_SAMPLES = 5 * SAMPLE_RATE
LEVEL = 0.1
OTHERS = (
    "violin", "door", "bell", "train", "bird", "car", "footsteps", "glass", "piano", "wind", "thunder", "crowd", "cat",
    "gun", "water drops", "clapping", "speech", "guitar", "telephone", "bicycle",
)  # fmt: skip
"""Asked for beside the ten sounds of ESC-10, and never there."""
BEDS = ("rain", "sea waves", "fire", "helicopter", "chainsaw", "dog", "clock", "rooster", "baby")


@dataclass(frozen=True)
class Answer:
    """One query of one recording: how sure, and how loud sound and rest are against the recording, in LU."""

    confidence: float
    sound_lu: float
    rest_lu: float
    sound: Floats


def ask(engine: ClipSep, recording: Floats, queries: Sequence[str]) -> list[Answer]:
    """What the separator finds in a recording, (n,), for every query."""
    clip = Clip(recording[None], SAMPLE_RATE)
    level = GatedLevel(SAMPLE_RATE)
    level.add(clip.samples)
    asked = [SoundQuery(query) for query in queries]
    separation = engine.begin(Recording(SAMPLE_RATE, *clip.samples.shape), asked, level_rms=level.rms())
    sounds = np.concatenate([part.parts for part in separation.parts([clip.samples])], axis=2)  # (Q, 1, n)
    before = loudness_lufs(clip.samples, SAMPLE_RATE)
    return [
        Answer(
            confidence,
            loudness_lufs(np.ascontiguousarray(sound), SAMPLE_RATE) - before,
            loudness_lufs(clip.samples - sound, SAMPLE_RATE) - before,
            sound[0],
        )
        for confidence, sound in zip(separation.confidences(), sounds, strict=True)
    ]


def level_wave(sound: Sound) -> Floats:
    """5 s of a clip at one level, silence after it."""
    wave = np.zeros(N_SAMPLES, np.float32)
    part = sound.samples[:N_SAMPLES].astype(np.float32) / 32767.0
    wave[: len(part)] = part
    return wave * np.float32(LEVEL / max(float(np.sqrt(np.square(wave).mean())), 1e-4))


def says(concept: str) -> str:
    """What a person would type for a concept: the first of its sentences."""
    return next((known.says[0] for known in sound_concepts() if known.name == concept and known.says), concept)


def highest_sureness(confidence: float) -> float:
    """The inverse of models.clipsep.confidence.confidence; silence has none."""
    return (OFFSET + math.log(confidence / (1.0 - confidence))) / SLOPE if confidence > 0.0 else 0.0


def sureness_of_mixtures(
    engine: ClipSep, sounds: Sequence[Sound], n_mixtures: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Sureness of ten and twenty queries in mixtures of one to three sounds, and which are there: both (n, Q)."""
    random = np.random.default_rng(seed)
    concepts = sorted({sound.concept for sound in sounds})
    queries = [*concepts, *(name for name in OTHERS if name not in concepts)]
    words = [says(query) for query in queries]
    found: list[list[float]] = []
    there: list[list[bool]] = []
    while len(found) < n_mixtures:
        chosen = [sounds[k] for k in random.choice(len(sounds), int(random.choice([1, 2, 2, 2, 3])), replace=False)]
        if len({sound.concept for sound in chosen}) < len(chosen):
            continue
        gains = 10.0 ** (random.uniform(-6.0, 6.0, len(chosen)) / 20.0)
        mixture = np.sum([gain * level_wave(s) for gain, s in zip(gains, chosen, strict=True)], axis=0)
        answers = ask(engine, mixture.astype(np.float32), words)
        found.append([highest_sureness(answer.confidence) for answer in answers])
        there.append([query in {sound.concept for sound in chosen} for query in queries])
    return np.array(found), np.array(there)


def logistic_fit(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of P(label | value) = 1 / (1 + exp(offset - slope * value)), both labels weighing alike.

    Newton's method on the cross-entropy, with a tiny ridge so that separable data have an answer too.
    """
    x = np.stack([values.ravel(), -np.ones(values.size)], axis=1)
    y = labels.ravel().astype(float)
    weight = np.where(y > 0, 0.5 / y.mean(), 0.5 / (1.0 - y.mean())) / y.size
    answer = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(x @ answer)))
        gradient = x.T @ (weight * (p - y)) + 1e-6 * answer
        answer = answer - np.linalg.solve(
            (x * (weight * p * (1.0 - p))[:, None]).T @ x + 1e-6 * np.eye(2), gradient
        ).clip(-5.0, 5.0)
    return float(answer[0]), float(answer[1])


def area_under_curve(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The chance that a value of what is there is higher than one of what is not (Mann and Whitney)."""
    order = np.argsort(values.ravel(), kind="stable")
    sorted_labels = labels.ravel()[order]
    n_there = int(sorted_labels.sum())
    ranks = (np.flatnonzero(sorted_labels) + 1).sum()
    return float((ranks - n_there * (n_there + 1) / 2) / (n_there * (len(sorted_labels) - n_there)))


def cleaning_lines(
    engine: ClipSep, sounds: Sequence[Sound], speech: Sequence[Sound], n_each: int, seed: int
) -> list[str]:
    """A line a recording: confidence, sound and rest in LU where it is clean, has speech over it, is speech alone."""
    random = np.random.default_rng(seed)
    lines = []
    for concept in BEDS:
        known = [sound for sound in sounds if sound.concept == concept]
        for k in random.choice(len(known), min(n_each, len(known)), replace=False):
            wave, told = level_wave(known[int(k)]), []
            voices = [level_wave(speech[int(v)]) for v in random.choice(len(speech), 3, replace=False)]
            for name, below_db in (("clean", None), ("speech", 0.0), ("speech -10", -10.0), ("speech -20", -20.0)):
                voice = 0.0 * wave if below_db is None else voices[0] * np.float32(10.0 ** (below_db / 20.0))
                answer = ask(engine, wave + voice, [says(concept)])[0]
                told.append(f"{name} {_told(answer)} {_sdr_db(wave, wave + voice, answer.sound)}")
            told.append(f"speech alone {_told(ask(engine, voices[1], [says(concept)])[0])}")
            lines.append(f"{concept:11} " + " | ".join(told))
    return lines


def _told(answer: Answer) -> str:
    return f"{answer.confidence:.2f} {answer.sound_lu:6.1f} {answer.rest_lu:6.1f}"


def _sdr_db(source: Floats, recording: Floats, sound: Floats) -> str:
    def sdr_db(estimate: Floats) -> float:
        error = float(np.square(source - estimate).sum())
        return 10.0 * math.log10(float(np.square(source).sum()) / max(error, 1e-9))

    return f"SDR {min(sdr_db(recording), 99.0):.1f} to {sdr_db(sound):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--sounds", type=Path, default=Path("../shared/data/sounds.csv"))
    parser.add_argument("--speech", type=Path, help="the table of training.speak_set; without it, no cleaning lines")
    parser.add_argument("--folds", default="1,2,3")
    parser.add_argument("--mixtures", type=int, default=60)
    parser.add_argument("--each", type=int, default=3, help="recordings of each sound in the cleaning lines")
    parser.add_argument("--seed", type=int, default=21)
    given = parser.parse_args()
    engine = ClipSep(given.checkpoint)
    folds = given.folds.split(",")
    sounds = read_sounds(SoundsConfig(table=given.sounds.name, collections=["esc10"], folds=folds), given.sounds.parent)
    found, there = sureness_of_mixtures(engine, sounds, given.mixtures, given.seed)
    slope, offset = logistic_fit(found, there)
    sure = found * slope > offset
    print(f"SLOPE, OFFSET = {slope:.1f}, {offset:.1f}")
    print(f"above 0.5: {sure[there].mean():.1%} of what is there; below: {(~sure[~there]).mean():.1%} of what is not")
    print(f"area under the curve {area_under_curve(found, there):.3f}, {there.sum()} there of {there.size}")
    if given.speech:
        config = SoundsConfig(table=given.speech.name, collections=["speech"], folds=["4"])
        print(
            "\n".join(cleaning_lines(engine, sounds, read_sounds(config, given.speech.parent), given.each, given.seed))
        )


if __name__ == "__main__":
    main()
