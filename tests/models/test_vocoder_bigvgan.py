"""BigVGAN: a published state dict through our code, against the paper's steps written once more in numpy."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from models.errors import CheckpointUnusable, EngineUnavailable
from models.vocoder import vocoder
from models.vocoder.bigvgan import BigVgan, low_pass
from models.vocoder.mel import MelUnusable
from models.vocoder.published import bigvgan_from, is_bigvgan, published_bigvgan, read_config

Array = NDArray[np.float64]
State = dict[str, torch.Tensor]
CONFIG = {
    "resblock": "1",
    "num_gpus": 0,
    "upsample_rates": [4, 2],
    "upsample_kernel_sizes": [8, 4],
    "upsample_initial_channel": 8,
    "resblock_kernel_sizes": [3, 7],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]],
    "activation": "snakebeta",
    "snake_logscale": True,
    "use_tanh_at_final": False,
    "use_bias_at_final": False,
    "num_mels": 5,
    "n_fft": 32,
    "hop_size": 8,
    "win_size": 32,
    "sampling_rate": 22050,
    "fmin": 0,
    "fmax": None,
}
VARIANTS = {
    "v2": {},
    "v1": {"use_tanh_at_final": True, "use_bias_at_final": True},
    "snake": {"activation": "snake", "snake_logscale": False},
    "block 2": {"resblock": "2", "resblock_dilation_sizes": [[1, 3], [1, 3]]},
}


def filter_taps() -> Array:
    """kaiser_sinc_filter1d(cutoff 0.25, half width 0.3, 12 taps) of alias-free-torch, by numpy's window."""
    attenuation = 2.285 * 5 * math.pi * 1.2 + 7.95
    assert attenuation > 50.0
    beta = 0.1102 * (attenuation - 8.7)
    taps = 0.5 * np.kaiser(12, beta) * np.sinc(0.5 * (np.arange(-6, 6) + 0.5))
    return np.asarray(taps / taps.sum())


