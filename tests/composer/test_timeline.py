from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from composer.beds import Segment
from composer.script import Script, script_of
from composer.settings import MixSettings
from composer.timeline import ClipFile, Timeline, build_timeline

RATE = 48_000
DRY = MixSettings(room="none", gap_s=0.5)


def speech(row: str, **cells: object) -> dict[str, object]:
    return {"row": row, "type": "speech", "character": "Ann", "description": "Hello.", "volume": -15, **cells}


def event(row: str, **cells: object) -> dict[str, object]:
    return {"row": row, "type": "sound_effect", "layout": "foreground", "description": "a bell", "volume": -18, **cells}


def bed(row: str, action: str, number: int = 1, **cells: object) -> dict[str, object]:
    words = {"description": "rain", "volume": -35} if action == "begin" else {}
    return {
        "row": row,
        "type": "sound_effect",
        "layout": "background",
        "id": number,
        "action": action,
        **words,
        **cells,
    }


def clip(seconds: float, loudness_lufs: float = -20.0, n_channels: int = 1, **joints: Any) -> ClipFile:
    return ClipFile(Path("none.wav"), round(seconds * RATE), n_channels, loudness_lufs, **joints)


def build(rows: list[dict[str, object]], lengths: dict[str, float], settings: MixSettings = DRY) -> Timeline:
    return build_timeline(script_of(rows), {row: clip(seconds) for row, seconds in lengths.items()}, settings)


def places(timeline: Timeline) -> dict[str, tuple[float, float]]:
    """Row -> (start, end) in seconds."""
    return {one.row: (one.start_sample / RATE, one.end_sample / RATE) for one in timeline.placements}


def test_foreground_rows_follow_one_another_with_the_scenes_gap() -> None:
    timeline = build([speech("a"), speech("b"), event("c")], {"a": 2.0, "b": 1.0, "c": 4.0})
    assert places(timeline) == {"a": (0.0, 2.0), "b": (2.5, 3.5), "c": (4.0, 8.0)}
    assert timeline.n_samples == 8 * RATE


def test_start_gives_the_gap_or_the_overlap_against_the_row_before() -> None:
    timeline = build(
        [speech("a", start=0.25), event("b", start=-1.5), speech("c", start=0.0)], {"a": 2, "b": 3, "c": 1}
    )
    assert places(timeline) == {"a": (0.25, 2.25), "b": (0.75, 3.75), "c": (3.75, 4.75)}


def test_a_start_before_the_scene_begins_with_it_and_is_told() -> None:
    timeline = build([speech("a"), event("b", start=-9)], {"a": 2, "b": 3})
    assert places(timeline)["b"] == (0.0, 3.0)
    assert [(fault.row, fault.column, fault.severity) for fault in timeline.warnings] == [("b", "start", "warning")]


def test_positions_do_not_drift_over_a_thousand_rows() -> None:
    rows = [speech(f"r{index}", start=0.0013) for index in range(1_000)]
    timeline = build(rows, {f"r{index}": 0.1 for index in range(1_000)})
    step = 4_800 + round(0.0013 * RATE)
    assert [one.start_sample for one in timeline.placements] == [62 + index * step for index in range(1_000)]


def test_rows_without_a_clip_take_no_time() -> None:
    timeline = build([speech("a"), speech("b"), speech("c")], {"a": 1, "c": 1})
    assert places(timeline) == {"a": (0, 1), "c": (1.5, 2.5)}


def test_a_bed_lasts_from_the_row_after_its_begin_to_the_row_before_its_end() -> None:
    rows = [speech("a"), bed("b", "begin"), speech("c"), speech("d"), bed("e", "end"), speech("f")]
    timeline = build(rows, {"a": 1, "b": 2, "c": 3, "d": 4, "f": 1})
    assert places(timeline)["b"] == (1.5, 9.0)
    placed = next(one for one in timeline.placements if one.row == "b")
    assert placed.ducked and placed.distance == 1.0 and placed.bus == "effects"
    assert placed.segments[-1].offset + placed.segments[-1].n_samples == placed.n_samples


def test_starts_on_its_begin_and_end_let_a_bed_lead_in_and_ring_on() -> None:
    rows = [bed("x", "begin", start=-2), speech("a", start=2.5), bed("y", "end", start=3), speech("b")]
    timeline = build(rows, {"x": 60, "a": 4, "b": 1})
    assert places(timeline) == {"x": (0.5, 9.5), "a": (2.5, 6.5), "b": (7.0, 8.0)}
    assert timeline.n_samples == round(9.5 * RATE)  # the scene waits for its bed


