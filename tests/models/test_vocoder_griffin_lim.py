"""Mel inversion and Griffin-Lim: what they must keep, whatever their quality."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.vocoder import VocoderUnusable, vocoder
from models.vocoder.griffin_lim import GriffinLim, griffin_lim, griffin_lim_spectrum, mel_to_magnitude
from models.vocoder.mel import BUNDLED, TALK, MelScale, istft, log_mel, magnitude, mel_basis, stft


def tones(seconds: float = 0.5) -> torch.Tensor:
    time = torch.arange(round(16_000 * seconds)) / 16_000
    return sum(0.1 * torch.sin(2 * torch.pi * hz * time) for hz in (440.0, 1234.0, 3210.0))  # type: ignore[return-value]


def noise(n_samples: int = 8_000) -> torch.Tensor:
    return torch.randn(n_samples, generator=torch.Generator().manual_seed(0)) * 0.1


@pytest.mark.parametrize("scale", [BUNDLED, TALK], ids=["bundled", "talk"])
def test_inverted_magnitudes_are_not_negative_and_have_the_mels_they_came_from(scale: MelScale) -> None:
    mels = torch.from_numpy(mel_basis(scale)) @ magnitude(noise(), scale)
    magnitudes = mel_to_magnitude(mels.log(), scale)
    assert magnitudes.min() >= 0.0
    again = torch.from_numpy(mel_basis(scale)) @ magnitudes
    assert (again.log() - mels.log()).abs().mean() < 0.02


def test_mels_that_fit_no_other_magnitudes_are_inverted_exactly() -> None:
    """Each band that holds one bin alone gives that bin back."""
    scale = MelScale(n_fft=256, hop=64, n_mels=60)
    basis = mel_basis(scale)
    bins = sorted({int(band.argmax()) for band in basis if (band > 0).sum() == 1})
    assert len(bins) > 5
    true = torch.rand(129, 3, generator=torch.Generator().manual_seed(1)) + 0.5
    found = mel_to_magnitude((torch.from_numpy(basis) @ true).clamp_min(1e-5).log(), scale)
    torch.testing.assert_close(found[bins], true[bins], rtol=5e-3, atol=0)


def test_phases_that_fit_already_stay() -> None:
    """A spectrum of a real signal is a fixed point of Griffin-Lim."""
    samples = tones()
    spectrum = stft(samples, BUNDLED)
    kept = griffin_lim_spectrum(spectrum, spectrum.abs(), BUNDLED, n_steps=5, momentum=0.0)
    torch.testing.assert_close(istft(kept, BUNDLED)[:8000], samples, rtol=0, atol=1e-4)


def test_steps_bring_the_magnitudes_nearer() -> None:
    """Griffin and Lim 1984: the distance never grows; the fast form gets nearer still."""
    wanted = magnitude(tones(), BUNDLED)

    def error(n_steps: int, momentum: float) -> float:
        samples = griffin_lim(wanted, BUNDLED, n_steps=n_steps, momentum=momentum)
        return float((magnitude(samples, BUNDLED) - wanted).norm() / wanted.norm())

    plain = [error(n, 0.0) for n in (0, 2, 8, 32)]
    assert plain == sorted(plain, reverse=True)
    assert error(32, 0.99) < plain[-1] < 0.5 * plain[0]


def test_a_tone_comes_back_at_its_pitch_and_level() -> None:
    time = torch.arange(16_000) / 16_000
    tone = 0.2 * torch.sin(2 * torch.pi * 1000.0 * time)
    clip = GriffinLim(BUNDLED).waveform(log_mel(tone, BUNDLED))
    spectrum = np.abs(np.fft.rfft(clip.samples[0]))
    assert abs(int(spectrum.argmax()) - 1000) <= 20
    rms = float(np.sqrt(np.mean(np.square(clip.samples))))
    assert rms == pytest.approx(0.2 / np.sqrt(2), rel=0.25)


def test_the_same_mel_gives_the_same_samples_and_silence_stays_silent() -> None:
    through = vocoder("griffin-lim")
    assert through.scale == BUNDLED
    mel = log_mel(noise(), BUNDLED)
    first, second = through.waveform(mel), through.waveform(mel)
    np.testing.assert_array_equal(first.samples, second.samples)
    assert first.samples.shape == (1, BUNDLED.n_frames(8_000) * BUNDLED.hop) and first.sample_rate == 16_000
    quiet = through.waveform(log_mel(torch.zeros(8_000), BUNDLED))
    assert np.abs(quiet.samples).max() < 1e-4


def test_griffin_lim_takes_the_scale_that_is_asked_for() -> None:
    assert vocoder("griffin-lim", scale=TALK).scale == TALK


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(VocoderUnusable, match=r"'nowhere'; there are: bundled, griffin-lim, bigvgan"):
        vocoder("nowhere")
