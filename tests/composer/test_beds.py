from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.beds import JOIN_SAMPLES, RING_OUT_SAMPLES, SHORTEST_STEP_SAMPLES, Segment, arranged, cut, looped

SECOND = 48_000
BARS = tuple(range(0, 17 * SECOND, 2 * SECOND))  # eight bars of 2 s
ENDING = 16 * SECOND
LENGTH = 22 * SECOND  # the ending lasts 6 s


def heard_at(segments: tuple[Segment, ...], sample: int) -> list[int]:
    """The places of the clip that sound at a sample of the placement."""
    return [
        one.file_offset + sample - one.offset for one in segments if one.offset <= sample < one.offset + one.n_samples
    ]


def test_a_clip_longer_than_its_span_is_cut() -> None:
    assert cut(100, 60) == (Segment(0, 0, 60),)
    assert cut(60, 100) == (Segment(0, 0, 60),)


@given(clip=st.integers(1, 30 * SECOND), span=st.integers(1, 300 * SECOND), crossfade=st.integers(0, 40 * SECOND))
def test_loops_fill_the_span_exactly_and_overlap_by_their_crossfade(clip: int, span: int, crossfade: int) -> None:
    segments = looped(clip, span, crossfade)
    assert segments[0].offset == 0 and segments[0].fade_in_samples == 0
    assert segments[-1].fade_out_samples == 0
    assert max(one.offset + one.n_samples for one in segments) <= span
    for one in segments:
        assert one.n_samples >= 1 and one.fade_in_samples + one.fade_out_samples <= max(one.n_samples, clip)
    for left, right in pairwise(segments):
        assert left.offset + left.n_samples - right.offset == right.fade_in_samples or clip < SHORTEST_STEP_SAMPLES
        assert left.fade_out_samples == right.fade_in_samples
    if clip >= 2 * SHORTEST_STEP_SAMPLES:
        assert segments[-1].offset + segments[-1].n_samples == span


def test_a_tiny_clip_does_not_become_a_million_segments() -> None:
    assert len(looped(10, 3_600 * SECOND, SECOND)) <= 3_600 * SECOND // SHORTEST_STEP_SAMPLES + 1


@given(span=st.integers(6 * SECOND, 900 * SECOND))
def test_music_ends_with_its_span_on_a_bar_line(span: int) -> None:
    segments = arranged(LENGTH, BARS, ENDING, span)
    assert segments is not None
    last = segments[-1]
    assert last.offset + last.n_samples == span
    left = span - last.offset - (ENDING - last.file_offset)
    assert 4 * SECOND <= left <= 6 * SECOND  # no more than a bar is missing
    assert left >= RING_OUT_SAMPLES


@given(span=st.integers(6 * SECOND, 200 * SECOND))
def test_the_beat_never_stumbles(span: int) -> None:
    """Everywhere outside the joins one place of the clip sounds, and its place in the bar is that of the timeline."""
    segments = arranged(LENGTH, BARS, ENDING, span)
    assert segments is not None
    for sample in range(0, span, 7_919):
        places = heard_at(segments, sample)
        assert len(places) in (1, 2)
        assert all((place - sample) % (2 * SECOND) == 0 for place in places)


def test_joins_lie_before_the_bar_line() -> None:
    segments = arranged(LENGTH, BARS[1:], ENDING, 60 * SECOND)
    assert segments is not None and len(segments) > 2
    for left, right in pairwise(segments):
        assert left.fade_out_samples == right.fade_in_samples == JOIN_SAMPLES
        bar_line = right.offset + right.fade_in_samples
        assert left.offset + left.n_samples == bar_line
        assert right.file_offset + right.fade_in_samples in (*BARS, ENDING)


def test_a_span_as_long_as_the_piece_plays_it_straight() -> None:
    assert arranged(LENGTH, BARS, ENDING, LENGTH) == (Segment(0, 0, LENGTH),)


@pytest.mark.parametrize("span", [1, SECOND, 6 * SECOND - 1])
def test_a_span_shorter_than_the_ending_has_no_arrangement(span: int) -> None:
    assert arranged(LENGTH, BARS, ENDING, span) is None


def test_music_with_a_single_bar_line_is_not_stretched() -> None:
    assert arranged(LENGTH, (0,), ENDING, 100 * SECOND) is None
    assert arranged(LENGTH, (0, 10), ENDING, 100 * SECOND) is None
