"""Any duration from a net that knows one window: overlapping windows are denoised jointly.

At each step of the sampler every window's belief about the clean mel is asked for, and where windows overlap the
beliefs are averaged, so that all of them agree on one long mel and no joint is ever made (Bar-Tal et al. 2023).
Conventions: x is (B, n_mels, n_frames) with any number of frames.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from models.clipsonic.diffusion import Estimate
from models.clipsonic.samplers import Denoise

OVERLAP = 0.25
"""Share of a window that it has in common with the next."""
N_BATCH = 4
"""Windows that go through the net at once, whatever the duration: memory stays the same."""

DenoiseWindows = Callable[[Tensor], Denoise]
"""Which example of the batch each window belongs to, (n,) -> what denoises these windows, (n, n_mels, n_window)."""


def window_starts(n_frames: int, n_window: int, overlap: float = OVERLAP) -> list[int]:
    """Where windows begin so that they cover n_frames evenly, with at least this overlap; [0] when one is enough."""
    if n_frames <= n_window:
        return [0]
    n_free = n_window - round(n_window * overlap)
    n_more = -(-(n_frames - n_window) // n_free)
    return [round(number * (n_frames - n_window) / n_more) for number in range(n_more + 1)]


def window_weight(n_window: int, overlap: float = OVERLAP) -> Tensor:
    """What a window's belief counts at each of its frames, (n_window,): 1 in the middle, falling towards both ends."""
    n_slope = max(1, round(n_window * overlap))
    rising = (torch.arange(n_window) + 1.0) / (n_slope + 1.0)
    return torch.minimum(rising, rising.flip(0)).clamp(max=1.0)


def jointly(
    denoise_windows: DenoiseWindows, n_window: int, *, overlap: float = OVERLAP, n_batch: int = N_BATCH
) -> Denoise:
    """A Denoise over mels of any length. Mels no longer than a window are one window, as long as they are."""

    def denoise(x: Tensor, time: float) -> Estimate:
        starts = window_starts(x.shape[2], n_window, overlap)
        n_each = min(n_window, x.shape[2])
        weight = window_weight(n_each, overlap).to(x.device)
        total, weights = torch.zeros_like(x), torch.zeros_like(x[0, 0])
        variance: Tensor | None = None
        for start in starts:
            weights[start : start + n_each] += weight
        jobs = [(example, start) for example in range(len(x)) for start in starts]
        for first in range(0, len(jobs), n_batch):
            batch = jobs[first : first + n_batch]
            windows = torch.stack([x[example, :, start : start + n_each] for example, start in batch])
            found = denoise_windows(torch.tensor([example for example, _ in batch], device=x.device))(windows, time)
            if found.variance is not None and variance is None:
                variance = torch.zeros_like(x)
            for place, (example, start) in enumerate(batch):
                total[example, :, start : start + n_each] += found.clean[place] * weight
                if variance is not None and found.variance is not None:
                    variance[example, :, start : start + n_each] += found.variance[place] * weight
        return Estimate(total / weights, None if variance is None else variance / weights)

    return denoise
