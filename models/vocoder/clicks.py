"""Clicks in a spectrogram: how much of each band is one, and where in the frame it was.

A click u samples after a frame's middle measures cos^2(pi u / n) under a Hann window of n samples. So frames more than
half a window away do not hear it at all, and the ratio of what the frames a hop before and after measure gives u.
Conventions: magnitudes (B, F, S), S = T * split spectrum frames, split of them made from each mel frame.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from models.vocoder.mel import MelScale

BAND_HZ = 140.0
"""Levels are compared in bands about this wide."""
LIKELY_DB, SOFTNESS_DB = 10.0, 2.0
"""A band that is this much above its surroundings, two and three frames away, is half taken for a click."""
FLOOR = 1e-7


def click_share(magnitudes: Tensor, scale: MelScale, split: int) -> Tensor:
    """0 to 1, (B, F, S): 1 where a band sounds in up to three neighbouring mel frames and not around them."""
    n_bins = magnitudes.shape[1]
    reach = max(1, round(BAND_HZ * n_bins / scale.sample_rate))
    power = magnitudes[..., ::split].square()  # (B, F, T)
    power = functional.avg_pool2d(power, (2 * reach + 1, 1), stride=1, padding=(reach, 0), count_include_pad=False)
    n_frames = power.shape[-1]
    padded = functional.pad(power, (3, 3)) + FLOOR**2
    shifted = [padded[..., k : k + n_frames] for k in range(7)]
    peak = torch.maximum(torch.maximum(shifted[2], shifted[3]), shifted[4])
    before, after = torch.maximum(shifted[0], shifted[1]), torch.maximum(shifted[5], shifted[6])
    above_db = 10.0 * torch.log10(peak / torch.maximum(before, after))
    return torch.sigmoid((above_db - LIKELY_DB) / SOFTNESS_DB).repeat_interleave(split, dim=-1)


def click_angles(magnitudes: Tensor, scale: MelScale, n_fft: int, split: int) -> Tensor:
    """Phases of a click in each band of spectrum frames of n_fft samples, where the mel frames' levels say it was.

    Along the bins they fall by 2 pi u / n_fft from one to the next, counted from the frame's begin.
    """
    level = (magnitudes[..., ::split] + FLOOR).log()  # (B, F, T)
    rise = torch.diff(functional.pad(level, (1, 1), mode="replicate"), dim=-1)
    rise = rise[..., 1:] + rise[..., :-1]
    lean = torch.tanh(0.25 * rise) / math.tan(math.pi * scale.hop / scale.n_fft)
    delay = torch.atan(lean) * (scale.n_fft / math.pi)  # in samples after the middle of the mel frame
    hop = scale.hop // split
    middle = (torch.arange(split, device=delay.device) + 0.5) * hop - 0.5 * scale.hop
    delay = (delay[..., None] - middle).flatten(-2)  # (B, F, S)
    fall = (delay + n_fft / 2).cumsum(1)
    return -2.0 * math.pi / n_fft * (fall - fall[:, :1])
