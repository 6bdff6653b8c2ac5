"""A whole CLIPSonic at toy size: a checkpoint with random weights, an encoder, a vocoder, a table of what it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.clip import Clip
from models.clipsonic.checkpoint import save_checkpoint
from models.clipsonic.config import ClipSonicConfig, FramesConfig, SamplingConfig
from models.clipsonic.engine import ClipSonic
from models.clipsonic.knows import Known, write_knows
from models.clipsonic.nets import build_net
from models.vocoder.mel import MelScale

MEL = MelScale(n_fft=1024, hop=320, n_mels=8)
N_FRAMES = 64
KNOWN = [
    Known("dog", ("a dog barking", "barking"), 0.9, 10),
    Known("rain", ("rain falling", "heavy rain"), 0.5, 10),
    Known("church bell", ("church bells ringing",), 0.1, 10),
]


class ToyEncoder:
    """Vectors that follow from the spelling; a picture is what its file's name says."""

    version = "toy-1"
    n_dimensions = 6

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        drawn = [np.random.default_rng(list(digest)).standard_normal(6) for digest in digests]
        return np.array(drawn, np.float32).reshape(-1, 6)

    def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        return self.texts([path.stem for path in paths])


class ToyVocoder:
    """Noise as loud as the mel's mean."""

    version = "toy-2"
    scale = MEL

    def waveform(self, log_mel: torch.Tensor) -> Clip:
        level = np.repeat(log_mel.mean(0).exp().numpy(), MEL.hop) * 0.01
        made = np.random.default_rng(0).standard_normal(len(level)) * level
        return Clip(made.astype(np.float32)[None], MEL.sample_rate)


class ToyPrior:
    version = "toy-3"

    def vectors(self, texts: Sequence[str], *, seed: int, **_: object) -> NDArray[np.float32]:
        return np.full((len(texts), 6), seed % 7, np.float32)


def toy_config(**changes: object) -> ClipSonicConfig:
    told = {
        "mel": MEL,
        "n_frames": N_FRAMES,
        "mel_mean": -1.0,
        "mel_std": 1.0,
        "query_size": 6,
        "encoder_version": "toy-1",
        "net": FramesConfig(width=16, depth=2, n_heads=2, patch=2),
        "prediction": "velocity",
        "learned_variance": False,
        "sampling": SamplingConfig(n_steps=3),
    }
    return ClipSonicConfig.model_validate(told | changes)


def toy_folder(folder: Path, **changes: object) -> Path:
    """A checkpoint whose random net leaves noise about as it is."""
    config = toy_config(**changes)
    torch.manual_seed(0)
    net = build_net(config)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_checkpoint(net, config, folder)
    write_knows(KNOWN, folder / "knows.csv")
    return folder


def toy_engine(folder: Path, **changes: object) -> ClipSonic:
    return ClipSonic(toy_folder(folder, **changes), words_encoder=ToyEncoder(), wave_maker=ToyVocoder())
