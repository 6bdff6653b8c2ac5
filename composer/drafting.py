"""A brief becomes a scene folder: plan, validate, and write the table and the settings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from composer.brief import Brief
from composer.errors import SceneInvalid
from composer.faults import Fault
from composer.files import write_atomically
from composer.pictures import read_picture
from composer.planner import plan
from composer.scene import Scene
from composer.script import Script, read_rows
from composer.settings import SectionSettings, Settings

if TYPE_CHECKING:
    from composer.writers import Writer


@dataclass(frozen=True)
class Draft:
    """A scene that has its table. `new` is False when it had been planned from the same brief before."""

    scene: Scene
    title: str
    script: Script
    repairs: list[Fault]
    new: bool


def draft(scene: Scene, brief: Brief, writer: Writer | None, *, overwrite: bool = False) -> Draft:
    """Plans a scene into its folder, or finds it planned there from this very brief.

    A table that came from something else is never written over: SceneInvalid, unless `overwrite`, which keeps the old
    table in plan/. Raises what the planner raises.
    """
    mark = _brief_mark(brief)
    if scene.script_path.exists() and not overwrite:
        if mark != _kept_mark(scene):
            raise SceneInvalid(
                f"{scene.folder}: holds another table already; render it with: talescape render {scene.folder}, "
                "choose another folder, or give --overwrite (the old table is kept in plan/)"
            )
        found, repairs = scene.read_script()
        return Draft(scene, scene.read_settings().title, found, repairs, new=False)
    planned = plan(brief, writer, trail=scene.plan_dir)
    script, repairs = read_rows(planned.rows)
    if script is None:
        raise AssertionError(f"the planner let faults through: {repairs}")
    if scene.script_path.exists():
        _keep_old_table(scene)
    speakers = set(script.characters())
    about = {name: text for name, text in planned.about.items() if name in speakers and text}
    rooms = {name: SectionSettings(room=room) for name, room in planned.rooms.items()}
    scene.write_settings(Settings(title=planned.title or "Untitled", seed=brief.seed, about=about, sections=rooms))
    scene.write_script(script)
    write_atomically(scene.plan_dir / "brief.json", mark)
    return Draft(scene, planned.title, script, [*planned.repairs, *repairs], new=True)


def _brief_mark(brief: Brief) -> str:
    picture = hashlib.sha256(read_picture(brief.picture)).hexdigest() if brief.picture else None
    story = hashlib.sha256(brief.story.encode("utf-8", "surrogatepass")).hexdigest() if brief.story else None
    mark = {"prompt": brief.prompt, "story_sha256": story, "picture_sha256": picture, "seed": brief.seed}
    if brief.screenplay:
        mark["screenplay_sha256"] = hashlib.sha256(brief.screenplay.encode("utf-8", "surrogatepass")).hexdigest()
    return json.dumps(mark, ensure_ascii=True, indent=1) + "\n"


def _kept_mark(scene: Scene) -> str | None:
    try:
        return (scene.plan_dir / "brief.json").read_text("utf-8")
    except OSError:
        return None


def _keep_old_table(scene: Scene) -> None:
    """Copies table and settings into plan/ under the first free number."""
    number = 1
    while (scene.plan_dir / f"script-{number}.csv").exists():
        number += 1
    write_atomically(scene.plan_dir / f"script-{number}.csv", scene.script_path.read_bytes())
    if scene.settings_path.exists():
        write_atomically(scene.plan_dir / f"scene-{number}.toml", scene.settings_path.read_bytes())
