"""The front end of CLIPSep: spectra of 16 kHz sound, and the log-frequency warp of 513 bins to 256 and back.

Conventions: spectra are complex64 (.., 513, T), magnitudes float32 (.., 513, T) or warped (.., 256, T).
The warp samples bins bilinearly at places fixed by Sound-of-Pixels (Zhao et al. 2018), which CLIPSep keeps; time is
left alone.
"""

from __future__ import annotations

import math
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
    return _sample(magnitudes, *_warp_places(magnitudes.device))


def unwarp(masks: Tensor) -> Tensor:
    """Log-frequency bins -> linear bins: (.., 256, T) -> (.., 513, T)."""
    return _sample(masks, *_unwarp_places(masks.device))


def unwarp_transposed(energies: Tensor) -> Tensor:
    """What each log-frequency bin is answerable for: (.., 513, T) -> (.., 256, T), the transpose of `unwarp`.

    So that (unwarp(m) * e).sum() equals (m * unwarp_transposed(e)).sum().
    """
    below, share = _unwarp_places(energies.device)
    gathered = torch.zeros(*energies.shape[:-2], N_WARPED, energies.shape[-1], device=energies.device)
    gathered.index_add_(-2, below, energies * (1.0 - share)[:, None])
    return gathered.index_add_(-2, below + 1, energies * share[:, None])


def _sample(values: Tensor, below: Tensor, share: Tensor) -> Tensor:
    """Straight lines between neighbouring bins, along the axis before the last."""
    low, high = values.index_select(-2, below), values.index_select(-2, below + 1)
    return torch.lerp(low, high, share[:, None].to(values.dtype))


def log_magnitude(warped: Tensor) -> Tensor:
    """What the net reads, of warped magnitudes to which the floor was not yet added."""
    return torch.log(warped + FLOOR)


@cache
def _warp_places(device: torch.device) -> tuple[Tensor, Tensor]:
    """Warped bin i looks at y = (21^((y_i + 1) / 2) - 11) / 10 of the axis from -1 to 1."""
    y = torch.linspace(-1.0, 1.0, N_WARPED, dtype=torch.float64)
    return _neighbours((21.0 ** ((y + 1.0) / 2.0) - 11.0) / 10.0, N_BINS, device)


@cache
def _unwarp_places(device: torch.device) -> tuple[Tensor, Tensor]:
    """Linear bin i looks at y = 2 ln(10 y_i + 11) / ln(21) - 1."""
    y = torch.linspace(-1.0, 1.0, N_BINS, dtype=torch.float64)
    return _neighbours(torch.log(10.0 * y + 11.0) / math.log(21.0) * 2.0 - 1.0, N_WARPED, device)


def _neighbours(places: Tensor, n_inputs: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Places in [-1, 1], whose ends are the first and the last input -> the input below, and the share of the next."""
    positions = ((places + 1.0) / 2.0 * (n_inputs - 1)).clamp(0.0, n_inputs - 1)
    below = positions.floor().clamp(max=n_inputs - 2).long()
    return below.to(device), (positions - below).float().to(device)
