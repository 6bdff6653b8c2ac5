"""The diffusion of mels: noise schedules, what a net's output says, and the losses that it is trained with.

Conventions: mels are normalised, (B, n_mels, n_frames); `time` counts the steps of training, 0 (nearly clean) to
n_training_steps - 1 (noise). x = signal * clean + sigma * noise; signal^2 + sigma^2 = 1 but for flow matching, where
signal = 1 - u, sigma = u and u = time / (n_training_steps - 1).
Sources: Ho et al. 2020; Nichol and Dhariwal 2021 (cosine, L_hybrid); Salimans and Ho 2022 (velocity); Hang et al. 2023
(min-SNR); Kingma et al. 2021 (even log-SNR); Lipman et al. 2023 and Liu et al. 2023 (flow matching).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clipsonic.config import ClipSonicConfig, Prediction, ScheduleName

MAX_BETA = 0.999
EVEN_SNR_DB = (22.0, -50.0)
"""Neighbours in a mel are alike, so its outline shows through 30 dB of noise, where the cosine schedule nearly ends;
only what is noisier still has to be told by the query."""
Net = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""x (B, n_mels, n_frames), time (B,), query (B, query_size), drop (B,) -> (B, C * n_mels, n_frames)."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """The discrete schedule, float64, each (n_steps,)."""

    betas: NDArray[np.float64]
    alphas_bar: NDArray[np.float64]
    """signal^2 after that many steps."""

    @property
    def n_steps(self) -> int:
        return len(self.betas)

    @property
    def alphas_bar_before(self) -> NDArray[np.float64]:
        """alphas_bar of the step before; 1 before the first."""
        return np.append(1.0, self.alphas_bar[:-1])

    @property
    def posterior_variance(self) -> NDArray[np.float64]:
        """Of q(x_{t-1} | x_t, clean), Ho et al. eq. 7; that of step 0 is 0."""
        return self.betas * (1.0 - self.alphas_bar_before) / (1.0 - self.alphas_bar)

    @property
    def smallest_log_variance(self) -> NDArray[np.float64]:
        """Log of the posterior variance; step 0 takes that of step 1, as its own is log 0."""
        variance = self.posterior_variance
        return np.log(np.append(variance[1:2] if len(variance) > 1 else self.betas[:1], variance[1:]))

    @property
    def posterior_of_clean(self) -> NDArray[np.float64]:
        """Weight of clean in the posterior's mean."""
        return self.betas * np.sqrt(self.alphas_bar_before) / (1.0 - self.alphas_bar)

    @property
    def posterior_of_x(self) -> NDArray[np.float64]:
        """Weight of x_t in the posterior's mean."""
        return (1.0 - self.alphas_bar_before) * np.sqrt(1.0 - self.betas) / (1.0 - self.alphas_bar)


@cache
def cosine_schedule(n_steps: int) -> Schedule:
    """Nichol and Dhariwal 2021, eq. 17, with their cap of 0.999 on beta."""
    at = np.arange(n_steps + 1, dtype=np.float64) / n_steps
    remaining = np.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = np.minimum(1.0 - remaining[1:] / remaining[:-1], MAX_BETA)
    return Schedule(betas, np.cumprod(1.0 - betas))


@cache
def even_schedule(n_steps: int) -> Schedule:
    """Even steps of the logarithm of the signal-to-noise ratio, over EVEN_SNR_DB (Kingma et al. 2021)."""
    ratios = 10.0 ** (np.linspace(*EVEN_SNR_DB, n_steps) / 10.0)
    alphas_bar = ratios / (1.0 + ratios)
    return Schedule(1.0 - alphas_bar / np.append(1.0, alphas_bar[:-1]), alphas_bar)


def schedule_of(config: ClipSonicConfig) -> Schedule:
    return SCHEDULES[config.schedule](config.n_training_steps)


SCHEDULES: dict[ScheduleName, Callable[[int], Schedule]] = {"cosine": cosine_schedule, "even": even_schedule}


@dataclass(frozen=True)
class Estimate:
    """What a net believes at one point: the clean mel, and where the ancestral variance lies between its bounds."""

    clean: Tensor
    variance: Tensor | None = None
    """-1 for the posterior's variance, 1 for beta; None where the net does not learn it."""


def estimate(output: Tensor, x: Tensor, signal: Tensor, sigma: Tensor, config: ClipSonicConfig) -> Estimate:
    """Reads a net's output (B, C * n_mels, n_frames) at x; `signal` and `sigma` are (B, 1, 1)."""
    variance = None
    if config.learned_variance:
        output, variance = output.chunk(2, dim=1)
    return Estimate(clean_of(output, x, signal, sigma, config.prediction), variance)


def clean_of(predicted: Tensor, x: Tensor, signal: Tensor, sigma: Tensor, prediction: Prediction) -> Tensor:
    """The clean mel that a prediction stands for."""
    if prediction == "noise":
        return (x - sigma * predicted) / signal
    if prediction == "velocity":
        return signal * x - sigma * predicted
    return x - sigma * predicted


def target_of(clean: Tensor, noise: Tensor, signal: Tensor, sigma: Tensor, prediction: Prediction) -> Tensor:
    """What the net should predict."""
    if prediction == "noise":
        return noise
    if prediction == "velocity":
        return signal * noise - sigma * clean
    return noise - clean


def levels(time: NDArray[np.float64], config: ClipSonicConfig) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """signal and sigma at the times of training, float64, of the same shape."""
    if config.prediction == "flow":
        share = time / (config.n_training_steps - 1)
        return 1.0 - share, share
    alphas_bar = schedule_of(config).alphas_bar[time.astype(np.int64)]
    return np.sqrt(alphas_bar), np.sqrt(1.0 - alphas_bar)