def test_a_bed_keeps_within_the_scene_and_never_ends_before_it_begins() -> None:
    rows = [bed("x", "begin", start=-9), speech("a"), bed("y", "end", start=-9)]
    assert places(build(rows, {"x": 60, "a": 4}))["x"] == (0.0, 0.01)
    rows = [bed("x", "begin", start=9), speech("a"), bed("y", "end")]
    assert places(build(rows, {"x": 60, "a": 4}))["x"] == (3.99, 4.0)


def test_beds_may_overlap_one_another() -> None:
    rows = [bed("x", "begin", 1), speech("a"), bed("y", "begin", 2), speech("b"), bed("p", "end", 1), speech("c")]
    timeline = build([*rows, bed("q", "end", 2)], {"x": 60, "y": 60, "a": 1, "b": 1, "c": 1})
    assert places(timeline)["x"] == (0.0, 2.5)
    assert places(timeline)["y"] == (1.5, 4.0)


def test_a_bed_covers_a_long_row_that_a_later_short_one_overlaps() -> None:
    rows = [bed("x", "begin"), event("a"), event("b", start=-9), bed("y", "end")]
    assert places(build(rows, {"x": 1, "a": 10, "b": 1}))["x"] == (0.0, 10.0)


def test_a_bed_with_nothing_inside_takes_its_own_time_and_holds_back_what_follows() -> None:
    rows = [speech("a"), bed("x", "begin"), bed("y", "end"), speech("b")]
    timeline = build(rows, {"a": 1, "x": 4, "b": 1})
    assert places(timeline) == {"a": (0, 1), "x": (1, 5), "b": (5.5, 6.5)}
    assert [(fault.row, fault.column) for fault in timeline.warnings] == [("x", "action")]


def test_a_scene_of_beds_alone_is_as_long_as_they_are() -> None:
    rows = [bed("x", "begin", 1), bed("y", "begin", 2, duration=9), bed("p", "end", 1), bed("q", "end", 2)]
    timeline = build(rows, {"x": 4, "y": 2})
    assert places(timeline) == {"x": (0, 4), "y": (0, 9)}
    assert timeline.n_samples == 9 * RATE


def test_a_bed_around_one_that_holds_time_covers_it() -> None:
    rows = [bed("o", "begin", 1), bed("x", "begin", 2), bed("y", "end", 2), speech("a"), bed("p", "end", 1)]
    timeline = build(rows, {"o": 1, "x": 4, "a": 2})
    assert places(timeline) == {"o": (0, 6.5), "x": (0, 4), "a": (4.5, 6.5)}


@pytest.mark.parametrize(("duration", "end_s"), [(2.0, 2.0), (50.0, 6.0)])
def test_a_bed_with_a_duration_plays_that_long_but_not_past_its_span(duration: float, end_s: float) -> None:
    rows = [bed("x", "begin", duration=duration), speech("a"), bed("y", "end")]
    assert places(build(rows, {"x": 3, "a": 6}))["x"] == (0.0, end_s)


def test_an_event_longer_than_its_duration_is_cut_with_a_fade() -> None:
    timeline = build(
        [event("a", duration=1.5), event("b", duration=9), speech("c", duration=0.1)], {"a": 4, "b": 2, "c": 2}
    )
    a, b, c = timeline.placements
    assert (a.n_samples, a.segments) == (72_000, (Segment(0, 0, 72_000),)) and a.fade_out_samples > 0
    assert (b.n_samples, b.fade_out_samples) == (96_000, 0)
    assert c.n_samples == 96_000


def test_the_gain_brings_the_clip_to_its_volume() -> None:
    clips = {"a": clip(1, -23.5), "b": clip(1, -90.0), "c": clip(1, float("-inf"))}
    timeline = build_timeline(script_of([speech("a"), speech("b"), speech("c")]), clips, DRY)
    assert [one.gain_db for one in timeline.placements] == [8.5, 40.0, 0.0]
    assert [(fault.row, fault.column) for fault in timeline.warnings] == [("b", "volume"), ("c", "volume")]


def test_short_spans_shorten_the_fades() -> None:
    rows = [bed("x", "begin"), event("a"), bed("y", "end")]
    placed = next(one for one in build(rows, {"x": 9, "a": 0.4}).placements if one.row == "x")
    assert placed.fade_in_samples == placed.fade_out_samples == round(0.1 * RATE)


