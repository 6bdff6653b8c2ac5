"""Long mels from short windows, and waveforms cut to events."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_clipsonic_diffusion import config_of
from torch import Tensor

from models.clipsonic.diffusion import Estimate
from models.clipsonic.samplers import sample
from models.clipsonic.trimming import event, faded, span, stretch
from models.clipsonic.windows import N_BATCH, jointly, window_starts, window_weight


@pytest.mark.parametrize("n_frames", [1, 63, 64, 65, 100, 112, 113, 1_000, 37_500])
def test_windows_cover_every_frame_and_overlap_enough(n_frames: int) -> None:
    starts = window_starts(n_frames, 64)
    assert starts[0] == 0 and starts == sorted(starts)
    assert starts[-1] == max(0, n_frames - 64)
    assert all(64 - (after - before) >= 16 for before, after in zip(starts, starts[1:], strict=False))
    assert len(starts) <= 1 + -(-max(0, n_frames - 64) // 48)


def test_a_windows_weight_is_even_from_both_ends_and_never_zero() -> None:
    weight = window_weight(64)
    assert torch.equal(weight, weight.flip(0))
    assert float(weight.min()) > 0 and float(weight[16:48].min()) == 1.0


def test_what_depends_on_each_frame_alone_is_denoised_as_if_there_were_no_windows() -> None:
    def alone(x: Tensor, time: float) -> Estimate:
        return Estimate(torch.tanh(x) * time, torch.cos(x))

    x = torch.randn((2, 8, 203), generator=torch.Generator().manual_seed(0))
    found = jointly(lambda owners: alone, 16)(x, 0.5)
    assert torch.allclose(found.clean, torch.tanh(x) * 0.5, atol=1e-6)
    assert found.variance is not None and torch.allclose(found.variance, torch.cos(x), atol=1e-6)


def test_each_window_is_asked_for_its_own_example_in_small_batches() -> None:
    sizes = []

    def of(owners: Tensor):  # type: ignore[no-untyped-def]
        sizes.append(len(owners))
        return lambda x, time: Estimate(owners[:, None, None].float().expand_as(x))

    found = jointly(of, 16)(torch.zeros(3, 8, 100), 0.0)
    assert torch.equal(found.clean, torch.arange(3.0)[:, None, None].expand(3, 8, 100))
    assert found.variance is None
    assert max(sizes) <= N_BATCH


def test_windows_that_disagree_are_joined_without_a_step() -> None:
    def of(owners: Tensor):  # type: ignore[no-untyped-def]
        def denoise(x: Tensor, time: float) -> Estimate:
            level = torch.sign(x.mean((1, 2), keepdim=True))  # each window wants to be all loud or all soft
            return Estimate(level.expand_as(x))

        return denoise

    config = config_of("velocity")
    drawn = sample(jointly(of, 64), (8, 500), config, sampler="ddim", n_steps=20, seeds=[1])[0].mean(0)
    apart = torch.cat(
        [
            sample(of(torch.zeros(1)), (8, 64), config, sampler="ddim", n_steps=20, seeds=[k])[0].mean(0)
            for k in range(8)
        ]
    )
    assert float(apart.diff().abs().max()) > 1.5  # windows drawn apart would step from -1 to 1
    assert float(drawn.diff().abs().max()) < 0.3


# Waveforms

RATE = 16_000


def burst(begin_s: float, end_s: float, total_s: float, level: float = 0.5) -> np.ndarray:  # type: ignore[type-arg]
    samples = np.random.default_rng(0).standard_normal(round(total_s * RATE)).astype(np.float32) * 1e-4
    inside = slice(round(begin_s * RATE), round(end_s * RATE))
    samples[inside] *= np.float32(level * 1e4)
    return samples


def test_an_event_is_found_where_it_sounds() -> None:
    first, last = span(burst(1.0, 1.5, 4.0), RATE)
    assert first / RATE == pytest.approx(0.99, abs=0.011)
    assert last / RATE == pytest.approx(1.5, abs=0.011)


def test_an_event_keeps_its_sound_and_a_tail_that_ends_in_nothing() -> None:
    cut = event(burst(1.0, 1.5, 4.0), RATE, None)
    assert len(cut) / RATE == pytest.approx(0.51 + 0.15, abs=0.02)
    assert abs(float(cut[-1])) < 1e-6
    assert np.sum(np.square(cut)) == pytest.approx(np.sum(np.square(burst(1.0, 1.5, 4.0))), rel=0.01)


@pytest.mark.parametrize("duration_s", [0.05, 0.3, 0.66, 2.0, 9.3])
def test_an_event_has_exactly_the_length_that_is_asked_for(duration_s: float) -> None:
    cut = event(burst(1.0, 1.5, 4.0), RATE, duration_s)
    assert len(cut) == round(duration_s * RATE)
    assert float(np.abs(cut).max()) > 0.5
    if duration_s > 1:
        assert float(np.abs(cut[RATE:]).max()) == 0.0


def test_a_short_cut_takes_the_loudest_stretch() -> None:
    samples = burst(0.5, 1.0, 4.0, 0.05) + burst(2.0, 2.2, 4.0, 0.5)
    cut = event(samples, RATE, 0.2)
    assert np.sqrt(np.mean(np.square(cut[: len(cut) // 2]))) == pytest.approx(0.5, rel=0.1)


def test_a_sound_that_never_stops_fades_out() -> None:
    samples = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)
    cut = event(samples, RATE, None)
    assert len(cut) == len(samples)
    assert np.array_equal(cut[: 3 * RATE], samples[: 3 * RATE])
    assert np.abs(cut[-160:]).max() < 0.05


@pytest.mark.parametrize("duration_s", [0.05, 1.0, 4.0])
def test_a_stretch_comes_from_the_middle_and_has_no_step_at_its_ends(duration_s: float) -> None:
    samples = np.ones(4 * RATE, np.float32)
    cut = stretch(samples, RATE, duration_s)
    assert len(cut) == round(duration_s * RATE)
    assert cut[0] < 0.02 and cut[-1] < 0.02 and float(cut[len(cut) // 2]) == 1.0


def test_fades_of_a_sound_and_its_neighbour_add_up_to_one() -> None:
    ones = np.ones(100, np.float32)
    assert faded(ones, 100, 0) + faded(ones, 0, 100) == pytest.approx(ones, abs=1e-6)
