"""Kokoro-82M (hexgrad, Apache-2.0) as an int8 ONNX: 28 English voices, 24 kHz, offline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.clip import Clip, Samples
from models.engines import Readiness, Voice
from models.errors import ModelError, VoiceUnknown, WordsUnsupported
from models.speech.kokoro_voices import VOICES
from models.speech.kokoro_weights import part_paths, weights
from models.speech.pronouncing import (
    in_pieces,
    unshouted,
    unstretched,
    with_dropped_g,
    with_sounds,
    without_abbreviations,
)
from models.speech.words import (
    foreign_language,
    foreign_script,
    paragraphs,
    sentences,
    shorter_parts,
    spoken_text,
)

SAMPLE_RATE = 24_000
MAX_TOKENS = 510
"""The voices' style tables have 510 rows, one for each number of tokens."""
GOOD_TOKENS = 280
"""Sentences are read together up to here; longer readings begin to hurry."""
SENTENCE_PAUSE_S = 0.28
PARAGRAPH_PAUSE_S = 0.55
CLAUSE_PAUSE_S = 0.12
SILENCE_DB = -46.0
"""Below this against the peak, the ends of a reading count as silence."""
KEPT_S = 0.03
MAX_PEAK = 0.99
_QUOTES, _ENDS = '"“”', ".!?…"
VOICES_PATH = Path(__file__).parent / "voices" / "kokoro.npz"


class Kokoro:
    """Speaks English with 28 voices. Weights and phonemizer load when it first speaks."""

    version: ClassVar[str] = "kokoro-82m-int8/2"
    licence: ClassVar[str] = "Apache-2.0"

    @staticmethod
    def readiness() -> Readiness:
        try:
            part_paths()
        except ModelError as error:
            return Readiness(False, str(error))
        return Readiness(True)

    def voices(self) -> tuple[Voice, ...]:
        return VOICES

    def refuses(self, text: str) -> str | None:
        other = foreign_script(text) or foreign_language(text)
        if other:
            return f"kokoro speaks English, this looks like {other}; name another speech engine in the engine column"
        if not any(letter.isalnum() for letter in spoken_text(text)):
            return "there is nothing to say in these words; write words or delete the row"
        return None

    def speak(self, text: str, *, voice: str, seed: int) -> Clip:
        """The words at 24 kHz mono. The model has no randomness that a seed could steer."""
        style = self._style(voice)
        refused = self.refuses(text)
        if refused:
            raise WordsUnsupported(refused)
        pieces: list[Samples] = []
        for phonemes, pause_s in self._readings(spoken_text(text), british=voice.startswith("b")):
            samples = _trimmed(self._read(phonemes, style))
            if samples.size:
                pieces += [samples, np.zeros(round(pause_s * SAMPLE_RATE), np.float32)]
        if not pieces:
            raise WordsUnsupported(f"nothing in {text[:60]!r} can be read aloud; write it out in words")
        joined = np.concatenate(pieces[:-1])
        peak = float(np.abs(joined).max())
        if peak > MAX_PEAK:  # some voices' loudest syllables pass 1; a file of integers would clip them
            joined *= np.float32(MAX_PEAK / peak)
        return Clip(joined[np.newaxis], SAMPLE_RATE)

    def _style(self, voice: str) -> NDArray[np.float32]:
        known = [each.name for each in VOICES]
        if voice not in known:
            near = sorted(known, key=lambda name: (name[:2] != voice[:2], name))
            raise VoiceUnknown(f"voice {voice!r} is unknown; kokoro has: {', '.join(near)}")
        with np.load(VOICES_PATH) as styles:
            style: NDArray[np.float32] = styles[voice].astype(np.float32)
        return style

    def _readings(self, text: str, *, british: bool) -> Iterator[tuple[str, float]]:
        """Phonemes of each stretch that is read in one go, with the pause after it."""
        for paragraph in paragraphs(text):
            gathered = ""
            for sentence in sentences(paragraph):
                for phonemes, pause_s in self._fitting(sentence, british):
                    together = f"{gathered} {phonemes}".strip()
                    if gathered and len(together) > GOOD_TOKENS:
                        yield gathered, SENTENCE_PAUSE_S
                        together = phonemes
                    gathered = together
                    if pause_s < SENTENCE_PAUSE_S:
                        yield gathered, pause_s
                        gathered = ""
            if gathered:
                yield gathered, PARAGRAPH_PAUSE_S

    def _fitting(self, sentence: str, british: bool) -> Iterator[tuple[str, float]]:
        """The phonemes of a sentence; one that exceeds the model is halved until its parts fit."""
        phonemes = self._phonemize(sentence, british)
        if len(phonemes) <= MAX_TOKENS or len(sentence) < 2:
            if phonemes:
                yield phonemes[:MAX_TOKENS], SENTENCE_PAUSE_S
            return
        parts = shorter_parts(sentence)
        for part in parts[:-1]:
            for phonemes, _ in self._fitting(part, british):
                yield phonemes, CLAUSE_PAUSE_S
        yield from self._fitting(parts[-1], british)

    def _phonemize(self, text: str, british: bool) -> str:
        g2p = self._british if british else self._american
        text = unshouted(without_abbreviations(unstretched(in_pieces(text), g2p.lexicon.golds.d)), g2p)
        phonemes = g2p(with_sounds(with_dropped_g(text, g2p)))
        kept = "".join(letter for letter in phonemes if letter in self._vocabulary and letter not in _QUOTES).strip()
        end = text.rstrip()[-1:]
        return f"{kept}{end}" if kept and end in _ENDS and kept[-1] not in _ENDS else kept

    def _read(self, phonemes: str, style: NDArray[np.float32]) -> Samples:
        ids = [self._vocabulary[letter] for letter in phonemes]
        tokens = np.array([[0, *ids, 0]], dtype=np.int64)  # (1, n_tokens + 2)
        inputs = {"tokens": tokens, "style": style[len(ids) - 1][np.newaxis], "speed": np.ones(1, np.float32)}
        samples: Samples = self._session.run(None, inputs)[0].reshape(-1).astype(np.float32)
        return samples

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = weights()
        content = model if isinstance(model, bytes) else str(model)
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        import json

        import hibari

        path = Path(hibari.__file__).parent / "assets" / "vocab.json"
        vocabulary: dict[str, int] = json.loads(path.read_text("utf-8"))
        return vocabulary

    @cached_property
    def _american(self) -> Any:
        from hibari.g2p import G2P

        return G2P()

    @cached_property
    def _british(self) -> Any:
        from hibari.g2p import G2P

        return G2P(british=True)


def _trimmed(samples: Samples) -> Samples:
    """Without the silence at both ends but for 30 ms, which fade so that joins do not click."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return samples[:0]
    loud = np.flatnonzero(np.abs(samples) > peak * 10 ** (SILENCE_DB / 20))
    n_kept = round(KEPT_S * SAMPLE_RATE)
    kept = samples[max(0, loud[0] - n_kept) : loud[-1] + n_kept].copy()
    n_fade = min(n_kept, len(kept) // 2)
    if n_fade:
        kept[:n_fade] *= np.linspace(0, 1, n_fade, dtype=np.float32)
        kept[-n_fade:] *= np.linspace(1, 0, n_fade, dtype=np.float32)
    return kept
