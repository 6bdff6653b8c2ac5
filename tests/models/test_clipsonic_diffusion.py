"""The diffusion's schedule and losses, held against diffusers, torch.distributions and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from models.clipsonic.config import ClipSonicConfig, FramesConfig, Prediction
from models.clipsonic.diffusion import (
    Draws,
    clean_of,
    cosine_schedule,
    draw,
    levels,
    schedule_of,
    target_of,
    training_loss,
    variational_bound,
)
from models.vocoder.mel import MelScale

SHAPE = (3, 8, 16)


def config_of(
    prediction: Prediction, *, learned_variance: bool = False, n_training_steps: int = 4_000
) -> ClipSonicConfig:
    return ClipSonicConfig(
        mel=MelScale(n_fft=64, hop=16, n_mels=8),
        n_frames=16,
        mel_mean=-5.0,
        mel_std=2.0,
        query_size=4,
        net=FramesConfig(width=16, depth=1, n_heads=2),
        prediction=prediction,
        learned_variance=learned_variance,
        n_training_steps=n_training_steps,
    )


def test_the_cosine_schedule_is_that_of_diffusers() -> None:
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(4_000, beta_schedule="squaredcos_cap_v2", variance_type="learned_range")
    ours = cosine_schedule(4_000)
    assert np.abs(ours.betas - theirs.betas.double().numpy()).max() < 3e-8  # half a unit in float32's last place
    assert np.allclose(ours.alphas_bar, theirs.alphas_cumprod.double().numpy(), rtol=2e-4, atol=1e-7)


def test_the_posterior_is_bayes_rule() -> None:
    schedule = cosine_schedule(50)
    step, clean, x = 20, 0.7, -0.3
    grid = np.linspace(-6, 6, 200_001)
    before = Normal(clean * schedule.alphas_bar[step - 1] ** 0.5, (1 - schedule.alphas_bar[step - 1]) ** 0.5)
    to_x = Normal(torch.from_numpy(grid) * (1 - schedule.betas[step]) ** 0.5, schedule.betas[step] ** 0.5)
    density = (before.log_prob(torch.from_numpy(grid)) + to_x.log_prob(torch.tensor(x))).exp().numpy()
    density /= density.sum()
    mean = (grid * density).sum()
    assert schedule.posterior_of_clean[step] * clean + schedule.posterior_of_x[step] * x == pytest.approx(
        mean, abs=1e-6
    )
    assert schedule.posterior_variance[step] == pytest.approx(((grid - mean) ** 2 * density).sum(), rel=1e-5)


@pytest.mark.parametrize("prediction", ["noise", "velocity", "flow"])
def test_a_perfect_prediction_gives_the_clean_mel_and_no_loss(prediction: Prediction) -> None:
    config = config_of(prediction)
    mels = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    draws = draw(config, SHAPE, np.random.default_rng(2))

    def perfect(x: Tensor, time: Tensor, query: Tensor, drop: Tensor | None) -> Tensor:
        signal, sigma = (torch.from_numpy(level).float()[:, None, None] for level in levels(draws.time, config))
        assert torch.allclose(x, signal * mels + sigma * draws.noise)
        target = target_of(mels, draws.noise, signal, sigma, prediction)
        keeps = signal > 0.05  # below it float32 cannot tell the clean mel from noise
        assert torch.allclose(clean_of(target, x, signal, sigma, prediction) * keeps, mels * keeps, atol=1e-4)
        return target

    losses = training_loss(perfect, config, mels, torch.zeros(3, 4), None, draws=draws)
    assert float(losses["loss"]) == pytest.approx(0.0, abs=1e-10)


def test_velocity_is_what_diffusers_calls_so() -> None:
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(4_000, beta_schedule="squaredcos_cap_v2")
    mels, noise = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(3))
    time = np.array([10.0, 2_000.0, 3_900.0])
    signal, sigma = (torch.from_numpy(level).float()[:, None, None] for level in levels(time, config_of("velocity")))
    wanted = theirs.get_velocity(mels, noise, torch.from_numpy(time).long())
    assert torch.allclose(target_of(mels, noise, signal, sigma, "velocity"), wanted, atol=1e-5)


def test_the_bound_is_the_divergence_of_two_normal_distributions_in_bits() -> None:
    config = config_of("noise", learned_variance=True, n_training_steps=100)
    schedule = schedule_of(config)
    clean, variance, mels, x = torch.randn(4, 1, 8, 16, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    step = 37
    low, high = schedule.smallest_log_variance[step], np.log(schedule.betas[step])

    def posterior(of: Tensor, log_variance: Tensor) -> Normal:
        mean = schedule.posterior_of_clean[step] * of + schedule.posterior_of_x[step] * x
        return Normal(mean, torch.exp(0.5 * log_variance))

    believed = posterior(clean, low + (variance + 1) / 2 * (high - low))
    wanted = kl_divergence(posterior(mels, torch.full_like(mels, low)), believed) / np.log(2)
    found = variational_bound(clean, variance, mels, x, np.array([float(step)]), config)
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_the_bounds_first_step_is_the_density_of_the_clean_mel() -> None:
    config = config_of("noise", learned_variance=True, n_training_steps=100)
    clean, variance, mels, x = torch.randn(4, 1, 8, 16, generator=torch.Generator().manual_seed(5)) * 0.01
    schedule = schedule_of(config)
    low, high = schedule.smallest_log_variance[0], np.log(schedule.betas[0])
    spread = torch.exp(0.5 * (low + (variance + 1) / 2 * (high - low)))
    wanted = -Normal(clean, spread).log_prob(mels) / np.log(2)
    assert torch.allclose(variational_bound(clean, variance, mels, x, np.zeros(1), config), wanted, rtol=1e-4)


def test_the_variance_learns_from_the_bound_and_the_mean_does_not() -> None:
    config = config_of("noise", learned_variance=True)
    mels = torch.randn(SHAPE, generator=torch.Generator().manual_seed(6))
    draws = draw(config, SHAPE, np.random.default_rng(6))
    output = torch.randn((3, 16, 16), generator=torch.Generator().manual_seed(7)).requires_grad_()
    losses = training_loss(lambda *_: output, config, mels, torch.zeros(3, 4), None, draws=draws)
    losses["vb"].backward(retain_graph=True)
    assert output.grad is not None
    assert float(output.grad[:, :8].abs().max()) == 0.0
    assert float(output.grad[:, 8:].abs().max()) > 0.0
    assert torch.allclose(losses["loss"], losses["simple"] + 4.0 * losses["vb"])


def test_masked_frames_have_no_part_in_the_loss_and_each_example_counts_the_same() -> None:
    config = config_of("velocity")
    mels = torch.randn(SHAPE, generator=torch.Generator().manual_seed(8))
    draws = draw(config, SHAPE, np.random.default_rng(8))
    valid = torch.zeros(3, 16)
    valid[0, :2], valid[1, :], valid[2, 5:9] = 1.0, 1.0, 1.0
    output = torch.zeros(SHAPE).requires_grad_()
    loss = training_loss(lambda *_: output, config, mels, torch.zeros(3, 4), None, draws=draws, valid=valid)["loss"]
    loss.backward()
    assert output.grad is not None
    assert bool((output.grad.abs().sum(1) > 0).eq(valid > 0).all())
    signal, sigma = (torch.from_numpy(level).float()[:, None, None] for level in levels(draws.time, config))
    errors = target_of(mels, draws.noise, signal, sigma, "velocity") ** 2
    each = [errors[0, :, :2].mean(), errors[1].mean(), errors[2, :, 5:9].mean()]
    assert loss.item() == pytest.approx(float(torch.stack(each).mean()), rel=1e-5)


@pytest.mark.parametrize("prediction", ["noise", "velocity", "flow"])
def test_min_snr_weighs_the_error_of_the_clean_mel_alike_for_every_prediction(prediction: Prediction) -> None:
    config = config_of(prediction)
    mels = torch.randn((1, 8, 16), generator=torch.Generator().manual_seed(9))
    draws = Draws(np.array([1_500.0]), torch.randn((1, 8, 16), generator=torch.Generator().manual_seed(10)))
    signal, sigma = (float(level[0]) for level in levels(draws.time, config))
    missed = mels + 0.1  # a clean mel that is wrong by 0.1 everywhere

    def wrong(x: Tensor, *_: Tensor | None) -> Tensor:
        believed_noise = (x - signal * missed) / sigma
        return target_of(missed, believed_noise, torch.tensor(signal), torch.tensor(sigma), prediction)

    loss = training_loss(wrong, config, mels, torch.zeros(1, 4), None, draws=draws, min_snr=0.5)["loss"]
    assert float(loss) == pytest.approx(min((signal / sigma) ** 2, 0.5) * 0.01, rel=1e-3)


def test_times_cover_the_training_evenly_and_follow_the_generator() -> None:
    config = config_of("noise", n_training_steps=10)
    times = np.concatenate([draw(config, (5, 1, 1), np.random.default_rng(seed)).time for seed in range(400)])
    assert np.bincount(times.astype(int), minlength=10) == pytest.approx(np.full(10, 200), abs=40)
    again = draw(config, (5, 1, 1), np.random.default_rng(0))
    assert np.array_equal(times[:5], again.time)
    middle = draw(config_of("flow"), (4_000, 1, 1), np.random.default_rng(0)).time / 3_999
    assert np.quantile(middle, [0.1587, 0.5, 0.8413]) == pytest.approx([0.2689, 0.5, 0.7311], abs=0.01)


def test_the_even_schedule_has_even_steps_of_the_signal_to_noise_ratio() -> None:
    schedule = schedule_of(config_of("noise").model_copy(update={"schedule": "even"}))
    ratios_db = 10.0 * np.log10(schedule.alphas_bar / (1.0 - schedule.alphas_bar))
    assert ratios_db[0] == pytest.approx(22.0) and ratios_db[-1] == pytest.approx(-50.0)
    assert np.allclose(np.diff(ratios_db), -72.0 / (len(ratios_db) - 1))
    assert np.allclose(np.cumprod(1.0 - schedule.betas), schedule.alphas_bar, rtol=1e-9)
    assert np.all((schedule.betas > 0.0) & (schedule.betas < 1.0))
