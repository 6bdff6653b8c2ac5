"""Published priors over CLIP ViT-L/14: LAION's (prior_laion.py) and Karlo's, through diffusers.

Both read the states of the words' tokens beside the text vector. `published_prior("laion:FILE")` reads a .safetensors
or a .pth of plain tensors; `published_prior("karlo")` the hub's local copy, `"karlo:FOLDER"` a folder in diffusers'
layout (prior, text_encoder, tokenizer). Nothing is downloaded here; EngineUnavailable says how to get the weights.
Vectors: LAION's have length 1, Karlo's are as long as the picture vectors of OpenAI's CLIP ViT-L/14.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.checkpoints import fill, read_tensors
from models.clipsonic.diffusion import cosine_schedule
from models.clipsonic.prior import (
    Denoise,
    Floats,
    Prior,
    TextPrior,
    drawn_noise,
    load_prior,
    nearest_draws,
    refuse_options,
    sample,
    scaled,
)
from models.clipsonic.prior_laion import LaionNet, key_map, sizes_of
from models.encoders import encoder, unit
from models.encoders.published import Published
from models.errors import CheckpointUnusable, EncoderUnknown
from models.hub import weights_folder

CLIP = "open_clip:ViT-L-14/openai"
KARLO, KARLO_VARIABLE, KARLO_FILE = "kakaobrain/karlo-v1-alpha", "TALESCAPE_KARLO", "prior/config.json"
KARLO_CLIP, KARLO_GUIDANCE, KARLO_STEPS = 5.0, 4.0, 25
"""Its clean vectors' elements are kept within 5; the published guidance and steps."""
LAION_STEPS = 64
PUBLISHED_DRAWS = 2


def prior(name: str) -> TextPrior:
    """The prior of that name: "bundled", a FOLDER of ours, "laion:FILE", "karlo" or "karlo:FOLDER".

    Raises EncoderUnknown for other names.
    """
    kind = name.partition(":")[0]
    if name == "bundled":
        return load_prior()
    if kind in PUBLISHED:
        return published_prior(name)
    if Path(name).is_dir():
        return load_prior(Path(name))
    raise EncoderUnknown(f"prior {name!r} is unknown; there are: bundled, a prior's FOLDER, laion:FILE, karlo")


def published_prior(name: str, *, clip: str = CLIP) -> TextPrior:
    """LAION's or Karlo's prior; `clip` is the encoder whose words LAION's reads."""
    kind, _, rest = name.partition(":")
    return PUBLISHED[kind](rest, clip)


class LaionPrior:
    """DALLE2-pytorch's prior with the CLIP that it was trained over."""

    def __init__(self, net: LaionNet, clip: Published, version: str) -> None:
        self.net, self.clip, self.version = net.eval(), clip, version

    def vectors(
        self,
        texts: Sequence[str],
        *,
        seed: int,
        guidance: float | None = None,
        n_draws: int | None = None,
        n_steps: int | None = None,
    ) -> Floats:
        """One picture vector a text, (n, D), of length 1."""
        n_draws, strength = n_draws or PUBLISHED_DRAWS, 1.0 if guidance is None else guidance
        pooled, states, mask = self.clip.text_states(texts)
        words = np.where(mask[:, :, None], states, np.float32(0.0)).repeat(n_draws, axis=0)
        text = torch.from_numpy(unit(pooled).repeat(n_draws, axis=0))
        parts = (text, torch.from_numpy(words))

        def denoise(x: Tensor, time: Tensor) -> Tensor:
            told: Tensor = self.net(x, time, *parts)
            if strength == 1.0:
                return told
            null: Tensor = self.net(x, time, *parts, torch.ones(len(x), dtype=torch.bool))
            return null + strength * (told - null)

        n_times = self.net.sizes.n_times
        drawn = _drawn(denoise, (len(text), text.shape[1]), strength, n_draws, n_steps or LAION_STEPS, n_times, seed)
        return unit(nearest_draws(drawn, scaled(pooled), n_draws))


def _drawn(
    denoise: Denoise,
    shape: tuple[int, int],
    guidance: float,
    n_draws: int,
    n_steps: int,
    n_training_steps: int,
    seed: int,
    *,
    clip: float | None = None,
) -> Floats:
    refuse_options(guidance, n_draws, n_steps, n_training_steps)
    with torch.inference_mode():
        found = sample(denoise, drawn_noise(n_steps, shape, seed), cosine_schedule(n_training_steps), clip=clip)
    return np.asarray(found.numpy())


