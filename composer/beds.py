"""Cuts a clip to the length of a span: loops of steady sound, bars and ending of composed music.

Conventions: everything is in samples; a segment's offsets are relative to its clip and to its placement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

JOIN_SAMPLES = 1_440
"""30 ms: how long the two sides of a join in composed music overlap."""
RING_OUT_SAMPLES = 96_000
"""2 s: how much of an ending must be heard."""
SHORTEST_STEP_SAMPLES = 12_000
"""A loop comes around at most every 0.25 s, however short its clip."""


@dataclass(frozen=True)
class Segment:
    """A piece of a clip's file. Where two segments overlap, their fades are equal-power halves."""

    file_offset: int
    offset: int
    n_samples: int
    fade_in_samples: int = 0
    fade_out_samples: int = 0


def cut(clip_samples: int, span_samples: int) -> tuple[Segment, ...]:
    """The clip from its beginning, no longer than the span."""
    return (Segment(0, 0, min(clip_samples, span_samples)),)


def looped(clip_samples: int, span_samples: int, crossfade_samples: int) -> tuple[Segment, ...]:
    """The clip again and again until the span is full; each repeat crossfades with the one before."""
    crossfade = min(crossfade_samples, clip_samples // 2)
    step = clip_samples - crossfade
    if step < SHORTEST_STEP_SAMPLES:
        crossfade, step = 0, max(clip_samples, SHORTEST_STEP_SAMPLES)
    segments = []
    offset = 0
    while True:
        n_samples = min(clip_samples, span_samples - offset)
        is_last = offset + clip_samples >= span_samples or offset + step >= span_samples
        segments.append(Segment(0, offset, n_samples, crossfade if offset else 0, 0 if is_last else crossfade))
        if is_last:
            return tuple(segments)
        offset += step


def arranged(
    clip_samples: int, bars: Sequence[int], ending_sample: int, span_samples: int
) -> tuple[Segment, ...] | None:
    """Composed music over a span: the body as often as needed, the ending last. None when the span is too short.

    The body plays from 0; at its last bar line it goes back to the first. The jump to the ending is made at the bar
    line where the ending, as much of it as the span can hold and at least its ring-out, ends with the span.
    """
    route = _route(clip_samples, bars, ending_sample, span_samples)
    if route is None:
        return None
    pieces: list[tuple[int, int]] = []
    for begin, end in route:
        if pieces and pieces[-1][1] == begin:
            pieces[-1] = (pieces[-1][0], end)
        elif end > begin:
            pieces.append((begin, end))
    segments = []
    offset = 0
    for index, (begin, end) in enumerate(pieces):
        # The join lies before the bar line, so that the first note after it is whole.
        fade_in = min(JOIN_SAMPLES, begin, offset) if index else 0
        fade_out = min(JOIN_SAMPLES, end - begin) if index + 1 < len(pieces) else 0
        segments.append(Segment(begin - fade_in, offset - fade_in, end - begin + fade_in, fade_in, fade_out))
        offset += end - begin
    return tuple(segments)


def _route(
    clip_samples: int, bars: Sequence[int], ending_sample: int, span_samples: int
) -> list[tuple[int, int]] | None:
    """The stretches of the clip (begin, end) in the order in which they play, filling the span."""
    ending = clip_samples - ending_sample
    shortest = min(ending, RING_OUT_SAMPLES)
    if span_samples < ending:
        return None
    first, last = bars[0], bars[-1]
    loop = last - first
    if loop < SHORTEST_STEP_SAMPLES and span_samples > clip_samples:
        return None
    # The ways to reach the ending: off at this place of the clip, after this many times around the body.
    exits = sorted({*bars, ending_sample} - {0})
    n_loops = max(0, (span_samples - exits[0]) // loop + 1) if loop > 0 else 0
    found: tuple[int, int, int] | None = None  # (time of the jump, place in the clip, times around)
    for times in range(max(0, n_loops - 2 - (ending + last) // max(loop, 1)), n_loops + 1):
        for place in exits:
            time = place + times * loop
            left = span_samples - time
            if left < shortest:
                continue
            # Best is the earliest jump whose ending reaches the span's end; else the latest that is over before.
            if found is None or (left <= ending and (time < found[0] or span_samples - found[0] > ending)):
                found = time, place, times
            elif left > ending and span_samples - found[0] > ending and time > found[0]:
                found = time, place, times
    if found is None:
        return None
    time, place, times = found
    begins = [0] + [first] * times
    body = [(begin, last) for begin in begins[:-1]] + [(begins[-1], place)]
    return [*body, (ending_sample, min(clip_samples, ending_sample + span_samples - time))]
