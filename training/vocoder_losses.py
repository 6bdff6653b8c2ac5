"""What the vocoder's training minimises: distances of spectra at several resolutions, and a small discriminator.

Two takes of one mel, y and y', with other random phases, give d(x, y) - d(y, y') / 2 its least mean where takes vary as
real sounds of that mel do (the energy distance; Gritsenko et al. 2020 for speech): noise then stays noise, which no
distance to the one real take would reward. Conventions: waves (B, n_samples) at 16 kHz, brought to one level first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.vocoder.mel import MelScale, mel_basis, stft

LEVEL = 0.1
"""RMS at which waves are compared."""
FLOOR = 3e-4
"""Added to magnitudes before the logarithm, times the root of n_fft: about 46 dB under white noise of the level."""
RESOLUTIONS = ((2048, 512, 120), (1024, 256, 80), (512, 128, 40), (256, 64, 20))
"""n_fft, hop and mels of each."""
DISCRIMINATOR_RESOLUTIONS = ((1024, 256), (512, 128), (256, 64))


@dataclass(frozen=True)
class Views:
    """One set of waves as each resolution shows it: lists of (B, bins, frames)."""

    logs: list[Tensor]
    """Log magnitudes, bin by bin, and log mels."""
    magnitudes: list[Tensor]


def level_gain(waves: Tensor) -> Tensor:
    """What brings each wave to the level: (B, n) -> (B, 1); silence is left near silence."""
    return LEVEL / waves.square().mean(1, keepdim=True).sqrt().clamp_min(1e-3)


def views(waves: Tensor, sample_rate: int) -> Views:
    """Levelled waves -> their views."""
    logs, magnitudes = [], []
    for n_fft, hop, n_mels in RESOLUTIONS:
        scale = MelScale(sample_rate=sample_rate, n_fft=n_fft, hop=hop, n_mels=n_mels, high_hz=sample_rate / 2)
        parts = torch.view_as_real(stft(waves, scale))
        magnitude = (parts.square().sum(-1) + 1e-9).sqrt()
        floor = FLOOR * n_fft**0.5
        logs.append((magnitude + floor).log())
        logs.append((torch.matmul(_mean_basis(scale).to(waves.device), magnitude) + floor).log())
        magnitudes.append(magnitude)
    return Views(logs, magnitudes)


@cache
def _mean_basis(scale: MelScale) -> Tensor:
    """Mel bands that take means of their bins, so that one floor serves bins and bands. (n_mels, bins)"""
    basis = torch.from_numpy(mel_basis(scale))
    return basis / basis.sum(1, keepdim=True).clamp_min(1e-8)


def distance(first: Views, second: Views, norm: Views) -> Tensor:
    """(B,): mean absolute difference of the logs, and of the magnitudes in units of `norm`'s mean magnitude."""
    total = torch.zeros(first.logs[0].shape[0], device=first.logs[0].device)
    for a, b in zip(first.logs, second.logs, strict=True):
        total = total + (a - b).abs().mean((1, 2)) / len(first.logs)
    for a, b, unit in zip(first.magnitudes, second.magnitudes, norm.magnitudes, strict=True):
        relative = (a - b).abs().mean((1, 2)) / unit.mean((1, 2)).clamp_min(1e-5)
        total = total + relative / len(first.magnitudes)
    return total


def energy_distance(
    real: Tensor, takes: Tensor, sample_rate: int, repulsion: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Real waves (B, n) and two takes of each, (2B, n), the first of all before the second -> loss and facts.

    `repulsion` 1 is the energy distance; 0 is the plain distance, which makes noise smooth.
    """
    gain = level_gain(real)
    with torch.no_grad():
        goal = views(real * gain, sample_rate)
    made = views(takes * gain.repeat(2, 1), sample_rate)
    one, other = _half(made, 0), _half(made, 1)
    near = 0.5 * (distance(one, goal, goal) + distance(other, goal, goal)).mean()
    facts = {"distance": near}
    if not repulsion:
        return near, facts
    apart = distance(one, other, goal).mean()
    return near - 0.5 * repulsion * apart, facts | {"apart": apart}


def _half(made: Views, number: int) -> Views:
    return Views([t.chunk(2)[number] for t in made.logs], [t.chunk(2)[number] for t in made.magnitudes])


class Discriminator(nn.Module):
    """Looks at spectra of levelled waves at several resolutions (UnivNet, Jang et al. 2021; here in complex numbers).

    Gives for each resolution the features of every layer, the last of which are its scores.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stacks = nn.ModuleList(_stack(width) for _ in DISCRIMINATOR_RESOLUTIONS)

    def forward(self, waves: Tensor) -> list[list[Tensor]]:
        found = []
        for (n_fft, hop), stack in zip(DISCRIMINATOR_RESOLUTIONS, self.stacks, strict=True):
            with torch.autocast(waves.device.type, enabled=False):
                x = _compressed(waves.float(), MelScale(n_fft=n_fft, hop=hop, n_mels=1))
            features = []
            for layer in stack:  # type: ignore[attr-defined]
                x = layer(x)
                features.append(x)
            found.append(features)
        return found


def _stack(width: int) -> nn.ModuleList:
    norm = nn.utils.parametrizations.weight_norm
    layers = [nn.Sequential(norm(nn.Conv2d(2, width, (9, 3), padding=(4, 1))), nn.LeakyReLU(0.1))]
    for _ in range(3):
        conv = nn.Conv2d(width, width, (9, 3), stride=(2, 1), padding=(4, 1))
        layers.append(nn.Sequential(norm(conv), nn.LeakyReLU(0.1)))
    layers.append(nn.Sequential(norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(0.1)))
    layers.append(nn.Sequential(norm(nn.Conv2d(width, 1, 3, padding=1))))
    return nn.ModuleList(layers)


def _compressed(waves: Tensor, scale: MelScale) -> Tensor:
    """(B, n) -> (B, 2, bins, frames): spectra whose magnitudes are raised to 0.3."""
    parts = torch.view_as_real(stft(waves, scale))
    power = parts.square().sum(-1, keepdim=True) + 1e-6
    return (parts * power.pow(-0.35)).permute(0, 3, 1, 2)


def discriminator_loss(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """Hinge loss (Lim and Ye 2017), the mean over resolutions."""
    terms = [
        functional.relu(1.0 - r[-1].float()).mean() + functional.relu(1.0 + m[-1].float()).mean()
        for r, m in zip(real, made, strict=True)
    ]
    return torch.stack(terms).mean()


def adversarial_losses(real: list[list[Tensor]], made: list[list[Tensor]]) -> tuple[Tensor, Tensor]:
    """The generator's: minus the mean score, and the distance of features in units of the real ones' size.

    `made` holds two takes of every real wave, one after the other.
    """
    score = torch.stack([-m[-1].float().mean() for m in made]).mean()
    terms = []
    for r, m in zip(real, made, strict=True):
        for a, b in zip(r[:-1], m[:-1], strict=True):
            goal = a.detach().float().repeat(b.shape[0] // a.shape[0], 1, 1, 1)
            terms.append((b.float() - goal).abs().mean() / goal.abs().mean().clamp_min(1e-3))
    return score, torch.stack(terms).mean()