@lru_cache(maxsize=1)
def _laion(name: str, clip: str) -> LaionPrior:
    path = Path(name)
    if not name or not path.is_file():
        raise CheckpointUnusable(
            f"laion:{name}: is not a file; get one with `hf download laion/DALLE2-PyTorch` and name its .pth"
        )
    tensors = plain_tensors(path)
    sizes = sizes_of(tensors, path)
    net, names = LaionNet(sizes), key_map(sizes)
    fill(net, {names.get(name, name): tensor for name, tensor in tensors.items()}, path)
    encode = encoder(clip)
    if not isinstance(encode, Published):
        raise CheckpointUnusable(f"laion:{name} reads the words' states of an open_clip encoder, not of {clip}")
    return LaionPrior(net, encode, f"laion-{path.name}-{path.stat().st_size}")


def plain_tensors(path: Path) -> dict[str, Tensor]:
    """The net's tensors of a published file, without prefixes: averaged weights where there are some."""
    state: Mapping[str, Any]
    if path.suffix == ".safetensors":
        state = read_tensors(path)
    else:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
            raise CheckpointUnusable(f"{path}: cannot be read as plain tensors: {error}") from error
    for part in ("ema_model", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(part), Mapping):
            state = state[part]
            break
    if not isinstance(state, Mapping):
        raise CheckpointUnusable(f"{path}: is not a state dict of tensors")
    found = {name.removeprefix("module."): tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}
    net = {name.removeprefix("net."): tensor for name, tensor in found.items() if name.startswith("net.")}
    return net or found


class KarloPrior:
    """Kakao's prior: diffusers' PriorTransformer, with transformers' CLIP text model beside it."""

    def __init__(self, folder: Path) -> None:
        from diffusers import PriorTransformer
        from transformers import CLIPTextModelWithProjection, CLIPTokenizer

        try:
            self._net = PriorTransformer.from_pretrained(folder / "prior", local_files_only=True).eval()
            self._text = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder", local_files_only=True)
            self._tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            said = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointUnusable(f"{folder}: is not a prior in diffusers' layout: {said}") from error
        self._text.eval()
        self.version = f"karlo-{folder.name}"

    def vectors(
        self,
        texts: Sequence[str],
        *,
        seed: int,
        guidance: float | None = None,
        n_draws: int | None = None,
        n_steps: int | None = None,
    ) -> Floats:
        """One picture vector a text, (n, D), as CLIP's picture tower would give it."""
        n_draws, strength = n_draws or PUBLISHED_DRAWS, KARLO_GUIDANCE if guidance is None else guidance
        pooled, states, mask = (part.repeat_interleave(n_draws, dim=0) for part in self._states(texts))
        nulls = [part.expand(len(pooled), *part.shape[1:]) for part in self._states([""])]

        def denoise(x: Tensor, time: Tensor) -> Tensor:
            told: Tensor = self._net(x, time, pooled, states, mask).predicted_image_embedding
            if strength == 1.0:
                return told
            null: Tensor = self._net(x, time, *nulls).predicted_image_embedding
            return null + strength * (told - null)

        shape = (len(pooled), int(self._net.config.embedding_dim))
        drawn = _drawn(denoise, shape, strength, n_draws, n_steps or KARLO_STEPS, 1_000, seed, clip=KARLO_CLIP)
        with torch.inference_mode():
            placed = self._net.post_process_latents(torch.from_numpy(drawn)).numpy()
        return nearest_draws(placed, scaled(pooled[::n_draws].numpy()), n_draws)

    def _states(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        length = int(self._net.config.num_embeddings)
        tokens = self._tokenizer(
            list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        )
        with torch.inference_mode():
            found = self._text(tokens.input_ids)
        return found.text_embeds, found.last_hidden_state, tokens.attention_mask.bool()


@lru_cache(maxsize=1)
def _karlo(folder: str, clip: str) -> KarloPrior:
    del clip  # its own text model is in the folder
    return KarloPrior(Path(folder) if folder else weights_folder(KARLO, variable=KARLO_VARIABLE, file=KARLO_FILE))


PUBLISHED: dict[str, Callable[[str, str], Prior | LaionPrior | KarloPrior]] = {"laion": _laion, "karlo": _karlo}
"""Each takes what stands after the colon, and the name of the CLIP encoder."""
