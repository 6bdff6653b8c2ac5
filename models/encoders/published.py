"""Published CLIP-like encoders through open_clip: any of its models, from the hub's local cache or from a file.

Conventions: vectors are what the net gives, not normalised (CLIPSep was published on raw CLIP ViT-B/32 vectors).
Nothing is downloaded here; EngineUnavailable says how to get the weights. OpenAI's weights, and some others, were
trained with the quick GELU (x * sigmoid(1.702 x)): the tag's own record decides, or a model name ending in -quickgelu.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.pictures import on_white, open_picture
from models.errors import EngineUnavailable, ModelError

BATCH = 32
CONFIG = "open_clip_config.json"
HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin")


class Published:
    """One open_clip net with its own tokenizer and picture preparation."""

    def __init__(self, net: Any, prepare: Any, tokenize: Any, version: str) -> None:
        import torch

        self.version = version
        self._net, self._prepare, self._tokenize = net.eval(), prepare, tokenize
        with torch.inference_mode():
            self.n_dimensions = int(self._net.encode_text(self._tokenize(["a"])).shape[1])

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, n_dimensions); words beyond the net's context length (77 pieces for CLIP) are cut off."""
        import torch

        parts = [np.zeros((0, self.n_dimensions), np.float32)]
        for begin in range(0, len(texts), BATCH):
            tokens = self._tokenize(list(texts[begin : begin + BATCH]))
            with torch.inference_mode():
                parts.append(self._net.encode_text(tokens).float().numpy())
        return np.concatenate(parts)

    def text_states(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors (n, n_dimensions), token states (n, n_tokens, width), and which tokens are words, begin or end.

        Published priors read the states: the text tower's after its last norm, before it takes one of them.
        """
        import torch

        found = []
        layer = dict(self._net.named_modules())["text.ln_final" if hasattr(self._net, "text") else "ln_final"]
        hook = layer.register_forward_hook(lambda _layer, _given, states: found.append(states))
        try:
            tokens = self._tokenize(list(texts))
            with torch.inference_mode():
                vectors = self._net.encode_text(tokens).float().numpy()
        finally:
            hook.remove()
        ends = tokens.argmax(dim=1, keepdim=True)  # the end has the highest number
        mask = (torch.arange(tokens.shape[1])[None] <= ends) & (tokens != 0)
        return vectors, found[0].float().numpy(), mask.numpy()

    def pictures(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        """(n, n_dimensions). Raises PictureUnreadable with the name of the first file that is no picture."""
        import torch
        from PIL import Image

        parts = [np.zeros((0, self.n_dimensions), np.float32)]
        for begin in range(0, len(paths), BATCH):
            prepared = [
                self._prepare(Image.fromarray(on_white(open_picture(path)))) for path in paths[begin : begin + BATCH]
            ]
            with torch.inference_mode():
                parts.append(self._net.encode_image(torch.stack(prepared)).float().numpy())
        return np.concatenate(parts)


def open_clip(name: str) -> Published:
    """MODEL/TAG ("ViT-B-32/openai"), MODEL/FILE, or a FOLDER that holds open_clip_config.json and weights."""
    if Path(name).is_dir():
        return _from_folder(Path(name).resolve())
    model, _, checkpoint = name.partition("/")
    if not model or not checkpoint:
        raise ModelError(
            f"open_clip:{name}: name a model and a checkpoint, such as open_clip:ViT-B-32/openai, "
            f"or a folder that holds {CONFIG}"
        )
    return _from_name(model, checkpoint)


@lru_cache(maxsize=2)
def _from_name(model: str, checkpoint: str) -> Published:
    from open_clip import get_model_config, get_pretrained_cfg, list_models, list_pretrained_tags_by_model

    config = get_model_config(model)
    if config is None:
        near = [known for known in list_models() if known[:5].lower() == model[:5].lower()] or list_models()
        raise ModelError(f"open_clip has no model {model!r}; there are: {', '.join(near)}")
    tags = list_pretrained_tags_by_model(model)
    tag = get_pretrained_cfg(model, checkpoint)
    if tag:
        weights = _local_file(model, checkpoint, tag)
    elif Path(checkpoint).is_file():
        weights = Path(checkpoint)
        # a file known under a published name keeps that publication's activation
        records = [get_pretrained_cfg(model, known) for known in tags]
        tag = next((one for one in records if one.get("url", "").rsplit("/", 1)[-1] == weights.name), {})
    else:
        raise ModelError(
            f"open_clip:{model}/{checkpoint}: is neither a file nor a checkpoint of {model}; "
            f"there are: {', '.join(tags) or 'none'}"
        )
    quick = bool(tag.get("quick_gelu") or config.get("quick_gelu"))
    looks = {key: tag[key] for key in ("mean", "std", "interpolation", "resize_mode") if key in tag}
    return _built(model, model, weights, quick, pretrained=str(weights), force_preprocess_cfg=looks)


@lru_cache(maxsize=2)
def _from_folder(folder: Path) -> Published:
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder}: holds no {CONFIG}")
    weights = next(
        (path for path in sorted(folder.iterdir()) if path.suffix in (".safetensors", ".bin", ".pt", ".pth")), None
    )
    if weights is None:
        raise EngineUnavailable(f"{folder}: holds no weights (.safetensors, .bin, .pt or .pth)")
    return _built(f"local-dir:{folder}", folder.name, weights, False)


def _built(model: str, shown: str, weights: Path, quick: bool, **options: Any) -> Published:
    import open_clip as library
    from open_clip.transform import PreprocessCfg, image_transform_v2

    try:
        net = library.create_model(model, force_quick_gelu=quick, require_pretrained=True, weights_only=True, **options)
        tokenize = library.get_tokenizer(model)
    except Exception as error:  # open_clip raises whatever its loaders raise
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{weights}: cannot be loaded as {shown} ({said}); "
            "give the checkpoint of that model as safetensors or as a plain state dict"
        ) from error
    prepare = image_transform_v2(PreprocessCfg(**net.visual.preprocess_cfg), is_train=False)
    digest = hashlib.sha256()
    with weights.open("rb") as file:
        while block := file.read(1 << 24):
            digest.update(block)
    return Published(
        net, prepare, tokenize, f"open_clip-{shown}-{digest.hexdigest()[:12]}{'-quickgelu' if quick else ''}"
    )


def _local_file(model: str, checkpoint: str, tag: dict[str, Any]) -> Path:
    """The tag's weights on this machine. Raises EngineUnavailable with the way to get them."""
    from huggingface_hub import try_to_load_from_cache

    repository, _, file = tag.get("hf_hub", "").rpartition("/")
    for name in (file,) if file else HUB_FILES:
        found = try_to_load_from_cache(repository, name) if repository else None
        if isinstance(found, str):
            return Path(found)
    url = tag.get("url", "")
    old: Path = Path.home() / ".cache" / "clip" / url.rsplit("/", 1)[-1]
    if url and old.is_file():
        return old
    way = f"hf download {repository}" + (f" {file}" if file else "") if repository else f"download {url} to {old}"
    raise EngineUnavailable(f"open_clip:{model}/{checkpoint}: the weights are not on this machine: {way}")
