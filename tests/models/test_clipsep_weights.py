"""The separator that ships: it loads, fits the encoder that ships, credits its sounds, and follows words."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

import models.clipsep
from models.clipsep.checkpoint import load_config, load_net
from models.clipsep.warp import istft, log_magnitude, stft, unwarp, warp
from models.encoders import encoder

WEIGHTS = Path(models.clipsep.__file__).parent / "weights"


def test_the_checkpoint_is_small_and_made_for_the_bundled_encoder() -> None:
    config = load_config(WEIGHTS)
    bundled = encoder("bundled")
    assert (config.query, config.encoder) == ("picture", "bundled")
    assert config.encoder_version == bundled.version and config.net.query_size == bundled.n_dimensions
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 30e6


def test_every_training_sound_is_credited_under_an_open_licence() -> None:
    with (WEIGHTS / "CREDITS.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == load_config(WEIGHTS).trained["sounds"]
    for row in rows:
        assert row["licence"].startswith(("CC0", "CC BY", "CC-BY", "Public Domain", "Apache-2.0")), row
        assert "NC" not in row["licence"] and "SA" not in row["licence"]
        assert row["author"] or row["licence"].startswith(("CC0", "Public")), row


def test_words_choose_between_two_sounds_of_our_own_making() -> None:
    """Ticks ask to be a clock, a steady hiss to be rain: each must keep more of itself than of the other."""
    random = np.random.default_rng(0)
    time = np.arange(65_535)
    ticks = np.where(time % 8_000 < 160, random.standard_normal(65_535), 0.0) * np.exp(-(time % 8_000) / 40)
    hiss = random.standard_normal(65_535)
    sounds = torch.tensor(
        np.stack([wave / np.sqrt(np.mean(wave**2)) * 0.1 for wave in (ticks, hiss)]), dtype=torch.float32
    )
    net, words = load_net(WEIGHTS), encoder("bundled").texts(["a clock ticking", "rain falling"])
    with torch.inference_mode():
        spectrum = stft(sounds.sum(0))
        masks = unwarp(net(log_magnitude(warp(spectrum.abs()))[None, None], torch.from_numpy(words)[None])[0])
        parts = stft(sounds)
        kept = torch.stack([istft(mask * parts, 65_535)[:, :65_280].square().sum(-1) for mask in masks])
    whole = sounds[:, :65_280].square().sum(-1)
    share = kept / whole
    assert share[0, 0] > share[0, 1] and share[1, 1] > share[1, 0]


def test_words_for_what_is_not_there_give_a_quiet_answer() -> None:
    random = np.random.default_rng(1)
    hiss = torch.from_numpy(0.1 * random.standard_normal(65_535).astype(np.float32))
    net, words = load_net(WEIGHTS), encoder("bundled").texts(["rain falling", "a rooster crowing"])
    with torch.inference_mode():
        spectrum = stft(hiss)
        masks = unwarp(net(log_magnitude(warp(spectrum.abs()))[None, None], torch.from_numpy(words)[None])[0])
    there, absent = (float((mask * spectrum.abs()).square().sum() / spectrum.abs().square().sum()) for mask in masks)
    assert absent < 0.1 * there
    assert pytest.approx(1.0, abs=0.5) == there
