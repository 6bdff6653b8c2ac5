"""Samplers, held against diffusers and against data whose exact denoiser is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.fft import dct
from test_clipsonic_diffusion import config_of
from torch import Tensor

from models.clipsonic.config import ClipSonicConfig, Prediction, Sampler, SamplingConfig
from models.clipsonic.diffusion import Estimate, estimate, levels, schedule_of
from models.clipsonic.guidance import guided, mel_bounds
from models.clipsonic.samplers import Denoise, SamplingUnusable, noise, respaced, sample, sampling_nodes, start_noise

SHAPE = (40, 50)
MEAN, SPREAD = 1.5, 0.4


def level_at(config: ClipSonicConfig, time: float) -> tuple[float, float]:
    signal, sigma = levels(np.array([time]), config)
    return float(signal[0]), float(sigma[0])


def exact(config: ClipSonicConfig, n_steps: int, *, learned: bool = False, spread: float = SPREAD) -> Denoise:
    """Of data that are normal with MEAN and `spread`: E[clean | x], and the exact variance of an ancestral step."""
    times, schedule = respaced(schedule_of(config), n_steps)

    def denoise(x: Tensor, time: float) -> Estimate:
        signal, sigma = level_at(config, time)
        gain = signal * spread**2 / (signal**2 * spread**2 + sigma**2)
        clean = MEAN + gain * (x - signal * MEAN)
        if not learned:
            return Estimate(clean)
        step = int(np.flatnonzero(times == time)[0])
        unknown = spread**2 * sigma**2 / (signal**2 * spread**2 + sigma**2)
        variance = schedule.posterior_variance[step] + schedule.posterior_of_clean[step] ** 2 * unknown
        low, high = schedule.smallest_log_variance[step], math.log(schedule.betas[step])
        share = (math.log(variance) - low) / (high - low) if step else 0.0
        return Estimate(clean, torch.full_like(x, 2.0 * share - 1.0))

    return denoise


@pytest.mark.parametrize(
    ("sampler", "prediction", "n_steps", "tolerance"),
    [
        ("ancestral", "noise", 1_000, 0.01),
        ("ddim", "velocity", 200, 0.01),
        ("ddim", "noise", 200, 0.01),
        ("dpm++", "velocity", 20, 0.02),
        ("dpm++", "noise", 20, 0.02),
        ("euler", "flow", 200, 0.01),
        ("dpm++", "flow", 20, 0.02),
    ],
)
def test_normal_data_keep_their_mean_and_spread(
    sampler: Sampler, prediction: Prediction, n_steps: int, tolerance: float
) -> None:
    config = config_of(prediction)
    drawn = sample(
        exact(config, n_steps), SHAPE, config, sampler=sampler, n_steps=n_steps, seeds=[*range(8)]
    )  # 16,000 numbers: the spread of their mean is 0.003, that of their spread 0.002
    assert float(drawn.mean()) == pytest.approx(MEAN, abs=0.012)
    assert float(drawn.std()) == pytest.approx(SPREAD, abs=tolerance)


@pytest.mark.parametrize(("sampler", "n_steps"), [("ddim", 200), ("dpm++", 50), ("ancestral", 1_000)])
def test_the_even_schedule_ends_where_the_published_one_does(sampler: Sampler, n_steps: int) -> None:
    config = config_of("velocity").model_copy(update={"schedule": "even"})
    drawn = sample(exact(config, n_steps), SHAPE, config, sampler=sampler, n_steps=n_steps, seeds=[*range(8)])
    assert float(drawn.mean()) == pytest.approx(MEAN, abs=0.012)
    assert float(drawn.std()) == pytest.approx(SPREAD, abs=0.03)


def test_ten_steps_of_the_even_schedule_leave_the_grain_of_a_texture() -> None:
    """Rain differs from its outline by 0.15 of the spread of mels; a last step from afar would take two fifths."""
    config = config_of("velocity").model_copy(update={"schedule": "even"})
    denoise = exact(config, 10, spread=0.15)
    drawn = sample(denoise, SHAPE, config, sampler="dpm++", n_steps=10, seeds=[*range(8)])
    assert 0.12 < float(drawn.std()) < 0.17


def test_the_start_noise_is_smooth_over_bands_for_each_second_and_is_noise_otherwise() -> None:
    config = config_of("velocity")
    shape, a_second = (64, 3 * (config.mel.sample_rate // config.mel.hop)), config.mel.sample_rate // config.mel.hop
    smooth = config.model_copy(update={"sampling": SamplingConfig(start_cosines=4)})
    plain, made = noise([1, 2], 0, shape), start_noise([1, 2], shape, smooth)
    assert torch.equal(start_noise([1, 2], shape, config), plain)
    assert torch.equal(start_noise([2], shape, smooth)[0], made[1])
    for begin in range(0, shape[1], a_second):
        average = made[0, :, begin : begin + a_second].mean(1).numpy()
        spectrum = np.abs(dct(average, norm="ortho"))
        assert spectrum[4:].max() < 1e-6 < spectrum[:4].max()
    passing = plain - plain.unflatten(2, (3, -1)).mean(3).repeat_interleave(a_second, 2)
    left = made - made.unflatten(2, (3, -1)).mean(3).repeat_interleave(a_second, 2)
    torch.testing.assert_close(left, passing, atol=1e-6, rtol=0)


@pytest.mark.parametrize("n_steps", [5, 30])
def test_few_ancestral_steps_are_exact_with_the_exact_variance(n_steps: int) -> None:
    config = config_of("noise", learned_variance=True)
    drawn = sample(
        exact(config, n_steps, learned=True), SHAPE, config, sampler="ancestral", n_steps=n_steps, seeds=[*range(8)]
    )
    last = math.sqrt(1 - schedule_of(config).alphas_bar[0])  # the last step draws nothing: it keeps to its mean
    assert float(drawn.mean()) == pytest.approx(MEAN, abs=0.012)
    assert float(drawn.std()) == pytest.approx(SPREAD, abs=0.008 + last**2)
    without = sample(exact(config, n_steps), SHAPE, config, sampler="ancestral", n_steps=n_steps, seeds=[*range(8)])
    assert n_steps > 5 or float(without.std()) < 0.9 * SPREAD  # the posterior's own variance is too small


def toy(x: Tensor, time: Tensor, query: Tensor, drop: Tensor | None) -> Tensor:
    """A net that is no exact denoiser: bent, and different at each time; outputs up to about 1."""
    mean = torch.tanh(0.5 * x + torch.sin(time[:, None, None] / 700.0))
    return torch.cat([mean, torch.cos(x)], dim=1)


def ours(config: ClipSonicConfig, sampler: Sampler, n_steps: int) -> Tensor:
    def denoise(x: Tensor, time: float) -> Estimate:
        output = toy(x, torch.full((len(x),), time), torch.zeros(0), None)
        signal, sigma = level_at(config, time)
        return estimate(output, x, torch.tensor(signal), torch.tensor(sigma), config)

    return sample(denoise, SHAPE, config, sampler=sampler, n_steps=n_steps, seeds=[5, 6])


def theirs(scheduler, n_steps: int, *, learned: bool = False) -> Tensor:  # type: ignore[no-untyped-def]
    scheduler.set_timesteps(n_steps)
    x = noise([5, 6], 0, SHAPE)
    for time in scheduler.timesteps:
        output = toy(x, torch.full((len(x),), float(time)), torch.zeros(0), None)
        x = scheduler.step(output if learned else output[:, : SHAPE[0]], time, x).prev_sample
    return x


@pytest.mark.parametrize("n_steps", [4, 25, 50])
def test_ddim_takes_the_steps_of_diffusers(n_steps: int) -> None:
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(
        4_000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        clip_sample=False,
        timestep_spacing="trailing",
    )
    found = ours(config_of("velocity", learned_variance=True), "ddim", n_steps)
    assert torch.allclose(found, theirs(scheduler, n_steps), atol=2e-3)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("n_steps", [2, 10, 25])
def test_dpm_solver_takes_the_steps_of_diffusers(n_steps: int) -> None:
    from diffusers import DPMSolverMultistepScheduler

    scheduler = DPMSolverMultistepScheduler(
        4_000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        timestep_spacing="trailing",
        final_sigmas_type="zero",
    )
    found = ours(config_of("velocity", learned_variance=True), "dpm++", n_steps)
    assert torch.allclose(found, theirs(scheduler, n_steps), atol=2e-3)


@pytest.mark.parametrize("n_steps", [10, 40])
def test_ancestral_takes_the_steps_of_diffusers(n_steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import DDPMScheduler
    from diffusers.schedulers import scheduling_ddpm

    scheduler = DDPMScheduler(
        4_000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        variance_type="learned_range",
        clip_sample=False,
        timestep_spacing="linspace",
    )
    steps = iter(range(n_steps - 1, 0, -1))
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *_, **__: noise([5, 6], next(steps), SHAPE))
    found = ours(config_of("velocity", learned_variance=True), "ancestral", n_steps)
    assert torch.allclose(found, theirs(scheduler, n_steps, learned=True), atol=2e-3)


def test_euler_takes_the_steps_of_diffusers() -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    config = config_of("flow")
    scheduler = FlowMatchEulerDiscreteScheduler(1_000)
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 0.0, 11)[:-1].tolist())
    x = noise([5, 6], 0, SHAPE)
    for time, sigma in zip(scheduler.timesteps, scheduler.sigmas, strict=False):
        x = scheduler.step(toy(x, torch.full((2,), float(sigma) * 3_999), torch.zeros(0), None)[:, :40], time, x)[0]

    def denoise(x: Tensor, time: float) -> Estimate:
        output = toy(x, torch.full((len(x),), time), torch.zeros(0), None)[:, :40]
        return Estimate(x - level_at(config, time)[1] * output)

    found = sample(denoise, SHAPE, config, sampler="euler", n_steps=10, seeds=[5, 6])
    assert torch.allclose(found, x, atol=1e-4)


def test_an_example_depends_on_its_seed_and_not_on_its_batch() -> None:
    config = config_of("noise", learned_variance=True)
    both = ours(config, "ancestral", 7)
    alone = sample(lambda x, time: Estimate(x * 0.5), SHAPE, config, sampler="ancestral", n_steps=7, seeds=[6])
    among = sample(lambda x, time: Estimate(x * 0.5), SHAPE, config, sampler="ancestral", n_steps=7, seeds=[3, 6, 9])
    assert torch.equal(alone[0], among[1])
    assert torch.equal(both, ours(config, "ancestral", 7))
    assert not torch.equal(among[0], among[1])


def test_a_net_that_predicts_noise_is_not_asked_where_there_is_no_signal() -> None:
    assert sampling_nodes(config_of("noise"), 10)[0].signal >= 0.01
    assert sampling_nodes(config_of("velocity"), 10)[0].signal < 1e-4
    times = [node.time for node in sampling_nodes(config_of("velocity"), 7)]
    assert times[0] == 3_999 and times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("prediction", "sampler", "n_steps", "told"),
    [
        ("noise", "euler", 10, "ancestral, ddim, dpm\\+\\+"),
        ("flow", "ancestral", 10, "euler, dpm\\+\\+"),
        ("noise", "heun", 10, "'heun'"),
        ("noise", "ddim", 0, "give 1 to 4000"),
        ("noise", "ddim", 4_001, "give 1 to 4000"),
    ],
)
def test_what_cannot_be_sampled_is_told_with_the_choices(
    prediction: Prediction, sampler: Sampler, n_steps: int, told: str
) -> None:
    config = config_of(prediction)
    with pytest.raises(SamplingUnusable, match=told):
        sample(exact(config, 2), SHAPE, config, sampler=sampler, n_steps=n_steps, seeds=[0])


# Guidance


def asked(x: Tensor, time: Tensor, query: Tensor, drop: Tensor | None) -> Tensor:
    """Velocity -1 for the null query, the query's first number for any other; the variance tells them apart too."""
    assert drop is not None
    said = torch.where(drop, torch.tensor(-1.0), query[:, 0])[:, None, None].expand_as(x)
    return torch.cat([said, said * 10], dim=1)


