"""Throats: the calls of animals and people as glottal pulses, breath and moving formants.

Conventions: 48 kHz, mono float32 (n_samples,). A contour is points (share of the call from 0 to 1, value) with
straight lines between them. Source and filter are apart, as in Fant 1960.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal

from models.clip import Samples
from models.effects import dsp, gestures
from models.effects.sounds import SAMPLE_RATE

Contour = tuple[tuple[float, float], ...]
N_FRAME = 1024
HOP = 256
HIGHEST_HZ = 16_000.0
MOST_HARMONICS = 80


@dataclass(frozen=True)
class Formant:
    """A resonance of the tract: where it lies over the call, how wide and how strong it is."""

    hz: Contour
    width_hz: float
    gain_db: float = 0.0


def still(hz: float, width_hz: float, gain_db: float = 0.0) -> Formant:
    """A formant that does not move."""
    return Formant(((0.0, hz), (1.0, hz)), width_hz, gain_db)


@dataclass(frozen=True)
class Call:
    """One cry, bark or syllable of one throat."""

    length_s: float
    pitch_hz: Contour
    level: Contour
    formants: tuple[Formant, ...]
    tilt: float = 1.0
    """Harmonic k of the source has the amplitude k ** -tilt."""
    breath: float = 0.1
    """Level of the noise beside the pulses, which have 1."""
    jitter: float = 0.01
    """How far (sd, as a share) the pitch is off, changing 60 times a second."""
    rough: float = 0.0
    """How deeply every second pulse is weaker (0 to 1), as in a hoarse voice."""
    shake: float = 0.0
    shake_hz: float = 6.0
    """Vibrato: its depth as a share of the pitch, and its rate."""
    tremor: float = 0.0
    """How deeply (0 to 1) the level shakes along, as in bleating."""


def along(contour: Contour, n: int) -> dsp.Mono:
    """The contour at each of n samples."""
    shares, values = zip(*contour, strict=True)
    return np.asarray(np.interp(np.linspace(0.0, 1.0, n), shares, values), dtype=np.float32)


def mouth(samples: dsp.Mono, formants: Sequence[Formant]) -> dsp.Mono:
    """The samples through formants that move, each a peak that falls off by 12 dB an octave beyond its width."""
    n = len(samples)
    padded = np.pad(samples, (0, max(0, 2 * N_FRAME - n)))
    _, _, spectrum = signal.stft(padded, SAMPLE_RATE, nperseg=N_FRAME, noverlap=N_FRAME - HOP)
    hz = np.arange(spectrum.shape[0])[:, None] * SAMPLE_RATE / N_FRAME
    shares = np.minimum(1.0, np.arange(spectrum.shape[1]) * HOP / max(n, 1))
    gain = np.full(spectrum.shape, 0.003)
    for formant in formants:
        points, values_hz = zip(*formant.hz, strict=True)
        where_hz = np.interp(shares, points, values_hz)[None, :]
        gain += 10 ** (formant.gain_db / 20) / (1 + ((hz - where_hz) / (formant.width_hz / 2)) ** 2)
    _, out = signal.istft(spectrum * gain, SAMPLE_RATE, nperseg=N_FRAME, noverlap=N_FRAME - HOP)
    return np.asarray(out[:n], dtype=np.float32)


def voice(call: Call, rng: np.random.Generator, *, pitch: float = 1.0, length: float = 1.0) -> dsp.Mono:
    """The call at a multiple of its pitch and of its length, peak 1."""
    n = max(1, dsp.count(call.length_s * length))
    t = dsp.times(n)
    swing = np.sin(2 * np.pi * call.shake_hz * t + float(rng.uniform(0, 2 * np.pi)))
    hz = pitch * along(call.pitch_hz, n) * (1 + call.shake * swing)
    hz = np.maximum(20.0, hz * (1 + call.jitter * dsp.wander(n, rng, 60.0)))
    n_harmonics = int(np.clip(HIGHEST_HZ / float(hz.max()), 1, MOST_HARMONICS))
    pulses = dsp.harmonics(hz, list(np.arange(1, n_harmonics + 1) ** -call.tilt))
    if call.rough:
        pulses *= 1 - np.float32(call.rough) * (0.5 + 0.5 * dsp.tone(0.5 * hz, float(rng.uniform(0, 6))))
    breath = dsp.shaped_noise(n, rng, [(100, -12), (400, 0), (3000, 0), (12_000, -9)])
    source = dsp.at_rms(pulses, 1.0) + np.float32(call.breath) * breath
    level = along(call.level, n) * (1 - call.tremor * (0.5 + 0.5 * swing))
    return dsp.at_peak(dsp.fades(mouth(source, call.formants) * level.astype(np.float32), 0.004, 0.008), 1.0)


def bouts(
    duration_s: float, rng: np.random.Generator, pattern_s: Sequence[float], period_s: float, off: float = 0.08
) -> list[float]:
    """Moments of a pattern that comes again every period_s, each off by up to a share of its distance to the last."""
    starts_s = []
    for turn_s in np.arange(0.0, max(duration_s, 0.01), period_s):
        before_s = 0.0
        for moment_s in pattern_s:
            gap_s = max(0.02, moment_s - before_s)
            starts_s.append(float(turn_s + moment_s + rng.uniform(-off, off) * gap_s))
            before_s = moment_s
    return [max(0.02, start_s) for start_s in starts_s]


def called(
    duration_s: float,
    starts_s: Sequence[float],
    make: Callable[[int], Samples],
    rng: np.random.Generator,
    description: str,
    *,
    peak: float = 0.6,
    room_s: float = 0.6,
    room: float = 0.12,
) -> Samples:
    """Calls laid at their moments, in the open or in a room, with a little air around them."""
    out = gestures.repeated(duration_s, starts_s, make)
    out = dsp.at_peak(dsp.reverb(out, rng, t60_s=room_s, mix=room, cutoff_hz=4000), 1.0)
    air = dsp.wide_noise(out.shape[1], rng, [(60, 0), (300, -6), (2000, -18), (9000, -30)])
    return gestures.finished(out + np.float32(0.002) * air, duration_s, description, peak=peak, rng=rng)
