"""Every event, whatever module it comes from: length, level, seeds, beginnings and ends; and the shared gestures."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from models.clip import Samples
from models.effects import dsp, gestures
from models.effects.matching import match
from models.effects.procedural import Procedural, known_sounds
from models.effects.sounds import SAMPLE_RATE, Sound
from models.engines import SoundQuery

EVENTS = {sound.name: sound for sound in known_sounds() if not sound.steady}
OURS = """door knock,door slam,door creak,clock ticking,church bell,hand bell,bicycle bell,telephone,ringtone,
alarm clock,smoke detector,red alert,siren,car horn,foghorn,train whistle,thunder,explosion,gunshot,glass breaking,
crash,coin,keys,footsteps,thud,punch,hammer,clang,drum,swoosh,rocket,car passing,airplane,splash,water drops,bubbles,
sparkle,page turn"""
EVERY_EVENT = pytest.mark.parametrize("sound", EVENTS.values(), ids=EVENTS)
START_S = {"rocket": 0.6, "airplane": 1.0}
"""Things that come from afar may take this long; all others half a second."""


@cache
def _clip(name: str, seed: int = 0) -> Samples:
    """The event as the engine gives it, at its natural length."""
    return Procedural().generate(SoundQuery(EVENTS[name].phrases[0]), duration_s=None, seed=seed).samples


def test_all_families_are_known() -> None:
    assert {name.strip() for name in OURS.split(",")} <= set(EVENTS)


@EVERY_EVENT
@pytest.mark.parametrize("duration_s", [0.0777, 2.3456])
def test_an_event_has_exactly_the_length_that_is_asked(sound: Sound, duration_s: float) -> None:
    made = sound.make(duration_s, np.random.default_rng(3), sound.phrases[0])
    assert made.shape == (2, round(duration_s * SAMPLE_RATE)) and made.dtype == np.float32
    assert np.isfinite(made).all() and np.max(np.abs(made)) < 1.0


@EVERY_EVENT
def test_an_event_repeats_by_its_seed_and_differs_by_another(sound: Sound) -> None:
    first, again, other = (sound.make(1.5, np.random.default_rng(seed), sound.phrases[0]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.max(np.abs(first - other)) > 0.02 * np.max(np.abs(first))


@EVERY_EVENT
def test_an_event_starts_soon(sound: Sound) -> None:
    size = np.max(np.abs(_clip(sound.name)), axis=0)
    first = int(np.argmax(size > 0.05 * size.max()))
    assert first <= START_S.get(sound.name, 0.5) * SAMPLE_RATE


@EVERY_EVENT
def test_an_event_is_loud_enough_has_no_dc_and_stays_below_the_peak(sound: Sound) -> None:
    samples = _clip(sound.name)
    peak = float(np.max(np.abs(samples)))
    assert 0.1 < peak <= 0.9 + 1e-6
    assert np.all(np.abs(samples.mean(axis=1)) < 0.005 * peak)


@EVERY_EVENT
@pytest.mark.parametrize("share", [1.0, 0.37])
def test_an_event_begins_and_ends_in_silence_without_a_click(sound: Sound, share: float) -> None:
    """Also where it is cut short: the steps at its ends are no larger than a hundredth of its peak."""
    words, duration_s = sound.phrases[0], share * sound.natural_s
    samples = Procedural().generate(SoundQuery(words), duration_s=duration_s, seed=4).samples
    peak = float(np.max(np.abs(samples)))
    assert np.max(np.abs(samples[:, [0, -1]])) < 0.002 * peak
    assert np.max(np.abs(np.diff(samples[:, -24:]))) < 0.01 * peak


@EVERY_EVENT
def test_every_phrase_of_an_event_leads_to_it(sound: Sound) -> None:
    lost = {}
    for phrase in sound.phrases:
        found = match(phrase, known_sounds())
        if not found.layers or found.layers[0].sound is not sound or found.score < 0.8:
            lost[phrase] = [(layer.sound.name, round(found.score, 2)) for layer in found.layers]
    assert not lost


@EVERY_EVENT
def test_what_is_far_away_is_softer(sound: Sound) -> None:
    near, far = (sound.make(2.0, np.random.default_rng(5), f"{words}{sound.name}") for words in ("", "distant "))
    assert np.max(np.abs(far)) < 0.8 * np.max(np.abs(near))


def test_sizes_and_speeds_are_read_from_the_words() -> None:
    assert [gestures.by_size(words, 1, 2, 3) for words in ("tiny bell", "bell", "huge bell")] == [1, 2, 3]
    assert [gestures.by_speed(words, 1, 2, 3) for words in ("slow knock", "knock", "frantic knock")] == [1, 2, 3]
    assert [gestures.by_strength(words, 1, 2, 3) for words in ("soft thud", "thud", "violent thud")] == [1, 2, 3]
    assert gestures.size("a small big bell") == 0


def test_steps_come_at_their_period_and_at_least_once() -> None:
    rng = np.random.default_rng(0)
    assert gestures.steps(2.0, 0.1, 0.5, rng, 0.0) == pytest.approx([0.1, 0.6, 1.1, 1.6])
    assert gestures.steps(0.05, 0.1, 0.5, rng, 0.0) == pytest.approx([0.1])
    gaps_s = np.diff(gestures.steps(500.0, 0.1, 0.5, rng, 0.1))
    assert np.std(gaps_s) == pytest.approx(0.5 * 0.1 * np.sqrt(2), rel=0.15)  # each moment errs on its own


def test_bounces_lose_the_same_share_each_time() -> None:
    moments, speeds = zip(*gestures.bounces(0.2, 0.8, 0.01), strict=True)
    np.testing.assert_allclose(np.diff(moments), 0.2 * 0.8 ** np.arange(len(moments) - 1))
    np.testing.assert_allclose(speeds, 0.8 ** np.arange(len(speeds)))
    assert 0.2 * 0.8 ** len(moments) <= 0.01 < 0.2 * 0.8 ** (len(moments) - 1)


def test_dying_noise_falls_by_60_db_in_its_t60() -> None:
    noise = gestures.dying_noise(SAMPLE_RATE, np.random.default_rng(0), [(200.0, 8000.0, 0.0, 1.0)])
    early, late = dsp.rms(noise[2400:7200]), dsp.rms(noise[26_400:31_200])
    assert 20 * np.log10(early / late) == pytest.approx(30.0, abs=1.5)  # half a second of a t60 of one


def test_the_high_bands_of_dying_noise_may_die_first() -> None:
    bands = [(100.0, 400.0, 0.0, 1.0), (4000.0, 9000.0, 0.0, 0.2)]
    noise = gestures.dying_noise(SAMPLE_RATE, np.random.default_rng(0), bands)
    high, low = dsp.highpass(noise, 3000.0, 4), dsp.lowpass(noise, 800.0, 4)
    assert dsp.rms(high[12_000:]) < 0.02 * dsp.rms(high[:4800])
    assert dsp.rms(low[12_000:24_000]) > 0.1 * dsp.rms(low[:4800])


def test_repeats_are_laid_at_their_moments_and_cut_at_the_end() -> None:
    out = gestures.repeated(1.0, [0.0, 0.5, 0.999], lambda take: np.full(4800, take + 1, np.float32))
    assert out.shape == (SAMPLE_RATE,)
    assert [out[at] for at in (0, 4799, 4800, 24_000, 47_951, 47_952, 47_999)] == [1, 1, 0, 2, 0, 3, 3]
    assert not gestures.repeated(0.5, [], lambda take: np.ones(1, np.float32)).any()


def test_what_still_sounds_at_its_end_is_faded_and_what_is_far_is_softer_and_duller() -> None:
    noise = dsp.white(SAMPLE_RATE, np.random.default_rng(0))
    near = gestures.finished(noise, 0.5, "a wall of noise", peak=0.6)
    far = gestures.finished(noise, 0.5, "a distant wall of noise", peak=0.6, rng=np.random.default_rng(1))
    assert near.shape == far.shape == (2, 24_000) and abs(near[0, -1]) < 1e-5
    assert np.max(np.abs(near)) == pytest.approx(0.6, rel=0.02)
    assert np.max(np.abs(far)) == pytest.approx(0.3, rel=0.05)
    shares = [dsp.rms(dsp.highpass(made, 6000.0, 4)) / dsp.rms(made) for made in (near, far)]
    assert shares[1] < 0.15 * shares[0]
