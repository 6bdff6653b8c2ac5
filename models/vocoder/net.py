"""The vocoder's net: a few steps of Griffin-Lim make a rough spectrum, ConvNeXt blocks over frames correct it.

The form is that of Vocos (Siuzdak 2023): blocks at the rate of the frames, a head that gives magnitudes and phases,
one inverse STFT. But frames that sound the same must not get the same phases, and noise must stay noise: so the head
does not give the spectrum itself, but by how much each bin of a rough one changes, which begins with random phases.

Conventions: B mels, T mel frames, S = T * split spectrum frames, F = n_fft // 2 + 1 bins, C channels.
"""

from __future__ import annotations

import math
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from models.vocoder.griffin_lim import griffin_lim_spectrum, mel_to_magnitude
from models.vocoder.mel import MelScale, istft

PHASE_BLOCK = 256
"""Spectrum frames whose random phases are drawn together, so that each frame's depend on its number alone."""
N_INVERSION_STEPS = 10
MEL_MIDDLE, MEL_SPREAD = -4.0, 3.0
"""About the mean and the spread of log mels of everyday sound; the first norm does the rest."""
MAX_GAIN = 6.0
"""The net may change a magnitude by at most e^6, 52 dB."""


class VocoderNetConfig(BaseModel):
    """The numbers of a net."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: MelScale
    """The mels that it reads."""
    n_fft: int = Field(default=1024, ge=16)
    """Of the spectrum that it corrects."""
    split: int = Field(default=1, ge=1)
    """Spectrum frames for each mel frame; more of them where the mel's hop is long."""
    width: int = Field(default=256, ge=8)
    depth: int = Field(default=8, ge=1)
    mlp_ratio: float = Field(default=3.0, gt=0)
    kernel: int = Field(default=7, ge=1)
    n_start_steps: int = Field(default=4, ge=0)
    """Steps of Griffin-Lim before the net; 0 begins with noise that has the right envelope."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scale.hop % self.split or self.kernel % 2 == 0:
            raise ValueError(f"hop {self.scale.hop} must divide by split {self.split}, and kernel must be odd")
        if self.n_fft < 2 * self.hop:
            raise ValueError(f"n_fft {self.n_fft} must be at least two hops of {self.hop}, so that frames overlap")
        return self

    @property
    def hop(self) -> int:
        return self.scale.hop // self.split

    @property
    def spectrum(self) -> MelScale:
        """The STFT that the net works in, with the same mel bands."""
        scale = self.scale
        return MelScale(
            sample_rate=scale.sample_rate,
            n_fft=self.n_fft,
            hop=self.hop,
            n_mels=scale.n_mels,
            low_hz=scale.low_hz,
            high_hz=scale.high_hz,
        )

    @property
    def reach(self) -> int:
        """How many mel frames away a frame can be heard: samples further away never depend on it."""
        overlap = -(-self.n_fft // self.hop)
        spectrum_frames = overlap * (self.n_start_steps + 2)
        return -(-spectrum_frames // self.split) + self.kernel // 2 * (self.depth + 1) + 1


class Block(nn.Module):
    """ConvNeXt over frames (Liu et al. 2022), channels last: (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int, hidden: int, kernel: int, scale: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x.transpose(1, 2)).transpose(1, 2)  # (B, T, C)
        y = self.narrow(functional.gelu(self.widen(self.norm(y))))
        return x.add(self.scale * y)


