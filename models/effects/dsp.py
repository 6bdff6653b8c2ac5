"""Building blocks of procedural sound: noise, envelopes, grains, resonators, space and levels.

Conventions: mono is float32 (n_samples,), stereo float32 (2, n_samples), always at 48 kHz; all randomness
comes from the generator that is handed in; noise and curves have unit rms unless said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from models.clip import Samples
from models.effects.sounds import SAMPLE_RATE

Mono = NDArray[np.float32]
Curve = Sequence[tuple[float, float]]
"""Points (frequency in Hz, gain in dB), ascending; straight lines over log frequency lie between them."""

DENSE_S = 8.0

WEAK = ("light", "gentle", "soft", "softly", "quiet", "quietly", "faint", "slight", "calm", "small", "mild", "drizzle")
STRONG = (
    "heavy",
    "heavily",
    "hard",
    "loud",
    "loudly",
    "strong",
    "violent",
    "storm",
    "stormy",
    "intense",
    "big",
    "huge",
)
STRONG_TOO = (
    "pouring",
    "torrential",
    "howling",
    "raging",
    "rough",
    "downpour",
    "gale",
    "massive",
    "powerful",
    "furious",
)
FAR = ("distant", "distance", "far", "faraway", "afar", "outside", "muffled", "background")
FAST = ("fast", "quick", "quickly", "rapid", "rapidly", "frantic", "racing", "running", "hurried", "busy")
SLOW = ("slow", "slowly", "lazy", "calm", "sparse", "occasional", "resting")


def count(duration_s: float) -> int:
    """How many samples a duration has."""
    return round(duration_s * SAMPLE_RATE)


def times(n: int) -> Mono:
    """The time of each sample in seconds."""
    return (np.arange(n) / SAMPLE_RATE).astype(np.float32)


def says(description: str, *words: str) -> bool:
    """Whether any of the words stands in the description as a whole word or phrase."""
    return any(re.search(rf"\b{re.escape(word)}\b", description.lower()) for word in words)


def strength(description: str) -> float:
    """-1 where the description is weak ("gentle"), 1 where it is strong ("heavy"), otherwise 0."""
    return float(says(description, *STRONG, *STRONG_TOO)) - float(says(description, *WEAK))


def speed(description: str) -> float:
    """-1 where the description is slow, 1 where it is fast, otherwise 0."""
    return float(says(description, *FAST)) - float(says(description, *SLOW))


def is_far(description: str) -> bool:
    """Whether the description puts the sound far away."""
    return says(description, *FAR)


# noise and curves


def white(n: int, rng: np.random.Generator) -> Mono:
    """White noise."""
    return rng.standard_normal(n, dtype=np.float32)


def shape(samples: Mono, curve: Curve) -> Mono:
    """The samples through a zero-phase filter whose gain follows the curve; flat beyond its ends."""
    n = len(samples)
    if n == 0:
        return samples
    n_fft = int(fft.next_fast_len(n + min(n, 4096), real=True))
    grid_hz = np.geomspace(5.0, SAMPLE_RATE / 2, 512)
    grid_gain = 10 ** (np.interp(np.log(grid_hz), np.log([hz for hz, _ in curve]), [db for _, db in curve]) / 20)
    gain = np.interp(fft.rfftfreq(n_fft, 1 / SAMPLE_RATE), grid_hz, grid_gain).astype(np.float32)
    gain[0] = 0.0
    return np.asarray(fft.irfft(fft.rfft(samples, n_fft) * gain, n_fft)[:n], dtype=np.float32)


def shaped_noise(n: int, rng: np.random.Generator, curve: Curve) -> Mono:
    """Noise whose spectrum follows the curve, unit rms whatever n is."""
    grid_hz = np.linspace(5.0, SAMPLE_RATE / 2, 8192)
    grid_db = np.interp(np.log(grid_hz), np.log([hz for hz, _ in curve]), [db for _, db in curve])
    return shape(white(n, rng), curve) / np.float32(np.sqrt(np.mean(10 ** (grid_db / 10))))


def coloured_noise(
    n: int, rng: np.random.Generator, slope_db_per_octave: float, *, low_hz: float = 20.0, high_hz: float = 20_000.0
) -> Mono:
    """Noise that falls (or rises) by so many dB an octave: -3 is pink, -6 brown; steep beyond low_hz and high_hz."""
    fall_db = slope_db_per_octave * np.log2(high_hz / low_hz)
    curve = [(low_hz / 2, -24.0), (low_hz, 0.0), (high_hz, fall_db), (min(high_hz * 2, 24_000.0), fall_db - 24.0)]
    return shaped_noise(n, rng, curve)


def band_noise(n: int, rng: np.random.Generator, low_hz: float, high_hz: float) -> Mono:
    """Noise between two frequencies, 36 dB an octave outside."""
    low: Curve = [(low_hz / 4, -72.0), (low_hz / 2, -36.0), (low_hz, 0.0)]
    return shaped_noise(n, rng, [*low, (high_hz, 0.0), (high_hz * 2, -36.0), (high_hz * 4, -72.0)])


def wander(n: int, rng: np.random.Generator, rate_hz: float) -> Mono:
    """A smooth random curve about 0 with unit variance that changes about rate_hz times a second."""
    step = SAMPLE_RATE / (4 * rate_hz)
    n_knots = int(np.ceil(n / step)) + 24
    knots = signal.fftconvolve(rng.standard_normal(n_knots), np.hanning(9)[1:-1], mode="same")
    knots = knots / np.sqrt(np.sum(np.hanning(9) ** 2))
    return np.asarray(np.interp(np.arange(n) / step + 10, np.arange(n_knots), knots), dtype=np.float32)


def slow_curve(n: int, rng: np.random.Generator, rate_hz: float, low: float, high: float) -> Mono:
    """A smooth random curve that stays between low and high."""
    inside = 0.5 + 0.5 * np.tanh(0.9 * wander(n, rng, rate_hz))
    return np.asarray(low + (high - low) * inside, dtype=np.float32)


# filters


def lowpass(samples: Samples, cutoff_hz: float, order: int = 2) -> Samples:
    """Butterworth low-pass along the last axis."""
    sos = signal.butter(order, cutoff_hz, "lowpass", fs=SAMPLE_RATE, output="sos").astype(np.float32)
    return np.asarray(signal.sosfilt(sos, samples), dtype=np.float32)


def highpass(samples: Samples, cutoff_hz: float, order: int = 2) -> Samples:
    """Butterworth high-pass along the last axis."""
    sos = signal.butter(order, cutoff_hz, "highpass", fs=SAMPLE_RATE, output="sos")
    return np.asarray(signal.sosfilt(sos, samples), dtype=np.float32)


def bandpass(samples: Samples, low_hz: float, high_hz: float, order: int = 2) -> Samples:
    """Butterworth band-pass along the last axis."""
    sos = signal.butter(order, (low_hz, high_hz), "bandpass", fs=SAMPLE_RATE, output="sos")
    return np.asarray(signal.sosfilt(sos, samples), dtype=np.float32)


# tones, resonators and grains


def tone(frequency_hz: NDArray[np.floating] | Sequence[float], phase: float = 0.0) -> Mono:
    """A sine that follows a frequency given for every sample."""
    turns = np.cumsum(np.asarray(frequency_hz, dtype=np.float64)) / SAMPLE_RATE
    return np.sin(2 * np.pi * (turns % 1.0) + phase).astype(np.float32)


def harmonics(frequency_hz: NDArray[np.floating] | Sequence[float], gains: Sequence[float]) -> Mono:
    """Sines at 1, 2, 3, ... times a frequency given for every sample, with a gain each."""
    angle = 2 * np.pi * ((np.cumsum(np.asarray(frequency_hz, dtype=np.float64)) / SAMPLE_RATE) % 1.0)
    twice_cos, before, now = 2 * np.cos(angle), np.zeros(len(angle)), np.sin(angle)
    total = np.zeros(len(angle))
    for gain in gains:
        total += gain * now
        before, now = now, twice_cos * now - before  # sin((k + 1) x) = 2 cos x sin kx - sin((k - 1) x)
    return total.astype(np.float32)


def decay(n: int, t60_s: float) -> Mono:
    """An exponential decay from 1 that falls by 60 dB in t60_s."""
    return np.asarray(np.power(10.0, -3.0 * np.arange(n) / (t60_s * SAMPLE_RATE)), dtype=np.float32)


def pulse(n: int, attack_s: float, t60_s: float) -> Mono:
    """A raised-cosine attack, then an exponential decay."""
    n_attack = min(n, max(1, count(attack_s)))
    envelope = np.ones(n, np.float32)
    envelope[:n_attack] = 0.5 - 0.5 * np.cos(np.pi * np.arange(n_attack) / n_attack)
    envelope[n_attack:] = decay(n - n_attack, t60_s)
    return envelope


def modal(
    n: int, frequencies_hz: Sequence[float], t60s_s: Sequence[float], gains: Sequence[float], rng: np.random.Generator
) -> Mono:
    """A struck body: decaying sines at its modes; a 0.3 ms attack keeps it free of a step."""
    t = np.arange(n) / SAMPLE_RATE
    total = np.zeros(n, np.float64)
    for frequency_hz, t60_s, gain in zip(frequencies_hz, t60s_s, gains, strict=True):
        if frequency_hz < 0.45 * SAMPLE_RATE:
            total += gain * np.exp(-6.9078 * t / t60_s) * np.sin(2 * np.pi * frequency_hz * t + rng.uniform(0, 0.5))
    return (total * np.minimum(1.0, t / 0.0003)).astype(np.float32)


def resonate(
    samples: Mono, frequencies_hz: Sequence[float], widths_hz: Sequence[float], gains: Sequence[float]
) -> Mono:
    """The samples through parallel resonators (two poles each, unit gain at the peak times its gain)."""
    total = np.zeros(len(samples), np.float32)
    for frequency_hz, width_hz, gain in zip(frequencies_hz, widths_hz, gains, strict=True):
        b, a = signal.iirpeak(frequency_hz, frequency_hz / width_hz, fs=SAMPLE_RATE)
        total += np.asarray(gain * signal.lfilter(b, a, samples), dtype=np.float32)
    return total


def poisson_starts(n: int, rate_hz: float, rng: np.random.Generator, *, before_s: float = 0.0) -> NDArray[np.int64]:
    """Random moments, as ascending sample indices, rate_hz a second on average; from before_s before 0 on."""
    n_before = count(before_s)
    n_events = rng.poisson(rate_hz * (n + n_before) / SAMPLE_RATE)
    return np.sort(rng.integers(-n_before, max(n, 1), n_events))


def place(out: Samples, grain: Samples, start: int, gain: float | Samples = 1.0) -> None:
    """Adds a grain into out (along the last axis), cut where it leaves out on either side."""
    first, last = max(0, start), min(out.shape[-1], start + grain.shape[-1])
    if first < last:
        out[..., first:last] += gain * grain[..., first - start : last - start]


def scatter(
    n: int, rate_hz: float, bank: Sequence[Mono], rng: np.random.Generator, *, spread_db: float = 6.0
) -> Samples:
    """Grains of a bank at random moments, levels (sd spread_db) and places, as stereo; already going at sample 0.

    More than 200 grains a second are placed for DENSE_S only and then extended: nobody can follow them.
    """
    n_placed = min(n, count(DENSE_S)) if rate_hz > 200 else n
    out = np.zeros((2, n_placed), np.float32)
    starts = poisson_starts(n_placed, rate_hz, rng, before_s=max(len(grain) for grain in bank) / SAMPLE_RATE)
    which = rng.integers(0, len(bank), len(starts))
    gains = 10 ** (rng.normal(0.0, spread_db, len(starts)) / 20)
    angles = rng.uniform(0.15, 0.85, len(starts)) * np.pi / 2
    sides = (gains * np.stack([np.cos(angles), np.sin(angles)])).astype(np.float32).T[:, :, None]
    for start, grain_no, side in zip(starts.tolist(), which.tolist(), sides, strict=True):
        place(out, bank[grain_no], start, side)
    return extended(out, n, rng)


def extended(texture: Samples, n: int, rng: np.random.Generator) -> Samples:
    """A texture made longer: pieces of it from random places, crossfaded with equal power."""
    n_texture, n_piece = texture.shape[-1], texture.shape[-1] // 4
    if n <= n_texture:
        return texture[..., :n]
    window = np.sin(np.pi * (np.arange(2 * n_piece) + 0.5) / (2 * n_piece)).astype(np.float32)
    out = np.zeros((*texture.shape[:-1], n), np.float32)
    for start in range(-n_piece, n, n_piece):
        first = int(rng.integers(0, n_texture - 2 * n_piece + 1))
        place(out, texture[..., first : first + 2 * n_piece] * window, start)
    return out


# space


def pan(mono: Mono, position: float) -> Samples:
    """Mono at a place from -1 (left) to 1 (right), constant power; the middle keeps its rms on both sides."""
    angle = (position + 1) * np.pi / 4
    return np.asarray(np.sqrt(2.0) * np.stack([np.cos(angle) * mono, np.sin(angle) * mono]), dtype=np.float32)


def wide(left: Mono, right: Mono, width: float) -> Samples:
    """Two independent takes as stereo: width 0 is mono, 1 keeps them apart; rms stays."""
    near, far = np.cos(np.pi / 4 * (1 - width)), np.sin(np.pi / 4 * (1 - width))
    return np.stack([near * left + far * right, far * left + near * right]).astype(np.float32)


def wide_noise(n: int, rng: np.random.Generator, curve: Curve, width: float = 0.7) -> Samples:
    """Stereo noise whose spectrum follows the curve."""
    return wide(shaped_noise(n, rng, curve), shaped_noise(n, rng, curve), width)


def reverb(
    samples: Samples, rng: np.random.Generator, *, t60_s: float, mix: float, cutoff_hz: float = 6000.0
) -> Samples:
    """Mono or stereo in a diffuse room: decaying noise as response, low-passed, mixed in; stereo, length kept."""
    dry = samples if samples.ndim == 2 else np.stack([samples, samples])
    n_tail = count(t60_s)
    tail = lowpass(rng.standard_normal((2, n_tail)).astype(np.float32) * decay(n_tail, t60_s), cutoff_hz)
    tail /= np.sqrt(np.sum(tail**2, axis=1, keepdims=True)) + np.float32(1e-9)
    wet = signal.oaconvolve(dry, tail, axes=-1)[:, : dry.shape[1]]
    return np.asarray((1 - mix) * dry + mix * wet, dtype=np.float32)


def far_away(samples: Samples, amount: float = 1.0) -> Samples:
    """The sound from afar: air and obstacles take its high end; amount 0 leaves it as it is."""
    if amount <= 0:
        return samples
    return lowpass(samples, float(np.interp(amount, [0.0, 0.5, 1.0, 2.0], [18_000, 2500, 900, 400])))


# levels and lengths


def rms(samples: Samples) -> float:
    """Root mean square over everything."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0


