"""Log-mel spectrograms: their basis, their frames, and the way back from spectra."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocoder.mel import BUNDLED, FLOOR, TALK, MelScale, MelUnusable, istft, log_mel, magnitude, mel_basis, stft

SCALES = [TALK, BUNDLED, MelScale(n_fft=1024, hop=256, n_mels=80), MelScale(n_fft=512, hop=301, n_mels=20)]
IDS = [f"{s.n_fft}-{s.hop}-{s.n_mels}" for s in SCALES]


def noise(n_samples: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n_samples, generator=torch.Generator().manual_seed(seed)) * 0.1


def slaney_weight(scale: MelScale, mel: int, bin_hz: float) -> float:
    """One weight by the formula of Slaney's Auditory Toolbox, one number at a time: linear to 1 kHz, then log."""

    def hz(mels: float) -> float:
        return mels * 200.0 / 3.0 if mels < 15.0 else 1000.0 * 6.4 ** ((mels - 15.0) / 27.0)

    def mels(frequency: float) -> float:
        return frequency * 3.0 / 200.0 if frequency < 1000.0 else 15.0 + 27.0 * math.log(frequency / 1000.0, 6.4)

    low, high = mels(scale.low_hz), mels(scale.high_hz)
    left, middle, right = (hz(low + (high - low) * (mel + k) / (scale.n_mels + 1)) for k in range(3))
    if left < bin_hz <= middle:
        return (bin_hz - left) / (middle - left) * 2.0 / (right - left)
    if middle < bin_hz < right:
        return (right - bin_hz) / (right - middle) * 2.0 / (right - left)
    return 0.0


@pytest.mark.parametrize("scale", [*SCALES, MelScale(n_fft=1024, hop=256, n_mels=40, low_hz=90.0, high_hz=7600.0)])
def test_the_basis_is_slaneys(scale: MelScale) -> None:
    bins_hz = np.fft.rfftfreq(scale.n_fft, 1.0 / scale.sample_rate)
    expected = [[slaney_weight(scale, mel, bin_hz) for bin_hz in bins_hz] for mel in range(scale.n_mels)]
    np.testing.assert_allclose(mel_basis(scale), expected, rtol=1e-4, atol=1e-8)


def test_the_basis_has_the_numbers_that_librosa_documents() -> None:
    """librosa.filters.mel(sr=22050, n_fft=2048), n_mels 128: its help shows 0.016 at [0, 1]."""
    basis = mel_basis(MelScale(sample_rate=22_050, n_fft=2048, hop=512, n_mels=128, high_hz=11_025.0))
    assert basis.shape == (128, 1025)
    assert basis[0, 0] == 0.0
    assert basis[0, 1] == pytest.approx(0.016, abs=5e-4)


@pytest.mark.parametrize("scale", SCALES, ids=IDS)
@settings(deadline=None, max_examples=25)
@given(n_samples=st.integers(1, 5000))
def test_samples_make_as_many_frames_as_they_fill(scale: MelScale, n_samples: int) -> None:
    mel = log_mel(torch.zeros(n_samples), scale)
    assert mel.shape == (scale.n_mels, math.ceil(n_samples / scale.hop))
    assert scale.n_frames(n_samples) == mel.shape[1]


def test_no_samples_make_no_frames() -> None:
    assert log_mel(torch.zeros(2, 0), TALK).shape == (2, 64, 0)
    assert istft(stft(torch.zeros(0), TALK), TALK).shape == (0,)


@pytest.mark.parametrize("scale", SCALES, ids=IDS)
def test_a_mel_is_the_sum_of_the_windowed_frames_spectrum(scale: MelScale) -> None:
    """Frame 7 by numpy's own transform, around its middle sample."""
    samples = noise(12 * scale.hop).numpy().astype(np.float64)
    middle = 7 * scale.hop + scale.hop // 2
    padded = np.pad(samples, scale.n_fft)
    start = scale.n_fft + 7 * scale.hop - (scale.n_fft - scale.hop) // 2
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(scale.n_fft) / scale.n_fft)
    assert abs(start + scale.n_fft / 2 - scale.n_fft - middle) <= 1
    spectrum = np.abs(np.fft.rfft(padded[start : start + scale.n_fft] * window))
    expected = np.log(np.maximum(mel_basis(scale) @ spectrum, FLOOR))
    actual = log_mel(torch.from_numpy(samples).float(), scale)[:, 7]
    np.testing.assert_allclose(actual.numpy(), expected, atol=2e-3)


def test_a_sine_measures_a_quarter_of_the_window() -> None:
    """A Hann window of n samples lets a sine of amplitude 1 between bins measure n / 4."""
    sine = torch.sin(2.0 * torch.pi * 1000.0 * torch.arange(16_000) / 16_000)
    assert magnitude(sine, BUNDLED)[64, 20].item() == pytest.approx(BUNDLED.n_fft / 4, rel=1e-3)


def test_silence_lies_on_the_floor() -> None:
    mel = log_mel(torch.zeros(4000), BUNDLED)
    assert mel.min() == mel.max()
    assert mel.max().item() < math.log(2e-5)


def test_batches_and_single_clips_agree_and_bf16_changes_nothing() -> None:
    batch = torch.stack([noise(3000, 1), noise(3000, 2)])
    single = torch.stack([log_mel(samples, TALK) for samples in batch])
    torch.testing.assert_close(log_mel(batch, TALK), single)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(log_mel(batch, TALK), single)


def test_frames_away_from_the_cut_know_nothing_of_it() -> None:
    """A crop at a frame's edge has the frames of the whole, but for those that reach over the cut."""
    whole, reach = noise(40 * BUNDLED.hop), 2
    cut = log_mel(whole[10 * BUNDLED.hop : 30 * BUNDLED.hop], BUNDLED)
    torch.testing.assert_close(cut[:, reach:-reach], log_mel(whole, BUNDLED)[:, 10 + reach : 30 - reach])


@pytest.mark.parametrize("scale", SCALES[:3], ids=IDS[:3])
def test_spectra_go_back_to_their_samples(scale: MelScale) -> None:
    samples = torch.stack([noise(10_007, 3), noise(10_007, 4)])
    back = istft(stft(samples, scale), scale)
    assert back.shape == (2, scale.n_frames(10_007) * scale.hop)
    torch.testing.assert_close(back[:, :10_007], samples, atol=1e-5, rtol=0.0)
    assert back[:, 10_007:].abs().max() < 1e-5


def test_mels_let_gradients_through() -> None:
    samples = noise(2000).requires_grad_()
    log_mel(samples, BUNDLED).sum().backward()
    assert samples.grad is not None and torch.isfinite(samples.grad).all() and samples.grad.abs().sum() > 0


def test_numbers_that_make_no_scale_are_refused() -> None:
    with pytest.raises(MelUnusable, match="hop"):
        MelScale(n_fft=512, hop=1024, n_mels=64)
    with pytest.raises(MelUnusable, match="8000, half the rate"):
        MelScale(n_fft=512, hop=128, n_mels=64, high_hz=9000.0)
    with pytest.raises(MelUnusable, match=r"\(1, 2, 3\)"):
        log_mel(torch.zeros(1, 2, 3), TALK)