@dataclass(frozen=True)
class Draws:
    """The randomness of one training step: times (B,) float64 and noise like the mels, float32."""

    time: NDArray[np.float64]
    noise: Tensor


def draw(config: ClipSonicConfig, shape: tuple[int, int, int], random: np.random.Generator) -> Draws:
    """Times and noise for mels of that shape. Times are stratified over the batch, which steadies the loss.

    Flow matching draws u as the logistic of a normal number (Esser et al. 2024): most from the middle.
    """
    share = (random.permutation(shape[0]) + random.random(shape[0])) / shape[0]
    if config.prediction == "flow":
        normal = torch.special.ndtri(torch.from_numpy(share.clip(1e-6, 1.0 - 1e-6)))
        time = torch.sigmoid(normal).numpy() * (config.n_training_steps - 1)
    else:
        time = np.minimum(np.floor(share * config.n_training_steps), config.n_training_steps - 1)
    return Draws(time, torch.from_numpy(random.standard_normal(shape, np.float32)))


def training_loss(
    net: Net,
    config: ClipSonicConfig,
    mels: Tensor,
    queries: Tensor,
    drop: Tensor | None,
    *,
    draws: Draws,
    valid: Tensor | None = None,
    min_snr: float | None = None,
) -> dict[str, Tensor]:
    """The losses of normalised mels (B, n_mels, n_frames): `loss` to minimise, and its parts `simple` and `vb`.

    `drop` (B,) is True where the null query stands in. `valid` (B, n_frames) weighs frames, because many clips are
    shorter than the window; each example counts the same, however many of its frames count. `min_snr` is the gamma of
    Hang et al. 2023. A learned variance makes it L_hybrid: `simple` + `vb` * n_training_steps / 1000, with the mean
    detached in `vb`.
    """
    signal, sigma = (
        torch.from_numpy(level).float().to(mels.device)[:, None, None] for level in levels(draws.time, config)
    )  # (B, 1, 1)
    noise = draws.noise.to(mels.device)
    x = signal * mels + sigma * noise
    time = torch.from_numpy(draws.time).float().to(mels.device)
    output = net(x, time, queries, drop)
    with torch.autocast(mels.device.type, enabled=False):
        predicted, variance = output.float(), None
        if config.learned_variance:
            predicted, variance = predicted.chunk(2, dim=1)
        target = target_of(mels, noise, signal, sigma, config.prediction)
        weights = torch.ones_like(mels[:, 0]) if valid is None else valid  # (B, n_frames)
        errors = _example_means((predicted - target) ** 2, weights)  # (B,)
        simple = (errors * _snr_weight(draws.time, config, min_snr).to(mels.device)).mean()
        if variance is None:
            return {"loss": simple, "simple": simple}
        clean = clean_of(predicted.detach(), x, signal, sigma, config.prediction)
        vb = _example_means(variational_bound(clean, variance, mels, x, draws.time, config), weights).mean()
        return {"loss": simple + vb * (config.n_training_steps / 1000.0), "simple": simple, "vb": vb}


def _example_means(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean over mels and frames: (B, n_mels, n_frames), (B, n_frames) -> (B,)."""
    return (values.mean(1) * weights).sum(1) / weights.sum(1).clamp_min(1e-6)


def _snr_weight(time: NDArray[np.float64], config: ClipSonicConfig, gamma: float | None) -> Tensor:
    """What each example's squared error is multiplied by, (B,): 1 without a gamma.

    The error of clean is weighed by min(SNR, gamma); that of noise is 1 / SNR and that of velocity 1 / (SNR + 1) of
    it. The velocity of flow matching has error of clean / sigma^2, so its weight is min(SNR, gamma) * sigma^2.
    """
    if gamma is None:
        return torch.ones(len(time))
    signal, sigma = levels(time, config)
    snr = (signal / np.maximum(sigma, 1e-12)) ** 2
    capped = np.minimum(snr, gamma)
    if config.prediction == "noise":
        weight = capped / np.maximum(snr, 1e-20)
    elif config.prediction == "velocity":
        weight = capped / (snr + 1.0)
    else:
        weight = capped * sigma**2
    return torch.from_numpy(weight).float()


def variational_bound(
    clean: Tensor, variance: Tensor, mels: Tensor, x: Tensor, time: NDArray[np.float64], config: ClipSonicConfig
) -> Tensor:
    """Bits a number by which each step misses the true posterior, (B, n_mels, n_frames).

    Nichol and Dhariwal 2021, eq. 4 to 7. At step 0 it is the negative log density of the clean mel: mels are real
    numbers, where images have 256 values to be told apart.
    """
    schedule, step = schedule_of(config), time.astype(np.int64)

    def at(values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values[step]).float().to(mels.device)[:, None, None]

    low, high = at(schedule.smallest_log_variance), at(np.log(schedule.betas))
    log_variance = low + (variance + 1.0) / 2.0 * (high - low)
    of_clean, of_x = at(schedule.posterior_of_clean), at(schedule.posterior_of_x)
    miss = (of_clean * mels + of_x * x) - (of_clean * clean + of_x * x)
    divergence = 0.5 * (log_variance - low + torch.exp(low - log_variance) + miss**2 * torch.exp(-log_variance) - 1.0)
    density = 0.5 * (math.log(2 * math.pi) + log_variance + (mels - clean) ** 2 * torch.exp(-log_variance))
    is_first = torch.from_numpy(step == 0).to(mels.device)[:, None, None]
    return torch.where(is_first, density, divergence) / math.log(2.0)
