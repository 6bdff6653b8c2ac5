"""Published BigVGAN weights: a folder with the authors' config.json and bigvgan_generator.pt, or the hub's copy.

Pickles are read as plain tensors, so no code can run; a converted model.safetensors is read as well.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from models.checkpoints import CONFIG, WEIGHTS, fill, read_tensors
from models.clip import Clip
from models.errors import CheckpointUnusable
from models.hub import weights_folder
from models.vocoder.bigvgan import BigVgan, BigVganConfig, low_pass
from models.vocoder.mel import MelScale, MelUnusable

REPOSITORY = "nvidia/bigvgan_v2_22khz_80band_fmax8k_256x"
VARIABLE = "TALESCAPE_BIGVGAN"
GENERATOR = "bigvgan_generator.pt"
CHUNK_FRAMES = 512


class PublishedBigVgan:
    """A published generator behind the vocoder's protocol, for mels of any length."""

    def __init__(self, net: BigVgan, version: str) -> None:
        self.version, self.scale = version, net.config.scale
        self._net = net.eval()

    def waveform(self, log_mel: Tensor) -> Clip:
        """(n_mels, n_frames) -> mono at the scale's rate, n_frames * hop samples; the same mel, the same samples."""
        if log_mel.ndim != 2 or log_mel.shape[0] != self.scale.n_mels:
            raise MelUnusable(
                f"mel of shape {tuple(log_mel.shape)}: this vocoder reads ({self.scale.n_mels}, n_frames)"
            )
        reach, hop, n_frames = self._net.config.reach, self.scale.hop, log_mel.shape[1]
        pieces = [np.zeros(0, np.float32)]
        for begin in range(0, n_frames, CHUNK_FRAMES):
            end = min(begin + CHUNK_FRAMES, n_frames)
            first, last = max(begin - reach, 0), min(end + reach, n_frames)
            with torch.inference_mode():
                samples = self._net(log_mel[None, :, first:last].float())[0]
            pieces.append(samples[(begin - first) * hop : (end - first) * hop].numpy())
        return Clip(np.concatenate(pieces)[None], self.scale.sample_rate)


def published_bigvgan() -> PublishedBigVgan:
    """BigVGAN from the folder that TALESCAPE_BIGVGAN names, or from the hub's local cache. Raises EngineUnavailable."""
    return bigvgan_from(weights_folder(REPOSITORY, variable=VARIABLE, file=CONFIG))


def is_bigvgan(folder: Path) -> bool:
    """Whether a folder looks like a published BigVGAN, whole or not."""
    try:
        found = json.loads((folder / CONFIG).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "upsample_initial_channel" in found


def bigvgan_from(folder: Path) -> PublishedBigVgan:
    """The vocoder of a folder. Raises CheckpointUnusable with the path and what is wrong."""
    config = read_config(folder / CONFIG)
    path = folder / WEIGHTS if (folder / WEIGHTS).is_file() else folder / GENERATOR
    state = read_tensors(path) if path.suffix == ".safetensors" else _plain_tensors(path)
    net = BigVgan(config)
    fill(net, our_tensors(state, config, path), path)
    digest = hashlib.sha256((folder / CONFIG).read_bytes())
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return PublishedBigVgan(net, digest.hexdigest()[:10])


def read_config(path: Path) -> BigVganConfig:
    """The authors' config.json -> ours. Raises CheckpointUnusable for what is missing or cannot be served."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointUnusable(f"{path}: cannot be read: {error}") from error
    try:
        if found["win_size"] != found["n_fft"]:
            raise ValueError(f"win_size {found['win_size']} is not n_fft {found['n_fft']}; only equal ones are served")
        return BigVganConfig(
            scale=MelScale(
                sample_rate=found["sampling_rate"],
                n_fft=found["n_fft"],
                hop=found["hop_size"],
                n_mels=found["num_mels"],
                low_hz=float(found["fmin"]),
                high_hz=float(found["fmax"] or found["sampling_rate"] / 2),
            ),
            channels=found["upsample_initial_channel"],
            rates=tuple(found["upsample_rates"]),
            up_kernels=tuple(found["upsample_kernel_sizes"]),
            block=found["resblock"],
            kernels=tuple(found["resblock_kernel_sizes"]),
            dilations=tuple(map(tuple, found["resblock_dilation_sizes"])),
            snake=found["activation"],
            log_snake=found["snake_logscale"],
            tanh=found.get("use_tanh_at_final", True),
            final_bias=found.get("use_bias_at_final", True),
        )
    except (KeyError, TypeError, ValidationError, ValueError) as error:
        raise CheckpointUnusable(f"{path}: is not the config of a published BigVGAN: {error!r}") from error


def _plain_tensors(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise CheckpointUnusable(f"{path}: is not there; a published BigVGAN has {CONFIG} and {GENERATOR}")
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise CheckpointUnusable(f"{path}: cannot be read as plain tensors: {error}") from error
    state = state.get("generator", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointUnusable(f"{path}: is not a state dict of tensors")
    return state


def key_map(config: BigVganConfig) -> dict[str, str]:
    """Published module -> our module, for every module with weights."""
    names = {"conv_pre": "first", "conv_post": "last", "activation_post.act": "last_snake"}
    for stage in range(len(config.rates)):
        names[f"ups.{stage}.0"] = f"ups.{stage}"
    n_blocks = len(config.rates) * len(config.kernels)
    for number in range(n_blocks):
        n_layers = len(config.dilations[number % len(config.kernels)])
        for layer in range(n_layers):
            if config.block == "1":
                names[f"resblocks.{number}.convs1.{layer}"] = f"blocks.{number}.dilated.{layer}"
                names[f"resblocks.{number}.convs2.{layer}"] = f"blocks.{number}.plain.{layer}"
            else:
                names[f"resblocks.{number}.convs.{layer}"] = f"blocks.{number}.dilated.{layer}"
        for snake in range(n_layers * (2 if config.block == "1" else 1)):
            names[f"resblocks.{number}.activations.{snake}.act"] = f"blocks.{number}.snakes.{snake}"
    return names


def our_tensors(state: Mapping[str, Tensor], config: BigVganConfig, path: Path) -> dict[str, Tensor]:
    """A published state dict under our names: weight norm folded in, the filters compared with ours and left out."""
    names, found = key_map(config), {}
    for theirs, tensor in state.items():
        module, _, part = theirs.rpartition(".")
        if part == "filter":
            if tensor.numel() != low_pass().numel() or not torch.allclose(
                tensor.flatten().float(), low_pass(), atol=1e-4
            ):
                raise CheckpointUnusable(f"{path}: {theirs} is another low-pass filter than the published one")
            continue
        if module.endswith(".parametrizations.weight"):  # weight norm as newer versions of torch save it
            module, part = (
                module.removesuffix(".parametrizations.weight"),
                {"original0": "weight_g"}.get(part, "weight_v"),
            )
        ours = names.get(module, module)
        if part == "weight_g":
            continue
        if part == "weight_v":
            gain = state.get(f"{module}.weight_g", state.get(f"{module}.parametrizations.weight.original0"))
            if gain is None:
                raise CheckpointUnusable(f"{path}: {theirs} has no weight_g beside it")
            norm = tensor.float().flatten(1).norm(dim=1).reshape(-1, 1, 1)
            part, tensor = "weight", gain.float().reshape(-1, 1, 1) * tensor.float() / norm
        found[f"{ours}.{part}"] = tensor
    return found
