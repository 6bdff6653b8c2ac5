"""The bundled CLIPSonic from end to end: the README's commands, what it says it knows, where its weights come from."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image, ImageDraw
from typer.testing import CliRunner

import cli
from models.clipsonic.checkpoint import load_config
from models.clipsonic.engine import BUNDLED, ClipSonic
from models.clipsonic.knows import read_knows
from models.encoders import encoder
from models.engines import SoundQuery
from models.vocoder import BUNDLED_WEIGHTS

pytestmark = pytest.mark.skipif(not ClipSonic.readiness().ready, reason="no bundled checkpoint")


def sonify(*arguments: str) -> None:
    result = CliRunner().invoke(cli.app, ["sonify", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_words_make_the_same_sound_again_and_another_with_another_seed(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        sonify("--text", "a rooster crowing", "--duration", "1.5", "--seed", seed, "-o", str(tmp_path / f"{name}.wav"))
    first, again, other = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in "abc")
    assert np.array_equal(first, again) and not np.array_equal(first, other[: len(first)])
    assert len(first) == 72_000 and 0.05 < np.abs(first).max() <= 1.0


def test_a_picture_makes_a_sound(tmp_path: Path) -> None:
    drawn = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(drawn).ellipse((20, 30, 80, 80), fill="saddlebrown")
    drawn.save(tmp_path / "dog.png")
    sonify("--image", str(tmp_path / "dog.png"), "-o", str(tmp_path / "dog.wav"))
    samples, rate = soundfile.read(tmp_path / "dog.wav")
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    assert rate == 48_000 and np.abs(samples).max() > 0.05
    assert spectrum[: int(8_500 * len(samples) / rate)].sum() > 0.999 * spectrum.sum()


def test_auto_is_offered_what_it_was_measured_to_do_best_and_nothing_else() -> None:
    engine = ClipSonic()
    best = {each.concept for each in read_knows(BUNDLED / "knows.csv") if each.is_best}
    assert best == {"rooster", "shaker", "radio", "shower"}
    assert engine.fit(SoundQuery("a rooster crowing")).score > 0.9
    assert engine.fit(SoundQuery("steady rain")).score < 0.4


def test_weights_belong_to_the_bundled_encoder_and_their_sounds_are_credited() -> None:
    config = load_config(BUNDLED)
    assert config.encoder_version == encoder("bundled").version
    for folder, count in ((BUNDLED, config.trained["sounds"]), (BUNDLED_WEIGHTS, None)):
        with (folder / "CREDITS.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert count in (None, len(rows)) and rows
        for row in rows:
            assert row["licence"].startswith(("CC0", "CC BY", "CC-BY", "Public Domain")), row
            assert "NC" not in row["licence"] and "SA" not in row["licence"]
