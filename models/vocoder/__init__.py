"""Log-mel spectrograms and the ways back from them to a waveform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from models.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from models.clip import Clip
    from models.vocoder.mel import MelScale

BUNDLED_WEIGHTS = Path(__file__).parent / "weights"
NAMES = ("bundled", "griffin-lim", "bigvgan")


class VocoderUnusable(ModelError):
    """No vocoder has that name, or it reads mels of another scale."""


class Vocoder(Protocol):
    """From log mels to a waveform."""

    version: str
    """Changes when the same mel gives other samples."""
    scale: MelScale
    """The mels that it reads."""

    def waveform(self, log_mel: Tensor) -> Clip:
        """(n_mels, n_frames) as `log_mel` gives them -> mono at scale.sample_rate, n_frames * scale.hop samples."""
        ...
