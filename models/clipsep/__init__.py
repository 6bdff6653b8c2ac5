"""CLIPSep: separation of any sound by words, learned from pictures (Dong et al. 2023)."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

BUNDLED_WEIGHTS = Path(__file__).parent / "weights"


@cache
def checkpoint_version() -> str | None:
    """Which weights are bundled, without loading them or torch: changes when they do; None when there are none."""
    config, weights = BUNDLED_WEIGHTS / "config.json", BUNDLED_WEIGHTS / "model.safetensors"
    if not (config.is_file() and weights.is_file()):
        return None
    digest = hashlib.sha256(config.read_bytes())
    with weights.open("rb") as file:
        digest.update(file.read(2**20))
    return digest.hexdigest()[:10]
