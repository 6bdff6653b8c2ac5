"""Choosing an engine for a row's words, and what is said where none serves them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from composer.orders import LEAST_FIT, choose_engine
from composer.render import check
from composer.scene import Scene
from models.effects.nearest import nearest_sounds
from models.engines import SoundQuery
from models.errors import ModelError

TABLE = """row,type,layout,description,duration
r01,sound_effect,foreground,Door knock.,auto
r02,sound_effect,foreground,Banjo plucking,auto
"""


@pytest.mark.parametrize(("words", "near"), [("Vacuum cleaner", "engine"), ("Banjo plucking", "guitar")])
def test_what_cannot_be_made_is_refused_with_what_is_nearest(words: str, near: str) -> None:
    with pytest.raises(ModelError) as told:
        choose_engine("sound_effect", SoundQuery(words))
    message = str(told.value)
    assert message.startswith(f"no engine can make {words!r} (procedural: ") and "library: " in message
    hint = message.split("nearest that can be made: ")[1].split("; describe")[0]
    named = re.findall(r"'([^']+)'", hint)
    assert len(named) == 3 and any(near in name for name in named)
    for name in named:
        assert choose_engine("sound_effect", SoundQuery(name))[1].score > 2 * LEAST_FIT


def test_the_nearest_of_a_sound_that_can_be_made_is_itself() -> None:
    assert nearest_sounds("thunder", 1) == ["thunder"]
    assert nearest_sounds("camera shutter", 1) == ["camera shutter"]
    assert nearest_sounds(" ", 3) == []


def test_check_names_the_row_that_cannot_be_made_and_only_that(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    scene.script_path.write_text(TABLE)
    n_rows, faults = check(scene)
    assert n_rows == 2
    (fault,) = faults
    assert (
        (fault.row, fault.column) == ("r02", "description")
        and fault.severity == "error"
        and "nearest that can be made" in fault.message
    )
