"""A net over frames alone, cheap enough for a CPU: a transformer whose norms are told the time and the query.

Conventions: (B, N, D) is (batch, tokens, width); a token is `patch` frames with all their mels, so that a token's
number is a time and mels need no axis of their own.
Sources: Peebles and Xie 2023 (adaptive norms); Liu et al. 2022 (a depthwise convolution in each block, here beside the
attention, lets neighbouring frames agree early in training). Made for few passes over memory, which is what a block
of this size costs on a CPU: no gates, no turned positions, rectifiers rather than GELU.
Predicting on a CPU, what the net says of an example is the same to the bit whatever else is in the batch; see `each`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.clipsonic.config import FramesConfig
from models.clipsonic.embedding import Conditioning, each, waves

N_WAVES = 256


class Block(nn.Module):
    """A depthwise convolution and attention, where the block has them, then two layers; each adds to the stream."""

    def __init__(self, config: FramesConfig, *, attends: bool) -> None:
        super().__init__()
        width, hidden = config.width, round(config.width * config.mlp_ratio)
        self.n_heads = config.n_heads
        self.near = nn.Conv1d(width, width, config.kernel, padding=config.kernel // 2, groups=width)
        self.ask = nn.Linear(width, 3 * width) if attends else None
        self.answer = zeroed(nn.Linear(width, width)) if attends else None
        self.told = zeroed(nn.Linear(width, (4 if attends else 2) * width))
        self.wide, self.narrow = nn.Linear(width, hidden), zeroed(nn.Linear(hidden, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        *attention, scale, shift = torch.split(each(self.told, told)[:, None], x.shape[2], dim=2)  # each (B, 1, D)
        near = self.near(x.transpose(1, 2)).transpose(1, 2)  # (B, N, D)
        if self.ask is not None and self.answer is not None:
            x = x + each(self.answer, self.attend(each(self.ask, _normed(x + near, *attention))))
            near = x
        inner = functional.relu(each(self.wide, _normed(near, scale, shift)))  # (B, N, hidden)
        out: Tensor = x + each(self.narrow, self.dropout(inner))
        return out

    def attend(self, asked: Tensor) -> Tensor:
        """(B, N, 3 * D) -> (B, N, D): every token looks at every other.

        Written out, because torch's fused attention takes 2.6 times as long to train at 128 tokens on a CPU.
        """
        batch, n_tokens, width = asked.shape
        heads = asked.reshape(batch, n_tokens, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads  # each (B, heads, N, head width)
        looks = (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(dim=3)  # (B, heads, N, N)
        seen = looks.to(value.dtype) @ value
        out: Tensor = seen.transpose(1, 2).reshape(batch, n_tokens, width // 3)
        return out


def zeroed(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _normed(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """LayerNorm, scaled by 1 + scale and shifted."""
    normed = functional.layer_norm(x, x.shape[-1:], eps=1e-6)
    return torch.addcmul(shift.to(normed.dtype), normed, (1 + scale).to(normed.dtype))


class FrameNet(nn.Module):
    """(B, n_mels, n_frames) -> (B, C * n_mels, n_frames); any number of frames."""

    def __init__(self, config: FramesConfig, *, n_mels: int, n_outputs_per_mel: int, query_size: int) -> None:
        super().__init__()
        self.patch, self.width = config.patch, config.width
        self.conditioning = Conditioning(query_size=query_size, n_waves=N_WAVES, width=config.width)
        self.first = nn.Linear(n_mels * config.patch, config.width)
        self.blocks = nn.ModuleList(
            Block(config, attends=number % config.attention_every == config.attention_every - 1)
            for number in range(config.depth)
        )
        self.last_told = zeroed(nn.Linear(config.width, 2 * config.width))
        self.last = zeroed(nn.Linear(config.width, n_outputs_per_mel * n_mels * config.patch))

    def forward(self, x: Tensor, time: Tensor, query: Tensor, drop: Tensor | None = None) -> Tensor:
        batch, n_mels, n_frames = x.shape
        padded = functional.pad(x, (0, -n_frames % self.patch))
        tokens = padded.reshape(batch, n_mels, -1, self.patch).permute(0, 2, 1, 3).flatten(2)  # (B, N, mels * patch)
        told = functional.silu(self.conditioning(time, query, drop))  # (B, D)
        places = waves(torch.arange(tokens.shape[1], device=x.device), self.width)  # (N, D)
        now = each(self.first, tokens)
        now = now + places.to(now.dtype)  # (B, N, D)
        for block in self.blocks:
            now = block(now, told)
        scale, shift = each(self.last_told, told)[:, None].chunk(2, dim=2)
        out = each(self.last, _normed(now, scale, shift))  # (B, N, C * mels * patch)
        rows: Tensor = out.reshape(batch, tokens.shape[1], -1, self.patch).permute(0, 2, 1, 3).flatten(2)
        return rows[:, :, :n_frames]  # (B, C * mels, T)
