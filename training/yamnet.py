"""YAMNet, an outside ear: which of AudioSet's 521 classes a sound is heard as.

Conventions: windows of 15,600 samples (0.975 s) at 16 kHz mono, half of it apart; scores are 0 to 1 and are
averaged over the windows. The embedding is what the last layer reads: 1024 numbers a window, none negative.
The model is TFLite and runs in ai-edge-litert (the `judge` extra).
"""

from __future__ import annotations

import csv
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.clip import Clip, resample, with_channels
from models.errors import EngineUnavailable

SAMPLE_RATE = 16_000
WINDOW_SAMPLES = 15_600
HOP_SAMPLES = WINDOW_SAMPLES // 2
EMBEDDING_TENSOR = 112
"""The mean over time and frequency before the classifier, in the published TFLite file."""
N_EMBEDDING = 1024


@dataclass(frozen=True)
class Heard:
    """One class and its mean score."""

    name: str
    score: float


@dataclass(frozen=True)
class Listened:
    """What one pass over a clip gives: scores (n_windows, 521) and embeddings (n_windows, 1024)."""

    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]


class Yamnet:
    """The judge, loaded from a folder that holds `yamnet.tflite` and `yamnet_class_map.csv`."""

    def __init__(self, folder: Path) -> None:
        model, class_map = folder / "yamnet.tflite", folder / "yamnet_class_map.csv"
        for path in (model, class_map):
            if not path.is_file():
                raise EngineUnavailable(
                    f"{path}: is not there; put yamnet.tflite and yamnet_class_map.csv (YAMNet's TFLite release, "
                    "Apache-2.0) into one folder and name that folder"
                )
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise EngineUnavailable(
                f"YAMNet needs ai-edge-litert, which cannot be imported ({error}); pip install 'talescape[judge]'"
            ) from error
        with class_map.open(newline="", encoding="utf-8") as file:
            self.names = [row["display_name"] for row in csv.DictReader(file)]
        with warnings.catch_warnings():  # it warns that tensors are kept, which is what embeddings need
            warnings.simplefilter("ignore", UserWarning)
            self._interpreter: Any = Interpreter(
                model_path=str(model), num_threads=1, experimental_preserve_all_tensors=True
            )
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        self._interpreter.resize_tensor_input(self._input, [WINDOW_SAMPLES])
        self._interpreter.allocate_tensors()

    def listen(self, clip: Clip) -> Listened:
        """Scores and embeddings of every window; a clip shorter than one window is filled with silence."""
        mono = resample(with_channels(clip, 1), SAMPLE_RATE).samples[0]
        if len(mono) < WINDOW_SAMPLES:
            mono = np.pad(mono, (0, WINDOW_SAMPLES - len(mono)))
        scores, embeddings = [], []
        for start in range(0, len(mono) - WINDOW_SAMPLES + 1, HOP_SAMPLES):
            self._interpreter.set_tensor(self._input, mono[start : start + WINDOW_SAMPLES])
            self._interpreter.invoke()
            scores.append(np.array(self._interpreter.get_tensor(self._output)[0]))
            embeddings.append(np.array(self._interpreter.get_tensor(EMBEDDING_TENSOR)[0]))
        return Listened(np.stack(scores).astype(np.float32), np.stack(embeddings).astype(np.float32))

    def scores(self, clip: Clip) -> NDArray[np.float32]:
        """Scores of every window, (n_windows, 521); a clip shorter than one window is filled with silence."""
        return self.listen(clip).scores

    def ranking(self, clip: Clip) -> list[Heard]:
        """Every class by its mean score, best first."""
        return self.ranked(self.scores(clip))

    def ranked(self, scores: NDArray[np.float32]) -> list[Heard]:
        """Every class by its mean over windows of scores, best first."""
        mean = scores.mean(axis=0)
        return [Heard(self.names[number], float(mean[number])) for number in np.argsort(-mean, kind="stable")]

    def hears(self, clip: Clip, top: int = 5) -> list[Heard]:
        """The best classes, best first."""
        return self.ranking(clip)[:top]


def best_rank(ranking: list[Heard], names: tuple[str, ...]) -> int:
    """The best rank, from 1, that any of the names has. Refuses names that YAMNet does not know."""
    known = {heard.name: rank for rank, heard in enumerate(ranking, start=1)}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"YAMNet has no class {', '.join(map(repr, unknown)) or '(none given)'}")
    return min(known[name] for name in names)
