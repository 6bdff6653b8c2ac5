"""A CLIPSonic checkpoint: a folder with config.json and model.safetensors; never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
from pydantic import ValidationError

from models.clipsep.checkpoint import CONFIG, PICKLES, WEIGHTS, fill, read_tensors
from models.clipsonic.config import ClipSonicConfig
from models.clipsonic.frame_net import FrameNet
from models.clipsonic.nets import build_net
from models.clipsonic.unet import Unet
from models.errors import CheckpointUnusable, ModelError


def save_checkpoint(net: Unet | FrameNet, config: ClipSonicConfig, folder: Path, *, half: bool = True) -> None:
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


def load_config(folder: Path) -> ClipSonicConfig:
    """The config of a checkpoint folder. Raises CheckpointUnusable with the path and what is wrong."""
    path = folder / CONFIG
    if not folder.is_dir():
        pickle = f"; {folder.suffix} files can run code when read" if folder.suffix.lower() in PICKLES else ""
        raise CheckpointUnusable(f"{folder}: is not a folder with {CONFIG} and {WEIGHTS}{pickle}")
    if not path.is_file():
        raise CheckpointUnusable(f"{folder}: holds no {CONFIG}; a CLIPSonic checkpoint has {CONFIG} and {WEIGHTS}")
    try:
        return ClipSonicConfig.model_validate(json.loads(path.read_text("utf-8")))
    except (ValidationError, ValueError, ModelError) as error:
        raise CheckpointUnusable(f"{path}: is not the config of a CLIPSonic checkpoint: {error}") from error


def load_net(folder: Path) -> Unet | FrameNet:
    """The net of a checkpoint folder: float32, in evaluation mode. Raises CheckpointUnusable."""
    tensors = read_tensors(folder / WEIGHTS)
    net = build_net(load_config(folder))
    fill(net, tensors, folder / WEIGHTS)
    return net.eval()


def version_of(folder: Path) -> str:
    """Changes with any weight: the first 12 digits of the SHA-256 of the two files."""
    digest = hashlib.sha256()
    for name in (CONFIG, WEIGHTS):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
