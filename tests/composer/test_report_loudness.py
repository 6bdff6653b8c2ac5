"""The report's loudness against meters of others: ffmpeg's ebur128 and pyloudnorm."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from composer.compressed import find_ffmpeg
from composer.errors import ExportFailed
from composer.report_loudness import HOPS_PER_S, measure

RATE = 48_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s of noise in steps of loudness, unlike on its two sides, with two seconds of silence."""
    rng = np.random.default_rng(0)
    levels = np.repeat([0.05, 0.2, 0.02, 0.1, 0.0, 0.08, 0.15, 0.01], [6, 3, 8, 5, 2, 6, 4, 6])
    noise = rng.standard_normal((40 * RATE, 2)) * np.repeat(levels, RATE)[:, None] * (1.0, 0.6)
    path = tmp_path_factory.mktemp("loudness") / "steps.wav"
    soundfile.write(path, noise.astype(np.float32), RATE, subtype="FLOAT")
    return path


def test_all_figures_are_those_of_ffmpeg(path: Path) -> None:
    command = [find_ffmpeg(), "-hide_banner", "-nostats", "-i", str(path)]
    told = subprocess.run(
        [*command, "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    summary = told[told.rindex("Summary:") :]
    figures = {name: float(re.search(rf"{name}:\s+(-?[\d.]+) ", summary)[1]) for name in ("I", "LRA", "Peak")}  # type: ignore[index]
    found = measure(path)
    assert found.integrated_lufs == pytest.approx(figures["I"], abs=0.1)
    assert found.range_lu == pytest.approx(figures["LRA"], abs=0.2)
    assert found.true_peak_dbtp == pytest.approx(figures["Peak"], abs=0.2)


def test_range_and_short_term_are_those_of_pyloudnorm(path: Path) -> None:
    samples = soundfile.read(path)[0]
    found = measure(path)
    meter = pyloudnorm.Meter(RATE, block_size=3.0)
    assert found.range_lu == pytest.approx(meter.loudness_range(samples), abs=0.3)
    assert len(found.short_term_lufs) == 40 * HOPS_PER_S
    windows = {}
    for middle_s in (1.5, 3, 7, 12, 20.4, 30, 38.5):
        window = samples[round((middle_s - 1.5) * RATE) : round((middle_s + 1.5) * RATE)]
        windows[middle_s] = meter.integrated_loudness(window)
        assert found.short_term_lufs[round(middle_s * HOPS_PER_S)] == pytest.approx(windows[middle_s], abs=0.1)
    loudest = max(
        meter.integrated_loudness(samples[begin : begin + 3 * RATE]) for begin in range(0, 37 * RATE, RATE // 10)
    )
    assert found.short_term_max_lufs == pytest.approx(loudest, abs=0.1)


def test_what_is_silent_or_short_has_no_range(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros((5 * RATE, 2)), RATE)
    silent = measure(tmp_path / "silent.wav")
    assert silent.range_lu is None
    assert silent.integrated_lufs == silent.short_term_max_lufs == silent.true_peak_dbtp == -np.inf
    noise = np.random.default_rng(1).standard_normal((2 * RATE, 2)) * 0.1
    soundfile.write(tmp_path / "short.wav", noise, RATE, subtype="FLOAT")
    short = measure(tmp_path / "short.wav")
    assert short.range_lu is None and short.integrated_lufs > short.short_term_max_lufs > -60.0


def test_a_file_that_is_no_mix_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mono.wav", np.zeros(RATE), RATE)
    with pytest.raises(ExportFailed, match="not stereo at 48 kHz"):
        measure(tmp_path / "mono.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(ExportFailed, match="render the scene again"):
        measure(tmp_path / "text.wav")
