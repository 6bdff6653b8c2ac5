"""The recipe of CLIPSonic and its baselines: windows of mels and queries -> the diffusion's loss -> a checkpoint.

`python -m training.clipsonic RECIPE.yaml -o FOLDER` trains; the same line goes on where a cut-off run stopped.
CLIPSonic-IQ, -ZS, -PD and -SD are one net, trained by pictures, and differ in how they are asked afterwards; queries by
text make CLIP-TTA or CLAP-TTA, by the encoder that is named; queries by label make the class-conditional reference.
Source: Dong et al. 2023 (WASPAA). Conventions: B windows, (B, n_mels, n_frames) normalised log mels.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from models.clipsonic.checkpoint import load_config, load_net, save_checkpoint
from models.clipsonic.config import AnyNetConfig, ClipSonicConfig, Prediction, SamplingConfig, ScheduleName
from models.clipsonic.diffusion import Draws, training_loss
from models.clipsonic.diffusion import draw as draw_noise
from models.clipsonic.nets import build_net
from models.vocoder.mel import MelScale
from training.loop import Batch, LoopConfig, Progress, fit, is_first_process
from training.mels import Windows, WindowsConfig, measured_level
from training.mixtures import QueryBank, query_vectors
from training.queries import QueriesConfig, encoder_version, query_banks
from training.recipes import read_recipe_as
from training.sounds import DataUnusable, Sound, SoundsConfig, read_sounds, write_credits

LABEL = "label"
"""Stands in the config for an encoder when queries are one-hot vectors; their order is in `trained["labels"]`."""


class Recipe(BaseModel):
    """A training run of CLIPSonic: the whole YAML file. The defaults are the talk's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Literal["clipsonic"]
    name: str
    seed: int = 0
    mel: MelScale
    n_frames: int = Field(ge=8)
    net: AnyNetConfig
    prediction: Prediction = "noise"
    learned_variance: bool = True
    n_training_steps: int = Field(default=4_000, ge=2)
    schedule: ScheduleName = "cosine"
    start: str = ""
    """Checkpoint folder of the same net to begin with; "" for fresh weights."""
    sounds: SoundsConfig
    windows: WindowsConfig
    mel_cache: str = ""
    """Folder that keeps the mels from run to run; "" makes them anew in memory."""
    queries: QueriesConfig
    drop_share: float = Field(default=0.1, ge=0, lt=1)
    """This share of the windows is asked for by the null query, which guidance needs."""
    sampling: SamplingConfig = SamplingConfig()
    """How the checkpoint is sampled unless one asks otherwise."""
    vocoder: str = "bundled"
    """The way back from its mels."""
    min_snr: float | None = Field(default=None, gt=0)
    """Caps the weight of nearly clean mels in the loss (Hang et al. 2023 use 5); none is the published loss."""
    loop: LoopConfig


