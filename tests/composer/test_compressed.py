from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from composer import compressed
from composer.compressed import export_compressed, find_ffmpeg
from composer.errors import ExportFailed

RATE = 48_000
TITLE = 'Regen; "über" Mars\nTeil 2'


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mix") / "mix.wav"
    time_s = np.arange(2 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440.0 * time_s)
    soundfile.write(path, np.stack([tone, 0.5 * tone], axis=1), RATE, subtype="PCM_24")
    return path


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg"])
def test_ffmpeg_reads_back_title_and_duration(mix: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"story{suffix}"
    export_compressed(mix, out, title=TITLE, bitrate="128k")
    told = subprocess.run([find_ffmpeg(), "-i", str(out)], capture_output=True, text=True, check=False).stderr
    assert 'Regen; "über" Mars Teil 2' in told
    found = re.search(r"Duration: 00:00:(\d\d\.\d\d)", told)
    assert found is not None and float(found.group(1)) == pytest.approx(2.0, abs=0.1)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("suffix", [".mp3", ".ogg"])
def test_the_sound_is_the_mixs(mix: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"story{suffix}"
    export_compressed(mix, out, title="x")
    samples, rate = soundfile.read(out)
    assert rate == RATE and samples.shape[1] == 2 and len(samples) == pytest.approx(2 * RATE, abs=3_000)
    middle = samples[RATE // 2 : RATE * 3 // 2]
    spectrum = np.abs(np.fft.rfft(middle[:, 0]))
    assert np.argmax(spectrum) == 440
    rms = np.sqrt((middle**2).mean(axis=0)) * np.sqrt(2.0)
    assert rms == pytest.approx([0.3, 0.15], rel=0.05)  # LAME turns all down by 3%


def test_an_unknown_format_or_bitrate_is_refused(mix: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportFailed, match=r"\.mp3, \.m4a, \.ogg"):
        export_compressed(mix, tmp_path / "story.wma", title="x")
    with pytest.raises(ExportFailed, match="192k"):
        export_compressed(mix, tmp_path / "story.mp3", title="x", bitrate="-y")


def test_a_mix_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ExportFailed, match="render the scene first"):
        export_compressed(tmp_path / "mix.wav", tmp_path / "story.mp3", title="x")


def test_without_ffmpeg_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed.shutil, "which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(ExportFailed, match=r"pip install 'talescape\[ffmpeg\]'"):
        find_ffmpeg()


def test_a_failing_encoder_leaves_nothing(mix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    false = tmp_path / "ffmpeg"
    false.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    false.chmod(0o755)
    monkeypatch.setattr(compressed, "find_ffmpeg", lambda: str(false))
    (tmp_path / "out").mkdir()
    with pytest.raises(ExportFailed, match="no such codec"):
        export_compressed(mix, tmp_path / "out" / "story.mp3", title="x")
    assert not list((tmp_path / "out").iterdir())
