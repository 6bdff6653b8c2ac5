"""The net of CLIPSep against an independent forward pass, its front end, and its checkpoints."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.clipsep.checkpoint import CheckpointConfig, load_config, load_net, save_checkpoint
from models.clipsep.invariant import noise_masks, with_noise
from models.clipsep.net import NetConfig, SeparationNet, initialise
from models.clipsep.published import convert_published, key_map, net_from_published, read_published
from models.clipsep.warp import istft, log_magnitude, stft, unwarp, warp
from models.errors import CheckpointUnusable

TINY = NetConfig(width=2, query_size=5)


def published_state(width: int, n_noise_heads: int, seed: int = 0) -> dict[str, Tensor]:
    """Random tensors under the names of the published file, shapes written down from the paper's table of layers."""
    random = torch.Generator().manual_seed(seed)
    state: dict[str, Tensor] = {}

    def draw(name: str, *shape: int) -> None:
        fan_in = int(np.prod(shape[1:])) or 1
        state["module." + name] = torch.randn(shape, generator=random) * fan_in**-0.5

    def norm(name: str, n: int) -> None:
        for part in ("weight", "running_var"):
            state[f"module.{name}.{part}"] = 0.5 + torch.rand(n, generator=random)
        for part in ("bias", "running_mean"):
            state[f"module.{name}.{part}"] = 0.1 * torch.randn(n, generator=random)
        state[f"module.{name}.num_batches_tracked"] = torch.tensor(7)

    w, block = width, "sound_net.unet_block.model"
    norm("sound_net.bn0", 1)
    draw(f"{block}.0.weight", w, 1, 4, 4)
    draw(f"{block}.4.weight", 32, 2 * w, 3, 3)
    draw(f"{block}.4.bias", 32)
    for n_in, n_out, n_cat, n_up in (
        (w, 2 * w, 4 * w, w),
        (2 * w, 4 * w, 8 * w, 2 * w),
        (4 * w, 8 * w, 16 * w, 4 * w),
        (8 * w, 8 * w, 16 * w, 8 * w),
        (8 * w, 8 * w, 16 * w, 8 * w),
    ):
        block += ".1.model" if block.endswith("unet_block.model") else ".3.model"
        draw(f"{block}.1.weight", n_out, n_in, 4, 4)
        norm(f"{block}.2", n_out)
        draw(f"{block}.6.weight", n_up, n_cat, 3, 3)
        norm(f"{block}.7", n_up)
    block += ".3.model"
    draw(f"{block}.1.weight", 8 * w, 8 * w, 4, 4)
    draw(f"{block}.4.weight", 8 * w, 8 * w, 3, 3)
    norm(f"{block}.5", 8 * w)
    draw("frame_net.weight", 32, 512)
    draw("frame_net.bias", 32)
    for head in range(n_noise_heads):
        draw(f"pit_nets.{head}.weight", 32, 32)
        draw(f"pit_nets.{head}.bias", 32)
    draw("synth_net.scale", 32)
    draw("synth_net.bias", 1)
    return state


