"""The vocoder's recipe: losses against their definition, toys learned by heart, runs that go on, crops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.vocoder import BUNDLED_WEIGHTS, vocoder
from models.vocoder.checkpoint import load_config, load_net
from models.vocoder.mel import BUNDLED, TALK, MelScale, log_mel
from models.vocoder.net import VocoderNet, VocoderNetConfig
from training.loop import LoopConfig, fit
from training.recipes import kind_of
from training.sounds import DataUnusable, Sound, SoundsConfig, sound_of
from training.vocoder import CropConfig, Cropper, Learner, LossConfig, Recipe, batch_drawer, read_recipe, train_recipe
from training.vocoder_losses import (
    Discriminator,
    Views,
    adversarial_losses,
    discriminator_loss,
    distance,
    energy_distance,
    level_gain,
    views,
)

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
SCALE = MelScale(n_fft=512, hop=160, n_mels=24)
NET = VocoderNetConfig(scale=SCALE, n_fft=512, width=32, depth=2, local_width=4, n_start_steps=1)


def toy_sound(number: int) -> Sound:
    """Tones, noises and clicks, eight of them."""
    random, time = np.random.default_rng(number), np.arange(12_000) / 16_000
    wave = [
        sum(0.2 / k * np.sin(2 * np.pi * k * (200.0 + 90.0 * number) * time) for k in (1, 2, 3)),
        0.1 * random.standard_normal(len(time)),
        np.where(np.arange(len(time)) % 3000 < 30, 0.8, 0.0) * random.standard_normal(len(time)),
    ][number % 3]
    samples: NDArray[np.int16] = np.round(np.clip(wave, -1, 1) * 32767).astype(np.int16)
    return sound_of(samples, "toy", name=f"toy {number}")


TOYS = [toy_sound(number) for number in range(8)]


def toy_recipe(**more: object) -> Recipe:
    fields = {
        "recipe": "vocoder",
        "name": "toy",
        "net": NET,
        "sounds": SoundsConfig(table="none.csv", collections=["toy"]),
        "crops": CropConfig(batch_size=4, n_frames=32),
        "loop": LoopConfig(n_steps=4, warm_up_steps=0, bf16=False, log_every=1),
    }
    return Recipe.model_validate(fields | more)


def toy_batch(recipe: Recipe, number: int = 0) -> dict[str, Tensor]:
    cropper = Cropper(TOYS, recipe.crops, recipe.crops.n_frames * recipe.net.scale.hop)
    return batch_drawer(cropper, recipe.net, recipe.loss, seed=1)(number)


def noise(n_batch: int, seed: int, n_samples: int = 4_800) -> Tensor:
    return torch.randn(n_batch, n_samples, generator=torch.Generator().manual_seed(seed)) * 0.1


def test_the_net_learns_eight_clips_by_heart() -> None:
    """One fixed batch of the eight toys: their distance must fall well below Griffin-Lim's, on a CPU, in seconds.

    Without repulsion: takes whose phases are always the same can be pushed apart without end.
    """
    crops = CropConfig(batch_size=8, n_frames=12, mixed_share=0.0)
    recipe = toy_recipe(crops=crops, loss=LossConfig(repulsion=0.0))
    batch = toy_batch(recipe)
    torch.manual_seed(0)
    learner = Learner(VocoderNet(NET), recipe.loss)
    optimizer = torch.optim.Adam(learner.parameters(), 5e-3)
    distances = []
    for _ in range(50):
        loss, facts = learner(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        distances.append(facts["distance"].item())
    assert distances[-1] < 0.7 * distances[0]


def test_training_writes_a_vocoder_that_opens_and_a_cut_off_run_goes_on(tmp_path: Path) -> None:
    whole = train_recipe(toy_recipe(), TOYS, tmp_path / "whole")
    assert vocoder(whole).scale == SCALE
    assert load_config(whole).trained["steps"] == 4 and load_config(whole).trained["sounds"] == 8
    assert len((whole / "CREDITS.csv").read_text("utf-8").splitlines()) == 9
    assert len((tmp_path / "whole" / "log.jsonl").read_text("utf-8").splitlines()) == 4
    recipe = toy_recipe()
    cropper = Cropper(TOYS, recipe.crops, 32 * SCALE.hop)
    torch.manual_seed(recipe.seed)
    learner = Learner(VocoderNet(NET), recipe.loss)
    draw = batch_drawer(cropper, NET, recipe.loss, recipe.seed)
    fit(learner, draw, recipe.loop, tmp_path / "cut", stop_after_steps=2)
    again = train_recipe(recipe, TOYS, tmp_path / "cut")
    for name, tensor in load_net(whole).state_dict().items():
        torch.testing.assert_close(load_net(again).state_dict()[name], tensor)


def test_a_run_begins_with_the_weights_of_another(tmp_path: Path) -> None:
    first = train_recipe(toy_recipe(), TOYS, tmp_path / "first")
    still = LoopConfig(n_steps=1, warm_up_steps=1, learning_rate=1e-12, bf16=False)
    second = train_recipe(toy_recipe(start=str(first), loop=still), TOYS, tmp_path / "second")
    before, after = load_net(first).state_dict(), load_net(second).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    other = NET.model_copy(update={"depth": 3})
    with pytest.raises(DataUnusable, match=r"start: .*first.*has the net .*depth=2.*the recipe .*depth=3"):
        train_recipe(toy_recipe(start=str(first), net=other), TOYS, tmp_path / "third")


def test_the_discriminator_joins_at_its_step_and_only_its_own_loss_teaches_it() -> None:
    loss = LossConfig(adversarial_from_batch=2, discriminator_width=4)
    recipe = toy_recipe(loss=loss)
    torch.manual_seed(0)
    learner = Learner(VocoderNet(NET), loss)
    _, early = learner(toy_batch(recipe, 1))
    assert "discriminator" not in early
    batch = toy_batch(recipe, 2)
    total, facts = learner(batch)
    total.backward()
    trained = {name: weight.grad.clone() for name, weight in learner.discriminator.named_parameters()}
    of_net = learner.net.head.weight.grad.clone()
    learner.zero_grad()
    without, _ = learner(batch | {"with_discriminator": torch.tensor(False)})
    without.backward()
    assert (of_net - learner.net.head.weight.grad).norm() > 0.01 * of_net.norm()  # the net learns from it
    learner.zero_grad()
    real = batch["waves"]
    with torch.no_grad():
        takes = learner.net(log_mel(real, SCALE).repeat(2, 1, 1), batch["angles"])
        gain = level_gain(real)
    alone = discriminator_loss(learner.discriminator(real * gain), learner.discriminator(takes * gain.repeat(2, 1)))
    assert facts["discriminator"].item() == pytest.approx(alone.item(), rel=1e-4)
    alone.backward()
    for name, weight in learner.discriminator.named_parameters():
        torch.testing.assert_close(trained[name], weight.grad, rtol=1e-3, atol=1e-6)


def test_the_discriminators_losses_are_hinges_and_feature_distances() -> None:
    def stack(score: float, feature: float, n_batch: int) -> list[list[Tensor]]:
        return [[torch.full((n_batch, 2, 3, 3), feature), torch.full((n_batch, 1, 3, 3), score)]]

    assert discriminator_loss(stack(0.5, 0, 2), stack(-2.0, 0, 4)).item() == pytest.approx(0.5)
    assert discriminator_loss(stack(3.0, 0, 2), stack(0.25, 0, 4)).item() == pytest.approx(1.25)
    score, features = adversarial_losses(stack(3.0, 2.0, 2), stack(0.25, 3.0, 4))
    assert (score.item(), features.item()) == pytest.approx((-0.25, 0.5))


def test_a_discriminator_looks_at_every_resolution() -> None:
    found = Discriminator(width=2)(noise(3, 0))
    assert len(found) == 3
    assert all(features[-1].shape[:2] == (3, 1) for features in found)


def by_hand(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The distance's log part at n_fft 512, hop 128, for one wave: numpy's transforms, frame by frame."""

    def logs(wave: NDArray[np.float64]) -> NDArray[np.float64]:
        padded = np.pad(wave, (192, 512))
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
        n_frames = -(-len(wave) // 128)
        frames = [np.abs(np.fft.rfft(window * padded[128 * t : 128 * t + 512])) for t in range(n_frames)]
        return np.asarray(np.log(np.stack(frames) + 3e-4 * np.sqrt(512)))

    return float(np.abs(logs(first) - logs(second)).mean())


def test_views_and_distance_are_what_their_definition_says() -> None:
    first, second = noise(2, 1), noise(2, 2)
    seen, other = views(first, 16_000), views(second, 16_000)
    assert len(seen.logs) == 8 and len(seen.magnitudes) == 4
    expected = by_hand(first[1].double().numpy(), second[1].double().numpy())
    only = Views(seen.logs[4:5], []), Views(other.logs[4:5], [])
    assert distance(*only, only[0])[1].item() == pytest.approx(expected, rel=1e-3)
    assert distance(seen, seen, seen).abs().max() == 0.0
    doubled = views(2 * first, 16_000)
    relative = distance(Views(seen.logs, doubled.magnitudes), seen, seen)
    assert relative[0].item() == pytest.approx(1.0, abs=1e-3)


def test_quiet_and_loud_crops_count_alike() -> None:
    real, takes = noise(2, 1), noise(4, 2)
    loud, _ = energy_distance(real, takes, 16_000, 1.0)
    quiet, _ = energy_distance(real * 0.01, takes * 0.01, 16_000, 1.0)
    assert quiet.item() == pytest.approx(loud.item(), rel=1e-3)


def test_the_energy_distance_prefers_noise_to_its_smooth_mean_and_the_plain_distance_does_not() -> None:
    """A bin of noise has a Rayleigh-distributed magnitude: its median is nearest of all constants, yet no noise."""
    generator = torch.Generator().manual_seed(0)

    def rayleigh() -> Tensor:
        return torch.randn(1, 40, 400, 2, generator=generator).norm(dim=3)

    def score(take: Callable[[], Tensor], repulsion: float) -> float:
        real, one, other = (Views([t.log()], []) for t in (rayleigh(), take(), take()))
        near = 0.5 * (distance(one, real, real) + distance(other, real, real))
        return float(near - 0.5 * repulsion * distance(one, other, real))

    def smooth() -> Tensor:
        return torch.full((1, 40, 400), float(np.sqrt(2 * np.log(2))))

    assert score(smooth, 0.0) < score(rayleigh, 0.0)
    assert score(rayleigh, 1.0) < score(smooth, 1.0)


def test_the_loss_halves_the_distance_between_takes() -> None:
    real, takes = noise(2, 1), noise(4, 2)
    total, facts = energy_distance(real, takes, 16_000, 0.5)
    assert total.item() == pytest.approx((facts["distance"] - 0.25 * facts["apart"]).item())
    gain = level_gain(real)
    made = [views(takes[k : k + 2] * gain, 16_000) for k in (0, 2)]
    goal = views(real * gain, 16_000)
    assert facts["apart"].item() == pytest.approx(distance(*made, goal).mean().item(), rel=1e-4)
    plain, facts = energy_distance(real, takes, 16_000, 0.0)
    assert plain.item() == facts["distance"].item() and "apart" not in facts


def test_batches_depend_on_their_number_alone() -> None:
    recipe = toy_recipe()
    first, again, other = toy_batch(recipe, 5), toy_batch(recipe, 5), toy_batch(recipe, 6)
    torch.testing.assert_close(first["waves"], again["waves"], rtol=0, atol=0)
    assert not torch.equal(first["waves"], other["waves"])
    assert first["waves"].shape == (4, 32 * 160) and first["angles"].shape == (8, NET.n_angles, 32)


def test_crops_lie_at_the_drawn_levels_and_below_one() -> None:
    config = CropConfig(batch_size=60, n_frames=32, level_db=(-30.0, -20.0), mixed_share=0.0)
    waves = Cropper(TOYS, config, 5120).waves(np.random.default_rng(0))
    level_db = 20 * np.log10(np.sqrt(np.mean(np.square(waves), axis=1)))
    limited = np.abs(waves).max(axis=1) > 0.999
    assert limited.any() and not limited.all() and np.abs(waves).max() <= 1.0
    assert (level_db[~limited] > -30.1).all() and (level_db < -19.9).all()
    assert np.ptp(level_db[~limited]) > 6


def test_crops_hold_what_sounds() -> None:
    """A knock in a long silence: active crops find it, though they are a hundredth of the clip."""
    samples = np.zeros(320_000, np.int16)
    samples[200_000:200_800] = 9_000
    knock = sound_of(samples, "knock", name="knock")
    active = CropConfig(batch_size=30, n_frames=20, active_share=1.0, mixed_share=0.0)
    waves = Cropper([knock], active, 3200).waves(np.random.default_rng(0))
    assert (np.abs(waves).max(axis=1) > 0.01).mean() > 0.8


def test_collections_are_drawn_by_their_weights() -> None:
    from dataclasses import replace

    loud = replace(TOYS[0], collection="often")
    silent = replace(TOYS[1], samples=np.zeros(12_000, np.int16), collection="never")
    config = CropConfig(batch_size=20, n_frames=20, mixed_share=0.0, collection_weights={"never": 0.0})
    waves = Cropper([loud, silent], config, 3200).waves(np.random.default_rng(0))
    assert waves.any(axis=1).all()


def test_bundled_recipes_are_read_and_fit_the_mels_that_they_are_for() -> None:
    bundled, talk = read_recipe(CONFIGS / "vocoder_bundled.yaml"), read_recipe(CONFIGS / "vocoder_talk.yaml")
    assert bundled.net.scale == BUNDLED and talk.net.scale == TALK
    assert kind_of(CONFIGS / "vocoder_bundled.yaml") == "vocoder"
    for recipe in (bundled, talk):
        n_weights = sum(weight.numel() for weight in VocoderNet(recipe.net).parameters())
        assert 3e6 < n_weights < 6.5e6


def test_a_recipe_with_a_misspelt_key_says_which(tmp_path: Path) -> None:
    text = (CONFIGS / "vocoder_bundled.yaml").read_text("utf-8").replace("repulsion", "repulsoin")
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(DataUnusable, match=r"a\.yaml: loss\.repulsoin"):
        read_recipe(tmp_path / "a.yaml")


@pytest.mark.skipif(not (BUNDLED_WEIGHTS / "config.json").is_file(), reason="the bundled vocoder is not trained yet")
def test_the_bundled_vocoder_is_nearer_to_the_sound_than_griffin_lim() -> None:
    """On sounds of the toys' kinds, which it never heard: by the training's own distance, one take each."""
    through, plain = vocoder("bundled", scale=BUNDLED), vocoder("griffin-lim")
    near: dict[str, float] = {"bundled": 0.0, "griffin-lim": 0.0}
    for sound in TOYS:
        wave = torch.from_numpy(sound.samples / np.float32(32767))[: 37 * 320]
        goal = views(wave[None] * level_gain(wave[None]), 16_000)
        for name, system in (("bundled", through), ("griffin-lim", plain)):
            made = torch.from_numpy(system.waveform(log_mel(wave, BUNDLED)).samples)[:, : len(wave)]
            near[name] += float(distance(views(made * level_gain(wave[None]), 16_000), goal, goal))
    assert near["bundled"] < near["griffin-lim"]
