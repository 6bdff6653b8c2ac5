"""Casting with Kokoro's voices: who suits whom, distinct and stable."""

from __future__ import annotations

import pytest

from composer.casting import Character, cast_voices
from composer.errors import ComposerError
from models.engines import Voice
from models.speech.kokoro_voices import VOICES

BY_NAME = {voice.name: voice for voice in VOICES}
SEEDS = range(8)
PEOPLE = (
    Character("Narrator"),
    Character("Anna"),
    Character("Old Sea Captain", "gruff"),
    Character("Girl"),
    Character("Inspector Hale", "a British policeman"),
)


def cast_one(name: str, description: str = "", seed: int = 0) -> Voice:
    return BY_NAME[cast_voices([Character(name, description)], VOICES, overrides={}, seed=seed)[name]]


def median_pitch_hz(gender: str) -> float:
    pitches = sorted(voice.pitch_hz for voice in VOICES if voice.gender == gender)
    return pitches[len(pitches) // 2]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["Old Sea Captain", "Captain Ahab", "Grandfather", "Giant", "Blacksmith"])
def test_old_and_gruff_men_have_low_male_voices(name: str, seed: int) -> None:
    voice = cast_one(name, "old and gruff", seed)
    assert voice.gender == "male" and voice.age in ("adult", "old")
    assert voice.pitch_hz <= median_pitch_hz("male")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["Girl", "Little Sister", "Schoolgirl", "Fairy"])
def test_girls_have_young_or_high_female_voices(name: str, seed: int) -> None:
    voice = cast_one(name, "a young girl", seed)
    assert voice.gender == "female"
    assert voice.age == "young" or voice.pitch_hz > median_pitch_hz("female")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "description", "gender"),
    [
        ("Anna", "", "female"),
        ("Peter", "", "male"),
        ("Mrs. Hudson", "", "female"),
        ("Chief Engineer", "She is calm", "female"),
        ("Chief Engineer", "He is calm", "male"),
        ("Captain Mary Read", "she is a pirate", "female"),
    ],
)
def test_nobody_gets_a_voice_of_the_other_gender(name: str, description: str, gender: str, seed: int) -> None:
    assert cast_one(name, description, seed).gender == gender


@pytest.mark.parametrize("seed", SEEDS)
def test_butlers_and_lords_are_british(seed: int) -> None:
    assert cast_one("Butler", "", seed).accent == "British"
    assert cast_one("Lord Ashford", "", seed).accent == "British"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["Narrator", "Host", "Announcer", "Reporter"])
def test_those_who_lead_through_get_one_of_the_cleanest_voices(name: str, seed: int) -> None:
    better = [voice for voice in VOICES if voice.quality > cast_one(name, "", seed).quality]
    assert len(better) <= 6


@pytest.mark.parametrize("seed", SEEDS)
def test_voices_are_distinct_while_they_last_and_keep_to_the_gender_after(seed: int) -> None:
    names = ["Anna", "Peter", "Julia", "Paul", "Clara", "Tom", "Ruth", "Henry", "Nora", "George", "Guard", "Voice"]
    cast = cast_voices([Character(name) for name in names], VOICES, overrides={}, seed=seed)
    assert len(set(cast.values())) == len(names)


def test_forty_characters_are_cast_by_gender_and_spread_evenly() -> None:
    women = [Character(name) for name in sorted(FORTY_WOMEN)[:20]]
    men = [Character(f"Mr. {number}") for number in ("One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve "
           "Thirteen Fourteen Fifteen Sixteen Seventeen Eighteen Nineteen Twenty").split()]  # fmt: skip
    cast = cast_voices([*women, *men], VOICES, overrides={}, seed=3)
    assert len(cast) == 40
    assert all(BY_NAME[cast[woman.name]].gender == "female" for woman in women)
    assert all(BY_NAME[cast[man.name]].gender == "male" for man in men)
    uses = [list(cast.values()).count(name) for name in set(cast.values())]
    assert max(uses) <= 3


FORTY_WOMEN = (
    "anna clara julia ruth nora alice emma lucy mary rose iris vera ella ada ida lena mia eva tess hazel wendy".split()
)


def test_the_same_cast_comes_again_and_another_seed_may_differ() -> None:
    casts = [cast_voices(PEOPLE, VOICES, overrides={}, seed=seed) for seed in (1, 1, 2, 3, 4, 5)]
    assert casts[0] == casts[1]
    assert any(cast != casts[0] for cast in casts[2:])


def test_a_cast_that_is_kept_changes_for_nobody_when_characters_come_go_or_move() -> None:
    """scene.toml keeps the first cast; later renders hand it back as overrides."""
    kept = cast_voices(PEOPLE, VOICES, overrides={}, seed=5)
    newcomers = [Character("Rosa"), *reversed(PEOPLE), Character("Bosun", "old and loud")]
    later = cast_voices(newcomers, VOICES, overrides=kept, seed=5)
    assert {name: later[name] for name in kept} == kept
    assert later["Rosa"] not in kept.values() and later["Bosun"] not in kept.values()
    fewer = cast_voices(PEOPLE[2:], VOICES, overrides=kept, seed=5)
    assert fewer == {name: kept[name] for name in ("Old Sea Captain", "Girl", "Inspector Hale")}


def test_even_without_a_kept_cast_most_keep_their_voice_when_the_order_changes() -> None:
    forward = cast_voices(PEOPLE, VOICES, overrides={}, seed=5)
    backward = cast_voices(PEOPLE[::-1], VOICES, overrides={}, seed=5)
    assert sum(forward[name] == backward[name] for name in forward) >= 4


def test_overrides_are_kept_whatever_they_are() -> None:
    cast = cast_voices(PEOPLE, VOICES, overrides={"Old Sea Captain": "af_sky"}, seed=0)
    assert cast["Old Sea Captain"] == "af_sky"
    assert list(cast.values()).count("af_sky") == 1


def test_an_unknown_voice_names_the_character_and_the_choices() -> None:
    with pytest.raises(
        ComposerError, match="'Anna' is cast as 'amy', which is not there; there are: af_alloy, .*bm_lewis"
    ):
        cast_voices(PEOPLE, VOICES, overrides={"Anna": "amy"}, seed=0)


def test_no_voices_at_all_is_an_error() -> None:
    with pytest.raises(ComposerError, match="no voices to cast; see: talescape engines"):
        cast_voices(PEOPLE, [], overrides={}, seed=0)


def test_one_voice_speaks_for_all_when_there_is_no_other() -> None:
    only = [Voice("solo", "neutral", "American", "adult", 140.0, 0.5)]
    assert set(cast_voices(PEOPLE, only, overrides={}, seed=0).values()) == {"solo"}


@pytest.mark.parametrize("name", ["李雷", "🚀", "\ud800", "x" * 500, "'; DROP", "  "])
def test_any_name_can_be_cast(name: str) -> None:
    assert cast_voices([Character(name)], VOICES, overrides={}, seed=0)[name] in BY_NAME
