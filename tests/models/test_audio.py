from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from models.audio import (
    PEAK_REACH,
    PEAK_ROW,
    k_weighting,
    loudness_lufs,
    row_peaks,
    times_matrix,
    true_peak_dbtp,
)
from models.clip import Samples

RATE = 48_000


def tone(level_dbfs: float, *, hz: float = 997.0, seconds: float = 5.0, rate: int = RATE) -> Samples:
    time_s = np.arange(round(seconds * rate)) / rate
    return (10.0 ** (level_dbfs / 20.0) * np.sin(2.0 * np.pi * hz * time_s)).astype(np.float32)[None]


def noise(seed: int, *, seconds: float, n_channels: int = 2, rate: int = RATE) -> Samples:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((n_channels, round(seconds * rate)))).astype(np.float32)


def test_the_tone_of_ebu_tech_3341_measures_minus_23() -> None:
    stereo = np.repeat(tone(-23.0, seconds=20.0), 2, axis=0)
    assert loudness_lufs(stereo, RATE) == pytest.approx(-23.0, abs=0.02)


def test_one_channel_measures_3_db_less_than_two() -> None:
    mono = tone(-23.0)
    assert loudness_lufs(mono, RATE) == pytest.approx(
        loudness_lufs(np.repeat(mono, 2, axis=0), RATE) - 3.0103, abs=1e-3
    )


def test_quiet_passages_are_gated_as_ebu_tech_3341_case_3_says() -> None:
    levels = [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)]
    samples = np.concatenate([tone(level, seconds=seconds) for level, seconds in levels], axis=1)
    assert loudness_lufs(np.repeat(samples, 2, axis=0), RATE) == pytest.approx(-23.0, abs=0.1)


def test_at_48_khz_the_filter_is_the_table_of_bs_1770() -> None:
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    assert np.allclose(k_weighting(RATE), [shelf, high_pass], atol=1e-7)


@pytest.mark.parametrize("rate", [48_000, 44_100, 24_000, 16_000])
def test_other_libraries_measure_the_same(rate: int) -> None:
    samples = noise(1, seconds=6.0, rate=rate)
    samples[:, 2 * rate : 4 * rate] *= 0.02
    theirs = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(samples.T.astype(np.float64))
    assert loudness_lufs(samples, rate) == pytest.approx(theirs, abs=0.1)


def test_gain_moves_loudness_by_as_much() -> None:
    samples = noise(2, seconds=1.5)
    assert loudness_lufs(samples * np.float32(0.25), RATE) == pytest.approx(
        loudness_lufs(samples, RATE) - 12.0412, abs=1e-3
    )


def test_silence_is_minus_infinity() -> None:
    assert loudness_lufs(np.zeros((2, RATE), np.float32), RATE) == -np.inf
    assert loudness_lufs(np.zeros((1, 100), np.float32), RATE) == -np.inf
    assert loudness_lufs(np.zeros((1, 0), np.float32), RATE) == -np.inf
    assert true_peak_dbtp(np.zeros((2, 500), np.float32), RATE) == -np.inf


def test_a_short_clip_measures_its_energy_over_one_block() -> None:
    """A tone of 0.1 s holds a quarter of a block: 6 dB under the same tone when it lasts."""
    short = tone(-20.0, seconds=0.1)
    assert loudness_lufs(short, RATE) == pytest.approx(loudness_lufs(tone(-20.0), RATE) - 6.02, abs=0.1)


def test_silence_after_a_short_clip_does_not_change_its_loudness() -> None:
    short = noise(3, seconds=0.2, n_channels=1)
    followed = np.pad(short, ((0, 0), (0, round(0.15 * RATE))))
    assert loudness_lufs(followed, RATE) == pytest.approx(loudness_lufs(short, RATE), abs=0.01)


def test_a_clip_that_the_gate_would_drop_is_measured_all_the_same() -> None:
    assert loudness_lufs(tone(-80.0), RATE) == pytest.approx(-83.0, abs=0.1)


def test_what_is_no_number_is_refused() -> None:
    samples = noise(4, seconds=1.0)
    samples[0, 77] = np.nan
    with pytest.raises(ValueError, match="not a finite number"):
        loudness_lufs(samples, RATE)


def test_a_peak_between_samples_is_found() -> None:
    """A quarter-rate tone at 45 degrees has all its samples at 0.707 and its peaks at 1."""
    samples = np.sin(2.0 * np.pi * 0.25 * np.arange(4_800) + np.pi / 4.0) * np.hanning(4_800)
    samples = samples.astype(np.float32)[None]
    assert np.abs(samples).max() < 0.708
    assert true_peak_dbtp(samples, RATE) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("hz", [100.0, 5_000.0, 15_000.0, 19_000.0])
def test_another_oversampler_finds_the_same_peak(hz: float) -> None:
    samples = tone(-3.0, hz=hz, seconds=0.5)[0] * np.hanning(24_000)
    theirs = 20.0 * np.log10(np.abs(signal.resample_poly(samples.astype(np.float64), 8, 1)).max())
    assert true_peak_dbtp(samples.astype(np.float32)[None], RATE) == pytest.approx(theirs, abs=0.05)


def test_a_row_knows_the_points_after_its_last_sample() -> None:
    window = np.zeros((1, PEAK_ROW + 2 * PEAK_REACH), dtype=np.float32)
    window[0, PEAK_REACH + PEAK_ROW - 1 : PEAK_REACH + PEAK_ROW + 1] = 1.0
    assert float(row_peaks(window)[0]) == pytest.approx(2.0 * np.sinc(0.5), abs=0.02)


@pytest.mark.parametrize("n_rows", [0, 5, 16, 39])
def test_small_products_are_the_whole_product(n_rows: int) -> None:
    rng = np.random.default_rng(5)
    rows, matrix = rng.standard_normal((n_rows, 7), dtype=np.float32), rng.standard_normal((7, 3), dtype=np.float32)
    assert np.allclose(times_matrix(rows, matrix), rows @ matrix, atol=1e-5)
