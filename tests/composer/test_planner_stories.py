"""The planner with stories: a server that reads them passage by passage, and every word kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from llm_server import OUTLINE, Request, Script, row, says
from planning import failed, planned, spoken
from planning import no_waiting as no_waiting
from planning import trail as trail

from composer.brief import Brief
from composer.errors import StoryUnreadable
from composer.passages import PASSAGE_WORDS


class TestStories:
    PARAGRAPH = "The fog came in at nine. “Who is there?” asked Tom, and the bell answered him once. "

    def story(self, n_paragraphs: int, repeats: int = 10) -> str:
        return "\n\n".join(f"Part {number}. {self.PARAGRAPH * repeats}".strip() for number in range(n_paragraphs))

    def reader(self, change: Callable[[str], str] = str) -> Callable[[Request], Script]:
        """Plays a model that reads the passage aloud; `change` is what it does to the words."""

        def answer(request: Request) -> Script:
            if request.body["response_format"]["json_schema"]["name"] == "Outline":
                return says(OUTLINE)
            found = re.search(r"<brief>\n(?:Passage [^\n]*\n)?(.*)\n</brief>", request.messages[1]["content"], re.S)
            assert found is not None
            first, rest = change(found.group(1)).split(" ", 1)
            bed = {"layout": "background", "id": 1}
            return says({"rows": [
                row("sound_effect", action="begin", description="fog horn", **bed),
                row(character="Narrator", description=first), row(character="Tom", description=rest.upper()),
                row("sound_effect", action="end", **bed),
            ]})  # fmt: skip

        return answer

    def test_a_long_story_goes_in_passages_and_every_word_is_kept(self, trail: Path) -> None:
        story = self.story(12)
        made, server = planned(trail, self.reader(), brief=Brief(story=story))
        n_passages = len(server.chats) - 1
        assert n_passages == 4  # twelve paragraphs of 172 words; three of them stay below 600
        words = " ".join(str(text) for _, text in spoken(made)).casefold()
        assert re.findall(r"\w+", words) == re.findall(r"\w+", story.casefold())
        assert f"Passage 2 of {n_passages}" in server.chats[2].said
        assert "named the same again: Narrator, Tom" in server.chats[2].said
        ids = [row["id"] for row in made.rows if row["action"] == "begin"]
        assert ids == list(range(1, n_passages + 1))

    def test_a_story_without_paragraphs_or_full_stops_goes_in_passages_too(self, trail: Path) -> None:
        story = "and then the bell rang while nobody listened " * 300
        made, server = planned(trail, self.reader(), brief=Brief(story=story))
        lengths = [len(str(text).split()) for name, text in spoken(made) if name == "Tom"]
        assert max(lengths) <= PASSAGE_WORDS and len(lengths) == len(server.chats) - 1 <= 5

    def test_a_model_that_changes_words_is_told_where_and_mends_it(self, trail: Path) -> None:
        answers = [self.reader(), self.reader(lambda text: text.replace("Tom", "Tim")), self.reader()]
        made, server = planned(trail, *answers, brief=Brief(story=self.story(1, 1)))
        told = server.chats[2].messages[3]["content"]
        assert "after 'who is there asked': the text says 'tom', the rows say 'tim'" in told
        assert "word for word" in told
        assert [fault for fault in made.repairs] == []

    def test_words_left_out_and_added_are_told(self, trail: Path) -> None:
        answers = [
            self.reader(),
            self.reader(lambda text: text.replace("asked Tom, and ", "") + " The end."),
            self.reader(),
        ]
        _, server = planned(trail, *answers, brief=Brief(story=self.story(1, 1)))
        told = server.chats[2].messages[3]["content"]
        assert "the text's 'asked tom and' is missing" in told and "the rows add 'the end'" in told

    def test_a_model_that_goes_on_changing_words_ends_in_one_error(self, trail: Path) -> None:
        answers = [self.reader(), self.reader(lambda text: text.replace("bell", "horn"))]
        error, server = failed(trail, *answers, brief=Brief(story=self.story(3)))
        assert "rows" in str(error) and "'bell', the rows say 'horn'" in str(error) and "--offline" in str(error)
        assert len(server.chats) == 4

    @pytest.mark.parametrize(
        ("story", "told"),
        [("word " * 1_000_000, "1,000,000 words"), ("“ ” …", "no words"), ("a" * 6_000, "without a space")],
    )
    def test_stories_that_cannot_be_read_are_refused_before_anybody_is_asked(
        self, trail: Path, story: str, told: str
    ) -> None:
        error, server = failed(trail, says(OUTLINE), brief=Brief(story=story))
        assert isinstance(error, StoryUnreadable) and told in str(error)
        assert server.requests == [] and not trail.exists()
