from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from composer.reverb import ROOMS, SAMPLE_RATE, Reverb, impulse_responses, shares, tail_s

ROOM_NAMES = sorted(ROOMS)


@pytest.mark.parametrize("room", ROOM_NAMES)
def test_decay_is_as_documented_by_schroeder_integration(room: str) -> None:
    """Schroeder 1965: the energy still to come, in the octave of 1 kHz, falls by 20 dB in a third of RT60."""
    octave = signal.butter(4, [707.0, 1414.0], "bandpass", fs=SAMPLE_RATE, output="sos")
    times = []
    for response in impulse_responses(room).reshape(4, -1):  # type: ignore[arg-type]
        heard = signal.sosfilt(octave, response.astype(np.float64))
        to_come = np.cumsum(heard[::-1] ** 2)[::-1]
        level_db = 10.0 * np.log10(to_come / to_come[0] + 1e-30)
        times.append(3.0 * float(np.argmax(level_db < -25.0) - np.argmax(level_db < -5.0)) / SAMPLE_RATE)
    assert np.mean(times) == pytest.approx(ROOMS[room].rt60_s, rel=0.1)  # type: ignore[index]


@pytest.mark.parametrize("room", ROOM_NAMES)
def test_every_octave_gets_the_same_energy(room: str) -> None:
    response = impulse_responses(room)  # type: ignore[arg-type]
    power = (np.abs(np.fft.rfft(response, 2**19, axis=-1)) ** 2).sum(axis=1).mean(axis=0)
    hz = np.fft.rfftfreq(2**19, 1.0 / SAMPLE_RATE)
    for centre in (125, 250, 500, 1_000, 2_000, 4_000, 8_000):
        band = (hz > centre / np.sqrt(2)) & (hz < centre * np.sqrt(2))
        assert 10.0 * np.log10(power[band].mean()) == pytest.approx(0.0, abs=1.0)


@pytest.mark.parametrize("room", ROOM_NAMES)
def test_blocks_of_any_length_are_the_whole_convolution(room: str) -> None:
    rng = np.random.default_rng(1)
    sound = rng.standard_normal((2, 60_000)).astype(np.float32)
    sound[:, 20_000:45_000] = 0.0
    n_response = impulse_responses(room).shape[2]  # type: ignore[arg-type]
    padded = np.concatenate([sound, np.zeros((2, n_response), dtype=np.float32)], axis=1)
    reverb = Reverb(room)  # type: ignore[arg-type]
    borders = [0, 7_000, 7_001, 30_000, 52_000, padded.shape[1]]
    wet = np.concatenate([reverb.process(padded[:, a:b]) for a, b in zip(borders, borders[1:], strict=False)], axis=1)
    responses = impulse_responses(room).astype(np.float64)  # type: ignore[arg-type]
    for side in range(2):
        expected = sum(signal.oaconvolve(sound[source], responses[source, side]) for source in range(2))
        assert np.allclose(wet[side, : len(expected)], expected[: wet.shape[1]], atol=2e-5)


def test_a_room_stops_ringing() -> None:
    reverb = Reverb("studio")
    reverb.process(np.ones((2, 100), dtype=np.float32))
    assert reverb.rings
    for _ in range(4):
        reverb.process(np.zeros((2, SAMPLE_RATE), dtype=np.float32))
    assert not reverb.rings


def test_shares_keep_the_energy_and_grow_wetter_with_distance() -> None:
    for room in ROOMS:
        near, far = shares(room, 0.0), shares(room, 1.0)
        assert sum(share**2 for share in near) == pytest.approx(1.0) == pytest.approx(sum(share**2 for share in far))
        assert near[1] < far[1]
        assert 10.0 * np.log10(near[0] ** 2) > -0.5
    assert shares("none", 1.0) == (1.0, 0.0)
    assert tail_s("none") == 0.0
    assert all(0.0 < tail_s(room) <= 4.0 for room in ROOMS)
