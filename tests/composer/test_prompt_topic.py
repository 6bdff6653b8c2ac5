"""Topics: expected forms were written by hand from English grammar, not taken from the code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.writers.prompt_nouns import indefinite, is_plural
from composer.writers.prompt_topic import read_topic
from composer.writers.prompt_verbs import gerund, participle, past, third_person, verb_of

HEADLINES = [
    ("Humans send light-speed probe to Alpha Centauri", "humans have sent a light-speed probe to Alpha Centauri"),
    ("Scientists discover water on Mars", "scientists have discovered water on Mars"),
    ("Local bakery wins national prize for rye bread", "a local bakery has won a national prize for rye bread"),
    ("Robots take over the kitchen", "robots have taken over the kitchen"),
    ("Man bites dog", "a man has bitten a dog"),
    ("Mira finds a map in the attic", "Mira has found a map in the attic"),
    ("Dragons return to Wales", "dragons have returned to Wales"),
    ("my cat dreams of the moon", "my cat dreams of the moon"),
    ("a cat was elected mayor", "a cat was elected mayor"),
]


@pytest.mark.parametrize(("headline", "clause"), HEADLINES)
def test_a_headline_becomes_a_sentence(headline: str, clause: str) -> None:
    topic = read_topic(headline)
    assert topic.kind == "clause"
    assert topic.clause == clause


def test_a_headline_gives_every_shape_that_sentences_need() -> None:
    topic = read_topic("Humans send light-speed probe to Alpha Centauri")
    assert topic.noun == "the light-speed probe to Alpha Centauri"
    assert topic.thing == "the probe"
    assert topic.doing == "sending a light-speed probe to Alpha Centauri"
    assert topic.told == "humans sent a light-speed probe to Alpha Centauri"
    assert topic.place == "Alpha Centauri"


@pytest.mark.parametrize(
    ("words", "noun", "thing"),
    [
        ("whales", "whales", "whales"),
        ("coffee", "coffee", "coffee"),
        ("friendship", "friendship", "friendship"),
        ("artificial intelligence", "artificial intelligence", "artificial intelligence"),
        ("lost city", "the lost city", "the city"),
        ("the history of tea", "the history of tea", "the history of tea"),
        ("a small cloud who is afraid of rain", "a small cloud who is afraid of rain", "the cloud"),
        ("Alpha Centauri", "Alpha Centauri", "Alpha Centauri"),
        ("ancient Egypt", "ancient Egypt", "ancient Egypt"),
        ("a missing saxophone player", "a missing saxophone player", "the player"),
        ("the day the sun went out", "the day the sun went out", "the day"),
        ("World War II pilots", "World War II pilots", "World War II pilots"),
    ],
)
def test_a_noun_phrase_keeps_or_gets_the_right_article(words: str, noun: str, thing: str) -> None:
    topic = read_topic(words)
    assert topic.kind == "noun"
    assert (topic.noun, topic.thing) == (noun, thing)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("how bees make honey", "how do bees make honey"),
        ("why the sky is blue", "why is the sky blue"),
        ("how rainbows form", "how do rainbows form"),
        ("how a seed becomes a tree", "how does a seed become a tree"),
        ("Where do lost socks go?", "where do lost socks go"),
    ],
)
def test_an_embedded_question_can_be_asked(words: str, asked: str) -> None:
    assert read_topic(words).asked == asked


@pytest.mark.parametrize("words", ["東京の雨の夜", "una noche de lluvia en Madrid", "{{ 7*7 }}", "قصة قصيرة", "🌧"])
def test_what_has_no_english_grammar_is_used_as_given(words: str) -> None:
    topic = read_topic(words)
    assert topic.kind == "other"
    assert topic.noun == topic.thing == words


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("send", ("sends", "sent", "sent", "sending")),
        ("make", ("makes", "made", "made", "making")),
        ("fly", ("flies", "flew", "flown", "flying")),
        ("stop", ("stops", "stopped", "stopped", "stopping")),
        ("open", ("opens", "opened", "opened", "opening")),
        ("visit", ("visits", "visited", "visited", "visiting")),
        ("begin", ("begins", "began", "begun", "beginning")),
        ("reach", ("reaches", "reached", "reached", "reaching")),
        ("carry", ("carries", "carried", "carried", "carrying")),
        ("flee", ("flees", "fled", "fled", "fleeing")),
        ("play", ("plays", "played", "played", "playing")),
        ("fix", ("fixes", "fixed", "fixed", "fixing")),
        ("plan", ("plans", "planned", "planned", "planning")),
    ],
)
def test_verbs_have_their_english_forms(base: str, forms: tuple[str, str, str, str]) -> None:
    assert (third_person(base), past(base), participle(base), gerund(base)) == forms


def test_forms_lead_back_to_their_verb() -> None:
    assert verb_of("sent") == ("send", "past")
    assert verb_of("Flies") == ("fly", "third")
    assert verb_of("lighthouse") is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("engineer", "an engineer"), ("unicorn", "a unicorn"), ("hour", "an hour"), ("university", "a university"),
        ("umbrella", "an umbrella"), ("European city", "a European city"), ("FBI agent", "an FBI agent"),
        ("one-eyed cat", "a one-eyed cat"), ("old man", "an old man"), ("useful tool", "a useful tool"),
        ("unusual day", "an unusual day"), ("NASA probe", "a NASA probe"),
    ],
)  # fmt: skip
def test_the_article_follows_the_sound(words: str, expected: str) -> None:
    assert indefinite(words) == expected


@pytest.mark.parametrize("word", ["whales", "people", "children", "wolves", "light-years", "Scientists"])
def test_plurals_are_plural(word: str) -> None:
    assert is_plural(word)


@pytest.mark.parametrize(
    "word", ["news", "bus", "glass", "Mars", "physics", "loneliness", "gas", "octopus", "princess"]
)
def test_words_in_s_can_be_singular(word: str) -> None:
    assert not is_plural(word)


@given(st.text(min_size=1, max_size=120))
def test_any_words_give_a_topic_without_an_empty_shape(words: str) -> None:
    topic = read_topic(words)
    if any(character.isalnum() for character in words):
        assert all([topic.noun, topic.thing, topic.clause, topic.doing, topic.who, topic.the_noun])


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("whether to open the airlock", "should we open the airlock"),
        ("whether robots can dream", "can robots dream"),
        ("whether the moon makes us sleep", "does the moon make us sleep"),
        ("whether pineapple belongs on pizza", "is it true that pineapple belongs on pizza"),
    ],
)
def test_what_is_in_doubt_is_asked(words: str, asked: str) -> None:
    assert read_topic(words).asked == asked


def test_a_name_in_a_list_of_names_is_no_verb() -> None:
    topic = read_topic("a pillow fight between two grandmothers, Edna and Rose")
    assert topic.kind == "noun" and "Edna and Rose" in topic.noun


def test_what_somebody_is_taught_is_no_part_of_them() -> None:
    topic = read_topic("scientists teach octopus to play chess")
    assert topic.thing == topic.noun == "the octopus"
    assert topic.clause == "scientists have taught an octopus to play chess"
