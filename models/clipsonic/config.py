"""What a CLIPSonic checkpoint says of itself: its mel, its window, its queries, its net and its diffusion."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.vocoder.mel import MelScale

ScheduleName = Literal["cosine", "even"]
Prediction = Literal["noise", "velocity", "flow"]
EncoderKind = Literal["picture", "text"]
Sampler = Literal["ancestral", "ddim", "dpm++", "euler"]


class UnetConfig(BaseModel):
    """The talk's net: the U-Net of Improved DDPM (Nichol and Dhariwal 2021) over mels and frames. See unet.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unet"] = "unet"
    width: int = Field(default=128, ge=8)
    """Channels of the first level; a multiple of 32 for GroupNorm 32, else fewer groups are used."""
    multipliers: tuple[int, ...] = Field(default=(1, 2, 3, 4), min_length=1)
    """Channels of each level, times `width`; each further level halves mels and frames."""
    n_blocks: int = Field(default=2, ge=1)
    """Residual blocks a level on the way down; one more on the way up."""
    attention_levels: tuple[int, ...] = (2, 3)
    """Levels, counted from 0, whose blocks are followed by attention; the middle always has it."""
    head_width: int = Field(default=64, ge=8)
    dropout: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _levels_exist(self) -> Self:
        if any(not 0 <= level < len(self.multipliers) for level in self.attention_levels):
            raise ValueError(
                f"attention_levels {self.attention_levels}: the levels are 0 to {len(self.multipliers) - 1}"
            )
        if any(multiplier < 1 for multiplier in self.multipliers):
            raise ValueError(f"multipliers {self.multipliers}: each must be at least 1")
        return self


class FramesConfig(BaseModel):
    """A net over frames alone, cheap enough to train on a CPU: a transformer with adaptive norms. See frame_net.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["frames"] = "frames"
    width: int = Field(default=256, ge=16)
    depth: int = Field(default=8, ge=1)
    n_heads: int = Field(default=4, ge=1)
    patch: int = Field(default=1, ge=1)
    """Frames that make one token."""
    mlp_ratio: float = Field(default=4.0, gt=0)
    kernel: int = Field(default=7, ge=1)
    """Tokens that the depthwise convolution in each block sees, an odd number."""
    attention_every: int = Field(default=1, ge=1)
    """Every so many blocks, one attends to all tokens; the others see their neighbours only."""
    dropout: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width % self.n_heads:
            raise ValueError(f"width {self.width} must divide by n_heads, {self.n_heads}")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel {self.kernel} must be odd")
        return self


AnyNetConfig = Annotated[UnetConfig | FramesConfig, Field(discriminator="kind")]


class SamplingConfig(BaseModel):
    """How a checkpoint is sampled unless one asks otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sampler: Sampler = "dpm++"
    n_steps: int = Field(default=25, ge=1)
    guidance: float = Field(default=1.5, ge=0)
    """1 is none. The talk's is 1.5."""
    start_cosines: int | None = Field(default=None, ge=1)
    """The average of each second of the noise at the start keeps this many cosines over bands; none keeps it all."""


class ClipSonicConfig(BaseModel):
    """config.json of a checkpoint folder. Mels are natural log magnitudes; the net sees (log mel - mean) / std."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["talescape-clipsonic/1"] = "talescape-clipsonic/1"
    mel: MelScale
    n_frames: int = Field(ge=8)
    """The window that the net was trained on."""
    mel_mean: float
    mel_std: float = Field(gt=0)
    query_size: int = Field(ge=1)
    encoder: str = "bundled"
    """Name of the encoder of its queries, as `models.encoders.encoder` takes it."""
    encoder_version: str = ""
    """That encoder's version: vectors of another version mean nothing to this net. Empty when it is not known."""
    encoder_kind: EncoderKind = "picture"
    """What the net was queried by in training; `text` makes it a baseline that needs pairs of words and sounds."""
    net: AnyNetConfig
    prediction: Prediction = "noise"
    learned_variance: bool = True
    """The net has a second half of outputs that says the variance of each ancestral step (Nichol and Dhariwal)."""
    n_training_steps: int = Field(default=4_000, ge=2)
    schedule: ScheduleName = "cosine"
    """`cosine` is the published one; `even` goes on to far noisier mels. Flow matching has none."""
    sampling: SamplingConfig = SamplingConfig()
    vocoder: str = "bundled"
    """Name of the vocoder of its mels, as `models.vocoder.vocoder` takes it."""
    trained: dict[str, str | int | float] = Field(default_factory=dict)
    """Facts of the training run, for the model card."""

    @model_validator(mode="after")
    def _flow_has_no_variance(self) -> Self:
        if self.prediction == "flow" and self.learned_variance:
            raise ValueError("prediction 'flow' has no variance to learn: set learned_variance to false")
        return self

    @property
    def n_outputs(self) -> int:
        """Rows of the net's output, n_mels, or twice that with a learned variance."""
        return self.mel.n_mels * (2 if self.learned_variance else 1)
