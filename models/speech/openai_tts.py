"""Speech from any server with OpenAI's audio API (POST /audio/speech), for those who have a key or a local server."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from models.clip import Clip, read_clip, with_channels
from models.engines import Readiness, Voice
from models.errors import AudioUnreadable, EngineUnavailable, SynthesisFailed, VoiceUnknown
from models.speech.words import paragraphs, sentences, shorter_parts

VOICES: tuple[Voice, ...] = (
    Voice("alloy", "neutral", "American", "adult", 150.0, 0.85),
    Voice("ash", "male", "American", "adult", 115.0, 0.85),
    Voice("ballad", "male", "British", "adult", 125.0, 0.85),
    Voice("coral", "female", "American", "adult", 200.0, 0.85),
    Voice("echo", "male", "American", "adult", 110.0, 0.85),
    Voice("fable", "male", "British", "adult", 140.0, 0.8),
    Voice("nova", "female", "American", "young", 205.0, 0.9),
    Voice("onyx", "male", "American", "adult", 90.0, 0.9),
    Voice("sage", "female", "American", "adult", 190.0, 0.85),
    Voice("shimmer", "female", "American", "adult", 185.0, 0.85),
)
"""The published voices; pitch and quality are our ordering for casting, not measurements."""
MAX_CHARACTERS = 4_000
"""The API takes 4,096 characters a request."""
TIMEOUT_S = 120.0
N_RETRIES = 2


class OpenAITts:
    """Speaks through the server at OPENAI_BASE_URL with OPENAI_API_KEY; TALESCAPE_TTS_MODEL names the model."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "as the server's terms say"

    @staticmethod
    def readiness() -> Readiness:
        if os.environ.get("OPENAI_API_KEY") or os.environ.get("TALESCAPE_TTS_MODEL"):
            return Readiness(True)
        return Readiness(
            False, "a key in OPENAI_API_KEY, or a local server in OPENAI_BASE_URL with TALESCAPE_TTS_MODEL"
        )

    def voices(self) -> tuple[Voice, ...]:
        return VOICES

    def refuses(self, text: str) -> str | None:
        return None if any(letter.isalnum() for letter in text) else "there is nothing to say in these words"

    def speak(self, text: str, *, voice: str, seed: int) -> Clip:
        """The words as the server reads them. The API takes no seed."""
        if voice not in [each.name for each in VOICES]:
            there = ", ".join(each.name for each in VOICES)
            raise VoiceUnknown(f"voice {voice!r} is unknown; openai-tts has: {there}")
        readings = [self._read(part, voice) for part in _requests(text)]
        rate = readings[0].sample_rate
        if any(reading.sample_rate != rate for reading in readings):
            raise SynthesisFailed("openai-tts: the server answered at different sample rates for one text")
        return Clip(np.concatenate([reading.samples for reading in readings], axis=1), rate)

    def _read(self, text: str, voice: str) -> Clip:
        import openai

        key = os.environ.get("OPENAI_API_KEY") or "none"
        client: Any = openai.OpenAI(api_key=key, timeout=TIMEOUT_S, max_retries=N_RETRIES)
        model = os.environ.get("TALESCAPE_TTS_MODEL") or "tts-1"
        try:
            answer = client.audio.speech.create(model=model, voice=voice, input=text, response_format="wav").content
        except openai.AuthenticationError:  # its text may quote the key: it is not handed on
            raise EngineUnavailable("openai-tts: the server refused the key in OPENAI_API_KEY") from None
        except openai.OpenAIError as error:
            raise SynthesisFailed(f"openai-tts: {_without(key, str(error))[:300]}") from None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "answer"
            path.write_bytes(answer)
            try:
                return with_channels(read_clip(path), 1)
            except AudioUnreadable as error:
                fault = str(error).removeprefix(f"{path}: ")
                raise SynthesisFailed(
                    f"openai-tts: the server answered {len(answer):,} bytes that are not a whole WAV: {fault}"
                ) from None


def _requests(text: str) -> list[str]:
    """The text in requests that the API takes, cut at sentences, and within a sentence that is longer."""
    parts = [""]
    for sentence in [sentence for paragraph in paragraphs(text) for sentence in sentences(paragraph)]:
        for piece in _fitting(sentence):
            if len(parts[-1]) + len(piece) >= MAX_CHARACTERS:
                parts.append("")
            parts[-1] = f"{parts[-1]} {piece}".strip()
    return [part for part in parts if part]


def _fitting(sentence: str) -> list[str]:
    if len(sentence) <= MAX_CHARACTERS:
        return [sentence]
    return [piece for part in shorter_parts(sentence) for piece in _fitting(part)]


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "***") if secret and secret != "none" else text
