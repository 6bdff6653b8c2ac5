"""Samplers: from noise to a clean mel in a number of steps, given what a net believes on the way.

Conventions: x is (B, n_mels, n_frames); times, signal and sigma are those of diffusion.py. `denoise(x, time)` gives an
Estimate; the whole batch is at one time. Noise is drawn by numpy from [seed, step] for each example apart, so that
an example depends neither on its batch nor on how many threads there are.
Sources: Ho et al. 2020 and Nichol and Dhariwal 2021 (ancestral, respaced); Song et al. 2021 (DDIM); Lu et al. 2022
(DPM-Solver++ 2M); Lin et al. 2024 (trailing times, which begin at pure noise).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.clipsonic.config import ClipSonicConfig, Sampler
from models.clipsonic.diffusion import Estimate, Schedule, levels, schedule_of
from models.errors import ModelError

Denoise = Callable[[Tensor, float], Estimate]
SAMPLERS: tuple[Sampler, ...] = ("ancestral", "ddim", "dpm++")
FLOW_SAMPLERS: tuple[Sampler, ...] = ("euler", "dpm++")

LEAST_SIGNAL = 0.01


class SamplingUnusable(ModelError):
    """A sampler, a number of steps or a guidance that cannot be used."""


@dataclass(frozen=True)
class Node:
    """A point on the way from noise to sound."""

    time: float
    signal: float
    sigma: float


END = Node(0.0, 1.0, 0.0)


def sample(
    denoise: Denoise,
    shape: tuple[int, int],
    config: ClipSonicConfig,
    *,
    sampler: Sampler,
    n_steps: int,
    seeds: Sequence[int],
    device: torch.device | None = None,
    report: Callable[[int], None] | None = None,
) -> Tensor:
    """Normalised mels (len(seeds), *shape) float32, where shape is (n_mels, n_frames).

    `report` is told the number of steps that are done. Raises SamplingUnusable.
    """
    chosen_sampler(config, sampler, n_steps)
    x = start_noise(seeds, shape, config).to(device)
    done = report or (lambda _: None)
    if sampler == "ancestral":
        return _ancestral(denoise, x, config, n_steps, seeds, done)
    nodes = sampling_nodes(config, n_steps)
    return _multistep(denoise, x, nodes, done) if sampler == "dpm++" else _straight(denoise, x, nodes, done)


def chosen_sampler(config: ClipSonicConfig, name: str, n_steps: int) -> Sampler:
    """The sampler of that name, for that many steps. Raises SamplingUnusable with the choices that there are."""
    known = FLOW_SAMPLERS if config.prediction == "flow" else SAMPLERS
    found = [each for each in known if each == name]
    if not found:
        raise SamplingUnusable(
            f"sampler {name!r} does not serve a net that predicts {config.prediction}; there are: {', '.join(known)}"
        )
    if not 1 <= n_steps <= config.n_training_steps:
        raise SamplingUnusable(f"{n_steps} steps cannot be taken; give 1 to {config.n_training_steps}")
    return found[0]


def noise(seeds: Sequence[int], step: int, shape: tuple[int, int]) -> Tensor:
    """Standard normal numbers, (len(seeds), *shape) float32; the same for the same seed and step. Seeds are >= 0."""
    drawn = [np.random.default_rng([seed, step]).standard_normal(shape, np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(drawn))


def start_noise(seeds: Sequence[int], shape: tuple[int, int], config: ClipSonicConfig) -> Tensor:
    """Noise to begin with, (len(seeds), *shape): as `noise` gives it, or without what would stay as stripes.

    A small net does not take off what the noise of a band is on average over a second, and a texture hums in the bands
    that happened to be louder. With `start_cosines` the average of every second is smooth over bands from the start.
    """
    drawn = noise(seeds, 0, shape)
    if config.sampling.start_cosines is None:
        return drawn
    n_mels, n_frames = shape
    band, wave = np.arange(n_mels)[:, None], np.arange(min(config.sampling.start_cosines, n_mels))
    cosines = np.cos(np.pi * (band + 0.5) * wave / n_mels)  # DCT-II: (n_mels, n_cosines)
    cosines /= np.linalg.norm(cosines, axis=0)
    a_second = config.mel.sample_rate // config.mel.hop
    for one in drawn.numpy():  # shares memory with `drawn`; one by one, so that its bits do not depend on the batch
        for part in np.array_split(one, max(1, n_frames // a_second), axis=1):
            average = part.mean(axis=1, dtype=np.float64)
            part += (cosines @ (cosines.T @ average) - average)[:, None].astype(np.float32)
    return drawn


def sampling_nodes(config: ClipSonicConfig, n_steps: int) -> list[Node]:
    """Evenly spaced times from the noisiest on, and the end.

    They trail, but for the even schedule: from its last trailing time, where noise is still 0.2 of a mel's spread, one
    step to the end takes the grain off rain and wind. There the last time is the least noisy one that is trained.
    A net that predicts noise says nothing about the sound while there is hardly any signal, because its least error
    counts for 1 / signal: it begins where the signal is LEAST_SIGNAL.
    """
    total = config.n_training_steps
    if config.prediction == "flow":
        times = np.linspace(total - 1, 0.0, n_steps + 1)[:-1]
    elif config.schedule == "even":
        times = np.round(np.linspace(total - 1, 0.0, n_steps))
    else:
        times = np.round(np.arange(total, 0, -total / n_steps))[:n_steps] - 1.0
    if config.prediction == "noise":
        known = np.flatnonzero(schedule_of(config).alphas_bar >= LEAST_SIGNAL**2)
        times = np.minimum(times, known[-1])
    signal, sigma = levels(times, config)
    return [Node(*map(float, each)) for each in zip(times, signal, sigma, strict=True)] + [END]


def _straight(denoise: Denoise, x: Tensor, nodes: list[Node], done: Callable[[int], None]) -> Tensor:
    """DDIM without noise of its own: from each node to the next as the estimate stands. For flows it is Euler's."""
    for number, (now, after) in enumerate(zip(nodes[:-1], nodes[1:], strict=True), 1):
        x = _first_order(x, denoise(x, now.time).clean, now, after)
        done(number)
    return x


