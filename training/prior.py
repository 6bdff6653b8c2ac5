"""The recipe of the diffusion prior: what people say of a thing, and its pictures' vectors -> a prior's folder.

`python -m training.prior RECIPE.yaml -o FOLDER` trains; the same line goes on where a cut-off run stopped.
The texts are those that the encoder itself learned from (CLIPSonic-PD's pretrained prior), or, with `sounds`, what the
rows of a table of sounds say (CLIPSonic-SD's prior, trained on the data's own pairs).
Source: Ramesh et al. 2022, section 2.2.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn

from models.clipsonic.prior import PriorConfig, net_of, prior_loss, save_prior, scaled
from models.clipsonic.prior_nets import AnyPriorNet
from training.concepts import sound_concepts, texts_of
from training.loop import Batch, LoopConfig, Progress, fit, is_first_process
from training.mixtures import QueryBank, query_vectors
from training.queries import encoder_version, picture_bank, text_vectors
from training.recipes import read_recipe_as
from training.sounds import DataUnusable, SoundsConfig, chosen_rows

Floats = NDArray[np.float32]


class Recipe(BaseModel):
    """A training run of a prior: the whole YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Literal["prior"]
    name: str
    seed: int = 0
    encoder: str = "bundled"
    pictures: str
    """npz file of picture vectors, as training/pictures.py or training/videos.py makes it."""
    split: str = "train"
    sounds: SoundsConfig | None = None
    """With it, the texts are those of these sounds' rows, and only their concepts are learned."""
    n_mixed: tuple[PositiveInt, PositiveInt] = (1, 1)
    """A picture vector is the mean of so many of its concept, as CLIPSonic's own queries are."""
    text_noise: float = Field(default=0.0, ge=0)
    """Standard deviation of Gaussian noise on text vectors, whose elements have about unit variance."""
    drop_share: float = Field(default=0.1, ge=0, lt=1)
    batch_size: int = Field(default=256, ge=1)
    net: AnyPriorNet
    n_training_steps: int = Field(default=1_000, ge=2)
    n_steps: int = Field(default=64, ge=1)
    guidance: float = Field(default=1.0, ge=0)
    n_draws: int = Field(default=2, ge=1)
    loop: LoopConfig


class Learner(nn.Module):
    """The net with its loss."""

    def __init__(self, config: PriorConfig, seed: int) -> None:
        super().__init__()
        self.n_training_steps = config.n_training_steps
        self.has_dropout = config.net.dropout > 0.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = net_of(config)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.random.fork_rng(enabled=self.has_dropout):
            if self.has_dropout:  # so that a run taken up again drops what it would have dropped
                torch.manual_seed(int(batch["dropout_seed"]))
            loss = prior_loss(
                self.net,
                batch["pictures"],
                batch["texts"],
                batch["drop"],
                time=batch["time"],
                noise=batch["noise"],
                n_training_steps=self.n_training_steps,
            )
        return loss, {}


def texts_by_concept(recipe: Recipe) -> dict[str, list[str]]:
    """What is said of every concept: the encoder's sentences, or the texts of the rows of sounds."""
    if recipe.sounds is None:
        return {concept.name: texts_of(concept.name, concept.says) for concept in sound_concepts()}
    said: dict[str, list[str]] = {}
    for _, row in chosen_rows(recipe.sounds, Path()):
        texts = said.setdefault(row["concept"], [])
        if row["text"] and row["text"] not in texts:
            texts.append(row["text"])
    return {concept: texts for concept, texts in said.items() if texts}


