"""Reaper project: the scene's own clips as items on tracks by character and bus, with gains, fades, pans and colours.

What the mix does is all there to be changed: a looped or joined bed is one item for each piece, grouped, with the mix's
crossfades; beds follow the speech by a volume envelope; the master has the scene's gain. The room and the limiter are
not. Fades have Reaper's shape 1, a parabola, the nearest it has to the mix's equal power; a stereo clip off the middle
is panned as a balance, where the mix moves one side over.

Placement: seconds with 15 decimals; items begin and end on the manifest's samples: 0 samples of error. Clips are named
by their path from the project's folder, so that the scene folder can be moved as a whole.

Source: the chunks are as Cockos' "State Chunk Definitions" describe them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from composer.beds import Segment
from composer.exports.chapters import chapters_of
from composer.exports.envelope import duck_points
from composer.exports.rendered import Rendered, RenderedRow
from composer.exports.tracks import BUS_NAMES, by_bus, tracks_of
from composer.exports.whole import whole_file

MONO_PAN_LAW = sqrt(0.5)
"""A mono clip in the middle is 3 dB down on each side, as in the mix; a stereo clip is not."""
FADE_SHAPE = 1


def export_rpp(rendered: Rendered, path: Path) -> None:
    """Writes the project. Raises SceneInvalid when a clip cannot be read."""
    with whole_file(path) as file:
        for line in _project(rendered, path.parent):
            file.write((line + "\n").encode("utf-8", "replace"))


def _project(rendered: Rendered, folder: Path) -> Iterator[str]:
    rate = rendered.sample_rate
    yield '<REAPER_PROJECT 0.1 "7.0" 0'
    yield from ("  RIPPLE 0", "  AUTOXFADE 0", "  PANLAW 1", "  PROJOFFS 0 0 0", "  TIMEMODE 0 5 -1 30 0 0 -1")
    yield from (f"  TITLE {_quoted(rendered.title)}", "  PANMODE 3", f"  SAMPLERATE {rate} 1 0", "  TEMPO 120 4 4")
    yield f"  MASTER_VOLUME {_number(10.0 ** (rendered.master_gain_db / 20.0))} 0 -1 -1 1"
    for number, chapter in enumerate(chapters_of(rendered), start=1):
        yield f"  MARKER {number} {_seconds(chapter.start_sample, rate)} {_quoted(chapter.title)} 0"
    points = duck_points(rendered)
    groups = {row.row: number for number, row in enumerate(rendered.rows, start=1)}
    for bus, tracks in by_bus(tracks_of(rendered)):
        yield from _track_head(rendered, BUS_NAMES[bus], "#808080", "1 1")
        yield "  >"
        for track in tracks:
            is_last = track is tracks[-1]
            yield from _track_head(rendered, track.name, track.colour, "2 -1" if is_last else "0 0")
            if track.ducked and points:
                yield from _envelope(rendered, track.name, points)
            for row in track.rows:
                yield from _items(rendered, row, folder, groups[row.row])
            yield "  >"
    yield ">"


def _track_head(rendered: Rendered, name: str, colour: str, folding: str) -> Iterator[str]:
    guid = _guid(rendered, f"track {name}")
    yield f"  <TRACK {guid}"
    yield f"    NAME {_quoted(name)}"
    yield f"    PEAKCOL {_colour(colour)}"
    yield from ("    VOLPAN 1 0 -1 -1 1", "    MUTESOLO 0 0 0", f"    ISBUS {folding}", "    NCHAN 2")
    yield from (f"    TRACKID {guid}", "    MAINSEND 1 0")


def _envelope(rendered: Rendered, name: str, points: Sequence[tuple[int, float]]) -> Iterator[str]:
    yield "    <VOLENV2"
    yield f"      EGUID {_guid(rendered, f'envelope {name}')}"
    yield from ("      ACT 1 -1", "      VIS 1 1 1", "      LANEHEIGHT 0 0", "      ARM 0", "      DEFSHAPE 0 -1 -1")
    for sample, gain in points:
        yield f"      PT {_seconds(sample, rendered.sample_rate)} {_number(gain)} 0"
    yield "    >"


def _items(rendered: Rendered, row: RenderedRow, folder: Path, group: int) -> Iterator[str]:
    """One item for each piece of the row; the row's own fades lie on its first and last piece."""
    placement, rate = row.placement, rendered.sample_rate
    law = MONO_PAN_LAW if placement.clip.n_channels == 1 else 1.0
    gain = 10.0 ** (placement.gain_db / 20.0)
    for number, segment in enumerate(placement.segments):
        fade_in, fade_out = _fades(row, segment, number)
        yield "    <ITEM"
        yield f"      POSITION {_seconds(row.start_sample + segment.offset, rate)}"
        yield f"      LENGTH {_seconds(segment.n_samples, rate)}"
        yield from ("      LOOP 0", "      ALLTAKES 0")
        for name, samples in (("FADEIN", fade_in), ("FADEOUT", fade_out)):
            shape = FADE_SHAPE if samples else 0
            yield f"      {name} {shape} {_seconds(samples, rate)} 0 {shape} 0 0 0"
        yield "      MUTE 0 0"
        if len(placement.segments) > 1:
            yield f"      GROUP {group}"
        yield f"      IGUID {_guid(rendered, f'item {row.row}/{number}')}"
        yield f"      NAME {_quoted(f'{row.row} {row.label}')}"
        yield f"      VOLPAN 1 {_number(placement.pan)} {_number(gain)} {_number(law)}"
        yield f"      SOFFS {_seconds(segment.file_offset, rate)}"
        yield from ("      PLAYRATE 1 1 0 -1 0 0.0025", "      CHANMODE 0")
        yield f"      GUID {_guid(rendered, f'take {row.row}/{number}')}"
        yield from ("      <SOURCE WAVE", f"        FILE {_quoted(row.clip_path_from(folder))}", "      >", "    >")


def _fades(row: RenderedRow, segment: Segment, number: int) -> tuple[int, int]:
    """In samples: those of the joins, and at the row's own ends its fades as far as the piece holds them."""
    placement = row.placement
    fade_in, fade_out = segment.fade_in_samples, segment.fade_out_samples
    if number == 0:
        fade_in = min(max(fade_in, placement.fade_in_samples), segment.n_samples)
    if number == len(placement.segments) - 1:
        fade_out = min(max(fade_out, placement.fade_out_samples), segment.n_samples)
    return fade_in, fade_out


def _seconds(samples: int, rate: int) -> str:
    return _number(samples / rate)


def _number(value: float) -> str:
    """Without an exponent, which Reaper does not read."""
    return f"{value:.15f}".rstrip("0").rstrip(".") or "0"


def _quoted(text: str) -> str:
    """Text in whichever quotes it does not hold itself, in one line."""
    line = " ".join(text.split())
    quote = next((mark for mark in "\"'`" if mark not in line), None)
    return f"{quote}{line}{quote}" if quote else "`" + line.replace("`", "'") + "`"


def _colour(colour: str) -> int:
    """Reaper's number of a colour: blue, green, red from the highest byte, and a bit that says that it is set."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0x1000000 | blue << 16 | green << 8 | red


def _guid(rendered: Rendered, name: str) -> str:
    """The same at every export."""
    return "{" + str(uuid5(NAMESPACE_URL, f"talescape:{rendered.name}/{name}")).upper() + "}"
