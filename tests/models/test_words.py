"""What is said for what a page shows. Every expectation is written by hand, none is the code's own output."""

from __future__ import annotations

import pytest

from models.speech.words import (
    foreign_language,
    foreign_script,
    paragraphs,
    sentences,
    shorter_parts,
    spoken_text,
)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It was -40°C, then −3 °F.", "It was minus 40 degrees Celsius, then minus 3 degrees Fahrenheit."),
        ("Turn 1° and 45° north.", "Turn 1 degree and 45 degrees north."),
        ("5 km/h, 10 MB/s, 9.81 m/s²", "5 kilometers per hour, 10 megabytes per second, "
         "9.81 meters per second squared"),
        ("100 m in 9.58 s", "100 meters in 9.58 seconds"),
        ("1 kg and 6 ft of rope", "1 kilogram and 6 feet of rope"),
        ("12 oz. of tea, 5 ft. 11 in. tall", "12 ounces of tea, 5 feet 11 inches tall"),
        ("He weighs 180 lbs. She left.", "He weighs 180 pounds. She left."),
        ("a 10-km run on 10 km² of sand", "a 10 kilometer run on 10 square kilometers of sand"),
        ("the 1960s, 4K and B12", "the 1960s, 4K and B12"),
        ("He is 6'2\" tall", "He is 6 foot 2 tall"),
        ("2½ eggs, ¾ cup, 1 1/2 spoons", "2 and one half eggs, 3 quarters cup, 1 and one half spoons"),
        ("1/2 now, 2/3 later, 24/7.", "one half now, 2 thirds later, 24/7."),
        ("$3.50, $0.05, $1, £1.20, £0.01, €99", "3 dollars and 50 cents, 5 cents, 1 dollar, "
         "1 pound and 20 pence, 1 penny, 99 euros"),
        ("$2.5 million, $5bn, US$5, $1,000.", "2.5 million dollars, 5 billion dollars, 5 US dollars, 1,000 dollars."),
        ("It costs $5, 3 apples", "It costs 5 dollars, 3 apples"),
        ("pages 10-15, 1914–18, 10-15%", "pages 10 to 15, 1914 to 18, 10 to 15%"),
        ("noon–1pm, 12:30–13:00", "noon to 1pm, 12:30 to 13:00"),
        ("odds of 3:1 at 3:15", "odds of 3 to 1 at 3:15"),
        ("5 x 4 = 20, a 4x4, 7 > 2", "5 times 4 = 20, a 4 by 4, 7 is greater than 2"),
        ("Call 555-0199 or +1 (212) 555-0187.", "Call 5 5 5, 0 1 9 9 or plus 1, 2 1 2, 5 5 5, 0 1 8 7."),
        ("agent 007 at 0800 hours", "agent 0 0 7 at oh 8 hundred hours"),
        ("about .45 of it", "about point 4 5 of it"),
        ("2024-03-05 and 1,234,567", "2024-03-05 and 1,234,567"),
    ],
)  # fmt: skip
def test_figures_are_said_as_a_reader_says_them(written: str, said: str) -> None:
    assert spoken_text(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("fruit, e.g. apples, i.e. food", "fruit, for example apples, that is food"),
        ("pears, etc. Then we left.", "pears, etcetera. Then we left."),
        ("pears etc. were there", "pears etcetera were there"),
        ("cats vs. dogs", "cats versus dogs"),
        ("at 9:05 a.m. sharp", "at 9:05 AM sharp"),
        ("until 10 p.m. The end.", "until 10 PM. The end."),
        ("No. 5 and item #7, #mars", "number 5 and item number 7, hashtag mars"),
        ("The answer is no.", "The answer is no."),
        ("on p. 45, pp. 12-14, apt. 4", "on page 45, pages 12 to 14, apartment 4"),
        ("H2O and CO2", "H 2 O and C O 2"),
        ("Wait--what? He—", "Wait—what? He—"),
        ("rock 'n' roll", "rock and roll"),
        ("on Baker St. The fog rose", "on Baker Street. The fog rose"),
        ("10 Downing St. in London", "10 Downing Street in London"),
        ("In St. Louis, at 42nd St.", "In St. Louis, at 42nd Street."),
        ("Henry VIII and Umberto II", "Henry the eighth and Umberto the second"),
        ("Chapter IV, World War II, Apollo XI", "Chapter 4, World War 2, Apollo 11"),
        ("the XIX century", "the nineteenth century"),
        ("I am Anna. I will go.", "I am Anna. I will go."),
    ],
)
def test_abbreviations_and_roman_numerals_are_said_in_words(written: str, said: str) -> None:
    assert spoken_text(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("\"He said 'go away' and left,\" she said.", "He said go away and left, she said."),
        ("“Don’t,” she said, “or I’ll shout ‘fire’!”", "Don't, she said, or I'll shout fire!"),
        ("the boys' toys, Jones’ dog, O’Brien's", "the boys toys, Jones dog, O'Brien's"),
        ("'Twas '68, 'cause of 'em, nothin' doin'", "'Twas '68, 'cause of 'em, nothin' doin'"),
        ("«Oui», it's o'clock", "Oui, it's o'clock"),
    ],
)
def test_quotes_go_and_apostrophes_stay(written: str, said: str) -> None:
    assert spoken_text(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("anna.smith@example.com", "anna dot smith at example dot com"),
        ("See www.example.org/news/today.", "See example dot org slash news slash today."),
        ("https://a-b.co.uk, now", "a dash b dot co dot uk, now"),
        ("Visit Amazon.com or read notes_v2.txt", "Visit Amazon dot com or read notes underscore v2 dot txt"),
        ("He left.She stayed at 3.5", "He left.She stayed at 3.5"),
    ],
)
def test_addresses_are_spelt_out(written: str, said: str) -> None:
    assert spoken_text(written) == said


