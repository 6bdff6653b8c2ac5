"""The encoder's recipe: it learns, resumes to the bit, and writes what the bundled encoder reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from models.encoders import encoder, unit
from training import encoder as recipe_module
from training.encoder import Batches, Classes, Pair, Recipe, classes_of, losses, train
from training.evaluate_encoder import class_means, line, mean_queries, prompt_vectors, ranks
from training.export_encoder import export
from training.pictures import Row

SMALL = Recipe(
    n_dimensions=16,
    widths=(8, 16),
    depths=(1, 1),
    n_hidden=8,
    sides=((1.0, 32),),
    batch_size=16,
    learning_rate=1e-2,
    n_steps=40,
    minutes=10,
)


def rows_of(concepts: list[str], *, style: str = "own") -> list[Row]:
    return [Row(Path(f"{index}.png"), name, name, (), style, "train") for index, name in enumerate(concepts)]


def eight_pictures() -> tuple[list[Row], NDArray[np.uint8]]:
    """Eight patches of colour and place, two of each thing."""
    names = ["dog", "rain", "bell", "train"]
    pictures = np.zeros((8, 64, 64, 4), np.uint8)
    pictures[..., 3] = 255
    for index in range(8):
        colour = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)][index // 2]
        pictures[index, ..., :3] = 40
        pictures[index, 8 + 8 * (index % 2) : 56, 8:56, :3] = colour
    return rows_of([names[index // 2] for index in range(8)]), pictures


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, list[Row], NDArray[np.uint8], Classes, Path]:
    rows, pictures = eight_pictures()
    classes = classes_of(rows)
    out = tmp_path_factory.mktemp("run")
    return train(SMALL, rows, pictures, out, classes=classes), rows, pictures, classes, out


def test_eight_pictures_are_learned_within_seconds(
    learned: tuple[Pair, list[Row], NDArray[np.uint8], Classes, Path], tmp_path: Path
) -> None:
    pair, rows, pictures, classes, _ = learned
    export(pair, SMALL, rows, pictures, classes, tmp_path / "weights")
    from PIL import Image

    for row, picture in zip(rows, pictures, strict=True):
        Image.fromarray(picture).save(tmp_path / row.path)
    ours = encoder(f"bundled:{tmp_path / 'weights'}")
    seen = unit(ours.pictures([tmp_path / row.path for row in rows]))
    asked = prompt_vectors(ours, ["dog", "rain", "bell", "train"])
    assert (seen @ asked.T).argmax(1).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    heard = unit(ours.texts(["a dog barking", "it is raining", "church bells", "a steam train whistle"]))
    assert (
        heard @ class_means(seen, np.array([row.concept for row in rows]), ["dog", "rain", "bell", "train"]).T
    ).argmax(1).tolist() == [0, 1, 2, 3]


def test_a_stopped_run_goes_on_to_the_same_bits(
    learned: tuple[Pair, list[Row], NDArray[np.uint8], Classes, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rows, pictures, classes, _ = learned
    recipe = SMALL.model_copy(update={"n_steps": 6, "save_every_s": 0.0})
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = train(recipe, rows, pictures, tmp_path / "whole", classes=classes)

    draw, drawn = Batches.draw, []

    def stopped_draw(self: Batches, side: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        drawn.append(side)
        if len(drawn) == 4:
            raise KeyboardInterrupt
        return draw(self, side)

    monkeypatch.setattr(recipe_module.Batches, "draw", stopped_draw)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, rows, pictures, tmp_path / "parts", classes=classes)
    monkeypatch.setattr(recipe_module.Batches, "draw", draw)
    parts = train(recipe, rows, pictures, tmp_path / "parts", classes=classes)
    assert len(drawn) == 4
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


def test_the_loss_asks_every_class_but_those_excluded() -> None:
    torch.manual_seed(0)
    pair = Pair(SMALL).eval()
    pictures, sentences = torch.rand(5, 3, 32, 32), F.normalize(torch.randn(7, 384), dim=1)
    target = torch.tensor([0, 1, 2, 3, 4])
    excluded = torch.zeros(7, 7, dtype=torch.bool)
    excluded[0, 6] = True
    found = losses(pair, pictures, target, sentences, excluded)["contrast"]
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        seen = pair.image(pictures)
    with torch.no_grad():
        image, text = F.normalize(seen.float(), dim=1).double(), F.normalize(pair.text(sentences), dim=1).double()
    total = 0.0
    for index in range(5):
        asked = [other for other in range(7) if not excluded[target[index], other]]
        scores = 20 * torch.stack([image[index] @ text[other] for other in asked])
        logs = scores - scores.exp().sum().log()
        own = asked.index(int(target[index]))
        rest = [float(logs[place]) for place in range(len(asked))]
        total -= 0.98 * rest[own] + 0.02 / 7 * (sum(rest) + (-1e4 - float(scores.exp().sum().log())) * (7 - len(asked)))
    assert float(found.detach()) == pytest.approx(total / 5, rel=1e-3)


def test_a_breed_is_no_wrong_answer_for_its_kind() -> None:
    breeds = [Row(Path(f"{index}.png"), "dog", "Chihuahua", (), "photo-tiny-imagenet", "train") for index in range(3)]
    classes = classes_of(breeds + rows_of(["rain"]))
    assert classes.names == ["dog", "rain", "Chihuahua"] and classes.is_sounding.tolist() == [True, True, False]
    assert bool(classes.excluded[0, 2]) and bool(classes.excluded[2, 0])
    assert not classes.excluded[0, 1] and not classes.excluded.diagonal().any()


def test_batches_hold_training_pictures_only() -> None:
    rows, pictures = eight_pictures()
    held = [Row(row.path, row.concept, row.label, (), row.style, "validate") for row in rows]
    pictures = np.concatenate([pictures, np.zeros_like(pictures)])
    batches = Batches(rows + held, pictures, classes_of(rows), SMALL, rank=0)
    assert sorted(int(index) for part in batches.members[0] for index in part) == list(range(8))


def test_ranks_count_who_is_nearer() -> None:
    generator = np.random.default_rng(3)
    queries, classes = (generator.standard_normal((n, 5)).astype(np.float32) for n in (6, 4))
    right = [0, 1, 2, 3, 0, 1]
    for query, own, rank in zip(queries, right, ranks(queries, classes, right), strict=True):
        order = sorted(range(4), key=lambda index: -float(query @ classes[index]))
        assert order.index(own) == rank
    report = line("it", queries, classes, right)
    assert report.top5 == 1.0 and report.n_classes == 4


def test_a_query_of_several_pictures_is_their_mean_and_knows_whose_it_is() -> None:
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    labels = np.array(["dog", "dog", "owl"])
    queries, right = mean_queries(vectors, labels, ["cat", "dog", "owl"], 8, n_draws=3)
    assert right == [1, 1, 1, 2, 2, 2]
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1.0, rtol=1e-6)
    assert (queries[3:] == [0, 0, 1]).all() and (queries[:3, 2] == 0).all() and (queries[:3, :2] > 0).all()
