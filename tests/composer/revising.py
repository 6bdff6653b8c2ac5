"""A scene to be revised, for tests: two who speak, effects, music under all of it, two sections."""

from __future__ import annotations

from pathlib import Path

from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings

ROWS: list[dict[str, object]] = [
    {
        "type": "music",
        "layout": "background",
        "id": 1,
        "action": "begin",
        "description": "News theme",
        "section": "One",
    },
    {"type": "speech", "character": "News Anchor", "description": "Good evening! Welcome."},
    {"type": "speech", "character": "Dr. Elena Vasquez", "description": "It works! Really?!"},
    {"type": "sound_effect", "description": "A spaceship swoosh passing"},
    {"type": "sound_effect", "description": "door slams"},
    {"type": "speech", "character": "News Anchor", "description": "Amazing.", "section": "Two"},
    {"type": "speech", "character": "Dr. Elena Vasquez", "description": "Thank you.", "note": "warm"},
    {"type": "music", "layout": "background", "id": 1, "action": "end"},
]
SCRIPT = script_of(ROWS)
ABOUT = {"Dr. Elena Vasquez": "chief engineer, woman in her fifties"}
VOICES = {"News Anchor": "ann", "Dr. Elena Vasquez": "bob"}


def scene_in(folder: Path) -> Scene:
    """The scene, with a comment in its settings."""
    scene = Scene(folder / "scene")
    scene.folder.mkdir()
    scene.write_settings(Settings(title="News", about=ABOUT, cast=VOICES))
    scene.settings_path.write_text("# mine\n" + scene.settings_path.read_text())
    scene.write_script(SCRIPT)
    return scene