def nested_masks(state: dict[str, Tensor], log_mag: Tensor, queries: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The published forward pass, block in block, straight from the published names: query masks and noise masks."""

    def batch_norm(name: str, x: Tensor) -> Tensor:
        mean, var = (state[f"module.{name}.running_{part}"][:, None, None] for part in ("mean", "var"))
        gain, offset = (state[f"module.{name}.{part}"][:, None, None] for part in ("weight", "bias"))
        return (x - mean) / torch.sqrt(var + 1e-5) * gain + offset

    def conv(name: str, x: Tensor, **more: int) -> Tensor:
        return functional.conv2d(x, state[f"module.{name}.weight"], padding=1, **more)  # type: ignore[arg-type]

    def double(x: Tensor) -> Tensor:
        return torch.nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)(x)

    def block(prefix: str, depth: int, x: Tensor) -> Tensor:
        x = torch.where(x > 0, x, 0.2 * x)  # the published LeakyReLU works in place: the skip sees it too
        inner = conv(f"{prefix}.1", x, stride=2)
        if depth == 6:
            up = batch_norm(f"{prefix}.5", conv(f"{prefix}.4", double(inner.clamp(min=0))))
        else:
            inner = block(f"{prefix}.3.model", depth + 1, batch_norm(f"{prefix}.2", inner))
            up = batch_norm(f"{prefix}.7", conv(f"{prefix}.6", double(inner.clamp(min=0))))
        return torch.cat([x, up], 1)

    top = "sound_net.unet_block.model"
    x = block(f"{top}.1.model", 1, conv(f"{top}.0", batch_norm("sound_net.bn0", log_mag), stride=2))
    features = conv(f"{top}.4", double(x.clamp(min=0))) + state[f"module.{top}.4.bias"][:, None, None]

    def mask(query: Tensor) -> Tensor:
        weights = torch.sigmoid(query) * state["module.synth_net.scale"]
        return torch.sigmoid((weights[:, :, None, None] * features).sum(1) + state["module.synth_net.bias"])

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ state[f"module.{name}.weight"].T + state[f"module.{name}.bias"]

    logits = [linear("frame_net", query) for query in queries]
    n_heads = sum(name.startswith("module.pit_nets") for name in state) // 2
    mean = torch.stack(logits).mean(0)
    return [mask(query) for query in logits], [mask(linear(f"pit_nets.{k}", mean)) for k in range(n_heads)]


@pytest.mark.parametrize(("heads", "parameters"), [(0, 30_290_659), (2, 30_292_771)])
def test_the_full_net_has_the_published_number_of_parameters(heads: int, parameters: int) -> None:
    with torch.device("meta"):
        net = SeparationNet(NetConfig(width=64, n_noise_heads=heads))
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize("width", [64, 8])
def test_published_weights_give_the_published_forward_pass(width: int) -> None:
    state = published_state(width, 2)
    net = net_from_published(state, Path("clipsep_nit.pt"))
    log_mag = 3 * torch.randn(2, 1, 256, 128, generator=torch.Generator().manual_seed(1))
    queries = [torch.randn(2, 512, generator=torch.Generator().manual_seed(k)) for k in (2, 3)]
    wanted, wanted_noise = nested_masks(
        {k: v.double() for k, v in state.items()}, log_mag.double(), [q.double() for q in queries]
    )
    with torch.inference_mode():
        net = net.double()
        features = net.features(log_mag.double())
        vectors = torch.stack(queries, 1).double()
        masks = net.masks(features, vectors)
        noise = noise_masks(net, features, net.query_logits(vectors))
    assert masks.std() > 0.05
    torch.testing.assert_close(masks, torch.stack(wanted, 1), rtol=0, atol=1e-6)
    torch.testing.assert_close(noise, torch.stack(wanted_noise, 1), rtol=0, atol=1e-6)


def test_every_published_name_maps_to_one_of_ours() -> None:
    names = key_map(2)
    assert set(names) == {name.removeprefix("module.") for name in published_state(1, 2)}
    assert sorted(names.values()) == sorted(SeparationNet(NetConfig(width=1, n_noise_heads=2)).state_dict())


def test_one_pass_of_the_net_serves_every_query_alike() -> None:
    net = SeparationNet(TINY).eval()
    log_mag, vectors = torch.randn(1, 1, 256, 128), torch.randn(1, 3, 5)
    with torch.inference_mode():
        together = net(log_mag, vectors)
        alone = torch.cat([net(log_mag, vectors[:, k : k + 1]) for k in range(3)], 1)
    torch.testing.assert_close(together, alone)


def test_gradients_agree_with_finite_differences() -> None:
    torch.manual_seed(0)
    net = SeparationNet(NetConfig(width=1, query_size=3, n_features=2, n_noise_heads=1)).double()
    log_mag, vectors = torch.randn(2, 1, 128, 128).double(), torch.randn(2, 2, 3).double()

    def loss() -> Tensor:
        features, logits = net.features(log_mag), net.query_logits(vectors)
        masks = torch.sigmoid(net.mask_logits(features, logits))
        return (with_noise(masks * 0.4, 0.4 * noise_masks(net, features, logits)) ** 2).mean()

    loss().backward()
    checked = 0
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        place = int(weight.grad.abs().argmax())
        with torch.no_grad():
            flat = weight.view(-1)
            kept = float(flat[place])
            flat[place] = kept + 1e-6
            above = float(loss())
            flat[place] = kept - 1e-6
            below = float(loss())
            flat[place] = kept
        slope = float(weight.grad.view(-1)[place])
        assert slope == pytest.approx((above - below) / 2e-6, rel=2e-3, abs=1e-9), name
        checked += slope != 0
    assert checked > 30


def test_frames_that_seven_halvings_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match=r"multiples of 128, not \(256, 100\)"):
        SeparationNet(TINY).features(torch.zeros(1, 1, 256, 100))


def test_the_published_start_is_the_same_for_the_same_seed_and_has_the_published_spread() -> None:
    nets = [SeparationNet(NetConfig(width=8)) for _ in range(2)]
    for net in nets:
        initialise(net, seed=3)
    first, second = (net.state_dict() for net in nets)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert float(first["down_convs.3.weight"].std()) == pytest.approx(1e-3, rel=0.05)
    assert float(first["query_layer.weight"].std()) == pytest.approx(1e-4, rel=0.05)
    assert float(first["up_norms.5.weight"].mean()) == pytest.approx(1.0, abs=0.02)


def test_the_warp_is_the_published_bilinear_sampling() -> None:
    """Against torch's grid_sample at the published places, with the time axis left as it is."""
    magnitudes = torch.rand(1, 1, 513, 12)
    for n_out, there, places in (
        (256, warp, lambda y: (21 ** ((y + 1) / 2) - 11) / 10),
        (513, unwarp, lambda y: np.log(y * 10 + 11) / np.log(21) * 2 - 1),
    ):
        given = magnitudes if n_out == 256 else magnitudes[:, :, :256]
        x, y = np.meshgrid(np.linspace(-1, 1, 12), np.linspace(-1, 1, n_out))
        grid = torch.from_numpy(np.stack([x, places(y)], -1)[None].astype(np.float32))
        wanted = functional.grid_sample(given, grid, align_corners=True)
        torch.testing.assert_close(there(given), wanted, rtol=0, atol=2e-4)


def test_spectra_come_back_as_the_sound() -> None:
    samples = torch.randn(2, 65_535) * 0.1
    spectra = stft(samples)
    assert spectra.shape == (2, 513, 256)
    torch.testing.assert_close(istft(spectra, 65_535), samples, rtol=0, atol=1e-5)


def test_a_tone_lies_where_the_warp_says() -> None:
    """1 kHz is bin 64 of 513, so y = -0.75, and the warped place is 2 ln(3.5) / ln(21) - 1 = -0.177."""
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
    warped = warp(stft(tone).abs())[:, 20]
    assert int(warped.argmax()) == pytest.approx((1 - 0.177) / 2 * 255, abs=1.0)
    assert torch.isfinite(log_magnitude(torch.zeros(256, 4))).all()


def saved(folder: Path) -> SeparationNet:
    net = SeparationNet(TINY).eval()
    save_checkpoint(net, CheckpointConfig(net=TINY, encoder="toy"), folder)
    return net


def test_a_checkpoint_comes_back_to_half_precision(tmp_path: Path) -> None:
    net = saved(tmp_path)
    again = SeparationNet.load(tmp_path)
    assert load_config(tmp_path).encoder == "toy" and not again.training
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointUnusable, match=r"model\.safetensors: is cut short"):
        load_net(tmp_path)


