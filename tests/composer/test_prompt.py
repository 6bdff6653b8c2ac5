"""Plans from prompts: many prompts of every genre, and any text at all, become tables without faults."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.errors import StoryUnreadable
from composer.script import SpeechRow, read_rows
from composer.writers.prompt import plan_prompt, seconds_of
from composer.writers.prompt_reading import MAX_PROMPT, read_prompt

MARS = (files("scripts_templates") / "mars_news.txt").read_text(encoding="utf-8").strip()

PROMPTS = [
    ("bedtime", "A bedtime story about a girl called Mira and her robot dog Bolt looking for a lost "
                "star", "Narrator Mira Bolt"),
    ("bedtime", "Bedtime story about a small cloud who is afraid of rain, with a lullaby", "Narrator Small_Cloud"),
    ("bedtime", "A calming goodnight story about whales", "Narrator"),
    ("bedtime", "A bedtime story for kids about friendship", "Narrator"),
    ("documentary", "A documentary about deep-sea creatures", "Narrator Biologist"),
    ("documentary", "Documentary on the history of tea, narrated by an old woman", "Old_Woman"),
    ("documentary", "A nature documentary about how bees make honey", "Narrator"),
    ("documentary", "short whale documentary", "Narrator"),
    ("documentary", "a documentary about ghost stories", "Narrator"),
    ("podcast", "Podcast interview with a beekeeper about honey", "Host Beekeeper"),
    ("podcast", "A podcast where a host interviews a retired astronaut called Anna about loneliness in "
                "space", "Host Anna"),
    ("podcast", "An interview with a chef and a farmer about bread", "Host Chef Farmer"),
    ("podcast", "Make a podcast about why the sky is blue", "Host Scientist"),
    ("podcast", "A five minutes podcast about artificial intelligence", "Host Engineer"),
    ("drama", "A drama scene between a mother and her daughter about a letter", "Mother Daughter"),
    ("drama", "A drama scene: two old friends argue about a stolen violin in a train station at night", ""),
    ("drama", "Dramatic dialogue between Tom and Lea, who want to break up, in a café in the rain", "Tom Lea"),
    ("drama", "A conversation between the sun and the moon", "Sun Moon"),
    ("advertisement", 'Advertisement for a self-heating mug, slogan "Never drink cold again."', "Customer Announcer"),
    ("advertisement", "A radio ad for Luna Coffee", "Customer Announcer"),
    ("advertisement", "commercial about time travel holidays, funny, 30 seconds", "Customer Announcer"),
    ("meditation", "Guided meditation for better sleep with ocean waves", "Guide"),
    ("meditation", "5 minute meditation on gratitude, no music", "Guide"),
    ("meditation", "Meditation", "Guide"),
    ("horror", "Campfire horror story about an abandoned lighthouse", "Storyteller Listener"),
    ("horror", "A scary story about a doll that blinks", "Storyteller Listener"),
    ("horror", "Ghost story set in an old hotel with thunder and a ticking clock", "Storyteller Listener"),
    ("trailer", "Film trailer about a robot who learns to love", "Voice Robot"),
    ("trailer", 'Movie trailer for "The Last Orchard"', "Voice"),
    ("trailer", "Epic trailer: Dragons return to Wales", "Voice"),
    ("trailer", "A trailer about World War II pilots", "Voice"),
    ("weather", "Weather report for Mars with dust storms", "Forecaster Reporter"),
    ("weather", "Weather forecast: snow in the Sahara", "Forecaster Reporter"),
    ("sports", "Sports commentary of a snail race", "Commentator Pundit"),
    ("sports", "Live commentary on the chess world final between a robot and a grandmother", "Commentator"),
    ("walk", "A nature walk through a rainforest", "Guide"),
    ("walk", "Forest walk at dawn with an owl hooting", "Guide"),
    ("history", "History lesson about the fall of Rome", "Teacher Student"),
    ("history", "Teach me about photosynthesis", "Teacher Student"),
    ("history", "Explain how rainbows form", "Teacher Student"),
    ("mystery", "A radio play mystery about a stolen painting with Detective Vera Moon", "Detective_Vera_Moon Witness"),
    ("mystery", "Noir detective story in Chicago about a missing saxophone player", "Detective Witness"),
    ("fairytale", "A fairy tale about a knight and a dragon", "Narrator Knight"),
    ("fairytale", "Fairy tale about a tailor who sews shadows", "Narrator Tailor"),
    ("tour", "Audio tour of the Louvre", "Guide"),
    ("tour", "Museum audio guide about ancient Egypt", "Guide"),
    ("news", "News: Local bakery wins national prize for rye bread", "Host Reporter Chef"),
    ("news", "Breaking news about a flood in Venice, with a reporter and an eyewitness", "Host Reporter Eyewitness"),
    ("news", "Local news anchor reports that a cat was elected mayor", "Host Reporter"),
    ("news", "News report on black holes", "Host Reporter Astronomer"),
    ("news", "Evening news: scientists discover water on the Moon", "Host Reporter Astronomer"),
    ("news", "News with a host interviewing a mayor about a new bridge, no music", "Host Mayor"),
    ("news", MARS, "Host Reporter Chief_Engineer"),
    ("story", "An adventure story about a captain named Ines who finds a map, with seagulls and a ship's "
              "bell", "Narrator Ines"),
    ("story", "Tell me a funny story about a penguin in the desert", "Narrator Penguin"),
    ("story", "A story about Leo and his grandfather building a boat", "Narrator Leo Grandfather"),
    ("story", "Write a story about a lonely lighthouse keeper", "Narrator Lonely_Lighthouse_Keeper"),
    ("story", "Story about dragons who love tea", "Narrator"),
    ("scene", "a rainy night in Tokyo", "Narrator"),
    ("scene", "my cat dreams of the moon", "Narrator"),
    ("scene", "the smell of bread", "Narrator"),
    ("scene", "coffee", "Narrator"),
    ("scene", "🐙", "Narrator"),
    ("scene", "Where do lost socks go?", "Narrator"),
    ("scene", "thunder, rain, a creaking door", "Narrator"),
    ("scene", "東京の雨の夜", "Narrator"),
    ("scene", "una noche de lluvia en Madrid", "Narrator"),
    ("scene", "learning to swim", "Narrator"),
]  # fmt: skip


def spoken_of(prompt: str, seed: int = 0) -> list[tuple[str, str]]:
    script, faults = read_rows(plan_prompt(prompt, seed=seed).rows)
    assert script is not None and not faults, faults
    return [(row.character, row.description) for row in script.rows if isinstance(row, SpeechRow)]


@pytest.mark.parametrize(("genre", "prompt", "names"), PROMPTS)
def test_a_prompt_gets_its_genre_its_voices_in_order_and_clean_sentences(genre: str, prompt: str, names: str) -> None:
    assert read_prompt(prompt).genre == genre
    for seed in range(6):
        spoken = spoken_of(prompt, seed)
        heard = list(dict.fromkeys(character for character, _ in spoken))
        wanted = [name.replace("_", " ") for name in names.split()]
        order = [heard.index(name) for name in wanted if name in heard]
        always = genre in ("news", "podcast", "drama", "weather", "sports", "mystery", "history", "fairytale")
        assert not always or set(wanted) <= set(heard), (wanted, heard)
        assert heard[: len(wanted[:1])] == wanted[:1]
        assert order == sorted(order)
        for _, line in spoken:
            assert not re.search(
                r"\{\{|\}\}|undefined|  | [,.;?!]|(?<!\.)\.\.(?!\.)|\b(?:the the|a a|a the|the an?)\b", line
            ), line
            assert not re.search(r"[a-z]", line[:1]), line
            assert line[-1] in ".!?”…", line


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("A documentary about deep-sea creatures", "deep-sea creatures"),
        ("a rainy night in Tokyo", "rainy night in Tokyo"),
        ("my cat dreams of the moon", "y cat dreams of the moon"),
        ("東京の雨の夜", "東京の雨の夜"),
        ("A fairy tale about a tailor who sews shadows", "tailor"),
        ("Where do lost socks go?", "here do lost socks go"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
        ("{% for x in y %}", "{% for x in y %}"),
    ],
)
def test_the_prompts_own_words_are_spoken(prompt: str, words: str) -> None:
    for seed in range(4):
        assert any(words in line for _, line in spoken_of(prompt, seed))


def test_a_prompt_is_never_a_template() -> None:
    spoken = " ".join(line for _, line in spoken_of("A documentary about {{ 7*7 }} and {{ cycler.__init__ }}"))
    assert "{{ 7*7 }}" in spoken and "49" not in spoken


class TestMarsNews:
    rows = plan_prompt(MARS, seed=0).rows

    def test_the_voices_come_in_the_order_of_the_prompt(self) -> None:
        turns = [str(row["character"]) for row in self.rows if row["type"] == "speech"]
        order = [name for index, name in enumerate(turns) if index == 0 or name != turns[index - 1]]
        assert order[:3] == ["Host", "Reporter", "Chief Engineer"] and order[-1] == "Host"
        assert order.count("Chief Engineer") >= 2
        assert order.count("Host") == 2

    def test_the_sounds_of_the_talk_are_there(self) -> None:
        kinds = [(row["type"], row["layout"], row.get("action"), row.get("description")) for row in self.rows]
        assert kinds[0][:3] == ("music", "background", "begin")
        assert "news theme" in str(kinds[0][3]) and "futuristic" in str(kinds[0][3])
        assert [kind[:3] for kind in kinds].count(("music", "background", "end")) == 2
        assert kinds[-1][:3] == ("music", "background", "end")
        assert ("sound_effect", "foreground", None, "Transition swoosh.") in kinds
        begin = kinds.index(("sound_effect", "background", "begin", "Background noise of busy engineering office."))
        end = [kind[:3] for kind in kinds].index(("sound_effect", "background", "end"))
        inside = {row["character"] for row in self.rows[begin:end] if row["type"] == "speech"}
        assert inside == {"Reporter", "Chief Engineer"}

    def test_levels_and_length_are_those_of_the_talk(self) -> None:
        swoosh = next(row for row in self.rows if row.get("description") == "Transition swoosh.")
        assert swoosh["duration"] == 1 and swoosh["volume"] == -25
        assert {row["volume"] for row in self.rows if row["type"] == "speech"} == {-15}
        assert {row["volume"] for row in self.rows if row["type"] == "music" and "volume" in row} == {-30}
        for seed in range(10):
            assert 70 <= seconds_of(plan_prompt(MARS, seed=seed).rows) <= 115

    def test_the_facts_of_the_prompt_are_spoken(self) -> None:
        for seed in range(10):
            spoken = " ".join(line for _, line in spoken_of(MARS, seed))
            assert "Mars News" in spoken and "humans have sent a light-speed probe to Alpha Centauri" in spoken
            assert "founded by the United Earth and Mars Government" in spoken


def test_the_same_seed_gives_the_same_plan_and_another_seed_other_words() -> None:
    assert plan_prompt(MARS, seed=5) == plan_prompt(MARS, seed=5)
    assert len({str(plan_prompt(MARS, seed=seed).rows) for seed in range(10)}) >= 9


def test_named_sounds_and_music_become_rows() -> None:
    rows = plan_prompt("A ghost story about a clown with thunder and a ticking clock and slow jazz", seed=1).rows
    assert {"Thunder.", "A ticking clock.", "Slow jazz."} <= {row.get("description") for row in rows}


def test_what_is_not_wanted_is_left_out() -> None:
    assert {row["type"] for row in plan_prompt("A story about a fox, no music", seed=1).rows} == {
        "speech",
        "sound_effect",
    }
    assert {row["type"] for row in plan_prompt("News on tea, no music or sound effects", seed=1).rows} == {"speech"}


def test_quoted_lines_are_spoken_word_for_word() -> None:
    spoken = spoken_of('A story about a fox called Rust who says "I was never here, and {{ you }} know it."', 2)
    assert ("Rust", "I was never here, and {{ you }} know it.") in spoken


def test_a_longer_wish_gives_a_longer_script() -> None:
    short, usual, long = (
        seconds_of(plan_prompt(f"A podcast about bees{wish}", seed=1).rows)
        for wish in (", 30 seconds", "", ", 4 minutes")
    )
    assert short < usual < long


def test_casting_hints_tell_what_the_prompt_tells() -> None:
    about = plan_prompt("A podcast with a retired female astronaut called Anna about Mars", seed=0).about
    assert "female" in about["Anna"] and "old" in about["Anna"] and "astronaut" in about["Anna"]


def test_only_those_who_speak_have_hints() -> None:
    for _, prompt, _ in PROMPTS:
        plan = plan_prompt(prompt, seed=3)
        assert set(plan.about) == {row["character"] for row in plan.rows if row["type"] == "speech"}


_WORDS = st.sampled_from(
    'news about a the documentary story trailer of whales Mira called and who loves with thunder jazz no music "Hello" '
    "interview reporter in Tokyo night 30 seconds why how drama between meditation {{ }} {% %} . , : ? horror ad for "
    "weather match mystery detective fairy tale tour walk lesson history bedtime".split()
)


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)


@pytest.mark.parametrize("prompt", ["{{", "{% %}", '. , : ? "', "—"])
def test_marks_without_words_are_refused_with_the_way_out(prompt: str) -> None:
    with pytest.raises(StoryUnreadable, match="holds no words; say in a sentence what should be heard"):
        plan_prompt(prompt, seed=0)


@settings(max_examples=150, deadline=None)
@given(st.lists(_WORDS, min_size=1, max_size=25).map(" ".join).filter(_has_words), st.integers(0, 2**62))
@example("with with with", 0)
@example("a", 0)
@example("news about", 0)
def test_any_mixture_of_asking_words_gives_a_table(prompt: str, seed: int) -> None:
    script, faults = read_rows(plan_prompt(prompt, seed=seed).rows)
    assert script is not None and not faults
    assert script.characters()


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=300).filter(_has_words))
@example("\u202eabc\u202c N/A")
@example("n/a")
@example("x" * MAX_PROMPT)
@example('"' * 500 + "a")
@example("a " * 5000)
def test_any_text_at_all_gives_a_table(prompt: str) -> None:
    script, faults = read_rows(plan_prompt(prompt, seed=1).rows)
    assert script is not None and not faults
