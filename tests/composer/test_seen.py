"""Planning by a picture: what it shows becomes ambience and effects, with how surely it was seen; bad pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

import cli
from composer.brief import Brief, Plan
from composer.errors import StoryUnreadable
from composer.script import read_rows
from composer.writers.offline import plan_offline
from composer.writers.seen import Seen, known_things, listed, picture_rows, plan_picture, things_seen

NAMES = [thing.name for thing in known_things()]


class Sees:
    """Things lie at right angles; a picture "rain-0.8 dog-0.6.png" shows each with that cosine."""

    version, n_dimensions = "toy", len(NAMES) + 1

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        owners = {phrase: k for k, thing in enumerate(known_things()) for phrase in (*thing.words, thing.name)}
        return np.eye(self.n_dimensions, dtype=np.float32)[[owners[text] for text in texts]]

    def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        shown = np.zeros((1, self.n_dimensions), np.float32)
        for part in paths[0].stem.split():
            name, cosine = part.split("-")
            shown[0, NAMES.index(name)] = float(cosine)
        shown[0, -1] = np.sqrt(1.0 - np.square(shown).sum())
        return shown


def picture(folder: Path, name: str) -> Path:
    Image.new("RGB", (64, 48), "teal").save(folder / name)
    return folder / name


def planned(path: Path, prompt: str = "") -> Plan:
    plan = plan_picture(Brief(prompt=prompt, picture=path), Sees())
    script, faults = read_rows(plan.rows)
    assert script is not None and faults == []
    return plan


def test_every_thing_makes_rows_that_are_valid() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for thing in known_things():
        assert bool(thing.around) == (thing.kind != "bed"), thing.name
        script, faults = read_rows(picture_rows([Seen(thing, 0.9)], seed=0))
        assert script is not None and faults == [] and len(script.rows) >= 3


def test_a_confidence_is_the_share_of_a_thing_among_all(tmp_path: Path) -> None:
    seen = things_seen(picture(tmp_path, "rain-0.8 dog-0.6.png"), Sees())
    assert [each.thing.name for each in seen[:2]] == ["rain", "dog"]
    assert sum(each.confidence for each in seen) == pytest.approx(1.0)
    assert seen[0].confidence / seen[1].confidence == pytest.approx(np.exp(14.0 * 0.2), rel=1e-3)


def test_what_is_seen_becomes_ambience_and_effects_with_its_confidence(tmp_path: Path) -> None:
    plan = planned(picture(tmp_path, "rain-0.46 dog-0.47.png"))
    assert plan.title == "A picture of a dog and rain" and [fault.severity for fault in plan.repairs] == ["warning"]
    sounds = {row.get("description"): row for row in plan.rows if row["type"] == "sound_effect"}
    assert sounds["Heavy rain pouring down."]["layout"] == "background"
    assert sounds["Dog barking."]["layout"] == "foreground"
    assert str(sounds["Dog barking."]["note"]).startswith("seen in rain-0.46 dog-0.47.png: dog, confidence 0.4")
    assert "is only guessed at (dog 0.4" in str(plan.repairs[0])


def test_an_event_alone_is_given_the_ambience_that_lies_around_it(tmp_path: Path) -> None:
    plan = planned(picture(tmp_path, "cow-0.9.png"))
    assert plan.repairs == []  # it is sure
    bed, said, event, _ = plan.rows
    assert bed["description"] == "Countryside with birds and a gentle wind." and "around a cow" in str(bed["note"])
    assert str(said["description"]).endswith(" a cow.") and event["description"] == "Cow mooing."


def test_an_instrument_plays_music(tmp_path: Path) -> None:
    rows = planned(picture(tmp_path, "violin-0.9.png")).rows
    assert [row["type"] for row in rows] == ["sound_effect", "speech", "music", "sound_effect"]


def test_beside_a_prompt_the_pictures_sounds_join_the_prompts_scene(tmp_path: Path) -> None:
    plan = planned(picture(tmp_path, "rain-0.7 dog-0.68.png"), "A bedtime story about a lighthouse")
    assert any("lighthouse" in str(row.get("description")) for row in plan.rows if row["type"] == "speech")
    notes = [str(row["note"]) for row in plan.rows if row.get("note")]
    assert len(notes) == 2 and "rain" in notes[0] and "dog" in notes[1]


def test_a_picture_of_nothing_known_is_refused_alone_and_told_beside_a_prompt(tmp_path: Path) -> None:
    path = picture(tmp_path, "dog-0.1.png")
    with pytest.raises(StoryUnreadable, match=r"dog-0.1.png: nothing that sounds is recognised.*dog 0.0.*in a prompt"):
        plan_picture(Brief(picture=path), Sees())
    plan = planned(path, "A ghost story on a night train")
    assert [fault.message for fault in plan.repairs if fault.column == "picture"] != []
    assert all("seen in" not in str(row.get("note")) for row in plan.rows)


def test_what_is_no_picture_is_told_before_anything_is_planned(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a dog")
    whole = picture(tmp_path, "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (4, 4)).save(tmp_path / "dot.png")
    for name, told in (("notes.txt", "no picture"), ("cut.png", "cannot be read"), ("dot.png", "nothing can be seen")):
        with pytest.raises(StoryUnreadable, match=rf"{name}.*{told}"):
            plan_offline(Brief(picture=tmp_path / name))
    with pytest.raises(StoryUnreadable, match=r"missing.png: cannot be read"):
        plan_offline(Brief(picture=tmp_path / "missing.png"))


def test_the_command_plans_a_picture_without_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.encoders.encoder", lambda name: Sees())
    path = picture(tmp_path, "dog-0.75.png")
    arguments = ["plan", "--picture", str(path), "--offline", "-o", str(tmp_path / "scene"), "--json"]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["title"] == "A picture of a dog"
    assert "dog, confidence 1.00" in (tmp_path / "scene" / "script.csv").read_text("utf-8")


def test_names_are_listed_as_one_says_them() -> None:
    assert [listed(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
