"""Voices without words: phrases of invented syllables, and many speakers at once.

Each glottal pulse rings the formants of the vowel it falls into (formant wave functions, Rodet 1984);
the vowels are the men's means of Peterson & Barney 1952, scaled to the speaker's vocal tract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from models.clip import Samples
from models.effects import dsp
from models.effects.sounds import SAMPLE_RATE

Curve = NDArray[np.floating[Any]]
RATE = SAMPLE_RATE // 2
VOWELS_HZ = np.array(
    [
        (270, 2290, 3010, 3600),
        (390, 1990, 2550, 3600),
        (530, 1840, 2480, 3600),
        (660, 1720, 2410, 3500),
        (730, 1090, 2440, 3400),
        (570, 840, 2410, 3400),
        (440, 1020, 2240, 3400),
        (300, 870, 2240, 3400),
        (640, 1190, 2390, 3500),
        (490, 1350, 1690, 3300),
    ],
    dtype=np.float64,
)
WIDTHS_HZ = np.array([80.0, 100.0, 140.0, 220.0])
GAINS = 10 ** (np.array([0.0, -7.0, -13.0, -19.0]) / 20)


def voiced(pitch_hz: Curve, level: Curve, formants_hz: Curve, rng: np.random.Generator) -> dsp.Mono:
    """A sung or spoken sound from curves at RATE: pitch (n,), level (n,), four formants (4, n); at RATE too."""
    n = len(pitch_hz)
    turns = np.cumsum(pitch_hz * (1 + 0.012 * rng.standard_normal(n))) / RATE
    pulses = np.searchsorted(turns, np.arange(1, int(turns[-1]) + 1)) if n else np.zeros(0, np.int64)
    pulses = pulses[pulses < n]
    length = int(0.014 * RATE)
    t = np.arange(length) / RATE
    grains = np.zeros((len(pulses), length), np.float32)
    for number in range(4):
        hz = formants_hz[number, pulses].astype(np.float32)
        ringing = (GAINS[number] * np.exp(-np.pi * WIDTHS_HZ[number] * t)).astype(np.float32)
        grains += ringing * np.sin((2 * np.pi * hz)[:, None] * t.astype(np.float32))
    grains *= np.minimum(1.0, t / 0.0004).astype(np.float32) * np.minimum(1.0, (t[-1] - t) / 0.003).astype(np.float32)
    grains *= (level[pulses] * 10 ** (rng.normal(0, 0.8, len(pulses)) / 20)).astype(np.float32)[:, None]
    where = pulses[:, None] + np.arange(length)
    return np.bincount(where.ravel(), grains.ravel(), n + length)[:n].astype(np.float32)


def phrase(rng: np.random.Generator, *, pitch_hz: float, tract: float, n_syllables: int, effort: float) -> dsp.Mono:
    """A spoken phrase without words, 48 kHz; tract scales the formants, effort 0 to 1 widens the melody."""
    lengths_s = rng.uniform(0.11, 0.26, n_syllables)
    lengths_s[-1] *= 1.5
    edges_s = np.concatenate([[0.0], np.cumsum(lengths_s)])
    n = int((edges_s[-1] + 0.05) * RATE)
    t = np.arange(n) / RATE
    middles_s = (edges_s[:-1] + edges_s[1:]) / 2
    stress = rng.uniform(0.35, 1.0, n_syllables)
    fall = 2.0 ** (-0.25 * np.linspace(0, 1, n_syllables) + (0.12 + 0.2 * effort) * (rng.standard_normal(n_syllables)))
    pitch = np.interp(t, middles_s, pitch_hz * (1 + 0.4 * effort) * fall)
    vowels = tract * VOWELS_HZ[rng.integers(0, len(VOWELS_HZ), n_syllables)]
    formants = np.stack([np.interp(t, middles_s, vowels[:, number]) for number in range(4)])
    knots_s, knots = [0.0], [0.0]
    for syllable in range(n_syllables):
        start_s, end_s = edges_s[syllable], edges_s[syllable + 1]
        knots_s += [start_s + 0.03, (start_s + end_s) / 2, end_s - 0.02]
        knots += [0.5 * stress[syllable], stress[syllable], rng.uniform(0.05, 0.5) * stress[syllable]]
    level = np.interp(t, [*knots_s, edges_s[-1] + 0.04], [*knots, 0.0])
    sound = voiced(pitch, level, formants, rng)
    sound = dsp.at_rms(sound, 0.1) + _consonants(n, edges_s, rng)
    return np.asarray(signal.resample_poly(sound, 2, 1), dtype=np.float32)


def _consonants(n: int, edges_s: Curve, rng: np.random.Generator) -> dsp.Mono:
    out = np.zeros(n, np.float32)
    for edge_s in edges_s[:-1]:
        kind = rng.random()
        if kind < 0.35:
            continue
        hiss = kind < 0.65
        length = int(RATE * (rng.uniform(0.05, 0.11) if hiss else rng.uniform(0.008, 0.02)))
        centre_hz = rng.uniform(3500, 7500) if hiss else rng.uniform(1200, 4000)
        sos = signal.butter(2, (centre_hz * 0.75, centre_hz * 1.3), "bandpass", fs=RATE, output="sos")
        noise = signal.sosfilt(sos, rng.standard_normal(length)) * np.hanning(length)
        dsp.place(out, np.asarray(noise * (0.05 if hiss else 0.1), np.float32), int(edge_s * RATE))
    return out


def phrases(rng: np.random.Generator, n_phrases: int, *, effort: float = 0.3, female: float = 0.5) -> list[dsp.Mono]:
    """A bank of phrases by different speakers."""
    bank = []
    for _ in range(n_phrases):
        is_female = rng.random() < female
        pitch_hz = rng.uniform(165, 240) if is_female else rng.uniform(90, 140)
        tract = rng.uniform(1.1, 1.22) if is_female else rng.uniform(0.94, 1.06)
        n_syllables = int(rng.integers(4, 13))
        bank.append(phrase(rng, pitch_hz=pitch_hz, tract=tract, n_syllables=n_syllables, effort=effort))
    return bank


def babble(n: int, rng: np.random.Generator, bank: Sequence[dsp.Mono], n_speakers: int, pause_s: float) -> Samples:
    """Many people talking at once, each at a place and a distance, taking breaths of about pause_s."""
    out = np.zeros((2, n), np.float32)
    for speaker in range(n_speakers):
        gain = 10 ** (-(2.5 * min(speaker, 6) + rng.uniform(0.0, 3.0)) / 20)
        angle = rng.uniform(0.1, 0.9) * np.pi / 2
        sides = np.float32(gain) * np.array([[np.cos(angle)], [np.sin(angle)]], np.float32)
        start = -int(rng.uniform(0, 3.0) * SAMPLE_RATE)
        while start < n:
            words = bank[int(rng.integers(len(bank)))]
            dsp.place(out, words[None, :], start, sides)
            start += len(words) + int(rng.exponential(pause_s) * SAMPLE_RATE)
    return out
