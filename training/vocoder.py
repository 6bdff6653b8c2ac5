"""The recipe of the vocoder: sounds -> crops -> two takes of each mel -> distances -> a checkpoint.

`python -m training.vocoder RECIPE.yaml -o FOLDER` trains; the same line goes on where a cut-off run stopped.
In two processes: `torchrun --nproc_per_node 2 -m training.vocoder RECIPE.yaml -o FOLDER`; without a GPU with
ACCELERATE_USE_CPU=true before it (`accelerate launch` starts one process alone there).
Conventions: B crops, 2B takes, n samples a crop, F bins and S frames of the net's spectrum.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.func import functional_call

from models.vocoder.checkpoint import CheckpointConfig, load_config, load_net, save_checkpoint
from models.vocoder.mel import log_mel
from models.vocoder.net import VocoderNet, VocoderNetConfig
from training.loop import Batch, LoopConfig, Progress, fit, is_first_process
from training.recipes import read_recipe_as
from training.sounds import HOP as STEP
from training.sounds import DataUnusable, Sound, SoundsConfig, read_sounds, write_credits
from training.vocoder_losses import (
    Discriminator,
    adversarial_losses,
    discriminator_loss,
    energy_distance,
    level_gain,
)

SILENT_RMS = 1e-4
"""A crop that is quieter is drawn again."""


class CropConfig(BaseModel):
    """How crops are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(default=8, ge=1)
    n_frames: int = Field(default=64, ge=8)
    """Mel frames a crop."""
    level_db: tuple[float, float] = (-45.0, -12.0)
    """RMS of the crop in dBFS, drawn between these; peaks stay below 1."""
    active_share: float = Field(default=0.9, ge=0.0, le=1.0)
    """This share of the crops holds a moment where the clip sounds; the others lie anywhere."""
    mixed_share: float = Field(default=0.2, ge=0.0, le=1.0)
    """This share of the crops is the sum of two."""
    collection_weights: dict[str, float] = Field(default_factory=dict)
    """How often a clip of a collection is drawn, relative to 1."""


class LossConfig(BaseModel):
    """What is minimised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repulsion: float = Field(default=1.0, ge=0.0, le=1.0)
    """1: energy distance of two takes; 0: distance to the real take alone."""
    adversarial_from_batch: int | None = Field(default=None, ge=0)
    """The discriminator joins at this batch, counted over all processes; null for never."""
    adversarial_weight: float = Field(default=0.05, ge=0.0)
    feature_weight: float = Field(default=0.2, ge=0.0)
    discriminator_width: int = Field(default=16, ge=1)


class Recipe(BaseModel):
    """A training run of a vocoder: the whole YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Literal["vocoder"]
    name: str
    seed: int = 0
    net: VocoderNetConfig
    start: str = ""
    """Checkpoint folder of the same net to begin with; "" for fresh weights."""
    sounds: SoundsConfig
    crops: CropConfig = CropConfig()
    loss: LossConfig = LossConfig()
    loop: LoopConfig


class Learner(nn.Module):
    """The net with its loss: `forward(batch)` gives the loss and the facts that the log shows.

    Net and discriminator share one backward pass: the discriminator judges takes cut off from the net, and the net is
    judged by a discriminator whose weights are held.
    """

    def __init__(self, net: VocoderNet, loss: LossConfig) -> None:
        super().__init__()
        self.net, self.loss = net, loss
        if loss.adversarial_from_batch is not None:
            self.discriminator = Discriminator(loss.discriminator_width)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        real, scale = batch["waves"], self.net.config.scale
        with torch.no_grad():
            mel = log_mel(real, scale)
        takes = self.net(mel.repeat(2, 1, 1), batch["angles"])  # (2B, n)
        with torch.autocast(real.device.type, enabled=False):
            total, facts = energy_distance(real, takes, scale.sample_rate, self.loss.repulsion)
        if bool(batch["with_discriminator"]):
            gain = level_gain(real)
            real, takes = real * gain, takes * gain.repeat(2, 1)
            of_real = self.discriminator(real)
            learned = discriminator_loss(of_real, self.discriminator(takes.detach()))
            held = {name: weight.detach() for name, weight in self.discriminator.named_parameters()}
            score, features = adversarial_losses(of_real, functional_call(self.discriminator, held, (takes,)))
            facts |= {"discriminator": learned, "score": score, "features": features}
            total = total + learned + self.loss.adversarial_weight * score + self.loss.feature_weight * features
        return total, facts