def random_state(config: dict[str, object]) -> State:
    """A state dict as the authors save it: weight norm in two parts, filters as buffers."""
    random = torch.Generator().manual_seed(3)
    state: State = {}

    def conv(name: str, *shape: int, bias: int) -> None:
        state[f"{name}.weight_v"] = torch.randn(*shape, generator=random) * 0.3
        state[f"{name}.weight_g"] = torch.rand(shape[0], 1, 1, generator=random) + 0.3
        if bias:
            state[f"{name}.bias"] = torch.randn(bias, generator=random) * 0.1

    def snake(name: str, channels: int) -> None:
        for part in ("alpha", "beta") if config["activation"] == "snakebeta" else ("alpha",):
            state[f"{name}.act.{part}"] = torch.rand(channels, generator=random) + 0.3
        for place in ("upsample.filter", "downsample.lowpass.filter"):
            state[f"{name}.{place}"] = torch.from_numpy(filter_taps()).float().view(1, 1, -1)

    channels = int(str(config["upsample_initial_channel"]))
    conv("conv_pre", channels, 5, 7, bias=channels)
    for stage, kernel in enumerate([8, 4]):
        conv(f"ups.{stage}.0", channels, channels // 2, kernel, bias=channels // 2)
        channels //= 2
        for j, size in enumerate([3, 7]):
            block = f"resblocks.{2 * stage + j}"
            lists = ["convs1", "convs2"] if config["resblock"] == "1" else ["convs"]
            n_layers = len(config["resblock_dilation_sizes"][j])  # type: ignore[index]
            for name in lists:
                for layer in range(n_layers):
                    conv(f"{block}.{name}.{layer}", channels, channels, size, bias=channels)
            for number in range(n_layers * len(lists)):
                snake(f"{block}.activations.{number}", channels)
    snake("activation_post", channels)
    conv("conv_post", 1, channels, 7, bias=1 if config["use_bias_at_final"] else 0)
    return state


class ByHand:
    """The generator as the paper describes it, one channel and one tap at a time."""

    def __init__(self, config: dict[str, object], state: State) -> None:
        self.config, self.state = config, {name: tensor.double().numpy() for name, tensor in state.items()}

    def weight(self, name: str) -> Array:
        v, g = self.state[f"{name}.weight_v"], self.state[f"{name}.weight_g"]
        return np.stack([g[k, 0, 0] * v[k] / np.sqrt(np.sum(v[k] ** 2)) for k in range(len(v))])

    def bias(self, name: str, n: int) -> Array:
        return self.state.get(f"{name}.bias", np.zeros(n))

    def conv(self, name: str, x: Array, dilation: int = 1) -> Array:
        weight = self.weight(name)
        half = weight.shape[2] // 2 * dilation
        padded = np.pad(x, ((0, 0), (half, half)))
        rows = [
            sum(weight[o, :, k] @ padded[:, k * dilation : k * dilation + x.shape[1]] for k in range(weight.shape[2]))
            for o in range(len(weight))
        ]
        return np.stack(rows) + self.bias(name, len(weight))[:, None]

    def up(self, name: str, x: Array, rate: int) -> Array:
        weight = self.weight(name)
        kernel = weight.shape[2]
        full = np.zeros((weight.shape[1], (x.shape[1] - 1) * rate + kernel))
        for frame in range(x.shape[1]):
            full[:, frame * rate : frame * rate + kernel] += np.einsum("i,iok->ok", x[:, frame], weight)
        cut = (kernel - rate) // 2
        return full[:, cut : full.shape[1] - cut] + self.bias(name, weight.shape[1])[:, None]

    def snake(self, name: str, x: Array) -> Array:
        alpha = self.state[f"{name}.act.alpha"]
        beta = self.state.get(f"{name}.act.beta", alpha)
        if self.config["snake_logscale"]:
            alpha, beta = np.exp(alpha), np.exp(beta)
        rows = []
        for channel, a, b in zip(x, alpha, beta, strict=True):
            padded = np.pad(channel, 20, mode="edge")
            stuffed = np.zeros(2 * len(padded))
            stuffed[::2] = padded
            # the filter's delay of 5.5 samples, once up and once down, is taken off as 5 and 6
            doubled = 2.0 * np.convolve(stuffed, filter_taps())[5 : 5 + len(stuffed)][40 : 40 + 2 * len(channel)]
            bent = doubled + np.sin(a * doubled) ** 2 / (b + 1e-9)
            low = np.convolve(np.pad(bent, 20, mode="edge"), filter_taps())
            rows.append(low[20 + 6 : 20 + 6 + len(bent) : 2])
        return np.stack(rows)

    def block(self, name: str, dilations: list[int], x: Array) -> Array:
        for layer, dilation in enumerate(dilations):
            if self.config["resblock"] == "1":
                y = self.conv(f"{name}.convs1.{layer}", self.snake(f"{name}.activations.{2 * layer}", x), dilation)
                y = self.conv(f"{name}.convs2.{layer}", self.snake(f"{name}.activations.{2 * layer + 1}", y))
            else:
                y = self.conv(f"{name}.convs.{layer}", self.snake(f"{name}.activations.{layer}", x), dilation)
            x = x + y
        return x

    def __call__(self, x: Array) -> Array:
        x = self.conv("conv_pre", x)
        for stage, rate in enumerate([4, 2]):
            x = self.up(f"ups.{stage}.0", x, rate)
            dilations = self.config["resblock_dilation_sizes"]
            blocks = [self.block(f"resblocks.{2 * stage + j}", dilations[j], x) for j in (0, 1)]  # type: ignore[index]
            x = (blocks[0] + blocks[1]) / 2
        x = self.conv("conv_post", self.snake("activation_post", x))[0]
        return np.asarray(np.tanh(x) if self.config["use_tanh_at_final"] else np.clip(x, -1, 1))


def published_folder(folder: Path, config: dict[str, object], state: State) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    torch.save({"generator": state}, folder / "bigvgan_generator.pt")
    return folder


def toy_mel(n_frames: int) -> torch.Tensor:
    return torch.randn(5, n_frames, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_published_state_dict_sounds_as_the_paper_says(tmp_path: Path, variant: str) -> None:
    config = CONFIG | VARIANTS[variant]
    state = random_state(config)
    clip = vocoder(published_folder(tmp_path, config, state)).waveform(toy_mel(12))
    expected = ByHand(config, state)(toy_mel(12).double().numpy())
    assert clip.sample_rate == 22_050 and clip.samples.shape == (1, 96)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(clip.samples[0], expected, atol=2e-5)


def test_the_low_pass_is_the_published_one() -> None:
    np.testing.assert_allclose(low_pass().numpy(), filter_taps(), atol=1e-6)
    response = np.abs(np.fft.rfft(filter_taps(), 4096))
    assert response[0] == pytest.approx(1.0) and response[1024] == pytest.approx(0.5, abs=0.02)  # half of the band
    assert response[1800:].max() < 0.02


def test_weight_norm_of_newer_torch_and_safetensors_are_read_too(tmp_path: Path) -> None:
    state = random_state(CONFIG)
    newer = {
        name.replace(".weight_g", ".parametrizations.weight.original0").replace(
            ".weight_v", ".parametrizations.weight.original1"
        ): tensor
        for name, tensor in state.items()
    }
    first = bigvgan_from(published_folder(tmp_path / "a", CONFIG, state)).waveform(toy_mel(6))
    folder = published_folder(tmp_path / "b", CONFIG, newer)
    np.testing.assert_array_equal(bigvgan_from(folder).waveform(toy_mel(6)).samples, first.samples)
    (folder / "bigvgan_generator.pt").unlink()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
    np.testing.assert_array_equal(bigvgan_from(folder).waveform(toy_mel(6)).samples, first.samples)


def test_long_mels_go_in_chunks_with_equal_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    through = bigvgan_from(published_folder(tmp_path, CONFIG, random_state(CONFIG)))
    mel = toy_mel(230)
    whole = through.waveform(mel)
    monkeypatch.setattr("models.vocoder.published.CHUNK_FRAMES", 50)
    pieces = through.waveform(mel)
    assert pieces.n_samples == 230 * 8
    np.testing.assert_allclose(pieces.samples, whole.samples, atol=1e-6)


def test_a_change_is_heard_no_further_than_the_reach(tmp_path: Path) -> None:
    published_folder(tmp_path, CONFIG, random_state(CONFIG))
    config = read_config(tmp_path / "config.json")
    torch.manual_seed(0)
    net, mel = BigVgan(config).eval(), toy_mel(400)
    changed = mel.clone()
    changed[:, 200] += 1.0
    with torch.inference_mode():
        heard = torch.nonzero((net(mel[None]) - net(changed[None]))[0].reshape(400, -1).abs().amax(1) > 0).flatten()
    assert 200 - config.reach <= heard.min() < 200 < heard.max() <= 200 + config.reach


def test_the_published_sizes_are_those_of_the_paper() -> None:
    """112 M parameters (Lee et al. 2023, table 1); the nets are only described, not filled."""
    from models.vocoder.bigvgan import BigVganConfig
    from models.vocoder.mel import MelScale

    with torch.device("meta"):
        net = BigVgan(BigVganConfig(scale=MelScale(sample_rate=24_000, n_fft=1024, hop=256, n_mels=100)))
    assert sum(weight.numel() for weight in net.parameters()) == pytest.approx(112.2e6, rel=0.01)


def test_damaged_and_foreign_folders_are_refused(tmp_path: Path) -> None:
    state = random_state(CONFIG)
    folder = published_folder(tmp_path / "a", CONFIG, state)
    assert is_bigvgan(folder) and not is_bigvgan(tmp_path)
    whole = (folder / "bigvgan_generator.pt").read_bytes()
    (folder / "bigvgan_generator.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointUnusable, match="cannot be read as plain tensors"):
        vocoder(folder)
    torch.save({"generator": [1, 2]}, folder / "bigvgan_generator.pt")
    with pytest.raises(CheckpointUnusable, match="is not a state dict"):
        vocoder(folder)
    (folder / "bigvgan_generator.pt").unlink()
    with pytest.raises(CheckpointUnusable, match="is not there; a published BigVGAN has"):
        vocoder(folder)
    missing = {name: tensor for name, tensor in state.items() if name != "conv_pre.bias"}
    with pytest.raises(CheckpointUnusable, match="1 tensors are missing"):
        vocoder(published_folder(folder, CONFIG, missing))
    with pytest.raises(CheckpointUnusable, match="has no weight_g"):
        vocoder(published_folder(folder, CONFIG, {k: v for k, v in state.items() if k != "conv_pre.weight_g"}))
    strange = state | {"activation_post.upsample.filter": torch.ones(1, 1, 12)}
    with pytest.raises(CheckpointUnusable, match="another low-pass filter"):
        vocoder(published_folder(folder, CONFIG, strange))
    with pytest.raises(CheckpointUnusable, match="win_size 16 is not n_fft 32"):
        vocoder(published_folder(folder, CONFIG | {"win_size": 16}, state))
    with pytest.raises(CheckpointUnusable, match="samples a frame, hop is 16"):
        vocoder(published_folder(folder, CONFIG | {"hop_size": 16}, state))


def test_a_mel_of_another_size_is_refused(tmp_path: Path) -> None:
    through = vocoder(published_folder(tmp_path, CONFIG, random_state(CONFIG)))
    with pytest.raises(MelUnusable, match=r"\(80, 3\): this vocoder reads \(5, n_frames\)"):
        through.waveform(torch.zeros(80, 3))
    assert through.waveform(torch.zeros(5, 0)).n_samples == 0


def test_by_name_it_comes_from_the_folder_that_the_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = published_folder(tmp_path / "mine", CONFIG, random_state(CONFIG))
    monkeypatch.setenv("TALESCAPE_BIGVGAN", str(folder))
    assert vocoder("bigvgan").version == bigvgan_from(folder).version
    monkeypatch.setenv("TALESCAPE_BIGVGAN", str(tmp_path / "nowhere"))
    with pytest.raises(EngineUnavailable, match="TALESCAPE_BIGVGAN names"):
        published_bigvgan()
