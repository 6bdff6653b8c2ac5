"""Drawing from a prior: against a distribution whose denoiser is known and against diffusers; its folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.clipsonic.diffusion import cosine_schedule
from models.clipsonic.prior import (
    Prior,
    PriorConfig,
    drawn_noise,
    load_prior,
    nearest_draws,
    net_of,
    prior_loss,
    sample,
    save_prior,
    scaled,
)
from models.clipsonic.prior_nets import MlpConfig, TransformerConfig
from models.clipsonic.prior_published import prior
from models.errors import CheckpointUnusable, EncoderUnknown, QueryUnusable

CONFIG = PriorConfig(
    net=MlpConfig(width=16, depth=1), text_size=6, image_size=6, image_length=3.0, n_training_steps=50, n_steps=10
)


def random_prior(config: PriorConfig = CONFIG) -> Prior:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = net_of(config)
        for weight in net.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    return Prior(net, config, "toy")


@pytest.mark.parametrize(("n_steps", "tolerance"), [(1000, 0.04), (64, 0.06)])
def test_with_the_right_denoiser_normal_data_are_drawn_back(n_steps: int, tolerance: float) -> None:
    """Of data N(m, s^2) the best guess is m + s^2 a / (s^2 a^2 + 1 - a^2) (x - a m), with a the signal's share."""
    schedule, mean, deviation = cosine_schedule(1000), 0.7, 0.4
    kept = torch.from_numpy(schedule.alphas_bar)

    def denoise(x: Tensor, time: Tensor) -> Tensor:
        signal = kept[time.long()].sqrt().float()[:, None]
        gain = deviation**2 * signal / (deviation**2 * signal**2 + 1 - signal**2)
        return mean + gain * (x - signal * mean)

    drawn = sample(denoise, drawn_noise(n_steps, (4000, 1), seed=0), schedule)
    assert float(drawn.mean()) == pytest.approx(mean, abs=0.03)
    assert float(drawn.std()) == pytest.approx(deviation, abs=tolerance)


def test_at_full_length_it_is_the_sampler_of_ho_as_diffusers_has_it() -> None:
    from diffusers import DDPMScheduler

    n_steps = 40
    scheduler = DDPMScheduler(
        n_steps,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="sample",
        clip_sample=True,
        clip_sample_range=1.5,
        variance_type="fixed_small",
    )
    scheduler.set_timesteps(n_steps)
    noise = drawn_noise(n_steps, (3, 5), seed=1)

    def denoise(x: Tensor, time: Tensor) -> Tensor:
        return torch.tanh(x + 0.01 * time[:, None]) * 2.0

    x = noise[0]
    for place, step in enumerate(scheduler.timesteps):
        clean = denoise(x, torch.full((3,), float(step)))
        variance = scheduler._get_variance(int(step)) ** 0.5 if step > 0 else 0.0
        quiet = scheduler.step(clean, step, x, generator=torch.Generator().manual_seed(0))
        own = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) * variance
        x = quiet.prev_sample - own + (variance * noise[place + 1] if step > 0 else 0.0)
    torch.testing.assert_close(sample(denoise, noise, cosine_schedule(n_steps), clip=1.5), x, rtol=1e-4, atol=1e-4)


def test_the_loss_is_the_error_of_the_clean_vectors() -> None:
    pictures, noise = torch.randn(5, 4), torch.randn(5, 4)
    time = torch.tensor([0, 10, 20, 30, 49])
    seen: list[Tensor] = []

    def net(x: Tensor, time: Tensor, texts: Tensor, drop: Tensor) -> Tensor:
        seen.append(x)
        return pictures + 2.0

    loss = prior_loss(net, pictures, pictures, torch.zeros(5), time=time, noise=noise, n_training_steps=50)
    assert float(loss) == pytest.approx(4.0)
    kept = torch.from_numpy(cosine_schedule(50).alphas_bar[time]).float()[:, None]
    torch.testing.assert_close(seen[0], kept.sqrt() * pictures + (1 - kept).sqrt() * noise)


def test_of_several_draws_the_nearest_to_the_text_is_kept() -> None:
    texts = scaled(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32))
    draws = np.array([[0.0, 9.0], [2.0, 0.1], [0.1, 0.2], [5.0, 4.0]], np.float32)
    assert nearest_draws(draws, texts, 2).tolist() == [[2.0, np.float32(0.1)], [np.float32(0.1), np.float32(0.2)]]
    assert nearest_draws(draws, np.ones((2, 3), np.float32), 2).tolist() == [draws[0].tolist(), draws[2].tolist()]


