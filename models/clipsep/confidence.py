"""How sure a separation is that what was asked for is there."""

from __future__ import annotations

import math

import torch
from torch import Tensor

PIECE_FRAMES = 64
"""Shares are taken a second at a time: a short sound in a long recording is there too."""


class Evidence:
    """What the masks of each query claimed, summed up over a recording."""

    def __init__(self, n_queries: int) -> None:
        self._claimed = torch.zeros(n_queries, dtype=torch.float64)
        self._claimed_surely = torch.zeros(n_queries, dtype=torch.float64)
        self._largest_share = torch.zeros(n_queries, dtype=torch.float64)

    def add(self, magnitudes: Tensor, masks: Tensor) -> None:
        """Takes windows: magnitudes (B, F, T) and masks (B, Q, F, T)."""
        power = magnitudes.square()[:, None]  # (B, 1, F, T)
        claimed = _pieces(masks * power)  # (B, Q, pieces)
        everything = _pieces(power)
        self._claimed += claimed.sum((0, 2)).double().cpu()
        self._claimed_surely += _pieces(masks.square() * power).sum((0, 2)).double().cpu()
        share = claimed / everything.clamp(min=1e-12)
        self._largest_share = torch.maximum(self._largest_share, share.amax((0, 2)).double().cpu())

    def confidences(self) -> list[float]:
        """0 to 1 for each query; 0 when it claimed nothing."""
        found = []
        for claimed, surely, share in zip(
            self._claimed.tolist(), self._claimed_surely.tolist(), self._largest_share.tolist(), strict=True
        ):
            found.append(confidence(surely / claimed, share) if claimed > 0.0 else 0.0)
        return found


def _pieces(maps: Tensor) -> Tensor:
    """(B, Q, F, T) -> sums (B, Q, T / PIECE_FRAMES)."""
    sums = maps.sum(2)
    return sums.reshape(*sums.shape[:2], -1, PIECE_FRAMES).sum(-1)


def confidence(sureness: float, share: float) -> float:
    """The chance that a sound is there.

    `sureness` is the mean of the mask weighted by the energy that it lets through: near 1 where the net points at
    something, low where it only hedges. `share` is the most of the energy of a second that the mask claims.
    """
    return 1.0 / (1.0 + math.exp(-(8.0 * (sureness - 0.6) + 1.0 * math.log10(share + 1e-6) + 1.0)))
