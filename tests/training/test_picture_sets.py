"""Picture tables: what they must hold, and what is made of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from models.errors import ModelError, PictureUnreadable
from training.augment import augmented
from training.concepts import UNSEEN_WORDS, has_unseen_word, sound_concepts, texts_of
from training.gather_pictures import held_out, plain_name, svg_of
from training.pictures import at_most, concept_vectors, read_pictures, read_table


def saved_table(
    folder: Path, *, columns: Sequence[str] = ("path", "concept", "label", "words", "style", "split")
) -> Path:
    """Four pictures: two dogs (one held out), a spoon that makes no sound, and a bell."""
    folder.mkdir(exist_ok=True)
    things = [("dog", "dog", "train"), ("dog", "dog", "validate"), ("", "spoon", "train"), ("bell", "bell", "train")]
    with (folder / "pictures.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore")
        table.writeheader()
        for index, (concept, label, split) in enumerate(things):
            Image.new("RGBA", (30, 20), (60 * index, 0, 0, 255)).save(folder / f"{index}.png")
            row = {"path": f"{index}.png", "concept": concept, "label": label, "words": "a;b", "style": "own"}
            table.writerow(row | {"split": split})
    return folder


class RedEncoder:
    """A vector is the picture's red and one: enough to follow which row went where."""

    version = "red-1"
    n_dimensions = 2

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 2), np.float32)

    def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        return np.array([[np.asarray(Image.open(path))[0, 0, 0], 1] for path in paths], np.float32)


def test_a_table_is_read_with_its_words(tmp_path: Path) -> None:
    rows = read_table(saved_table(tmp_path))
    assert [row.label for row in rows] == ["dog", "dog", "spoon", "bell"]
    assert rows[0].words == ("a", "b") and rows[0].path.is_file()


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    saved_table(tmp_path, columns=("path", "concept", "label", "style"))
    with pytest.raises(ModelError, match="pictures.csv: lacks the columns split, words"):
        read_table(tmp_path)


def test_a_missing_table_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="python -m training.gather_pictures"):
        read_table(tmp_path)


def test_a_broken_picture_is_an_error_that_names_it(tmp_path: Path) -> None:
    rows = read_table(saved_table(tmp_path))
    rows[2].path.write_bytes(b"no picture")
    with pytest.raises(PictureUnreadable, match="2.png"):
        read_pictures(rows)


def test_pictures_are_read_once_and_kept(tmp_path: Path) -> None:
    rows = read_table(saved_table(tmp_path))
    first = read_pictures(rows, tmp_path / "kept.npz")
    assert first.shape == (4, 64, 64, 4) and first[3, 32, 32].tolist() == [180, 0, 0, 255]
    rows[0].path.unlink()
    assert np.array_equal(read_pictures(rows, tmp_path / "kept.npz"), first)
    with pytest.raises(PictureUnreadable):  # other rows than those kept: read anew
        read_pictures(rows[:2], tmp_path / "kept.npz")


def test_only_what_sounds_gets_a_vector_and_keeps_its_split(tmp_path: Path) -> None:
    arrays = concept_vectors(read_table(saved_table(tmp_path)), RedEncoder())
    assert arrays["concepts"].tolist() == ["dog", "dog", "bell"]
    assert arrays["split"].tolist() == ["train", "test", "train"]
    assert arrays["vectors"][:, 0].tolist() == [0, 60, 180]
    assert str(arrays["version"]) == "red-1"


def test_of_many_pictures_some_of_every_thing_and_split_are_kept(tmp_path: Path) -> None:
    rows = read_table(saved_table(tmp_path))
    kept = at_most(rows * 3, 2)
    assert sorted((row.concept, row.split) for row in kept) == sorted(
        [("dog", "train"), ("dog", "validate"), ("bell", "train")] * 2
    )


def test_no_training_sentence_holds_a_word_that_is_asked_as_unseen() -> None:
    for concept in sound_concepts():
        assert not [text for text in texts_of(concept.name, concept.says) if has_unseen_word(text)]
        assert not [said for said in concept.says if has_unseen_word(said)]


def test_a_label_that_is_an_unseen_word_has_no_texts() -> None:
    assert texts_of("puppy") == [] and "a dog" in texts_of("dog")


def test_unseen_words_are_whole_words_of_known_things() -> None:
    assert {concept.name for concept in sound_concepts()} >= set(UNSEEN_WORDS.values())
    assert has_unseen_word("Two puppies, playing") and has_unseen_word("an INFANT cries")
    assert not has_unseen_word("an infantry march") and not has_unseen_word("a surface")


def test_every_sounding_thing_has_pictures_and_sentences() -> None:
    for concept in sound_concepts():
        assert concept.pictures and len(concept.says) >= 3, concept.name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("dog-outline", "dog"),
        ("cloud-rain", "cloudrain"),
        ("clock-04", "clock"),
        ("helicopter-duotone-bold", "helicopter"),
    ],
)
def test_an_icons_name_loses_its_finish(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_whole_styles_and_one_photo_in_ten_are_held_out() -> None:
    assert held_out("openmoji", "dog") and not held_out("twemoji", "dog")
    share = np.mean([held_out("photo-caltech", f"image_{index}") for index in range(2_000)])
    assert 0.08 < share < 0.12


def test_an_icon_keeps_its_own_box() -> None:
    svg = svg_of({"body": "<path fill='currentColor'/>", "width": 20}, {"height": 24, "left": 2})
    assert 'viewBox="2 0 20 24"' in svg and "#000000" in svg


def test_a_changed_photograph_shows_nothing_from_beyond_its_edge() -> None:
    white = torch.full((64, 64, 64, 4), 255, dtype=torch.uint8)
    changed = augmented(white, 32, np.random.default_rng(1))
    assert changed.shape == (64, 3, 32, 32)
    spread = changed.amax((1, 2, 3)) - changed.amin((1, 2, 3))
    corners = (changed[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].amin((1, 2)) < 0.05).float().mean()
    assert corners < 0.02 and float(spread.median()) < 0.25


def test_a_drawing_gets_a_ground_and_a_black_icon_other_inks() -> None:
    icon = torch.zeros(200, 64, 64, 4, dtype=torch.uint8)
    icon[:, 16:48, 16:48, 3] = 255
    changed = augmented(icon, 32, np.random.default_rng(2))
    assert float(changed[:, :, 0, 0].mean()) > 0.5
    middle = changed[:, :, 14:18, 14:18].mean((2, 3))
    assert float((middle.amax(1) < 0.05).float().mean()) < 0.8 and float((middle.amax(1) < 0.8).float().mean()) > 0.95


def test_the_same_chance_gives_the_same_change() -> None:
    pictures = torch.randint(0, 255, (4, 64, 64, 4), dtype=torch.uint8)
    one, two, other = (augmented(pictures, 32, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert torch.equal(one, two) and not torch.equal(one, other)