class Learner(nn.Module):
    """The net with its loss: `forward(batch)` gives the loss and the facts that the log shows."""

    def __init__(self, config: ClipSonicConfig, min_snr: float | None, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = build_net(config)
        self.config, self.min_snr = config, min_snr
        self.has_dropout = config.net.dropout > 0.0

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.random.fork_rng(enabled=self.has_dropout):
            if self.has_dropout:  # so that a run taken up again drops what it would have dropped
                torch.manual_seed(int(batch["dropout_seed"]))
            losses = training_loss(
                self.net,
                self.config,
                batch["mels"],
                batch["queries"],
                batch["drop"],
                draws=Draws(batch["time"].cpu().numpy(), batch["noise"]),
                valid=batch["weights"],
                min_snr=self.min_snr,
            )
        loss = losses.pop("loss")
        return loss, losses


def batch_drawer(
    windows: Windows, banks: Sequence[QueryBank], recipe: Recipe, config: ClipSonicConfig
) -> Callable[[int], Batch]:
    """step -> batch, a function of the seed and the step alone; with two banks they take turns."""

    def draw(step: int) -> Batch:
        random = np.random.default_rng([recipe.seed, step])
        plan = windows.draw(random)
        mels, weights = windows.make(plan)
        concepts = [windows.sounds[clip].concept for clip in plan.clips]
        bank = banks[step % len(banks)]
        queries = query_vectors(bank, concepts, plan.queries.tolist(), recipe.queries.n_mixed, recipe.queries.noise)
        drawn = draw_noise(config, mels.shape, random)
        return {
            "mels": torch.from_numpy((mels - np.float32(config.mel_mean)) / np.float32(config.mel_std)),
            "weights": torch.from_numpy(weights),
            "queries": torch.from_numpy(queries),
            "drop": torch.from_numpy(random.random(len(concepts)) < recipe.drop_share),
            "time": torch.from_numpy(drawn.time),
            "noise": drawn.noise,
            "dropout_seed": torch.tensor(int(random.integers(2**31))),
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
    stop_after_steps: int | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """As train, with the sounds (and the queries) in memory already; `stop_after_steps` cuts it off, as a kill would.

    Sounds whose concept has no query are left out.
    """
    if recipe.queries.kind == "none":
        raise DataUnusable("queries.kind is 'none', but CLIPSonic must be asked; use picture, text, hybrid or label")
    concepts = sorted({sound.concept for sound in sounds})
    if banks is None:
        banks = query_banks(recipe.queries, concepts)
    known = [sound for sound in sounds if all(sound.concept in bank for bank in banks)]
    windows = Windows(
        known,
        recipe.mel,
        recipe.n_frames,
        recipe.windows,
        cache=Path(recipe.mel_cache) if recipe.mel_cache else None,
    )
    config = net_config(recipe, windows, next(iter(banks[0].values())).shape[1], concepts)
    learner = Learner(config, recipe.min_snr, recipe.seed)
    if recipe.start:
        learner.net.load_state_dict(started(Path(recipe.start), config).state_dict())
    draw = batch_drawer(windows, banks, recipe, config)
    progress = fit(learner, draw, recipe.loop, folder, stop_after_steps=stop_after_steps, report=report)
    if is_first_process():
        save_checkpoint(learner.net, with_facts(config, recipe, windows, draw, progress), folder / "checkpoint")
        write_credits(known, folder / "checkpoint" / "CREDITS.csv")
    return folder / "checkpoint"


def started(folder: Path, config: ClipSonicConfig) -> nn.Module:
    """The net of a checkpoint to begin with. Raises DataUnusable when it is another net than the recipe's."""
    before = load_config(folder)
    if before.net != config.net or before.n_outputs != config.n_outputs or before.query_size != config.query_size:
        raise DataUnusable(f"start: {folder} has the net {before.net}, the recipe {config.net}; give the same to both")
    return load_net(folder)


def net_config(recipe: Recipe, windows: Windows, query_size: int, concepts: Sequence[str]) -> ClipSonicConfig:
    """What the recipe asks for, with the measured level of its mels."""
    kind = recipe.queries.kind
    labels: dict[str, str | int | float] = {"labels": ";".join(concepts)} if kind == "label" else {}
    mean, std = measured_level(windows, seed=recipe.seed)
    return ClipSonicConfig(
        mel=recipe.mel,
        n_frames=recipe.n_frames,
        mel_mean=mean,
        mel_std=std,
        query_size=query_size,
        encoder=LABEL if kind == "label" else recipe.queries.encoder,
        encoder_version="" if kind == "label" else encoder_version(recipe.queries.encoder),
        encoder_kind="picture" if kind == "picture" else "text",
        net=recipe.net,
        prediction=recipe.prediction,
        learned_variance=recipe.learned_variance,
        n_training_steps=recipe.n_training_steps,
        schedule=recipe.schedule,
        sampling=recipe.sampling,
        vocoder=recipe.vocoder,
        trained=labels,
    )


def with_facts(
    config: ClipSonicConfig, recipe: Recipe, windows: Windows, draw: Callable[[int], Batch], progress: Progress
) -> ClipSonicConfig:
    """The config with what the checkpoint says of its run; `query_length` is how long its queries' vectors were."""
    lengths = torch.cat([draw(step)["queries"].norm(dim=1) for step in range(8)])
    facts: dict[str, str | int | float] = {
        "name": recipe.name,
        "steps": progress.step,
        "windows": progress.step * recipe.windows.batch_size * int(os.environ.get("WORLD_SIZE", "1")),
        "minutes": round(progress.elapsed_s / 60.0, 1),
        "sounds": len(windows.sounds),
        "concepts": len({sound.concept for sound in windows.sounds}),
        "query_length": round(float(lengths.mean()), 3),
    }
    return config.model_copy(update={"trained": config.trained | facts})


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
