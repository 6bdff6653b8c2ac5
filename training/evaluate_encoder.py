"""How well an encoder's two sides meet: zero-shot recognition of held-out pictures, and words that ask for pictures.

    python -m training.evaluate_encoder FOLDER [--encoder bundled] [--json]

FOLDER is that of training.gather_pictures. Conventions: a class is asked by the mean of the vectors of its PROMPTS
(the five that CLIPSep averages); cosines throughout; top-1 and top-5 over all classes of the line, chance beside them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.encoders import Encoder, encoder, unit
from training.concepts import PROMPTS, UNSEEN_WORDS, sound_concepts
from training.pictures import Row, at_most, read_table

Floats = NDArray[np.float32]
ESC10 = ("dog", "rain", "sea waves", "baby", "clock", "sneeze", "helicopter", "chainsaw", "rooster", "fire")
SPOKEN = {
    "a dog barking": "dog",
    "rain falling": "rain",
    "sea waves on a shore": "sea waves",
    "a baby crying": "baby",
    "a clock ticking": "clock",
    "a person sneezing": "sneeze",
    "a helicopter flying": "helicopter",
    "a chainsaw running": "chainsaw",
    "a rooster crowing": "rooster",
    "a fire crackling": "fire",
}
"""ESC-10's sentences, as the sound table has them."""
MOST_PICTURES = 60
"""Pictures of one sounding thing and split that are looked at."""


@dataclass(frozen=True)
class Line:
    """One line of the report."""

    what: str
    n_asked: int
    n_classes: int
    top1: float
    top5: float


def ranks(queries: Floats, classes: Floats, right: Sequence[int]) -> NDArray[np.int64]:
    """The place of the right class among all classes for each query, 0 the first; unit vectors on both sides."""
    likeness = queries @ classes.T  # (n_queries, n_classes)
    own = likeness[np.arange(len(queries)), list(right)][:, None]
    places: NDArray[np.int64] = (likeness > own).sum(1)
    return places


def line(what: str, queries: Floats, classes: Floats, right: Sequence[int]) -> Line:
    found = ranks(queries, classes, right)
    return Line(what, len(queries), len(classes), float((found < 1).mean()), float((found < 5).mean()))


def prompt_vectors(encode: Encoder, names: Sequence[str], prompts: Sequence[str] = PROMPTS) -> Floats:
    """One unit vector a name: the mean over the prompts."""
    said = encode.texts([prompt.format(name) for name in names for prompt in prompts])
    return unit(unit(said).reshape(len(names), len(prompts), -1).mean(1))


def class_means(vectors: Floats, labels: NDArray[np.str_], names: Sequence[str]) -> Floats:
    """The mean unit vector of each name's pictures."""
    return unit(np.stack([vectors[labels == name].mean(0) for name in names]))


def mean_queries(
    vectors: Floats, labels: NDArray[np.str_], names: Sequence[str], n_pictures: int, *, n_draws: int = 20
) -> tuple[Floats, list[int]]:
    """Queries that are the mean of a few pictures, some draws for each name that has any, and whose they are."""
    random = np.random.default_rng(n_pictures)
    queries, right = [], []
    for place, name in enumerate(names):
        own = vectors[labels == name]
        for _ in range(n_draws if len(own) else 0):
            queries.append(own[random.integers(0, len(own), n_pictures)].mean(0))
            right.append(place)
    return unit(np.stack(queries)), right


def photographs(encode: Encoder, rows: list[Row]) -> list[Line]:
    """Held-out photographs against the labels of their own collection."""
    lines = []
    for style, what in (("photo-tiny-imagenet", "photos, Tiny-ImageNet"), ("photo-caltech", "photos, Caltech")):
        held = [row for row in rows if row.style == style and row.split == "validate"]
        if held:
            names = sorted({row.label for row in held})
            vectors = unit(encode.pictures([row.path for row in held]))
            lines.append(line(what, vectors, prompt_vectors(encode, names), [names.index(row.label) for row in held]))
    return lines


