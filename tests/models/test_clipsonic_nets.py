"""The nets of CLIPSonic and their checkpoints: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import nn

from models.checkpoints import version_of
from models.clipsonic.checkpoint import load_config, load_net, save_checkpoint
from models.clipsonic.config import AnyNetConfig, ClipSonicConfig, FramesConfig, UnetConfig
from models.clipsonic.diffusion import draw, training_loss
from models.clipsonic.nets import build_net
from models.clipsonic.unet import Attention, ResBlock
from models.errors import CheckpointUnusable
from models.vocoder.mel import TALK, MelScale

FRAMES = FramesConfig(width=32, depth=2, n_heads=2, patch=2, attention_every=2)
UNET = UnetConfig(width=16, multipliers=(1, 2), n_blocks=1, attention_levels=(1,), head_width=16)
MEL = MelScale(n_fft=64, hop=16, n_mels=9)


def config_of(net: AnyNetConfig) -> ClipSonicConfig:
    return ClipSonicConfig(mel=MEL, n_frames=16, mel_mean=-5.0, mel_std=2.0, query_size=6, net=net)


def trained(config: ClipSonicConfig) -> nn.Module:
    """A net with every weight drawn anew, so that nothing is zero any more."""
    torch.manual_seed(0)
    net = build_net(config).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return net


def inputs(n_batch: int = 3, n_frames: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn((n_batch, 9, n_frames), generator=generator)
    return x, torch.tensor([5.0, 700.0, 3_999.0])[:n_batch], torch.randn((n_batch, 6), generator=generator)


@pytest.mark.parametrize("net_config", [FRAMES, UNET])
@pytest.mark.parametrize("n_frames", [16, 17, 3, 40])
def test_any_number_of_mels_and_frames_goes_through(net_config: AnyNetConfig, n_frames: int) -> None:
    out = trained(config_of(net_config))(*inputs(n_frames=n_frames))
    assert out.shape == (3, 18, n_frames)
    assert bool(torch.isfinite(out).all())


@pytest.mark.parametrize("net_config", [FRAMES, UNET])
def test_a_fresh_net_predicts_nothing_and_learns_with_every_weight(net_config: AnyNetConfig) -> None:
    torch.manual_seed(0)
    config = config_of(net_config)
    net = build_net(config)
    assert not net(*inputs()).any()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    mels, queries = torch.randn(4, 9, 16), torch.randn(4, 6)
    drop = torch.tensor([True, False, False, False])
    for step in range(5):
        draws = draw(config, (4, 9, 16), np.random.default_rng(step))
        optimizer.zero_grad()
        training_loss(net, config, mels, queries, drop, draws=draws)["loss"].backward()
        optimizer.step()
    unmoved = [name for name, each in net.named_parameters() if each.grad is None or not each.grad.any()]
    assert unmoved == []


@pytest.mark.parametrize("net_config", [FRAMES, UNET])
def test_an_example_is_heard_by_its_time_and_query_and_not_by_its_neighbours(net_config: AnyNetConfig) -> None:
    net = trained(config_of(net_config))
    x, time, query = inputs()
    together = net(x, time, query)
    alone = net(x[1:2], time[1:2], query[1:2])
    assert torch.allclose(together[1], alone[0], atol=1e-4)
    assert not torch.allclose(alone, net(x[1:2], time[:1], query[1:2]), atol=1e-3)
    assert not torch.allclose(alone, net(x[1:2], time[1:2], query[:1]), atol=1e-3)


@pytest.mark.parametrize("net_config", [FRAMES, UNET])
def test_the_null_query_stands_in_where_it_is_told_to(net_config: AnyNetConfig) -> None:
    net = trained(config_of(net_config))
    x, time, query = inputs()
    drop = torch.tensor([False, True, False])
    replaced = torch.where(drop[:, None], net.conditioning.null_query, query)
    assert torch.allclose(net(x, time, query, drop), net(x, time, replaced), atol=1e-6)
    assert torch.equal(net(x, time, query), net(x, time, query, torch.zeros(3, dtype=torch.bool)))


@pytest.mark.parametrize("net_config", [FRAMES, UNET])
def test_far_frames_hear_each_other(net_config: AnyNetConfig) -> None:
    net = trained(config_of(net_config))
    x, time, query = inputs(n_frames=64)
    changed = x.clone()
    changed[:, :, 60:] += 1.0
    difference = (net(changed, time, query) - net(x, time, query))[:, :, :4]
    assert difference.abs().max().item() > 1e-6


def test_the_unet_attends_where_it_is_told_and_in_the_middle() -> None:
    config = UnetConfig(width=16, multipliers=(1, 2, 2), n_blocks=2, attention_levels=(1,), head_width=16)
    net = build_net(config_of(config))
    attending = [name for name, module in net.named_modules() if isinstance(module, Attention)]
    assert attending == [
        *[f"down.1.{block}.attention" for block in range(2)],
        *[f"up.1.{block}.attention" for block in range(3)],
        "middle_before.attention",
    ]


def test_a_residual_block_is_scaled_and_shifted_after_its_second_norm() -> None:
    torch.manual_seed(0)
    block = ResBlock(8, 8, 4, 0.0)
    nn.init.normal_(block.conv2.weight)
    x, told = torch.randn(2, 8, 5, 5), torch.randn(2, 4)
    inner = nn.functional.group_norm(x, 8, block.norm1.weight, block.norm1.bias)
    inner = nn.functional.group_norm(block.conv1(nn.functional.silu(inner)), 8)
    scale, shift = nn.functional.linear(nn.functional.silu(told), block.told.weight, block.told.bias).chunk(2, 1)
    inner = inner * (1 + scale[..., None, None]) + shift[..., None, None]
    assert torch.allclose(block(x, told), x + block.conv2(nn.functional.silu(inner)), atol=1e-5)


def test_the_talks_setting_makes_the_papers_kind_of_net() -> None:
    config = ClipSonicConfig(
        mel=TALK,
        n_frames=157,
        mel_mean=-5.0,
        mel_std=2.0,
        query_size=512,
        net=UnetConfig(width=32, multipliers=(1, 2, 2, 4), n_blocks=1, attention_levels=(3,)),
    )
    net = build_net(config)
    assert net.multiple == 8  # 157 frames are padded to 160
    n_parameters = sum(parameter.numel() for parameter in net.parameters())
    assert 3e6 < n_parameters < 5e6
    assert net(torch.zeros(1, 64, 157), torch.zeros(1), torch.zeros(1, 512)).shape == (1, 128, 157)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net": {"kind": "unet", "attention_levels": [4]}}, "the levels are 0 to 3"),
        ({"net": {"kind": "frames", "kernel": 4}}, "kernel 4 must be odd"),
        ({"net": {"kind": "frames", "n_heads": 3}}, "must divide by n_heads"),
        ({"net": {"kind": "mixer"}}, "'unet', 'frames'"),
        ({"prediction": "flow"}, "no variance to learn"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_config_that_makes_no_net_says_why(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ClipSonicConfig.model_validate(config_of(FRAMES).model_dump() | change)


# Checkpoints


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(trained(config_of(FRAMES)), config_of(FRAMES), tmp_path / "saved", half=False)  # type: ignore[arg-type]
    return tmp_path / "saved"


@pytest.mark.parametrize("net_config", [FRAMES, UNET])
def test_a_checkpoint_gives_back_its_net_and_config(net_config: AnyNetConfig, tmp_path: Path) -> None:
    net, config = trained(config_of(net_config)), config_of(net_config)
    save_checkpoint(net, config, tmp_path, half=False)  # type: ignore[arg-type]
    assert load_config(tmp_path) == config
    assert torch.equal(load_net(tmp_path)(*inputs()), net(*inputs()))
    save_checkpoint(net, config, tmp_path)  # type: ignore[arg-type]
    assert torch.allclose(load_net(tmp_path)(*inputs()), net(*inputs()), atol=0.02)
    assert not list(tmp_path.glob("*.part"))


def test_a_header_as_long_as_pickles_begin_is_no_pickle(tmp_path: Path) -> None:
    save_checkpoint(trained(config_of(FRAMES)), config_of(FRAMES), tmp_path)  # type: ignore[arg-type]
    weights = tmp_path / "model.safetensors"
    data = weights.read_bytes()
    n_header = int.from_bytes(data[:8], "little")
    n_longer = n_header + (0x80 - n_header) % 256
    padded = data[8 : 8 + n_header] + b" " * (n_longer - n_header)
    weights.write_bytes(n_longer.to_bytes(8, "little") + padded + data[8 + n_header :])
    assert weights.read_bytes()[:1] == b"\x80"
    load_net(tmp_path)


def test_the_version_changes_with_any_weight(folder: Path) -> None:
    before = version_of(folder)
    assert before == version_of(folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["first.bias"] = tensors["first.bias"] + 1e-3
    save_file(tensors, folder / "model.safetensors")
    assert version_of(folder) != before


def test_a_damaged_checkpoint_is_told_with_its_place(folder: Path, tmp_path: Path) -> None:
    weights, config = folder / "model.safetensors", folder / "config.json"
    data, text = weights.read_bytes(), config.read_text()
    tensors = {name: tensor.clone() for name, tensor in load_file(weights).items()}

    def refused(match: str) -> None:
        with pytest.raises(CheckpointUnusable, match=match):
            load_net(folder)

    weights.write_bytes(data[: len(data) // 2])
    refused("model.safetensors: is cut short")
    weights.write_bytes(b"\x80\x04" + data)
    refused("is a pickle by another name")
    weights.unlink()
    refused("model.safetensors: is not there")
    save_file({**tensors, "extra": torch.zeros(1)}, weights)
    refused("1 are unknown \\(extra\\)")
    save_file({name: tensor for name, tensor in tensors.items() if name != "first.bias"}, weights)
    refused("1 tensors are missing \\(first.bias\\)")
    save_file({**tensors, "first.bias": torch.full((32,), torch.nan)}, weights)
    refused("first.bias holds values that are not finite")
    weights.write_bytes(data)
    config.write_text(json.dumps(json.loads(text) | {"query_size": 7}))
    refused("the config asks for")
    config.write_text(text.replace("talescape-clipsonic/1", "talescape-clipsep/1"))
    refused("config.json: is not the config of a CLIPSonic checkpoint")
    config.write_text(text.replace('"hop": 16', '"hop": 0'))
    refused("(?s)config.json: .*0 < hop")
    config.unlink()
    refused("holds no config.json")
    with pytest.raises(CheckpointUnusable, match="files can run code"):
        load_config(tmp_path / "net.pt")


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    net = trained(config_of(FRAMES))
    with torch.no_grad():
        net.first.bias[0] = 1e6  # beyond half precision
    with pytest.raises(CheckpointUnusable, match="not finite numbers; not saved"):
        save_checkpoint(net, config_of(FRAMES), tmp_path)  # type: ignore[arg-type]
