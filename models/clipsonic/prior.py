"""The diffusion prior of Ramesh et al. 2022: a text vector -> picture vectors that could lie beside it.

A net predicts the clean picture vector from a noisy one (x0 prediction, cosine schedule); several are drawn for a text
and the nearest to it is kept. Vectors are scaled to elements of unit variance inside: l2norm(v) * sqrt(dim).
Conventions: a prior is a folder with config.json and model.safetensors; vectors are float32, (n, dim).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from models.checkpoints import WEIGHTS, fill, read_config, read_tensors, version_of, write_checkpoint
from models.clipsonic.diffusion import Schedule, cosine_schedule
from models.clipsonic.prior_nets import AnyPriorNet, MlpPrior, TransformerPrior, build_prior
from models.errors import CheckpointUnusable, QueryUnusable

Floats = NDArray[np.float32]
Denoise = Callable[[Tensor, Tensor], Tensor]
"""x (B, D), time (B,) -> the clean vectors (B, D)."""
BUNDLED = Path(__file__).parent / "prior_weights"
MAX_GUIDANCE = 20.0
MAX_DRAWS = 64


class PriorConfig(BaseModel):
    """config.json of a prior's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["talescape-prior/1"] = "talescape-prior/1"
    net: AnyPriorNet
    text_size: int = Field(ge=1)
    image_size: int = Field(ge=1)
    image_length: float = Field(gt=0)
    """The mean length of the picture vectors it was trained on: what it draws is brought to this length."""
    encoder: str = "bundled"
    encoder_version: str = ""
    """That encoder's version: vectors of another version mean nothing to this net. Empty when it is not known."""
    n_training_steps: int = Field(default=1_000, ge=2)
    n_steps: int = Field(default=64, ge=1)
    guidance: float = Field(default=1.0, ge=0, le=MAX_GUIDANCE)
    n_draws: int = Field(default=2, ge=1, le=MAX_DRAWS)
    trained: dict[str, str | int | float] = Field(default_factory=dict)
    """Facts of the training run, for the model card."""


class TextPrior(Protocol):
    """Words -> picture vectors of one encoder."""

    version: str

    def vectors(
        self,
        texts: Sequence[str],
        *,
        seed: int,
        guidance: float | None = None,
        n_draws: int | None = None,
        n_steps: int | None = None,
    ) -> Floats:
        """One picture vector a text, (n, D), as long as pictures' vectors are; None takes the prior's own default."""
        ...


