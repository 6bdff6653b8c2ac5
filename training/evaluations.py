"""Measurements by name: each is a module with a command line of its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from models.errors import ModelError

EVALUATIONS = {
    "clipsep": "training.evaluate_clipsep",
    "clipsonic": "training.evaluate_clipsonic",
    "effects": "training.evaluate_effects",
    "encoder": "training.evaluate_encoder",
    "scene": "training.evaluate_scene",
    "speech": "training.evaluate_speech",
    "vocoder": "training.evaluate_vocoder",
}


class EvaluationUnknown(ModelError):
    """No measurement has that name."""


def evaluate(name: str, arguments: Sequence[str]) -> None:
    """Runs a measurement with its own arguments; it prints its table. Raises EvaluationUnknown with the names."""
    if name not in EVALUATIONS:
        raise EvaluationUnknown(f"nothing called {name!r} can be measured; there are: {', '.join(EVALUATIONS)}")
    module = importlib.import_module(EVALUATIONS[name])
    before, sys.argv = sys.argv, [f"talescape evaluate {name}", *arguments]
    try:
        module.main()
    finally:
        sys.argv = before
