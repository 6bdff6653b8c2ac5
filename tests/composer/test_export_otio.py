"""The OpenTimelineIO file, read by the library itself: every clip on its sample, every medium where it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import opentimelineio as otio
import pytest
from exporting import RATE, TITLE, joined, manifest_of, manifest_rows, toy_scene

from composer.exports.chapters import chapters_of
from composer.exports.export import export_scene
from composer.exports.otio import export_otio
from composer.exports.rendered import read_rendered
from composer.scene import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return toy_scene(tmp_path_factory.mktemp("otio"))


@pytest.fixture(scope="module")
def timeline(scene: Scene) -> otio.schema.Timeline:
    (path,) = export_scene(scene, ["otio"])
    return otio.adapters.read_from_file(str(path))


def samples(time: otio.opentime.RationalTime) -> int:
    assert time.rate == RATE and time.value == int(time.value)
    return int(time.value)


def ranges(timeline: otio.schema.Timeline) -> dict[str, list[tuple[int, int, otio.schema.Clip]]]:
    """Begin and end of the clips of each row, as the library works them out."""
    found: dict[str, list[tuple[int, int, otio.schema.Clip]]] = {}
    for clip in timeline.find_clips():
        placed = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
        begin = samples(placed.start_time)
        told = (begin, begin + samples(placed.duration), clip)
        found.setdefault(clip.metadata["talescape"]["row"], []).append(told)
    return found


def test_clips_cover_their_rows_to_the_sample(scene: Scene, timeline: otio.schema.Timeline) -> None:
    rows, found = manifest_rows(scene), ranges(timeline)
    assert sorted(found) == sorted(rows) and timeline.name == TITLE
    for key, pieces in found.items():
        assert pieces[0][0] == rows[key]["start_sample"]
        assert pieces[-1][1] == rows[key]["start_sample"] + rows[key]["n_samples"]
        assert all(end == begin for (_, end, _), (begin, _, _) in zip(pieces, pieces[1:], strict=False))
    assert max(len(pieces) for pieces in found.values()) > 1


def test_media_are_there_and_hold_what_is_used_of_them(scene: Scene, timeline: otio.schema.Timeline) -> None:
    for clip in timeline.find_clips():
        reference = clip.media_reference
        path = (scene.export_dir / unquote(reference.target_url)).resolve()
        assert path == (scene.folder / manifest_rows(scene)[clip.metadata["talescape"]["row"]]["clip"]).resolve()
        assert path.is_file() and not Path(unquote(reference.target_url)).is_absolute()
        used, there = clip.source_range, samples(reference.available_range.duration)
        assert 0 <= samples(used.start_time) < samples(used.end_time_exclusive()) <= there


def test_loops_cross_over_by_transitions_that_have_their_handles(scene: Scene, timeline: otio.schema.Timeline) -> None:
    segments = {row.row: row.placement.segments for row in read_rendered(scene).rows}
    n_transitions = 0
    for track in timeline.audio_tracks():
        for before, item, after in zip(track, track[1:], track[2:], strict=False):
            if isinstance(item, otio.schema.Transition):
                told = after.metadata["talescape"]
                wanted = segments[told["row"]][told["piece"]].fade_in_samples
                assert samples(item.in_offset) == wanted and samples(item.out_offset) == 0
                assert samples(after.source_range.start_time) >= wanted  # its handle
                assert samples(before.source_range.duration) >= wanted
                n_transitions += 1
    assert n_transitions == sum(segment.fade_in_samples > 0 for each in segments.values() for segment in each) > 0


def test_pieces_from_the_middle_of_a_clip_begin_there(scene: Scene, tmp_path: Path) -> None:
    rendered = joined(read_rendered(scene))
    export_otio(rendered, tmp_path / "joined.otio")
    read = otio.adapters.read_from_file(str(tmp_path / "joined.otio"))
    pieces = ranges(read)["r01"]
    assert [(begin, samples(clip.source_range.start_time)) for begin, _, clip in pieces] == [
        (3, 2_001), (3 + 38_560 + 1_440, 70_007 + 1_440),
    ]  # fmt: skip
    row = manifest_rows(scene)["r01"]
    assert row["start_sample"] == 3 and pieces[-1][1] == 3 + row["n_samples"]


def test_what_follows_a_looped_bed_on_its_track_stands_on_its_sample(scene: Scene, tmp_path: Path) -> None:
    rendered = read_rendered(scene)
    bed = next(row for row in rendered.rows if len(row.placement.segments) > 1)
    begin = bed.end_sample + 1_234
    later = replace(bed, receipt=bed.receipt.model_copy(update={"row": "x1", "start_sample": begin}))
    export_otio(replace(rendered, rows=(bed, later)), tmp_path / "two.otio")
    pieces = ranges(otio.adapters.read_from_file(str(tmp_path / "two.otio")))["x1"]
    assert (pieces[0][0], pieces[-1][1]) == (begin, begin + bed.n_samples)


def test_tracks_are_audio_and_what_the_format_cannot_say_is_metadata(
    scene: Scene, timeline: otio.schema.Timeline
) -> None:
    assert [track.name for track in timeline.audio_tracks()] == [
        "Ann & Söhne", "Bob", "Cy", "Effects", "Ambience", "Music", "Music beds",
    ]  # fmt: skip
    assert len(timeline.tracks) == 7
    rows = manifest_rows(scene)
    for clip in timeline.find_clips():
        told, row = clip.metadata["talescape"], rows[clip.metadata["talescape"]["row"]]
        assert told["gain_db"] == pytest.approx(row["gain_db"], abs=0.0006) and told["pan"] == row["pan"]
        assert (told["character"], told["description"]) == (row["character"], row["description"])
    assert timeline.metadata["talescape"]["master_gain_db"] == manifest_of(scene)["mix"]["master_gain_db"]
    assert samples(timeline.global_start_time) == 0


def test_chapters_are_markers(scene: Scene, timeline: otio.schema.Timeline) -> None:
    found = [
        (samples(each.marked_range.start_time), samples(each.marked_range.duration), each.name)
        for each in timeline.tracks.markers
    ]
    wanted = chapters_of(read_rendered(scene))
    assert found == [(each.start_sample, each.end_sample - each.start_sample, each.title) for each in wanted]


def test_the_library_writes_it_again_without_a_change(timeline: otio.schema.Timeline) -> None:
    again = otio.adapters.read_from_string(otio.adapters.write_to_string(timeline, "otio_json"), "otio_json")
    assert again.is_equivalent_to(timeline)
