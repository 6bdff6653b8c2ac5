"""Windows of mels: what sounds is in them and counts, textures go on, draws are even, levels are measured."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.vocoder.mel import MelScale, log_mel
from training.mels import SILENCE, Windows, WindowsConfig, active_rms, is_steady, measured_level, store_mels
from training.sounds import Sound, sound_of

SCALE = MelScale(n_fft=512, hop=160, n_mels=20)
N_FRAMES = 100
"""One second."""


def noise(seconds: float, seed: int = 0, level: float = 0.1) -> NDArray[np.float64]:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * 16_000))


def sound(*parts: NDArray[np.float64], name: str = "clip", collection: str = "", concept: str = "thing") -> Sound:
    samples = np.round(np.clip(np.concatenate(parts), -1, 1) * 32767).astype(np.int16)
    return replace(sound_of(samples, concept, name=name), collection=collection)


def silence(seconds: float) -> NDArray[np.float64]:
    return np.zeros(round(seconds * 16_000))


EVENT = sound(silence(1.0), noise(0.3), silence(2.0))
TEXTURE = sound(silence(0.5), noise(2.6, seed=1), silence(0.2))


def windows(*sounds: Sound, n_frames: int = N_FRAMES, **config: object) -> Windows:
    return Windows(list(sounds), SCALE, n_frames, WindowsConfig.model_validate(config))


def test_a_window_of_a_short_event_begins_where_it_sounds_and_the_rest_counts_little() -> None:
    made = windows(EVENT, rest_weight=0.1, batch_size=1)
    for seed in range(5):
        mels, weights = made.make(made.draw(np.random.default_rng(seed)))
        heard = np.flatnonzero(mels[0].max(axis=0) > SILENCE + 1.0)
        # the attack's step of 0.1 s stands before it, 0.3 s sound, then comes rest; mels smear by half an FFT
        assert heard[0] in (8, 9, 10, 11, 12) and 28 <= len(heard) <= 34
        # 0.1 s before, the sound, 0.5 s of tail
        assert np.count_nonzero(weights[0] == 1.0) in range(88, 92)
        assert set(weights[0].tolist()) == {1.0, np.float32(0.1)}


def test_a_window_is_the_mel_of_its_samples() -> None:
    """Against the mel of the whole clip, and of the clip made louder, for the gain."""
    made = windows(EVENT, onset_share=1.0, batch_size=1, gain_db=9.0)
    plan = made.draw(np.random.default_rng(3))
    mels, _ = made.make(plan)
    gain = 10 ** (plan.gain_db[0] / 20)
    whole = log_mel(torch.from_numpy(EVENT.samples.astype(np.float32) / 32767 * gain), SCALE).numpy()
    heard = whole[:, 90 : 90 + N_FRAMES] > SILENCE + 3.0
    assert heard.any()
    np.testing.assert_allclose(mels[0][heard], whole[:, 90 : 90 + N_FRAMES][heard], atol=0.01)


def test_a_short_texture_begins_anew_without_a_gap_and_an_event_does_not() -> None:
    made = windows(TEXTURE, EVENT, n_frames=400, loop_textures=True, rest_weight=0.1)
    assert made.steady == [True, False]
    mel, weights = made.window(0, False, 0.3, 0.5)
    assert weights.min() == 1.0 and mel.shape == (20, 400)
    loudness = mel.mean(axis=0)
    assert loudness.std() < 0.2 and loudness.min() > loudness.mean() - 1.0
    assert windows(TEXTURE, n_frames=400).window(0, False, 0.3, 0.5)[0].min() < SILENCE + 0.01


def test_what_fades_or_is_short_or_has_gaps_is_no_texture() -> None:
    fading = sound(noise(3.0) * np.exp(-np.arange(48_000) / 12_000))
    gaps = sound(*[part for seed in range(4) for part in (noise(0.5, seed), silence(0.5))])
    assert is_steady(TEXTURE)
    assert not any(is_steady(one) for one in (fading, gaps, EVENT))


def test_a_window_of_a_long_clip_holds_a_sounding_moment() -> None:
    sparse = sound(noise(0.3), silence(9.0), noise(0.3, seed=1))
    made = windows(sparse, batch_size=40, rest_weight=0.0)
    mels, weights = made.make(made.draw(np.random.default_rng(0)))
    assert (mels.max(axis=(1, 2)) > SILENCE + 3.0).all() and (weights.max(axis=1) == 1.0).all()
    starts = windows(sparse, batch_size=40, onset_share=1.0)
    mels, _ = starts.make(starts.draw(np.random.default_rng(0)))
    assert (mels.max(axis=1).argmax(axis=1) < 35).all()


def test_equal_levels_bring_what_sounds_to_one_level_and_nature_leaves_it() -> None:
    loud, quiet = sound(noise(1.5, level=0.2), silence(1.0)), sound(noise(1.5, level=0.002), silence(3.0))
    assert active_rms(quiet) == pytest.approx(0.002, rel=0.05)
    means = {
        levels: [float(windows(one, levels=levels).store.mel(0, 20, 120).mean()) for one in (loud, quiet)]
        for levels in ("equal", "natural")
    }
    assert means["equal"][0] == pytest.approx(means["equal"][1], abs=0.05)
    assert means["natural"][0] - means["natural"][1] == pytest.approx(np.log(100), abs=0.05)


def test_silence_stays_silence_under_any_gain_and_the_floor_is_kept() -> None:
    made = windows(EVENT, gain_db=30.0, eq_db=10.0, batch_size=20)
    mels, weights = made.make(made.draw(np.random.default_rng(0)))
    assert weights.min() == 1.0
    assert (mels[:, :, 95:] == SILENCE).all()
    assert windows(EVENT, floor=-6.0).make(made.draw(np.random.default_rng(0)))[0].min() == -6.0


def test_concepts_are_drawn_evenly_within_a_collection_and_by_weight_across() -> None:
    clips = [sound(noise(0.3), name=f"a{k}", collection="big", concept="a") for k in range(9)]
    clips += [
        sound(noise(0.3), name="b", collection="big", concept="b"),
        sound(noise(0.3), name="c", collection="small", concept="c"),
    ]
    made = windows(*clips, batch_size=4000, collection_weights={"small": 2.0})
    drawn = Counter(clips[clip].concept for clip in made.draw(np.random.default_rng(0)).clips)
    assert [drawn[name] / 4000 for name in "abc"] == pytest.approx([0.25, 0.25, 0.5], abs=0.03)
    made = windows(*clips, batch_size=4000, clip_power=0.5)
    drawn = Counter(clips[clip].concept for clip in made.draw(np.random.default_rng(0)).clips)
    assert [drawn[name] / 4000 for name in "abc"] == pytest.approx([0.6, 0.2, 0.2], abs=0.03)


def test_the_same_seed_draws_the_same_windows() -> None:
    made = windows(EVENT, TEXTURE, gain_db=6.0, eq_db=3.0)
    first, second, other = (made.make(made.draw(np.random.default_rng(seed)))[0] for seed in (1, 1, 2))
    assert np.array_equal(first, second) and not np.array_equal(first, other)


def test_the_level_is_that_of_the_frames_that_count() -> None:
    made = windows(TEXTURE, rest_weight=0.0, batch_size=50)
    mean, std = measured_level(made, n_windows=200)
    body = made.store.mel(0, 60, 300)
    assert mean == pytest.approx(float(body.mean()), abs=0.8) and std < 3.0
    with_rest = measured_level(windows(EVENT, rest_weight=1.0))
    assert with_rest[0] < mean - 3.0 and with_rest[1] > std


def test_stored_mels_are_read_again_and_belong_to_their_sounds(tmp_path: Path) -> None:
    plain = store_mels([EVENT, TEXTURE], SCALE, "natural")
    stored = store_mels([EVENT, TEXTURE], SCALE, "natural", tmp_path)
    assert np.array_equal(plain.frames, stored.frames) and plain.n_frames(1) == stored.n_frames(1) == 330
    (file,) = tmp_path.iterdir()
    np.lib.format.open_memmap(file, "r+")[:] = 1.0
    assert store_mels([EVENT, TEXTURE], SCALE, "natural", tmp_path).frames.min() == 1.0
    assert store_mels([EVENT, TEXTURE], SCALE, "equal", tmp_path).frames.min() < 0.0
    assert store_mels([TEXTURE], SCALE, "natural", tmp_path).frames.min() < 0.0
    assert len(list(tmp_path.iterdir())) == 3


def test_of_several_processes_one_computes_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    found: list[NDArray[np.float16]] = []
    waiting = threading.Thread(target=lambda: found.append(store_mels([EVENT], SCALE, "natural", tmp_path).frames))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive() and not list(tmp_path.iterdir())
    monkeypatch.setenv("RANK", "0")
    made = store_mels([EVENT], SCALE, "natural", tmp_path).frames
    waiting.join(20)
    assert np.array_equal(found[0], made)
