"""The vocoder's net: ConvNeXt blocks over frames and a few local convolutions correct a rough spectrum.

The form is that of Vocos (Siuzdak 2023): blocks at the rate of the frames, a head for spectra, inverse STFTs. Phases
are not left to the net, for frames that sound the same must not get the same phases. Three kinds are given to it, each
with the magnitudes that the mels let expect, and it changes their levels bin by bin: phases that a few steps of
Griffin-Lim find, for tones and steady noise, which it may turn as well; those of a click whose place the levels of
neighbouring frames tell; and random ones in windows of a few milliseconds, for noise that comes and goes in a frame.
The randomness of the rough spectrum is in its bins, so convolutions over bins and frames have the last word.

Conventions: B mels, T mel frames, S = T * split spectrum frames, F = n_fft // 2 + 1 bins, C channels; for each spectrum
frame, N short frames of G = short_n_fft // 2 + 1 bins; M maps that the blocks hand to the local convolutions.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from models.vocoder.clicks import click_angles, click_share
from models.vocoder.griffin_lim import griffin_lim_spectrum, mel_to_magnitude
from models.vocoder.mel import MelScale, istft

PHASE_BLOCK = 256
"""Spectrum frames whose random phases are drawn together, so that each frame's depend on its number alone."""
N_INVERSION_STEPS = 10
MEL_MIDDLE, MEL_SPREAD = -4.0, 3.0
"""About the mean and the spread of log mels of everyday sound; the first norm does the rest."""
N_TRAITS = 6
"""What the local convolutions see of each bin of the rough spectrum."""
N_CHANGES = 3
"""What they give: how much to turn it, and gains of the steady part and of the click."""
MAX_GAIN = 6.0
"""The net may change a magnitude by at most e^6, 52 dB."""
SHORT_START = -3.0
"""The untrained net adds short frames 26 dB below what the mels let expect."""
CLICK_SHARES = (0.05, 0.98)
"""The least and the most that is taken for a click before the net has its say."""


