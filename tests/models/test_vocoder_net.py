"""The vocoder's net: it begins as Griffin-Lim, hears no further than it says, and long mels go in pieces."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import CheckpointUnusable, EngineUnavailable
from models.vocoder import VocoderUnusable, vocoder
from models.vocoder.checkpoint import CheckpointConfig, load_config, load_net, save_checkpoint, version_of
from models.vocoder.griffin_lim import griffin_lim_spectrum, mel_to_magnitude
from models.vocoder.mel import TALK, MelScale, MelUnusable, istft, log_mel, magnitude, stft
from models.vocoder.net import (
    N_INVERSION_STEPS,
    VocoderNet,
    VocoderNetConfig,
    start_angles,
    start_traits,
)
from models.vocoder.neural import in_chunks

SCALE = MelScale(n_fft=256, hop=80, n_mels=20)
SMALL = VocoderNetConfig(scale=SCALE, n_fft=256, width=16, depth=2, mlp_ratio=2, kernel=3, n_start_steps=2)


def toy_net(config: VocoderNetConfig = SMALL) -> VocoderNet:
    """A net whose head is not zero any more, as after training."""
    torch.manual_seed(0)
    net = VocoderNet(config).eval()
    torch.nn.init.normal_(net.head.weight, std=0.1)
    return net


def toy_mel(n_frames: int, scale: MelScale = SCALE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return log_mel(torch.randn(n_frames * scale.hop, generator=generator) * 0.1, scale)


def test_the_untrained_net_gives_what_griffin_lim_gives() -> None:
    mel, angles = toy_mel(30), start_angles(0, 30, 129)
    with torch.inference_mode():
        made = VocoderNet(SMALL).eval()(mel[None], angles[None])[0]
    magnitudes = mel_to_magnitude(mel, SCALE, n_steps=N_INVERSION_STEPS)
    start = torch.polar(magnitudes, angles)
    expected = istft(griffin_lim_spectrum(start, magnitudes, SCALE, n_steps=2), SCALE)
    torch.testing.assert_close(made, expected)


@pytest.mark.parametrize("split", [1, 2])
def test_mels_become_as_many_samples_as_their_frames_stand_for(split: int) -> None:
    config = SMALL.model_copy(update={"split": split})
    angles = torch.stack([start_angles(0, 12 * split, 129), start_angles(0, 12 * split, 129, seed=1)])
    with torch.inference_mode():
        made = toy_net(config)(toy_mel(12).expand(2, -1, -1), angles)
    assert made.shape == (2, 12 * 80) and torch.isfinite(made).all()
    assert not torch.allclose(made[0], made[1])


def test_another_transform_size_expects_the_magnitudes_that_it_measures() -> None:
    """White noise by mels of a long window, against its magnitudes under a short one: the same within 0.5 dB."""
    config = VocoderNetConfig(scale=TALK, n_fft=1024, split=2, width=8, depth=1)
    noise = torch.randn(32_000, generator=torch.Generator().manual_seed(0)) * 0.1
    mel = log_mel(noise, TALK)
    _start, expected = VocoderNet(config).start(mel[None], start_angles(0, 2 * mel.shape[1], 513)[None])
    measured = magnitude(noise, config.spectrum)
    assert expected.shape[2] == 2 * mel.shape[1]
    ratio = expected[0, 20:500, 8:-8].mean() / measured[20:500, 8:-8].mean()
    assert abs(20 * np.log10(float(ratio))) < 0.5


def test_traits_of_a_steady_tone_and_of_a_click_are_their_phases_at_rest() -> None:
    """A tone in the middle of a bin advances as expected; a click in the middle of a frame leads all bins alike."""
    tone = torch.cos(2 * torch.pi * 16_000 / 256 * 20 * torch.arange(1600) / 16_000 + 0.7)
    spectrum = stft(tone, SCALE)[None]
    _level, in_time, in_time_sine, *_ = start_traits(spectrum, spectrum.abs(), SMALL).chunk(5, dim=1)
    assert in_time[0, 20, 5:-5].min() > 0.99 and in_time_sine[0, 20, 5:-5].abs().max() < 0.05
    click = torch.zeros(1600)
    click[10 * SCALE.hop + SCALE.hop // 2] = 1.0
    spectrum = stft(click, SCALE)[None]
    level, _, _, in_frequency, _ = start_traits(spectrum, 2 * spectrum.abs(), SMALL).chunk(5, dim=1)
    assert in_frequency[0, 1:, 10].min() > 0.99
    assert level[0, :, 10].mean().item() == pytest.approx(-0.5 * np.log(2), abs=1e-3)


@pytest.mark.parametrize("split", [1, 2])
def test_long_mels_go_in_chunks_with_equal_result(split: int) -> None:
    net = toy_net(SMALL.model_copy(update={"split": split}))
    mel = toy_mel(700)
    with torch.inference_mode():
        whole = net(mel[None], start_angles(0, 700 * split, 129)[None])[0]
    pieces = list(in_chunks(net, mel, n_frames=100))
    assert [len(piece) for piece in pieces] == [8000] * 7
    torch.testing.assert_close(torch.cat(pieces), whole, rtol=0, atol=1e-5)


def test_a_change_is_heard_no_further_than_the_reach() -> None:
    net, mel = toy_net(), toy_mel(160)
    changed = mel.clone()
    changed[:, 80] += 1.0
    angles = start_angles(0, 160, 129)[None]
    with torch.inference_mode():
        difference = (net(mel[None], angles) - net(changed[None], angles))[0].abs().reshape(160, -1).amax(1)
    heard = torch.nonzero(difference > 0).flatten()
    assert 80 - net.config.reach <= heard.min() < 80 < heard.max() <= 80 + net.config.reach


def test_phases_of_a_frame_depend_on_its_number_alone() -> None:
    whole = start_angles(0, 600, 5)
    torch.testing.assert_close(start_angles(250, 300, 5), whole[:, 250:550], rtol=0, atol=0)
    assert not torch.equal(start_angles(0, 600, 5, seed=1), whole)
    assert 0.0 <= whole.min() and whole.max() <= 2 * np.pi


def test_a_mel_of_another_size_is_refused() -> None:
    with pytest.raises(MelUnusable, match=r"\(64, 9\): this vocoder reads \(20, n_frames\)"):
        list(in_chunks(toy_net(), torch.zeros(64, 9)))


def test_numbers_that_make_no_net_are_refused() -> None:
    with pytest.raises(ValueError, match="must divide by split"):
        VocoderNetConfig(scale=SCALE, n_fft=256, split=3)
    with pytest.raises(ValueError, match="at least two hops"):
        VocoderNetConfig(scale=SCALE, n_fft=128)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = toy_net()
    save_checkpoint(net, CheckpointConfig(net=net.config, trained={"steps": 3}), tmp_path / "weights")
    return tmp_path / "weights"


def test_a_saved_vocoder_comes_back_through_the_door(folder: Path) -> None:
    through = vocoder(folder)
    assert through.scale == SCALE and through.version == version_of(folder)
    clip = through.waveform(toy_mel(30))
    assert clip.samples.shape == (1, 2400) and clip.sample_rate == 16_000
    np.testing.assert_array_equal(clip.samples, through.waveform(toy_mel(30)).samples)
    assert load_config(folder).trained == {"steps": 3}
    with torch.inference_mode():
        full = toy_net()(toy_mel(30)[None], start_angles(0, 30, 129)[None])[0].numpy()
    assert np.abs(clip.samples[0] - full).max() < 0.02 * np.abs(full).max()
    assert through.waveform(torch.zeros(20, 0)).n_samples == 0


def test_the_version_follows_the_weights(folder: Path) -> None:
    before, net = version_of(folder), load_net(folder)
    with torch.no_grad():
        net.head.bias += 0.1
    save_checkpoint(net, load_config(folder), folder)
    assert version_of(folder) != before


def test_a_vocoder_of_another_scale_is_refused(folder: Path) -> None:
    with pytest.raises(VocoderUnusable, match="hop=80.*hop=512.*griffin-lim reads any"):
        vocoder(folder, scale=TALK)


def test_damaged_and_foreign_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    weights, whole = folder / "model.safetensors", (folder / "model.safetensors").read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(CheckpointUnusable, match="cut short or not a safetensors file"):
        vocoder(folder)
    weights.write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(CheckpointUnusable, match="pickle"):
        vocoder(folder)
    weights.write_bytes(whole)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["net"]["width"] = 24
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointUnusable, match="the config asks for"):
        vocoder(folder)
    config["net"]["scale"]["hop"] = 9999
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointUnusable, match=r"config\.json: is not the config of a vocoder's checkpoint"):
        vocoder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointUnusable, match="holds no config.json"):
        vocoder(folder)
    (tmp_path / "generator.pt").write_bytes(b"\x80")
    with pytest.raises(CheckpointUnusable, match="files can run code"):
        vocoder(tmp_path / "generator.pt")


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    net = toy_net()
    with torch.no_grad():
        net.head.bias[0] = torch.nan
    with pytest.raises(CheckpointUnusable, match="head.bias holds values that are not finite"):
        save_checkpoint(net, CheckpointConfig(net=net.config), tmp_path)


def test_without_bundled_weights_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import models.vocoder

    monkeypatch.setattr(models.vocoder, "BUNDLED_WEIGHTS", tmp_path)
    with pytest.raises(EngineUnavailable, match="use griffin-lim, or train them"):
        vocoder("bundled")
