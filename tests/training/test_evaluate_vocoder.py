"""The measurement of vocoders: its distances by hand, its counts by a toy ear, and a real one where it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

import cli
from models.clip import Clip
from models.vocoder.griffin_lim import GriffinLim
from models.vocoder.mel import BUNDLED, TALK, MelScale
from training.evaluate_vocoder import (
    HEARD_AS,
    held_out_sounds,
    log_mel_l1,
    measure,
    parse_mel,
    reconstruct,
    stft_distance,
    table,
)
from training.sounds import Sound, sound_of
from training.yamnet import Heard

SHARED = Path(__file__).parents[3] / "shared" / "data"


def toy_clip(hz: float, amplitude: float = 0.3, sample_rate: int = 16_000) -> Clip:
    time = np.arange(sample_rate) / sample_rate
    return Clip((amplitude * np.sin(2 * np.pi * hz * time))[None].astype(np.float32), sample_rate)


def toy_sound(concept: str, hz: float) -> Sound:
    return sound_of(np.round(toy_clip(hz).samples[0] * 32767).astype(np.int16), concept, name=concept)


class Copy:
    """A vocoder that gives silence, or a fixed tone, whatever it reads."""

    version, scale = "1", BUNDLED

    def __init__(self, hz: float, amplitude: float = 0.3) -> None:
        self.hz, self.amplitude = hz, amplitude

    def waveform(self, log_mel: Tensor) -> Clip:
        assert log_mel.shape == (80, 50)
        return toy_clip(self.hz, self.amplitude)


def toy_ear(clip: Clip) -> list[Heard]:
    """Hears a dog in low tones, a rooster in high ones; five other classes stand between the two."""
    peak_hz = int(np.abs(np.fft.rfft(clip.samples[0])).argmax())
    others = [f"other {k}" for k in range(5)]
    names = ["Dog", *others, "Chicken, rooster"] if peak_hz < 1000 else ["Chicken, rooster", *others, "Dog"]
    rest = [name for names_of in HEARD_AS.values() for name in names_of if name not in names]
    return [Heard(name, 1.0 / (rank + 1)) for rank, name in enumerate([*names, *rest])]


def test_a_gain_moves_log_mels_by_its_logarithm_and_nothing_else() -> None:
    random = np.random.default_rng(0)
    real = Clip((0.1 * random.standard_normal((1, 16_000))).astype(np.float32), 16_000)
    louder = Clip(real.samples * np.float32(2), 16_000)
    assert log_mel_l1(louder, real) == pytest.approx(np.log(2), abs=1e-4)
    assert stft_distance(louder, real) == pytest.approx(1.0 + np.log(2), abs=5e-3)
    assert log_mel_l1(real, real) == stft_distance(real, real) == 0.0


def test_counts_are_those_of_a_toy_ear() -> None:
    sounds = [toy_sound("dog", 400.0), toy_sound("rooster", 2000.0), toy_sound("dog", 2500.0)]
    systems = [("low", Copy(400.0)), ("high", Copy(2000.0))]
    real, low, high = measure(sounds, systems, toy_ear)
    assert (real.label_top_1, real.kept_top_1, real.log_mel_l1, real.count) == (2 / 3, 1.0, 0.0, 3)
    assert (low.label_top_1, low.label_top_5, low.kept_top_1) == (2 / 3, 2 / 3, 1 / 3)
    assert (high.label_top_1, high.kept_top_1, high.kept_top_5) == (1 / 3, 2 / 3, 2 / 3)
    assert high.mel == "80/1024/320" and high.frames_per_s == 50.0
    text = table([real, low, high])
    assert "| low | 80/1024/320 | 50 |" in text and "| 67 % | 67 % | 33 % | 33 % | 3 |" in text


def test_without_an_ear_only_distances_are_measured() -> None:
    real, low = measure([toy_sound("dog", 400.0)], [("low", Copy(400.0, 0.15))], None)
    assert low.label_top_1 is None and low.kept_top_5 is None
    assert low.stft_distance > real.stft_distance == 0.0
    assert table([low]).count(" |  |  |  |  | 1 |") == 1


def test_clips_of_any_rate_come_back_at_their_own_rate_and_length() -> None:
    clip = toy_clip(440.0, sample_rate=22_050)
    made = reconstruct(clip, GriffinLim(MelScale(n_fft=512, hop=128, n_mels=40)))
    assert made.sample_rate == 22_050 and made.samples.shape == clip.samples.shape
    assert int(np.abs(np.fft.rfft(made.samples[0])).argmax()) == pytest.approx(440, abs=15)


def test_mels_are_written_as_three_numbers() -> None:
    assert parse_mel("64/2048/512") == TALK
    with pytest.raises(ValueError):
        parse_mel("64/2048")


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data with ESC-10 is not there")
def test_the_command_measures_the_held_out_fold() -> None:
    assert len(held_out_sounds(SHARED / "sounds.csv")) == 80
    torch.manual_seed(0)
    arguments = ["--sounds", str(SHARED / "sounds.csv"), "--mels", "80/1024/320", "--every", "40"]
    result = CliRunner().invoke(cli.app, ["evaluate", "vocoder", *arguments])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 4 and lines[2].startswith("| real clips |") and lines[3].endswith(" | 2 |")
    assert 0.05 < float(lines[3].split("|")[4]) < 0.6
