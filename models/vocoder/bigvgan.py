"""BigVGAN's generator (Lee et al. 2023): transposed convolutions, and residual blocks with filtered snakes.

A snake, x + sin^2(a x) / b, makes tones above half the rate; so it runs at twice the rate between two low-pass filters.
Conventions: x is (B, C, T); weights are plain, the published weight norm is folded in by models.vocoder.published.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from models.vocoder.mel import MelScale

FILTER_SIZE = 12
"""Taps of the low-pass filters around a snake."""


class BigVganConfig(BaseModel):
    """The numbers of a generator. The defaults are those of the published 112 M parameter models at hop 256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: MelScale
    channels: int = Field(default=1536, ge=2)
    """Before the first upsampling; each upsampling halves them."""
    rates: tuple[int, ...] = (4, 4, 2, 2, 2, 2)
    up_kernels: tuple[int, ...] = (8, 8, 4, 4, 4, 4)
    block: Literal["1", "2"] = "1"
    """"1": each dilated convolution is followed by a plain one; "2": it is not."""
    kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    snake: Literal["snake", "snakebeta"] = "snakebeta"
    """snakebeta: a and b are learned apart; snake: they are one."""
    log_snake: bool = True
    """Logarithms of a and b are stored."""
    tanh: bool = True
    """The last step is tanh; without it, samples are cut off at -1 and 1."""
    final_bias: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if math.prod(self.rates) != self.scale.hop:
            raise ValueError(
                f"rates {self.rates} make {math.prod(self.rates)} samples a frame, hop is {self.scale.hop}"
            )
        if len(self.rates) != len(self.up_kernels) or len(self.kernels) != len(self.dilations):
            raise ValueError("each rate needs a kernel, and each kernel of the blocks its dilations")
        if any(kernel < rate or (kernel - rate) % 2 for rate, kernel in zip(self.rates, self.up_kernels, strict=True)):
            raise ValueError(f"up_kernels {self.up_kernels} must exceed the rates {self.rates} by even numbers")
        if self.channels % 2 ** len(self.rates) or any(kernel % 2 == 0 for kernel in self.kernels):
            raise ValueError(f"channels {self.channels} must halve at every rate, and kernels must be odd")
        return self

    @property
    def reach(self) -> int:
        """How many frames away a frame can be heard, rounded up generously."""
        samples, step = 7.0 / 2 * self.scale.hop, float(self.scale.hop)
        for rate, up_kernel in zip(self.rates, self.up_kernels, strict=True):
            samples += up_kernel / rate * step  # in samples of the waveform
            step /= rate
            each = FILTER_SIZE * (2 if self.block == "1" else 1)
            layers = [
                sum((k // 2) * (d + (self.block == "1")) + each for d in dilated)
                for k, dilated in zip(self.kernels, self.dilations, strict=True)
            ]
            samples += max(layers) * step
        return math.ceil((samples + FILTER_SIZE + 7) / self.scale.hop) + 1


@cache
def low_pass() -> Tensor:
    """(FILTER_SIZE,): a Kaiser-windowed sinc that halves the band, cutoff 0.25 and transition 0.3 of the rate."""
    ripple_db = 2.285 * (FILTER_SIZE // 2 - 1) * math.pi * 4 * 0.3 + 7.95
    beta = 0.1102 * (ripple_db - 8.7)  # Kaiser 1974, for more than 50 dB
    time = torch.arange(FILTER_SIZE) - FILTER_SIZE / 2 + 0.5
    taps = torch.kaiser_window(FILTER_SIZE, periodic=False, beta=beta) * torch.sinc(0.5 * time)
    return taps / taps.sum()


class FilteredSnake(nn.Module):
    """Twice the rate, snake, low-pass, back to the rate."""

    def __init__(self, channels: int, config: BigVganConfig) -> None:
        super().__init__()
        self.log = config.log_snake
        first = torch.zeros(channels) if self.log else torch.ones(channels)
        self.alpha = nn.Parameter(first.clone())
        self.beta = nn.Parameter(first.clone()) if config.snake == "snakebeta" else None

    def forward(self, x: Tensor) -> Tensor:
        channels, n = x.shape[1], x.shape[2]
        taps = low_pass().to(x).expand(channels, 1, -1)
        edge = FILTER_SIZE // 2 - 1
        x = functional.pad(x, (edge, edge), mode="replicate")
        x = 2.0 * functional.conv_transpose1d(x, taps, stride=2, groups=channels)
        begin = 2 * edge + edge  # what the edges added, and the filter's own delay
        x = x[..., begin : begin + 2 * n]  # (B, C, 2 T)
        beta = self.alpha if self.beta is None else self.beta
        rate, size = (self.alpha.exp(), beta.exp()) if self.log else (self.alpha, beta)
        x = x + (x * rate[:, None]).sin().square() / (size[:, None] + 1e-9)
        x = functional.pad(x, (edge, edge + 1), mode="replicate")
        return functional.conv1d(x, taps, stride=2, groups=channels)  # (B, C, T)


class AmpBlock(nn.Module):
    """Filtered snakes and dilated convolutions with residuals: (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], config: BigVganConfig) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=kernel // 2 * d) for d in dilations
        )
        self.plain = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations if config.block == "1"
        )
        n_snakes = len(self.dilated) + len(self.plain)
        self.snakes = nn.ModuleList(FilteredSnake(channels, config) for _ in range(n_snakes))

    def forward(self, x: Tensor) -> Tensor:
        step = 2 if len(self.plain) else 1
        for k, dilated in enumerate(self.dilated):
            y = dilated(self.snakes[k * step](x))
            if len(self.plain):
                y = self.plain[k](self.snakes[k * step + 1](y))
            x = x + y
        return x


class BigVgan(nn.Module):
    """Log mels (B, n_mels, T) -> samples (B, T * hop) in [-1, 1]."""

    def __init__(self, config: BigVganConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.first = nn.Conv1d(config.scale.n_mels, channels, 7, padding=3)
        self.ups, self.blocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(config.rates, config.up_kernels, strict=True):
            self.ups.append(nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2))
            channels //= 2
            for k, dilations in zip(config.kernels, config.dilations, strict=True):
                self.blocks.append(AmpBlock(channels, k, dilations, config))
        self.last_snake = FilteredSnake(channels, config)
        self.last = nn.Conv1d(channels, 1, 7, padding=3, bias=config.final_bias)

    def forward(self, log_mel: Tensor) -> Tensor:
        x = self.first(log_mel)
        n_kernels = len(self.config.kernels)
        for stage, up in enumerate(self.ups):
            x = up(x)  # (B, C / 2, T * rate)
            made = [block(x) for block in self.blocks[stage * n_kernels : (stage + 1) * n_kernels]]
            x = torch.stack(made).mean(0)
        x = self.last(self.last_snake(x))[:, 0]
        return torch.tanh(x) if self.config.tanh else x.clamp(-1.0, 1.0)
