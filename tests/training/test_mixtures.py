"""Sounds and mixtures for training: what is drawn, what is applied, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.clip import Clip, write_clip
from training.mixtures import (
    LEVEL,
    Mixer,
    MixtureConfig,
    concepts_of,
    crop,
    eq_gains,
    query_vectors,
)
from training.sounds import DataUnusable, SoundsConfig, hash_share, read_sounds, sound_of, write_credits

COLUMNS = ("file", "set", "concept", "text", "seconds", "fold", "licence", "author", "link")


def tone(hz: float, seconds: float = 5.0, amplitude: float = 0.5) -> NDArray[np.int16]:
    wave = amplitude * np.sin(2 * np.pi * hz * np.arange(round(16_000 * seconds)) / 16_000)
    return np.round(wave * 32767).astype(np.int16)


TOYS = [sound_of(tone(200.0 * (k + 1)), f"tone {k}", name=f"{k}.wav") for k in range(5)]
EQUAL = MixtureConfig(batch_size=6, n_frames=128, levels="equal")


def table_of(folder: Path, rows: list[dict[str, str]]) -> Path:
    for row in rows:
        if not (folder / row["file"]).exists():
            write_clip(Clip((tone(440.0, 0.5) / 32767).astype(np.float32)[None], 16_000), folder / row["file"])
    with (folder / "sounds.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return folder / "sounds.csv"


def test_sounds_are_chosen_by_collection_fold_and_concept(tmp_path: Path) -> None:
    rows = [
        {"file": "a.wav", "set": "esc10", "concept": "dog", "fold": "1", "author": "Ann"},
        {"file": "b.wav", "set": "esc10", "concept": "dog", "fold": "4"},
        {"file": "c.wav", "set": "cdda", "concept": "", "text": "door slam"},
        {"file": "d.wav", "set": "cdda", "concept": "", "text": "unknown thing"},
        {"file": "e.wav", "set": "other", "concept": "dog"},
    ]
    table_of(tmp_path, rows)
    (tmp_path / "names.csv").write_text("text,concept\ndoor slam,door\n")
    config = SoundsConfig(table="sounds.csv", collections=["esc10", "cdda"], folds=["1"], concepts="names.csv")
    sounds = read_sounds(config, tmp_path)
    assert [(sound.name, sound.concept) for sound in sounds] == [("a.wav", "dog"), ("c.wav", "door")]
    assert sounds[0].credits == ("", "Ann", "")
    write_credits(sounds, tmp_path / "CREDITS.csv")
    assert (tmp_path / "CREDITS.csv").read_text().splitlines()[:2] == ["file,licence,author,link", "a.wav,,Ann,"]
    np.testing.assert_allclose(sounds[0].samples, tone(440.0, 0.5), atol=1)


def test_takes_of_one_event_are_held_out_together(tmp_path: Path) -> None:
    rows = [{"file": f"{k}.wav", "set": "s", "concept": "x", "text": f"event {k // 2}"} for k in range(20)]
    table_of(tmp_path, rows)
    config = SoundsConfig(table="sounds.csv", collections=["s"], held_out_share=0.5)
    kept = {sound.text for sound in read_sounds(config, tmp_path)}
    assert kept == {f"event {k}" for k in range(10) if hash_share(f"event {k}") >= 0.5}
    assert 0 < len(kept) < 10
    assert len(read_sounds(config, tmp_path)) == 2 * len(kept)


def test_a_broken_or_silent_sound_is_an_error_that_names_it(tmp_path: Path) -> None:
    config = SoundsConfig(table="sounds.csv", collections=["s"])
    (tmp_path / "broken.ogg").write_bytes(b"OggS and nothing more")
    table_of(tmp_path, [{"file": "broken.ogg", "set": "s", "concept": "x"}])
    with pytest.raises(DataUnusable, match=r"broken\.ogg: cannot be used for training"):
        read_sounds(config, tmp_path)
    write_clip(Clip(np.zeros((1, 8000), np.float32), 16_000), tmp_path / "silent.wav")
    table_of(tmp_path, [{"file": "silent.wav", "set": "s", "concept": "x"}])
    with pytest.raises(DataUnusable, match=r"silent\.wav: is silent"):
        read_sounds(config, tmp_path)
    with pytest.raises(DataUnusable, match="no clip is of nothing"):
        read_sounds(SoundsConfig(table="sounds.csv", collections=["nothing"]), tmp_path)
    (tmp_path / "sounds.csv").write_text("file,set\n")
    with pytest.raises(DataUnusable, match="has no column concept, text"):
        read_sounds(config, tmp_path)


def test_the_same_seed_draws_the_same_mixtures() -> None:
    mixer = Mixer(TOYS, EQUAL.model_copy(update={"gain_db": 5.0, "speed": 0.1, "eq_db": 3.0}))
    first, again, other = (mixer.draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(mixer.waves(first), mixer.waves(again))
    assert not np.array_equal(mixer.waves(first), mixer.waves(other))


def test_concepts_differ_within_a_mixture_and_the_absent_one_is_in_none() -> None:
    mixer = Mixer(TOYS, EQUAL.model_copy(update={"batch_size": 200, "noise_share": 0.5}))
    plan = mixer.draw(np.random.default_rng(0))
    for concepts, absent in zip(concepts_of(mixer, plan), plan.absent, strict=True):
        assert len({*concepts, absent}) == 4
    silent = np.isneginf(plan.gain_db[:, 2])
    assert 60 < silent.sum() < 140
    waves = mixer.waves(plan)
    assert not waves[silent, 2].any() and waves[~silent, 2].any(axis=1).all()


def test_equal_levels_are_equal_and_gains_are_what_was_drawn() -> None:
    mixer = Mixer(TOYS, EQUAL.model_copy(update={"gain_db": 6.0}))
    plan = mixer.draw(np.random.default_rng(3))
    rms = np.sqrt(np.square(mixer.waves(plan)).mean(axis=2))
    np.testing.assert_allclose(20 * np.log10(rms / LEVEL), plan.gain_db, atol=0.1)
    assert np.abs(plan.gain_db).max() <= 6.0 and plan.gain_db.std() > 1.0


def test_natural_levels_are_the_papers() -> None:
    """Gains from 0.5 to 1.5, clipped to [-1, 1], halved."""
    loud = [sound_of(tone(300.0, amplitude=0.9), f"loud {k}", name="x") for k in range(4)]
    mixer = Mixer(loud, MixtureConfig(batch_size=40, n_frames=128))
    plan = mixer.draw(np.random.default_rng(0))
    peaks = np.abs(mixer.waves(plan)).max(axis=2)
    gains = 10 ** (plan.gain_db / 20)
    assert gains.min() >= 0.5 and gains.max() <= 1.5
    np.testing.assert_allclose(peaks, np.minimum(0.9 * gains, 1.0) / 2, atol=0.01)


def test_a_crop_holds_the_moment_that_sounds() -> None:
    samples = np.zeros(80_000, np.int16)
    samples[60_000:61_000] = 20_000
    sound = sound_of(samples, "click", name="x")
    for place in (0.0, 0.3, 1.0):
        assert crop(sound, 16_000, place, 0.5, 1.0).max() > 0.5
    assert crop(sound, 16_000, 0.0, -1.0, 1.0).max() == 0.0


def test_a_short_sound_stands_in_silence_and_speed_moves_its_pitch() -> None:
    short = sound_of(tone(1000.0, 0.25), "short", name="x")
    wave = crop(short, 16_000, 0.5, -1.0, 1.0)
    heard = np.flatnonzero(wave)
    assert heard[-1] - heard[0] == pytest.approx(4_000, abs=10)
    long = sound_of(tone(1000.0), "long", name="x")
    spectrum = np.abs(np.fft.rfft(crop(long, 16_000, 0.5, -1.0, 1.1)))
    assert int(spectrum.argmax()) == pytest.approx(1100, abs=2)


def test_the_equaliser_has_the_gains_of_its_bands() -> None:
    gains = eq_gains(np.array([[0.0] * 6, [6.0] * 6, [0, 0, 0, 0, 0, 12.0]], np.float32))
    np.testing.assert_allclose(gains[0], 1.0)
    np.testing.assert_allclose(gains[1], 10 ** (6 / 20), rtol=1e-5)
    assert gains[2, 0] == 1.0 and gains[2, -1] == pytest.approx(10 ** (12 / 20), rel=1e-5)
    assert np.all(np.diff(gains[2]) >= 0)


def test_a_query_is_a_mean_of_pictures_of_its_concept() -> None:
    bank = {"dog": np.array([[0.0, 1.0], [0.0, 3.0]], np.float32), "cat": np.array([[5.0, 0.0]], np.float32)}
    vectors = query_vectors(bank, ["dog"] * 50 + ["cat"], list(range(51)), n_mixed=(1, 3), noise=0.0)
    assert np.allclose(vectors[:50, 0], 0.0) and set(np.unique(vectors[:50, 1].round(3))) > {1.0, 3.0}
    np.testing.assert_allclose(vectors[50], [5.0, 0.0])
    noisy = query_vectors(bank, ["cat"] * 400, list(range(400)), n_mixed=(1, 1), noise=0.5)
    assert (noisy - [5.0, 0.0]).std() == pytest.approx(0.5, rel=0.1)


def test_too_few_concepts_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 concepts, there are 2"):
        Mixer(TOYS[:2], EQUAL)