def test_the_same_seed_draws_the_same_vectors_of_the_pictures_length() -> None:
    toy, texts = random_prior(), np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
    first, again, other = (toy.from_vectors(texts, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.allclose(first, other)
    assert np.linalg.norm(first, axis=1) == pytest.approx([3.0, 3.0, 3.0], rel=1e-5)
    louder = toy.from_vectors(5.0 * texts, seed=1)
    np.testing.assert_allclose(louder, first, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "transformer"])
def test_the_null_text_stands_in_where_a_text_is_dropped(kind: str) -> None:
    net_config = CONFIG.net if kind == "mlp" else TransformerConfig(width=16, depth=1, n_heads=2)
    net = random_prior(CONFIG.model_copy(update={"net": net_config})).net
    x, time, text = torch.randn(2, 6), torch.tensor([3.0, 40.0]), torch.randn(2, 6)
    with torch.no_grad():
        dropped = net(x, time, text, torch.tensor([True, False]))
        torch.testing.assert_close(dropped, net(x, time, torch.stack([net.null_text, text[1]])))
        assert not torch.allclose(dropped[0], net(x, time, text)[0])


def test_a_priors_folder_keeps_what_it_draws(tmp_path: Path) -> None:
    toy, texts = random_prior(), np.ones((1, 6), np.float32)
    save_prior(toy.net, toy.config, tmp_path / "kept")
    again = load_prior(tmp_path / "kept")
    np.testing.assert_allclose(again.from_vectors(texts, seed=0), toy.from_vectors(texts, seed=0), atol=0.05)
    assert again.config == toy.config and again.version.startswith("prior-")
    assert prior(str(tmp_path / "kept")) is again


def test_numbers_that_make_no_draw_are_refused() -> None:
    toy, texts = random_prior(), np.ones((1, 6), np.float32)
    with pytest.raises(QueryUnusable, match="guidance is -1; give 0 to 20"):
        toy.from_vectors(texts, seed=0, guidance=-1.0)
    with pytest.raises(QueryUnusable, match="steps are 51; give 1 to 50"):
        toy.from_vectors(texts, seed=0, n_steps=51)
    with pytest.raises(QueryUnusable, match="draws are 100; give 1 to 64"):
        toy.from_vectors(texts, seed=0, n_draws=100)


def test_an_encoder_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        version, n_dimensions = "new", 6

    monkeypatch.setattr("models.encoders.encoder", lambda name: Other())
    toy = random_prior(CONFIG.model_copy(update={"encoder_version": "old"}))
    with pytest.raises(CheckpointUnusable, match="trained on vectors of old, the encoder is new"):
        toy.vectors(["dog"], seed=0)


def test_broken_folders_are_refused(tmp_path: Path) -> None:
    toy, folder = random_prior(), tmp_path / "kept"
    with pytest.raises(CheckpointUnusable, match=r"holds no config\.json"):
        load_prior(tmp_path / "nowhere")
    save_prior(toy.net, toy.config, folder)
    weights = (folder / "model.safetensors").read_bytes()
    for spoilt, message in ((weights[:-9], "cut short"), (b"PK\x03\x04" + weights, "is a pickle by another name")):
        (folder / "model.safetensors").write_bytes(spoilt)
        with pytest.raises(CheckpointUnusable, match=message):
            load_prior(folder)
    (folder / "model.safetensors").write_bytes(weights)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"text_size": 7}))
    with pytest.raises(CheckpointUnusable, match=r"model\.safetensors: is of another net"):
        load_prior(folder)
    (folder / "config.json").write_text(json.dumps(config | {"text_size": 0}))
    with pytest.raises(CheckpointUnusable, match="is not the config of a prior"):
        load_prior(folder)
    with torch.no_grad():
        next(toy.net.parameters()).fill_(float("nan"))
    with pytest.raises(CheckpointUnusable, match="not finite"):
        save_prior(toy.net, toy.config, folder)


def test_an_unknown_prior_is_told_the_choices() -> None:
    with pytest.raises(EncoderUnknown, match="there are: bundled, a prior's FOLDER, laion:FILE, karlo"):
        prior("nowhere")
