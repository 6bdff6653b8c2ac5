"""The recipe of CLIPSep and its baselines: sounds and queries -> mixtures -> losses -> a checkpoint.

`python -m training.clipsep RECIPE.yaml -o FOLDER` trains; the same line goes on where a cut-off run stopped.
Baselines are configurations: queries by text (CLIPSep-Text, BERTSep), by both in turn (CLIPSep-Hybrid), by label
(LabelSep), by nothing (PIT); `noise_heads: 2` is CLIPSep-NIT.
Source: Dong et al. 2023. Conventions: B mixtures, 2 sources with queries, F = 256 warped bins, T frames.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from models.clipsep.checkpoint import CheckpointConfig, QueryKind, save_checkpoint
from models.clipsep.invariant import noise_masks, with_noise
from models.clipsep.net import NetConfig, SeparationNet, initialise
from models.clipsep.warp import FLOOR, stft, unwarp_transposed, warp
from training.loop import Batch, LoopConfig, Progress, fit, is_first_process
from training.mixtures import Mixer, MixtureConfig, QueryBank, concepts_of, eq_gains, query_vectors
from training.queries import QueriesConfig, encoder_version, label_vectors, query_banks
from training.recipes import read_recipe_as
from training.sounds import DataUnusable, Sound, SoundsConfig, read_sounds, write_credits
from training.warm_start import start_from_labels


class LossConfig(BaseModel):
    """What is minimised. The defaults are the paper's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_weight: float = Field(default=0.0, ge=0)
    """Weight of the log of the masked mixture's error energy, which is SDR itself, beside the published loss."""
    absent_weight: float = Field(default=0.0, ge=0)
    """Weight of a third query whose sound is in neither source: its mask should be 0."""
    n_steps_without_heads: int = Field(default=0, ge=0)
    """NIT: the noise heads join after this many steps; at the published start their sum saturates the masks."""
    ceiling: float = 0.25
    """NIT: the mean of the summed noise masks may rise to this freely."""
    ceiling_weight: float = 0.1


