"""Moments as the clock times that captions and chapters are written in.

Conventions: a moment is a sample of the scene; a clock time has whole milliseconds, the nearest, so it is at most half
a millisecond (24 samples at 48 kHz) off.
"""

from __future__ import annotations


def milliseconds(sample: int, sample_rate: int) -> int:
    """The nearest whole millisecond; halves go up."""
    return (2000 * sample + sample_rate) // (2 * sample_rate)


def clock(sample: int, sample_rate: int, point: str) -> str:
    """hh:mm:ss and three digits after `point`."""
    return clock_of_ms(milliseconds(sample, sample_rate), point)


def clock_of_ms(moment_ms: int, point: str) -> str:
    """hh:mm:ss and three digits after `point`."""
    seconds, thousandths = divmod(moment_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{thousandths:03d}"


def short_clock(sample: int, sample_rate: int) -> str:
    """m:ss or h:mm:ss, for people: the second that has begun."""
    seconds = sample // sample_rate
    hours = f"{seconds // 3600}:" if seconds >= 3600 else ""
    return f"{hours}{seconds // 60 % 60:0{2 if hours else 1}d}:{seconds % 60:02d}"