def test_a_checkpoint_of_another_width_is_refused_with_both_shapes(tmp_path: Path) -> None:
    saved(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["net"]["width"] = 3
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointUnusable, match=r"is \(2, 1, 4, 4\), the config asks for \(3, 1, 4, 4\)"):
        load_net(tmp_path)


def test_foreign_tensors_and_foreign_configs_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    saved(tmp_path)
    save_file({"something": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointUnusable, match="of another net: 79 tensors are missing"):
        load_net(tmp_path)
    (tmp_path / "config.json").write_text('{"architectures": ["CLIPModel"]}')
    with pytest.raises(CheckpointUnusable, match=r"config\.json: is not the config"):
        load_net(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointUnusable, match=r"holds no config\.json"):
        load_net(tmp_path)


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    net = saved(tmp_path)
    with torch.no_grad():
        net.bias.fill_(float("nan"))
    with pytest.raises(CheckpointUnusable, match="bias holds values that are not finite"):
        save_checkpoint(net, CheckpointConfig(net=TINY), tmp_path)


class Mischief:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code ran')",)


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt"])
def test_pickles_are_refused_and_never_run(tmp_path: Path, name: str) -> None:
    saved(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / name).write_bytes(pickle.dumps(Mischief(), protocol=2))
    with pytest.raises(CheckpointUnusable, match="can run code"):
        load_net(tmp_path)
    with pytest.raises(CheckpointUnusable, match=r"can run code|cannot be read as plain tensors"):
        read_published(tmp_path / name)


def test_the_authors_file_becomes_a_checkpoint_folder(tmp_path: Path) -> None:
    state = published_state(2, 2)
    torch.save(state, tmp_path / "best_model.pt")
    convert_published(tmp_path / "best_model.pt", tmp_path / "converted")
    net = SeparationNet.load(tmp_path / "converted")
    assert net.config == NetConfig(width=2, n_noise_heads=2)
    assert torch.equal(net.query_layer.weight, state["module.frame_net.weight"])
    del state["module.synth_net.bias"]
    with pytest.raises(CheckpointUnusable, match=r"1 tensors are missing \(bias\)"):
        net_from_published(state, Path("x.pt"))
