"""Encoders: words and pictures become vectors in one space, whose cosine says how near two meanings are.

Conventions: vectors are float32, (n, n_dimensions), as the net gives them: not of length 1, because CLIPSep and
CLIPSonic were published on such vectors (`unit` makes them so for cosines). Words and pictures of one encoder can be
compared; vectors of two encoders, or of two versions of one, cannot: keep `version` beside whatever you store.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from models.errors import EncoderUnknown


class Encoder(Protocol):
    """Words and pictures to one space. The same input gives the same vector."""

    version: str
    """Changes whenever any vector would."""
    n_dimensions: int

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text, (n, n_dimensions); words that are too many for the net are cut off, never refused."""
        ...

    def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        """One vector a picture file, (n, n_dimensions). Raises PictureUnreadable with the file's name."""
        ...


REGISTRY: dict[str, str] = {
    "bundled": "models.encoders.bundled:bundled",
    "open_clip": "models.encoders.published:open_clip",
}
"""Each names a function that takes what stands after the colon of `encoder`'s name ("" when nothing does)."""


def encoder(name: str) -> Encoder:
    """The encoder of that name: "bundled", "bundled:FOLDER", or "open_clip:MODEL/CHECKPOINT".

    CHECKPOINT is a published tag ("open_clip:ViT-B-32/openai") or a local file ("open_clip:ViT-B-32//data/b32.pt").
    Raises EncoderUnknown for other names and EngineUnavailable when the weights are not on this machine.
    """
    kind, _, rest = name.partition(":")
    if kind not in REGISTRY:
        raise EncoderUnknown(
            f"encoder {name!r} is unknown; there are: {', '.join(REGISTRY)} (open_clip:MODEL/CHECKPOINT)"
        )
    module, _, function = REGISTRY[kind].partition(":")
    return cast(Encoder, getattr(importlib.import_module(module), function)(rest))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors at length 1, so that a dot product is the cosine; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    normalised: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return normalised
