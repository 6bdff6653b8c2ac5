"""Story: the offline writer's plan for plain prose: every word kept, quotes given to characters, sounds laid around."""

from __future__ import annotations

import re

import numpy as np

from composer.brief import Plan
from composer.errors import StoryUnreadable
from composer.script import MAX_ROWS
from composer.writers.story_people import NARRATOR
from composer.writers.story_quotes import Piece, pieces_of
from composer.writers.story_scenes import MOOD_ROWS, MOOD_WORDS, Line, Scenes
from composer.writers.story_speakers import speakers_of
from composer.writers.story_text import Paragraph, checked, paragraphs_of, read_story, rows_of, sentences_of

CHAPTER_GAP_S, BREAK_GAP_S, PARAGRAPH_GAP_S, TURN_GAP_S, INNER_GAP_S = 1.2, 1.2, 0.6, 0.35, 0.12
_EMPHASIS = re.compile(r"(?<![^\W_])[*_]+(?=[^\W_])|(?<=[^\W_.,!?…'’])[*_]+(?![^\W_])|(?<=[.,!?…])[*_]+(?=\s|$)")


def plan_story(text: str, *, seed: int, title: str = "") -> Plan:
    """The scene of a story. Its words are all spoken, in their order; the same text and seed give the same plan.

    Raises StoryUnreadable for text that is empty, too long or of too many rows.
    """
    paragraphs = paragraphs_of(checked(text))
    pieces = pieces_of([_plain(paragraph.text) for paragraph in paragraphs])
    pieces = [_as_told(own) if head.kind != "prose" else own for head, own in zip(paragraphs, pieces, strict=True)]
    breaks = [paragraph.after_break or paragraph.kind == "chapter" for paragraph in paragraphs]
    speakers, people = speakers_of(pieces, breaks)
    scenes = Scenes(np.random.default_rng(seed))
    ahead = _Ahead(paragraphs)
    was_heading = False
    for at, (paragraph, own) in enumerate(zip(paragraphs, pieces, strict=True)):
        new_scene = breaks[at]
        if at == 0 or new_scene or scenes.n_spoken - scenes.music_since >= MOOD_ROWS:
            scenes.music(ahead.words(at))
        if paragraph.kind == "chapter":
            scenes.section = " ".join(_plain(paragraph.text).split())[:200].strip()
        gap_s = _gap(paragraph, own, pieces[at - 1] if at else [], was_heading)
        for piece, character in zip(own, speakers[at], strict=True):
            sentences = sentences_of(piece.text)
            for words in _stretches(sentences, character):
                scenes.lay(Line(" ".join(words), character, gap_s, new_scene), words)
                gap_s, new_scene = INNER_GAP_S, False
        was_heading = paragraph.kind != "prose"
        if len(scenes.rows) > 2 * MAX_ROWS:
            break
    scenes.end_beds()
    scenes.end_music()
    if len(scenes.rows) > MAX_ROWS:
        raise StoryUnreadable(
            f"the story makes more than {MAX_ROWS:,} rows, which is the most of a table; split it by chapter"
        )
    spoken = list(dict.fromkeys(str(row["character"]) for row in scenes.rows if row["type"] == "speech"))
    return Plan(title or _title(paragraphs), scenes.rows, people.about(spoken, text))


class _Ahead:
    """The words that follow a paragraph."""

    def __init__(self, paragraphs: list[Paragraph]) -> None:
        self.paragraphs = paragraphs

    def words(self, at: int) -> str:
        found: list[str] = []
        for paragraph in self.paragraphs[at : at + 25]:
            found += paragraph.text[:4_000].split()[: MOOD_WORDS - len(found)]
            if len(found) >= MOOD_WORDS:
                break
        return " ".join(found)


def _plain(text: str) -> str:
    """Without the marks of emphasis (*so* and _so_), which nobody speaks."""
    return _EMPHASIS.sub("", text)


def _as_told(pieces: list[Piece]) -> list[Piece]:
    return [Piece(piece.text, False) for piece in pieces]


def _stretches(sentences: list[str], character: str) -> list[list[str]]:
    """Sentences by row; short ones share a row up to its greatest length."""
    found: list[list[str]] = []
    left = list(reversed(sentences))
    for row in rows_of(sentences):
        own: list[str] = []
        length = -1
        while left and length < len(row):
            own.append(left.pop())
            length += len(own[-1]) + 1
        found.append(own)
    return found


def _gap(paragraph: Paragraph, own: list[Piece], before: list[Piece], was_heading: bool) -> float:
    if paragraph.kind == "chapter":
        return CHAPTER_GAP_S
    if paragraph.after_break:
        return BREAK_GAP_S
    if was_heading:
        return 0.9
    in_dialogue = any(piece.said for piece in own) and any(piece.said for piece in before)
    return TURN_GAP_S if in_dialogue else PARAGRAPH_GAP_S


def _title(paragraphs: list[Paragraph]) -> str:
    first = paragraphs[0]
    if first.kind != "prose":
        return _plain(first.text)
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", first.text[:400])
    return " ".join(words[:6])[:80] or "Story"


__all__ = ["NARRATOR", "plan_story", "read_story"]