class Cropper:
    """Draws crops of a list of sounds; everything random comes from the generator that is passed."""

    def __init__(self, sounds: Sequence[Sound], config: CropConfig, n_samples: int) -> None:
        self.sounds, self.config, self.n_samples = sounds, config, n_samples
        weights = np.array([config.collection_weights.get(sound.collection, 1.0) for sound in sounds])
        self.weights = weights / weights.sum()

    def waves(self, random: np.random.Generator) -> NDArray[np.float32]:
        """(batch_size, n_samples) float32 at drawn levels, no sample beyond 1."""
        return np.stack([self._crop(random) for _ in range(self.config.batch_size)])

    def _crop(self, random: np.random.Generator) -> NDArray[np.float32]:
        wave = self._levelled(self._piece(random), random)
        if random.random() < self.config.mixed_share:
            wave = wave + self._levelled(self._piece(random), random)
        return np.asarray(wave / max(1.0, float(np.abs(wave).max())), np.float32)

    def _piece(self, random: np.random.Generator) -> NDArray[np.float32]:
        """A stretch of a clip that is not silent, with silence before the clip's begin and after its end."""
        while True:
            sound = self.sounds[random.choice(len(self.sounds), p=self.weights)]
            wave = self._stretch(sound, random)
            if _rms(wave) > SILENT_RMS:
                return wave

    def _stretch(self, sound: Sound, random: np.random.Generator) -> NDArray[np.float32]:
        n, n_clip = self.n_samples, len(sound.samples)
        if random.random() < self.config.active_share:
            begin = int(random.choice(sound.active)) * STEP + int(random.integers(STEP)) - int(random.integers(n))
        else:
            begin = int(random.integers(-n // 2, max(n_clip - n // 2, 1)))
        if n_clip >= n and random.random() < 0.75:  # most crops of long clips are full
            begin = min(max(begin, 0), n_clip - n)
        wave = np.zeros(n, np.float32)
        source = sound.samples[max(begin, 0) : max(begin + n, 0)]
        offset = max(-begin, 0)
        wave[offset : offset + len(source)] = source / np.float32(32767)
        return wave

    def _levelled(self, wave: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
        return wave * np.float32(10.0 ** (random.uniform(*self.config.level_db) / 20.0) / _rms(wave))


def _rms(wave: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))


def batch_drawer(cropper: Cropper, net: VocoderNetConfig, loss: LossConfig, seed: int) -> Callable[[int], Batch]:
    """number -> batch, a function of the seed and the number alone."""
    shape = (2 * cropper.config.batch_size, net.n_angles, cropper.config.n_frames * net.split)

    def draw(number: int) -> Batch:
        random = np.random.default_rng([seed, number])
        angles = random.random(shape, np.float32) * np.float32(2.0 * np.pi)
        begin = loss.adversarial_from_batch
        return {
            "waves": torch.from_numpy(cropper.waves(random)),
            "angles": torch.from_numpy(angles),
            "with_discriminator": torch.tensor(begin is not None and number >= begin),
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
    report: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """As train, with the sounds in memory already."""
    cropper = Cropper(sounds, recipe.crops, recipe.crops.n_frames * recipe.net.scale.hop)
    torch.manual_seed(recipe.seed)
    net = VocoderNet(recipe.net)
    if recipe.start:
        net.load_state_dict(started(Path(recipe.start), recipe.net).state_dict())
    draw = batch_drawer(cropper, recipe.net, recipe.loss, recipe.seed)
    progress = fit(Learner(net, recipe.loss), draw, recipe.loop, folder, report=report)
    if is_first_process():
        save_checkpoint(net, checkpoint_config(recipe, sounds, progress), folder / "checkpoint")
        write_credits(sounds, folder / "checkpoint" / "CREDITS.csv")
    return folder / "checkpoint"


def started(folder: Path, config: VocoderNetConfig) -> VocoderNet:
    """The net of a checkpoint to begin with. Raises DataUnusable when it is another net than the recipe's."""
    before = load_config(folder)
    if before.net != config:
        raise DataUnusable(f"start: {folder} has the net {before.net}, the recipe {config}; give the same to both")
    return load_net(folder)


def checkpoint_config(recipe: Recipe, sounds: Sequence[Sound], progress: Progress) -> CheckpointConfig:
    """What the checkpoint says of itself after a run."""
    seconds = sum(len(sound.samples) for sound in sounds) / recipe.net.scale.sample_rate
    return CheckpointConfig(
        net=recipe.net,
        trained={
            "name": recipe.name,
            "steps": progress.step,
            "crops": progress.step * recipe.crops.batch_size,
            "minutes": round(progress.elapsed_s / 60.0, 1),
            "sounds": len(sounds),
            "hours_of_sound": round(seconds / 3600.0, 2),
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
