from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import composer.limiter as limiter_module
from composer.limiter import limiter_nodes
from composer.meters import CHUNK, HOP, LoudnessMeter, PeakMeter, hops_lufs, in_hops
from models.audio import loudness_lufs, true_peak_dbtp

RATE = 48_000


def sound(seed: int, n_samples: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    swell = np.abs(np.sin(np.arange(n_samples) / 9_000.0))
    return (0.2 * rng.standard_normal((2, n_samples)) * swell).astype(np.float32)


@pytest.mark.parametrize("n_samples", [1, 95, 4_799, 19_200, 30_000, 5 * RATE + 77])
@pytest.mark.parametrize("in_chunks", [False, True])
def test_the_meter_of_blocks_measures_what_the_clips_measure_does(n_samples: int, in_chunks: bool) -> None:
    samples = sound(1, n_samples)
    meter = LoudnessMeter(2, in_chunks=in_chunks)
    for begin in range(0, n_samples, 3 * HOP):
        meter.feed(samples[:, begin : begin + 3 * HOP])
    hops = in_hops(meter.energies()) if in_chunks else meter.energies()
    tolerance = 0.01 if n_samples > RATE else 0.3  # short ones: the filter's ringing beyond the end is left out
    assert hops_lufs(hops, n_samples) == pytest.approx(loudness_lufs(samples, RATE), abs=tolerance)


def test_an_offset_does_not_blind_the_meter() -> None:
    samples = sound(2, 2 * RATE) * np.float32(0.01) + np.float32(0.5)
    meter = LoudnessMeter(2)
    meter.feed(samples[:, : 10 * HOP])
    meter.feed(samples[:, 10 * HOP :])
    assert hops_lufs(meter.energies(), 2 * RATE) == pytest.approx(loudness_lufs(samples, RATE), abs=0.05)


@pytest.mark.parametrize("floor", [None, 0.0])
def test_the_peak_of_blocks_is_the_peak_of_the_whole(floor: float | None) -> None:
    samples = sound(3, 3 * RATE + 11)
    whole = 10.0 ** (true_peak_dbtp(samples, RATE) / 20.0)
    meter = PeakMeter(floor)
    for begin in range(0, samples.shape[1], HOP):
        meter.feed(samples[:, begin : begin + HOP])
    peaks = meter.finish(samples.shape[1])
    assert meter.highest == pytest.approx(whole, rel=1e-5)
    if floor is not None:
        assert len(peaks) == -(-samples.shape[1] // CHUNK) and float(peaks.max()) == pytest.approx(whole, rel=1e-5)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 2_000), gain=st.floats(0.01, 30.0), ceiling=st.floats(0.1, 1.0))
@settings(deadline=None)
def test_no_gain_on_the_lines_lets_a_peak_through(seed: int, n: int, gain: float, ceiling: float) -> None:
    peaks = (np.random.default_rng(seed).standard_normal(n) ** 4).astype(np.float32)
    nodes = limiter_nodes(peaks, gain, ceiling)
    assert len(nodes) == n + 1
    assert (np.maximum(nodes[:-1], nodes[1:]) * peaks <= ceiling * (1.0 + 1e-5)).all()
    assert (nodes <= gain * (1.0 + 1e-6)).all() and (nodes > 0.0).all()


def test_far_from_peaks_the_gain_is_untouched_and_it_never_jumps() -> None:
    peaks = np.full(4_000, 0.1, dtype=np.float32)
    peaks[1_000] = 4.0
    nodes = limiter_nodes(peaks, 1.0, 1.0)
    assert (nodes[:990] == 1.0).all() and (nodes[2_000:] == 1.0).all()
    assert nodes[1_000] == pytest.approx(0.25, rel=1e-5)
    assert np.diff(nodes[1_001:1_400]).min() >= -1e-6
    assert np.abs(np.diff(nodes)).max() < 0.3
    assert 0.25 < nodes[1_040] < 0.75


def test_the_curve_in_pieces_is_the_whole_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = (np.random.default_rng(4).standard_normal(3_000) ** 2).astype(np.float32)
    peaks[1_000:2_000] *= 0.01
    whole = limiter_nodes(peaks, 1.0, 0.8)
    for size in (1, 17, 999):
        monkeypatch.setattr(limiter_module, "NODES_AT_ONCE", size)
        assert np.allclose(limiter_nodes(peaks, 1.0, 0.8), whole, atol=1e-6)
