"""Checkpoints: a folder with config.json and model.safetensors; never a pickle."""

# ruff: noqa: TID253 - weights are torch; whoever needs them imports this file lazily
from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import BaseModel, ValidationError
from torch import Tensor, nn

from models.errors import CheckpointUnusable, ModelError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".tar")
Config = TypeVar("Config", bound=BaseModel)


def write_checkpoint(net: nn.Module, config: BaseModel, folder: Path, *, half: bool = True) -> None:
    """Writes the folder, in half precision unless told otherwise; each file under a temporary name first.

    Raises CheckpointUnusable for weights that are not finite numbers.
    """
    from safetensors.torch import save

    dtype = torch.float16 if half else torch.float32
    tensors = {
        name: tensor.detach().cpu().to(dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in net.state_dict().items()
    }
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointUnusable(f"{folder / WEIGHTS}: {name} holds values that are not finite numbers; not saved")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / WEIGHTS, save(tensors))
    _write(folder / CONFIG, (config.model_dump_json(indent=2) + "\n").encode("utf-8"))


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def read_config(folder: Path, kind: type[Config], what: str) -> Config:
    """The config of a checkpoint folder; `what` names it in errors, as "a CLIPSep checkpoint".

    Raises CheckpointUnusable with the path and what is wrong.
    """
    path = folder / CONFIG
    if not folder.is_dir():
        pickle = f"; {folder.suffix} files can run code when read" if folder.suffix.lower() in PICKLES else ""
        raise CheckpointUnusable(f"{folder}: is not a folder, and holds no {CONFIG}{pickle}")
    if not path.is_file():
        raise CheckpointUnusable(f"{folder}: holds no {CONFIG}; {what} has {CONFIG} and {WEIGHTS}")
    try:
        return kind.model_validate(json.loads(path.read_text("utf-8")))
    except (ValidationError, ValueError, ModelError) as error:
        raise CheckpointUnusable(f"{path}: is not the config of {what}: {error}") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises CheckpointUnusable for what is missing, cut short or foreign."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        others = sorted(p.name for p in path.parent.glob("*") if p.suffix.lower() in PICKLES)
        found = f"; {', '.join(others)} is not read, because pickles can run code" if others else ""
        raise CheckpointUnusable(f"{path}: is not there{found}")
    with path.open("rb") as file:
        head = file.read(9)
    # a safetensors file begins with the length of its header, which may begin with \x80 too, and goes on with "{"
    if head[:4] == b"PK\x03\x04" or (head[:1] == b"\x80" and head[8:] != b"{"):
        raise CheckpointUnusable(f"{path}: is a pickle by another name and can run code; only safetensors are read")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointUnusable(f"{path}: is cut short or not a safetensors file: {error}") from error


def fill(net: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Puts tensors into a net: every name must be there, none may be left over, shapes must agree."""
    wanted = net.state_dict()
    missing, foreign = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or foreign:
        raise CheckpointUnusable(
            f"{path}: is of another net: {len(missing)} tensors are missing ({', '.join(missing[:3])}), "
            f"{len(foreign)} are unknown ({', '.join(foreign[:3])})"
        )
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            raise CheckpointUnusable(
                f"{path}: is of another net: {name} is {tuple(tensor.shape)}, "
                f"the config asks for {tuple(wanted[name].shape)}"
            )
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointUnusable(f"{path}: {name} holds values that are not finite numbers")
    net.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in tensors.items()})


def version_of(folder: Path) -> str:
    """Changes when the weights or the config do. Raises CheckpointUnusable when they are not there."""
    digest = hashlib.sha256()
    for path in (folder / CONFIG, folder / WEIGHTS):
        if not path.is_file():
            raise CheckpointUnusable(f"{folder}: holds no {path.name}")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
