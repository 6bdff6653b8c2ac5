"""A CLIPSep checkpoint: a folder with config.json and model.safetensors; never a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.checkpoints import WEIGHTS, fill, read_config, read_tensors, write_checkpoint
from models.clipsep.net import NetConfig, SeparationNet

QueryKind = Literal["picture", "text", "hybrid", "label", "none"]


class CheckpointConfig(BaseModel):
    """What a checkpoint says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["talescape-clipsep/1"] = "talescape-clipsep/1"
    net: NetConfig
    query: QueryKind = "picture"
    """What the net was queried by in training; `label`: one-hot vectors in the order of `labels`; `none`: PIT."""
    encoder: str = ""
    """Name of the encoder that its query vectors come from; empty for labels."""
    encoder_version: str = ""
    """That encoder's version: vectors of another version mean nothing to this net. Empty when it is not known."""
    labels: list[str] = Field(default_factory=list)
    trained: dict[str, str | int | float] = Field(default_factory=dict)
    """Facts of the training run, for the model card."""


def save_checkpoint(net: SeparationNet, config: CheckpointConfig, folder: Path, *, half: bool = True) -> None:
    """Writes the folder, in half precision unless told otherwise. Raises CheckpointUnusable."""
    write_checkpoint(net, config, folder, half=half)


def load_config(folder: Path) -> CheckpointConfig:
    """The config of a checkpoint folder. Raises CheckpointUnusable with the path and what is wrong."""
    return read_config(folder, CheckpointConfig, "a CLIPSep checkpoint")


def load_net(folder: Path) -> SeparationNet:
    """The net of a checkpoint folder: float32, in evaluation mode. Raises CheckpointUnusable."""
    config = load_config(folder)
    tensors = read_tensors(folder / WEIGHTS)
    net = SeparationNet(config.net)
    fill(net, tensors, folder / WEIGHTS)
    return net.eval()
