"""Log-mel spectrograms and the ways back from them to a waveform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from models.errors import EngineUnavailable, ModelError

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


def vocoder(name_or_folder: str | Path, *, scale: MelScale | None = None) -> Vocoder:
    """The vocoder of a name or of a checkpoint folder (ours, or a published BigVGAN).

    `scale` is that of the mels to come: Griffin-Lim takes it, the others are refused when theirs differs. Raises
    VocoderUnusable, EngineUnavailable for weights that are not there, and CheckpointUnusable for damaged ones.
    """
    found = _found(name_or_folder, scale)
    if scale is not None and found.scale != scale:
        raise VocoderUnusable(
            f"vocoder {str(name_or_folder)!r} reads {found.scale}, the mels are {scale}; griffin-lim reads any"
        )
    return found


def _found(name_or_folder: str | Path, scale: MelScale | None) -> Vocoder:
    if name_or_folder == "griffin-lim":
        from models.vocoder.griffin_lim import GriffinLim

        return GriffinLim(scale) if scale else GriffinLim()
    if name_or_folder == "bigvgan":
        from models.vocoder.published import published_bigvgan

        return published_bigvgan()
    if name_or_folder == "bundled":
        if not (BUNDLED_WEIGHTS / "config.json").is_file():
            raise EngineUnavailable(
                f"vocoder 'bundled': its weights are not in {BUNDLED_WEIGHTS}; use griffin-lim, or train them: "
                "talescape train vocoder_bundled"
            )
        return _from_folder(BUNDLED_WEIGHTS)
    folder = Path(name_or_folder)
    if not folder.exists():
        raise VocoderUnusable(f"no vocoder or folder is called {str(name_or_folder)!r}; there are: {', '.join(NAMES)}")
    return _from_folder(folder)


def _from_folder(folder: Path) -> Vocoder:
    from models.vocoder.published import bigvgan_from, is_bigvgan

    if is_bigvgan(folder):
        return bigvgan_from(folder)
    from models.vocoder.neural import NeuralVocoder

    return NeuralVocoder(folder)
