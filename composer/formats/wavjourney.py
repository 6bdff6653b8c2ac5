"""WavJourney's script, written so that it accepts it, with our other columns beside its own, which it leaves alone."""

from __future__ import annotations

import json

from composer.faults import Fault
from composer.formats.json_table import JsonTable
from composer.formats.layout import row_object
from composer.rows import AnyRow, SpeechRow
from composer.script import Script

NATURAL_S = {"music": 12.0, "sound_effect": 4.0}
"""What `len` says of foreground music and effects whose duration is auto: WavJourney needs a number."""
_NAMES = {"type": "audio_type", "volume": "vol"}


class WavJourney(JsonTable):
    """Read as any JSON table."""

    def write(self, script: Script, old: bytes | None) -> bytes:
        rows = [_written(row) for row in script.rows]
        return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def _written(row: AnyRow) -> dict[str, object]:
    words = "text" if isinstance(row, SpeechRow) else "desc"
    cells = {{**_NAMES, "description": words}.get(column, column): value for column, value in row_object(row).items()}
    if isinstance(row, SpeechRow):
        return cells
    if row.layout == "foreground":
        cells["len"] = NATURAL_S[row.type] if row.duration == "auto" else row.duration
    if row.action != "end":
        cells.setdefault("desc", "")
    return cells


def refusals(script: Script) -> list[Fault]:
    """What WavJourney itself would trip over, as warnings: it pastes words into code, and wants words in every span."""
    faults = []
    foreground = [row.layout == "foreground" for row in script.rows]
    index = {row.row: number for number, row in enumerate(script.rows)}
    ends = script.spans()
    for row in script.rows:
        if any(sign in row_object(row).get("description", "") for sign in ('"', "\\", "\n")):  # type: ignore[operator]
            message = "WavJourney cannot read quotes, backslashes and line breaks in words; Talescape can"
            faults.append(Fault(row.row, "description", message, "warning"))
        if row.row in ends and not any(foreground[index[row.row] : index[ends[row.row]]]):
            message = "WavJourney refuses a background with nothing in the foreground inside it"
            faults.append(Fault(row.row, "action", message, "warning"))
    return faults
