"""CLIPSep as an engine: words or pictures in, the sound that they name out of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clip import Clip, Samples
from models.clipsep.checkpoint import CheckpointConfig, load_config, load_net
from models.clipsep.confidence import Evidence, gate, sureness
from models.clipsep.level import GatedLevel
from models.clipsep.net import SeparationNet
from models.clipsep.queries import prompted, refuse_unusable
from models.clipsep.streaming import Blocks, Magnitudes, Masks, Observer, Part, Recording, separate_blocks
from models.clipsep.warp import log_magnitude, unwarp, warp
from models.encoders import Encoder, encoder
from models.engines import Readiness, SoundQuery
from models.errors import QueryUnusable

WEIGHTS = Path(__file__).parent / "weights"
"""The bundled checkpoint."""

TARGET_RMS = 0.06
"""The net hears every recording at this gated level, the middle of its training's: then loud and soft ones are
separated alike (a recording at -50 dB of it would lose 0.9 dB SDR, one at -30 dB 0.1 dB)."""


class ClipSep:
    """Separates by the checkpoint in `folder`; the net and its encoder are loaded at the first query."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "Apache-2.0; credits of the training sounds in models/clipsep/weights"

    def __init__(self, folder: Path = WEIGHTS, *, words_encoder: Encoder | None = None, gated: bool = True) -> None:
        """`gated` False leaves the masks as the net gives them, as the paper measures it."""
        self._folder, self._given_encoder, self._gated = folder, words_encoder, gated

    @staticmethod
    def readiness() -> Readiness:
        if (WEIGHTS / "config.json").is_file():
            return Readiness(True)
        return Readiness(False, f"a checkpoint in {WEIGHTS}: talescape train makes one")

    def separate(self, mixture: Clip, query: str) -> Clip:
        """The sound that the words name, as long, with the same rate and channels. Raises QueryUnusable."""
        samples, _ = self.separate_all(mixture, [SoundQuery(query)])
        return Clip(samples[0], mixture.sample_rate, credits=mixture.credits)

    def separate_all(self, mixture: Clip, queries: Sequence[SoundQuery]) -> tuple[Samples, list[float]]:
        """The sound of each query (n_queries, channels, n_samples), and how sure it is that each is there."""
        level = GatedLevel(mixture.sample_rate)
        level.add(mixture.samples)
        separation = self.begin(Recording(mixture.sample_rate, *mixture.samples.shape), queries, level_rms=level.rms())
        parts = [part.parts for part in separation.parts([mixture.samples])]
        nothing = np.zeros((len(queries), *mixture.samples.shape), np.float32)
        return (np.concatenate(parts, axis=2) if parts else nothing), separation.confidences()

    def begin(self, recording: Recording, queries: Sequence[SoundQuery], *, level_rms: float) -> Separation:
        """A separation that takes blocks; `level_rms` is the recording's gated level. Raises QueryUnusable."""
        refuse_unusable(queries)
        vectors = torch.from_numpy(self.query_vectors(queries)).to(_device())
        return Separation(self._net, vectors, recording, level_rms, gated=self._gated)

    def query_vectors(self, queries: Sequence[SoundQuery]) -> NDArray[np.float32]:
        """What the net is asked with: (n_queries, query_size)."""
        if self._config.query == "none":
            raise QueryUnusable(f"{self._folder}: this checkpoint was trained without queries (PIT)")
        if self._config.query == "label":
            return self._label_vectors(queries)
        return np.stack([self._query_vector(query) for query in queries])

    def _query_vector(self, query: SoundQuery) -> NDArray[np.float32]:
        vectors = []
        if query.text:
            vectors.append(self._encoder.texts(prompted(query.text)).mean(axis=0))
        if query.image is not None:
            vectors.append(self._encoder.pictures([query.image])[0])
        mean: NDArray[np.float32] = np.mean(vectors, axis=0, dtype=np.float32)
        return mean

    def _label_vectors(self, queries: Sequence[SoundQuery]) -> NDArray[np.float32]:
        labels = self._config.labels
        vectors = np.zeros((len(queries), len(labels)), np.float32)
        for row, query in zip(vectors, queries, strict=True):
            if query.text.strip() not in labels:
                raise QueryUnusable(f"{query.text!r} is not a label of this checkpoint; it has: {', '.join(labels)}")
            row[labels.index(query.text.strip())] = 1.0
        return vectors

    @cached_property
    def _config(self) -> CheckpointConfig:
        return load_config(self._folder)

    @cached_property
    def _net(self) -> SeparationNet:
        # a third faster on a CPU in this order of memory (105 ms -> 69 ms a window at width 32, one core)
        return load_net(self._folder).to(_device()).to(memory_format=torch.channels_last)

    @cached_property
    def _encoder(self) -> Encoder:
        return self._given_encoder or encoder(self._config.encoder)


class Separation:
    """One recording under way: its blocks go through once, and afterwards it says how sure it is of each query."""

    def __init__(
        self, net: SeparationNet, vectors: Tensor, recording: Recording, level_rms: float, *, gated: bool
    ) -> None:
        self._net, self._recording, self._n_queries, self._gated = net, recording, len(vectors), gated
        self._gain = TARGET_RMS / level_rms if level_rms > 0.0 else 1.0
        with torch.inference_mode():
            self._query_logits = net.query_logits(vectors)  # (Q, 32)
        self._evidence = Evidence(len(vectors))

    def parts(
        self,
        blocks: Iterable[Blocks],
        *,
        combine: NDArray[np.float32] | None = None,
        share: bool = False,
        observers: Sequence[Observer] = (),
    ) -> Iterator[Part]:
        """The stretches of the recording with each query's sound; see `separate_blocks`."""
        return separate_blocks(
            blocks,
            self._recording,
            self.masks,
            self._n_queries,
            combine=combine,
            share=share,
            observers=observers,
            n_batch=2 if self._query_logits.device.type == "cpu" else 16,
        )

    def confidences(self) -> list[float]:
        """How sure it is, 0 to 1, that each query's sound is in what has gone through so far."""
        return self._evidence.confidences()

    def masks(self, windows: Magnitudes) -> Masks:
        """One pass of the U-Net, however many queries: (B, 513, 256) -> (B, Q, 513, 256)."""
        with torch.inference_mode():
            warped = warp(torch.from_numpy(windows).to(self._query_logits.device)) * self._gain  # (B, 256, 256)
            maps = log_magnitude(warped)[:, None].contiguous(memory_format=torch.channels_last)
            features = self._net.features(maps)  # (B, 32, 256, 256)
            logits = self._query_logits.expand(len(windows), -1, -1)
            masks = torch.sigmoid(self._net.mask_logits(features, logits))  # (B, Q, 256, 256)
            sure = sureness(warped, masks)  # (B, Q, 256)
            self._evidence.add(warped, sure)
            gated = masks * gate(sure)[:, :, None] if self._gated else masks
            found: Masks = unwarp(gated).cpu().numpy()
        return found


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
