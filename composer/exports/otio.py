"""OpenTimelineIO: the scene's own clips on audio tracks, in samples; written as JSON without the library.

A looped or joined bed is a clip for each piece, with a transition over the mix's crossfade. The format knows neither
gain nor pan nor fades at ends: they stand in each clip's metadata under "talescape".

Placement: every time is a whole number of samples at the scene's rate: 0 samples of error. Clips are named by their
path from the file's folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from composer.exports.chapters import chapters_of
from composer.exports.rendered import Rendered, RenderedRow
from composer.exports.tracks import SessionTrack, tracks_of
from composer.exports.whole import whole_file

Json = dict[str, object]


def export_otio(rendered: Rendered, path: Path) -> None:
    """Writes the timeline, an item a line."""
    told = {
        "master_gain_db": rendered.master_gain_db,
        "loudness_lufs": rendered.receipt.loudness_lufs,
        "duck_db": rendered.receipt.mix.duck_db,
        "room": rendered.receipt.mix.room,
    }
    timeline: Json = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": rendered.title,
        "global_start_time": _time(0, rendered.sample_rate),
        "metadata": {"talescape": told},
    }
    with whole_file(path) as file:

        def write(text: str) -> None:
            file.write(text.encode("utf-8", "replace"))

        stack = _item("Stack.1", "tracks", markers=_markers(rendered))
        write(f'{_opened(timeline)}"tracks": {_opened(stack)}"children": [\n')
        for number, track in enumerate(tracks_of(rendered)):
            own = _item("Track.1", track.name, kind="Audio", metadata={"bus": track.bus})
            write(f'{"," if number else ""}{_opened(own)}"children": [\n')
            for item_number, item in enumerate(_items(rendered, track, path.parent)):
                write(f"{',' if item_number else ''}{_json(item)}\n")
            write("]}\n")
        write("]}}\n")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _opened(item: Json) -> str:
    """An object to which something is to be added."""
    return _json(item)[:-1] + ", "


def _markers(rendered: Rendered) -> list[Json]:
    return [
        {
            "OTIO_SCHEMA": "Marker.2",
            "name": chapter.title,
            "color": "GREEN",
            "marked_range": _range(
                chapter.start_sample, chapter.end_sample - chapter.start_sample, rendered.sample_rate
            ),
            "comment": "",
            "metadata": {},
        }
        for chapter in chapters_of(rendered)
    ]


def _items(rendered: Rendered, track: SessionTrack, folder: Path) -> Iterator[Json]:
    """Clips one after another with gaps between; a transition stands before the clip that it leads to."""
    rate = rendered.sample_rate
    cursor = 0
    for row in track.rows:
        for number, segment in enumerate(row.placement.segments):
            begin = row.start_sample + segment.offset + segment.fade_in_samples
            if begin > cursor:
                yield _item("Gap.1", "", source_range=_range(0, begin - cursor, rate))
            if segment.fade_in_samples:
                yield {
                    "OTIO_SCHEMA": "Transition.1",
                    "name": "crossfade",
                    "transition_type": "SMPTE_Dissolve",
                    "in_offset": _time(segment.fade_in_samples, rate),
                    "out_offset": _time(0, rate),
                    "metadata": {},
                }
            n_samples = segment.n_samples - segment.fade_in_samples
            own = _range(segment.file_offset + segment.fade_in_samples, n_samples, rate)
            yield _clip(row, number, own, rate, folder)
            cursor = begin + n_samples


def _clip(row: RenderedRow, number: int, own: Json, rate: int, folder: Path) -> Json:
    placement = row.placement
    reference = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": "",
        "target_url": quote(row.clip_path_from(folder)),
        "available_range": _range(0, placement.clip.n_samples, rate),
        "available_image_bounds": None,
        "metadata": {},
    }
    told = {
        "row": row.row,
        "piece": number,
        "type": row.receipt.type,
        "character": row.receipt.character,
        "description": row.receipt.description,
        "gain_db": placement.gain_db,
        "pan": placement.pan,
        "fade_in_samples": placement.fade_in_samples,
        "fade_out_samples": placement.fade_out_samples,
        "licence": row.receipt.licence,
        "source": row.receipt.source,
    }
    return _item(
        "Clip.2",
        f"{row.row} {row.label}",
        source_range=own,
        media_references={"DEFAULT_MEDIA": reference},
        active_media_reference_key="DEFAULT_MEDIA",
        metadata=told,
    )


def _item(schema: str, name: str, *, metadata: Mapping[str, object] | None = None, **values: object) -> Json:
    """What every item of a timeline has, then its own."""
    common: Json = {"source_range": None, "effects": [], "markers": [], "enabled": True, "color": None}
    return {
        "OTIO_SCHEMA": schema,
        "name": name,
        "metadata": {"talescape": dict(metadata)} if metadata else {},
        **common,
        **values,
    }


def _time(samples: int, rate: int) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(samples)}


def _range(start_sample: int, n_samples: int, rate: int) -> Json:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start_sample, rate),
        "duration": _time(n_samples, rate),
    }