def at_rms(samples: Samples, level: float) -> Samples:
    """The samples at an rms; silence stays silent."""
    now = rms(samples)
    return samples if now == 0 else (samples * np.float32(level / now)).astype(np.float32)


def at_peak(samples: Samples, peak: float = 0.9) -> Samples:
    """The samples with this peak; silence stays silent."""
    now = float(np.max(np.abs(samples))) if samples.size else 0.0
    return samples if now == 0 else (samples * np.float32(peak / now)).astype(np.float32)


def tamed(samples: Samples, peak: float = 0.9) -> Samples:
    """Samples bent smoothly below the peak: linear up to half of it, then like tanh."""
    knee = peak / 2
    size = np.abs(samples)
    bent = np.sign(samples) * (knee + (peak - knee) * np.tanh((size - knee) / (peak - knee)))
    return np.where(size <= knee, samples, bent).astype(np.float32)


def fades(samples: Samples, in_s: float = 0.005, out_s: float = 0.005) -> Samples:
    """A copy with raised-cosine fades, at most half of it each."""
    out = np.array(samples, dtype=np.float32)
    n = out.shape[-1]
    n_in, n_out = min(count(in_s), n // 2), min(count(out_s), n // 2)
    if n_in:
        out[..., :n_in] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(n_in) / n_in)).astype(np.float32)
    if n_out:
        out[..., n - n_out :] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(1, n_out + 1) / n_out)).astype(np.float32)
    return out


def exactly(samples: Samples, duration_s: float) -> Samples:
    """Cut, or filled up with silence, to a duration along the last axis."""
    n = count(duration_s)
    if samples.shape[-1] >= n:
        return samples[..., :n]
    return np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, n - samples.shape[-1])])
