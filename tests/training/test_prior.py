"""The recipe of the prior: a toy problem whose answer is known, pairs, resume, recipes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.clipsonic.prior import Prior, load_prior, scaled
from models.clipsonic.prior_nets import MlpConfig, TransformerConfig
from training import prior as module
from training.loop import STATE, LoopConfig
from training.mixtures import QueryBank
from training.prior import Recipe, batch_drawer, read_recipe, texts_by_concept, train_recipe
from training.sounds import DataUnusable, SoundsConfig

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
RANDOM = np.random.default_rng(0)
CENTRES = scaled(RANDOM.standard_normal((3, 16)).astype(np.float32))
SPREAD = 0.3
"""Pictures of a concept lie around its centre by so much; texts lie elsewhere, at corners of their own."""
CONCEPTS = ("cat", "dog", "owl")
PICTURES: QueryBank = {
    name: CENTRES[k] + SPREAD * RANDOM.standard_normal((400, 16)).astype(np.float32) for k, name in enumerate(CONCEPTS)
}
TEXTS: QueryBank = {name: scaled(np.eye(16, dtype=np.float32)[k : k + 1]) for k, name in enumerate(CONCEPTS)}


@pytest.fixture(autouse=True)
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "encoder_version", lambda name: f"{name}-1")


def toy_recipe(**more: object) -> Recipe:
    fields = {
        "recipe": "prior",
        "name": "toy",
        "pictures": "none.npz",
        "batch_size": 64,
        "net": MlpConfig(width=64, depth=2),
        "n_training_steps": 100,
        "n_steps": 20,
        "loop": LoopConfig(
            n_steps=400, warm_up_steps=20, learning_rate=3e-3, averaging=0.98, bf16=False, decay="cosine"
        ),
    }
    return Recipe.model_validate(fields | more)


@pytest.mark.parametrize(
    ("net", "n_steps"),
    [(MlpConfig(width=64, depth=2), 400), (TransformerConfig(width=64, depth=2, n_heads=2), 800)],
    ids=["mlp", "transformer"],
)
def test_the_prior_learns_where_pictures_lie_and_how_they_vary(
    tmp_path: Path, net: MlpConfig | TransformerConfig, n_steps: int
) -> None:
    """The answer is known: around the centre of the text's own concept, spread as its pictures are."""
    loop = toy_recipe().loop.model_copy(update={"n_steps": n_steps})
    prior = load_prior(train_recipe(toy_recipe(net=net, loop=loop), PICTURES, TEXTS, tmp_path))
    told = np.concatenate([np.repeat(TEXTS[name], 100, axis=0) for name in CONCEPTS])
    drawn = scaled(prior.from_vectors(told, seed=0, n_draws=1)).reshape(3, 100, 16)
    lengths = np.linalg.norm(drawn.mean(axis=1), axis=1)
    directions = drawn.mean(axis=1) @ CENTRES.T / lengths[:, None] / 4.0
    assert directions.argmax(axis=1).tolist() == [0, 1, 2] and directions.diagonal().min() > 0.97
    spread = drawn.std(axis=1).mean()
    real = np.mean([scaled(PICTURES[name]).std(axis=0).mean() for name in CONCEPTS])
    assert 0.6 * real < spread < 1.4 * real
    before = np.concatenate([TEXTS[name] for name in CONCEPTS]) @ CENTRES.T / 16.0
    assert before.diagonal().max() < 0.9


def test_guidance_carries_draws_away_from_those_of_no_text(tmp_path: Path) -> None:
    prior = load_prior(train_recipe(toy_recipe(drop_share=0.3), PICTURES, TEXTS, tmp_path))
    told = np.repeat(TEXTS["dog"], 50, axis=0)
    nearness = [
        float((scaled(prior.from_vectors(told, seed=0, guidance=w, n_draws=1)) @ CENTRES[1]).mean()) / 16.0
        for w in (0.0, 0.5, 1.0)
    ]
    assert nearness[0] < nearness[1] < nearness[2] and nearness[0] < 0.7


