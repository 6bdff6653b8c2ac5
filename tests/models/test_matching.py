"""Words to sounds, with a small made-up catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from models.clip import Samples
from models.effects.matching import match, stem, stems
from models.effects.sounds import Sound


def _nothing(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    raise AssertionError("matching makes no sound")


def _sound(name: str, *phrases: str, steady: bool = True) -> Sound:
    return Sound(name, _nothing, phrases, 5.0, steady, ())


CATALOGUE = [
    _sound("rain", "rain", "raining", "drizzle", "rain on the roof"),
    _sound("wind", "wind", "breeze", "wind howling"),
    _sound("train", "train", "train rolling"),
    _sound("murmur", "crowd", "people talking", "cafe", "bar", "market"),
    _sound("cheering", "crowd cheering", "cheering"),
    _sound("traffic", "street", "city traffic", "traffic", "cars"),
    _sound("birds", "birds", "birds singing", "forest", "woods"),
    _sound("fire", "fire", "campfire", "fire crackling", "campfire crackling"),
    _sound("waves", "waves", "ocean waves", "sea", "waves crashing"),
    _sound("storm", "storm", "rain and thunder"),
    _sound("thunder", "thunder", "thunder rumbling", steady=False),
    _sound("footsteps", "footsteps", "footstep", "walking", steady=False),
    _sound("dog", "dog barking", "dog", "barking", steady=False),
    _sound("bell", "church bell", "bell", "bell ringing", steady=False),
]


def _names(description: str) -> list[str]:
    return [layer.sound.name for layer in match(description, CATALOGUE).layers]


@pytest.mark.parametrize(
    ("words", "same"),
    [("waves", "wave"), ("barking", "bark"), ("running", "run"), ("rolling", "roll"), ("crackling", "crackle")]
    + [("torches", "torch"), ("glasses", "glass"), ("cities", "city"), ("chopped", "chop"), ("engines", "engine")],
)
def test_forms_of_a_word_have_one_stem(words: str, same: str) -> None:
    assert stem(words) == stem(same)


@pytest.mark.parametrize("word", ["ring", "spring", "glass", "bus", "string", "king", "bed"])
def test_words_that_only_look_inflected_stay(word: str) -> None:
    assert stem(word) == word


def test_words_without_sound_are_left_out() -> None:
    assert stems("The sound of some rain, the background noise of it") == ("rain",)


@pytest.mark.parametrize(
    ("description", "names"),
    [
        ("rain", ["rain"]),
        ("Heavy RAIN on a tin roof!", ["rain"]),
        ("background noise of a busy city street", ["traffic"]),
        ("ocean waves crashing on rocks", ["waves"]),
        ("rumbling thunder in the distance", ["thunder"]),
        ("wind howling and rain", ["wind", "rain"]),
        ("wind, rain; birds", ["wind", "rain", "birds"]),
        ("footsteps on gravel", ["footsteps"]),
        ("crowd cheering", ["cheering"]),
        ("a cheering crowd", ["cheering"]),
        ("the bell of a church", ["bell"]),
        ("rain and distant thunder", ["storm"]),
        ("dog barking in the rain", ["dog", "rain"]),
        ("people talking in a cafe", ["murmur"]),
        ("a crackling campfire", ["fire"]),
        ("Garden with birds singing", ["birds"]),
        ("the bell of a ship", ["bell"]),
        ("Ship's bell ringing", ["bell"]),
        ("waves in a harbour", ["waves"]),
        ("Church bell striking", ["bell"]),
        ("A wave runs over pebbles", ["waves"]),
        ("train starts and rolls away", ["train"]),
    ],
)
def test_a_description_that_is_covered_scores_high(description: str, names: list[str]) -> None:
    found = match(description, CATALOGUE)
    assert [layer.sound.name for layer in found.layers] == names
    assert 0.75 <= found.score <= 0.95


@pytest.mark.parametrize(
    "description",
    ["rain boots squeaking", "a train station announcement", "fire alarm", "bar of chocolate", "waves of laughter"]
    + ["cat meowing in the rain", "dog collar jingling", "street musician", "forest ranger speaking", "wind chimes"]
    + ["train station", "church choir", "river boat", "bars of a prison cell", "walking boots"],
)
def test_another_head_noun_is_another_sound(description: str) -> None:
    assert match(description, CATALOGUE).score < 0.2


@pytest.mark.parametrize(
    "description",
    [
        "",
        "   ",
        "silence",
        "a silent forest",
        "violin",
        "!!!",
        "the of and",
        "no rain",
        "loud and heavy",
        "a man talking",
        "a quiet garden",
        "harbour",
        "seagulls",
    ],
)
def test_nothing_of_ours_scores_zero(description: str) -> None:
    found = match(description, CATALOGUE)
    assert found.score == 0 and found.layers == ()


def test_half_of_a_compound_scores_half() -> None:
    whole, half = match("rain and wind", CATALOGUE).score, match("rain and a violin", CATALOGUE)
    assert half.score == pytest.approx(whole / 2) and half.missing == ("violin",)


@pytest.mark.parametrize(
    ("description", "names"),
    [
        ("rain without thunder", ["rain"]),
        ("wind, but no birds", ["wind"]),
        ("forest without birds", []),
        ("a street with no cars, and rain", ["rain"]),
    ],
)
def test_what_is_denied_is_not_made(description: str, names: list[str]) -> None:
    assert _names(description) == names


def test_a_colour_belongs_to_its_own_part() -> None:
    layers = match("heavy wind and distant birds", CATALOGUE).layers
    assert "heavy" in layers[0].words and "heavy" not in layers[1].words
    assert "distant" in layers[1].words and "distant" not in layers[0].words


def test_a_part_of_colours_only_belongs_to_the_part_before() -> None:
    (layer,) = match("rain, heavy and steady", CATALOGUE).layers
    assert "heavy" in layer.words and "steady" in layer.words


def test_a_place_colours_every_sound_beside_it_and_names_none() -> None:
    layers = match("Large cave with waves and distant footsteps", CATALOGUE).layers
    assert [layer.sound.name for layer in layers] == ["waves", "footsteps"]
    assert all("cave" in layer.words and "large" not in layer.words for layer in layers)


def test_a_setting_lies_below_and_must_be_steady() -> None:
    first, second = match("footsteps in the rain", CATALOGUE).layers
    assert not first.is_setting and second.is_setting
    assert _names("rain near a dog") == ["rain"]


def test_a_verb_that_we_do_not_know_costs_part_of_the_score() -> None:
    assert 0.3 < match("dog digging", CATALOGUE).score < 0.6
