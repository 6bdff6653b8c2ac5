"""Conversion: a table in one format is written in another, or brought into a scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer.errors import ScriptInvalid, TableUnreadable
from composer.faults import Fault
from composer.formats import format_of
from composer.formats.wavjourney import WavJourney, refusals
from composer.keys import with_keys_of
from composer.scene import Scene
from composer.script import read_rows
from composer.tables import read_raw_rows, read_table, write_table


@dataclass(frozen=True)
class Converted:
    """What was written, what was mended on the way, and where the last version stands."""

    path: Path
    faults: list[Fault]
    backup: Path | None


def convert(table: Path, out: Path) -> Converted:
    """Writes the rows of `table` to `out`: a table file, or the script.csv of a scene folder.

    Rows that lost their keys get back those that they have in `out`. Raises ScriptInvalid for a faulty table,
    TableUnreadable for what is none; then nothing is written.
    """
    table = Scene(table).script_path if table.is_dir() else table
    out = Scene(out).script_path if out.is_dir() else out
    raw = read_raw_rows(table)
    if out.is_file():
        try:
            before, _ = read_table(out)
        except TableUnreadable:
            before = None
        raw = with_keys_of(before, raw) if before is not None else raw
    script, faults = read_rows(raw)
    if script is None:
        raise ScriptInvalid(faults)
    backup = write_table(script, out)
    if isinstance(format_of(out.name), WavJourney):
        faults += refusals(script)
    return Converted(out, [fault for fault in faults if fault.severity != "error"], backup)
