"""MusicGen (Copet et al. 2023) through transformers: music from free text, 32 kHz, weights from a download."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from models.clip import Clip, Samples
from models.effects.diffusion_pipelines import generated_to_length
from models.engines import Fit, Readiness, SoundQuery
from models.hub import readiness_of, weights_folder

REPOSITORY = "facebook/musicgen-small"
VARIABLE = "TALESCAPE_MUSICGEN"
FILE = "config.json"
WINDOW_S = 30.0
"""The published models make at most 30 s at a time."""
NATURAL_S = 12.0
BED_S = 30.0


class MusicGen:
    """Serves music once its weights are on this machine; slow without a GPU."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "CC-BY-NC-4.0 (weights)"

    @staticmethod
    def readiness() -> Readiness:
        return readiness_of(REPOSITORY, variable=VARIABLE, file=FILE)

    def fit(self, query: SoundQuery) -> Fit:
        return Fit(0.75, "synthesizes from free text") if query.text else Fit(0.0, "has no words to read")

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        """Windows of up to 30 s joined by crossfades."""
        import torch

        tokenizer, model = self._loaded
        codec = model.config.audio_encoder
        inputs = tokenizer([query.text], return_tensors="pt").to(model.device)

        def draw(length_s: float, window_seed: int) -> Samples:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(window_seed % 2**63)
                made = model.generate(
                    **inputs, do_sample=True, guidance_scale=3.0, max_new_tokens=int(length_s * codec.frame_rate) + 5
                )
            samples: Samples = made[0].float().cpu().numpy()
            return samples[:, : round(length_s * codec.sampling_rate)]

        length_s = duration_s or (BED_S if query.bed else NATURAL_S)
        clip = generated_to_length(
            query, length_s, seed, sample_rate=int(codec.sampling_rate), window_s=WINDOW_S, draw=draw
        )
        n_fade = min(clip.n_samples, round(1.5 * clip.sample_rate)) if not query.bed else 0
        if n_fade:
            clip.samples[:, -n_fade:] *= np.linspace(1, 0, n_fade, dtype=np.float32)
        return clip

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoTokenizer, MusicgenForConditionalGeneration

        folder = weights_folder(REPOSITORY, variable=VARIABLE, file=FILE)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = MusicgenForConditionalGeneration.from_pretrained(folder).to(device).eval()
        return AutoTokenizer.from_pretrained(folder), model
