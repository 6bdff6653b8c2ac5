"""The trained vocoder: a checkpoint folder behind the vocoder's protocol, for mels of any length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.checkpoints import version_of
from models.clip import Clip
from models.vocoder.checkpoint import load_net
from models.vocoder.mel import MelUnusable
from models.vocoder.net import VocoderNet, start_angles

CHUNK_FRAMES = 1024


class NeuralVocoder:
    """A net of a checkpoint folder. Raises CheckpointUnusable."""

    def __init__(self, folder: Path) -> None:
        self._net = load_net(folder)
        self.version = version_of(folder)
        self.scale = self._net.config.scale

    def waveform(self, log_mel: Tensor) -> Clip:
        """(n_mels, n_frames) -> mono at the scale's rate, n_frames * hop samples; the same mel, the same samples."""
        pieces = [piece.numpy() for piece in in_chunks(self._net, log_mel)]
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return Clip(samples.astype(np.float32)[None], self.scale.sample_rate)


def in_chunks(net: VocoderNet, log_mel: Tensor, *, n_frames: int = CHUNK_FRAMES, seed: int = 0) -> Iterator[Tensor]:
    """(n_mels, T) -> samples of `n_frames` mel frames each, in order: together what one pass over all would give.

    Each chunk is made with as many frames around it as the net looks at, and the phases of a frame depend on its
    number alone, so memory stays the same for mels of any length. Raises MelUnusable for another number of mels.
    """
    config = net.config
    if log_mel.ndim != 2 or log_mel.shape[0] != config.scale.n_mels:
        raise MelUnusable(f"mel of shape {tuple(log_mel.shape)}: this vocoder reads ({config.scale.n_mels}, n_frames)")
    reach, hop = config.reach, config.scale.hop
    for begin in range(0, log_mel.shape[1], n_frames):
        end = min(begin + n_frames, log_mel.shape[1])
        first, last = max(begin - reach, 0), min(end + reach, log_mel.shape[1])
        angles = start_angles(first * config.split, (last - first) * config.split, config.n_angles, seed=seed)
        with torch.inference_mode():
            samples = net(log_mel[None, :, first:last].float(), angles[None])[0]
        yield samples[(begin - first) * hop : (end - first) * hop]
