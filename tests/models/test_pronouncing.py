"""The phonemizer is helped where it misreads: each phoneme expectation is the dictionary's own or written by hand."""

from __future__ import annotations

import pytest

from models.speech.kokoro import Kokoro
from models.speech.pronouncing import in_pieces, unstretched, with_sounds, without_abbreviations

KNOWN = {"no", "so", "good", "god", "go", "wait", "love", "see", "stop", "stoop", "goo", "hello", "ah", "yes", "free"}


@pytest.fixture(scope="module")
def kokoro() -> Kokoro:
    return Kokoro()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Nooooo!", "No!"),
        ("sooo goooood", "so good"),
        ("Waaait, I loooove it", "Wait, I love it"),
        ("Gooo! Stoooop!", "Go! Stop!"),
        ("Hellooo", "Hello"),
        ("Aaaah, yessss, freeeee", "Ah, yes, free"),
        ("zzzzz xxxxy", "zz xxy"),
        ("see the good book", "see the good book"),
    ],
)
def test_stretched_words_become_the_word_they_stretch(written: str, said: str) -> None:
    assert unstretched(written, KNOWN) == said


@pytest.mark.parametrize(
    ("written", "guarded"),
    [
        ("The answer is no.", "The answer is no ."),
        ("Oh, no. He left.", "Oh, no . He left."),
        ("We flew to the Sun. It was hot.", "We flew to the Sun . It was hot."),
        ("See no. 5 on Sun. morning", "See no. 5 on Sun. morning"),
        ("none. Noon.", "none. Noon."),
    ],
)
def test_words_at_the_end_of_a_sentence_are_no_abbreviations(written: str, guarded: str) -> None:
    assert without_abbreviations(written) == guarded


def test_an_endless_word_is_read_in_pieces_and_a_long_one_whole() -> None:
    assert in_pieces("pneumonoultramicroscopicsilicovolcano") == "pneumonoultramicroscopicsilicovolcano"
    assert in_pieces("ab" * 25) == f"{'ab' * 10} {'ab' * 10} {'ab' * 5}"


def test_interjections_get_phonemes_and_words_do_not() -> None:
    assert with_sounds("Shhh, be quiet") == "[Shhh](/ʃˈːː/), be quiet"
    assert with_sounds("'Tis cold, brrr!") == "[Tis](/tˈɪz/) cold, [brrr](/bɹˈɜɹ/)!"
    assert with_sounds("She shares her breeze, few pews") == "She shares her breeze, few pews"


@pytest.mark.parametrize(
    ("text", "holds", "lacks"),
    [
        ("The answer is no.", "nˈO", "nˈʌmbəɹ"),
        ("We flew to the Sun.", "sˈʌn", "sˈʌndˌA"),
        ("WHAT?! he yelled.", "wˈʌt", "dᵊljˌu"),
        ("OH NO!", "ˈO nˈO", "ˈAʧ"),
        ("GIVE US THE GOLD!", "ˌʌs", "jˌuˈɛs"),
        ("The US team came.", "jˌuˈɛs", "ˌʌs"),
        ("NASA called the BBC.", "nˈæsə", "ˌɛn"),
        ("NASA called the BBC.", "bˌibˌisˈi", "bbk"),
        ("doin' nothin'", "dˈuɪn", "dˈYn"),
        ("minus 40 degrees", "mˈInəs fˈɔɹTi", "“"),
    ],
)
def test_phonemes_hold_what_a_reader_says(kokoro: Kokoro, text: str, holds: str, lacks: str) -> None:
    phonemes = kokoro._phonemize(text, british=False)
    assert holds in phonemes and lacks not in phonemes


@pytest.mark.parametrize("text", ["He lives in the U.S.A.", "Is it the U.S.A.?", "Stop!", "Wait…"])
def test_the_mark_that_ends_a_sentence_is_kept(kokoro: Kokoro, text: str) -> None:
    assert kokoro._phonemize(text, british=False)[-1] == text[-1]


def test_every_phoneme_is_one_that_the_model_knows(kokoro: Kokoro) -> None:
    text = "Shh! Brr, grr, psst, tsk, zzz, eww, argh, ugh, 'tis, 'twas — naïve; 3 + 4 = 7, “quoted” (aside)…"
    for british in (False, True):
        assert set(kokoro._phonemize(text, british)) <= set(kokoro._vocabulary)
