"""Library engine: the sourced clip whose description is nearest in meaning to the words."""

from __future__ import annotations

from functools import cache
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from models.clip import BUNDLED, ORIGIN, Clip, Samples, read_clip
from models.effects.clip_index import BUNDLED as BUNDLED_CLIPS
from models.effects.clip_index import ClipIndex, SourcedClip, Vectors, bundled_clips, joined, user_clips
from models.encoders.sentence import sentence_vectors
from models.engines import Fit, SoundQuery
from models.errors import ModelError

COSINE_OF_NOTHING = 0.45
COSINE_OF_SAME = 0.80
"""Unrelated sound descriptions reach a cosine of about 0.4 in this encoder, paraphrases 0.8 (see the tests)."""
BEST_SCORE = 0.9
BED_FACTOR = 0.5
"""A short clip that is looped as a bed is heard as a loop."""


class Library:
    """Serves effects from the bundled CC0 clips and from the folders that the user added."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "per clip: CC0-1.0 for bundled clips"

    def fit(self, query: SoundQuery) -> Fit:
        if not query.text:
            return Fit(0.0, "has no words to search by")
        clip, cosine = nearest(query.text, 1)[0]
        score = BEST_SCORE * float(np.clip((cosine - COSINE_OF_NOTHING) / (COSINE_OF_SAME - COSINE_OF_NOTHING), 0, 1))
        because = f"its nearest clip is {clip.text!r} (cosine {cosine:.2f})"
        if query.bed and clip.duration_s < 8.0:
            return Fit(score * BED_FACTOR, f"{because}, {clip.duration_s:.1f} s to loop")
        return Fit(score, because)

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        """The nearest clip, or one of those as near (by seed); cut or repeated to `duration_s`.

        Raises ModelError when the file is broken.
        """
        if not query.text:
            raise ModelError("library: has no words to search by; write a description")
        found = nearest(query.text, 5)
        equals = [clip for clip, cosine in found if cosine > found[0][1] - 0.02]
        chosen = equals[int(np.random.default_rng(seed).integers(len(equals)))]
        clip = read_clip(Path(chosen.path))
        credits = {
            "licence": chosen.licence,
            "author": chosen.author,
            "link": chosen.link,
            "source": Path(chosen.path).name,
            ORIGIN: BUNDLED if Path(chosen.path).parent == BUNDLED_CLIPS else "",
        }
        samples = (
            clip.samples if duration_s is None else _to_length(clip, round(duration_s * clip.sample_rate), query.bed)
        )
        return Clip(samples, clip.sample_rate, credits={name: value for name, value in credits.items() if value})


def nearest(words: str, n_clips: int) -> list[tuple[SourcedClip, float]]:
    """The clips nearest in meaning with the cosine of their nearest phrase, best first. Refuses empty words.

    Clips whose recordings were moved or deleted since they were indexed are passed over.
    """
    if not words.strip():
        raise ModelError("library: has no words to search by; say what should be heard")
    index = _whole_index()
    cosines = np.full(len(index.clips), -1.0, np.float32)
    np.maximum.at(cosines, index.owners, index.vectors @ _vector(words))
    best = np.argsort(-cosines, kind="stable")
    there = (number for number in best if Path(index.clips[number].path).is_file())
    return [(index.clips[number], float(cosines[number])) for number in islice(there, n_clips)]


@cache
def _vector(words: str) -> Vectors:
    vector: Vectors = sentence_vectors([words])[0]
    return vector


@cache
def _whole_index() -> ClipIndex:
    return joined(bundled_clips(), user_clips())


def _to_length(clip: Clip, n_samples: int, bed: bool) -> Samples:
    """Cut with a 10 ms fade; a shorter event rings out into silence, a shorter bed is repeated by crossfades."""
    samples = clip.samples[:, :n_samples].copy()
    if clip.n_samples < n_samples and bed:
        samples = _repeated(clip.samples, n_samples, min(clip.n_samples // 4, clip.sample_rate))
    elif clip.n_samples < n_samples:
        samples = np.pad(samples, ((0, 0), (0, n_samples - clip.n_samples)))
    n_fade = min(clip.sample_rate // 100, n_samples)
    if n_fade and clip.n_samples > n_samples:
        samples[:, -n_fade:] *= np.linspace(1, 0, n_fade, dtype=np.float32)
    return samples


def _repeated(samples: Samples, n_samples: int, n_overlap: int) -> Samples:
    out = np.zeros((samples.shape[0], n_samples), np.float32)
    angle = np.linspace(0, np.pi / 2, n_overlap, dtype=np.float32)
    body = samples.copy()
    body[:, -n_overlap:] *= np.cos(angle)
    begin = 0
    while begin < n_samples:
        piece = body.copy()
        if begin:
            piece[:, :n_overlap] *= np.sin(angle)
        n_piece = min(piece.shape[1], n_samples - begin)
        out[:, begin : begin + n_piece] += piece[:, :n_piece]
        begin += samples.shape[1] - n_overlap
    return out
