"""A vocoder's checkpoint: a folder with config.json and model.safetensors; never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.clipsep.checkpoint import CONFIG, PICKLES, WEIGHTS, fill, read_tensors
from models.errors import CheckpointUnusable
from models.vocoder.net import VocoderNet, VocoderNetConfig


class CheckpointConfig(BaseModel):
    """What a checkpoint says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["talescape-vocoder/1"] = "talescape-vocoder/1"
    net: VocoderNetConfig
    trained: dict[str, str | int | float] = Field(default_factory=dict)
    """Facts of the training run, for the model card."""


def save_checkpoint(net: VocoderNet, config: CheckpointConfig, folder: Path, *, half: bool = True) -> None:
    """Writes the folder, in half precision unless told otherwise; each file under a temporary name first.

    Raises CheckpointUnusable for weights that are not finite numbers.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().cpu().to(torch.float16 if half else torch.float32).contiguous()
        for name, tensor in net.state_dict().items()
    }
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointUnusable(f"{folder / WEIGHTS}: {name} holds values that are not finite numbers; not saved")
    _write(folder / WEIGHTS, save(tensors))
    _write(folder / CONFIG, (config.model_dump_json(indent=2) + "\n").encode("utf-8"))


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def load_config(folder: Path) -> CheckpointConfig:
    """The config of a checkpoint folder. Raises CheckpointUnusable with the path and what is wrong."""
    path = folder / CONFIG
    if not folder.is_dir():
        pickle = f"; {folder.suffix} files can run code when read" if folder.suffix.lower() in PICKLES else ""
        raise CheckpointUnusable(f"{folder}: is not a folder with {CONFIG} and {WEIGHTS}{pickle}")
    if not path.is_file():
        raise CheckpointUnusable(f"{folder}: holds no {CONFIG}; a vocoder's checkpoint has {CONFIG} and {WEIGHTS}")
    try:
        return CheckpointConfig.model_validate(json.loads(path.read_text("utf-8")))
    except (ValidationError, ValueError) as error:
        raise CheckpointUnusable(f"{path}: is not the config of a vocoder's checkpoint: {error}") from error


def load_net(folder: Path) -> VocoderNet:
    """The net of a checkpoint folder: float32, in evaluation mode. Raises CheckpointUnusable."""
    config = load_config(folder)
    tensors = read_tensors(folder / WEIGHTS)
    net = VocoderNet(config.net)
    fill(net, tensors, folder / WEIGHTS)
    return net.eval()


def version_of(folder: Path) -> str:
    """Changes when the weights or the config do. Raises CheckpointUnusable when they are not there."""
    load_config(folder)
    digest = hashlib.sha256((folder / CONFIG).read_bytes())
    if not (folder / WEIGHTS).is_file():
        raise CheckpointUnusable(f"{folder / WEIGHTS}: is not there")
    with (folder / WEIGHTS).open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()[:10]