@pytest.mark.parametrize(("guidance", "velocity"), [(0.0, -1.0), (1.0, 2.0), (1.5, 3.5), (3.0, 8.0)])
def test_guidance_carries_the_belief_away_from_the_null_query(guidance: float, velocity: float) -> None:
    config = config_of("velocity", learned_variance=True)
    x = torch.randn((2, 8, 16), generator=torch.Generator().manual_seed(0))
    found = guided(asked, torch.full((2, 4), 2.0), config, guidance=guidance)(x, 2_000.0)
    signal, sigma = level_at(config, 2_000.0)
    assert torch.allclose(found.clean, signal * x - sigma * velocity, atol=1e-5)
    assert found.variance is not None
    assert torch.allclose(found.variance, torch.full_like(x, -10.0 if guidance == 0 else 20.0))


def test_clean_mels_stay_between_silence_and_full_scale() -> None:
    config = config_of("velocity", learned_variance=True)
    low, high = mel_bounds(config)
    assert low * 2.0 - 5.0 == pytest.approx(math.log(1e-5))
    found = guided(asked, torch.full((2, 4), 50.0), config, guidance=1.0, bounds=(low, high))
    clean = found(torch.zeros(2, 8, 16), 2_000.0).clean
    assert torch.allclose(clean, torch.tensor(low, dtype=torch.float32))


@pytest.mark.parametrize("guidance", [-0.1, 21.0, math.nan])
def test_guidance_that_means_nothing_is_refused(guidance: float) -> None:
    with pytest.raises(SamplingUnusable, match="give 0 to 20"):
        guided(asked, torch.zeros(1, 4), config_of("velocity"), guidance=guidance)
