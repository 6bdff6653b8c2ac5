"""The outside measures of a scene, on a scene made by hand whose every number is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from training.evaluate_scene import evaluate, true_peak_dbtp

RATE = 48_000


def tone(n_samples: int) -> np.ndarray:
    """A rising tone: like nothing but itself at any shift."""
    time_s = np.arange(n_samples) / RATE
    return 0.5 * np.sin(2 * np.pi * (400 + 200 * time_s) * time_s)[:, None]


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Two noises and a tone as a hand would mix them: at -20, -23 and -26 LUFS, starting at 1.0, 3.5 and 7.0 s."""
    rng = np.random.default_rng(0)
    n_samples = 10 * RATE
    stems = {bus: np.zeros((n_samples, 2)) for bus in ("speech", "music", "effects")}
    rows, table = [], ["row,type,volume"]
    placed = [("r01", "speech", 1.0, -20.0), ("r02", "sound_effect", 3.5, -23.0), ("r03", "music", 7.0, -26.0)]
    (tmp_path / "clips").mkdir()
    (tmp_path / "stems").mkdir()
    for row, kind, start_s, volume in placed:
        clip = tone(2 * RATE) if kind == "music" else rng.uniform(-0.2, 0.2, (2 * RATE, 1))
        soundfile.write(tmp_path / "clips" / f"{row}.wav", clip, RATE, subtype="FLOAT")
        gain_db = volume - pyloudnorm.Meter(RATE).integrated_loudness(clip)
        start = round(start_s * RATE)
        bus = {"speech": "speech", "sound_effect": "effects", "music": "music"}[kind]
        stems[bus][start : start + len(clip)] += clip * 10 ** (gain_db / 20) * np.sqrt(0.5)
        rows.append({
            "row": row, "type": kind, "layout": "foreground", "clip": f"clips/{row}.wav",
            "start_sample": start, "n_samples": len(clip), "gain_db": gain_db,
        })  # fmt: skip
        table.append(f"{row},{kind},{volume}")
    for bus, stem in stems.items():
        soundfile.write(tmp_path / "stems" / f"{bus}.wav", stem, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "mix.wav", sum(stems.values()), RATE, subtype="PCM_24")
    manifest = {
        "sample_rate": RATE,
        "rows": rows,
        "stems": {bus: f"stems/{bus}.wav" for bus in stems},
        "mix": {"loudness_lufs": -22.0},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "script.csv").write_text("\n".join(table) + "\n")
    return tmp_path


def change_row(scene: Path, number: int, **values: float) -> None:
    manifest = json.loads((scene / "manifest.json").read_text())
    manifest["rows"][number] |= values
    (scene / "manifest.json").write_text(json.dumps(manifest))


def test_a_true_scene_measures_as_true(scene: Path) -> None:
    measured = evaluate(scene)
    assert (measured.rows, measured.rows_measured) == (3, 3)
    assert measured.row_error_worst_lu == pytest.approx(0.0, abs=1e-6)
    assert (measured.starts_measured, measured.starts_exact, measured.start_error_worst_samples) == (3, 3, 0)
    assert measured.stems_against_mix_dbfs < -130.0  # what 24 bits leave
    assert -26.0 < measured.master_lufs < -20.0
    if measured.master_lufs_by_ffmpeg is not None:
        assert measured.master_lufs_by_ffmpeg == pytest.approx(measured.master_lufs, abs=0.11)
        assert measured.true_peak_by_ffmpeg_dbtp == pytest.approx(measured.true_peak_dbtp, abs=0.3)


def test_a_row_that_is_louder_or_later_than_it_should_be_is_found(scene: Path) -> None:
    change_row(scene, 1, gain_db=json.loads((scene / "manifest.json").read_text())["rows"][1]["gain_db"] + 2.0)
    change_row(scene, 0, start_sample=RATE - 7)
    measured = evaluate(scene)
    assert (measured.worst_row, measured.row_error_worst_lu) == ("r02", pytest.approx(2.0, abs=0.01))
    assert measured.row_error_mean_lu == pytest.approx(2.0 / 3, abs=0.01)
    assert (measured.starts_exact, measured.start_error_worst_samples) == (2, 7)


def test_a_stem_that_lacks_something_is_found(scene: Path) -> None:
    stem, _ = soundfile.read(scene / "stems" / "speech.wav")
    stem[60_000, 0] += 0.01
    soundfile.write(scene / "stems" / "speech.wav", stem, RATE, subtype="FLOAT")
    assert evaluate(scene).stems_against_mix_dbfs == pytest.approx(-40.0, abs=0.1)


def test_peaks_between_samples_are_measured() -> None:
    """A sine at a quarter of the rate, sampled 45 degrees off its tops, rises 3.01 dB above its samples."""
    sine = 0.5 * np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4)[:, None] / np.sin(np.pi / 4)
    sine *= np.hanning(RATE)[:, None]
    assert 20 * np.log10(np.abs(sine).max()) == pytest.approx(-6.02, abs=0.01)
    assert true_peak_dbtp(sine) == pytest.approx(-3.01, abs=0.1)
