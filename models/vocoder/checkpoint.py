"""A vocoder's checkpoint: a folder with config.json and model.safetensors; never a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.checkpoints import WEIGHTS, fill, read_config, read_tensors, write_checkpoint
from models.vocoder.net import VocoderNet, VocoderNetConfig


class CheckpointConfig(BaseModel):
    """What a checkpoint says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["talescape-vocoder/1"] = "talescape-vocoder/1"
    net: VocoderNetConfig
    trained: dict[str, str | int | float] = Field(default_factory=dict)
    """Facts of the training run, for the model card."""


def save_checkpoint(net: VocoderNet, config: CheckpointConfig, folder: Path, *, half: bool = True) -> None:
    """Writes the folder, in half precision unless told otherwise. Raises CheckpointUnusable."""
    write_checkpoint(net, config, folder, half=half)


def load_config(folder: Path) -> CheckpointConfig:
    """The config of a checkpoint folder. Raises CheckpointUnusable with the path and what is wrong."""
    return read_config(folder, CheckpointConfig, "a vocoder's checkpoint")


def load_net(folder: Path) -> VocoderNet:
    """The net of a checkpoint folder: float32, in evaluation mode. Raises CheckpointUnusable."""
    config = load_config(folder)
    tensors = read_tensors(folder / WEIGHTS)
    net = VocoderNet(config.net)
    fill(net, tensors, folder / WEIGHTS)
    return net.eval()
