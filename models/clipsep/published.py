"""The published CLIPSep weights: their names -> ours.

The authors publish CLIPSep-NIT as a DataParallel state dict (prefix `module.`) of a net nested block in block. Both
plain CLIPSep and NIT are read. Convert once with `convert_published`; afterwards it is an ordinary checkpoint folder.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from models.checkpoints import fill, read_tensors
from models.clipsep.checkpoint import CheckpointConfig, save_checkpoint
from models.clipsep.net import N_LEVELS, NetConfig, SeparationNet
from models.errors import CheckpointUnusable

PREFIX = "module."
BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def key_map(n_noise_heads: int) -> dict[str, str]:
    """Published name (without `module.`) -> our name, of every tensor."""
    names: dict[str, str] = {}

    def norm(theirs: str, ours: str) -> None:
        names.update({f"{theirs}.{part}": f"{ours}.{part}" for part in BATCH_NORM})

    norm("sound_net.bn0", "input_norm")
    block = "sound_net.unet_block.model"
    names[f"{block}.0.weight"] = "down_convs.0.weight"
    names[f"{block}.4.weight"] = "up_convs.0.weight"
    names[f"{block}.4.bias"] = "up_convs.0.bias"
    block += ".1.model"
    for k in range(1, N_LEVELS - 1):
        names[f"{block}.1.weight"] = f"down_convs.{k}.weight"
        norm(f"{block}.2", f"down_norms.{k - 1}")
        names[f"{block}.6.weight"] = f"up_convs.{k}.weight"
        norm(f"{block}.7", f"up_norms.{k - 1}")
        block += ".3.model"
    innermost = N_LEVELS - 1
    names[f"{block}.1.weight"] = f"down_convs.{innermost}.weight"
    names[f"{block}.4.weight"] = f"up_convs.{innermost}.weight"
    norm(f"{block}.5", f"up_norms.{innermost - 1}")
    for part in ("weight", "bias"):
        names[f"frame_net.{part}"] = f"query_layer.{part}"
        for head in range(n_noise_heads):
            names[f"pit_nets.{head}.{part}"] = f"noise_heads.{head}.{part}"
    names["synth_net.scale"] = "scale"
    names["synth_net.bias"] = "bias"
    return names


def net_from_published(state: Mapping[str, Tensor], path: Path) -> SeparationNet:
    """The net of a published state dict; its width and heads are read off the shapes. Raises CheckpointUnusable."""
    tensors = {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
    first, query = tensors.get("sound_net.unet_block.model.0.weight"), tensors.get("frame_net.weight")
    if first is None or query is None:
        raise CheckpointUnusable(f"{path}: is not a published CLIPSep state dict: it has no U-Net or no query layer")
    n_noise_heads = sum(name.startswith("pit_nets.") and name.endswith(".weight") for name in tensors)
    config = NetConfig(
        width=first.shape[0], query_size=query.shape[1], n_features=query.shape[0], n_noise_heads=n_noise_heads
    )
    net = SeparationNet(config)
    names = key_map(n_noise_heads)
    fill(net, {names.get(name, name): tensor for name, tensor in tensors.items()}, path)
    return net.eval()


def read_published(path: Path) -> SeparationNet:
    """The net of a published file: safetensors, or the authors' .pt read as plain tensors (no code can run)."""
    if path.suffix == ".safetensors":
        return net_from_published(read_tensors(path), path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise CheckpointUnusable(f"{path}: cannot be read as plain tensors: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointUnusable(f"{path}: is not a state dict of tensors")
    return net_from_published(state, path)


def convert_published(path: Path, folder: Path, *, encoder: str = "open_clip") -> None:
    """Published file -> checkpoint folder in float32, for the ViT-B/32 vectors that it was trained with."""
    net = read_published(path)
    save_checkpoint(net, CheckpointConfig(net=net.config, encoder=encoder), folder, half=False)
