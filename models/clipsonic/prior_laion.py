"""LAION's prior net over CLIP vectors, as DALLE2-pytorch (MIT) publishes its tensors; sizes are read off their shapes.

Tokens are the words' states (padding and the null text are learned), the text vector, the time, the noisy picture
vector, and a learned one that is read at the end; attention is causal, with one key head for all, cosine similarity,
a learned null key, rotated pairs and a bias by distance.
Conventions: (B, N, D) is (batch, tokens, width); the text vector has length 1, the picture vector sqrt(D).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.errors import CheckpointUnusable

SHARPNESS = 16.0
N_BUCKETS, FAR = 32, 128


@dataclass(frozen=True)
class LaionSizes:
    """What the shapes of a published state dict say."""

    width: int
    depth: int
    n_heads: int
    head_width: int
    hidden: int
    n_words: int
    n_times: int
    has_inner_norm: bool
    has_first_norm: bool
    n_rotated: int
    """Pairs of numbers in a head that turn with the position; 0 for none."""


class Scale(nn.Module):
    """LayerNorm with a gain and no shift."""

    def __init__(self, width: int, *, by_greatest: bool = False) -> None:
        super().__init__()
        self.gain, self.by_greatest = nn.Parameter(torch.ones(width)), by_greatest

    def forward(self, x: Tensor) -> Tensor:
        if self.by_greatest:
            x = x / x.amax(dim=-1, keepdim=True)
        return functional.layer_norm(x, x.shape[-1:]) * self.gain


class Attention(nn.Module):
    """Every query head looks with the one key head at the null key and at the tokens up to its own."""

    def __init__(self, sizes: LaionSizes) -> None:
        super().__init__()
        inner = sizes.n_heads * sizes.head_width
        self.n_heads = sizes.n_heads
        self.norm = Scale(sizes.width)
        self.null = nn.Parameter(torch.zeros(2, sizes.head_width))
        self.ask = nn.Linear(sizes.width, inner, bias=False)
        self.answer = nn.Linear(sizes.width, 2 * sizes.head_width, bias=False)
        self.rates: Tensor
        self.register_buffer("rates", torch.zeros(sizes.n_rotated), persistent=sizes.n_rotated > 0)
        self.out, self.out_norm = nn.Linear(inner, sizes.width, bias=False), Scale(sizes.width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        batch, n_tokens, _ = x.shape
        x = self.norm(x)
        query = self.ask(x).reshape(batch, n_tokens, self.n_heads, -1).transpose(1, 2)  # (B, heads, N, head width)
        key, value = self.answer(x).chunk(2, dim=-1)  # (B, N, head width)
        query, key = turned(query, self.rates), turned(key, self.rates)
        key = torch.cat([self.null[0].expand(batch, 1, -1), key], dim=1)
        value = torch.cat([self.null[1].expand(batch, 1, -1), value], dim=1)  # (B, N + 1, head width)
        likeness = functional.normalize(query, dim=-1) @ functional.normalize(key, dim=-1)[:, None].transpose(2, 3)
        seen = (SHARPNESS * likeness + bias).softmax(dim=-1) @ value[:, None]  # (B, heads, N, head width)
        out: Tensor = self.out_norm(self.out(seen.transpose(1, 2).reshape(batch, n_tokens, -1)))
        return out


def turned(x: Tensor, rates: Tensor) -> Tensor:
    """The first 2 * len(rates) numbers of (.., N, head width), in pairs, turned by position * rate (Su et al. 2021)."""
    if len(rates) == 0:
        return x
    angles = torch.arange(x.shape[-2], device=x.device)[:, None] * rates  # (N, rates)
    first, second = x[..., 0 : 2 * len(rates) : 2], x[..., 1 : 2 * len(rates) : 2]
    pairs = torch.stack(
        [first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()], dim=-1
    )
    return torch.cat([pairs.flatten(-2), x[..., 2 * len(rates) :]], dim=-1)


class FeedForward(nn.Module):
    """A gated layer: half of the hidden numbers times silu of the other half."""

    def __init__(self, sizes: LaionSizes) -> None:
        super().__init__()
        self.norm = Scale(sizes.width)
        self.wide = nn.Linear(sizes.width, 2 * sizes.hidden, bias=False)
        self.inner_norm: nn.Module = Scale(sizes.hidden) if sizes.has_inner_norm else nn.Identity()
        self.narrow = nn.Linear(sizes.hidden, sizes.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.wide(self.norm(x)).chunk(2, dim=-1)
        out: Tensor = self.narrow(self.inner_norm(value * functional.silu(gate)))
        return out


class LaionNet(nn.Module):
    """Noisy picture vectors (B, D), times (B,), text vectors (B, D) and word states (B, n, D) -> clean ones (B, D)."""

    def __init__(self, sizes: LaionSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.null_words = nn.Parameter(torch.zeros(1, sizes.n_words, sizes.width))
        self.null_text = nn.Parameter(torch.zeros(1, 1, sizes.width))
        self.null_picture = nn.Parameter(torch.zeros(1, sizes.width))
        self.time = nn.Embedding(sizes.n_times, sizes.width)
        self.asked = nn.Parameter(torch.zeros(sizes.width))
        self.distance = nn.Embedding(N_BUCKETS, sizes.n_heads)
        self.first_norm: nn.Module = Scale(sizes.width) if sizes.has_first_norm else nn.Identity()
        self.attentions = nn.ModuleList(Attention(sizes) for _ in range(sizes.depth))
        self.layers = nn.ModuleList(FeedForward(sizes) for _ in range(sizes.depth))
        self.norm = Scale(sizes.width, by_greatest=True)
        self.last = nn.Linear(sizes.width, sizes.width, bias=False)

    def forward(self, x: Tensor, time: Tensor, text: Tensor, words: Tensor, drop: Tensor | None = None) -> Tensor:
        """`words` are zero where a text has no token; `drop` (B,) puts null text, words and picture in their place."""
        words = functional.pad(words[:, : self.sizes.n_words], (0, 0, 0, max(0, self.sizes.n_words - words.shape[1])))
        words = torch.where((words != 0.0).any(dim=-1, keepdim=True), words, self.null_words)
        text = text[:, None]
        if drop is not None:
            words = torch.where(drop[:, None, None], self.null_words, words)
            text = torch.where(drop[:, None, None], self.null_text, text)
            x = torch.where(drop[:, None], self.null_picture, x)
        told = [words, text, self.time(time.long())[:, None], x[:, None], self.asked.expand(len(x), 1, -1)]
        now = self.first_norm(torch.cat(told, dim=1))  # (B, N, D)
        bias = self.bias(now.shape[1])
        for attention, layer in zip(self.attentions, self.layers, strict=True):
            now = now + attention(now, bias)
            now = now + layer(now)
        out: Tensor = self.last(self.norm(now)[:, -1])
        return out

    def bias(self, n_tokens: int) -> Tensor:
        """(heads, N, N + 1): learned by distance (Raffel et al. 2020), and -inf for what comes later."""
        device = self.distance.weight.device
        behind = torch.arange(n_tokens, device=device)[:, None] - torch.arange(n_tokens + 1, device=device)[None, :]
        near = N_BUCKETS // 2
        further = torch.log(behind.clamp(min=1).float() / near) / math.log(FAR / near) * (N_BUCKETS - near)
        buckets = torch.where(behind < near, behind.clamp(min=0), (near + further.long()).clamp(max=N_BUCKETS - 1))
        learned: Tensor = self.distance(buckets).permute(2, 0, 1)
        return learned.masked_fill(behind < -1, -torch.inf)


def sizes_of(tensors: Mapping[str, Tensor], path: Path) -> LaionSizes:
    """Sizes of a published net, whose names have no prefix. Raises CheckpointUnusable for another net."""
    try:
        first = "causal_transformer.layers.0"
        width, head_width = tensors["learned_query"].shape[0], tensors[f"{first}.0.null_kv"].shape[1]
        layers = {name.split(".")[2] for name in tensors if name.startswith("causal_transformer.layers.")}
        rates = tensors.get(f"{first}.0.rotary_emb.freqs")
        return LaionSizes(
            width=width,
            depth=len(layers),
            n_heads=tensors[f"{first}.0.to_q.weight"].shape[0] // head_width,
            head_width=head_width,
            hidden=tensors[f"{first}.1.1.weight"].shape[0] // 2,
            n_words=tensors["null_text_encodings"].shape[1],
            n_times=tensors["to_time_embeds.0.weight"].shape[0],
            has_inner_norm=f"{first}.1.3.g" in tensors,
            has_first_norm="causal_transformer.init_norm.g" in tensors,
            n_rotated=0 if rates is None else len(rates),
        )
    except KeyError as error:
        raise CheckpointUnusable(f"{path}: is not a prior of DALLE2-pytorch 1.x: it lacks {error.args[0]}") from error


def key_map(sizes: LaionSizes) -> dict[str, str]:
    """Published name -> our name, of every tensor."""
    names = {
        "learned_query": "asked",
        "null_text_encodings": "null_words",
        "null_text_embeds": "null_text",
        "null_image_embed": "null_picture",
        "to_time_embeds.0.weight": "time.weight",
        "causal_transformer.rel_pos_bias.relative_attention_bias.weight": "distance.weight",
        "causal_transformer.init_norm.g": "first_norm.gain",
        "causal_transformer.norm.g": "norm.gain",
        "causal_transformer.project_out.weight": "last.weight",
    }
    for layer in range(sizes.depth):
        theirs, ours = f"causal_transformer.layers.{layer}", f"attentions.{layer}"
        names |= {
            f"{theirs}.0.norm.g": f"{ours}.norm.gain",
            f"{theirs}.0.null_kv": f"{ours}.null",
            f"{theirs}.0.to_q.weight": f"{ours}.ask.weight",
            f"{theirs}.0.to_kv.weight": f"{ours}.answer.weight",
            f"{theirs}.0.rotary_emb.freqs": f"{ours}.rates",
            f"{theirs}.0.to_out.0.weight": f"{ours}.out.weight",
            f"{theirs}.0.to_out.1.g": f"{ours}.out_norm.gain",
            f"{theirs}.1.0.g": f"layers.{layer}.norm.gain",
            f"{theirs}.1.1.weight": f"layers.{layer}.wide.weight",
            f"{theirs}.1.3.g": f"layers.{layer}.inner_norm.gain",
            f"{theirs}.1.5.weight": f"layers.{layer}.narrow.weight",
        }
    return names
