"""The building blocks against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from models.effects import dsp, voices

RATE = 48_000


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _band_db(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    hz, power = signal.welch(samples, RATE, nperseg=8192)
    inside = (hz >= low_hz) & (hz < high_hz)
    return float(10 * np.log10(np.sum(power[inside])))


@pytest.mark.parametrize("slope_db", [-6.0, -3.0, 0.0, 3.0])
def test_coloured_noise_falls_by_its_slope_at_every_octave(slope_db: float) -> None:
    noise = dsp.coloured_noise(20 * RATE, _rng(), slope_db)
    octaves = [_band_db(noise, hz, 2 * hz) for hz in (250, 500, 1000, 2000, 4000)]
    # A band of one octave is twice as wide as the one below it: 3 dB more at the same density.
    np.testing.assert_allclose(np.diff(octaves), slope_db + 10 * np.log10(2), atol=0.6)


def test_shaped_noise_has_unit_rms_whatever_its_curve_and_length() -> None:
    for n in (RATE, 10 * RATE):
        noise = dsp.shaped_noise(n, _rng(), [(100.0, -12.0), (500.0, 0.0), (3000.0, -20.0), (9000.0, -40.0)])
        assert dsp.rms(noise) == pytest.approx(1.0, abs=0.08)


def test_band_noise_keeps_to_its_band() -> None:
    noise = dsp.band_noise(5 * RATE, _rng(), 1000, 2000)
    assert _band_db(noise, 800, 2500) - _band_db(noise, 0, 24_000) > -0.15
    assert _band_db(noise, 4000, 24_000) < _band_db(noise, 1000, 2000) - 30  # 36 dB an octave


def test_a_decay_has_fallen_by_60_db_at_its_t60() -> None:
    assert dsp.decay(RATE, 0.5)[RATE // 2] == pytest.approx(1e-3, rel=1e-3)


def test_harmonics_are_the_sum_of_their_sines() -> None:
    frequency_hz = np.linspace(90.0, 180.0, RATE)
    turns = np.cumsum(frequency_hz) / RATE
    gains = [0.5, 0.0, 0.25, 0.0, 0.125, 0.1, 0.0, 0.3]
    sines = sum(gain * np.sin(2 * np.pi * number * turns) for number, gain in enumerate(gains, start=1))
    np.testing.assert_allclose(dsp.harmonics(frequency_hz, gains), sines, atol=1e-5)


def test_a_tone_has_its_frequency() -> None:
    spectrum = np.abs(np.fft.rfft(dsp.tone(np.full(RATE, 1234.0))))
    assert int(np.argmax(spectrum)) == 1234


def test_a_slow_curve_stays_between_its_bounds_and_uses_them() -> None:
    curve = dsp.slow_curve(60 * RATE, _rng(), 2.0, 0.2, 0.9)
    assert 0.2 <= curve.min() < 0.35 and 0.75 < curve.max() <= 0.9
    assert np.max(np.abs(np.diff(curve))) < 20 / RATE


@pytest.mark.parametrize("rate_hz", [5.0, 50.0, 2000.0])
def test_scatter_places_as_many_grains_as_its_rate_says(rate_hz: float) -> None:
    click = np.ones(1, np.float32)
    out = dsp.scatter(4 * RATE, rate_hz, [click], _rng(), spread_db=0.0)
    energy = float(np.sum(out.astype(np.float64) ** 2))  # every click has cos^2 + sin^2 = 1; few coincide
    expected = 4 * rate_hz
    assert abs(energy - expected) < 5 * np.sqrt(expected) + 0.1 * expected


def test_an_extended_texture_keeps_its_level_and_has_no_seams() -> None:
    texture = np.stack([dsp.white(4 * RATE, _rng(1)), dsp.white(4 * RATE, _rng(2))])
    longer = dsp.extended(texture, 20 * RATE, _rng())
    assert longer.shape == (2, 20 * RATE)
    seconds = np.sqrt(np.mean(longer.reshape(2, 20, RATE) ** 2, axis=2))
    assert seconds.min() > 0.85 and seconds.max() < 1.15


def test_place_cuts_what_leaves_on_either_side() -> None:
    out = np.zeros(5, np.float32)
    grain = np.array([1, 2, 3], np.float32)
    dsp.place(out, grain, -1)
    dsp.place(out, grain, 4, 10.0)
    dsp.place(out, grain, 9)
    dsp.place(out, grain, -7)
    assert out.tolist() == [2, 3, 0, 0, 10]


@pytest.mark.parametrize("position", [-1.0, -0.3, 0.0, 0.8])
def test_pan_keeps_the_power(position: float) -> None:
    mono = dsp.white(RATE, _rng())
    assert np.sum(dsp.pan(mono, position) ** 2) == pytest.approx(2 * np.sum(mono**2), rel=1e-4)


def test_width_sets_how_alike_the_sides_are() -> None:
    left, right = dsp.white(5 * RATE, _rng(1)), dsp.white(5 * RATE, _rng(2))
    alike = [float(np.corrcoef(dsp.wide(left, right, width))[0, 1]) for width in (0.0, 0.5, 1.0)]
    assert alike[0] == pytest.approx(1.0) and 0.5 < alike[1] < 0.9 and abs(alike[2]) < 0.02


def test_a_room_dies_away_in_its_t60() -> None:
    click = np.zeros(2 * RATE, np.float32)
    click[0] = 1.0
    tail = dsp.reverb(click, _rng(), t60_s=1.0, mix=1.0)
    early, late = dsp.rms(tail[:, 2400:7200]), dsp.rms(tail[:, 2400 + 24_000 : 7200 + 24_000])
    assert 20 * np.log10(early / late) == pytest.approx(30.0, abs=1.5)  # half of t60 is half of 60 dB


def test_tamed_leaves_small_samples_and_holds_the_peak() -> None:
    samples = np.linspace(-5, 5, 1001, dtype=np.float32)
    out = dsp.tamed(samples, 0.9)
    assert np.max(np.abs(out)) <= 0.9
    small = np.abs(samples) <= 0.45
    np.testing.assert_array_equal(out[small], samples[small])
    assert np.all(np.diff(out) >= 0)


def test_levels_of_silence_stay_silent() -> None:
    silence = np.zeros((2, 100), np.float32)
    assert not dsp.at_rms(silence, 0.1).any() and not dsp.at_peak(silence).any()


def test_fades_end_at_silence_and_leave_the_middle() -> None:
    ones = np.ones((2, RATE), np.float32)
    out = dsp.fades(ones, 0.1, 0.2)
    assert out[0, 0] == 0 and abs(out[0, -1]) < 1e-6
    assert (out[:, 4800:38_400] == 1).all() and (ones == 1).all()


@pytest.mark.parametrize("duration_s", [0.0, 0.5, 1.5])
def test_exactly_cuts_or_fills(duration_s: float) -> None:
    out = dsp.exactly(np.ones((2, RATE), np.float32), duration_s)
    assert out.shape == (2, round(duration_s * RATE)) and out.sum() == 2 * min(RATE, round(duration_s * RATE))


def test_words_are_heard_whole() -> None:
    assert dsp.strength("heavy rain") == 1 and dsp.strength("a gentle breeze") == -1 and dsp.strength("rain") == 0
    assert dsp.strength("lightning") == 0 and dsp.is_far("thunder in the distance") and not dsp.is_far("a farm")


def test_a_voice_sounds_at_its_pitch_with_its_formants() -> None:
    n = voices.RATE
    formants = np.repeat(np.array([[730.0], [1090.0], [2440.0], [3400.0]]), n, axis=1)
    sound = voices.voiced(np.full(n, 200.0), np.ones(n), formants, _rng())
    lag = np.correlate(sound[4000:8000], sound[4000:8000], "full")[4000 + 60 : 4000 + 200]
    assert voices.RATE / (60 + int(np.argmax(lag)) + 1) == pytest.approx(200, rel=0.04)
    hz, power = signal.welch(sound, voices.RATE, nperseg=1024)
    assert 600 < hz[np.argmax(power)] < 1200
