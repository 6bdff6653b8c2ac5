"""The recipe of CLIPSonic: it learns toys by heart, goes on bit by bit, in two processes, and every way to be asked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from models.clipsonic.checkpoint import load_config, load_net
from models.clipsonic.config import ClipSonicConfig, FramesConfig, UnetConfig
from models.clipsonic.diffusion import Draws, training_loss
from models.vocoder.mel import MelScale
from training.clipsonic import LABEL, Learner, Recipe, batch_drawer, net_config, read_recipe, train_recipe
from training.loop import LOG, STATE, Batch, LoopConfig
from training.mels import Windows, WindowsConfig
from training.mixtures import QueryBank
from training.queries import QueriesConfig, picture_bank
from training.sounds import DataUnusable, SoundsConfig, sound_of

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
SCALE = MelScale(n_fft=512, hop=256, n_mels=16)
CONCEPTS = ("high", "low")


def tone(hz: float, seed: int = 0) -> NDArray[np.int16]:
    time = np.arange(24_000) / 16_000
    wave = 0.3 * np.sin(2 * np.pi * hz * time) + 0.003 * np.random.default_rng(seed).standard_normal(len(time))
    return np.round(wave * 32767).astype(np.int16)


SOUNDS = [sound_of(tone(hz), concept, name=concept) for concept, hz in zip(CONCEPTS, (3000.0, 300.0), strict=True)]
BANK: QueryBank = {
    concept: np.random.default_rng(place).standard_normal((5, 6)).astype(np.float32)
    for place, concept in enumerate(CONCEPTS)
}


def toy_recipe(**more: object) -> Recipe:
    fields = {
        "recipe": "clipsonic",
        "name": "toy",
        "mel": SCALE,
        "n_frames": 32,
        "net": FramesConfig(width=32, depth=2, n_heads=2),
        "prediction": "velocity",
        "learned_variance": False,
        "n_training_steps": 50,
        "sounds": SoundsConfig(table="none.csv", collections=["toy"]),
        "windows": WindowsConfig(batch_size=4, gain_db=3.0),
        "queries": QueriesConfig(kind="label"),
        "loop": LoopConfig(n_steps=6, warm_up_steps=2, averaging=0.9, bf16=False, log_every=2),
    }
    return Recipe.model_validate(fields | more)


def drawer(recipe: Recipe, bank: QueryBank = BANK) -> tuple[Callable[[int], Batch], ClipSonicConfig]:
    windows = Windows(SOUNDS, recipe.mel, recipe.n_frames, recipe.windows)
    size = next(iter(bank.values())).shape[1]
    config = net_config(recipe, windows, size, CONCEPTS)
    return batch_drawer(windows, [bank], recipe, config), config


@pytest.mark.parametrize(
    "net", [FramesConfig(width=64, depth=2, n_heads=2), UnetConfig(width=16, multipliers=(1, 2), attention_levels=())]
)
def test_the_net_learns_a_few_windows_by_heart(net: FramesConfig | UnetConfig) -> None:
    """A fixed batch, noise and all: the loss must fall to a fraction, on a CPU, in seconds."""
    draw, config = drawer(toy_recipe(net=net, n_frames=16))
    batch = draw(0)
    learner = Learner(config, None)
    optimizer = torch.optim.Adam(learner.parameters(), 5e-3)
    losses = []
    for _ in range(80):
        loss, _ = learner(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.15 * losses[0]


def test_the_loss_is_the_diffusions_on_what_was_drawn() -> None:
    recipe = toy_recipe(prediction="noise", learned_variance=True, min_snr=5.0)
    draw, config = drawer(recipe)
    batch, learner = draw(3), Learner(config, recipe.min_snr)
    loss, facts = learner(batch)
    expected = training_loss(
        learner.net,
        config,
        batch["mels"],
        batch["queries"],
        batch["drop"],
        draws=Draws(batch["time"].numpy(), batch["noise"]),
        valid=batch["weights"],
        min_snr=5.0,
    )
    assert loss.item() == expected["loss"].item() and set(facts) == {"simple", "vb"}


def test_batches_are_normalised_and_depend_on_their_number_alone() -> None:
    draw, config = drawer(toy_recipe(windows=WindowsConfig(batch_size=64)))
    first, again, other = draw(1), draw(1), draw(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["noise"], other["noise"])
    assert abs(float(first["mels"].mean())) < 0.1 and float(first["mels"].std()) == pytest.approx(1.0, abs=0.1)
    assert config.mel_std > 0.1


def test_a_tenth_of_the_windows_is_asked_for_by_the_null_query() -> None:
    draw, _ = drawer(toy_recipe(windows=WindowsConfig(batch_size=500)))
    assert float(torch.cat([draw(step)["drop"] for step in range(4)]).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_every_window_is_asked_for_by_vectors_of_its_own_concept() -> None:
    bank = {"high": np.full((3, 2), 1.0, np.float32), "low": np.full((3, 2), -1.0, np.float32)}
    draw, _ = drawer(toy_recipe(windows=WindowsConfig(batch_size=16)), bank)
    batch = draw(0)
    brightest = batch["mels"].mean(dim=2).argmax(dim=1)
    assert ((brightest > 8) == (batch["queries"][:, 0] > 0)).all()


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_run_cut_off_and_taken_up_again_is_bit_equal_to_one_that_was_not(tmp_path: Path, dropout: float) -> None:
    recipe = toy_recipe(net=FramesConfig(width=32, depth=1, n_heads=2, dropout=dropout))
    whole = train_recipe(recipe, SOUNDS, tmp_path / "whole")
    train_recipe(recipe, SOUNDS, tmp_path / "cut", stop_after_steps=3)
    cut = train_recipe(recipe, SOUNDS, tmp_path / "cut")
    tensors = [load_file(tmp_path / name / STATE) for name in ("whole", "cut")]
    assert all(torch.equal(tensor, tensors[1][name]) for name, tensor in tensors[0].items())
    assert (whole / "model.safetensors").read_bytes() == (cut / "model.safetensors").read_bytes()


def test_a_checkpoint_says_what_it_learned_from(tmp_path: Path) -> None:
    folder = train_recipe(toy_recipe(), [replace(SOUNDS[0], credits=("CC0", "ann", "link")), SOUNDS[1]], tmp_path)
    config = load_config(folder)
    assert (config.encoder, config.encoder_kind, config.trained["labels"]) == (LABEL, "text", "high;low")
    assert config.trained["steps"] == 6 and config.trained["windows"] == 24 and config.trained["concepts"] == 2
    assert config.trained["query_length"] == pytest.approx(np.sqrt(2), abs=1e-3)
    assert "high,CC0,ann,link" in (folder / "CREDITS.csv").read_text()
    assert load_net(folder)(torch.zeros(1, 16, 32), torch.zeros(1), torch.zeros(1, 2)).shape == (1, 16, 32)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6] and "simple" in lines[0]


def test_sounds_without_a_query_are_left_out(tmp_path: Path) -> None:
    odd = sound_of(tone(900.0), "odd", name="odd")
    folder = train_recipe(toy_recipe(), [*SOUNDS, odd], tmp_path, banks=[BANK])
    assert load_config(folder).trained["sounds"] == 2 and "odd" not in (folder / "CREDITS.csv").read_text()


def test_a_run_without_queries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="CLIPSonic must be asked; use picture, text, hybrid or label"):
        train_recipe(toy_recipe(queries=QueriesConfig(kind="none")), SOUNDS, tmp_path)


def test_two_processes_train_one_net_and_write_one_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate comes with the train extra")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = (
        "import sys, pathlib; sys.path[:0] = sys.argv[2:]; from test_clipsonic import *;"
        "train_recipe(toy_recipe(mel_cache=sys.argv[1] + '/mels'), SOUNDS, pathlib.Path(sys.argv[1]))"
    )
    here = Path(__file__).parent
    team = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(here), str(here.parents[1])],
            env=os.environ | team | {"RANK": str(rank), "LOCAL_RANK": str(rank), "ACCELERATE_USE_CPU": "true"},
        )
        for rank in (0, 1)
    ]
    assert [run.wait(240) for run in runs] == [0, 0]
    assert load_config(tmp_path / "checkpoint").trained["windows"] == 48
    alone = train_recipe(toy_recipe(), SOUNDS, tmp_path / "alone")
    one, two = (load_file(folder / "model.safetensors") for folder in (alone, tmp_path / "checkpoint"))
    assert any(not torch.equal(one[name], two[name]) for name in one)


def test_many_concepts_of_pictures_are_read_at_once(tmp_path: Path) -> None:
    """As many as videos: grouping must not look at every picture once for every concept."""
    names = np.array([f"video {place}" for place in range(20_000)]).repeat(2)
    path = tmp_path / "frames.npz"
    np.savez(
        path,
        vectors=np.arange(80_000, dtype=np.float32).reshape(-1, 2),
        concepts=names,
        split=np.full(len(names), "train"),
    )
    bank = picture_bank(path, "train", sorted(set(names.tolist())))
    assert len(bank) == 20_000 and bank["video 7"].tolist() == [[28.0, 29.0], [30.0, 31.0]]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("clipsonic*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_read(path: Path) -> None:
    assert read_recipe(path).name


def test_the_talks_recipe_is_the_talks() -> None:
    recipe = read_recipe(CONFIGS / "clipsonic_talk.yaml")
    mel = recipe.mel
    assert (mel.sample_rate, mel.n_fft, mel.hop, mel.n_mels) == (16_000, 2048, 512, 64)
    assert (recipe.prediction, recipe.learned_variance, recipe.n_training_steps) == ("noise", True, 4_000)
    assert (recipe.loop.learning_rate, recipe.loop.averaging, recipe.drop_share) == (1e-4, 0.9999, 0.1)


def test_a_wrong_recipe_is_refused_with_the_key(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("recipe: clipsonic\nname: x\nloop: {n_steps: many}\n")
    with pytest.raises(DataUnusable, match=r"wrong\.yaml: .*loop\.n_steps: Input should be a valid integer"):
        read_recipe(path)
    path.write_text("{")
    with pytest.raises(DataUnusable, match="is not YAML"):
        read_recipe(path)


def test_a_run_begins_with_the_weights_of_another(tmp_path: Path) -> None:
    first = train_recipe(toy_recipe(), SOUNDS, tmp_path / "first")
    still = LoopConfig(n_steps=1, warm_up_steps=1, learning_rate=1e-12, bf16=False)
    second = train_recipe(toy_recipe(start=str(first), schedule="even", loop=still), SOUNDS, tmp_path / "second")
    before, after = (load_file(folder / "model.safetensors") for folder in (first, second))
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert load_config(second).schedule == "even"
    other = FramesConfig(width=64, depth=2, n_heads=2)
    with pytest.raises(DataUnusable, match=r"start: .*first.*has the net .*width=32.*the recipe .*width=64"):
        train_recipe(toy_recipe(start=str(first), net=other), SOUNDS, tmp_path / "third")