def _first_order(x: Tensor, clean: Tensor, now: Node, after: Node) -> Tensor:
    """signal' * clean + sigma' * (x - signal * clean) / sigma, sorted by x and clean."""
    shrink = after.sigma / now.sigma
    return shrink * x + (after.signal - now.signal * shrink) * clean


def _multistep(denoise: Denoise, x: Tensor, nodes: list[Node], done: Callable[[int], None]) -> Tensor:
    """DPM-Solver++ (2M), Lu et al. 2022, Alg. 2; the first step is of first order, and the last, to sigma 0."""
    before: Tensor | None = None
    h_before = math.inf
    for number, (now, after) in enumerate(zip(nodes[:-1], nodes[1:], strict=True), 1):
        clean = denoise(x, now.time).clean
        h = _log_snr(after) - _log_snr(now)
        believed = clean
        if before is not None and math.isfinite(h):
            believed = clean + h / (2.0 * h_before) * (clean - before)
        x = _first_order(x, believed, now, after)
        before, h_before = clean, h
        done(number)
    return x


def _log_snr(node: Node) -> float:
    """Half the log of signal^2 / sigma^2."""
    if node.sigma <= 0.0:
        return math.inf
    return math.log(node.signal / node.sigma) if node.signal > 0.0 else -math.inf


def _ancestral(
    denoise: Denoise,
    x: Tensor,
    config: ClipSonicConfig,
    n_steps: int,
    seeds: Sequence[int],
    done: Callable[[int], None],
) -> Tensor:
    """Each step draws from the posterior, with the variance that the net says, or the posterior's own."""
    times, schedule = respaced(schedule_of(config), n_steps)
    low, high = schedule.smallest_log_variance, np.log(schedule.betas)
    for step in range(n_steps - 1, -1, -1):
        found = denoise(x, float(times[step]))
        x = float(schedule.posterior_of_clean[step]) * found.clean + float(schedule.posterior_of_x[step]) * x
        if step > 0:
            log_variance: Tensor = torch.tensor(low[step], dtype=torch.float32, device=x.device)
            if found.variance is not None:
                log_variance = float(low[step]) + (found.variance + 1.0) / 2.0 * float(high[step] - low[step])
            x = x + torch.exp(0.5 * log_variance) * noise(seeds, step, (x.shape[1], x.shape[2])).to(x.device)
        done(n_steps - step)
    return x


def respaced(schedule: Schedule, n_steps: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Schedule]:
    """The schedule of evenly spaced times of another one, with these times (Nichol and Dhariwal 2021, section 4)."""
    times = (
        np.round(np.linspace(0, schedule.n_steps - 1, n_steps)) if n_steps > 1 else np.array([schedule.n_steps - 1.0])
    )
    alphas_bar = schedule.alphas_bar[times.astype(np.int64)]
    betas = 1.0 - alphas_bar / np.append(1.0, alphas_bar[:-1])
    return times, Schedule(betas, alphas_bar)