def test_marks_and_pictures_are_not_said() -> None:
    assert spoken_text("*sighs* [softly] _really_ 🚀 ~ok~") == "sighs softly really ok"
    assert spoken_text("🚀 — … ***").strip(" —….") == ""


def test_lines_stay_apart() -> None:
    assert paragraphs(spoken_text("One.\n\n  Two  two.\nThree.\n")) == ["One.", "Two two.", "Three."]


@pytest.mark.parametrize(
    ("paragraph", "parts"),
    [
        ("He ran. She hid! Why? Go… Now.", ["He ran.", "She hid!", "Why?", "Go…", "Now."]),
        ("Dr. Ray met Mr. Lee at St. Ives. They ate.", ["Dr. Ray met Mr. Lee at St. Ives.", "They ate."]),
        ("J. R. Hart wrote it. I read it.", ["J. R. Hart wrote it.", "I read it."]),
        ("Sen. Gray, Lt. Col. Ray and Ft. Worth.", ["Sen. Gray, Lt. Col. Ray and Ft. Worth."]),
        ("On Jan. 3 and in vol. 2 it rained. 12 came.", ["On Jan. 3 and in vol. 2 it rained.", "12 came."]),
        ("The answer is no. He left.", ["The answer is no.", "He left."]),
        ("It is 3.14 or so. e.g. this", ["It is 3.14 or so. e.g. this"]),
        ("“Go!” “Why?” He went.", ["“Go!", "“Why?", "He went."]),
        ("no end at all", ["no end at all"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_takes_breath(paragraph: str, parts: list[str]) -> None:
    assert sentences(paragraph) == parts


def test_a_long_sentence_is_halved_at_its_clauses_else_between_words_else_anywhere() -> None:
    assert shorter_parts("one two three, four five six") == ["one two three,", "four five six"]
    assert shorter_parts("one two three four") == ["one two", "three four"]
    assert shorter_parts("abcdef") == ["abc", "def"]


@pytest.mark.parametrize("text", ["a" * 50_000, "a." * 25_000, "1" * 50_000, "St. " * 12_500, "+1 " * 9_000])
def test_the_longest_row_is_read_whole(text: str) -> None:
    """A pattern that backtracks would take minutes here."""
    read = sentences(spoken_text(text))
    assert sum(letter.isalnum() for part in read for letter in part) >= sum(letter.isalnum() for letter in text)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Привет, как дела?", "Cyrillic"),
        ("你好，世界", "Chinese characters"),
        ("こんにちは", "Hiragana"),
        ("مرحبا", "Arabic"),
        ("The café of Dvořák", None),
        ("He wrote Ω on the long white wall", None),
        ("1234 !?", None),
    ],
)
def test_scripts_other_than_latin_are_named(text: str, script: str | None) -> None:
    assert foreign_script(text) == script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Der Mann und die Frau gehen mit dem Hund in den Wald", "German"),
        ("Je ne sais pas où est la maison de ma grand-mère", "French"),
        ("El perro y la niña no están en la casa de su madre", "Spanish"),
        ("The man and the woman walk with the dog into the wood", None),
        ("The die is cast and the man is in his den on a hill", None),
        ("Bonjour", None),
        ("She said bonjour to the waiter and he was not amused", None),
    ],
)
def test_languages_other_than_english_are_named(text: str, language: str | None) -> None:
    assert foreign_language(text) == language
