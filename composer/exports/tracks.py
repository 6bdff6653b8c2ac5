"""Tracks of a studio session: one for each speaker, then effects, ambience and music, in lanes without overlaps.

Conventions: colours are "#rrggbb". Ducked rows never share a track with others, so that a track's volume can follow the
speech as in the mix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from composer.exports.rendered import Rendered, RenderedRow
from composer.timeline import Bus

BUS_NAMES: dict[Bus, str] = {"speech": "Speech bus", "effects": "Effects bus", "music": "Music bus"}
MAX_NAME = 100
VOICES = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#56b4e9", "#b8860b")
EFFECTS, AMBIENCE, MUSIC = "#e69f00", "#44789a", "#6a3d9a"
"""After Okabe and Ito's colours, which the colour-blind tell apart."""


@dataclass(frozen=True)
class SessionTrack:
    """Rows one after another, none overlapping the next."""

    name: str
    colour: str
    bus: Bus
    ducked: bool
    rows: tuple[RenderedRow, ...]


def tracks_of(rendered: Rendered) -> list[SessionTrack]:
    """The tracks bus by bus; rows of one kind that sound at once get a track more."""
    speakers = list(dict.fromkeys(row.speaker for row in rendered.rows if row.placement.bus == "speech"))
    kinds: list[tuple[str, str, Bus, list[RenderedRow]]] = [
        (
            speaker[:MAX_NAME] or "Nobody",
            VOICES[number % len(VOICES)],
            "speech",
            [row for row in rendered.rows if row.placement.bus == "speech" and row.speaker == speaker],
        )
        for number, speaker in enumerate(speakers)
    ]
    others: tuple[tuple[str, str, Bus, bool], ...] = (
        ("Effects", EFFECTS, "effects", False),
        ("Ambience", AMBIENCE, "effects", True),
        ("Music", MUSIC, "music", False),
        ("Music beds", MUSIC, "music", True),
    )
    for name, colour, bus, ducked in others:
        own = [row for row in rendered.rows if (row.placement.bus, row.placement.ducked) == (bus, ducked)]
        kinds.append((name, colour, bus, own))
    return [
        SessionTrack(f"{name} {number}" if number > 1 else name, colour, bus, lane[0].placement.ducked, lane)
        for name, colour, bus, own in kinds
        for number, lane in enumerate(_lanes(own), start=1)
    ]


def _lanes(rows: Sequence[RenderedRow]) -> list[tuple[RenderedRow, ...]]:
    """Rows in the fewest lanes in which none overlaps another."""
    lanes: list[list[RenderedRow]] = []
    for row in sorted(rows, key=lambda row: row.start_sample):
        free = next((lane for lane in lanes if lane[-1].end_sample <= row.start_sample), None)
        if free is None:
            lanes.append([row])
        else:
            free.append(row)
    return [tuple(lane) for lane in lanes]


def by_bus(tracks: Sequence[SessionTrack]) -> list[tuple[Bus, list[SessionTrack]]]:
    """The buses that have tracks, with them."""
    return [(bus, own) for bus in BUS_NAMES if (own := [track for track in tracks if track.bus == bus])]
