"""The net of CLIPSep: a U-Net over log magnitudes whose 32 feature maps a query vector weighs into a mask.

The U-Net never sees the query, so one pass of `features` serves any number of queries in `masks`.
Sources: Dong et al. 2023 ("CLIPSep", section 2) and its public code, which fixes every layer.
Conventions: B batch, Q queries of one mixture, F frequency bins after the warp (256), T frames (a multiple of 128).
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

N_LEVELS = 7
TIME_STEP = 2**N_LEVELS
"""The number of frames must be a multiple of this: each level halves it."""


class NetConfig(BaseModel):
    """The size of a net. The published one is the default with 2 noise heads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(default=64, ge=1, le=512)
    """Maps of the first level; the deeper ones have 2, 4 and then 8 times as many."""
    query_size: int = Field(default=512, ge=1, le=8192)
    n_features: int = Field(default=32, ge=1, le=512)
    n_noise_heads: int = Field(default=0, ge=0, le=8)
    """2 for noise invariant training (CLIPSep-NIT)."""


class SeparationNet(nn.Module):
    """U-Net, query layer and the weighing that makes masks; noise heads when the config asks for them."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        down = [config.width * factor for factor in (1, 2, 4, 8, 8, 8, 8)]
        up = [config.n_features, *down[:-1]]  # what level k gives to level k - 1
        self.input_norm = nn.BatchNorm2d(1)
        self.down_convs = nn.ModuleList(
            nn.Conv2d(n_in, n_out, 4, stride=2, padding=1, bias=False)
            for n_in, n_out in zip([1, *down[:-1]], down, strict=True)
        )
        self.down_norms = nn.ModuleList(nn.BatchNorm2d(n) for n in down[1:-1])  # levels 1 to 5
        self.up_convs = nn.ModuleList(
            nn.Conv2d(down[k] * (1 if k == N_LEVELS - 1 else 2), up[k], 3, padding=1, bias=k == 0)
            for k in range(N_LEVELS)
        )
        self.up_norms = nn.ModuleList(nn.BatchNorm2d(n) for n in up[1:])  # levels 1 to 6
        self.query_layer = nn.Linear(config.query_size, config.n_features)
        self.noise_heads = nn.ModuleList(
            nn.Linear(config.n_features, config.n_features) for _ in range(config.n_noise_heads)
        )
        self.scale = nn.Parameter(torch.ones(config.n_features))
        self.bias = nn.Parameter(torch.zeros(1))

    def features(self, log_mag: Tensor) -> Tensor:
        """Feature maps of log magnitudes: (B, 1, F, T) -> (B, n_features, F, T).

        Refuses frequency or time axes that seven halvings do not divide, with ValueError.
        """
        if log_mag.shape[-1] % TIME_STEP or log_mag.shape[-2] % TIME_STEP:
            raise ValueError(
                f"the net reads maps whose sides are multiples of {TIME_STEP}, not {tuple(log_mag.shape[-2:])}"
            )
        maps = self.down_convs[0](self.input_norm(log_mag))  # (B, width, F/2, T/2)
        skips = [maps]
        for k in range(1, N_LEVELS):
            maps = self._down(k, functional.leaky_relu(maps, 0.2))  # (B, .., F/2^(k+1), T/2^(k+1))
            if k < N_LEVELS - 1:
                maps = self.down_norms[k - 1](maps)
                skips.append(maps)
        for k in range(N_LEVELS - 1, 0, -1):
            maps = self.up_norms[k - 1](self._up(k, maps))  # (B, .., F/2^k, T/2^k)
            maps = torch.cat([skips[k - 1], maps], dim=1)
        features: Tensor = self._up(0, maps)  # (B, n_features, F, T)
        return features

    def _down(self, k: int, maps: Tensor) -> Tensor:
        conv: Tensor
        if k < N_LEVELS - 1:
            conv = self.down_convs[k](maps)
        else:  # not in bfloat16: oneDNN 3.12 leaves parts of a result one column wide unset (seen with AMX)
            with torch.autocast(maps.device.type, enabled=False):
                conv = self.down_convs[k](maps.to(self.scale.dtype))
        return conv

    def _up(self, k: int, maps: Tensor) -> Tensor:
        # ReLU before the doubling, which makes LeakyReLU on the skips without effect, as in the published net
        doubled = functional.interpolate(functional.relu(maps), scale_factor=2, mode="bilinear", align_corners=True)
        conv: Tensor = self.up_convs[k](doubled)
        return conv

    def query_logits(self, vectors: Tensor) -> Tensor:
        """What the query layer makes of query vectors, before the sigmoid: (.., query_size) -> (.., n_features)."""
        logits: Tensor = self.query_layer(vectors)
        return logits

    def mask_logits(self, features: Tensor, query_logits: Tensor) -> Tensor:
        """(B, n_features, F, T) and (B, Q, n_features) -> (B, Q, F, T), before the sigmoid."""
        weights = torch.sigmoid(query_logits) * self.scale
        return torch.einsum("bqc,bcft->bqft", weights, features) + self.bias

    def masks(self, features: Tensor, vectors: Tensor) -> Tensor:
        """The mask, 0 to 1, of every query: (B, n_features, F, T) and (B, Q, query_size) -> (B, Q, F, T)."""
        return torch.sigmoid(self.mask_logits(features, self.query_logits(vectors)))

    def forward(self, log_mag: Tensor, vectors: Tensor) -> Tensor:
        """One pass of the U-Net, then one mask a query: (B, 1, F, T) and (B, Q, query_size) -> (B, Q, F, T)."""
        return self.masks(self.features(log_mag), vectors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The net of a checkpoint folder, in float32, ready to predict. Raises CheckpointUnusable."""
        from models.clipsep.checkpoint import load_net

        net = load_net(folder)
        assert isinstance(net, cls)
        return net


def initialise(net: SeparationNet, seed: int) -> None:
    """The published starting weights: convolutions N(0, 0.001), norms N(1, 0.02), linear layers N(0, 0.0001)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.normal_(0.0, 1e-3, generator=generator)
                bound = (module.in_channels * 9) ** -0.5  # biases keep torch's own rule, drawn from our generator
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.normal_(1.0, 0.02, generator=generator)
                module.bias.zero_()
                continue
            elif isinstance(module, nn.Linear):
                module.weight.normal_(0.0, 1e-4, generator=generator)
                bound = module.in_features**-0.5
            else:
                continue
            if module.bias is not None:
                module.bias.uniform_(-bound, bound, generator=generator)
