"""A CLIPSonic checkpoint: a folder with config.json and model.safetensors; never a pickle."""

from __future__ import annotations

from pathlib import Path

from models.checkpoints import WEIGHTS, fill, read_config, read_tensors, write_checkpoint
from models.clipsonic.config import ClipSonicConfig
from models.clipsonic.frame_net import FrameNet
from models.clipsonic.nets import build_net
from models.clipsonic.unet import Unet


def save_checkpoint(net: Unet | FrameNet, config: ClipSonicConfig, folder: Path, *, half: bool = True) -> None:
    """Writes the folder, in half precision unless told otherwise. Raises CheckpointUnusable."""
    write_checkpoint(net, config, folder, half=half)


def load_config(folder: Path) -> ClipSonicConfig:
    """The config of a checkpoint folder. Raises CheckpointUnusable with the path and what is wrong."""
    return read_config(folder, ClipSonicConfig, "a CLIPSonic checkpoint")


def load_net(folder: Path) -> Unet | FrameNet:
    """The net of a checkpoint folder: float32, in evaluation mode. Raises CheckpointUnusable."""
    tensors = read_tensors(folder / WEIGHTS)
    net = build_net(load_config(folder))
    fill(net, tensors, folder / WEIGHTS)
    return net.eval()
