"""Events against what is known of the real things: pitches, partials, rates, gaps and cadences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, signal, special

from models.clip import Samples
from models.effects import dsp, events_bells, events_impacts, events_motion, events_signals
from models.effects.procedural import known_sounds
from models.effects.sounds import SAMPLE_RATE

EVENTS = {sound.name: sound for sound in known_sounds() if not sound.steady}


def _made(name: str, words: str, duration_s: float, seed: int = 0) -> Samples:
    return EVENTS[name].make(duration_s, np.random.default_rng(seed), words)


def _envelope(samples: Samples, step: int = 240) -> np.ndarray:
    """Rms of both sides in every 5 ms."""
    n = samples.shape[1] // step * step
    return np.sqrt(np.mean(samples[:, :n].reshape(2, -1, step) ** 2, axis=(0, 2)))


def _starts_s(samples: Samples, *, least: float = 0.25, apart_s: float = 0.1, low_hz: float = 0.0) -> np.ndarray:
    """Moments at which the level jumps up: peaks of its rise, at least so far apart."""
    heard = dsp.highpass(samples, low_hz, 2) if low_hz else samples
    rise = np.maximum(np.diff(_envelope(heard), prepend=0.0), 0.0)
    peaks, _ = signal.find_peaks(
        np.append(rise, 0.0), height=least * rise.max(), distance=max(1, round(apart_s / 0.005))
    )
    return peaks * 0.005


def _on_s(samples: Samples, least: float = 0.2) -> list[tuple[float, float]]:
    """Stretches (start and length) during which it is loud, gaps of less than 60 ms bridged."""
    loud = _envelope(samples) > least * _envelope(samples).max()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud, [0]])))
    stretches = [[edges[0], edges[1]]]
    for start, end in edges[2:].reshape(-1, 2):
        if start - stretches[-1][1] < 12:
            stretches[-1][1] = end
        else:
            stretches.append([start, end])
    return [(start * 0.005, (end - start) * 0.005) for start, end in stretches]


def _pitch_hz(mono: np.ndarray, low_hz: float, high_hz: float) -> float:
    """The strongest frequency between two, by a zero-padded spectrum."""
    power = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 8 * len(mono)))
    hz = np.fft.rfftfreq(8 * len(mono), 1 / SAMPLE_RATE)
    inside = (hz > low_hz) & (hz < high_hz)
    return float(hz[inside][np.argmax(power[inside])])


def _pitches_hz(samples: Samples, low_hz: float, high_hz: float, window_s: float = 0.1) -> np.ndarray:
    n = dsp.count(window_s)
    mono = samples.mean(axis=0)
    return np.array([_pitch_hz(mono[at : at + n], low_hz, high_hz) for at in range(0, len(mono) - n, n)])


def _centroid_hz(samples: Samples) -> float:
    hz, power = signal.welch(samples.mean(axis=0), SAMPLE_RATE, nperseg=4096)
    return float(np.sum(hz * power) / np.sum(power))


# bodies


def test_a_drum_skin_rings_at_the_zeros_of_bessel_functions() -> None:
    zeros = np.sort(np.concatenate([special.jn_zeros(order, 3) for order in range(6)]))
    np.testing.assert_allclose(events_impacts.MEMBRANE, (zeros / zeros[0])[:8], atol=1e-3)


def test_a_free_bar_rings_where_its_beam_equation_says() -> None:
    roots = [optimize.brentq(lambda x: np.cos(x) - 1 / np.cosh(x), (k + 0.5) * np.pi - 0.3, (k + 0.5) * np.pi + 0.3)
             for k in range(1, 7)]  # fmt: skip
    np.testing.assert_allclose(events_impacts.BAR, (np.array(roots) / roots[0]) ** 2, rtol=2e-3)


def test_a_church_bell_has_its_hum_minor_third_fifth_and_octave() -> None:
    """Just intervals over the strike note that every tuned bell is cast for: 1/2, 1, 6/5, 3/2, 2."""
    samples = _made("church bell", "church bell", 8.0)
    mono = samples.mean(axis=0)[: 2 * SAMPLE_RATE]
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono))))
    floor = float(np.median(spectrum[200:4000]))

    def near(hz: float) -> float:
        return float(spectrum[round(0.985 * hz * 2) : round(1.015 * hz * 2) + 1].max())

    ratios = (0.5, 1.0, 1.2, 1.5, 2.0)
    prime_hz = max(np.arange(380.0, 520.0, 1.0), key=lambda hz: sum(np.log(near(hz * ratio)) for ratio in ratios))
    assert all(near(prime_hz * ratio) > 30 * floor for ratio in ratios)
    assert near(prime_hz * 1.36) < 10 * floor and near(prime_hz * 1.75) < 10 * floor  # nothing rings between them


@pytest.mark.parametrize(("small", "large", "name"), [
    ("small bell", "huge bell", "church bell"), ("small bell", "large bell", "hand bell"),
    ("little drum", "big drum", "drum"), ("small foghorn", "huge foghorn", "foghorn"),
    ("small glass breaking", "large glass breaking", "glass breaking"), ("small clang", "huge clang", "clang"),
])  # fmt: skip
def test_large_things_sound_lower_than_small_ones(small: str, large: str, name: str) -> None:
    assert 1.2 * _centroid_hz(_made(name, large, 2.0)) < _centroid_hz(_made(name, small, 2.0))


def test_a_dropped_coin_bounces_ever_faster() -> None:
    gaps_s = np.diff(_starts_s(_made("coin", "coin", 1.2), least=0.15, apart_s=0.02))
    assert len(gaps_s) >= 4 and np.all(np.diff(gaps_s) < 0.006)
    ratios = gaps_s[1:4] / gaps_s[:3]
    assert 0.65 < np.mean(ratios) < 0.9  # one restitution for all: gaps are a geometric series
    assert np.ptp(ratios) < 0.15


def test_the_high_end_of_an_explosion_dies_before_its_rumble() -> None:
    samples = _made("explosion", "explosion", 3.5)
    high, low = dsp.highpass(samples, 4000.0, 4), dsp.lowpass(samples, 150.0, 4)
    late, early = slice(dsp.count(1.5), dsp.count(2.0)), slice(dsp.count(0.1), dsp.count(0.4))
    fall_high = dsp.rms(high[:, early]) / dsp.rms(high[:, late])
    assert fall_high > 3 * dsp.rms(low[:, early]) / dsp.rms(low[:, late])


def test_distant_thunder_has_lost_its_high_end() -> None:
    near, far = (_centroid_hz(_made("thunder", words, 7.0)) for words in ("close thunder clap", "distant thunder"))
    assert 1.5 * far < near and far < 250


# cadences


@pytest.mark.parametrize(("words", "per_s"), [
    ("clock ticking", 1.0), ("slow clock ticking", 1 / 1.5), ("fast ticking clock", 2.0), ("pocket watch", 5.0),
])  # fmt: skip
def test_a_clock_ticks_at_its_pace(words: str, per_s: float) -> None:
    gaps_s = np.diff(_starts_s(_made("clock ticking", words, 8.0), apart_s=0.15))
    assert np.median(gaps_s) == pytest.approx(1 / per_s, rel=0.03) and np.ptp(gaps_s) < 0.03


@pytest.mark.parametrize(("words", "per_minute"), [
    ("slow footsteps", 75), ("footsteps", 109), ("quick footsteps", 143), ("running footsteps", 187.5),
])  # fmt: skip
def test_footsteps_have_the_pace_of_the_words(words: str, per_minute: float) -> None:
    starts_s = _starts_s(_made("footsteps", words, 12.0), least=0.12, apart_s=0.25)
    assert 60 / np.mean(np.diff(starts_s)) == pytest.approx(per_minute, rel=0.07)


def test_footsteps_on_each_ground_are_another_sound() -> None:
    """In some third of an octave any two grounds differ by 3 dB or more."""
    grounds = ("gravel", "snow", "wood", "metal", "carpet", "water", "stone", "grass")
    edges_hz = 100.0 * 2.0 ** (np.arange(22) / 3)
    spectra, centroids_hz = {}, {}
    for ground in grounds:
        made = _made("footsteps", f"footsteps on {ground}", 4.0)
        hz, power = signal.welch(made.mean(axis=0), SAMPLE_RATE, nperseg=4096)
        bands = [power[(hz >= low) & (hz < high)].sum() for low, high in zip(edges_hz[:-1], edges_hz[1:], strict=True)]
        spectra[ground] = 10 * np.log10(np.array(bands) / np.sum(power))
        centroids_hz[ground] = float(np.sum(hz * power) / np.sum(power))
    for number, first in enumerate(grounds):
        for second in grounds[number + 1 :]:
            assert np.max(np.abs(spectra[first] - spectra[second])) > 3.0, (first, second)
    assert centroids_hz["carpet"] < centroids_hz["stone"] < centroids_hz["gravel"]


def test_a_steel_deck_rings_with_modes_and_stone_does_not() -> None:
    def peakiness(words: str) -> float:
        heard = _made("footsteps", words, 0.55, 1).mean(axis=0)[dsp.count(0.1) : dsp.count(0.4)]
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))[150:1500]  # 500 Hz to 5 kHz
        return float(spectrum.max() / np.median(spectrum))

    assert peakiness("footsteps on a metal deck") > 1.5 * peakiness("footsteps on stone")


def test_a_visitor_knocks_three_or_four_times_and_waits() -> None:
    for seed in range(4):
        starts_s = _starts_s(_made("door knock", "door knock", 2.0, seed), apart_s=0.1)
        gaps_s = np.diff(starts_s[starts_s < 1.2])
        assert len(gaps_s) in (2, 3) and np.all((gaps_s > 0.15) & (gaps_s < 0.3))


def test_a_smoke_detector_keeps_the_temporal_three_of_iso_8201() -> None:
    samples = _made("smoke detector", "smoke detector", 8.5)
    stretches = _on_s(samples)
    np.testing.assert_allclose([length for _, length in stretches[:6]], 0.5, atol=0.04)
    np.testing.assert_allclose(np.diff([start for start, _ in stretches[:6]]), [1, 1, 2, 1, 1], atol=0.02)
    assert 3000 <= _pitch_hz(samples[0, 4800:24_000], 500, 12_000) <= 3250


def test_an_alarm_clock_beeps_four_times_a_second() -> None:
    starts_s = _starts_s(_made("alarm clock", "alarm clock", 4.0), apart_s=0.08)
    assert len(starts_s) == 16
    np.testing.assert_allclose(np.diff(starts_s)[:3], 0.125, atol=0.006)
    np.testing.assert_allclose(np.diff(starts_s[::4]), 1.0, atol=0.006)


def test_an_old_telephone_rings_two_seconds_and_its_clapper_strikes_25_times_a_second() -> None:
    samples = _made("telephone", "telephone ringing", 8.0)
    stretches = _on_s(samples, 0.3)
    assert len(stretches) == 2 and stretches[1][0] - stretches[0][0] == pytest.approx(4.0, abs=0.05)
    assert all(length == pytest.approx(2.05, abs=0.15) for _, length in stretches)
    envelope = _envelope(samples[:, : 2 * SAMPLE_RATE], 48)
    strength = np.abs(np.fft.rfft(envelope - envelope.mean()))
    hz = np.fft.rfftfreq(len(envelope), 1 / 1000)
    inside = (hz > 15) & (hz < 45)
    assert hz[inside][np.argmax(strength[inside])] == pytest.approx(25.0, abs=1.0)


def test_a_ringtone_warbles_between_two_tones_a_major_third_apart() -> None:
    pitches_hz = _pitches_hz(_made("ringtone", "ringtone", 1.05)[:, dsp.count(0.05) :], 700, 1400, 0.025)
    low_hz, high_hz = np.min(pitches_hz), np.max(pitches_hz)
    assert high_hz / low_hz == pytest.approx(5 / 4, rel=0.03)
    near_either = (np.abs(pitches_hz / low_hz - 1) < 0.03) | (np.abs(pitches_hz / high_hz - 1) < 0.03)
    assert near_either.mean() > 0.9
    assert np.sum(np.abs(np.diff(pitches_hz)) > 100) > 30  # twenty changes a second and twenty back


def test_a_locomotive_gives_the_grade_crossing_signal() -> None:
    """Long, long, short, long."""
    lengths_s = [length for _, length in _on_s(_made("train whistle", "train whistle", 8.0), 0.3)]
    assert len(lengths_s) == 4
    assert lengths_s[2] < lengths_s[0] < lengths_s[1] and lengths_s[2] < lengths_s[3]


def test_a_machine_gun_fires_ten_times_a_second_and_a_pistol_once() -> None:
    assert len(_starts_s(_made("gunshot", "gunshot", 1.5), apart_s=0.05)) == 1
    gaps_s = np.diff(_starts_s(_made("gunshot", "machine gun", 1.5), least=0.4, apart_s=0.06))
    assert np.median(gaps_s) == pytest.approx(0.1, abs=0.006)


# pitches that move


def test_a_police_siren_sweeps_between_its_two_pitches_in_four_seconds() -> None:
    pitches_hz = _pitches_hz(_made("siren", "police siren", 12.0), 450, 1600)
    low_hz, high_hz = events_signals.WAIL_HZ
    assert np.min(pitches_hz) == pytest.approx(low_hz, rel=0.05)
    assert np.max(pitches_hz) == pytest.approx(high_hz, rel=0.05)
    tops, _ = signal.find_peaks(pitches_hz, distance=20, height=0.9 * high_hz)
    np.testing.assert_allclose(np.diff(tops) * 0.1, 4.0, atol=0.3)


def test_an_ambulance_has_two_tones_a_fourth_apart() -> None:
    pitches_hz = _pitches_hz(_made("siren", "ambulance siren", 8.0), 350, 700)
    low_hz, high_hz = np.percentile(pitches_hz, [20, 80])
    assert high_hz / low_hz == pytest.approx(4 / 3, rel=0.02)
    assert low_hz == pytest.approx(440, rel=0.03)  # DIN 14610 tunes one to 440 Hz


def test_what_passes_has_the_doppler_of_the_textbook() -> None:
    n, speed_m_s = 10 * SAMPLE_RATE, 30.0
    doppler, level, place = events_motion.passing(n, 5.0, speed_m_s, 4.0)
    assert doppler[0] == pytest.approx(1 / (1 - speed_m_s / 343), rel=1e-3)
    assert doppler[-1] == pytest.approx(1 / (1 + speed_m_s / 343), rel=1e-3)
    middle = 5 * SAMPLE_RATE
    assert (doppler[middle], level[middle], place[middle]) == pytest.approx((1.0, 1.0, 0.0))
    assert level[0] == pytest.approx(4.0 / np.hypot(150.0, 4.0)) and np.all(np.diff(place) > 0)


def test_a_passing_car_comes_from_the_left_is_loudest_in_the_middle_and_falls_in_pitch() -> None:
    samples = _made("car passing", "car passing by", 5.0)
    envelope = _envelope(samples)
    assert 0.4 < np.argmax(signal.savgol_filter(envelope, 41, 1)) / len(envelope) < 0.6
    early, late = samples[:, dsp.count(1.0) : dsp.count(2.3)], samples[:, dsp.count(2.7) : dsp.count(4.0)]
    assert dsp.rms(early[0]) > 1.5 * dsp.rms(early[1]) and dsp.rms(late[1]) > 1.5 * dsp.rms(late[0])
    assert _centroid_hz(early) > 1.05 * _centroid_hz(late)


def test_a_swoosh_flies_from_left_to_right_and_its_pitch_rises_and_falls() -> None:
    samples = _made("swoosh", "swoosh", 1.0)
    start, n = dsp.count(0.05), dsp.count(0.8)
    first, middle, last = (samples[:, start + part * n // 3 : start + (part + 1) * n // 3] for part in range(3))
    assert dsp.rms(first[0]) > 1.5 * dsp.rms(first[1]) and dsp.rms(last[1]) > 1.5 * dsp.rms(last[0])
    assert _centroid_hz(middle) > 1.3 * max(_centroid_hz(first), _centroid_hz(last))


def test_a_bubble_in_water_rises_in_pitch() -> None:
    mono = _made("water drops", "slow water drops", 1.0, 2).mean(axis=0)
    loudest = int(np.argmax(np.abs(mono)))
    first_hz, later_hz = (_pitch_hz(mono[loudest + dsp.count(at) :][:1440], 300, 3000) for at in (0.0, 0.03))
    assert later_hz > 1.15 * first_hz


def test_a_red_alert_whoops_upwards_about_once_a_second() -> None:
    samples = _made("red alert", "red alert", 6.0)
    starts_s = _starts_s(samples, apart_s=0.5)
    np.testing.assert_allclose(np.diff(starts_s), 1.1, atol=0.05)
    whoop = _pitches_hz(samples[:, dsp.count(starts_s[0]) : dsp.count(starts_s[0] + 0.6)], 300, 1000, 0.08)
    assert whoop[-1] > 1.5 * whoop[0]


def test_bell_buzz_strikes_both_shells() -> None:
    buzz = events_bells.bell_buzz(2 * SAMPLE_RATE, np.random.default_rng(0), (1200.0, 1500.0), 25.0)
    spectrum = np.abs(np.fft.rfft(buzz))
    floor = float(np.median(spectrum))
    for shell_hz in (1200.0, 1500.0):
        assert spectrum[round(2 * 0.99 * shell_hz) : round(2 * 1.01 * shell_hz)].max() > 20 * floor
