"""Captions of a scene in time: who says what, and sounds in brackets; SRT and WebVTT are written from them.

Placement: a row's first caption begins with the row, rounded to the nearest millisecond that these formats have (at
most 24 samples off). Where a row is split, the border lies in the pause of its clip that is nearest to where its
letters let expect it. A caption ends when its row does; or later, into silence, so that it can be read (20 characters a
second, 5/6 s at least, 7 s at most); or two frames before the next. Rows that sound at once have captions at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from composer.exports.caption_text import LONGEST_S, READING_SPEED, SHORTEST_S, Caption, captions_of, width
from composer.exports.clock import milliseconds
from composer.exports.placed import placed_blocks
from composer.exports.rendered import Rendered, RenderedRow

GAP_MS = 84
"""Two frames of film between captions."""
CHAINED_MS = 500
"""Captions nearer to one another than this are brought together."""
SOUND_S = 3.0
"""How long the caption of a sound stands at most."""
FRAME_SAMPLES = 480
PAUSE_FRAMES = 6
PAUSE_DB = -35.0
"""A pause is 60 ms or more that are this much below the loudest 10 ms of the clip."""
PAUSE_REACH_S = 0.8
MAX_NAME = 24


@dataclass(frozen=True)
class Cue:
    """One caption; times in milliseconds of the scene. `speaker` is empty for a sound."""

    row: str
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str


def cues_of(rendered: Rendered, *, named: bool) -> list[Cue]:
    """All captions by their begin; with `named`, a change of speaker is told in the text.

    Raises SceneInvalid when a clip cannot be read.
    """
    rate = rendered.sample_rate
    cues: list[Cue] = []
    last_speaker = ""
    for row in sorted(rendered.rows, key=lambda row: row.start_sample):
        if row.receipt.type == "speech":
            is_new = named and row.speaker != last_speaker
            last_speaker = row.speaker
            cues += _spoken(row, rate, _short(row.speaker) + ":" if is_new else "")
        else:
            end = min(row.end_sample, row.start_sample + round(SOUND_S * rate))
            lines = _sound_lines(row)
            cues.append(Cue(row.row, milliseconds(row.start_sample, rate), milliseconds(end, rate), lines, ""))
    cues.sort(key=lambda cue: (cue.start_ms, cue.speaker != ""))
    return _fitted(cues, milliseconds(rendered.n_samples, rate))


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def _sound_lines(row: RenderedRow) -> tuple[str, ...]:
    """The words in brackets, as far as two lines hold them; music behind a note."""
    words = row.receipt.words.rstrip(".") or row.receipt.type.replace("_", " ")
    note = "♪ " if row.receipt.type == "music" else ""
    captions = captions_of(f"[{note}{words}]", duration_s=SOUND_S)
    lines = captions[0].lines
    return lines if len(captions) == 1 else (*lines[:-1], lines[-1].rstrip(" ,;:") + "…]")


def _spoken(row: RenderedRow, rate: int, prefix: str) -> list[Cue]:
    captions = captions_of(row.receipt.words, duration_s=row.n_samples / rate, prefix=prefix)
    begins = [row.start_sample]
    if len(captions) > 1:
        begins += [row.start_sample + at for at in _borders(row, captions)]
    ends = [*begins[1:], row.end_sample]
    return [
        Cue(row.row, milliseconds(begin, rate), milliseconds(end, rate), caption.lines, row.speaker)
        for begin, end, caption in zip(begins, ends, captions, strict=True)
    ]


def _borders(row: RenderedRow, captions: Sequence[Caption]) -> list[int]:
    """Where captions after the first begin, in samples of the row."""
    levels = _levels(row)
    sounding = np.flatnonzero(levels > levels.max() * 10.0 ** (PAUSE_DB / 10.0)) if len(levels) else np.zeros(0)
    if not len(sounding):
        return [round(caption.begin * row.n_samples) for caption in captions[1:]]
    first, last = int(sounding[0]), int(sounding[-1]) + 1
    gaps = np.flatnonzero(np.diff(sounding) > PAUSE_FRAMES)
    pauses = [(int(sounding[gap]) + 1, int(sounding[gap + 1])) for gap in gaps]
    reach = PAUSE_REACH_S * 100.0
    found: list[int] = []
    at, share = float(first), 0.0
    for caption in captions[1:]:
        expected = at + (last - at) * (caption.begin - share) / max(1.0 - share, 1e-9)
        near = [pause for pause in pauses if pause[0] > at and abs(sum(pause) / 2.0 - expected) < reach]
        if caption.follows_pause and near:
            expected = min(near, key=lambda pause: abs(sum(pause) / 2.0 - expected) - (pause[1] - pause[0]))[1]
        at, share = float(min(max(expected, at), last)), caption.begin
        found.append(min(round(at * FRAME_SAMPLES), row.n_samples))
    return found


def _levels(row: RenderedRow) -> NDArray[np.float64]:
    """Mean square of each 10 ms of the row."""
    levels = []
    for block in placed_blocks(row, gain=False, fades=False):
        n_frames = -(-block.shape[1] // FRAME_SAMPLES)
        padded = np.zeros((block.shape[0], n_frames * FRAME_SAMPLES), dtype=np.float64)
        padded[:, : block.shape[1]] = block
        levels.append(np.mean(padded.reshape(len(block), n_frames, FRAME_SAMPLES) ** 2, axis=(0, 2)))
    return np.concatenate(levels)


def _fitted(cues: Sequence[Cue], end_ms: int) -> list[Cue]:
    """Captions given time to be read where nothing else stands, and a gap where another follows closely."""
    fitted = []
    for number, cue in enumerate(cues):
        later = [other.start_ms for other in cues[number + 1 : number + 20] if other.start_ms > cue.start_ms]
        limit_ms = min(later) - GAP_MS if later else end_ms
        stop = cue.end_ms
        if not cue.speaker and limit_ms - cue.start_ms >= 1000.0 * SHORTEST_S:
            stop = min(stop, limit_ms)  # a sound gives way to what follows it
        if stop <= limit_ms + GAP_MS:
            stop = max(stop, min(cue.start_ms + _reading_ms(cue), limit_ms))
            chained = limit_ms if later else stop
            if stop > limit_ms or (chained - stop < CHAINED_MS and chained - cue.start_ms <= 1000.0 * LONGEST_S):
                stop = chained
        elif not cue.speaker:
            stop = max(stop, cue.start_ms + round(1000.0 * SHORTEST_S))
        fitted.append(replace(cue, end_ms=max(cue.start_ms + 1, stop)))
    return fitted


def _reading_ms(cue: Cue) -> int:
    """How long a caption should stand to be read."""
    n_letters = sum(width(line) for line in cue.lines)
    return round(1000.0 * min(LONGEST_S, max(SHORTEST_S, n_letters / READING_SPEED)))