def sounding(encode: Encoder, rows: list[Row]) -> tuple[list[Line], dict[str, float]]:
    """Pictures of sounding things, and what words find among them, with the mean cosines of both modalities."""
    known = at_most(rows, MOST_PICTURES)
    names = [concept.name for concept in sound_concepts() if any(row.concept == concept.name for row in known)]
    vectors = unit(encode.pictures([row.path for row in known]))
    concepts = np.array([row.concept for row in known])
    held = np.array([row.split == "validate" for row in known])
    styles = np.array([row.style for row in known])
    asked = prompt_vectors(encode, names)
    lines = []
    for what, chosen in (
        ("sounding things, held-out styles", held & ~np.char.startswith(styles, "photo")),
        ("  of these openmoji", held & (styles == "openmoji")),
        ("  of these stamps", held & (styles == "stamps")),
        ("sounding things, held-out photos", held & np.char.startswith(styles, "photo")),
        ("the ten of ESC-10 among all, held out", held & np.isin(concepts, ESC10)),
    ):
        if chosen.any():
            lines.append(line(what, vectors[chosen], asked, [names.index(name) for name in concepts[chosen]]))
    ten = [name for name in ESC10 if name in names]
    among_ten = held & np.isin(concepts, ten)
    if among_ten.any():
        right = [ten.index(name) for name in concepts[among_ten]]
        lines.append(line("the ten of ESC-10, held out", vectors[among_ten], prompt_vectors(encode, ten), right))

    for n_pictures in (1, 3, 8):
        means, right = mean_queries(vectors[held], concepts[held], names, n_pictures)
        lines.append(line(f"mean of {n_pictures} held-out pictures", means, asked, right))

    trained = class_means(vectors[~held], concepts[~held], names)
    says = {concept.name: concept.says for concept in sound_concepts()}
    for what, pairs in (
        ("ESC-10 sentences -> mean picture", list(SPOKEN.items())),
        ("all sentences -> mean picture", [(text, name) for name in names for text in says[name]]),
        ("words never met -> mean picture", [(f"a {word}", name) for word, name in UNSEEN_WORDS.items()]),
    ):
        pairs = [pair for pair in pairs if pair[1] in names]
        texts = unit(encode.texts([text for text, _ in pairs]))
        lines.append(line(what, texts, trained, [names.index(name) for _, name in pairs]))
    own = np.array([names.index(name) for name in concepts])
    cosines = {
        "picture to its own words, training": float((vectors[~held] * asked[own[~held]]).sum(1).mean()),
        "picture to its own words, held out": float((vectors[held] * asked[own[held]]).sum(1).mean()),
        "picture to any words": float((vectors[held].mean(0) @ asked.T).mean()),
        "mean picture to its own words": float((trained * asked).sum(1).mean()),
        "gap between the modalities' means": float(np.linalg.norm(vectors.mean(0) - asked.mean(0))),
    }
    return lines, cosines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    encode, rows = encoder(given.encoder), read_table(given.folder)
    sounding_lines, cosines = sounding(encode, rows)
    lines = photographs(encode, rows) + sounding_lines
    if given.json:
        print(json.dumps({"version": encode.version, "lines": [asdict(one) for one in lines], "cosines": cosines}))
        return
    print(f"{encode.version}\n{'':40} {'asked':>6} {'classes':>7} {'top-1':>7} {'top-5':>7} {'chance':>7}")
    for one in lines:
        print(
            f"{one.what:40} {one.n_asked:6} {one.n_classes:7} {one.top1:7.1%} {one.top5:7.1%} {1 / one.n_classes:7.1%}"
        )
    for what, value in cosines.items():
        print(f"cosine: {what}: {value:.3f}" if "gap" not in what else f"{what}: {value:.3f}")


if __name__ == "__main__":
    main()
