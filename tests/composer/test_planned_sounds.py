"""What the offline writer can plan by itself, the bundled engines can make: every effect, bed and music."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from types import SimpleNamespace

import pytest

from composer.orders import choose_engine
from composer.writers import cues, prompt_sounds, prompt_values, story_scenes
from composer.writers.prompt_filling import render_words
from composer.writers.prompt_reading import read_prompt
from composer.writers.prompt_sheets import Line, read_sheet
from composer.writers.prompt_sounds import style_of
from models.engines import SoundQuery
from models.errors import ModelError

LEAST_SCORE = 0.5
SHEETS = sorted(
    entry.name.removesuffix(".j2")
    for entry in files("scripts_templates").joinpath("offline").iterdir()
    if entry.name.endswith(".j2")
)


@dataclass(frozen=True)
class Planned:
    """One thing that the writer may ask for, and where it stands."""

    where: str
    words: str
    bed: bool = False


def _of_stories() -> Iterator[Planned]:
    known = cues.known_cues()
    for entry in known.beds + known.places:
        yield Planned(f"cues.json, {entry.family}", entry.sound, bed=True)
    for entry in known.events:
        yield Planned(f"cues.json, {entry.family}", entry.sound)
    for ground in story_scenes.GROUNDS.values():
        yield Planned("story_scenes.GROUNDS", story_scenes.footsteps_on(ground))


def _of_prompts() -> Iterator[Planned]:
    for *_, bed in prompt_sounds.SITES:
        yield Planned("prompt_sounds.SITES", bed, bed=True)
    for _, bed in prompt_sounds.BEDS:
        yield Planned("prompt_sounds.BEDS", bed, bed=True)
    for bed in (prompt_sounds.OTHER_SITE, prompt_sounds.OTHER_PLACE):
        yield Planned("prompt_sounds", bed, bed=True)


def _samples() -> Iterator[dict[str, object]]:
    """Values that make each sheet use all its words: the prompt names no sound, and each of the writer's own falls."""
    hooks = [*prompt_values.HOOKS.values(), prompt_values.OTHER_HOOK]
    smalls = prompt_values.SMALL
    for turn in range(max(len(hooks), len(smalls))):
        yield {
            "hook_sound": hooks[turn % len(hooks)],
            "small_sound": smalls[turn % len(smalls)],
            "site_bed": prompt_sounds.SITES[turn % len(prompt_sounds.SITES)][-1],
            "bed": "" if turn else "Rain falling.",
            "weather": ("rain", "")[turn % 2],
            "topic": SimpleNamespace(words=("chess", "whales")[turn % 2]),
            "style": style_of(read_prompt(("news about space", "news about bread")[turn % 2]), frozenset()),
            "music": "" if turn else "Slow jazz.",
            "tags": frozenset(),
        }


def _lines(genre: str) -> Iterator[Line]:
    for part in read_sheet(genre):
        if isinstance(part, Line):
            yield part
        else:
            yield from (line for exchange in part.exchanges for line in exchange.lines)


def _of_sheet(genre: str, *kinds: str) -> Iterator[Planned]:
    for line in _lines(genre):
        if line.kind in kinds:
            for variant in line.variants:
                for values in _samples():
                    words = render_words(variant, values)
                    if words or values["bed"]:  # a line that only repeats the prompt's words is left out without them
                        yield Planned(f"{genre}.j2", words, bed=line.action == "begin")


def _offenders(planned: Iterator[Planned]) -> list[str]:
    found = []
    for each in dict.fromkeys(planned):
        try:
            engine, fit = choose_engine("sound_effect", SoundQuery(each.words, bed=each.bed))
        except ModelError as error:
            found.append(f"{each.where}: {error}")
            continue
        if fit.score < LEAST_SCORE:
            found.append(f"{each.where}: {each.words!r} scores {fit.score:.2f} with {engine}: {fit.because}")
    return found


def test_every_sound_that_a_story_lets_be_heard_can_be_made() -> None:
    assert _offenders(_of_stories()) == []


def test_every_place_of_a_prompt_can_be_heard() -> None:
    assert _offenders(_of_prompts()) == []


@pytest.mark.parametrize("genre", SHEETS)
def test_every_sound_of_a_sheet_can_be_made(genre: str) -> None:
    assert _offenders(_of_sheet(genre, "effect", "ambience")) == []


def test_music_of_every_sheet_prompt_and_mood_is_composed() -> None:
    words = [planned.words for genre in SHEETS for planned in _of_sheet(genre, "music")]
    words += [entry.sound for entry in cues.known_cues().moods]
    words += [music for _, music in prompt_sounds.MUSIC]
    assert len(words) > 50
    for bed in (False, True):
        chosen = {text: choose_engine("music", SoundQuery(text, bed=bed)) for text in dict.fromkeys(words)}
        assert {text: name for text, (name, fit) in chosen.items() if name != "composed" or fit.score < 0.5} == {}


def test_the_collection_is_whole() -> None:
    stories, prompts = list(_of_stories()), list(_of_prompts())
    sheets = [planned for genre in SHEETS for planned in _of_sheet(genre, "effect", "ambience")]
    assert len(stories) > 80 and len(prompts) > 45 and len(set(sheets)) > 60
    assert all(planned.words and "{" not in planned.words for planned in stories + prompts + sheets)
    assert {"news", "story", "horror", "tour"} <= set(SHEETS)
