"""SubRip captions: a change of speaker before the words, sounds in brackets.

Placement: SRT has whole milliseconds; a row's first caption begins within half of one, 24 samples, of the row.
"""

from __future__ import annotations

from pathlib import Path

from composer.exports.captions import cues_of
from composer.exports.clock import clock_of_ms
from composer.exports.rendered import Rendered
from composer.files import write_atomically


def export_srt(rendered: Rendered, path: Path) -> None:
    """Writes the captions as SRT: UTF-8, CRLF line ends. Raises SceneInvalid when a clip cannot be read."""
    written = []
    for number, cue in enumerate(cues_of(rendered, named=True), start=1):
        times = f"{clock_of_ms(cue.start_ms, ',')} --> {clock_of_ms(cue.end_ms, ',')}"
        written.append("\r\n".join((str(number), times, *cue.lines)) + "\r\n")
    write_atomically(path, "\r\n".join(written))
