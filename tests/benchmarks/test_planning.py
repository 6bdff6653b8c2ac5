"""How long the offline writer takes: a prompt, and stories of growing length, whose time must grow no faster."""

from __future__ import annotations

from importlib.resources import files

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from composer.errors import StoryUnreadable
from composer.writers.prompt import plan_prompt
from composer.writers.story import plan_story

PARAGRAPH = (
    "It was raining when the train came into the station. “You are late,” said Anna, and she shut the door. Tom did "
    "not answer; he listened to the clock on the wall. “Is anybody there?” he asked at last.\n\n"
)


def test_a_prompt(benchmark: BenchmarkFixture) -> None:
    prompt = (files("scripts_templates") / "mars_news.txt").read_text(encoding="utf-8")
    benchmark(plan_prompt, prompt, seed=0)


@pytest.mark.parametrize("n_words", [1_000, 10_000, 100_000])
def test_a_story(benchmark: BenchmarkFixture, n_words: int) -> None:
    text = PARAGRAPH * (n_words // len(PARAGRAPH.split()))
    benchmark.pedantic(plan_story, (text,), {"seed": 0}, rounds=1)


def test_a_million_words_are_refused(benchmark: BenchmarkFixture) -> None:
    def refuse() -> None:
        with pytest.raises(StoryUnreadable):
            plan_story("word " * 1_000_000, seed=0)

    benchmark.pedantic(refuse, rounds=1)
