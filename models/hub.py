"""Weights from a model hub: where they are on this machine, and how to get them when they are not. Never downloads."""

from __future__ import annotations

import os
from pathlib import Path

from models.engines import Readiness
from models.errors import EngineUnavailable


def local_weights(repository: str, *, variable: str, file: str) -> Path | None:
    """The folder with the weights: the one that the environment variable names, else the hub's local cache, else None.

    `file` is one that every complete copy holds, such as "model_index.json".
    """
    named = os.environ.get(variable)
    if named:
        folder = Path(named)
        return folder if (folder / file).is_file() else None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, file)
    return Path(found).parent if isinstance(found, str) else None


def readiness_of(repository: str, *, variable: str, file: str) -> Readiness:
    """Ready when the weights are on this machine; otherwise how to get them."""
    if local_weights(repository, variable=variable, file=file) is not None:
        return Readiness(True)
    named = os.environ.get(variable)
    if named:
        return Readiness(False, f"{variable} names {named}, which holds no {file}")
    return Readiness(False, f"weights: hf download {repository} (or a local copy named by {variable})")


def weights_folder(repository: str, *, variable: str, file: str) -> Path:
    """As local_weights, but raises EngineUnavailable with the way to get them."""
    folder = local_weights(repository, variable=variable, file=file)
    if folder is None:
        raise EngineUnavailable(readiness_of(repository, variable=variable, file=file).needs)
    return folder
