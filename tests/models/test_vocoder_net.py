"""The vocoder's net: it begins as Griffin-Lim, hears no further than it says, and long mels go in pieces."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoints import version_of
from models.errors import CheckpointUnusable, EngineUnavailable
from models.vocoder import VocoderUnusable, vocoder
from models.vocoder.checkpoint import CheckpointConfig, load_config, load_net, save_checkpoint
from models.vocoder.clicks import click_share
from models.vocoder.griffin_lim import griffin_lim_spectrum, mel_to_magnitude
from models.vocoder.mel import BUNDLED, TALK, MelScale, MelUnusable, istft, log_mel, magnitude, stft
from models.vocoder.net import (
    N_INVERSION_STEPS,
    SHORT_START,
    VocoderNet,
    VocoderNetConfig,
    start_angles,
    start_traits,
)
from models.vocoder.neural import in_chunks

SCALE = MelScale(n_fft=256, hop=80, n_mels=20)
SMALL = VocoderNetConfig(
    scale=SCALE, n_fft=256, short_n_fft=64, n_short=4, width=16, depth=2, kernel=3, n_start_steps=2
)
N_ANGLES = SMALL.n_angles


def toy_net(config: VocoderNetConfig = SMALL) -> VocoderNet:
    """A net whose head is not zero any more, as after training."""
    torch.manual_seed(0)
    net = VocoderNet(config).eval()
    torch.nn.init.normal_(net.head.weight, std=0.1)
    torch.nn.init.normal_(net.change.weight, std=0.1)
    return net


def toy_mel(n_frames: int, scale: MelScale = SCALE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return log_mel(torch.randn(n_frames * scale.hop, generator=generator) * 0.1, scale)


def test_the_untrained_net_gives_of_steady_noise_what_griffin_lim_gives_and_little_else() -> None:
    mel, angles = toy_mel(30), start_angles(0, 30, N_ANGLES)
    with torch.inference_mode():
        made = VocoderNet(SMALL).eval()(mel[None], angles[None])[0]
    magnitudes = mel_to_magnitude(mel, SCALE, n_steps=N_INVERSION_STEPS)
    start = torch.polar(magnitudes, angles[:129])
    rough = istft(griffin_lim_spectrum(start, magnitudes, SCALE, n_steps=2), SCALE)
    rest_db = 10 * np.log10(float((made - rough).square().mean() / rough.square().mean()))
    assert -40 < rest_db < -10


@pytest.mark.parametrize(("scale", "split"), [(BUNDLED, 1), (BUNDLED, 2), (TALK, 2)])
def test_a_click_is_found_again_from_its_mel_alone(scale: MelScale, split: int) -> None:
    """One sample in silence: the levels of three mel frames say where it was, to the sample."""
    net = VocoderNet(VocoderNetConfig(scale=scale, split=split, width=8, depth=1)).eval()
    wave = torch.zeros(16_000)
    wave[8_123] = 1.0
    mel = log_mel(wave, scale)[None]
    angles = start_angles(0, mel.shape[2] * split, net.config.n_angles)[None]
    _start, expected = net.start(mel, angles[:, : net.config.n_bins])
    made = istft(torch.polar(expected, net.click_angles(expected)), net.config.spectrum)[0]
    assert made.argmax() == 8_123
    assert made[8_123 - 16 : 8_123 + 16].square().sum() > 0.85 * made.square().sum()
    frame = 8_123 // scale.hop * split
    share = click_share(expected, scale, split)[0]
    assert share.shape == (513, mel.shape[2] * split) and share[:, frame].mean() > 0.95
    with torch.inference_mode():
        untrained = net(mel, angles)[0]
    assert untrained.argmax() == 8_123 and untrained.max() > 0.4


def test_a_click_at_the_very_beginning_is_one_too_and_noise_and_tones_are_none() -> None:
    wave = torch.zeros(16_000)
    wave[100] = 1.0
    assert click_share(magnitude(wave, BUNDLED)[None], BUNDLED, 1)[0, :, 0].mean() > 0.95
    noise = torch.randn(16_000, generator=torch.Generator().manual_seed(0)) * 0.1
    tone = torch.sin(2 * torch.pi * 1000.0 * torch.arange(16_000) / 16_000)
    for steady in (noise, tone):
        assert click_share(magnitude(steady, BUNDLED)[None], BUNDLED, 1)[0, :, 5:-5].mean() < 0.1


def test_short_frames_are_noise_in_their_own_time_and_band() -> None:
    """One frame's last short window, one band: sound there and nowhere else, as loud as the mels let expect."""
    net = VocoderNet(SMALL)
    expected = torch.ones(1, 129, 9)
    gain = torch.zeros(1, N_ANGLES - 129, 9)
    gain.reshape(1, 4, 33, 9)[0, 3, 10, 5] = 3.0
    angles = start_angles(0, 9, N_ANGLES)[None, 129:]
    frames = net.short_frames(expected, gain, angles)
    assert frames.shape == (1, 33, 36)
    place = torch.nonzero(frames[0].abs() > 1e-3)
    assert place.tolist() == [[10, 5 * 4 + 3]]
    level = 3.0 * np.exp(SHORT_START) * np.sqrt(64 / 256)
    assert frames[0, 10, 23].abs().item() == pytest.approx(level, rel=1e-4)
    assert frames[0, 10, 23].angle().item() % (2 * np.pi) == pytest.approx(angles[0, 3 * 33 + 10, 5].item(), abs=1e-4)
    wave = istft(frames, SMALL.short)[0]
    assert len(wave) == 9 * 80
    middle = 5 * 80 + 3 * 20 + 10
    assert wave[middle - 20 : middle + 20].square().sum() > 0.8 * wave.square().sum()
    assert abs(int(torch.fft.rfft(wave, 16_000).abs().argmax()) - 2_500) < 150


