"""A rendered scene as every export reads it: the receipt of its mix, and where and how each row sounds.

The manifest tells where rows begin and how long they last; how they are cut, joined and faded follows from the table,
the clips and the settings by the same arithmetic as in the mix. So the table must still be the one that was rendered,
which is checked here; an export never shows what the mix does not play.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from composer.clips import clip_file
from composer.errors import ExportFailed, SceneInvalid, ScriptInvalid
from composer.exports.receipt import RowReceipt, SceneReceipt, clip_of, read_receipt
from composer.made_from import made_from
from composer.scene import Scene
from composer.script import Script, SpeechRow
from composer.settings import Settings
from composer.tables import read_table
from composer.timeline import Placement, Timeline, build_timeline


@dataclass(frozen=True)
class RenderedRow:
    """One row as the mix plays it."""

    receipt: RowReceipt
    placement: Placement
    section: str

    @property
    def row(self) -> str:
        return self.receipt.row

    @property
    def start_sample(self) -> int:
        return self.receipt.start_sample

    @property
    def n_samples(self) -> int:
        return self.receipt.n_samples

    @property
    def end_sample(self) -> int:
        return self.receipt.end_sample

    @property
    def speaker(self) -> str:
        """Who speaks, in one line; empty for music and effects."""
        return " ".join((self.receipt.character or "").split())

    @property
    def label(self) -> str:
        """The row in one line: `Ann: her words`, `[a door]`."""
        words = self.receipt.words or self.row
        return f"{self.speaker}: {words}" if self.receipt.type == "speech" else f"[{words.rstrip('.')}]"

    def clip_path_from(self, folder: Path) -> str:
        """Where its clip lies, as a path from a folder, with slashes."""
        return Path(os.path.relpath(os.path.abspath(self.placement.clip.path), os.path.abspath(folder))).as_posix()

    @property
    def short_name(self) -> str:
        """The key, who speaks and the first words: what a file of this row is called."""
        words = self.receipt.words
        cut = words if len(words) <= 40 else words[:40].rpartition(" ")[0] or words[:40]
        return f"{self.row} {self.speaker[:30]} {cut}"


@dataclass(frozen=True)
class Rendered:
    """A finished scene; `rows` are those that sound, in the table's order."""

    scene: Scene
    title: str
    receipt: SceneReceipt
    rows: tuple[RenderedRow, ...]
    timeline: Timeline
    master_gain_db: float
    cover: Path | None = None
    """A picture of the user's own; None: the scene's own cover, else the picture of its timeline."""

    @property
    def name(self) -> str:
        """What exported files are called."""
        return self.scene.folder.resolve().name or "scene"

    @property
    def sample_rate(self) -> int:
        return self.receipt.sample_rate

    @property
    def n_samples(self) -> int:
        return self.timeline.n_samples


def read_rendered(scene: Scene, *, cover: Path | None = None) -> Rendered:
    """Reads a finished scene.

    Raises ExportFailed when it was never rendered, was edited since, or lacks a clip, naming the row; SceneInvalid and
    ScriptInvalid for a faulty scene.
    """
    receipt = read_receipt(scene)
    told: Mapping[str, Any] = json.loads(scene.manifest_path.read_bytes())
    settings = scene.read_settings()
    script, faults = read_table(scene.script_path)
    if script is None:
        raise ScriptInvalid(faults)
    _refuse_edited(scene, script, settings, receipt, told)
    clips = {row.row: clip_file(scene.clips_dir, Path(row.clip).stem, clip_of(scene, row)) for row in receipt.rows}
    timeline = build_timeline(script, clips, settings.mix, settings.sections)
    placements = {placement.row: placement for placement in timeline.placements}
    for row in receipt.rows:
        _refuse_moved(scene, row, placements[row.row])
    _refuse_broken_mix(scene, timeline.n_samples)
    sections = script.sections()
    rows = tuple(RenderedRow(row, placements[row.row], sections[row.row]) for row in receipt.rows)
    gain_db = float(told["mix"].get("master_gain_db") or 0.0)
    return Rendered(scene, settings.title, receipt, rows, timeline, gain_db, cover)


def _again(scene: Scene) -> str:
    return f"render again, then export: talescape render {scene.folder}"


def _refuse_edited(
    scene: Scene, script: Script, settings: Settings, receipt: SceneReceipt, told: Mapping[str, Any]
) -> None:
    for name, value in settings.mix:
        before = getattr(receipt.mix, name)
        if value != before:
            raise ExportFailed(
                f"{scene.settings_path}: mix.{name} is {value!r} and was {before!r} at the last render; {_again(scene)}"
            )
    if {name: own.model_dump() for name, own in settings.sections.items()} != told.get("sections", {}):
        raise ExportFailed(f"{scene.settings_path}: its sections were edited since the last render; {_again(scene)}")
    made = {row["row"]: row.get("made_from") for row in told["rows"]}
    left_out = set(told.get("left_out") or ())
    now = {row.row: row for row in script.sounding()}
    for row in receipt.rows:
        if row.row not in now:
            raise ExportFailed(f"row {row.row}: is in the mix and no longer in the table; {_again(scene)}")
        try:
            is_same = made_from(scene, now[row.row], settings) == made[row.row]
        except SceneInvalid as error:
            raise ExportFailed(f"row {row.row}: {error}") from error
        if not is_same:
            raise ExportFailed(f"row {row.row}: was edited since the last render; {_again(scene)}")
    for key in now:
        if key not in made and key not in left_out:
            raise ExportFailed(f"row {key}: is new in the table and not in the mix; {_again(scene)}")
    _refuse_recast(scene, script, settings, receipt)


def _refuse_recast(scene: Scene, script: Script, settings: Settings, receipt: SceneReceipt) -> None:
    """A voice that scene.toml gives since, to a character whose engine has it."""
    from models.engines import speech_engine
    from models.errors import ModelError

    own_voice = {row.row for row in script.rows if isinstance(row, SpeechRow) and row.voice is not None}
    for row in receipt.rows:
        wanted = settings.cast.get(row.character or "")
        if row.type != "speech" or row.row in own_voice or wanted in (None, row.voice):
            continue
        try:
            has_it = wanted in {voice.name for voice in speech_engine(row.engine).voices()}
        except ModelError:  # the engine is not here now: its voices are what they were
            continue
        if has_it:
            raise ExportFailed(
                f"row {row.row}: {row.character!r} is cast as {wanted!r} in scene.toml and spoken by {row.voice!r} in "
                f"the mix; {_again(scene)}"
            )


def _refuse_moved(scene: Scene, row: RowReceipt, placement: Placement) -> None:
    now, before = (placement.start_sample, placement.n_samples), (row.start_sample, row.n_samples)
    if now != before:
        raise ExportFailed(
            f"row {row.row}: by the table it begins at sample {now[0]} and lasts {now[1]}, in the mix {before[0]} and "
            f"{before[1]}: rows were moved since the last render; {_again(scene)}"
        )


def _refuse_broken_mix(scene: Scene, n_samples: int) -> None:
    try:
        n_there = soundfile.info(scene.mix_path).frames
    except (OSError, RuntimeError) as error:
        raise ExportFailed(f"{scene.mix_path}: cannot be read: {error}; {_again(scene)}") from error
    if n_there != n_samples:
        raise ExportFailed(f"{scene.mix_path}: has {n_there} samples, its manifest tells {n_samples}; {_again(scene)}")
