from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from composer.wavfile import StereoWav

RATE = 48_000


def test_samples_lie_where_they_were_written_and_silence_elsewhere(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, (2, 500)).astype(np.float32)
    with StereoWav(tmp_path / "a.wav", n_samples=2_000, sample_rate=RATE, n_bits=32) as file:
        file.write(1_000, samples)
        assert np.array_equal(file.read_frames(1_000, 1_500), samples.T)
        assert not (tmp_path / "a.wav").exists()
        file.flush()
        file.finish()
    read, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == RATE and read.shape == (2_000, 2)
    assert np.array_equal(read[1_000:1_500], samples.T)
    assert not read[:1_000].any() and not read[1_500:].any()


def test_24_bits_are_rounded_to_the_nearest_and_never_wrap(tmp_path: Path) -> None:
    samples = np.array(
        [[0.0, 1.0, -1.0, 1.5, -1.5, 0.3], [2**-23, -(2**-23), 0.25, 0.75, 0.999, -0.3]], dtype=np.float32
    )
    with StereoWav(tmp_path / "a.wav", n_samples=6, sample_rate=RATE, n_bits=24) as file:
        file.write(0, samples)
        file.finish()
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="float64")
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_24"
    assert np.abs(read.T - np.clip(samples, -1.0, 1.0 - 2**-23)).max() <= 2**-24 + 1e-12


def test_an_error_removes_the_unfinished_file(tmp_path: Path) -> None:
    with pytest.raises(KeyError), StereoWav(tmp_path / "a.wav", n_samples=9, sample_rate=RATE, n_bits=32):
        raise KeyError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n_bits", [24, 32])
def test_files_over_4_gib_can_be_read(tmp_path: Path, n_bits: int) -> None:
    """A sparse file of four hours: no disk is used for what nobody wrote."""
    n_samples = 4 * 3_600 * RATE
    mark = np.full((2, 10), 0.5, dtype=np.float32)
    with StereoWav(tmp_path / "a.wav", n_samples=n_samples, sample_rate=RATE, n_bits=n_bits) as file:
        file.write(n_samples - 10, mark)
        file.finish()
    with soundfile.SoundFile(tmp_path / "a.wav") as read:
        assert (read.frames, read.channels, read.samplerate) == (n_samples, 2, RATE)
        read.seek(n_samples - 11)
        assert read.read(dtype="float32")[:, 0].tolist() == [0.0] + [0.5] * 10
