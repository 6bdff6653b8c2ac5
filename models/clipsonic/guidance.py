"""Classifier-free guidance: a net's belief about a query, carried away from its belief about none.

Source: Ho and Salimans 2022, as w in null + w * (told - null): 1 takes the net at its word, 0 asks for nothing at all.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from models.clipsonic.config import ClipSonicConfig
from models.clipsonic.diffusion import Estimate, Net, estimate, levels
from models.clipsonic.samplers import Denoise, SamplingUnusable
from models.vocoder.mel import FLOOR

MAX_GUIDANCE = 20.0


def refuse_guidance(guidance: float) -> None:
    """Raises SamplingUnusable for what is no strength of guidance."""
    if not 0.0 <= guidance <= MAX_GUIDANCE:
        raise SamplingUnusable(f"guidance {guidance:g} cannot be used; give 0 to {MAX_GUIDANCE:g} (1 is none)")


def mel_bounds(config: ClipSonicConfig) -> tuple[float, float]:
    """The normalised values that a log mel can have: from its floor to what full scale gives."""
    loudest = math.log(config.mel.n_fft / 2.0)
    return (math.log(FLOOR) - config.mel_mean) / config.mel_std, (loudest - config.mel_mean) / config.mel_std


def guided(
    net: Net, query: Tensor, config: ClipSonicConfig, *, guidance: float, bounds: tuple[float, float] | None = None
) -> Denoise:
    """What the net believes of each query (B, query_size) -> Denoise over (B, n_mels, n_frames).

    Both beliefs come from one call with a batch twice as large; at a guidance of 1 or 0 there is one. The variance is
    that of the belief about the query. Clean mels are kept within `bounds`, as Ho et al. keep pictures within theirs.
    """
    refuse_guidance(guidance)

    def denoise(x: Tensor, time: float) -> Estimate:
        output = told(x, time)
        signal, sigma = (torch.full((1, 1, 1), float(level)) for level in levels_at(time))
        found = estimate(output, x, signal.to(x.device), sigma.to(x.device), config)
        return found if bounds is None else Estimate(found.clean.clamp(*bounds), found.variance)

    def levels_at(time: float) -> tuple[float, float]:
        signal, sigma = levels(np.array([time]), config)
        return float(signal[0]), float(sigma[0])

    def told(x: Tensor, time: float) -> Tensor:
        n_batch = len(x)
        times = torch.full((n_batch,), time, device=x.device)
        if guidance in (0.0, 1.0):
            return net(x, times, query, torch.full((n_batch,), guidance == 0.0, device=x.device))
        drop = torch.arange(2 * n_batch, device=x.device) >= n_batch
        both = net(torch.cat([x, x]), torch.cat([times, times]), torch.cat([query, query]), drop)
        about, null = both.chunk(2)
        n_mels = config.mel.n_mels
        mean = null[:, :n_mels] + guidance * (about[:, :n_mels] - null[:, :n_mels])
        return torch.cat([mean, about[:, n_mels:]], dim=1)

    return denoise
