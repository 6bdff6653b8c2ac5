"""What names and words say of a speaker, against people and figures that everyone knows."""

from __future__ import annotations

import pytest

from composer.names import FEMALE_NAMES, MALE_NAMES, gender_of, manner_of, words_of


@pytest.mark.parametrize(
    ("name", "description", "gender"),
    [
        ("Anna", "", "female"),
        ("Mr. Darcy", "", "male"),
        ("Mrs. Robinson", "", "female"),
        ("Aunt Robin", "", "female"),
        ("The Queen", "", "female"),
        ("Old Sea Captain", "", "male"),
        ("Captain Mary Read", "she commands the ship", "female"),
        ("Chief Engineer", "She built the probe", "female"),
        ("Chief Engineer", "he has not slept", "male"),
        ("Granny", "", "female"),
        ("Grandfather Paul", "", "male"),
        ("ZOË", "", None),
        ("Robot", "", None),
        ("Narrator", "", None),
        ("", "", None),
        ("李雷", "", None),
    ],
)
def test_gender_follows_name_title_and_pronouns(name: str, description: str, gender: str | None) -> None:
    assert gender_of(name, description) == gender


def test_a_name_outweighs_one_pronoun_of_somebody_else() -> None:
    assert gender_of("Anna", "speaks with his voice") == "female"
    assert gender_of("Peter", "in love with her") == "male"


def test_names_are_lower_case_words_and_shared_ones_are_in_one_list() -> None:
    for name in FEMALE_NAMES | MALE_NAMES:
        assert name == name.casefold() and words_of(name) == [name]
    assert not FEMALE_NAMES & MALE_NAMES


@pytest.mark.parametrize(
    ("name", "description", "manners"),
    [
        ("Old Sea Captain", "gruff", {"old", "deep"}),
        ("Girl", "", {"young", "high"}),
        ("Butler", "", {"british"}),
        ("Host", "", {"clear"}),
        ("Robot", "", {"flat"}),
        ("Anna", "tall", set()),
        ("Tim", "a boyish man", set()),
    ],
)
def test_manners_are_those_the_words_name(name: str, description: str, manners: set[str]) -> None:
    assert {manner for manner, named in manner_of(name, description).items() if named} == manners


def test_words_are_whole_words() -> None:
    assert words_of("Grey-haired O’Neil, no. 7!") == ["grey-haired", "o", "neil", "no"]
    assert not manner_of("Goldie", "scold")["old"]
