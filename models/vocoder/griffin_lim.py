"""From a log-mel spectrogram to a waveform without a net: mel inversion, then phases by Griffin and Lim.

Sources: Lee and Seung 2001 (multiplicative updates for the Kullback-Leibler divergence); Perraudin, Balazs and
Soendergaard 2013 (fast Griffin-Lim). Conventions: as in models.vocoder.mel.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.clip import Clip
from models.vocoder.mel import BUNDLED, MelScale, istft, mel_basis, stft

N_INVERSION_STEPS = 100
N_STEPS = 4
"""More steps are smoother and heard less truly: of 80 held-out clips through the bundled mel, YAMNet's first class is
that of the real clip for 60 with 4 steps, 57 with 8, 52 with 16, 55 with 32 and 54 with 64."""
MOMENTUM = 0.99
SEED = 0


class GriffinLim:
    """The vocoder that needs no weights and serves any scale."""

    version = "1"

    def __init__(self, scale: MelScale = BUNDLED) -> None:
        self.scale = scale

    def waveform(self, log_mel: Tensor) -> Clip:
        """(n_mels, n_frames) -> mono at the scale's rate, n_frames * hop samples; the same mel, the same samples."""
        samples = griffin_lim(mel_to_magnitude(log_mel.float(), self.scale), self.scale)
        return Clip(samples.numpy().astype(np.float32)[None], self.scale.sample_rate)


def mel_to_magnitude(log_mel: Tensor, scale: MelScale, *, n_steps: int = N_INVERSION_STEPS) -> Tensor:
    """(..., n_mels, n_frames) -> magnitudes (..., n_fft // 2 + 1, n_frames), none negative, that have these mels.

    Of the many that do, one near the smooth start: each mel spread evenly over its band.
    """
    basis = torch.from_numpy(mel_basis(scale)).to(log_mel.device)
    weight = basis.sum(0)[:, None].clamp_min(1e-8)  # (bins, 1)
    mels = log_mel.exp()
    level = mels / basis.sum(1)[:, None].clamp_min(1e-8)
    magnitudes = torch.matmul(basis.T, level) / weight
    for _ in range(n_steps):
        ratio = mels / torch.matmul(basis, magnitudes).clamp_min(1e-12)
        magnitudes = magnitudes * (torch.matmul(basis.T, ratio) / weight)
    return magnitudes


def griffin_lim(
    magnitudes: Tensor, scale: MelScale, *, n_steps: int = N_STEPS, momentum: float = MOMENTUM, seed: int = SEED
) -> Tensor:
    """(..., n_fft // 2 + 1, n_frames) -> (..., n_frames * hop) samples whose STFT comes near these magnitudes.

    The phases begin at random, drawn by the seed. Momentum 0 is the algorithm of Griffin and Lim 1984.
    """
    generator = torch.Generator().manual_seed(seed)
    angles = torch.rand(magnitudes.shape, generator=generator).to(magnitudes.device) * (2.0 * torch.pi)
    start = torch.polar(magnitudes, angles)
    return istft(griffin_lim_spectrum(start, magnitudes, scale, n_steps=n_steps, momentum=momentum), scale)


def griffin_lim_spectrum(
    spectrum: Tensor, magnitudes: Tensor, scale: MelScale, *, n_steps: int, momentum: float = MOMENTUM
) -> Tensor:
    """As griffin_lim, from a complex spectrum to another one: (..., n_fft // 2 + 1, n_frames), of these magnitudes."""
    before = torch.zeros_like(spectrum)
    for _ in range(n_steps):
        consistent = stft_of(istft(spectrum, scale), scale)
        accelerated = consistent + momentum * (consistent - before)
        before = consistent
        parts = torch.view_as_real(accelerated)  # abs() of complex numbers is slow
        gain = magnitudes * parts.square().sum(-1).clamp_min(1e-24).rsqrt()
        spectrum = torch.view_as_complex(parts * gain[..., None])
    return spectrum


def stft_of(samples: Tensor, scale: MelScale) -> Tensor:
    """`stft` for any number of leading dimensions."""
    flat = stft(samples.reshape(-1, samples.shape[-1]), scale)
    return flat.reshape(*samples.shape[:-1], *flat.shape[-2:])