class Recipe(BaseModel):
    """A training run of CLIPSep: the whole YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Literal["clipsep"]
    name: str
    seed: int = 0
    net: NetConfig
    sounds: SoundsConfig
    mixtures: MixtureConfig
    queries: QueriesConfig
    loss: LossConfig = LossConfig()
    loop: LoopConfig
    start: str = ""
    """Checkpoint folder of a LabelSep run to begin with, "" for the published start (see training/warm_start.py)."""


class Learner(nn.Module):
    """The net with its loss: `forward(batch)` gives the loss and the facts that the log shows."""

    def __init__(self, net: SeparationNet, loss: LossConfig, kind: QueryKind) -> None:
        super().__init__()
        self.net, self.loss, self.kind = net, loss, kind

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad(), torch.autocast(batch["waves"].device.type, enabled=False):
            sources, mixture = source_spectra(batch)
            mixture_mag = warp(mixture.power.sqrt()) + FLOOR  # (B, 1, F, T)
            log_mag = torch.log(mixture_mag) + batch["mixture_gain"].log()[:, None, None, None]
            weight = torch.log1p(mixture_mag).clamp(1e-3, 10.0)
            targets = (warp(sources.power.sqrt()) > 0.5 * mixture_mag).float()  # (B, 2, F, T)
            energies = warped_energies(sources, mixture) if self.loss.error_weight else None
        features = self.net.features(log_mag.contiguous(memory_format=torch.channels_last))
        query_logits = self.net.query_logits(batch["vectors"])
        logits = self.net.mask_logits(features, query_logits).float()
        if self.kind == "none":
            return permutation_invariant(logits, targets, weight)
        facts: dict[str, Tensor] = {}
        if len(self.net.noise_heads) and bool(batch["with_heads"]):
            noise = noise_masks(self.net, features, query_logits[:, :2]).float()
            masks = torch.sigmoid(logits[:, :2])
            total, facts = noise_invariant(masks, noise, targets, weight, self.loss)
        else:
            # its gradient is that of binary_cross_entropy of the sigmoid, without the clamp at -100
            total = functional.binary_cross_entropy_with_logits(logits[:, :2], targets, weight)
        facts["mask_loss"] = total
        if energies is not None:
            error = log_error(torch.sigmoid(logits[:, :2]), *energies)
            facts["log_error"] = error
            total = total + self.loss.error_weight * error
        if self.loss.absent_weight:
            absent = (weight * functional.softplus(logits[:, 2:])).mean()
            facts["absent_loss"] = absent
            total = total + self.loss.absent_weight * absent
        return total, facts


@dataclass(frozen=True)
class Spectra:
    """Real and imaginary parts as planes of their own, because complex numbers are slow: (B, 1 or 2, 513, T)."""

    real: Tensor
    imag: Tensor

    @property
    def power(self) -> Tensor:
        return torch.addcmul(self.real * self.real, self.imag, self.imag)


def source_spectra(batch: Batch) -> tuple[Spectra, Spectra]:
    """Spectra of the two sources that have queries, and of the mixture, equalisers applied.

    A third wave is noise inside the first source, as the sound of a video has noise in it that its frames do not show.
    """
    spectra, eq = stft(batch["waves"]), batch["eq"][..., None]
    real, imag = spectra.real * eq, spectra.imag * eq
    if real.shape[1] == 3:
        real = torch.stack([real[:, 0] + real[:, 2], real[:, 1]], dim=1)
        imag = torch.stack([imag[:, 0] + imag[:, 2], imag[:, 1]], dim=1)
    return Spectra(real, imag), Spectra(real.sum(1, keepdim=True), imag.sum(1, keepdim=True))


def warped_energies(sources: Spectra, mixture: Spectra) -> tuple[Tensor, Tensor, Tensor]:
    """What log_error needs: |X|^2 and Re(X S*) brought to warped bins, (B, 1 or 2, F, T), and sum |S|^2, (B, 2).

    Warped bins take a share of each linear bin that `unwarp` would read from them.
    """
    cross = torch.addcmul(sources.real * mixture.real, sources.imag, mixture.imag)
    return unwarp_transposed(mixture.power), unwarp_transposed(cross), sources.power.sum((2, 3))


def log_error(masks: Tensor, power: Tensor, cross: Tensor, source_energy: Tensor) -> Tensor:
    """Mean over B and queries of ln(|mask * mixture - source|^2 / |mixture|^2 + 0.001): falls as SDR rises.

    |M X - S|^2 = M^2 |X|^2 - 2 M Re(X S*) + |S|^2, with the square of a mask between two warped bins taken as what lies
    between their squares, which is never less.
    """
    error = (masks * (masks * power - 2.0 * cross)).sum((2, 3)) + source_energy  # (B, 2)
    return torch.log(error.clamp(min=0.0) / (power.sum((2, 3)) + 1e-6) + 1e-3).mean()


def noise_invariant(
    masks: Tensor, noise: Tensor, targets: Tensor, weight: Tensor, config: LossConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of CLIPSep-NIT: each mixture takes the cheaper of the two ways to give noise heads to sources."""
    ways = []
    for order in ([0, 1], [1, 0]):
        predicted = with_noise(masks, noise[:, order])
        with torch.autocast(masks.device.type, enabled=False):
            loss = functional.binary_cross_entropy(predicted, targets, weight.expand_as(targets), reduction="none")
        ways.append(loss.mean((1, 2, 3)))
    activity = noise.sum(1).mean()
    total = torch.minimum(*ways).mean() + config.ceiling_weight * functional.relu(activity - config.ceiling)
    return total, {"noise_activity": activity}


