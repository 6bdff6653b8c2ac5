"""The engine: lengths, levels, ends, layers, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from composer.orders import LEAST_FIT, POOR_FIT
from models.clip import Clip
from models.effects import dsp, procedural
from models.effects.procedural import Procedural
from models.effects.sounds import SAMPLE_RATE, Sound
from models.engines import SoundEngine, SoundQuery
from models.errors import SynthesisFailed, WordsUnsupported

ENGINE: SoundEngine = Procedural()


def _generate(words: str, duration_s: float | None = 2.0, seed: int = 0, bed: bool = False) -> Clip:
    return ENGINE.generate(SoundQuery(words, bed=bed), duration_s=duration_s, seed=seed)


def _ping(duration_s: float, rng: np.random.Generator, description: str) -> np.ndarray:
    """An event of half a second that begins at once."""
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    dsp.place(out, dsp.tone(np.full(24_000, 1000.0)) * dsp.decay(24_000, 0.4), 0, float(rng.uniform(0.5, 0.7)))
    return out


def _offset(duration_s: float, rng: np.random.Generator, description: str) -> np.ndarray:
    """A steady sound that is too loud and lies beside zero."""
    return (1.5 + 0.5 * rng.standard_normal((2, dsp.count(duration_s)))).astype(np.float32)


@pytest.fixture
def two_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    ping = Sound("ping", _ping, ("ping",), 0.5, False, ())
    offset = Sound("offset", _offset, ("offset",), 7.0, True, ())
    monkeypatch.setattr(procedural, "known_sounds", lambda: (ping, offset))


@pytest.mark.parametrize("duration_s", [0.05, 0.3333, 1.0, 12.3])
def test_a_clip_is_exactly_as_long_as_asked(duration_s: float) -> None:
    clip = _generate("rain", duration_s)
    assert clip.sample_rate == SAMPLE_RATE and clip.samples.shape == (2, round(duration_s * SAMPLE_RATE))
    assert clip.samples.dtype == np.float32 and np.isfinite(clip.samples).all()


def test_the_same_seed_gives_the_same_samples_and_another_does_not() -> None:
    first, again, other = _generate("wind", 1.0, 5), _generate("wind", 1.0, 5), _generate("wind", 1.0, 6)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert np.max(np.abs(first.samples - other.samples)) > 0.01


def test_a_seed_may_be_a_hash() -> None:
    assert _generate("rain", 0.1, seed=2**256 - 1).n_samples == 4800


@pytest.mark.usefixtures("two_sounds")
def test_no_offset_no_overload_no_click() -> None:
    samples = _generate("offset", 3.0).samples
    assert np.max(np.abs(samples)) <= 0.9 + 1e-6
    assert np.all(np.abs(samples.mean(axis=1)) < 0.01)
    assert np.max(np.abs(samples[:, [0, -1]])) < 1e-3
    assert dsp.rms(samples[:, 480:9600]) > 0.5 * dsp.rms(samples)


@pytest.mark.usefixtures("two_sounds")
def test_an_event_alone_lasts_its_natural_length_and_a_bed_half_a_minute() -> None:
    assert _generate("ping", None).duration_s == 0.5
    assert _generate("offset", None).duration_s == 7.0
    assert _generate("ping", None, bed=True).duration_s == _generate("offset", None, bed=True).duration_s == 30.0


def test_a_sound_without_end_does_not_hold_up_a_story() -> None:
    assert _generate("soft breeze through leaves", None).duration_s == procedural.AMID_LINES_S
    assert _generate("soft breeze through leaves", 20.0).duration_s == 20.0


@pytest.mark.usefixtures("two_sounds")
def test_an_event_as_a_bed_comes_again_at_irregular_intervals() -> None:
    samples = _generate("ping", 30.0, bed=True).samples
    loud = np.abs(samples[0]) > 0.25
    starts = [at for at in np.flatnonzero(loud) if not loud[max(0, at - 9600) : at].any()]
    gaps_s = np.diff(starts) / SAMPLE_RATE
    assert 20 < len(starts) < 60
    assert gaps_s.min() > 0.4 and gaps_s.max() < 3.0 and gaps_s.std() > 0.05


def _late(duration_s: float, rng: np.random.Generator, description: str) -> np.ndarray:
    """An event with a tenth of a second of silence before it."""
    out = np.zeros((2, dsp.count(duration_s)), np.float32)
    out[:, 4800:] = 0.5 * rng.standard_normal(out[:, 4800:].shape)
    return out


@pytest.mark.parametrize("duration_s", [0.05, 0.2])
def test_a_very_short_event_is_not_all_lead_in(monkeypatch: pytest.MonkeyPatch, duration_s: float) -> None:
    monkeypatch.setattr(procedural, "known_sounds", lambda: (Sound("zonk", _late, ("zonk",), 2.0, False, ()),))
    samples = _generate("zonk", duration_s).samples
    assert samples.shape == (2, round(duration_s * SAMPLE_RATE)) and dsp.rms(samples) > 0.2


@pytest.mark.usefixtures("two_sounds")
def test_a_long_event_is_one_event_and_then_silence() -> None:
    samples = _generate("ping", 400.0).samples
    assert samples.shape == (2, 400 * SAMPLE_RATE)
    assert not samples[:, 2 * SAMPLE_RATE :].any() or np.max(np.abs(samples[:, 2 * SAMPLE_RATE :])) < 1e-4


def test_ten_minutes_of_a_steady_sound_hold_their_level_through_the_joints() -> None:
    samples = _generate("room tone", 600.0).samples
    assert samples.shape == (2, 600 * SAMPLE_RATE) and np.max(np.abs(samples)) <= 0.9
    seconds = np.sqrt(np.mean(samples[0].reshape(600, SAMPLE_RATE) ** 2, axis=1))
    joint = slice(295, 305)
    assert 0.8 < seconds[joint].min() / np.median(seconds) and seconds[joint].max() / np.median(seconds) < 1.25
    assert np.max(np.abs(np.diff(samples[0, 296 * SAMPLE_RATE : 301 * SAMPLE_RATE]))) < 2 * np.max(
        np.abs(np.diff(samples[0, 100 * SAMPLE_RATE : 105 * SAMPLE_RATE]))
    )


@pytest.mark.parametrize("duration_s", [0.0, -1.0, 3600.5, float("nan"), float("inf")])
def test_impossible_durations_are_refused(duration_s: float) -> None:
    with pytest.raises(SynthesisFailed, match="duration"):
        _generate("rain", duration_s)


def test_unknown_words_are_refused_with_what_can_be_made() -> None:
    with pytest.raises(WordsUnsupported, match=r"'zither solo'.*rain.*wind"):
        _generate("zither solo")
    with pytest.raises(WordsUnsupported):
        _generate("rain gauge")
    with pytest.raises(WordsUnsupported):
        _generate("silence")


def test_words_of_a_sound_that_is_not_made_do_not_count() -> None:
    """Rain boots are neither rain nor footsteps; boots that are heard to walk are."""
    fit = ENGINE.fit(SoundQuery("rain boots squeaking"))
    assert fit.because == "computes 'rain' but not 'boots', 'squeaking'"
    assert fit.score < LEAST_FIT
    assert ENGINE.fit(SoundQuery("heavy boots on stone")).because == "computes 'footsteps'"


@pytest.mark.parametrize(
    "words",
    ["the front door slams shut", "church bells ring in the distance", "police siren wailing far away"]
    + ["a bicycle bell rings twice", "waves crashing on a rocky shore", "three knocks on the door", "glass shatters"]
    + ["heavy footsteps approaching down a stone corridor", "a gunshot echoes", "distant thunder rolls over the hills"]
    + ["an old telephone rings", "pages of a book are turned", "swords clash", "steam train whistle in the night"],
)
def test_events_as_a_story_words_them_are_known(words: str) -> None:
    assert ENGINE.fit(SoundQuery(words)).score > 0.75


@pytest.mark.parametrize(
    "words",
    ["laser gun fire", "a glass of lemonade", "magic carpet salesman", "phone vibrates on the table"]
    + ["banjo playing at night", "cutlery clinking in a restaurant", "door-to-door insurance agent"],
)
def test_what_only_shares_words_with_our_sounds_scores_poorly(words: str) -> None:
    assert ENGINE.fit(SoundQuery(words)).score < POOR_FIT


def test_fit_says_what_is_covered_and_what_is_not() -> None:
    whole, part = ENGINE.fit(SoundQuery("heavy rain")), ENGINE.fit(SoundQuery("rain and a zither"))
    assert whole.score > 0.75 and "'rain'" in whole.because
    assert 0.2 < part.score < 0.6 and "zither" in part.because
    assert ENGINE.fit(SoundQuery("zither")).score == 0.0
    assert ENGINE.fit(SoundQuery("")).score == 0.0


@pytest.mark.parametrize(
    "words",
    ["Background noise of busy engineering office", "people talking in a restaurant", "forest at dawn with birds"]
    + ["low hum of a spaceship", "steady rain", "a crackling campfire", "distant city traffic", "waves on the beach"]
    + ["train rolling along the tracks", "an audience clapping", "crickets on a summer night", "car engine idling"],
)
def test_beds_of_common_stories_are_known(words: str) -> None:
    assert ENGINE.fit(SoundQuery(words, bed=True)).score > 0.75


@pytest.mark.usefixtures("two_sounds")
def test_a_compound_sounds_like_both() -> None:
    both, noise = _generate("ping and offset").samples, _generate("offset").samples

    def at_1_khz(samples: np.ndarray) -> float:
        return float(np.abs(np.fft.rfft(samples[0, :24_000]))[500])

    assert at_1_khz(both) > 2 * at_1_khz(noise)
    assert dsp.rms(both[:, SAMPLE_RATE:]) > 0.1


def test_a_heavier_word_is_heard_through_the_engine() -> None:
    assert dsp.rms(_generate("heavy rain").samples) > 1.5 * dsp.rms(_generate("light rain").samples)