def scaled(vectors: Floats) -> Floats:
    """l2norm(v) * sqrt(dim); a zero vector stays zero."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return np.asarray(vectors * (np.sqrt(vectors.shape[-1]) / lengths), dtype=np.float32)


def sample(denoise: Denoise, noise: Tensor, schedule: Schedule, *, clip: float | None = None) -> Tensor:
    """Draws clean vectors with the noise given first, (n_steps, B, D): the start, then one for each step but the last.

    Steps are spaced evenly over the schedule; each goes to the next by the posterior of the steps between
    (Song et al. 2021, eq. 12 with eta = 1, which is Ho et al.'s sampler at full length). `clip` bounds the clean
    vectors' elements.
    """
    times = np.round(np.linspace(schedule.n_steps - 1, 0, len(noise))).astype(int)
    x = noise[0]
    for place, step in enumerate(times):
        clean = denoise(x, torch.full((len(x),), float(step), device=x.device))
        if clip is not None:
            clean = clean.clamp(-clip, clip)
        if place == len(times) - 1:
            return clean
        now, later = schedule.alphas_bar[step], schedule.alphas_bar[times[place + 1]]
        spread = np.sqrt((1.0 - now / later) * (1.0 - later) / (1.0 - now))
        believed = (x - float(np.sqrt(now)) * clean) / float(np.sqrt(1.0 - now))
        x = float(np.sqrt(later)) * clean + float(np.sqrt(max(1.0 - later - spread**2, 0.0))) * believed
        x = x + float(spread) * noise[place + 1]
    return x


def drawn_noise(n_steps: int, shape: tuple[int, int], seed: int) -> Tensor:
    """All the noise of a draw, (n_steps, B, D)."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n_steps, *shape), np.float32))


def nearest_draws(drawn: Floats, texts: Floats, n_draws: int) -> Floats:
    """Of each text's draws, (n * n_draws, D), the one with the greatest cosine to it: (n, D).

    Where texts and pictures have spaces of different size there is no cosine, and the first is kept.
    """
    grouped = drawn.reshape(len(texts), n_draws, -1)
    if grouped.shape[2] != texts.shape[1]:
        return np.asarray(grouped[:, 0])
    cosines = np.einsum("ndk,nk->nd", scaled(grouped), texts)
    return np.asarray(grouped[np.arange(len(texts)), cosines.argmax(axis=1)])


def refuse_options(guidance: float, n_draws: int, n_steps: int, n_most_steps: int) -> None:
    """Raises QueryUnusable for numbers that make no draw."""
    if not 0.0 <= guidance <= MAX_GUIDANCE:
        raise QueryUnusable(f"the prior's guidance is {guidance:g}; give 0 to {MAX_GUIDANCE:g}")
    if not 1 <= n_draws <= MAX_DRAWS:
        raise QueryUnusable(f"the prior's draws are {n_draws}; give 1 to {MAX_DRAWS}")
    if not 1 <= n_steps <= n_most_steps:
        raise QueryUnusable(f"the prior's steps are {n_steps}; give 1 to {n_most_steps}")


class Prior:
    """A prior of our own, from its folder."""

    def __init__(self, net: MlpPrior | TransformerPrior, config: PriorConfig, version: str) -> None:
        self.net, self.config, self.version = net.eval(), config, version

    def vectors(
        self,
        texts: Sequence[str],
        *,
        seed: int,
        guidance: float | None = None,
        n_draws: int | None = None,
        n_steps: int | None = None,
    ) -> Floats:
        """One picture vector a text, (n, D). Raises CheckpointUnusable where the encoder is of another version."""
        from models.encoders import encoder

        encode = encoder(self.config.encoder)
        if self.config.encoder_version and encode.version != self.config.encoder_version:
            raise CheckpointUnusable(
                f"the prior was trained on vectors of {self.config.encoder_version}, the encoder is {encode.version}; "
                "train the prior again: talescape train prior_bundled"
            )
        return self.from_vectors(encode.texts(texts), seed=seed, guidance=guidance, n_draws=n_draws, n_steps=n_steps)

    def from_vectors(
        self,
        texts: Floats,
        *,
        seed: int,
        guidance: float | None = None,
        n_draws: int | None = None,
        n_steps: int | None = None,
    ) -> Floats:
        """As vectors, of text vectors of its encoder, (n, E)."""
        config = self.config
        guidance = config.guidance if guidance is None else guidance
        n_draws, n_steps = n_draws or config.n_draws, n_steps or config.n_steps
        refuse_options(guidance, n_draws, n_steps, config.n_training_steps)
        told = scaled(texts)
        text = torch.from_numpy(told).repeat_interleave(n_draws, dim=0)
        noise = drawn_noise(n_steps, (len(text), config.image_size), seed)
        with torch.inference_mode():
            denoise = guided(self.net, text, guidance)
            found = sample(denoise, noise, cosine_schedule(config.n_training_steps)).numpy()
        best = scaled(nearest_draws(found, told, n_draws))
        return best * np.float32(config.image_length / np.sqrt(config.image_size))


def guided(net: nn.Module, text: Tensor, guidance: float) -> Denoise:
    """The net's clean vectors, carried away from those of the null text: null + guidance * (told - null)."""

    def denoise(x: Tensor, time: Tensor) -> Tensor:
        told: Tensor = net(x, time, text, None)
        if guidance == 1.0:
            return told
        null: Tensor = net(x, time, text, torch.ones(len(x), dtype=torch.bool, device=x.device))
        return null + guidance * (told - null)

    return denoise


def prior_loss(
    net: Callable[..., Tensor],
    pictures: Tensor,
    texts: Tensor,
    drop: Tensor,
    *,
    time: Tensor,
    noise: Tensor,
    n_training_steps: int,
) -> Tensor:
    """Mean squared error of the predicted clean vectors (Ramesh et al. 2022, section 2.2); vectors are scaled."""
    kept = torch.from_numpy(cosine_schedule(n_training_steps).alphas_bar).float().to(pictures.device)[time][:, None]
    x = kept.sqrt() * pictures + (1.0 - kept).sqrt() * noise
    return (net(x, time, texts, drop).float() - pictures).square().mean()


def net_of(config: PriorConfig) -> MlpPrior | TransformerPrior:
    """A fresh net of a config: seed torch first for the same weights."""
    return build_prior(
        config.net,
        text_size=config.text_size,
        image_size=config.image_size,
        n_training_steps=config.n_training_steps,
    )


def save_prior(net: nn.Module, config: PriorConfig, folder: Path) -> None:
    """Writes the folder in half precision. Raises CheckpointUnusable for weights that are not finite."""
    write_checkpoint(net, config, folder)


@lru_cache(maxsize=4)
def load_prior(folder: Path = BUNDLED) -> Prior:
    """The prior of a folder, float32. Raises CheckpointUnusable with the path and what is wrong."""
    config = read_config(folder, PriorConfig, "a prior")
    tensors = read_tensors(folder / WEIGHTS)
    net = net_of(config)
    fill(net, tensors, folder / WEIGHTS)
    return Prior(net, config, f"prior-{version_of(folder)}")
