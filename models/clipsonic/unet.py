"""The talk's net: the U-Net of Improved DDPM over mels and frames, told the time and the query.

Conventions: (B, C, H, W) is (batch, channels, mels, frames); `told` is the vector of Conditioning.
Sources: Nichol and Dhariwal 2021; Dhariwal and Nichol 2021 (scale-shift norm). Layout and names are ours.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.clipsonic.config import UnetConfig
from models.clipsonic.embedding import Conditioning

N_GROUPS = 32


def norm(n_channels: int) -> nn.GroupNorm:
    """GroupNorm 32, or the most groups that divide the channels."""
    return nn.GroupNorm(math.gcd(N_GROUPS, n_channels), n_channels)


def zeroed(layer: nn.Conv1d | nn.Conv2d) -> nn.Conv1d | nn.Conv2d:
    """The layer with zeros for weights, so that what it ends starts as nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ResBlock(nn.Module):
    """Two convolutions around a shortcut; the second norm is scaled and shifted by what the block is told."""

    def __init__(self, n_in: int, n_out: int, n_told: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.conv1 = norm(n_in), nn.Conv2d(n_in, n_out, 3, padding=1)
        self.told = nn.Linear(n_told, 2 * n_out)
        self.norm2, self.dropout = norm(n_out), nn.Dropout(dropout)
        self.conv2 = zeroed(nn.Conv2d(n_out, n_out, 3, padding=1))
        self.shortcut: nn.Module = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        inner = self.conv1(functional.silu(self.norm1(x)))  # (B, n_out, H, W)
        scale, shift = self.told(functional.silu(told))[:, :, None, None].chunk(2, dim=1)
        inner = self.norm2(inner) * (1 + scale) + shift
        inner = self.conv2(self.dropout(functional.silu(inner)))
        out: Tensor = self.shortcut(x) + inner
        return out


class Attention(nn.Module):
    """Every place looks at every other."""

    def __init__(self, n_channels: int, head_width: int) -> None:
        super().__init__()
        self.n_heads = max(1, n_channels // head_width)
        while n_channels % self.n_heads:
            self.n_heads -= 1
        self.norm = norm(n_channels)
        self.ask = nn.Conv1d(n_channels, 3 * n_channels, 1)
        self.answer = zeroed(nn.Conv1d(n_channels, n_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        flat = x.reshape(batch, channels, height * width)
        asked = self.ask(self.norm(flat)).reshape(batch, 3, self.n_heads, channels // self.n_heads, -1)
        query, key, value = asked.transpose(3, 4).unbind(1)  # (B, heads, H * W, head width)
        seen = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = flat + self.answer(seen.transpose(2, 3).reshape(flat.shape))
        return out.reshape(x.shape)


class Stage(nn.Module):
    """A residual block, followed by attention where the level has it."""

    def __init__(self, n_in: int, n_out: int, n_told: int, config: UnetConfig, *, attends: bool) -> None:
        super().__init__()
        self.block = ResBlock(n_in, n_out, n_told, config.dropout)
        self.attention: nn.Module = Attention(n_out, config.head_width) if attends else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        out: Tensor = self.attention(self.block(x, told))
        return out


class Unet(nn.Module):
    """(B, n_mels, n_frames) -> (B, C * n_mels, n_frames); any number of mels and frames."""

    def __init__(self, config: UnetConfig, *, n_outputs_per_mel: int, query_size: int) -> None:
        super().__init__()
        self.n_outputs_per_mel = n_outputs_per_mel
        self.multiple = 2 ** (len(config.multipliers) - 1)
        """Mels and frames are padded to a multiple of this, because each further level halves them."""
        n_told, widths = 4 * config.width, [config.width * multiplier for multiplier in config.multipliers]
        self.conditioning = Conditioning(query_size=query_size, n_waves=config.width, width=n_told)
        self.first = nn.Conv2d(1, config.width, 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        kept, now = [config.width], config.width
        for level, width in enumerate(widths):
            stages = nn.ModuleList()
            for _ in range(config.n_blocks):
                stages.append(Stage(now, width, n_told, config, attends=level in config.attention_levels))
                now = width
                kept.append(now)
            self.down.append(stages)
            if level < len(widths) - 1:
                self.shrink.append(nn.Conv2d(now, now, 3, stride=2, padding=1))
                kept.append(now)
        self.middle_before = Stage(now, now, n_told, config, attends=True)
        self.middle_after = Stage(now, now, n_told, config, attends=False)
        for level, width in reversed(list(enumerate(widths))):
            stages = nn.ModuleList()
            for _ in range(config.n_blocks + 1):
                stages.append(Stage(now + kept.pop(), width, n_told, config, attends=level in config.attention_levels))
                now = width
            self.up.append(stages)
            if level > 0:
                self.grow.append(nn.Conv2d(now, now, 3, padding=1))
        self.last_norm, self.last = norm(now), zeroed(nn.Conv2d(now, n_outputs_per_mel, 3, padding=1))

    def forward(self, x: Tensor, time: Tensor, query: Tensor, drop: Tensor | None = None) -> Tensor:
        n_mels, n_frames = x.shape[1:]
        padded = functional.pad(x, (0, -n_frames % self.multiple, 0, -n_mels % self.multiple))
        out = self.on_grid(padded[:, None], self.conditioning(time, query, drop))[:, :, :n_mels, :n_frames]
        return out.reshape(len(x), self.n_outputs_per_mel * n_mels, n_frames)

    def on_grid(self, grid: Tensor, told: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, C, H, W), with H and W multiples of `multiple`."""
        now = self.first(grid)
        kept = [now]
        for level, stages in enumerate(self.down):
            for stage in stages:  # type: ignore[attr-defined]
                now = stage(now, told)
                kept.append(now)
            if level < len(self.shrink):
                now = self.shrink[level](now)
                kept.append(now)
        now = self.middle_after(self.middle_before(now, told), told)
        for level, stages in enumerate(self.up):
            for stage in stages:  # type: ignore[attr-defined]
                now = stage(torch.cat([now, kept.pop()], dim=1), told)
            if level < len(self.grow):
                now = self.grow[level](functional.interpolate(now, scale_factor=2.0, mode="nearest"))
        out: Tensor = self.last(functional.silu(self.last_norm(now)))
        return out
