"""One room for a scene: a seeded synthetic impulse response, convolved block by block.

Conventions: samples are float32 (2, n_samples) at 48 kHz. The response is noise that decays exponentially in each
octave (Moorer 1979, "About this reverberation business"), from either side to both. Its energy is the same in every
octave from 125 Hz to 8 kHz, whatever the decay: so a row that gives `wet` of its energy to the room and keeps the
rest is as loud as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from composer.settings import Room
from models.clip import Samples

SAMPLE_RATE = 48_000
LONGEST_TAIL_S = 4.0


@dataclass(frozen=True)
class RoomSound:
    """How a room answers. `wet_near` and `wet_far` are shares of a row's energy, in the foreground and background."""

    rt60_s: float
    """Time in which 1 kHz falls by 60 dB; low octaves ring a little longer, high ones shorter."""
    predelay_s: float
    wet_near: float
    wet_far: float


# Reverberation times are usual for such places (Kuttruff, "Room Acoustics": studios 0.3 s, living rooms 0.5 s,
# concert halls 1.8-2.2 s); the shares are ours: speech stays within 0.5 LU even if no wet energy counted at all.
ROOMS: dict[Room, RoomSound] = {
    "studio": RoomSound(rt60_s=0.25, predelay_s=0.004, wet_near=0.02, wet_far=0.05),
    "room": RoomSound(rt60_s=0.5, predelay_s=0.008, wet_near=0.05, wet_far=0.12),
    "hall": RoomSound(rt60_s=1.8, predelay_s=0.020, wet_near=0.08, wet_far=0.22),
    "cave": RoomSound(rt60_s=3.0, predelay_s=0.030, wet_near=0.10, wet_far=0.28),
    "outdoors": RoomSound(rt60_s=0.8, predelay_s=0.060, wet_near=0.01, wet_far=0.04),
}

# octave's centre -> decay time as a share of that at 1 kHz, level in dB
_OCTAVES = {
    125.0: (1.10, 0.0),
    250.0: (1.05, 0.0),
    500.0: (1.0, 0.0),
    1000.0: (1.0, 0.0),
    2000.0: (0.95, 0.0),
    4000.0: (0.8, 0.0),
    8000.0: (0.6, 0.0),
    16000.0: (0.35, -3.0),
}


def tail_s(room: Room) -> float:
    """How long the room rings on after the last row."""
    sound = ROOMS.get(room)
    return min(sound.rt60_s + sound.predelay_s, LONGEST_TAIL_S) if sound else 0.0


def shares(room: Room, distance: float) -> tuple[float, float]:
    """The gains (dry, wet) of a row at a distance from 0 to 1; their squares sum to 1."""
    sound = ROOMS.get(room)
    if sound is None:
        return 1.0, 0.0
    wet = sound.wet_near + (sound.wet_far - sound.wet_near) * distance
    return sqrt(1.0 - wet), sqrt(wet)


@cache
def impulse_responses(room: Room) -> Samples:
    """(side in, side out, n_samples): what each ear hears of an impulse on each side; energy 1 for each side in."""
    sound = ROOMS[room]
    n_samples = round(tail_s(room) * SAMPLE_RATE)
    predelay = round(sound.predelay_s * SAMPLE_RATE)
    rng = np.random.default_rng(20_260_101)
    response = np.zeros((2, 2, n_samples), dtype=np.float32)
    for path in response.reshape(4, n_samples):
        path[predelay:] = _decaying_noise(sound.rt60_s, rng.standard_normal(n_samples - predelay, dtype=np.float32))
    return response


def _decaying_noise(rt60_s: float, noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Noise as one path of a room; its energy is 1/2 where every octave has its full share."""
    from scipy import fft

    n_samples = len(noise)
    spectrum = fft.rfft(noise)
    octave = np.log2(np.maximum(np.arange(len(spectrum), dtype=np.float32) * (SAMPLE_RATE / n_samples), 1.0))
    time_s = np.arange(n_samples, dtype=np.float32) / SAMPLE_RATE
    response = np.zeros(n_samples, dtype=np.float32)
    for centre, (decay, level_db) in _OCTAVES.items():
        # neighbouring octaves overlap with weights that sum to one, since they are cut from the same noise
        away = np.clip(np.abs(octave - np.log2(centre)), 0.0, 1.0)
        if centre == max(_OCTAVES):
            away[octave > np.log2(centre)] = 0.0
        weight = np.cos(away * np.float32(np.pi / 2.0)) ** 2
        band = fft.irfft(spectrum * weight, n_samples)
        band *= np.exp(time_s * np.float32(-np.log(1000.0) / (rt60_s * decay)))
        energy = 0.5 * float(np.mean(weight**2)) * 10.0 ** (level_db / 10.0)
        response += band * np.float32(np.sqrt(energy / float(np.sum(band**2))))
    return response


class Reverb:
    """The room's answer to one stem, block after block."""

    def __init__(self, room: Room) -> None:
        self._spectra, self._n_fft, self._step = _spectra(room)
        self._tail = np.zeros((2, self._n_fft - self._step), dtype=np.float32)

    @property
    def rings(self) -> bool:
        return bool(self._tail.any())

    def process(self, send: Samples) -> Samples:
        """The wet sound of a block; what rings beyond it is kept for the next (overlap-add)."""
        from scipy import fft

        n_samples = send.shape[1]
        wet = np.zeros((2, n_samples + self._tail.shape[1]), dtype=np.float32)
        wet[:, : self._tail.shape[1]] = self._tail
        for begin in range(0, n_samples, self._step):
            piece = send[:, begin : min(begin + self._step, n_samples)]
            if not piece.any():
                continue
            left, right = (fft.rfft(side, self._n_fft) for side in piece)
            end = min(begin + self._n_fft, wet.shape[1])
            for side in range(2):
                heard = left * self._spectra[0, side]
                heard += right * self._spectra[1, side]
                wet[side, begin:end] += fft.irfft(heard, self._n_fft, overwrite_x=True)[: end - begin]
        self._tail = wet[:, n_samples:].copy()
        return wet[:, :n_samples]


@cache
def _spectra(room: Room) -> tuple[NDArray[np.complex64], int, int]:
    from scipy import fft

    responses = impulse_responses(room)
    n_response = responses.shape[2]
    n_fft = int(fft.next_fast_len(max(32_768, 2 * n_response), real=True))
    return fft.rfft(responses, n_fft, axis=2), n_fft, n_fft - n_response + 1
