"""Begins a net with queries from the net of a LabelSep run: its U-Net, and a query layer that stands in for labels.

LabelSep knows a sound by a class label alone: no text and no picture has a part in it. The query layer is the least
squares solution that gives each of a concept's pictures what the label's query was; training goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from models.clipsep.checkpoint import load_config, load_net
from models.clipsep.net import SeparationNet
from training.mixtures import QueryBank
from training.queries import label_vectors
from training.sounds import DataUnusable

RIDGE = 1.0
"""Weight of the squared length of the query layer beside the squared error, summed over concepts."""


def start_from_labels(net: SeparationNet, folder: Path, banks: Sequence[QueryBank]) -> None:
    """Fills a net from a LabelSep checkpoint of the same width. Raises DataUnusable when it is of another kind."""
    config, labelled = load_config(folder), load_net(folder)
    if config.query != "label" or config.net.width != net.config.width:
        raise DataUnusable(
            f"{folder}: is a {config.query} net of width {config.net.width}; "
            f"this run starts from a label net of width {net.config.width}"
        )
    with torch.no_grad():
        logits = labelled.query_logits(torch.from_numpy(label_vectors(len(config.labels)))).numpy()
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
    state = {name: tensor for name, tensor in labelled.state_dict().items() if not name.startswith("query_layer.")}
    net.load_state_dict(state, strict=False)
    with torch.no_grad():
        net.query_layer.weight.copy_(torch.from_numpy(layer.T))
        net.query_layer.bias.copy_(torch.from_numpy(offset))
