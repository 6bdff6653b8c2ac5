"""Nearest: which sounds the bundled engines can make are nearest in meaning to words that none of them serves."""

from __future__ import annotations

from functools import cache

import numpy as np

from models.effects.library import nearest
from models.effects.procedural import known_sounds
from models.encoders.sentence import sentence_vectors

N_PHRASES = 3
"""So many phrases of a computed sound, the first ones, stand for it."""

N_CLIPS = 20
"""So many clips are looked at: several may be described in the same words."""


def nearest_sounds(words: str, n: int) -> list[str]:
    """The names of the computed sounds and clips nearest to the words, at most n, best first; none for no words.

    Takes a few seconds at the first call, which loads the sentence encoder.
    """
    if not words.strip():
        return []
    names, owners, vectors = _computed()
    cosines = np.full(len(names), -1.0, np.float32)
    np.maximum.at(cosines, owners, vectors @ sentence_vectors([words])[0])
    found = [(float(cosine), name) for cosine, name in zip(cosines, names, strict=True)]
    found += [(cosine, clip.text.split(",")[0]) for clip, cosine in nearest(words, N_CLIPS)]
    best_first = [name for _, name in sorted(found, key=lambda each: (-each[0], each[1]))]
    return list(dict.fromkeys(best_first))[:n]


@cache
def _computed() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the computed sounds, which name each phrase belongs to, and the phrases' vectors (n_phrases, 384)."""
    sounds = known_sounds()
    phrases = [
        (number, phrase)
        for number, sound in enumerate(sounds)
        for phrase in dict.fromkeys([sound.name, *sound.phrases[:N_PHRASES]])
    ]
    vectors = sentence_vectors([phrase for _, phrase in phrases])
    return [sound.name for sound in sounds], np.array([number for number, _ in phrases]), vectors
