"""Spoken sentences as training sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import training.speak_set as module
from models.clip import Clip
from models.engines import Voice
from training.sounds import SoundsConfig, read_sounds


class Humming:
    """Five voices that hum."""

    def voices(self) -> tuple[Voice, ...]:
        return tuple(Voice(f"v{k}", "female", "us", "adult", 200.0, 1.0) for k in range(5))

    def speak(self, text: str, *, voice: str, seed: int) -> Clip:
        n_samples = 240 * len(text)
        hum = 0.3 * np.sin(2 * np.pi * 200 * np.arange(n_samples) / 24_000)
        return Clip(hum.astype(np.float32)[None], 24_000)


def test_every_voice_speaks_and_the_table_is_read_beside_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "speech_engine", lambda name: Humming())
    assert module.speak_set(tmp_path / "a", n_sentences=2, seed=0) == 10
    assert module.speak_set(tmp_path / "b", n_sentences=1, seed=1) == 5
    config = SoundsConfig(table="a/sounds.csv", more_tables=["b/sounds.csv"], collections=["speech"], folds=["1", "4"])
    sounds = read_sounds(config, tmp_path)
    assert [sound.name[:2] for sound in sounds] == ["v0", "v0", "v3", "v3", "v4", "v4", "v0", "v3", "v4"]
    assert all(sound.concept == "speech" and sound.credits[0] == "Apache-2.0" for sound in sounds)
    assert len(sounds[0].samples) == 160 * len(sounds[0].text)  # 0.01 s a letter, now at 16 kHz
