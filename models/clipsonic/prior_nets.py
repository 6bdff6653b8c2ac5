"""Nets of the diffusion prior: a noisy picture vector, a time and a text vector -> the clean picture vector.

Conventions: vectors have elements of about unit variance: text (B, E), x (B, D), time (B,) in steps of training. The
null text, which guidance needs, is a learned vector; `drop` (B,) is True where it stands in.
The clean vector is signal * x + sigma * what the layers give (Karras et al. 2022, section 5, for data of unit
variance): a net that says nothing yet is then right where there is little noise, and few steps of training suffice.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from models.clipsonic.diffusion import cosine_schedule
from models.clipsonic.embedding import waves

N_WAVES = 128


class MlpConfig(BaseModel):
    """Residual layers told the time and the text: enough for the bundled encoder's 256 numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mlp"] = "mlp"
    width: int = Field(default=512, ge=8)
    depth: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class TransformerConfig(BaseModel):
    """The causal transformer of Ramesh et al. 2022: text, time, noisy picture and a last token, read at the last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["transformer"] = "transformer"
    width: int = Field(default=256, ge=8)
    depth: int = Field(default=4, ge=1)
    n_heads: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


AnyPriorNet = Annotated[MlpConfig | TransformerConfig, Field(discriminator="kind")]


class Skip(nn.Module):
    """signal * x + sigma * correction, at times (B,) of a cosine schedule."""

    def __init__(self, n_training_steps: int) -> None:
        super().__init__()
        self.kept: Tensor
        kept = torch.from_numpy(cosine_schedule(n_training_steps).alphas_bar).float()
        self.register_buffer("kept", kept, persistent=False)

    def forward(self, x: Tensor, correction: Tensor, time: Tensor) -> Tensor:
        kept = self.kept[time.long()][:, None]
        out: Tensor = kept.sqrt() * x + (1.0 - kept).sqrt() * correction
        return out


class MlpPrior(nn.Module):
    """x goes through residual layers; scale, shift and gate of each come from time and text."""

    def __init__(self, config: MlpConfig, *, text_size: int, image_size: int, n_training_steps: int) -> None:
        super().__init__()
        width = config.width
        self.null_text = nn.Parameter(torch.zeros(text_size))
        self.text = nn.Linear(text_size, width)
        self.time = nn.Sequential(nn.Linear(N_WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.first = nn.Linear(image_size + text_size, width)
        self.told = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(config.depth))
        self.wide = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(config.depth))
        self.narrow = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(config.depth))
        self.dropout = nn.Dropout(config.dropout)
        self.last, self.skip = nn.Linear(width, image_size), Skip(n_training_steps)
        for layer in (*self.told, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, time: Tensor, text: Tensor, drop: Tensor | None = None) -> Tensor:
        if drop is not None:
            text = torch.where(drop[:, None], self.null_text, text)
        told = functional.silu(self.time(waves(time, N_WAVES)) + self.text(text))  # (B, W)
        now = self.first(torch.cat([x, text], dim=1))  # (B, W)
        for tell, wide, narrow in zip(self.told, self.wide, self.narrow, strict=True):
            scale, shift, gate = tell(told).chunk(3, dim=1)
            inner = functional.layer_norm(now, now.shape[-1:]) * (1 + scale) + shift
            now = now + (1 + gate) * narrow(self.dropout(functional.silu(wide(inner))))
        out: Tensor = self.skip(x, self.last(functional.layer_norm(now, now.shape[-1:])), time)
        return out  # (B, D)


class TransformerPrior(nn.Module):
    """Four tokens: text, time, noisy picture, and the one that is read; each sees those before it."""

    def __init__(self, config: TransformerConfig, *, text_size: int, image_size: int, n_training_steps: int) -> None:
        super().__init__()
        width = config.width
        self.null_text = nn.Parameter(torch.zeros(text_size))
        self.text, self.picture = nn.Linear(text_size, width), nn.Linear(image_size, width)
        self.time = nn.Sequential(nn.Linear(N_WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.asked = nn.Parameter(torch.randn(width) * 0.02)
        self.places = nn.Parameter(torch.randn(4, width) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, config.n_heads, 4 * width, config.dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(config.depth)
        )
        self.norm, self.last, self.skip = nn.LayerNorm(width), nn.Linear(width, image_size), Skip(n_training_steps)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, time: Tensor, text: Tensor, drop: Tensor | None = None) -> Tensor:
        if drop is not None:
            text = torch.where(drop[:, None], self.null_text, text)
        tokens = [self.text(text), self.time(waves(time, N_WAVES)), self.picture(x), self.asked.expand(len(x), -1)]
        now = torch.stack(tokens, dim=1) + self.places  # (B, 4, W)
        mask = torch.full((4, 4), -torch.inf, device=x.device).triu(1)
        for block in self.blocks:
            now = block(now, src_mask=mask)
        out: Tensor = self.skip(x, self.last(self.norm(now[:, -1])), time)
        return out  # (B, D)


def build_prior(
    config: AnyPriorNet, *, text_size: int, image_size: int, n_training_steps: int
) -> MlpPrior | TransformerPrior:
    """A fresh net with random weights."""
    if isinstance(config, MlpConfig):
        return MlpPrior(config, text_size=text_size, image_size=image_size, n_training_steps=n_training_steps)
    return TransformerPrior(config, text_size=text_size, image_size=image_size, n_training_steps=n_training_steps)
