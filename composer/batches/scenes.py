"""A spec becomes a scene folder: planned or copied, with its settings, and with voices from the batch's sheet."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composer.batches.folder import BatchFolder
from composer.batches.specs import SceneSpec, named_files
from composer.drafting import draft
from composer.errors import ComposerError, SceneInvalid, ScriptInvalid
from composer.faults import Fault
from composer.files import file_hash, write_atomically
from composer.orders import new_voices
from composer.planner import plan
from composer.scene import Scene
from composer.script import Script, SpeechRow, read_rows
from composer.settings import Settings
from composer.tables import read_table

if TYPE_CHECKING:
    from composer.writers import Writer

MIXED_SERIES = 0.5
"""While the sheet names fewer than this share of an engine's voices, a new character gets a voice of their own."""


@dataclass(frozen=True)
class Marks:
    """What a scene folder was last made from; kept in its plan folder, written last."""

    source: str
    settings: str
    cast: dict[str, str]


def read_marks(scene: Scene) -> Marks | None:
    try:
        return Marks(**json.loads((scene.plan_dir / "batch.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def state_digest(scene: Scene) -> str | None:
    """A digest of what a mix is made from: table, settings and named files as they are; None when one is missing."""
    try:
        paths = (scene.script_path, scene.settings_path, *named_files(scene.script_path))
        digests = [bytes.fromhex(file_hash(path)) for path in paths]
    except OSError:
        return None
    return hashlib.sha256(b"\0".join(digests)).hexdigest()[:32]


@dataclass(frozen=True)
class Prepared:
    """A scene whose table is in its folder. `script` is None where nothing has changed since it was made."""

    script: Script | None
    settings: Settings
    repairs: list[Fault]


def prepare(batch: BatchFolder, spec: SceneSpec, writer: Writer | None) -> Prepared:
    """Plans or copies the scene's table into its folder, unless that was done; hand edits of it stay.

    Raises what planning raises, and ScriptInvalid or SceneInvalid for a table that cannot be used.
    """
    scene, marks = batch.scene(spec.name), read_marks(batch.scene(spec.name))
    new_table = marks is None or marks.source != spec.source_mark() or not scene.script_path.exists()
    if marks is not None and not new_table and marks.settings == spec.settings_mark():
        return Prepared(None, scene.read_settings(), [])
    repairs: list[Fault] = []
    if new_table and spec.table is not None:
        script, ground, repairs = _copied(spec.table, scene)
    elif new_table:
        overwrite = scene.script_path.exists()  # the old table is kept in plan/
        drafted = draft(scene, spec.brief(), _writer_for(spec, writer), overwrite=overwrite)
        script, ground, repairs = drafted.script, scene.read_settings(), drafted.repairs
    else:
        script, ground = scene.read_script()[0], scene.read_settings()
    return Prepared(script, spec.settings(ground), repairs)


def _writer_for(spec: SceneSpec, writer: Writer | None) -> Writer | None:
    chosen = None if spec.planner == "offline" else writer
    refuse_unwritable(spec, has_writer=chosen is not None)
    return chosen


def refuse_unwritable(spec: SceneSpec, *, has_writer: bool) -> None:
    """Raises SceneInvalid for a scene that is to be written in a language that the offline writer does not know."""
    if spec.is_foreign and not has_writer:
        raise SceneInvalid(
            f"language: the offline writer writes English, not {spec.language}; set up a language model, or give a "
            "story or a table whose words are in that language"
        )


def cast_scene(batch: BatchFolder, spec: SceneSpec, prepared: Prepared, sheet: dict[str, str]) -> None:
    """Gives the scene's characters their voices, and the sheet those that are new; writes the sheet, then the scene.

    To be called in the manifest's order: the same manifest gives the same sheet.
    """
    scene = batch.scene(spec.name)
    if prepared.script is None:
        marks = read_marks(scene)
        cast = {**(marks.cast if marks else {}), **prepared.settings.cast}
        wanted = {name: spec.cast.get(name, sheet.get(name, voice)) for name, voice in cast.items()}
        _add_to_sheet(batch, sheet, wanted)
        changed = {name: voice for name, voice in wanted.items() if prepared.settings.cast.get(name) != voice}
        scene.add_to_cast(changed)
        if changed:
            _write_marks(scene, spec, wanted)
        return
    characters = {row.character for row in prepared.script.rows if isinstance(row, SpeechRow)}
    cast = cast_of(prepared.script, prepared.settings, sheet)
    _add_to_sheet(batch, sheet, {name: voice for name, voice in cast.items() if name in characters})
    scene.write_settings(prepared.settings.model_copy(update={"cast": cast}))
    _write_marks(scene, spec, cast)


def cast_of(script: Script, settings: Settings, sheet: Mapping[str, str]) -> dict[str, str]:
    """Character -> voice: those of the settings, then of the sheet, then new ones."""
    characters = {row.character for row in script.rows if isinstance(row, SpeechRow)}
    here = {name: voice for name, voice in sheet.items() if name in characters} | settings.cast
    series = {**sheet, **here} if len(sheet) <= MIXED_SERIES * _n_voices(settings) else here
    return here | new_voices(script, settings.model_copy(update={"cast": series}))


def _n_voices(settings: Settings) -> int:
    """How many voices the scene's speech engine has; of auto, the first of the registry."""
    from models.engines import engine_names, speech_engine
    from models.errors import ModelError

    name = settings.engines.speech
    try:
        return len(speech_engine(engine_names("speech")[0] if name == "auto" else name).voices())
    except ModelError:
        return 0


def _add_to_sheet(batch: BatchFolder, sheet: dict[str, str], cast: Mapping[str, str]) -> None:
    new = {name: voice for name, voice in cast.items() if name not in sheet}
    if new:
        sheet.update(new)
        batch.write_cast(sheet)


def _write_marks(scene: Scene, spec: SceneSpec, cast: Mapping[str, str]) -> None:
    marks = {"source": spec.source_mark(), "settings": spec.settings_mark(), "cast": dict(cast)}
    write_atomically(scene.plan_dir / "batch.json", json.dumps(marks, ensure_ascii=False, indent=1) + "\n")


def table_of(table: Path) -> tuple[Script, Settings, list[Fault], Path]:
    """The script and settings of a table file or a scene folder, repairs, and where its pictures and recordings lie.

    Raises ScriptInvalid, SceneInvalid, TableUnreadable.
    """
    file = table / "script.csv" if table.is_dir() else table
    script, faults = read_table(file)
    if script is None:
        raise ScriptInvalid(faults)
    settings = Scene(table).read_settings() if table.is_dir() else Settings()
    return script, settings, faults, file.parent


def _copied(table: Path, scene: Scene) -> tuple[Script, Settings, list[Fault]]:
    """The table in its new folder, with the pictures and recordings that its rows name."""
    script, settings, faults, home = table_of(table)
    for row in script.rows:
        for column in ("image", "source"):
            written = getattr(row, column, None)
            if written:
                try:
                    origin = Scene(home).own_file(written)
                except SceneInvalid as error:
                    raise ScriptInvalid([Fault(row.row, column, str(error))]) from error
                _copy(origin, scene.folder / origin.relative_to(home.resolve()))
    scene.folder.mkdir(parents=True, exist_ok=True)
    scene.write_script(script)
    return script, settings, faults


def _copy(origin: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(target.name + ".part")
        shutil.copyfile(origin, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise ComposerError(f"{target}: cannot be written: {error.strerror}") from error


def foreseen(spec: SceneSpec) -> tuple[Script, Settings, Path]:
    """The script that a spec will have, without a folder: by its table, or by the offline writer, and where its files
    lie. Raises what planning raises.
    """
    if spec.table is not None:
        script, ground, _, home = table_of(spec.table)
        return script, spec.settings(ground), home
    planned = plan(spec.brief(), None)
    found, faults = read_rows(planned.rows)
    if found is None:
        raise ScriptInvalid(faults)
    ground = Settings(title=planned.title or "Untitled", seed=spec.seed, about=dict(planned.about))
    return found, spec.settings(ground), Path()