def test_a_run_cut_off_and_taken_up_again_is_bit_equal_to_one_that_was_not(tmp_path: Path) -> None:
    recipe = toy_recipe(net=MlpConfig(width=16, depth=1, dropout=0.3), loop=LoopConfig(n_steps=6, bf16=False))
    train_recipe(recipe, PICTURES, TEXTS, tmp_path / "whole")
    train_recipe(recipe, PICTURES, TEXTS, tmp_path / "cut", stop_after_steps=2)
    train_recipe(recipe, PICTURES, TEXTS, tmp_path / "cut")
    whole, cut = (load_file(tmp_path / name / STATE) for name in ("whole", "cut"))
    assert all(torch.equal(tensor, cut[name]) for name, tensor in whole.items())


def test_texts_are_paired_with_pictures_of_their_own_concept() -> None:
    pictures = {name: np.full((2, 4), k + 1.0, np.float32) * [1, -1, 1, k] for k, name in enumerate(CONCEPTS)}
    texts = {name: scaled(np.eye(3, dtype=np.float32)[k : k + 1]) for k, name in enumerate(CONCEPTS)}
    batch = batch_drawer(pictures, texts, toy_recipe(batch_size=300))(0)
    concept = batch["texts"].argmax(dim=1)
    for k, name in enumerate(CONCEPTS):
        expected = torch.from_numpy(scaled(pictures[name][:1]))
        assert torch.allclose(batch["pictures"][concept == k], expected.expand(int((concept == k).sum()), -1))
        assert 70 < int((concept == k).sum()) < 130
    assert float(batch["drop"].float().mean()) == pytest.approx(0.1, abs=0.06)
    assert int(batch["time"].min()) == 0 and int(batch["time"].max()) == 99


def test_the_checkpoint_draws_vectors_as_long_as_pictures_and_says_what_it_learned(tmp_path: Path) -> None:
    recipe = toy_recipe(loop=LoopConfig(n_steps=3, bf16=False))
    prior = load_prior(train_recipe(recipe, PICTURES, TEXTS, tmp_path))
    assert isinstance(prior, Prior)
    length = np.linalg.norm(np.concatenate(list(PICTURES.values())), axis=1).mean()
    drawn = prior.from_vectors(TEXTS["cat"], seed=0)
    assert np.linalg.norm(drawn) == pytest.approx(length, rel=0.02)
    assert prior.config.encoder_version == "bundled-1"
    assert prior.config.trained == {
        "name": "toy", "steps": 3, "pairs": 192, "minutes": 0.0, "concepts": 3, "texts": 3
    }  # fmt: skip


def test_the_datas_own_pairs_are_what_its_rows_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "file,set,concept,text,fold,licence,author,link"
    rows = [
        "a.wav,s,dog,a dog barking,1,,,",
        "b.wav,s,dog,a dog barking,1,,,",
        "c.wav,s,,old door,,,,",
        "d.wav,s,cat,,1,,,",
    ]
    (tmp_path / "sounds.csv").write_text("\n".join([head, *rows, "e.wav,s,dog,woof,4,,,"]) + "\n")
    (tmp_path / "concepts.csv").write_text("text,concept\nold door,door\n")
    monkeypatch.chdir(tmp_path)
    sounds = SoundsConfig(table="sounds.csv", collections=["s"], folds=["1"], concepts="concepts.csv")
    assert texts_by_concept(toy_recipe(sounds=sounds)) == {"dog": ["a dog barking"], "door": ["old door"]}
    assert "a dog growls and barks" in texts_by_concept(toy_recipe())["dog"]


def test_pictures_without_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="no concept has both pictures and texts"):
        train_recipe(toy_recipe(), PICTURES, {"fox": TEXTS["cat"]}, tmp_path)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("prior*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_read(path: Path) -> None:
    assert read_recipe(path).name


def test_a_wrong_recipe_is_refused_with_the_key(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("recipe: prior\nname: x\nn_draws: 0\n")
    with pytest.raises(DataUnusable, match=r"wrong\.yaml: .*n_draws: Input should be greater"):
        read_recipe(path)
