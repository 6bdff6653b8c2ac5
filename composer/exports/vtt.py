"""WebVTT captions: speakers as voice tags, sounds in brackets at the top of the picture, row keys as identifiers.

Placement: WebVTT has whole milliseconds; a row's first caption begins within half of one, 24 samples, of the row.
"""

from __future__ import annotations

from pathlib import Path

from composer.exports.captions import Cue, cues_of
from composer.exports.clock import clock_of_ms
from composer.exports.rendered import Rendered
from composer.files import write_atomically

MAX_VOICE = 200


def export_vtt(rendered: Rendered, path: Path) -> None:
    """Writes the captions as WebVTT. Raises SceneInvalid when a clip cannot be read."""
    cues = cues_of(rendered, named=False)
    counts: dict[str, int] = {}
    blocks = ["WEBVTT\n"]
    for cue in cues:
        counts[cue.row] = counts.get(cue.row, 0) + 1
        times = f"{clock_of_ms(cue.start_ms, '.')} --> {clock_of_ms(cue.end_ms, '.')}"
        place = "" if cue.speaker else " line:0"
        blocks.append(f"{cue.row}-{counts[cue.row]}\n{times}{place}\n{_payload(cue)}\n")
    write_atomically(path, "\n".join(blocks))


def _payload(cue: Cue) -> str:
    text = "\n".join(_escaped(line) for line in cue.lines)
    return f"<v {_escaped(cue.speaker[:MAX_VOICE])}>{text}" if cue.speaker else text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
