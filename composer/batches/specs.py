"""SceneSpec: one scene of a batch, as a manifest asks for it. Every key of a manifest is a field here."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator

from composer.brief import Brief
from composer.errors import SceneInvalid, TableUnreadable
from composer.files import file_hash
from composer.outputs import MAX_NAME_BYTES, RESERVED
from composer.scene import Scene
from composer.settings import CleanMode, EngineSettings, MixSettings, Settings
from composer.tables import read_table

SOURCES = ("prompt", "story", "fountain", "table", "picture")
FILES = SOURCES[1:]
PLANNED = ("prompt", "picture")
"""Sources whose words are yet to be written, in a language and to a length; the others are as long as they are."""
ENGLISH = "English"
OURS = {"store", "batch.jsonl", "summary.html", "cast.toml"}
"""Names that the batch's folder keeps for itself."""
_NAME = re.compile(r"\w(?:[\w .-]*[\w-])?")


class SceneSpec(MixSettings):
    """A scene to make: where it comes from, and any setting. Settings of the mix stand beside the others."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    """The scene's folder under the batch's."""
    prompt: str = ""
    story: Path | None = None
    """A text file with plain prose."""
    fountain: Path | None = None
    """A screenplay."""
    table: Path | None = None
    """A script table, or a scene folder, whose settings are the ground for those given here."""
    picture: Path | None = None
    length_s: Annotated[float, Field(ge=5, le=3600, allow_inf_nan=False)] | None = None
    """About how long; for scenes that are planned from a prompt or a picture."""
    language: Annotated[str, Field(pattern=r"^[^\W\d_]+(?:[ -][^\W\d_]+)*$", max_length=40)] = ENGLISH
    """What is spoken, by its name; for scenes that a language model plans. The offline writer writes English."""
    title: str = ""
    """Empty: what planning finds."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    clean: CleanMode = Settings.model_fields["clean"].default
    engines: EngineSettings = EngineSettings()
    cast: dict[str, str] = {}
    """Character -> voice, for this scene; the batch's voice sheet has the others."""
    about: dict[str, str] = {}
    planner: Literal["auto", "offline"] = "auto"
    """auto: a language model where one is set up."""

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        fault = name_fault(name)
        if fault:
            raise ValueError(fault)
        return unicodedata.normalize("NFC", name)

    def brief(self) -> Brief:
        """What the planner is asked for. Raises StoryUnreadable."""
        from composer.writers.story import read_story

        story = read_story(self.story) if self.story else ""
        screenplay = read_story(self.fountain) if self.fountain else ""
        return Brief(self._asked(), story, screenplay, self.picture, self.seed)

    @property
    def is_foreign(self) -> bool:
        return self.language.casefold() != ENGLISH.casefold()

    def _asked(self) -> str:
        """The prompt, with what the manifest says of length and language in the words that planners read."""
        length = [f"({self.length_s:g} seconds long)"] if self.length_s is not None else []
        language = [f"(All that is spoken is in {self.language}; sounds and music are described in English.)"]
        return " ".join([*length, self.prompt, *(language if self.is_foreign else [])]).strip()

    def settings(self, ground: Settings) -> Settings:
        """The scene's settings: those given here over `ground`."""
        given = self.model_fields_set
        mix = {name: getattr(self, name) for name in MixSettings.model_fields if name in given}
        engines = {name: getattr(self.engines, name) for name in self.engines.model_fields_set}
        own: dict[str, object] = {name: getattr(self, name) for name in ("clean", "seed") if name in given}
        if self.title:
            own["title"] = self.title
        return ground.model_copy(
            update={
                **own,
                "mix": ground.mix.model_copy(update=mix),
                "engines": ground.engines.model_copy(update=engines),
                "cast": {**ground.cast, **self.cast},
                "about": {**ground.about, **self.about},
            }
        )

    def source_mark(self) -> str:
        """A digest of what the scene is made from, the files' content too: equal marks, equal scenes."""
        digest = hashlib.sha256(json.dumps([self._asked(), self.seed, self.planner]).encode())
        for name in FILES:
            path = getattr(self, name)
            for file in _files_of(name, path) if path is not None else ():
                digest.update(f"\n{name} ".encode() + bytes.fromhex(file_hash(file)))
        return digest.hexdigest()[:32]

    def settings_mark(self) -> str:
        """A digest of the settings that are given here."""
        told = self.model_dump_json(exclude={*SOURCES, "name", "planner", "length_s", "language"}, exclude_unset=True)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _files_of(name: str, path: Path) -> list[Path]:
    """The file, with what a table names; of a scene folder, its table and its settings."""
    if not path.is_dir():
        return [path, *named_files(path)] if name == "table" else [path]
    there = [file for file in (path / "script.csv", path / "scene.toml") if file.is_file()]
    return [*there, *named_files(path / "script.csv")]


def named_files(table: Path) -> list[Path]:
    """The pictures and recordings that a table names and that lie in its folder; none of a table with faults."""
    try:
        script, _ = read_table(table)
    except TableUnreadable:
        return []
    rows = script.rows if script is not None else ()
    written = [getattr(row, column, None) for row in rows for column in ("image", "source")]
    files = []
    for name in dict.fromkeys(filter(None, written)):
        with suppress(SceneInvalid):  # preparing or rendering the scene tells of it
            files.append(Scene(table.parent).own_file(name))
    return files


def name_fault(name: str) -> str | None:
    """Why a scene's folder cannot be called so on every system, or None; accents may stand apart, as a Mac's do."""
    name = unicodedata.normalize("NFC", name)
    shown = name if len(name) <= 60 else f"{name[:57]}..."
    if not name:
        return "is empty; every scene needs a name, which becomes its folder"
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        return f"{shown!r} has more than {MAX_NAME_BYTES} bytes; shorten it"
    if not _NAME.fullmatch(name):
        return f"{shown!r} cannot be a folder's name; use letters, digits, blanks, '.', '_' and '-' only, no path"
    if name.casefold() in OURS:
        return f"{shown!r} is kept for the batch's own files; choose another name"
    if name.casefold().split(".")[0] in RESERVED:
        return f"{shown!r} is kept by Windows for itself; choose another name"
    return None
