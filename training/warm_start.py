"""Begins a net with queries from the net of a LabelSep run: its U-Net, and a query layer that stands in for labels.

LabelSep knows a sound by a class label alone: no text and no picture has a part in it. The query layer is the least
squares solution that gives each of a concept's pictures what the label's query was; training goes on from there.
The labelled net may be narrower than the new one: it is then widened so that it computes the same.

    python -m training.warm_start CHECKPOINT --pictures VECTORS --out FOLDER     a labelled net of one asked by pictures
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.clipsep.checkpoint import load_config, load_net, save_checkpoint
from models.clipsep.net import SeparationNet
from training.mixtures import QueryBank
from training.queries import label_vectors, picture_bank
from training.sounds import DataUnusable

ONE_SIDED = ("input_norm.", "query_layer.", "noise_heads.", "scale", "bias", "up_convs.0.bias")
"""Parts whose size does not depend on the width."""
WIDENING_NOISE = 0.02
"""Noise on widened weights, relative to their own spread: without it the copies would learn the same for ever."""
RIDGE = 1.0
"""Weight of the squared length of the query layer beside the squared error, summed over concepts."""


def start_from_labels(net: SeparationNet, folder: Path, banks: Sequence[QueryBank]) -> None:
    """Fills a net from a LabelSep checkpoint whose width divides its own; without banks (PIT) the U-Net alone.

    Raises DataUnusable for a checkpoint of another kind.
    """
    config, source = load_config(folder), load_net(folder)
    if config.query != "label" or net.config.width % config.net.width:
        raise DataUnusable(
            f"{folder}: is a {config.query} net of width {config.net.width}; "
            f"this run starts from a label net of width {net.config.width}, or of a width that divides it"
        )
    state = {name: tensor for name, tensor in source.state_dict().items() if not name.startswith("query_layer.")}
    times = net.config.width // config.net.width
    net.load_state_dict(widened(state, times) if times > 1 else state, strict=False)
    if not banks:
        return
    with torch.no_grad():
        logits = source.query_logits(torch.from_numpy(label_vectors(len(config.labels)))).numpy()
    rows = [
        (vectors, logits[config.labels.index(concept)])
        for bank in banks
        for concept, vectors in bank.items()
        if concept in config.labels
    ]
    if not rows:
        raise DataUnusable(f"{folder}: shares no concept with the queries; it knows {', '.join(config.labels)}")
    weights = np.concatenate([np.full(len(vectors), len(vectors) ** -0.5) for vectors, _ in rows])[:, None]
    given = np.concatenate([vectors for vectors, _ in rows]).astype(np.float64)
    wanted = np.concatenate([np.tile(logit, (len(vectors), 1)) for vectors, logit in rows]).astype(np.float64)
    offset = np.mean([logit for _, logit in rows], axis=0)
    scaled = given * weights
    square = scaled.T @ scaled + RIDGE * np.eye(given.shape[1])
    layer = np.linalg.solve(square, scaled.T @ ((wanted - offset) * weights))
    with torch.no_grad():
        net.query_layer.weight.copy_(torch.from_numpy(layer.T))
        net.query_layer.bias.copy_(torch.from_numpy(offset))


def widened(
    state: Mapping[str, Tensor], times: int, *, noise: float = WIDENING_NOISE, seed: int = 0
) -> dict[str, Tensor]:
    """Weights of a net `times` as wide that computes the same but for the noise (Net2Net, Chen et al. 2016, eq. 2).

    Every map stands `times` in a row, and what reads them weighs each by 1 / times.
    """
    generator = torch.Generator().manual_seed(seed)
    wide = {}
    for name, tensor in state.items():
        if name.startswith(ONE_SIDED) or tensor.dim() == 0:
            wide[name] = tensor
            continue
        copies = tensor if name == "up_convs.0.weight" else tensor.repeat_interleave(times, 0)
        if tensor.dim() == 4:
            if name != "down_convs.0.weight":
                copies = copies.repeat_interleave(times, 1) / times
            copies = copies + noise * copies.std() * torch.randn(copies.shape, generator=generator)
        wide[name] = copies
    return wide


def labelled(folder: Path, pictures: Path, out: Path) -> None:
    """Writes a LabelSep checkpoint that answers each label as the net in `folder` answers that concept's pictures."""
    config, net = load_config(folder), load_net(folder)
    with np.load(pictures, allow_pickle=False) as file:
        concepts = sorted({str(name) for name in file["concepts"]})
    bank = picture_bank(pictures, "train", concepts)
    centres = np.stack([vectors.mean(axis=0) for vectors in bank.values()])
    with torch.no_grad():
        logits = net.query_logits(torch.from_numpy(centres))
    size = net.config.model_copy(update={"query_size": len(bank)})
    answer = SeparationNet(size)
    answer.load_state_dict({**net.state_dict(), "query_layer.weight": torch.zeros(logits.T.shape)})
    with torch.no_grad():
        answer.query_layer.bias.copy_(logits.mean(0))
        answer.query_layer.weight.copy_((logits - logits.mean(0)).T / len(bank) ** 0.5)
    facts = {**config.trained, "name": f"{config.trained.get('name', folder.name)}, its queries as labels"}
    save_checkpoint(
        answer,
        config.model_copy(
            update={
                "net": size,
                "query": "label",
                "encoder": "",
                "encoder_version": "",
                "labels": list(bank),
                "trained": facts,
            }
        ),
        out,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of a net asked by pictures")
    parser.add_argument("--pictures", type=Path, required=True, help="npz of picture vectors of its own encoder")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    labelled(given.checkpoint, given.pictures, given.out)
    print(given.out)


if __name__ == "__main__":
    main()
