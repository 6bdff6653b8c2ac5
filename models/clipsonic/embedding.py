"""What both nets are told: the time of the diffusion and the query, as one vector.

Conventions: time in steps of training, (B,); queries as the encoder gives them, (B, query_size).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def each(layer: nn.Linear, x: Tensor) -> Tensor:
    """The layer's output for (B, ..., n_in); where a CPU predicts, in one product an example.

    A product of all rows at once sums in an order that depends on how many rows there are, which changes the last
    bits: then a sound would depend on what is made beside it.
    """
    out: Tensor
    if layer.training or x.device.type != "cpu":
        out = layer(x)
        return out
    rows = x.reshape(len(x), -1, x.shape[-1])
    out = torch.baddbmm(layer.bias, rows, layer.weight.T.expand(len(x), -1, -1))
    return out.reshape(*x.shape[:-1], -1)


class Conditioning(nn.Module):
    """Time and query to one vector: the time's waves through two layers, plus Linear(query) (Dhariwal and Nichol 2021).

    The null query, which guidance needs, is a vector of its own in the queries' place.
    """

    def __init__(self, *, query_size: int, n_waves: int, width: int) -> None:
        super().__init__()
        self.n_waves = n_waves
        self.time = nn.Sequential(nn.Linear(n_waves, width), nn.SiLU(), nn.Linear(width, width))
        self.query = nn.Linear(query_size, width)
        self.null_query = nn.Parameter(torch.zeros(query_size))

    def forward(self, time: Tensor, query: Tensor, drop: Tensor | None = None) -> Tensor:
        """(B,), (B, query_size), (B,) bool -> (B, width); `drop` is True where the null query stands in."""
        query = query.to(self.null_query.dtype)
        if drop is not None:
            query = torch.where(drop[:, None], self.null_query, query)
        first, active, second = self.time
        assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear)
        said: Tensor = each(second, active(each(first, waves(time, self.n_waves)))) + each(self.query, query)
        return said


def waves(time: Tensor, n_waves: int) -> Tensor:
    """Cosines and sines of the time with wavelengths from 2 pi to 20,000 pi steps, (B,) -> (B, n_waves)."""
    half = n_waves // 2
    rates = torch.exp(torch.arange(half, device=time.device) * (-math.log(10_000.0) / half))
    angles = time.float()[:, None] * rates  # (B, half)
    return functional.pad(torch.cat([angles.cos(), angles.sin()], dim=1), (0, n_waves % 2))
