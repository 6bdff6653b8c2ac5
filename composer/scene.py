"""Scene: the folder of a scene. Every path in it is spelt here and nowhere else."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from composer.errors import SceneBusy, SceneInvalid, ScriptInvalid
from composer.faults import Fault
from composer.files import sweep, take_lock, write_atomically
from composer.script import Script
from composer.settings import Settings
from composer.tables import FORMATS, keys_were_given, read_table, write_table


@dataclass(frozen=True)
class Scene:
    folder: Path

    @property
    def settings_path(self) -> Path:
        return self.folder / "scene.toml"

    @property
    def script_path(self) -> Path:
        return self.folder / "script.csv"

    @property
    def plan_dir(self) -> Path:
        return self.folder / "plan"

    @property
    def clips_dir(self) -> Path:
        return self.folder / "clips"

    @property
    def choices_path(self) -> Path:
        return self.clips_dir / "choices.json"

    @property
    def stems_dir(self) -> Path:
        return self.folder / "stems"

    @property
    def mix_path(self) -> Path:
        return self.folder / "mix.wav"

    @property
    def manifest_path(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def export_dir(self) -> Path:
        return self.folder / "export"

    def own_file(self, written: str) -> Path:
        """A file that the table names, relative to the scene. SceneInvalid when it lies outside or is missing."""
        home = self.folder.resolve()
        shown = written if len(written) <= 80 else f"{written[:77]}..."
        try:
            path = (home / written).resolve()
            outside = not path.is_relative_to(home)
            missing = not path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            reason = error.strerror if isinstance(error, OSError) else error
            raise SceneInvalid(f"{shown!r} is not a usable path: {reason}; name a file in {self.folder}") from error
        if outside:
            raise SceneInvalid(f"{shown!r} lies outside the scene folder; copy the file into {self.folder}")
        if missing:
            raise SceneInvalid(f"{shown!r} is not in the scene folder {self.folder}; copy the file there")
        return path

    def read_script(self) -> tuple[Script, list[Fault]]:
        """The script with its repairs and warnings. New row keys are written back. Raises ScriptInvalid."""
        if not self.script_path.is_file():
            raise SceneInvalid(self._no_table())
        before = self.table_hash()
        script, faults = read_table(self.script_path)
        if script is None:
            raise ScriptInvalid(faults)
        if keys_were_given(faults) and self.table_hash() == before:  # else a hand writes it now, and gets them later
            write_table(script, self.script_path)
        return script, faults

    def table_hash(self) -> str:
        """What the table holds now, as a number; empty when it cannot be read."""
        try:
            return hashlib.sha256(self.script_path.read_bytes()).hexdigest()
        except OSError:
            return ""

    def edited_since(self, table_hash: str) -> list[Fault]:
        """A warning when somebody wrote the table while a render ran: the mix is of what it said before."""
        if self.table_hash() == table_hash:
            return []
        message = (
            f"{self.script_path.name} was edited while this render ran: the mix is of the table as it was before; "
            "render again to hear the edit"
        )
        return [Fault("", "", message, "warning")]

    def write_script(self, script: Script) -> None:
        write_table(script, self.script_path)

    def read_settings(self) -> Settings:
        """The settings; defaults where scene.toml is missing or silent. Raises SceneInvalid naming the key."""
        if not self.settings_path.exists():
            return Settings()
        try:
            data = tomllib.loads(self.settings_path.read_bytes().decode("utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SceneInvalid(f"{self.settings_path}: cannot be read: {error}") from error
        try:
            return Settings.model_validate(data)
        except ValidationError as error:
            told = "; ".join(_setting_fault(dict(details)) for details in error.errors())
            raise SceneInvalid(f"{self.settings_path}: {told}") from error

    def write_settings(self, settings: Settings) -> None:
        """A whole new scene.toml, every setting in it."""
        import tomlkit

        write_atomically(self.settings_path, tomlkit.dumps(settings.model_dump(exclude_none=True)))

    def add_to_cast(self, cast: Mapping[str, str]) -> None:
        """Writes voices of new characters into scene.toml; comments and everything else there stay."""
        import tomlkit

        if not cast:
            return
        text = self.settings_path.read_text("utf-8-sig") if self.settings_path.exists() else ""
        document = tomlkit.parse(text)
        table = document.setdefault("cast", tomlkit.table())
        for character, voice in cast.items():
            table[character] = voice
        write_atomically(self.settings_path, tomlkit.dumps(document))

    def read_choices(self) -> dict[str, dict[str, object]]:
        """Which engine `auto` chose for which words; empty when unreadable, since it can be found anew."""
        try:
            data = json.loads(self.choices_path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def write_choices(self, choices: Mapping[str, Mapping[str, object]]) -> None:
        write_atomically(self.choices_path, json.dumps(choices, ensure_ascii=False, indent=1, sort_keys=True))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the scene for one render at a time.

        Raises SceneInvalid when there is no such folder or it cannot be written, SceneBusy when another process has it.
        """
        self.must_exist()
        try:
            self.clips_dir.mkdir(exist_ok=True)
            lock = (self.clips_dir / ".lock").open("w")
        except OSError as error:
            raise SceneInvalid(
                f"{self.clips_dir}: cannot be written: {error.strerror}; mend the folder's rights, or copy the scene "
                "to a place that you may write to"
            ) from error
        with lock:
            if not take_lock(lock.fileno()):
                raise SceneBusy(f"{self.folder}: is being rendered by another process; wait until it has finished")
            for folder in (self.folder, self.clips_dir, self.stems_dir, self.plan_dir, self.export_dir):
                sweep(folder)
            yield

    def _no_table(self) -> str:
        """What to do where there is no script.csv: bring in another table that lies there, or plan one."""
        other = next((path for path in sorted(self.folder.glob("script.*")) if path.suffix in FORMATS), None)
        if other is not None:
            return f"{self.folder}: has no script.csv; bring the table in: talescape convert {other} {self.script_path}"
        return f'{self.folder}: has no script.csv; plan one with: talescape plan "PROMPT" -o {self.folder}'

    def must_exist(self) -> None:
        """Raises SceneInvalid when there is no such folder."""
        if self.folder.is_file() and self.folder.suffix in FORMATS:
            raise SceneInvalid(
                f"{self.folder}: is a table, not a scene folder; bring it into one: "
                f"talescape convert {self.folder} SCENE/script.csv"
            )
        if not self.folder.is_dir():
            raise SceneInvalid(
                f'{self.folder}: there is no such scene folder; make one with: talescape plan "PROMPT" -o {self.folder}'
            )


def _setting_fault(details: Mapping[str, object]) -> str:
    location = details["loc"]
    place = ".".join(str(part) for part in location) if isinstance(location, tuple) else str(location)
    if details["type"] == "extra_forbidden":
        return f"{place}: no such setting"
    return (
        f"{place}: {str(details['msg'])[:1].lower()}{str(details['msg'])[1:]}, not {str(details.get('input'))[:60]!r}"
    )