def batch_drawer(pictures: QueryBank, texts: QueryBank, recipe: Recipe) -> Callable[[int], Batch]:
    """step -> batch, a function of the seed and the step alone: concepts evenly, then a text and pictures of each."""
    concepts = sorted(pictures.keys() & texts.keys())

    def draw(step: int) -> Batch:
        random = np.random.default_rng([recipe.seed, step])
        drawn = [concepts[place] for place in random.integers(0, len(concepts), recipe.batch_size)]
        said = np.stack([texts[name][int(random.integers(len(texts[name])))] for name in drawn])
        seeds = random.integers(0, 2**31, len(drawn)).tolist()
        seen = query_vectors(pictures, drawn, seeds, recipe.n_mixed, 0.0)
        noisy = scaled(said) + recipe.text_noise * random.standard_normal(said.shape, np.float32)
        time = (random.permutation(len(drawn)) + random.random(len(drawn))) / len(drawn)
        return {
            "pictures": torch.from_numpy(scaled(seen)),
            "lengths": torch.from_numpy(np.linalg.norm(seen, axis=1)),
            "texts": torch.from_numpy(noisy.astype(np.float32)),
            "drop": torch.from_numpy(random.random(len(drawn)) < recipe.drop_share),
            "time": torch.from_numpy(np.minimum(time * recipe.n_training_steps, recipe.n_training_steps - 1)).long(),
            "noise": torch.from_numpy(random.standard_normal(seen.shape, np.float32)),
            "dropout_seed": torch.tensor(int(random.integers(2**31))),
        }

    return draw


def read_recipe(path: Path) -> Recipe:
    """A recipe file. Raises DataUnusable with the file, the key and what is wrong."""
    return read_recipe_as(Recipe, path)


def train(recipe_path: Path, folder: Path, *, report: Callable[[dict[str, float]], None] | None = None) -> Path:
    """Trains a recipe in a folder, or goes on with it; paths in the recipe are relative to the working directory.

    Gives the prior's folder, `folder / "checkpoint"`. Raises DataUnusable and TrainingFailed.
    """
    recipe = read_recipe(recipe_path)
    said = texts_by_concept(recipe)
    pictures = picture_bank(Path(recipe.pictures), recipe.split, sorted(said))
    texts = text_bank(recipe.encoder, {concept: said[concept] for concept in pictures})
    return train_recipe(recipe, pictures, texts, folder, report=report)


def text_bank(encoder_name: str, said: Mapping[str, Sequence[str]]) -> QueryBank:
    """Vectors of every concept's texts, all encoded at once."""
    every = list(dict.fromkeys(text for texts in said.values() for text in texts))
    vectors = dict(zip(every, text_vectors(encoder_name, every), strict=True))
    return {concept: np.stack([vectors[text] for text in texts]) for concept, texts in said.items()}


def train_recipe(
    recipe: Recipe,
    pictures: QueryBank,
    texts: QueryBank,
    folder: Path,
    *,
    stop_after_steps: int | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """As train, with the vectors in memory already; `stop_after_steps` cuts it off, as a kill would."""
    concepts = pictures.keys() & texts.keys()
    if not concepts:
        raise DataUnusable(f"{recipe.pictures}: no concept has both pictures and texts")
    draw = batch_drawer(pictures, texts, recipe)
    first = draw(0)
    config = PriorConfig(
        net=recipe.net,
        text_size=first["texts"].shape[1],
        image_size=first["pictures"].shape[1],
        image_length=float(torch.cat([draw(step)["lengths"] for step in range(8)]).mean()),
        encoder=recipe.encoder,
        encoder_version=encoder_version(recipe.encoder),
        n_training_steps=recipe.n_training_steps,
        n_steps=recipe.n_steps,
        guidance=recipe.guidance,
        n_draws=recipe.n_draws,
    )
    learner = Learner(config, recipe.seed)
    progress = fit(learner, draw, recipe.loop, folder, stop_after_steps=stop_after_steps, report=report)
    if is_first_process():
        trained = config.trained | facts_of(recipe, progress, len(concepts), sum(len(texts[name]) for name in concepts))
        save_prior(learner.net, config.model_copy(update={"trained": trained}), folder / "checkpoint")
    return folder / "checkpoint"


def facts_of(recipe: Recipe, progress: Progress, n_concepts: int, n_texts: int) -> dict[str, str | int | float]:
    """What the checkpoint says of its run."""
    return {
        "name": recipe.name,
        "steps": progress.step,
        "pairs": progress.step * recipe.batch_size * int(os.environ.get("WORLD_SIZE", "1")),
        "minutes": round(progress.elapsed_s / 60.0, 1),
        "concepts": n_concepts,
        "texts": n_texts,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, help="folder for the state, the log and the checkpoint"
    )
    chosen = parser.parse_args()
    print(train(chosen.recipe, chosen.out, report=lambda line: print(line, flush=True)))


if __name__ == "__main__":
    main()
