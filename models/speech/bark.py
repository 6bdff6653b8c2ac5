"""Bark (Suno, MIT) through transformers: 13 languages, 24 kHz, weights from a download."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from models.clip import Clip
from models.engines import Readiness, Voice
from models.errors import VoiceUnknown
from models.hub import readiness_of, weights_folder
from models.speech.words import paragraphs, sentences

REPOSITORY = "suno/bark-small"
VARIABLE = "TALESCAPE_BARK"
FILE = "config.json"
PAUSE_S = 0.25

VOICES: tuple[Voice, ...] = tuple(
    Voice(f"v2/en_speaker_{number}", "female" if number == 9 else "male", "American", "adult", pitch_hz, 0.6)
    for number, pitch_hz in enumerate((120.0, 110.0, 115.0, 105.0, 125.0, 110.0, 100.0, 130.0, 95.0, 190.0))
)
"""Bark's English presets; number 9 is a woman's. Pitch is our ordering for casting, not measured."""


class Bark:
    """Speaks once its weights are on this machine; slow without a GPU."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "MIT"

    @staticmethod
    def readiness() -> Readiness:
        return readiness_of(REPOSITORY, variable=VARIABLE, file=FILE)

    def voices(self) -> tuple[Voice, ...]:
        return VOICES

    def refuses(self, text: str) -> str | None:
        return None if any(letter.isalnum() for letter in text) else "there is nothing to say in these words"

    def speak(self, text: str, *, voice: str, seed: int) -> Clip:
        """Sentence by sentence, since Bark reads about 13 seconds at most. The same seed gives the same samples."""
        import torch

        if voice not in [each.name for each in VOICES]:
            raise VoiceUnknown(f"voice {voice!r} is unknown; bark has: {', '.join(each.name for each in VOICES)}")
        processor, model = self._loaded
        sample_rate = int(model.generation_config.sample_rate)
        pieces = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed % 2**63)
            for sentence in [sentence for part in paragraphs(text) for sentence in sentences(part)]:
                inputs = processor(sentence, voice_preset=voice)
                samples = model.generate(**inputs.to(model.device)).float().cpu().numpy().reshape(-1)
                pieces += [samples, np.zeros(round(PAUSE_S * sample_rate), np.float32)]
        return Clip(np.concatenate(pieces[:-1]).astype(np.float32)[np.newaxis], sample_rate)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoProcessor, BarkModel

        folder = weights_folder(REPOSITORY, variable=VARIABLE, file=FILE)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return AutoProcessor.from_pretrained(folder), BarkModel.from_pretrained(folder).to(device).eval()
