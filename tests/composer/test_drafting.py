"""Drafting: a brief becomes a scene folder once; no table is ever lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from llm_server import OUTLINE, ROWS
from PIL import Image
from pydantic import BaseModel

from composer.brief import Brief
from composer.drafting import draft
from composer.errors import ComposerError, PlanFailed, SceneInvalid, StoryUnreadable, WriterUnavailable
from composer.scene import Scene
from composer.tables import read_table
from composer.writers import Message, Reply
from composer.writers.seen import Seen, known_things

BRIEF = Brief(prompt="A fox and an owl talk about the moon", seed=4)


class ToyWriter:
    """Answers from a list; counts how often it is asked."""

    model = "toy"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked = 0

    def write(self, messages: Sequence[Message], schema: type[BaseModel]) -> Reply:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Reply(json.dumps(answer))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "scene")


def test_a_brief_becomes_a_table_and_settings(scene: Scene) -> None:
    drafted = draft(scene, BRIEF, ToyWriter(OUTLINE, ROWS))
    assert drafted.new and drafted.title == "The Fog Bell" and drafted.repairs == []
    script, faults = read_table(scene.script_path)
    assert script == drafted.script and faults == []
    settings = scene.read_settings()
    assert (settings.title, settings.seed) == ("The Fog Bell", 4)
    assert settings.about == {"Narrator": "calm woman", "Tom": "old keeper, gruff man"}


def test_only_those_who_speak_are_written_into_the_settings(scene: Scene) -> None:
    cast = [{"name": "Narrator", "about": "calm"}, {"name": "Tom", "about": ""}, {"name": "Ghost", "about": "silent"}]
    draft(scene, BRIEF, ToyWriter({**OUTLINE, "cast": cast}, ROWS))
    assert scene.read_settings().about == {"Narrator": "calm"}


def test_repairs_of_an_answer_are_told(scene: Scene) -> None:
    rows = [{"type": "speech", "description": "Hello.", "volume": "loud"}]
    drafted = draft(scene, BRIEF, ToyWriter(OUTLINE, {"rows": rows}))
    assert [(fault.row, fault.column, fault.severity) for fault in drafted.repairs] == [
        ("r01", "volume", "repaired"), ("r01", "character", "repaired")
    ]  # fmt: skip


def test_the_same_brief_is_found_planned_and_nobody_is_asked_again(scene: Scene) -> None:
    first = draft(scene, BRIEF, None)
    table = scene.script_path.read_bytes()
    writer = ToyWriter()
    again = draft(scene, BRIEF, writer)
    assert not again.new and again.script == first.script and again.title == first.title
    assert writer.asked == 0 and scene.script_path.read_bytes() == table


def test_a_table_edited_by_hand_is_used_and_not_planned_again(scene: Scene) -> None:
    draft(scene, BRIEF, None)
    table = scene.script_path.read_text("utf-8")
    edited = table.rstrip("\n") + "\nmine,speech,foreground,,Owl,-15,,Whoo.\n"
    scene.script_path.write_text(edited, "utf-8")
    again = draft(scene, BRIEF, None)
    assert not again.new and again.script.rows[-1].row == "mine"
    assert scene.script_path.read_text("utf-8") == edited


@pytest.mark.parametrize(
    "other",
    [
        Brief(prompt="A fox and an owl talk about the sun", seed=4),
        Brief(prompt=BRIEF.prompt, seed=5),
        Brief(story="A fox and an owl talk about the moon", seed=4),
    ],
)
def test_another_brief_never_writes_over_a_table(scene: Scene, other: Brief) -> None:
    draft(scene, BRIEF, None)
    before = {path: path.read_bytes() for path in scene.folder.rglob("*") if path.is_file()}
    with pytest.raises(SceneInvalid, match="holds another table already; render it with.*--overwrite"):
        draft(scene, other, None)
    assert {path: path.read_bytes() for path in scene.folder.rglob("*") if path.is_file()} == before


def test_a_table_that_nobody_planned_is_never_written_over(scene: Scene) -> None:
    scene.folder.mkdir()
    scene.script_path.write_text("type,character,description\nspeech,Ann,My own words.\n")
    with pytest.raises(SceneInvalid, match="another table"):
        draft(scene, BRIEF, None)
    assert "My own words." in scene.script_path.read_text("utf-8")


def test_overwriting_keeps_every_old_table_and_its_settings(scene: Scene) -> None:
    tables = []
    for seed in range(3):
        draft(scene, Brief(prompt=BRIEF.prompt, seed=seed), None, overwrite=True)
        tables.append((scene.script_path.read_bytes(), scene.settings_path.read_bytes()))
    assert tables[0] != tables[1] != tables[2]
    kept = [
        ((scene.plan_dir / f"script-{n}.csv").read_bytes(), (scene.plan_dir / f"scene-{n}.toml").read_bytes())
        for n in (1, 2)
    ]
    assert kept == tables[:2]
    assert not draft(scene, Brief(prompt=BRIEF.prompt, seed=2), None).new


@pytest.mark.parametrize("fault", [PlanFailed("no rows"), WriterUnavailable("no server")])
def test_a_plan_that_fails_leaves_the_old_table_as_it_was(scene: Scene, fault: ComposerError) -> None:
    draft(scene, BRIEF, None)
    before = scene.script_path.read_bytes(), scene.settings_path.read_bytes()
    with pytest.raises(type(fault)):
        draft(scene, Brief(prompt="another"), ToyWriter(OUTLINE, fault), overwrite=True)
    assert (scene.script_path.read_bytes(), scene.settings_path.read_bytes()) == before
    assert not draft(scene, BRIEF, None).new
    assert not (scene.plan_dir / "script-1.csv").exists()


def test_another_picture_under_the_same_name_is_another_brief(scene: Scene, tmp_path: Path) -> None:
    brief = Brief(picture=tmp_path / "a.png")
    Image.new("RGB", (64, 48), "red").save(tmp_path / "a.png")
    assert draft(scene, brief, ToyWriter(OUTLINE, ROWS)).new
    assert not draft(scene, brief, None).new
    Image.new("RGB", (64, 48), "blue").save(tmp_path / "a.png")
    with pytest.raises(SceneInvalid, match="another table"):
        draft(scene, brief, None)


def test_a_missing_picture_is_told_and_nothing_is_made(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(StoryUnreadable, match="none.png: cannot be read"):
        draft(scene, Brief(prompt="a fox", picture=tmp_path / "none.png"), ToyWriter(OUTLINE, ROWS))
    assert not scene.folder.exists()


def test_a_picture_of_nothing_known_names_the_way_out_and_nothing_is_made(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    even = [Seen(thing, 0.01) for thing in known_things()]
    monkeypatch.setattr("composer.writers.seen.things_seen", lambda path, encode: even)
    with pytest.raises(StoryUnreadable, match="a.png: nothing that sounds is recognised.*in a prompt"):
        draft(scene, Brief(picture=tmp_path / "a.png"), None)
    assert not scene.folder.exists()


def test_names_and_titles_with_quotes_and_emoji_come_back_whole(scene: Scene) -> None:
    name, title = 'Zoë "Z" O\'Neil 🦊', 'The "Fog" = [Bell] #1\\'
    rows = [{"type": "speech", "character": name, "description": "Hi, “you”, =1+1"}]
    writer = ToyWriter({**OUTLINE, "title": title, "cast": [{"name": name, "about": 'says "ha"\nold'}]}, {"rows": rows})
    draft(scene, BRIEF, writer)
    settings = scene.read_settings()
    assert settings.title == title and settings.about == {name: 'says "ha"\nold'}
    script, _ = read_table(scene.script_path)
    assert script is not None and script.characters() == [name] and script.rows[0].row == "r01"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "scene").write_text("a file")
    with pytest.raises(ComposerError, match="scene"):
        draft(Scene(tmp_path / "scene"), BRIEF, None)
