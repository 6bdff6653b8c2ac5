"""Reading prompts: genre, roles and their order, people, what is asked of the sound."""

from __future__ import annotations

import pytest

from composer.errors import StoryUnreadable
from composer.writers.prompt_asks import take_asks
from composer.writers.prompt_heroes import past_phrase
from composer.writers.prompt_reading import MAX_PROMPT, read_prompt
from composer.writers.prompt_roles import age_of, gender_of

MARS = (
    "Generate an audio in Science Fiction theme: Mars News reporting that Humans send light-speed probe to Alpha "
    "Centauri. Start with news anchor, followed by a reporter interviewing a chief engineer from an organization that "
    "built this probe, founded by United Earth and Mars Government, and end with the news anchor again."
)


def test_the_talks_prompt_is_read_whole() -> None:
    reading = read_prompt(MARS)
    assert reading.genre == "news"
    assert reading.topic.words == "Humans send light-speed probe to Alpha Centauri"
    assert [role.name for role in reading.roles] == ["Host", "Reporter", "Chief Engineer", "Host"]
    assert reading.outlet == "Mars News"
    assert reading.theme == "science fiction"
    assert reading.organisation.founders == "the United Earth and Mars Government"
    assert reading.organisation.words == (
        "the organization that built the probe, founded by the United Earth and Mars Government"
    )


@pytest.mark.parametrize(
    ("prompt", "sounds", "music"),
    [
        ("A ghost story with thunder and a ticking clock", ("Thunder.", "A ticking clock."), ""),
        ("A café scene with jazz", (), "jazz"),
        ("A walk with the sound of rain, and soft piano", ("Rain.",), "soft piano"),
        ("A story about a girl with red hair", (), ""),
        ("thunder, rain, a creaking door", ("Thunder.", "Rain.", "A creaking door."), ""),
        ("News with a reporter and a host", (), ""),
    ],
)
def test_sounds_and_music_that_are_named_are_found(prompt: str, sounds: tuple[str, ...], music: str) -> None:
    asks, _ = take_asks(prompt)
    assert asks.sounds == sounds
    assert asks.music == music


@pytest.mark.parametrize(
    ("prompt", "seconds", "length"),
    [
        ("An ad for tea, 30 seconds", 30.0, 1),
        ("A five minutes podcast about bees", 300.0, 4),
        ("A 2-minute story about a fox", 120.0, 2),
        ("A short story about a fox", None, 1),
        ("A detailed documentary about a fox", None, 3),
        ("A story about a fox", None, 2),
        ("A story about the man who waited ten minutes before midnight", None, 2),
    ],
)
def test_a_wished_length_is_found(prompt: str, seconds: float | None, length: int) -> None:
    asks, _ = take_asks(prompt)
    assert (asks.seconds, asks.length) == (seconds, length)


@pytest.mark.parametrize(
    ("prompt", "no_music", "no_sounds"),
    [
        ("A story about a fox, no music", True, False),
        ("A story about a fox without sound effects", False, True),
        ("A story about a fox, no music or sound effects", True, True),
        ("A story about a musician", False, False),
    ],
)
def test_what_is_not_wanted_is_found(prompt: str, no_music: bool, no_sounds: bool) -> None:
    asks, rest = take_asks(prompt)
    assert (asks.no_music, asks.no_sounds) == (no_music, no_sounds)
    assert rest.startswith("A story about a")
    assert "no music" not in rest


def test_quoted_lines_are_lines_and_quoted_titles_are_titles() -> None:
    assert take_asks('A story about a fox who says "I was never here."')[0].lines == ("I was never here.",)
    assert take_asks('Trailer for "The Last Orchard"')[0].lines == ()
    assert read_prompt('A film trailer titled "The Last Orchard"').title == "The Last Orchard"


@pytest.mark.parametrize(
    ("prompt", "people"),
    [
        ("a girl called Mira and her robot dog Bolt", [("Mira", "a girl"), ("Bolt", "her robot dog")]),
        ("a captain named Ines Vale who finds a map", [("Ines Vale", "a captain")]),
        ("a dialogue between Tom and Lea", [("Tom", ""), ("Lea", "")]),
        ("a case for Detective Vera Moon", [("Detective Vera Moon", "")]),
        ("a rainy night in Tokyo", []),
    ],
)
def test_named_people_are_found(prompt: str, people: list[tuple[str, str]]) -> None:
    assert [(person.name, person.what) for person in read_prompt(prompt).people] == people


@pytest.mark.parametrize(
    ("words", "past"),
    [
        ("who is afraid of rain", "was afraid of rain"),
        ("that loves tea", "loved tea"),
        ("looking for a lost star", "was looking for a lost star"),
        ("who can't sleep", "could not sleep"),
        ("who sews shadows", "sewed shadows"),
        ("finds a map and keeps it", "found a map and kept it"),
        ("", ""),
        ("of the north", ""),
    ],
)
def test_tales_are_told_in_the_past(words: str, past: str) -> None:
    assert past_phrase(words) == past


def test_gender_and_age_come_from_the_words_only() -> None:
    assert (gender_of("an old woman"), age_of("an old woman")) == ("female", "old")
    assert (gender_of("a boy"), age_of("a boy")) == ("male", "child")
    assert (gender_of("a chief engineer"), age_of("a chief engineer")) == ("", "")


@pytest.mark.parametrize("prompt", ["", "  \n\t ", "\x00\x07"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(StoryUnreadable, match="empty"):
        read_prompt(prompt)


def test_a_prompt_as_long_as_a_book_is_sent_to_the_story_door() -> None:
    with pytest.raises(StoryUnreadable, match="20,000.*story"):
        read_prompt("a" * (MAX_PROMPT + 1))
    assert read_prompt("fox " * (MAX_PROMPT // 4)).topic.words


@pytest.mark.parametrize(
    ("prompt", "topic"),
    [
        ("Bedtime story for my daughter about a hedgehog named Pip", "a hedgehog named Pip"),
        (
            "Advertisement for a bakery called Golden Crust in Hamburg, warm and funny",
            "Golden Crust, the bakery in Hamburg",
        ),
        ("History lesson about the telephone with a curious student", "the telephone"),
        ("Meditation for people who can't stop thinking about work, no music", "leaving work behind"),
        ("A drama: Ann and her sister Kim argue whether to sell the house", "whether to sell the house"),
    ],
)
def test_to_whom_and_how_it_is_told_is_no_topic(prompt: str, topic: str) -> None:
    assert read_prompt(prompt).topic.words == topic


def test_a_sound_later_in_a_list_or_in_the_background_is_heard_and_a_pet_is_not() -> None:
    assert read_prompt("A market, with a juggler, a thief and church bells").asks.sounds == ("Church bells.",)
    assert read_prompt("A drama between Ann and Tom, a distant siren in the background").asks.sounds == (
        "A distant siren.",
    )
    assert read_prompt("A story with a girl, her dog and her cat").asks.sounds == ()


def test_a_guest_of_any_trade_is_the_guest() -> None:
    (role,) = read_prompt("Interview podcast with a firefighter called Maria Lopez about fear").roles
    assert (role.slot, role.name, role.words) == ("guest", "Maria Lopez", "a firefighter")
