"""Noise invariant training (CLIPSep-NIT): noise heads that take up what no query asks for.

Source: Dong et al. 2023, section 3. Conventions: B batch, Q queries, N noise heads, F bins, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.clipsep.net import SeparationNet


def noise_masks(net: SeparationNet, features: Tensor, query_logits: Tensor) -> Tensor:
    """Masks of the noise heads, 0 to 1: features (B, 32, F, T) and query logits (B, Q, 32) -> (B, N, F, T).

    The heads read the mean of the queries before their sigmoid: in training the two of a mixture, at test the one.
    """
    mean = query_logits.mean(dim=1)  # (B, 32)
    logits = torch.stack([head(mean) for head in net.noise_heads], dim=1)  # (B, N, 32)
    return torch.sigmoid(net.mask_logits(features, logits))


def with_noise(masks: Tensor, noise: Tensor) -> Tensor:
    """The prediction that is trained: the query's mask and a noise mask together, at most 1."""
    return (masks + noise).clamp(max=1.0)