def test_composed_music_follows_its_bars() -> None:
    music = {"type": "music", "layout": "background", "id": 1}
    rows = [
        {**music, "row": "m", "action": "begin", "description": "waltz"},
        speech("a"),
        {**music, "row": "n", "action": "end"},
    ]
    bars = tuple(range(0, 9 * RATE, 2 * RATE))
    clips = {"m": clip(12, n_channels=2, bars=bars, ending_sample=bars[-1]), "a": clip(40)}
    placed = build_timeline(script_of(rows), clips, DRY).placements[0]
    assert placed.bus == "music" and placed.n_samples == 40 * RATE
    last = placed.segments[-1]
    assert last.offset + last.n_samples == 40 * RATE
    assert {one.file_offset + one.fade_in_samples for one in placed.segments[1:]} <= {*bars}
    assert placed.fade_in_samples < 0.02 * RATE


def test_the_room_rings_out_after_the_last_row() -> None:
    dry, wet = (build([speech("a")], {"a": 2}, MixSettings(room=room)).n_samples for room in ("none", "hall"))
    assert dry == 2 * RATE and 1.5 * RATE < wet - dry <= 4 * RATE


def test_what_speech_or_beds_cover_is_told() -> None:
    quiet_event = event("b", start=-2, volume=-36)
    faults = build([speech("a"), quiet_event], {"a": 3, "b": 1}).warnings
    assert [fault.row for fault in faults] == ["b"] and "under the speech of row a" in faults[0].message
    rows = [bed("x", "begin", volume=-20), speech("a", volume=-40), event("e", volume=-31), bed("y", "end")]
    faults = build(rows, {"x": 3, "a": 2, "e": 1}).warnings
    assert [fault.row for fault in faults] == ["a", "e"] and "background of row x" in faults[0].message
    assert not build([speech("a"), event("b", start=-2, volume=-30)], {"a": 3, "b": 1}).warnings


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Script, dict[str, ClipFile], MixSettings]:
    rows: list[dict[str, object]] = []
    opened: dict[int, str] = {}
    for index in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(["speech", "event", "begin", "end"]))
        start = draw(st.one_of(st.none(), st.floats(-20, 20)))
        duration = draw(st.one_of(st.just("auto"), st.floats(0.001, 30)))
        if kind == "speech":
            rows.append(speech(f"r{index}", start=start))
        elif kind == "event":
            rows.append(event(f"r{index}", start=start, duration=duration))
        elif kind == "begin":
            number = draw(st.integers(1, 3))
            if number not in opened:
                opened[number] = f"r{index}"
                rows.append(bed(f"r{index}", "begin", number, duration=duration, start=start))
        elif opened:
            number = draw(st.sampled_from(sorted(opened)))
            del opened[number]
            rows.append(bed(f"r{index}", "end", number, start=start))
    rows += [bed(f"z{number}", "end", number) for number in opened]
    rows = rows or [speech("a")]
    script = script_of(rows)
    clips = {
        row.row: clip(draw(st.floats(0.0001, 12)), draw(st.floats(-80, -5)), draw(st.integers(1, 2)))
        for row in script.sounding()
        if draw(st.integers(0, 5))
    }
    return script, clips, MixSettings(room=draw(st.sampled_from(["none", "studio"])), fade_s=draw(st.floats(0, 3)))


@given(scenes())
@hypothesis_settings(max_examples=150, deadline=None)
def test_whatever_the_table_everything_lies_inside_the_scene(
    scene: tuple[Script, dict[str, ClipFile], MixSettings],
) -> None:
    script, clips, settings = scene
    clips = {row: one for row, one in clips.items() if one.n_samples}
    timeline = build_timeline(script, clips, settings)
    assert [one.row for one in timeline.placements] == [row.row for row in script.sounding() if row.row in clips]
    at = {one.row: one for one in timeline.placements}
    for one in timeline.placements:
        assert one.start_sample >= 0 and one.n_samples >= 1 and one.end_sample <= timeline.n_samples
        assert one.fade_in_samples + one.fade_out_samples <= one.n_samples
        for segment in one.segments:
            assert 0 <= segment.offset and segment.offset + segment.n_samples <= one.n_samples
            assert 0 <= segment.file_offset and segment.file_offset + segment.n_samples <= one.clip.n_samples
    order = {row.row: index for index, row in enumerate(script.rows)}
    for begin, end in script.spans().items():
        inside = [one for one in timeline.placements if order[begin] < order[one.row] < order[end] and not one.ducked]
        if begin in at and inside and not any(row.start for row in script.rows if row.row in (begin, end)):
            assert at[begin].start_sample <= inside[0].start_sample
            assert at[begin].end_sample <= max(one.end_sample for one in inside) or any(
                one.ducked for one in timeline.placements if order[begin] < order[one.row] < order[end]
            )