def permutation_invariant(logits: Tensor, targets: Tensor, weight: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """PIT (Yu et al. 2017): two masks without queries, matched to the sources in the cheaper way."""
    ways = [
        functional.binary_cross_entropy_with_logits(logits[:, order], targets, weight, reduction="none").mean((1, 2, 3))
        for order in ([0, 1], [1, 0])
    ]
    return torch.minimum(*ways).mean(), {}


def batch_drawer(
    mixer: Mixer, banks: Sequence[QueryBank], queries: QueriesConfig, loss: LossConfig, seed: int
) -> Callable[[int], Batch]:
    """step -> batch, a function of the seed and the step alone; with two banks they take turns (CLIPSep-Hybrid)."""

    def draw(step: int) -> Batch:
        random = np.random.default_rng([seed, step])
        plan = mixer.draw(random)
        columns = [[concepts[0] for concepts in concepts_of(mixer, plan)]]
        columns.append([concepts[1] for concepts in concepts_of(mixer, plan)])
        if loss.absent_weight:
            columns.append(plan.absent)
        bank = banks[step % len(banks)]
        if queries.kind == "none":
            vectors = [np.tile(vector, (len(plan.absent), 1)) for vector in label_vectors(2)]
        else:
            vectors = [
                query_vectors(bank, column, plan.queries[:, place].tolist(), queries.n_mixed, queries.noise)
                for place, column in enumerate(columns)
            ]
        return {
            "waves": torch.from_numpy(mixer.waves(plan)),
            "eq": torch.from_numpy(eq_gains(plan.eq_db)),
            "mixture_gain": torch.from_numpy(10.0 ** (plan.mixture_gain_db / 20.0)),
            "vectors": torch.from_numpy(np.stack(vectors, axis=1)),
            "with_heads": torch.tensor(step >= loss.n_steps_without_heads),
        }

    return draw


def read_recipe(path: Path) -> Recipe:
    """A recipe file. Raises DataUnusable with the file, the key and what is wrong."""
    return read_recipe_as(Recipe, path)


def train(recipe_path: Path, folder: Path, *, report: Callable[[dict[str, float]], None] | None = None) -> Path:
    """Trains a recipe in a folder, or goes on with it; paths in the recipe are relative to the working directory.

    Gives the checkpoint's folder, `folder / "checkpoint"`. Raises DataUnusable and TrainingFailed.
    """
    recipe = read_recipe(recipe_path)
    return train_recipe(recipe, read_sounds(recipe.sounds, Path()), folder, report=report)


def train_recipe(
    recipe: Recipe,
    sounds: Sequence[Sound],
    folder: Path,
    *,
    banks: Sequence[QueryBank] | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """As train, with the sounds (and the queries) in memory already."""
    concepts = sorted({sound.concept for sound in sounds})
    if banks is None:
        banks = query_banks(recipe.queries, concepts)
    known = [sound for sound in sounds if all(sound.concept in bank for bank in banks)]
    mixer = Mixer(known, recipe.mixtures)
    query_size = next(iter(banks[0].values())).shape[1]
    if query_size != recipe.net.query_size:
        raise DataUnusable(f"queries have {query_size} numbers, net.query_size is {recipe.net.query_size}")
    net = SeparationNet(recipe.net)
    initialise(net, recipe.seed)
    if recipe.start:
        start_from_labels(net, Path(recipe.start), banks if recipe.queries.kind != "none" else ())
    if recipe.queries.kind == "none":
        tell_masks_apart(net, recipe.seed)
    learner = Learner(net, recipe.loss, recipe.queries.kind)
    draw = batch_drawer(mixer, banks, recipe.queries, recipe.loss, recipe.seed)
    progress = fit(learner, draw, recipe.loop, folder, report=report)
    if is_first_process():
        save_checkpoint(net, checkpoint_config(recipe, mixer, progress), folder / "checkpoint")
        write_credits(mixer.sounds, folder / "checkpoint" / "CREDITS.csv")
    return folder / "checkpoint"


def tell_masks_apart(net: SeparationNet, seed: int) -> None:
    """PIT: at the published start both masks are one, so that neither order of the sources becomes the cheaper."""
    with torch.no_grad():
        net.query_layer.weight.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(seed))


def checkpoint_config(recipe: Recipe, mixer: Mixer, progress: Progress) -> CheckpointConfig:
    """What the checkpoint says of itself after a run."""
    kind = recipe.queries.kind
    asked = kind in ("picture", "text", "hybrid")
    return CheckpointConfig(
        net=recipe.net,
        query=kind,
        encoder=recipe.queries.encoder if asked else "",
        encoder_version=encoder_version(recipe.queries.encoder) if asked else "",
        labels=mixer.concepts if kind == "label" else [],
        trained={
            "name": recipe.name,
            "steps": progress.step,
            "mixtures": progress.step * recipe.mixtures.batch_size,
            "minutes": round(progress.elapsed_s / 60.0, 1),
            "sounds": len(mixer.sounds),
            "concepts": len(mixer.concepts),
        },
    )


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
