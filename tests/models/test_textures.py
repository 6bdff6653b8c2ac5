"""Every steady sound: shape, levels and seeds, and physics where a number is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from models.clip import Samples
from models.effects import dsp
from models.effects.procedural import known_sounds
from models.effects.sounds import SAMPLE_RATE, Sound

STEADY = {sound.name: sound for sound in known_sounds() if sound.steady}
OURS = """applause birds cheering crickets engine fire heartbeat helicopter machinery murmur office rain
spaceship stream thunderstorm traffic train typing waves wind"""


def _made(name: str, duration_s: float = 4.0, seed: int = 0, words: str = "") -> Samples:
    return STEADY[name].make(duration_s, np.random.default_rng(seed), words or name)


def _centroid_hz(samples: Samples) -> float:
    hz, power = signal.welch(samples.mean(axis=0), SAMPLE_RATE, nperseg=4096)
    return float(np.sum(hz * power) / np.sum(power))


def _envelope(samples: Samples, step: int = 240) -> np.ndarray:
    """Rms of every 5 ms; 200 values a second."""
    mono = samples.mean(axis=0)
    return np.sqrt(np.mean(mono[: len(mono) // step * step].reshape(-1, step) ** 2, axis=1))


def _repeats_a_second(samples: Samples, low_hz: float, high_hz: float) -> float:
    """The strongest rate in the spectrum of the envelope."""
    envelope = _envelope(samples)
    strength = np.abs(np.fft.rfft(envelope - envelope.mean(), 16 * len(envelope)))
    hz = np.fft.rfftfreq(16 * len(envelope), 1 / 200)
    inside = (hz >= low_hz) & (hz <= high_hz)
    return float(hz[inside][np.argmax(strength[inside])])


def _peaks_a_second(samples: Samples, least: float, step: int) -> float:
    """How often the envelope above 1.5 kHz rises over `least` times its highest value."""
    envelope = _envelope(dsp.highpass(samples, 1500.0), step)
    peaks, _ = signal.find_peaks(envelope, height=least * envelope.max(), distance=40 * 48 // step)
    return len(peaks) / (samples.shape[1] / SAMPLE_RATE)


def _crackles_a_second(words: str) -> float:
    """Peaks of the 1 ms envelope that stand out five times over the quiet between crackles."""
    envelope = _envelope(dsp.highpass(_made("fire", 10.0, 3, words), 1500.0), 48)
    return len(signal.find_peaks(envelope, height=5 * np.percentile(envelope, 20), distance=10)[0]) / 10


def test_all_families_are_known() -> None:
    assert set(OURS.split()) | {"room tone"} <= set(STEADY)


@pytest.mark.parametrize("sound", STEADY.values(), ids=STEADY)
def test_a_sound_has_its_shape_and_follows_its_seed(sound: Sound) -> None:
    duration_s = 1.2345
    first = sound.make(duration_s, np.random.default_rng(1), sound.phrases[0])
    again = sound.make(duration_s, np.random.default_rng(1), sound.phrases[0])
    other = sound.make(duration_s, np.random.default_rng(2), sound.phrases[0])
    assert first.shape == other.shape == (2, round(duration_s * SAMPLE_RATE))
    assert first.dtype == np.float32
    for made in (first, other):
        assert np.isfinite(made).all() and 0.001 < np.max(np.abs(made)) < 1.0
    np.testing.assert_array_equal(first, again)
    assert np.max(np.abs(first - other)) > 0.0005


@pytest.mark.parametrize("sound", STEADY.values(), ids=STEADY)
def test_a_twentieth_of_a_second_is_no_trouble(sound: Sound) -> None:
    made = sound.make(0.05, np.random.default_rng(0), sound.phrases[0])
    assert made.shape == (2, 2400) and np.isfinite(made).all() and np.max(np.abs(made)) < 1.0


@pytest.mark.parametrize(
    "name", ["rain", "stream", "applause", "crickets", "engine", "helicopter", "murmur", "room tone"]
)
def test_a_bed_neither_fades_in_nor_out(name: str) -> None:
    made = _made(name, 6.0)
    first, last = dsp.rms(made[:, : 2 * SAMPLE_RATE]), dsp.rms(made[:, -2 * SAMPLE_RATE :])
    assert 0.6 < first / last < 1.6


@pytest.mark.parametrize("name", ["rain", "wind", "waves", "stream", "fire", "murmur", "applause", "engine", "train"])
def test_strong_words_are_louder_than_weak_ones(name: str) -> None:
    light, plain, heavy = (dsp.rms(_made(name, 4.0, 0, words)) for words in (f"light {name}", name, f"heavy {name}"))
    assert 1.2 * light < plain and 1.2 * plain < heavy


def test_a_heavy_fire_crackles_more_often() -> None:
    gentle, plain, raging = map(_crackles_a_second, ("gentle fire", "fire", "raging fire"))
    assert 1.2 * gentle < plain and 1.2 * plain < raging


def test_heavier_rain_has_more_drops_so_that_single_ones_stand_out_less(monkeypatch: pytest.MonkeyPatch) -> None:
    placed = []
    place = dsp.place
    monkeypatch.setattr(dsp, "place", lambda out, grain, *rest: (placed.append(grain), place(out, grain, *rest)))

    def drops_and_spikiness(words: str) -> tuple[int, float]:
        placed.clear()
        made = dsp.bandpass(_made("rain", 6.0, 0, words), 1000.0, 3000.0)
        return len(placed), float(np.mean(made**4) / np.mean(made**2) ** 2)

    light, plain, heavy = map(drops_and_spikiness, ("light rain", "rain", "heavy rain"))
    assert 2 * light[0] < plain[0] and 1.5 * plain[0] < heavy[0]
    assert light[1] > plain[1] > heavy[1] > 3.0  # 3 is plain Gaussian noise


@pytest.mark.parametrize("name", ["rain", "waves", "engine", "murmur", "train", "traffic"])
def test_what_is_far_is_duller(name: str) -> None:
    def share_above_2_khz(words: str) -> float:
        hz, power = signal.welch(_made(name, 4.0, 0, words).mean(axis=0), SAMPLE_RATE, nperseg=4096)
        return float(np.sum(power[hz > 2000]) / np.sum(power))

    assert share_above_2_khz(f"distant {name}") < 0.5 * share_above_2_khz(name)


def test_spectra_lie_where_the_real_ones_do() -> None:
    low = {name: _centroid_hz(_made(name)) for name in ("wind", "heartbeat", "spaceship", "thunderstorm")}
    high = {name: _centroid_hz(_made(name)) for name in ("rain", "crickets", "birds")}
    assert all(hz < 400 for name, hz in low.items() if name != "thunderstorm"), low
    assert all(hz > 2500 for hz in high.values()), high
    assert 500 < _centroid_hz(_made("murmur")) < 1500 and 800 < _centroid_hz(_made("applause")) < 2500


@pytest.mark.parametrize(
    ("words", "beats_a_second"), [("slow heartbeat", 0.85), ("heartbeat", 1.15), ("racing heartbeat", 2.0)]
)
def test_a_heart_beats_as_fast_as_the_words_say(words: str, beats_a_second: float) -> None:
    made = _made("heartbeat", 12.0, 0, words)
    assert _repeats_a_second(made, 0.6, 2.4) == pytest.approx(beats_a_second, rel=0.06)


def test_helicopter_blades_pass_thirteen_to_seventeen_times_a_second() -> None:
    for seed in range(3):
        assert 12.5 < _repeats_a_second(_made("helicopter", 6.0, seed), 8, 25) < 17.5


def test_an_idling_four_cylinder_engine_fires_twice_a_turn() -> None:
    made = dsp.lowpass(_made("engine", 8.0), 400.0)
    turns_hz = 14.0  # 840 rpm
    assert _repeats_a_second(made, 20, 40) == pytest.approx(2 * turns_hz, rel=0.08)


def test_crickets_sing_between_4_and_5_kilohertz() -> None:
    hz, power = signal.welch(_made("crickets", 6.0).mean(axis=0), SAMPLE_RATE, nperseg=8192)
    assert 3850 < hz[np.argmax(power)] < 4950


def test_fast_typing_has_more_keystrokes() -> None:
    slow, fast = (_peaks_a_second(_made("typing", 12.0, 0, f"{words} typing"), 0.2, 240) for words in ("slow", "fast"))
    assert 1.0 < slow < 0.7 * fast


def test_sea_waves_come_every_four_to_ten_seconds() -> None:
    envelope = signal.sosfilt(signal.butter(2, 0.4, fs=200, output="sos"), _envelope(_made("waves", 60.0)))
    peaks, _ = signal.find_peaks(envelope, distance=500, prominence=0.1 * envelope.max())
    assert 4.0 < np.median(np.diff(peaks)) / 200 < 10.0


def test_both_sides_differ_except_for_a_heart() -> None:
    for name in ("rain", "birds", "murmur", "traffic"):
        made = _made(name)
        assert float(np.corrcoef(made)[0, 1]) < 0.95, name
    heart = _made("heartbeat")
    np.testing.assert_allclose(heart[0], heart[1], atol=1e-6)