class VocoderNet(nn.Module):
    """Log mels and random phases -> samples."""

    def __init__(self, config: VocoderNetConfig) -> None:
        super().__init__()
        self.config = config
        n_bins = config.n_fft // 2 + 1
        self.read_mel = nn.Conv1d(config.scale.n_mels, config.width, config.kernel, padding=config.kernel // 2)
        self.read_start = nn.Linear(5 * n_bins * config.split, config.width)
        self.first_norm = nn.LayerNorm(config.width)
        hidden = round(config.width * config.mlp_ratio)
        self.blocks = nn.ModuleList(
            Block(config.width, hidden, config.kernel, 1.0 / config.depth) for _ in range(config.depth)
        )
        self.last_norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 2 * n_bins * config.split)
        nn.init.zeros_(self.head.weight)  # the untrained net gives what Griffin-Lim gives
        nn.init.zeros_(self.head.bias)

    def forward(self, log_mel: Tensor, angles: Tensor) -> Tensor:
        """(B, n_mels, T) and phases in radians (B, F, S) -> (B, T * hop) samples at the mel's rate."""
        config = self.config
        with torch.no_grad(), torch.autocast(log_mel.device.type, enabled=False):
            start, expected = self.start(log_mel.float(), angles.float())
            traits = start_traits(start, expected, config)  # (B, 5 * F, S)
        x = self.read_mel((log_mel - MEL_MIDDLE) / MEL_SPREAD).transpose(1, 2)  # (B, T, C)
        x = self.first_norm(x + self.read_start(_folded(traits, config.split)))
        for block in self.blocks:
            x = block(x)
        change = _unfolded(self.head(self.last_norm(x)), config.split)  # (B, 2 * F, S)
        with torch.autocast(log_mel.device.type, enabled=False):
            gain, turn = change.float().chunk(2, dim=1)
            factor = torch.polar((MAX_GAIN * torch.tanh(gain / MAX_GAIN)).exp(), turn)
            samples: Tensor = istft(start * factor, config.spectrum)
            return samples

    def start(self, log_mel: Tensor, angles: Tensor) -> tuple[Tensor, Tensor]:
        """The rough spectrum, complex (B, F, S), and the magnitudes (B, F, S) that the mels let expect.

        A spectrum of another n_fft than the mel's has other magnitudes: noise grows with its square root, and Slaney's
        bands sum over as many more bins.
        """
        config = self.config
        offset = 1.5 * math.log(config.n_fft / config.scale.n_fft)
        expected = mel_to_magnitude(log_mel + offset, config.spectrum, n_steps=N_INVERSION_STEPS)
        expected = expected.repeat_interleave(config.split, dim=-1)
        spectrum = torch.polar(expected, angles)
        return griffin_lim_spectrum(spectrum, expected, config.spectrum, n_steps=config.n_start_steps), expected


def start_traits(start: Tensor, expected: Tensor, config: VocoderNetConfig) -> Tensor:
    """What the net sees of the rough spectrum: (B, F, S) -> (B, 5 * F, S), all within about [-2, 2].

    By how much each bin is above or below its expected magnitude, and the cosine and sine of its phase's advance since
    the frame before and since the bin below, beyond that of a steady tone in the bin's middle and of a click in the
    frame's middle.
    """
    parts = torch.view_as_real(start)
    power = parts.square().sum(-1) + 1e-14
    level = 0.5 * (power.log() - 2.0 * (expected + 1e-7).log())
    unit = torch.view_as_complex(parts * power.rsqrt()[..., None])
    bins = torch.arange(start.shape[1], device=start.device)
    advance = torch.polar(torch.ones(len(bins), device=start.device), -2.0 * math.pi * config.hop / config.n_fft * bins)
    in_time = functional.pad(unit[..., 1:] * unit[..., :-1].conj(), (1, 0)) * advance[:, None]
    in_frequency = -functional.pad(unit[:, 1:] * unit[:, :-1].conj(), (0, 0, 1, 0))
    traits = [0.5 * level.clamp(-4.0, 4.0), in_time.real, in_time.imag, in_frequency.real, in_frequency.imag]
    return torch.cat(traits, dim=1)


def _folded(x: Tensor, split: int) -> Tensor:
    """(B, C, T * split) -> (B, T, C * split): the spectrum frames of a mel frame side by side."""
    batch, channels, n_frames = x.shape
    return x.reshape(batch, channels, n_frames // split, split).permute(0, 2, 1, 3).flatten(2)


def _unfolded(x: Tensor, split: int) -> Tensor:
    """The inverse: (B, T, C * split) -> (B, C, T * split)."""
    batch, n_frames, width = x.shape
    return x.reshape(batch, n_frames, width // split, split).permute(0, 2, 1, 3).flatten(2)


def start_angles(first_frame: int, n_frames: int, n_bins: int, *, seed: int = 0) -> Tensor:
    """Random phases of spectrum frames from `first_frame`, (n_bins, n_frames) in radians: each by its own number."""
    drawn = []
    for block in range(first_frame // PHASE_BLOCK, -(-(first_frame + n_frames) // PHASE_BLOCK)):
        generator = torch.Generator().manual_seed((seed * 1_000_003 + block) % 2**63)
        drawn.append(torch.rand(PHASE_BLOCK, n_bins, generator=generator))
    begin = first_frame % PHASE_BLOCK
    return torch.cat(drawn)[begin : begin + n_frames].T * (2.0 * math.pi) if drawn else torch.zeros(n_bins, 0)
