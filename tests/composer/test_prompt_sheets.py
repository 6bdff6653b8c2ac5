"""Sheets: the lines of a genre's template, and how they are filled."""

from __future__ import annotations

import jinja2
import numpy as np
import pytest

from composer.script import read_rows
from composer.writers.prompt import plan_prompt
from composer.writers.prompt_filling import fill_parts, tidy_sentence
from composer.writers.prompt_genres import GENRES
from composer.writers.prompt_sheets import Line, Pool, parse_sheet, read_sheet

SHEET = """
# a remark
music theme begin -30: Brass.
host: Hello {{ name }}.
  || Hi {{ name }}.
guest+: Hello yourself. || Hi yourself.
[loud] effect 1 -25: Bang.
music theme end
pool 1 2
--
host: One.
-- [loud]
host: Two.
endpool
"""


def filled(length: int = 1, seed: int = 0, **values: object) -> list[dict[str, object]]:
    parts = parse_sheet(SHEET, "sheet")
    cast = {"host": "Ann", "guest": "Bo"}
    return fill_parts(
        parts, {"loud": True, "name": "Cy", **values}, cast, length=length, rng=np.random.default_rng(seed)
    )


def test_a_sheet_becomes_lines_and_pools() -> None:
    parts = parse_sheet(SHEET, "sheet")
    assert [type(part) for part in parts] == [Line, Line, Line, Line, Line, Pool]
    assert isinstance(parts[1], Line) and parts[1].variants == ("Hello {{ name }}.", "Hi {{ name }}.")


def test_an_answer_that_is_linked_follows_its_question() -> None:
    pairs = {(str(rows[1]["description"]), str(rows[2]["description"])) for rows in (filled(seed=s) for s in range(20))}
    assert pairs == {("Hello Cy.", "Hello yourself."), ("Hi Cy.", "Hi yourself.")}


def test_conditions_and_lengths_choose_the_rows() -> None:
    assert [row.get("description") for row in filled(length=2)][-2:] == ["One.", "Two."]
    assert [row.get("description") for row in filled(length=1)][-1] == "Two."  # what fits the topic comes first
    assert "Bang." not in [row.get("description") for row in filled(loud=False)]


def test_a_value_is_never_a_template() -> None:
    assert "{{ 7*7 }}" in str(filled(name="{{ 7*7 }}")[1]["description"])


def test_a_name_that_nobody_gave_is_an_error() -> None:
    parts = parse_sheet("host: {{ nobody }}.", "sheet")
    with pytest.raises(jinja2.UndefinedError):
        fill_parts(parts, {}, {"host": "Ann"}, length=1, rng=np.random.default_rng(0))


def test_a_template_cannot_reach_behind_its_values() -> None:
    parts = parse_sheet("host: {{ name.__class__.__mro__ }}.", "sheet")
    with pytest.raises(jinja2.exceptions.SecurityError):
        fill_parts(parts, {"name": "x"}, {"host": "Ann"}, length=1, rng=np.random.default_rng(0))


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(ValueError, match="sheet, line 2"):
        parse_sheet("host: Hello.\nthis is no line", "sheet")


def test_blanks_that_templates_leave_are_closed_up() -> None:
    assert tidy_sentence(" A  fox , they say . ") == "A fox, they say."


@pytest.mark.parametrize("genre", list(GENRES))
def test_every_line_of_every_sheet_can_be_spoken(genre: str) -> None:
    """All kinds of topics at the greatest length, until every line of the sheet was used or was ruled out."""
    ask = {"scene": "", "history": "lesson about ", "walk": "nature walk to ", "tour": "audio tour of "
        "", "sports": "sports commentary on ",
           "weather": "weather report: ", "bedtime": "bedtime story about ", "fairytale": "fairy tale about "
               ""}  # fmt: skip
    topics = ("whales", "robots take over the kitchen", "why the sky is blue", "learning to "
        "swim", "東京", "a fox who fears fire",
              "Mira and Tom", "the fall of Rome", "light-speed probes in space", "a flood in Venice")  # fmt: skip
    for topic in topics:
        for seed in range(8):
            plan = plan_prompt(f"Long {ask.get(genre, genre + ' about ')}{topic}, 5 minutes", seed=seed)
            script, faults = read_rows(plan.rows)
            assert script is not None and not faults
    assert sum(len(line.variants) > 1 for line in read_sheet(genre) if isinstance(line, Line)) >= 3


def test_the_reporter_stands_where_the_prompt_says() -> None:
    rows = plan_prompt("News about an octopus, with an anchor and a reporter at the aquarium", seed=1).rows
    assert "Aquarium hall with bubbling water and voices." in {row.get("description") for row in rows}
    assert any("at the aquarium" in str(row.get("description")) for row in rows if row["type"] == "speech")


def test_a_film_with_a_title_still_tells_what_it_is_about() -> None:
    for seed in range(6):
        rows = plan_prompt('A trailer for a film called "Salt" about a woman who sails alone', seed=seed).rows
        spoken = " ".join(str(row["description"]) for row in rows if row["type"] == "speech")
        assert "Salt" in spoken and "woman" in spoken