class VocoderNetConfig(BaseModel):
    """The numbers of a net."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: MelScale
    """The mels that it reads."""
    n_fft: int = Field(default=1024, ge=16)
    """Of the rough spectrum."""
    split: int = Field(default=1, ge=1)
    """Spectrum frames for each mel frame; more of them where the mel's hop is long."""
    short_n_fft: int = Field(default=128, ge=8)
    """Of the short windows."""
    n_short: int = Field(default=8, ge=1)
    """Short frames for each spectrum frame."""
    width: int = Field(default=256, ge=8)
    depth: int = Field(default=8, ge=1)
    mlp_ratio: float = Field(default=3.0, gt=0)
    kernel: int = Field(default=7, ge=1)
    n_maps: int = Field(default=6, ge=3)
    """Numbers that the blocks give for each bin."""
    local_width: int = Field(default=16, ge=1)
    local_depth: int = Field(default=3, ge=1)
    n_start_steps: int = Field(default=4, ge=0)
    """Steps of Griffin-Lim before the net."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scale.hop % self.split or self.kernel % 2 == 0:
            raise ValueError(f"hop {self.scale.hop} must divide by split {self.split}, and kernel must be odd")
        if self.n_fft < 2 * self.hop or self.scale.n_fft < 2 * self.scale.hop:
            raise ValueError(
                f"n_fft {self.n_fft} must be at least two hops of {self.hop}, and the mel's {self.scale.n_fft} two of "
                f"{self.scale.hop}, so that frames overlap"
            )
        if self.hop % self.n_short or not 2 * self.hop // self.n_short <= self.short_n_fft <= self.n_fft:
            raise ValueError(
                f"hop {self.hop} must divide by n_short {self.n_short}, and short_n_fft {self.short_n_fft} must be at "
                f"least two such hops and at most n_fft {self.n_fft}"
            )
        return self

    @property
    def hop(self) -> int:
        return self.scale.hop // self.split

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1

    @property
    def n_angles(self) -> int:
        """Random phases of a spectrum frame: its own bins', and those of its short frames."""
        return self.n_bins + self.n_short * (self.short_n_fft // 2 + 1)

    @property
    def spectrum(self) -> MelScale:
        """The STFT of the rough spectrum, with the same mel bands."""
        return replace(self.scale, n_fft=self.n_fft, hop=self.hop)

    @property
    def short(self) -> MelScale:
        """The STFT of the short windows."""
        return replace(self.scale, n_fft=self.short_n_fft, hop=self.hop // self.n_short)

    @property
    def reach(self) -> int:
        """How many mel frames away a frame can be heard: samples further away never depend on it."""
        spectrum_frames = -(-self.n_fft // self.hop) * (self.n_start_steps + 2) + self.local_depth
        return -(-spectrum_frames // self.split) + self.kernel // 2 * (self.depth + 1) + 4


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
        self.read_mel = nn.Conv1d(config.scale.n_mels, config.width, config.kernel, padding=config.kernel // 2)
        self.first_norm = nn.LayerNorm(config.width)
        hidden = round(config.width * config.mlp_ratio)
        self.blocks = nn.ModuleList(
            Block(config.width, hidden, config.kernel, 1.0 / config.depth) for _ in range(config.depth)
        )
        self.last_norm = nn.LayerNorm(config.width)
        n_outputs = config.n_maps * config.n_bins + config.n_angles - config.n_bins  # and gains of the short frames
        self.head = nn.Linear(config.width, n_outputs * config.split)
        widths = [config.n_maps + N_TRAITS, *[config.local_width] * config.local_depth]
        self.local = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
        self.change = nn.Conv2d(config.local_width, N_CHANGES, 1, bias=False)
        nn.init.zeros_(self.head.weight)  # the untrained net leaves the three kinds as they begin
        nn.init.zeros_(self.head.bias)
        nn.init.zeros_(self.change.weight)

    def forward(self, log_mel: Tensor, angles: Tensor) -> Tensor:
        """(B, n_mels, T) and phases in radians (B, n_angles, S) -> (B, T * hop) samples at the mel's rate."""
        config, n_maps = self.config, self.config.n_maps
        with torch.no_grad(), torch.autocast(log_mel.device.type, enabled=False):
            start, expected = self.start(log_mel.float(), angles[:, : config.n_bins].float())
            share = click_share(expected, config.scale, config.split)
            clicks = torch.polar(expected * share.clamp_min(CLICK_SHARES[0]), self.click_angles(expected))
            steady = start * (1.0 - share.clamp_max(CLICK_SHARES[1]))
            traits = torch.cat([start_traits(start, expected, config), share[:, None]], dim=1)  # (B, 6, F, S)
        x = self.read_mel((log_mel - MEL_MIDDLE) / MEL_SPREAD).transpose(1, 2)  # (B, T, C)
        x = self.first_norm(x)
        for block in self.blocks:
            x = block(x)
        x = _unfolded(self.head(self.last_norm(x)), config.split)  # (B, M * F + N * G, S)
        maps, of_short = torch.tensor_split(x, [n_maps * config.n_bins], dim=1)
        maps = maps.reshape(len(x), n_maps, config.n_bins, -1)  # (B, M, F, S)
        y = torch.cat([maps, traits.to(maps.dtype)], dim=1).contiguous(memory_format=torch.channels_last)
        for layer in self.local:
            y = functional.silu(layer(y))
        y = self.change(y) + maps[:, :N_CHANGES]
        with torch.autocast(log_mel.device.type, enabled=False):
            turn, of_steady, of_clicks = y.float().unbind(1)  # (B, F, S)
            spectrum = steady * torch.polar(_gain(of_steady), turn) + clicks * _gain(of_clicks)
            short = self.short_frames(expected, _gain(of_short.float()), angles[:, config.n_bins :].float())
            samples: Tensor = istft(spectrum, config.spectrum) + istft(short, config.short)
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

    def click_angles(self, expected: Tensor) -> Tensor:
        """(B, F, S) -> (B, F, S): see models.vocoder.clicks."""
        return click_angles(expected, self.config.scale, self.config.n_fft, self.config.split)

    def short_frames(self, expected: Tensor, gain: Tensor, angles: Tensor) -> Tensor:
        """Magnitudes (B, F, S), gains and phases (B, N * G, S) -> complex (B, G, S * N).

        Noise has magnitudes that grow with the root of the window.
        """
        config, (batch, _, n_frames) = self.config, expected.shape
        level = functional.interpolate(expected.transpose(1, 2), config.short_n_fft // 2 + 1, mode="linear")
        level = level.transpose(1, 2) * math.sqrt(config.short_n_fft / config.n_fft) * math.exp(SHORT_START)
        level = level[:, None] * gain.reshape(batch, config.n_short, -1, n_frames)  # (B, N, G, S)
        spectrum = torch.polar(level, angles.reshape(level.shape))
        return spectrum.permute(0, 2, 3, 1).flatten(2)


def _gain(logarithm: Tensor) -> Tensor:
    return (MAX_GAIN * torch.tanh(logarithm / MAX_GAIN)).exp()


def start_traits(start: Tensor, expected: Tensor, config: VocoderNetConfig) -> Tensor:
    """What is random about the rough spectrum: (B, F, S) -> (B, 5, F, S), all within [-2, 2].

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
    return torch.stack(traits, dim=1)


def _folded(x: Tensor, split: int) -> Tensor:
    """(B, C, T * split) -> (B, T, C * split): the spectrum frames of a mel frame side by side."""
    batch, channels, n_frames = x.shape
    return x.reshape(batch, channels, n_frames // split, split).permute(0, 2, 1, 3).flatten(2)


def _unfolded(x: Tensor, split: int) -> Tensor:
    """The inverse: (B, T, C * split) -> (B, C, T * split)."""
    batch, n_frames, width = x.shape
    return x.reshape(batch, n_frames, width // split, split).permute(0, 2, 1, 3).flatten(2)


def start_angles(first_frame: int, n_frames: int, n_angles: int, *, seed: int = 0) -> Tensor:
    """Random phases of spectrum frames from `first_frame`, (n_angles, n_frames) in radians: each by its own number."""
    drawn = []
    for block in range(first_frame // PHASE_BLOCK, -(-(first_frame + n_frames) // PHASE_BLOCK)):
        generator = torch.Generator().manual_seed((seed * 1_000_003 + block) % 2**63)
        drawn.append(torch.rand(PHASE_BLOCK, n_angles, generator=generator))
    begin = first_frame % PHASE_BLOCK
    return torch.cat(drawn)[begin : begin + n_frames].T * (2.0 * math.pi) if drawn else torch.zeros(n_angles, 0)
