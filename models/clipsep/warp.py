"""The front end of CLIPSep: spectra of 16 kHz sound, and the log-frequency warp of 513 bins to 256 and back.

Conventions: spectra are complex64 (.., 513, T), magnitudes float32 (.., 513, T) or warped (.., 256, T).
The warp samples bins bilinearly at places fixed by Sound-of-Pixels (Zhao et al. 2018), which CLIPSep keeps; time is
left alone, so it is one small matrix each way.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

SAMPLE_RATE = 16_000
N_FFT = 1024
HOP = 256
N_BINS = N_FFT // 2 + 1
N_WARPED = 256
FLOOR = 1e-10
"""Added to magnitudes before the logarithm."""


def stft(samples: Tensor) -> Tensor:
    """(.., n_samples) at 16 kHz -> (.., 513, 1 + n_samples // 256), Hann window, zeros beyond the ends."""
    flat = samples.reshape(-1, samples.shape[-1])
    spectra = torch.stft(
        flat, N_FFT, HOP, window=_window(samples.device), center=True, pad_mode="constant", return_complex=True
    )
    return spectra.reshape(*samples.shape[:-1], *spectra.shape[-2:])


def istft(spectra: Tensor, n_samples: int) -> Tensor:
    """(.., 513, T) -> (.., n_samples).

    Where the last frames reach beyond the end, the window's overlap is small and masked spectra may spike: the paper's
    measure leaves out the last 255 samples of 65,535.
    """
    flat = spectra.reshape(-1, *spectra.shape[-2:])
    samples = torch.istft(flat, N_FFT, HOP, window=_window(spectra.device), center=True, length=n_samples)
    return samples.reshape(*spectra.shape[:-2], n_samples)


@cache
def _window(device: torch.device) -> Tensor:
    return torch.hann_window(N_FFT, device=device)


def warp(magnitudes: Tensor) -> Tensor:
    """Linear bins -> log-frequency bins: (.., 513, T) -> (.., 256, T)."""
    return torch.matmul(_warp_matrix(magnitudes.device), magnitudes)


def unwarp(masks: Tensor) -> Tensor:
    """Log-frequency bins -> linear bins: (.., 256, T) -> (.., 513, T)."""
    return torch.matmul(_unwarp_matrix(masks.device), masks)


def log_magnitude(warped: Tensor) -> Tensor:
    """What the net reads, of warped magnitudes to which the floor was not yet added."""
    return torch.log(warped + FLOOR)


@cache
def _warp_matrix(device: torch.device) -> Tensor:
    """(256, 513): warped bin i looks at y = (21^((y_i + 1) / 2) - 11) / 10 of the axis from -1 to 1."""
    y = torch.linspace(-1.0, 1.0, N_WARPED, dtype=torch.float64)
    return _sampling_matrix((21.0 ** ((y + 1.0) / 2.0) - 11.0) / 10.0, N_BINS).to(device)


@cache
def _unwarp_matrix(device: torch.device) -> Tensor:
    """(513, 256): linear bin i looks at y = 2 ln(10 y_i + 11) / ln(21) - 1."""
    y = torch.linspace(-1.0, 1.0, N_BINS, dtype=torch.float64)
    places = torch.log(10.0 * y + 11.0) / torch.log(torch.tensor(21.0, dtype=torch.float64)) * 2.0 - 1.0
    return _sampling_matrix(places, N_WARPED).to(device)


def _sampling_matrix(places: Tensor, n_inputs: int) -> Tensor:
    """Linear interpolation at places of [-1, 1], whose ends are the first and the last input."""
    positions = ((places + 1.0) / 2.0 * (n_inputs - 1)).clamp(0.0, n_inputs - 1)
    below = positions.floor().clamp(max=n_inputs - 2).long()
    share = (positions - below).float()
    rows = torch.arange(len(places))
    matrix = torch.zeros(len(places), n_inputs)
    matrix[rows, below] = 1.0 - share
    matrix[rows, below + 1] = share
    return matrix