@pytest.mark.parametrize("split", [1, 2])
def test_mels_become_as_many_samples_as_their_frames_stand_for(split: int) -> None:
    config = SMALL.model_copy(update={"split": split})
    angles = torch.stack([start_angles(0, 12 * split, N_ANGLES), start_angles(0, 12 * split, N_ANGLES, seed=1)])
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
    _level, in_time, in_time_sine, *_ = start_traits(spectrum, spectrum.abs(), SMALL).unbind(1)
    assert in_time[0, 20, 5:-5].min() > 0.99 and in_time_sine[0, 20, 5:-5].abs().max() < 0.05
    click = torch.zeros(1600)
    click[10 * SCALE.hop + SCALE.hop // 2] = 1.0
    spectrum = stft(click, SCALE)[None]
    level, _, _, in_frequency, _ = start_traits(spectrum, 2 * spectrum.abs(), SMALL).unbind(1)
    assert in_frequency[0, 1:, 10].min() > 0.99
    assert level[0, :, 10].mean().item() == pytest.approx(-0.5 * np.log(2), abs=1e-3)


@pytest.mark.parametrize("split", [1, 2])
def test_long_mels_go_in_chunks_with_equal_result(split: int) -> None:
    net = toy_net(SMALL.model_copy(update={"split": split}))
    mel = toy_mel(700)
    with torch.inference_mode():
        whole = net(mel[None], start_angles(0, 700 * split, N_ANGLES)[None])[0]
    pieces = list(in_chunks(net, mel, n_frames=100))
    assert [len(piece) for piece in pieces] == [8000] * 7
    torch.testing.assert_close(torch.cat(pieces), whole, rtol=0, atol=1e-5)


def test_a_change_is_heard_no_further_than_the_reach() -> None:
    net, mel = toy_net(), toy_mel(160)
    changed = mel.clone()
    changed[:, 80] += 1.0
    angles = start_angles(0, 160, N_ANGLES)[None]
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
    with pytest.raises(ValueError, match="must divide by n_short 7"):
        VocoderNetConfig(scale=SCALE, n_fft=256, n_short=7)
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
        full = toy_net()(toy_mel(30)[None], start_angles(0, 30, N_ANGLES)[None])[0].numpy()
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
