"""Stable Audio Open (Evans et al. 2024) through diffusers: effects from free text, 44.1 kHz stereo, by download."""

from __future__ import annotations

import importlib.util
from functools import cached_property
from typing import Any, ClassVar

from models.clip import Clip, Samples
from models.effects.diffusion_pipelines import FIT, generated_to_length
from models.engines import Fit, Readiness, SoundQuery
from models.hub import local_weights, readiness_of, weights_folder

REPOSITORY = "stabilityai/stable-audio-open-1.0"
VARIABLE = "TALESCAPE_STABLE_AUDIO"
FILE = "model_index.json"
WINDOW_S = 47.0
"""The published model makes at most 2,097,152 samples at 44.1 kHz, 47.55 s."""
N_STEPS = 100
NEGATIVE = "low quality, music, speech"


class StableAudio:
    """Serves effects once its weights are on this machine."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "Stability AI Community License (weights)"

    @staticmethod
    def readiness() -> Readiness:
        folder = local_weights(REPOSITORY, variable=VARIABLE, file=FILE)
        if folder is not None and "CosineDPMSolver" in (folder / FILE).read_text("utf-8"):
            if importlib.util.find_spec("torchsde") is None:
                return Readiness(False, "its sampler: pip install torchsde")
        return readiness_of(REPOSITORY, variable=VARIABLE, file=FILE)

    def fit(self, query: SoundQuery) -> Fit:
        return FIT if query.text else Fit(0.0, "has no words to read")

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        import torch

        vae = self._pipeline.vae
        sample_rate = int(vae.config.sampling_rate)
        longest_s = self._pipeline.transformer.config.sample_size * vae.hop_length / sample_rate

        def draw(length_s: float, window_seed: int) -> Samples:
            made = self._pipeline(
                query.text,
                negative_prompt=NEGATIVE,
                audio_end_in_s=length_s,
                num_inference_steps=N_STEPS,
                generator=torch.Generator("cpu").manual_seed(window_seed % 2**63),
            )
            samples: Samples = made.audios[0].float().cpu().numpy()
            return samples

        window_s = min(WINDOW_S, longest_s)
        return generated_to_length(query, duration_s, seed, sample_rate=sample_rate, window_s=window_s, draw=draw)

    @cached_property
    def _pipeline(self) -> Any:
        import torch
        from diffusers import StableAudioPipeline

        folder = weights_folder(REPOSITORY, variable=VARIABLE, file=FILE)
        pipeline = StableAudioPipeline.from_pretrained(folder, local_files_only=True)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")
