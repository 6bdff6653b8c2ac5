"""Beds lead in before the first words, ring on after the last, and leave what a writer has set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from composer.script import read_rows
from composer.settings import MixSettings
from composer.timeline import SAMPLE_RATE, ClipFile, build_timeline
from composer.writers.borders import with_borders


def bed(kind: str, action: str, number: int, **cells: object) -> dict[str, object]:
    words = {"description": "something"} if action == "begin" else {}
    return {"type": kind, "layout": "background", "id": number, "action": action, **words, **cells}


def speech(**cells: object) -> dict[str, object]:
    return {"type": "speech", "layout": "foreground", "character": "Ann", "description": "Hello.", **cells}


def heard(rows: list[dict[str, object]]) -> dict[str, tuple[float, float]]:
    """Row -> (start, end) in seconds when each clip lasts 4 s."""
    script, faults = read_rows(rows)
    assert script is not None and not [fault for fault in faults if fault.severity == "error"]
    clips = {row.row: ClipFile(Path("none.wav"), 4 * SAMPLE_RATE, 1, -20.0) for row in script.sounding()}
    timeline = build_timeline(script, clips, MixSettings(room="none", gap_s=0.5))
    return {one.row: (one.start_sample / SAMPLE_RATE, one.end_sample / SAMPLE_RATE) for one in timeline.placements}


def test_music_leads_in_and_rings_on() -> None:
    rows: list[dict[str, Any]] = [
        bed("music", "begin", 1), bed("sound_effect", "begin", 2), speech(), bed("music", "end", 1), speech(),
        bed("sound_effect", "end", 2), bed("music", "begin", 3), speech(), bed("music", "end", 3),
    ]  # fmt: skip
    times = heard(with_borders(rows))
    assert times["r03"] == (2.5, 6.5) and times["r05"] == (7.0, 11.0) and times["r08"] == (11.5, 15.5)
    assert times["r01"] == (0.0, 6.5 + 1.2)  # the theme leads in, and goes on a little under the next line
    assert times["r02"] == (1.0, 11.0)  # rain that stops within the scene stops there
    assert times["r07"] == (11.5, 15.5 + 3.0)  # the last music has the last word
    assert "start" not in rows[0]  # what was given stays as it was


def test_what_a_writer_has_set_stays() -> None:
    rows = [bed("music", "begin", 1, start=-1.0), speech(start=0.25), bed("music", "end", 1, start=0.0)]
    assert with_borders(rows) == rows


def test_a_scene_without_foreground_or_beds_is_left_alone() -> None:
    assert with_borders([bed("music", "begin", 1), bed("music", "end", 1)])[0].get("start") is None
    assert with_borders([speech()]) == [speech()]
