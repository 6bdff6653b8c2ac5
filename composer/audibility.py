"""Finds rows that nobody will hear because something louder sounds at the same time.

Conventions: volumes are target loudness in LUFS; positions are in samples.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10

from composer.faults import Fault

UNDER_SPEECH_LU = 20.0
UNDER_BEDS_LU = 10.0
"""An event this far under what covers it is not heard: beds are steady and easier to hear through than they mask."""


@dataclass(frozen=True)
class Heard:
    """What audibility needs to know of a placement."""

    row: str
    bus: str
    start_sample: int
    end_sample: int
    volume_lufs: float
    is_bed: bool


def inaudible_rows(heard: Sequence[Heard], duck_db: float) -> list[Fault]:
    """A warning for each foreground row that is covered for more than half of its time."""
    speech = _Sorted(one for one in heard if one.bus == "speech")
    beds = _Sorted(one for one in heard if one.is_bed)
    faults = []
    for one in heard:
        if one.is_bed:
            continue
        covers = speech.covering(one) if one.bus != "speech" else []
        loudest = max(covers, key=lambda other: other.volume_lufs, default=None)
        if loudest is not None and one.volume_lufs <= loudest.volume_lufs - UNDER_SPEECH_LU:
            faults.append(
                _warning(one, f"{loudest.volume_lufs - one.volume_lufs:.0f} LU under the speech of row {loudest.row}")
            )
            continue
        under = beds.covering(one)
        if not under:
            continue
        bed_lufs = 10.0 * log10(sum(10.0 ** (other.volume_lufs / 10.0) for other in under))
        bed_lufs -= duck_db if one.bus == "speech" or loudest is not None else 0.0
        if one.volume_lufs <= bed_lufs - UNDER_BEDS_LU:
            names = ", ".join(other.row for other in under[:4])
            faults.append(_warning(one, f"{bed_lufs - one.volume_lufs:.0f} LU under the background of row {names}"))
    return faults


class _Sorted:
    """Placements by their start, so that only neighbours in time are compared."""

    def __init__(self, heard: Iterable[Heard]) -> None:
        self._heard = sorted(heard, key=lambda one: one.start_sample)
        self._starts = [one.start_sample for one in self._heard]
        self._longest = max((one.end_sample - one.start_sample for one in self._heard), default=0)

    def covering(self, one: Heard) -> list[Heard]:
        first = bisect_left(self._starts, one.start_sample - self._longest)
        last = bisect_left(self._starts, one.end_sample)
        return [other for other in self._heard[first:last] if _covers(other, one)]


def _covers(other: Heard, one: Heard) -> bool:
    shared = min(other.end_sample, one.end_sample) - max(other.start_sample, one.start_sample)
    return shared * 2 > one.end_sample - one.start_sample


def _warning(one: Heard, why: str) -> Fault:
    return Fault(one.row, "volume", f"{one.volume_lufs:g} will not be heard: it is {why}; raise it", "warning")
