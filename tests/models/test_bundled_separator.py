"""The bundled checkpoint from end to end: mixtures of sounds that the program itself can make, asked for in words."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from models.clip import Clip, resample, with_channels
from models.clipsep.separator import ClipSep
from models.effects.procedural import Procedural
from models.engines import SoundQuery

pytestmark = pytest.mark.skipif(not ClipSep.readiness().ready, reason="no bundled checkpoint")
RATE = 44_100
WORDS = {"rain": "heavy rain", "helicopter": "helicopter flying", "dog": "dog barking", "clock": "clock ticking"}


@cache
def sound(words: str) -> NDArray[np.float32]:
    """Six seconds of our own synthesis, mono, at an RMS of 0.05."""
    made = Procedural().generate(SoundQuery(words, bed=True), duration_s=6.0, seed=1)
    samples = resample(with_channels(made, 1), RATE).samples[0]
    return (samples * (0.05 / np.sqrt(np.mean(samples**2)))).astype(np.float32)


def sdr_db(sound: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.sum(sound**2) / np.sum((sound - found) ** 2)))


@cache
def separated(first: str, second: str) -> tuple[NDArray[np.float32], list[float], list[float]]:
    mixture = Clip((sound(first) + sound(second))[np.newaxis], RATE)
    queries = [SoundQuery(WORDS[first]), SoundQuery(WORDS[second]), SoundQuery("violin")]
    found, sure = ClipSep().separate_all(mixture, queries)
    levels_db = [float(10 * np.log10(np.sum(one**2) / np.sum(mixture.samples**2) + 1e-12)) for one in found]
    return found[:, 0], sure, levels_db


@pytest.mark.parametrize(("first", "second"), [("dog", "rain"), ("clock", "helicopter")])
def test_words_take_their_sound_out_of_a_mixture(first: str, second: str) -> None:
    """Mixed at equal level, so a mixture's own SDR is 0 dB and half of it has 3 dB."""
    found, sure, _ = separated(first, second)
    assert sdr_db(sound(first), found[0]) > 6.0 and sdr_db(sound(second), found[1]) > 3.0
    assert sure[0] > 0.5 and sure[1] > 0.3


@pytest.mark.parametrize(("first", "second"), [("dog", "rain"), ("clock", "helicopter")])
def test_a_query_for_what_is_not_there_gives_almost_nothing_and_little_confidence(first: str, second: str) -> None:
    _, sure, levels_db = separated(first, second)
    assert levels_db[2] < -20.0 and sure[2] < 0.2 < min(sure[:2])
