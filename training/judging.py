"""What the outside ear says of sets of clips: agreement with the concepts asked for, and distances between sets.

Conventions: clips are judged as they sound, without the silence around them; agreement is a share with the standard
error of a proportion; every distance is in YAMNet's embedding of windows, between sets of as many clips a concept.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.clip import Clip
from models.clipsonic.trimming import event
from training.distances import frechet_distance, kernel_distance, nearest, pair_distances
from training.sounds import SAMPLE_RATE, DataUnusable, Sound
from training.yamnet import Listened, Yamnet, best_rank

TOP = 5
CLASSES = Path(__file__).parent / "sound_classes.csv"


@cache
def classes_of_concepts() -> dict[str, tuple[str, ...]]:
    """Concept -> the classes any of which it may honestly be heard as; concepts without an honest one are absent."""
    with CLASSES.open(encoding="utf-8", newline="") as file:
        return {row["concept"]: tuple(row["heard_as"].split("|")) for row in csv.DictReader(file)}


@dataclass(frozen=True)
class Judged:
    """One clip as it was heard: its concept's best rank from 1, and its windows' embeddings (n, 1024)."""

    concept: str
    rank: int
    embeddings: NDArray[np.float32]
    heard: str = ""
    """The best class."""

    @property
    def mean(self) -> NDArray[np.float32]:
        return np.asarray(self.embeddings.mean(axis=0))


def as_it_sounds(clip: Clip) -> Clip:
    """A mono clip without the silence around its sound."""
    return replace(clip, samples=event(clip.samples[0], clip.sample_rate, None)[None])


def sound_clip(sound: Sound, n_samples: int) -> Clip:
    """What sounds of a recording, from where it begins and at most so long."""
    start = max(0, int(sound.active[0]) * 1_600 - 800)
    samples = sound.samples[start : start + n_samples].astype(np.float32) / np.float32(32767)
    return Clip(samples[None], SAMPLE_RATE)


def judge(yamnet: Yamnet, clip: Clip, concept: str) -> Judged:
    """A clip that should be the concept."""
    heard: Listened = yamnet.listen(as_it_sounds(clip))
    ranking = yamnet.ranked(heard.scores)
    return Judged(concept, best_rank(ranking, classes_of_concepts()[concept]), heard.embeddings, ranking[0].name)


class Ear:
    """The judge with a memory of the recordings that it has heard; with a file, the memory outlasts the process."""

    def __init__(self, yamnet: Yamnet, n_samples: int, file: Path | None = None) -> None:
        self.yamnet, self.n_samples, self.file = yamnet, n_samples, file
        self.known: dict[str, Judged] = {}
        if file is not None and file.is_file():
            with np.load(file, allow_pickle=False) as kept:
                parts = np.split(kept["embeddings"], np.cumsum(kept["counts"])[:-1])
                rows = zip(kept["keys"].tolist(), kept["concepts"], kept["ranks"], parts, kept["heard"], strict=True)
                self.known = {key: Judged(str(c), int(rank), part, str(best)) for key, c, rank, part, best in rows}

    def recordings(self, sounds: Sequence[Sound]) -> list[Judged]:
        """Every recording as it was heard, its first n_samples."""
        return [self.once(sound.name, sound.concept, partial(sound_clip, sound, self.n_samples)) for sound in sounds]

    def once(self, name: str, concept: str, make: Callable[[], Clip]) -> Judged:
        """The clip of that name, which is made only if it was not heard before."""
        key = f"{name} {concept} {self.n_samples}"
        if key not in self.known:
            self.known[key] = judge(self.yamnet, make(), concept)
        return self.known[key]

    def save(self) -> None:
        """Keeps what was heard in the file, if there is one."""
        if self.file is None or not self.known:
            return
        every = list(self.known.values())
        unfinished = self.file.with_name(self.file.name + ".part.npz")
        np.savez(
            unfinished,
            keys=np.array(list(self.known)),
            concepts=np.array([one.concept for one in every]),
            ranks=np.array([one.rank for one in every]),
            heard=np.array([one.heard for one in every]),
            counts=np.array([len(one.embeddings) for one in every]),
            embeddings=np.concatenate([one.embeddings for one in every]),
        )
        os.replace(unfinished, self.file)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    variant: str
    pairs: str
    """Whether pairs of text and audio were needed: yes, no, or empty for what was not generated."""
    trained_by: str
    asked_by: str
    frechet: float
    kernel: float
    top1: float
    top5: float
    count: int
    nearest: float
    """Median cosine distance of its clips to their nearest training clips."""
    seconds: float = 0.0
    """Wall time a clip, without the judge's."""
    by_concept: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Concept -> how many of its clips were heard as such in the five best classes, and how many there are."""

    @property
    def top5_error(self) -> float:
        return standard_error(self.top5, self.count)

    @property
    def top1_error(self) -> float:
        return standard_error(self.top1, self.count)


def standard_error(share: float, count: int) -> float:
    """Of a share of so many clips."""
    return float(np.sqrt(share * (1.0 - share) / count)) if count else 0.0


def row_of(
    variant: str,
    judged: Sequence[Judged],
    reference: Sequence[Judged],
    training_means: NDArray[np.float32],
    *,
    pairs: str = "",
    trained_by: str = "",
    asked_by: str = "",
    seconds: float = 0.0,
) -> Row:
    """A set of clips against the reference (real clips that were held out). Raises DataUnusable for an empty set."""
    if not judged or not reference:
        raise DataUnusable(f"{variant}: there is no clip to judge, or none to compare with")
    ranks = np.array([one.rank for one in judged])
    windows, real = (np.concatenate([one.embeddings for one in group]) for group in (judged, reference))
    by_concept = {
        concept: (
            sum(one.rank <= TOP for one in judged if one.concept == concept),
            sum(one.concept == concept for one in judged),
        )
        for concept in dict.fromkeys(one.concept for one in judged)
    }
    return Row(
        variant,
        pairs,
        trained_by,
        asked_by,
        frechet_distance(windows, real),
        kernel_distance(windows, real),
        float((ranks == 1).mean()),
        float((ranks <= TOP).mean()),
        len(judged),
        float(np.median(nearest(np.stack([one.mean for one in judged]), training_means).distances)),
        seconds,
        by_concept,
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, in the shape of the talk's Table 1."""
    lines = [
        "| variant | text-audio pairs | query in training | query at test | Fréchet | KAD | top 1 | top 5 | clips "
        "| nearest | s/clip |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = f"{_percent(row.top1, row.top1_error)} | {_percent(row.top5, row.top5_error)}"
        seconds = f"{row.seconds:.2f}" if row.seconds else ""
        lines.append(
            f"| {row.variant} | {row.pairs} | {row.trained_by} | {row.asked_by} | {row.frechet:.1f} | {row.kernel:.2f} "
            f"| {shares} | {row.count} | {row.nearest:.3f} | {seconds} |"
        )
    return "\n".join(lines)


def _percent(share: float, error: float) -> str:
    return f"{100 * share:.0f} ± {100 * error:.0f} %"


def concept_table(rows: Sequence[Row]) -> str:
    """Top-5 agreement by concept, one column a row of the table that was asked for concepts."""
    concepts = list(dict.fromkeys(concept for row in rows for concept in row.by_concept))
    lines = [
        "| concept | "
        + " | ".join(f"{row.variant} ({row.asked_by})" if row.asked_by else row.variant for row in rows)
        + " |",
        "|---|" + "---|" * len(rows),
    ]
    for concept in concepts:
        cells = [row.by_concept.get(concept) for row in rows]
        lines.append(f"| {concept} | " + " | ".join(f"{cell[0]}/{cell[1]}" if cell else "" for cell in cells) + " |")
    return "\n".join(lines)


def memorisation(
    generated: Sequence[Judged], held_out: Sequence[Judged], training: Sequence[Judged], training_texts: Sequence[str]
) -> str:
    """Cosine distances to the nearest training clip, of generated and of real ones, beside two takes of one sound."""
    means = np.stack([one.mean for one in training])
    lines = ["| to the nearest training clip | median | nearest tenth | nearest | clips |", "|---|---|---|---|---|"]
    for name, group in (("generated", generated), ("real, held out", held_out)):
        lines.append(_distances(name, nearest(np.stack([one.mean for one in group]), means).distances))
    takes = pair_distances(means, [take_of(text) for text in training_texts])
    lines.append(_distances("two takes of one training sound", takes))
    return "\n".join(lines)


def _distances(name: str, found: NDArray[np.float64]) -> str:
    if not len(found):
        return f"| {name} | | | | 0 |"
    return f"| {name} | {np.median(found):.3f} | {np.quantile(found, 0.1):.3f} | {found.min():.3f} | {len(found)} |"


def take_of(text: str) -> str:
    """A row's text without the number of its take: 'door slam 2' is a take of 'door slam'."""
    return re.sub(r"\s*\d+$", "", text)
