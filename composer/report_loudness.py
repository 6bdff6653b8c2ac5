"""The loudness of a finished file, measured anew from its samples: what the report tells and the picture draws.

Conventions: a hop is 100 ms (HOP samples at 48 kHz); levels are LUFS, true peaks dBTP, the range LU; silence is -inf.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from composer.errors import ExportFailed
from composer.meters import HOP, LoudnessMeter, PeakMeter, hops_lufs
from models.audio import ABSOLUTE_GATE_LUFS, OFFSET_LUFS

HOPS_PER_S = 10
WINDOW_HOPS = 30
"""Short-term loudness is that of 3 s (EBU Tech 3341)."""
READ_HOPS = 50
RANGE_GATE_LU = -20.0
RANGE_SHARES = (0.10, 0.95)
"""EBU Tech 3342: the range lies between these shares of the short-term values over the gates."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loudness:
    """`short_term_lufs` has a value a hop, of the 3 s around it; around a file there is silence."""

    integrated_lufs: float
    short_term_max_lufs: float
    true_peak_dbtp: float
    range_lu: float | None
    """None for what is shorter than 3 s or silent throughout."""
    short_term_lufs: Floats


def measure(path: Path) -> Loudness:
    """Reads a stereo file of 48 kHz once, in blocks. Raises ExportFailed when it cannot be read."""
    meter, peaks = LoudnessMeter(2), PeakMeter()
    try:
        with soundfile.SoundFile(path) as file:
            if (file.samplerate, file.channels) != (48_000, 2):
                raise ExportFailed(f"{path}: is not stereo at 48 kHz, as a mix is; render the scene again")
            n_samples = file.frames
            for part in file.blocks(HOP * READ_HOPS, dtype="float32", always_2d=True):
                block = np.ascontiguousarray(part.T)
                meter.feed(block)
                peaks.feed(block)
    except (soundfile.SoundFileError, OSError) as error:
        raise ExportFailed(f"{path}: cannot be read: {error}; render the scene again") from error
    peaks.finish(n_samples)
    energies = meter.energies().astype(np.float64)
    short_term = _short_term(energies)
    return Loudness(
        integrated_lufs=hops_lufs(meter.energies(), n_samples),
        short_term_max_lufs=float(short_term.max(initial=-np.inf)),
        true_peak_dbtp=20.0 * float(np.log10(peaks.highest)) if peaks.highest > 0.0 else -np.inf,
        range_lu=_range_lu(energies),
        short_term_lufs=short_term,
    )


def _lufs(powers: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(OFFSET_LUFS + 10.0 * np.log10(powers), dtype=np.float64)


def _window_powers(energies: Floats) -> Floats:
    """Mean squares of all whole windows of 3 s, a hop apart."""
    sums = np.concatenate([[0.0], np.cumsum(energies)])
    windows = np.maximum(sums[WINDOW_HOPS:] - sums[:-WINDOW_HOPS], 0.0)
    return np.asarray(windows / (WINDOW_HOPS * HOP), dtype=np.float64)


def _short_term(energies: Floats) -> Floats:
    """For each border of hops but the last, the loudness of the window that has it in its middle."""
    half = WINDOW_HOPS // 2
    powers = _window_powers(np.pad(energies, half))
    return _lufs(np.where(powers > 1e-12, powers, 0.0))[: len(energies)]


def _range_lu(energies: Floats) -> float | None:
    """Loudness range after EBU Tech 3342: from the 10th to the 95th percentile of gated short-term loudness."""
    if len(energies) < WINDOW_HOPS:
        return None
    powers = _window_powers(energies)
    heard = powers[_lufs(powers) >= ABSOLUTE_GATE_LUFS]
    if heard.size == 0:
        return None
    levels = _lufs(heard)
    gate = float(_lufs(np.array([heard.mean()]))[0]) + RANGE_GATE_LU
    low, high = np.quantile(levels[levels >= gate], RANGE_SHARES)
    return float(high - low)
