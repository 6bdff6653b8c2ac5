"""The encoder that ships with the program: a small image tower and a head on the locked sentence encoder.

Conventions: vectors are float32, (n, n_dimensions); each modality's mean over the training classes is taken off, which
lays words and pictures of one thing close to one another, and the length is sqrt(n_dimensions), so that elements have
about unit variance. `training.encoder` trains it; what it learned from, and how well, stands in weights/MODEL_CARD.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from models.encoders import unit
from models.encoders.pictures import square_colours
from models.encoders.sentence import N_DIMENSIONS as N_SENTENCE
from models.encoders.sentence import sentence_vectors
from models.errors import EngineUnavailable, ModelError
from models.threads import one_thread

if TYPE_CHECKING:
    from torch import Tensor

    from models.encoders.tower import ImageTower, TextHead

WEIGHTS = Path(__file__).parent / "weights"
BATCH = 64


class Config(BaseModel):
    """config.json of an encoder's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: str
    version: str
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    n_hidden: int
    n_dimensions: int


class Bundled:
    """Words and pictures to one space, offline."""

    def __init__(self, config: Config, image: ImageTower, text: TextHead, means: dict[str, Tensor]) -> None:
        self.version = config.version
        self.n_dimensions = config.n_dimensions
        self._image, self._text = image, text
        self._image_mean, self._text_mean = (means[name].numpy() for name in ("image_mean", "text_mean"))

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, n_dimensions); what passes the sentence encoder's 256 word pieces is not looked at."""
        import torch

        if not texts:
            return np.zeros((0, self.n_dimensions), np.float32)
        with one_thread(), torch.inference_mode():
            said = self._text(torch.from_numpy(sentence_vectors(texts))).numpy()
        return self._placed(said, self._text_mean)

    def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        """(n, n_dimensions). Raises PictureUnreadable with the name of the first file that is no picture."""
        import torch

        from models.encoders.tower import SIDE

        parts = [np.zeros((0, self.n_dimensions), np.float32)]
        for begin in range(0, len(paths), BATCH):
            colours = np.stack([square_colours(path, SIDE) for path in paths[begin : begin + BATCH]])
            with one_thread(), torch.inference_mode():
                seen = self._image(torch.from_numpy(colours).permute(0, 3, 1, 2).float() / 255).numpy()
            parts.append(self._placed(seen, self._image_mean))
        return np.concatenate(parts)

    def _placed(self, vectors: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.float32]:
        return unit(unit(vectors) - mean) * np.float32(np.sqrt(self.n_dimensions))


def bundled(folder: str = "") -> Bundled:
    """The encoder of that folder, or the one that ships with the program. Loads it once."""
    return _load(Path(folder) if folder else WEIGHTS)


@lru_cache(maxsize=4)
def _load(folder: Path) -> Bundled:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from models.encoders.tower import ImageTower, TextHead

    config_file, weights_file = folder / "config.json", folder / "model.safetensors"
    for path in (config_file, weights_file):
        if not path.is_file():
            raise EngineUnavailable(
                f"{path}: is not there; an encoder's folder holds config.json and model.safetensors"
            )
    try:
        config = Config.model_validate(json.loads(config_file.read_text("utf-8")))
        tensors = {name: value.float() for name, value in load_file(weights_file).items()}
        image = ImageTower(widths=config.widths, depths=config.depths, n_dimensions=config.n_dimensions)
        text = TextHead(n_sentence=N_SENTENCE, n_hidden=config.n_hidden, n_dimensions=config.n_dimensions)
        means = {name: tensors.pop(name) for name in ("image_mean", "text_mean")}
        # BatchNorm's counters are not stored: they serve training only
        missing, strange = [], sorted(name for name in tensors if name.partition(".")[0] not in ("image", "text"))
        for prefix, net in (("image.", image), ("text.", text)):
            own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            found = net.load_state_dict(own, strict=False)
            missing += [prefix + name for name in found.missing_keys if not name.endswith("num_batches_tracked")]
            strange += [prefix + name for name in found.unexpected_keys]
    except (ValidationError, ValueError, KeyError, RuntimeError, SafetensorError, OSError) as error:
        raise ModelError(f"{folder}: is not an encoder's folder, or is broken: {error}") from error
    if missing or strange:
        raise ModelError(f"{weights_file}: lacks {missing or 'nothing'}, and has {strange or 'nothing'} too much")
    return Bundled(config, image.eval(), text.eval(), means)
