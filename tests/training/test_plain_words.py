"""Two ways of writing one speech compare as equal, and different speech does not. Expectations are written by hand."""

from __future__ import annotations

import pytest

from training.plain_words import plain_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dr. Smith's café — it’s OPEN!", "doctor smiths cafe its open"),
        ("light-speed, state-of-the-art", "light speed state of the art"),
        ("The 1st, 22nd and 103rd", "the first twenty second and one hundred and third"),
        ("in 1905, 1987, 2001, 2049 and 1800", "in nineteen oh five nineteen eighty seven two thousand one "
         "twenty forty nine and eighteen hundred"),
        ("the 1960s", "the nineteen sixties"),
        ("1,234,567", "one million two hundred and thirty four thousand five hundred and sixty seven"),
        ("12.5% of 3.14", "twelve point five percent of three point one four"),
        ("$3.50, £1.20, €1, $2.5 million", "three dollars and fifty cents one pound and twenty pence one euro "
         "two point five million dollars"),
        ("9:05 a.m. and 17:30", "nine oh five am and seventeen thirty"),
        ("10:00", "ten oclock"),
        ("agent 007", "agent zero zero seven"),
        ("the U.S.A. & the B.B.C.", "the usa and the bbc"),
        ("0 and 100 and 1000000", "zero and one hundred and one million"),
        ("¿—…!?", ""),
    ],
)  # fmt: skip
def test_text_becomes_these_words(text: str, words: str) -> None:
    assert plain_words(text) == words.split()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("At 9:05 a.m.", "at 9.05 am"),
        ("Doctor Ray met Mister Lee.", "Dr. Ray met Mr Lee"),
        ("twenty-one", "21"),
        ("The programme at the theatre", "the program at the theater"),
        ("three dollars and fifty cents", "$3.50"),
        ("ten o’clock", "10:00"),
    ],
)
def test_both_ways_of_writing_are_one(one: str, other: str) -> None:
    assert plain_words(one) == plain_words(other)


def test_another_number_or_sign_is_another_speech() -> None:
    assert plain_words("minus 40 degrees") != plain_words("40 degrees")
    assert plain_words("1950") != plain_words("1915")
    assert plain_words("no") != plain_words("number")
