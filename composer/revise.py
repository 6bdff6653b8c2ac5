"""Revise: a wish in words becomes edits of a table, which are shown as a diff before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from composer.cells import tidy_text
from composer.diff import Changed, Diff, diff_scripts, script_at
from composer.edits import AnyEdit, Edited, EditsInvalid, apply_edits
from composer.errors import ComposerError, SceneInvalid
from composer.faults import Fault
from composer.files import write_atomically
from composer.orders import Orders, make_orders
from composer.render import plan_render
from composer.scene import Scene
from composer.script import Script
from composer.settings import Settings
from composer.tables import BACKUP, read_bytes, write_table

if TYPE_CHECKING:
    from composer.writers import Writer

MAX_WISH = 10_000
MAX_RULES_WISH = 2_000


@dataclass(frozen=True)
class Proposal:
    """What a wish would change. Nothing is written yet."""

    place: Place
    edits: list[AnyEdit]
    edited: Edited
    diff: Diff
    cannot: list[str]
    """What of the wish cannot be done, and why."""
    remarks: list[str]
    faults: list[Fault]
    """What was repaired or is doubtful in the new table."""

    def as_json(self, *, applied: bool, backups: Sequence[Path]) -> dict[str, object]:
        """The shape that machines read."""
        return {
            "target": str(self.place.target),
            "edits": [edit.model_dump() for edit in self.edits],
            "diff": self.diff.as_json(),
            "cannot": self.cannot,
            "remarks": self.remarks,
            "applied": applied,
            "backups": [str(path) for path in backups],
        }


@dataclass(frozen=True)
class Place:
    """The table that is revised, and its scene where it has one."""

    target: Path

    @cached_property
    def scene(self) -> Scene | None:
        return Scene(self.target) if self.target.is_dir() else None

    @property
    def table(self) -> Path:
        return self.scene.script_path if self.scene is not None else self.target

    @cached_property
    def script(self) -> Script:
        return script_at(self.target)

    @cached_property
    def settings(self) -> Settings:
        return self.scene.read_settings() if self.scene is not None else Settings()

    @cached_property
    def orders(self) -> Orders:
        """What the table as it is asks of the engines; nothing where there is no scene."""
        return make_orders(self.script, self.settings, self.scene) if self.scene is not None else Orders()

    @property
    def voices(self) -> dict[str, str] | None:
        """Who speaks with which voice; None where there is no scene to say so."""
        return {**self.orders.cast, **self.settings.cast} if self.scene is not None else None

    @cached_property
    def mark(self) -> str:
        """What table and settings say now, as a number."""
        paths = [self.table, *([self.scene.settings_path] if self.scene is not None else [])]
        return hashlib.sha256(b"\0".join(path.read_bytes() if path.is_file() else b"" for path in paths)).hexdigest()

    def try_out(self, edits: Sequence[AnyEdit]) -> tuple[Edited, list[Fault]]:
        """The table after the edits. Raises EditsInvalid also for rows that no engine here could make any more."""
        edited, faults = apply_edits(self.script, edits, voices=self.voices)
        if self.scene is not None:
            settings = self.settings.model_copy(update={"cast": {**self.settings.cast, **edited.cast}})
            before = {(fault.row, fault.message) for fault in self.orders.faults}
            told = make_orders(edited.script, settings, self.scene).faults
            new = [fault for fault in told if (fault.row, fault.message) not in before]
            if wrong := [fault for fault in new if fault.severity == "error"]:
                raise EditsInvalid(table_faults=wrong)
            faults = faults + new
        return edited, faults


@dataclass
class Wished:
    """Edits that were found for a wish, tried out already."""

    edits: list[AnyEdit] = field(default_factory=list)
    cannot: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def propose(target: Path, wish: str, writer: Writer | None) -> Proposal:
    """What a wish would change in a scene or a table: by the language model, or by rules when there is none.

    Raises ComposerError for a wish that is empty or that nothing can be done for, ScriptInvalid for a faulty table,
    and what the language model raises.
    """
    place = Place(target)
    wish = tidy_text(wish)
    if not wish or len(wish) > MAX_WISH:
        raise ComposerError(f"the wish has {len(wish):,} characters; say in 1 to {MAX_WISH:,} what should change")
    assert place.mark and place.script  # both are of now: what somebody writes meanwhile will be seen
    wished = _by_model(place, wish, writer) if writer is not None else _by_rules(place, wish)
    edited, faults = place.try_out(wished.edits)
    found = diff_scripts(place.script, edited.script)
    planned = plan_render(place.scene, script=edited.script, cast=edited.cast) if place.scene is not None else None
    recast = _cast_diff(place.voices or {}, edited.cast)
    found = Diff(found.added, found.removed, found.moved, found.changed, recast, planned)
    if not found:
        why = "; ".join(wished.cannot) or "the table says so already"
        raise ComposerError(f"nothing would change: {why}{''.join(f'; {each}' for each in wished.remarks)}")
    return Proposal(place, wished.edits, edited, found, wished.cannot, wished.remarks, faults)


def accept(proposal: Proposal) -> list[Path]:
    """Writes what was proposed; gives the last versions that were kept.

    Raises SceneInvalid when somebody wrote the table or scene.toml since; then nothing is written.
    """
    place = proposal.place
    read_bytes(place.table)
    if Place(place.target).mark != place.mark:
        raise SceneInvalid(f"{place.target}: was edited meanwhile; nothing was changed, ask again")
    backups = [write_table(proposal.edited.script, place.table)]
    if proposal.edited.cast and place.scene is not None:
        settings = place.scene.settings_path
        if settings.is_file():
            backups.append(settings.with_name(settings.name + BACKUP))
            write_atomically(settings.with_name(settings.name + BACKUP), settings.read_bytes())
        place.scene.add_to_cast(proposal.edited.cast)
    return [path for path in backups if path is not None]


def _by_rules(place: Place, wish: str) -> Wished:
    """What rules make of it; of what no engine could make, that is said instead of done."""
    from composer.writers.revisions import revise_by_rules

    if len(wish) > MAX_RULES_WISH:
        raise ComposerError(f"the wish has {len(wish):,} characters, rules read {MAX_RULES_WISH:,}; say it in parts")
    made = revise_by_rules(place.script, wish, about=place.settings.about, voices=place.voices)
    try:
        place.try_out(made.edits)
    except EditsInvalid as error:
        raise ComposerError("nothing would change: " + "; ".join([*error.faults, *made.cannot])) from error
    return Wished(made.edits, made.cannot, made.remarks)


def _by_model(place: Place, wish: str, writer: Writer) -> Wished:
    from composer.writers.revision_asking import ask_for_edits

    edits, cannot = ask_for_edits(place, wish, writer)
    return Wished(edits, cannot)


def _cast_diff(before: Mapping[str, str], cast: Mapping[str, str]) -> tuple[Changed, ...]:
    return tuple(
        Changed("", f"cast.{character}", before.get(character), voice)
        for character, voice in cast.items()
        if before.get(character) != voice
    )
