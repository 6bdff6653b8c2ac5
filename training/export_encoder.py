"""Writes a trained pair as the folder that `models.encoders.bundled` reads: config.json and model.safetensors."""

# ruff: noqa: TID253 - training is torch
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.encoders.pictures import on_white

if TYPE_CHECKING:
    from training.encoder import Classes, Pair, Recipe
    from training.pictures import Row


def means(
    pair: Pair, rows: list[Row], pictures: NDArray[np.uint8], classes: Classes, *, per_class: int = 8
) -> tuple[Tensor, Tensor]:
    """The mean of each modality's unit vectors over the training classes, each class counting the same."""
    place = {name: index for index, name in enumerate(classes.names)}
    members: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        name = row.concept or row.label
        if row.split == "train" and name in place and len(members.setdefault(place[name], [])) < per_class:
            members[place[name]].append(index)
    image = torch.stack([pair_vectors(pair, pictures, chosen).mean(0) for chosen in members.values()]).mean(0)
    with torch.inference_mode():
        said = F.normalize(pair.text(classes.sentences), dim=1)
    first = classes.first.tolist()
    text = torch.stack([said[first[index] : first[index + 1]].mean(0) for index in members]).mean(0)
    return image, text


def pair_vectors(pair: Pair, pictures: NDArray[np.uint8], chosen: Iterable[int]) -> Tensor:
    """Unit vectors of the chosen pictures, laid on white, before any mean is taken off."""
    from PIL import Image

    rgb = np.stack([on_white(Image.fromarray(pictures[index], "RGBA")) for index in chosen])
    with torch.inference_mode():
        return F.normalize(pair.image(torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255), dim=1)


def export(
    pair: Pair, recipe: Recipe, rows: list[Row], pictures: NDArray[np.uint8], classes: Classes, folder: Path
) -> None:
    """Writes the folder, tensors in half precision; `version` is the start of the weights' own hash."""
    from safetensors.torch import save

    pair.eval()
    image_mean, text_mean = means(pair, rows, pictures, classes)
    tensors = {f"image.{name}": value for name, value in pair.image.state_dict().items()}
    tensors |= {f"text.{name}": value for name, value in pair.text.state_dict().items()}
    tensors = {name: value for name, value in tensors.items() if not name.endswith("num_batches_tracked")}
    tensors |= {"image_mean": image_mean, "text_mean": text_mean}
    data = save({name: value.half().contiguous() for name, value in tensors.items()})
    config = {
        "format": "talescape-encoder/1",
        "version": "bundled-" + hashlib.sha256(data).hexdigest()[:12],
        "widths": list(recipe.widths),
        "depths": list(recipe.depths),
        "n_hidden": recipe.n_hidden,
        "n_dimensions": recipe.n_dimensions,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(data)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
