"""Clips: read with suspicion, resampled truly, written whole."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.clip import Clip, probe_clip, read_clip, resample, with_channels, write_clip
from models.errors import AudioUnreadable


def sine(frequency_hz: float, sample_rate: int, duration_s: float = 1.0) -> Clip:
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    return Clip(np.sin(2 * np.pi * frequency_hz * time_s, dtype=np.float64).astype(np.float32)[np.newaxis], sample_rate)


@pytest.mark.parametrize(("rate_in", "rate_out"), [(24_000, 48_000), (44_100, 48_000), (48_000, 16_000)])
def test_resampling_gives_the_sine_that_the_formula_gives(rate_in: int, rate_out: int) -> None:
    clip = resample(sine(1000, rate_in), rate_out)
    truth = sine(1000, rate_out).samples
    assert clip.samples.shape == truth.shape
    middle = slice(rate_out // 10, -rate_out // 10)  # the filter has no past at the ends
    assert np.abs(clip.samples[:, middle] - truth[:, middle]).max() < 1e-3


def test_joints_move_with_the_rate() -> None:
    clip = Clip(np.zeros((1, 48_000), np.float32), 24_000, bars=(0, 24_000), ending_sample=36_000)
    moved = resample(clip, 48_000)
    assert (moved.bars, moved.ending_sample) == ((0, 48_000), 72_000)


def test_channels_are_averaged_or_copied() -> None:
    clip = Clip(np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32), 48_000)
    assert with_channels(clip, 1).samples.tolist() == [[0.5, 0.5]]
    assert with_channels(with_channels(clip, 1), 2).samples.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_a_clip_comes_back_bit_for_bit(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32) * 2
    write_clip(Clip(samples, 48_000), tmp_path / "a.wav")
    assert np.array_equal(read_clip(tmp_path / "a.wav").samples, samples)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_the_usual_formats_are_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, sine(440, 44_100).samples.T * 0.5, 44_100)
    clip = read_clip(path)
    assert clip.sample_rate == 44_100 and clip.duration_s == pytest.approx(1.0, abs=0.06)


def wav_header(n_bytes: int, n_channels: int = 1, sample_rate: int = 48_000) -> bytes:
    """A WAV header of 16-bit samples, written by hand."""
    block = 2 * n_channels
    riff = b"RIFF" + struct.pack("<I", min(36 + n_bytes, 2**32 - 1)) + b"WAVE"
    chunk = struct.pack("<HHIIHH", 1, n_channels, sample_rate, sample_rate * block & 0xFFFFFFFF, block & 0xFFFF, 16)
    return riff + b"fmt " + struct.pack("<I", 16) + chunk + b"data" + struct.pack("<I", n_bytes)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cannot be read as audio"),
        (b"#!ffconcat\nfile '/etc/passwd'\n", "cannot be read as audio"),
        (wav_header(0), "no samples"),
        (wav_header(2048, n_channels=1024) + bytes(2048), "1024 channels"),
        (wav_header(200, sample_rate=1) + bytes(200), "1 Hz"),
    ],
    ids=["empty", "a script named wav", "no samples", "1,024 channels", "1 Hz"],
)
def test_what_is_no_usable_audio_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    for read in (read_clip, probe_clip):
        with pytest.raises(AudioUnreadable, match=reason) as caught:
            read(path)
        assert str(caught.value).count("bad.wav") == 1


@pytest.mark.parametrize(
    ("n_channels", "sample_rate", "reason"),
    [(1, 48_000, "at most 3,600 s"), (32, 768_000, "at most 500,000,000 numbers")],
)
def test_a_sparse_giant_is_refused_by_its_header(
    n_channels: int, sample_rate: int, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "giant.wav"
    with path.open("wb") as file:
        file.write(wav_header(4_000_000_000, n_channels, sample_rate))
        file.truncate(44 + 4_000_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AudioUnreadable, match=reason):
        read_clip(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_file_that_a_kill_cut_short_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 48_000)
    soundfile.write(path, noise, 48_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioUnreadable):
        read_clip(path)


def test_one_sample_that_is_no_number_is_found(tmp_path: Path) -> None:
    samples = np.zeros((1, 48_000), np.float32)
    samples[0, 24_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples.T, 48_000, subtype="FLOAT")
    with pytest.raises(AudioUnreadable, match="0.500 s"):
        read_clip(tmp_path / "nan.wav")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioUnreadable, match="nowhere.wav"):
        read_clip(tmp_path / "nowhere.wav")


@pytest.mark.skipif(os.name == "nt", reason="limits on file sizes are a POSIX thing")
def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path: Path) -> None:
    program = f"""
        import resource, signal, numpy as np
        from pathlib import Path
        from models.clip import Clip, write_clip
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            write_clip(Clip(np.ones((2, 48_000), np.float32), 48_000), Path({str(tmp_path)!r}) / "a.wav")
        except OSError as error:
            print("OSError")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.stdout.strip() == "OSError", done.stderr
    assert list(tmp_path.iterdir()) == []
