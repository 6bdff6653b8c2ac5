"""The offline writer's door: which planner serves which brief."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from composer.brief import Brief
from composer.errors import StoryUnreadable
from composer.writers.borders import with_borders
from composer.writers.offline import plan_offline
from composer.writers.prompt import plan_prompt


def test_a_prompt_is_planned_and_its_beds_get_borders() -> None:
    planned, told = (
        plan_prompt("a rainy night in Tokyo", seed=3),
        plan_offline(Brief(prompt="a rainy night in Tokyo", seed=3)),
    )
    assert told == replace(planned, rows=with_borders(planned.rows)) and told != planned


@pytest.mark.parametrize("words", [{"story": "It rained."}, {"screenplay": "INT. HOUSE"}])
def test_a_picture_beside_a_story_is_never_ignored(words: dict[str, str]) -> None:
    with pytest.raises(StoryUnreadable, match=r"cat.png.*give one of them"):
        plan_offline(Brief(picture=Path("cat.png"), **words))


def test_a_brief_without_words_is_refused() -> None:
    with pytest.raises(StoryUnreadable, match="empty"):
        plan_offline(Brief())


def test_prompt_and_story_together_are_refused() -> None:
    with pytest.raises(StoryUnreadable, match="one of them"):
        plan_offline(Brief(prompt="a fox", story="Once there was a fox."))


def test_planning_loads_no_model() -> None:
    code = (
        "import sys; from composer.brief import Brief; from composer.writers.offline import plan_offline; "
        "plan_offline(Brief(prompt='news about tea')); "
        "print([name for name in ('torch', 'transformers', 'openai', 'pydub', 'onnxruntime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
