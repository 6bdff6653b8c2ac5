"""Query vectors for training: concept -> vectors of its pictures, of what people say of it, or its label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from models.clipsep.checkpoint import QueryKind
from training.mixtures import QueryBank
from training.sounds import DataUnusable

Floats = NDArray[np.float32]
SENTENCE = "sentence"
"""The name of the plain sentence encoder, which knows no pictures: BERTSep."""


class QueriesConfig(BaseModel):
    """Where query vectors come from and how they are varied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: QueryKind = "picture"
    encoder: str = "bundled"
    """A name of models/encoders, or "sentence" (text only)."""
    pictures: str = ""
    """npz file with `vectors` (n, D), `concepts` (n,) and `split` (n,), made by the encoder's own training tools."""
    split: str = "train"
    n_mixed: tuple[PositiveInt, PositiveInt] = (1, 1)
    """A query is the mean of this many vectors of its concept, drawn between the two: [3, 3] for a video's frames."""
    noise: float = Field(default=0.0, ge=0)
    """Standard deviation of the Gaussian noise on query vectors, whose elements have about unit variance."""


def query_banks(config: QueriesConfig, concepts: Sequence[str]) -> list[QueryBank]:
    """The banks that a kind of query draws from: one, or two that take turns for `hybrid`."""
    if config.kind == "label":
        return [dict(zip(concepts, label_vectors(len(concepts))[:, None], strict=True))]
    if config.kind == "none":
        return [dict.fromkeys(concepts, label_vectors(2))]
    banks: list[QueryBank] = []
    if config.kind in ("picture", "hybrid"):
        banks.append(picture_bank(Path(config.pictures), config.split, concepts))
    if config.kind in ("text", "hybrid"):
        banks.append(text_bank(config.encoder, concepts))
    return banks


def label_vectors(n: int) -> Floats:
    """One vector a label: one-hot, as long as an encoder's vectors of elements with unit variance are."""
    return np.eye(n, dtype=np.float32) * np.float32(np.sqrt(n))


def picture_bank(path: Path, split: str, concepts: Sequence[str]) -> QueryBank:
    """Vectors of the pictures of every concept that has any. Raises DataUnusable when the file cannot be used."""
    try:
        with np.load(path, allow_pickle=False) as file:
            vectors, names, splits = file["vectors"].astype(np.float32), file["concepts"], file["split"]
    except (OSError, KeyError, ValueError) as error:
        raise DataUnusable(f"{path}: is not a file of picture vectors: {error}") from error
    wanted = np.flatnonzero(splits == split)
    order = wanted[np.argsort(names[wanted], kind="stable")]
    known, begins = np.unique(names[order], return_index=True)
    groups = dict(zip(known.tolist(), np.split(vectors[order], begins[1:]), strict=True))
    found = {concept: groups[concept] for concept in concepts if concept in groups}
    if not found:
        raise DataUnusable(f"{path}: holds no {split} picture of any concept; it knows {', '.join(sorted(set(names)))}")
    return found


def text_vectors(encoder_name: str, texts: Sequence[str]) -> Floats:
    """Vectors of texts by an encoder of models/encoders or by the plain sentence encoder."""
    if encoder_name == SENTENCE:
        from models.encoders.sentence import N_DIMENSIONS, sentence_vectors

        return sentence_vectors(texts) * np.float32(np.sqrt(N_DIMENSIONS))
    from models.encoders import encoder

    return encoder(encoder_name).texts(texts)


def encoder_version(encoder_name: str) -> str:
    """The version of an encoder's vectors."""
    if encoder_name == SENTENCE:
        return "all-MiniLM-L6-v2"
    from models.encoders import encoder

    return encoder(encoder_name).version


def text_bank(encoder_name: str, concepts: Sequence[str]) -> QueryBank:
    """Vectors of what people say of every concept."""
    from training.concepts import sound_concepts, texts_of

    said = {concept.name: concept.says for concept in sound_concepts()}
    return {concept: text_vectors(encoder_name, texts_of(concept, said.get(concept, ()))) for concept in concepts}
