"""AudioLDM 2 (Liu et al. 2023) through diffusers: effects from free text, 16 kHz, weights from a download."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from models.clip import Clip, Samples
from models.effects.diffusion_pipelines import FIT, generated_to_length
from models.engines import Fit, Readiness, SoundQuery
from models.hub import readiness_of, weights_folder

REPOSITORY = "cvssp/audioldm2"
VARIABLE = "TALESCAPE_AUDIOLDM2"
FILE = "model_index.json"
SAMPLE_RATE = 16_000
WINDOW_S = 10.0
"""The model was trained on windows of about ten seconds."""
N_STEPS = 100
NEGATIVE = "low quality, average quality, music, speech"


class AudioLdm2:
    """Serves effects once its weights are on this machine."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "CC-BY-NC-SA-4.0 (weights)"

    @staticmethod
    def readiness() -> Readiness:
        return readiness_of(REPOSITORY, variable=VARIABLE, file=FILE)

    def fit(self, query: SoundQuery) -> Fit:
        return FIT if query.text else Fit(0.0, "has no words to read")

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        import torch

        def draw(length_s: float, window_seed: int) -> Samples:
            made = self._pipeline(
                query.text,
                negative_prompt=NEGATIVE,
                audio_length_in_s=length_s,
                num_inference_steps=N_STEPS,
                generator=torch.Generator("cpu").manual_seed(window_seed % 2**63),
            )
            return np.asarray(made.audios, dtype=np.float32).reshape(1, -1)

        return generated_to_length(query, duration_s, seed, sample_rate=SAMPLE_RATE, window_s=WINDOW_S, draw=draw)

    @cached_property
    def _pipeline(self) -> Any:
        import torch
        from diffusers import AudioLDM2Pipeline

        folder = weights_folder(REPOSITORY, variable=VARIABLE, file=FILE)
        pipeline = AudioLDM2Pipeline.from_pretrained(folder, local_files_only=True)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")
