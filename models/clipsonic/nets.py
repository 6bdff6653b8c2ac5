"""The net that a config names."""

from __future__ import annotations

from models.clipsonic.config import ClipSonicConfig, UnetConfig
from models.clipsonic.frame_net import FrameNet
from models.clipsonic.unet import Unet


def build_net(config: ClipSonicConfig) -> Unet | FrameNet:
    """A fresh net with random weights: seed torch first for the same ones."""
    n_outputs_per_mel = config.n_outputs // config.mel.n_mels
    if isinstance(config.net, UnetConfig):
        return Unet(config.net, n_outputs_per_mel=n_outputs_per_mel, query_size=config.query_size)
    return FrameNet(
        config.net, n_mels=config.mel.n_mels, n_outputs_per_mel=n_outputs_per_mel, query_size=config.query_size
    )
