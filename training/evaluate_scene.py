"""How true a rendered scene is to its table and its manifest, measured by other means than those that mixed it.

Run: `python -m training.evaluate_scene SCENE [--json]`. It reads manifest.json, script.csv and the sound files only.
Conventions: samples are float64, (n_samples, channels). Loudness is measured by pyloudnorm and, where imageio-ffmpeg
is installed, by ffmpeg's ebur128; true peaks by scipy at four times the rate.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

Sound = NDArray[np.float64]

SHORTEST_S = 0.5
"""Rows under this are too short for BS.1770 to say much."""
SEARCH_SAMPLES = 2_400
BUS_OF = {"speech": "speech", "music": "music", "sound_effect": "effects"}
USUAL_VOLUME = {"speech": -15.0, "music": -30.0, "sound_effect": -25.0}


class Row(TypedDict):
    """What is used of a row of the manifest."""

    row: str
    type: str
    layout: str
    clip: str
    start_sample: int
    n_samples: int
    gain_db: float


@dataclass(frozen=True)
class Measured:
    """All errors are absolute; None where a tool is missing or nothing could be measured."""

    rows: int
    rows_measured: int
    row_error_mean_lu: float | None
    row_error_worst_lu: float | None
    worst_row: str
    master_lufs: float
    master_error_lu: float
    master_lufs_by_ffmpeg: float | None
    master_error_by_ffmpeg_lu: float | None
    true_peak_dbtp: float
    true_peak_by_ffmpeg_dbtp: float | None
    stems_against_mix_dbfs: float
    starts_measured: int
    starts_exact: int
    start_error_worst_samples: int


def evaluate(scene: Path) -> Measured:
    """Measures a rendered scene folder. Raises OSError or ValueError when it lacks its files."""
    manifest = json.loads((scene / "manifest.json").read_text("utf-8"))
    sample_rate, rows = int(manifest["sample_rate"]), manifest["rows"]
    mix = _read(scene / "mix.wav", sample_rate)
    stems = {bus: _read(scene / path, sample_rate) for bus, path in manifest["stems"].items()}
    errors = row_errors_lu(scene, rows, sample_rate)
    worst = max(errors, key=lambda row: errors[row], default="")
    offsets = start_errors(scene, rows, stems, sample_rate)
    target_lufs = float(manifest["mix"]["loudness_lufs"])
    master_lufs = _loudness_lufs(mix, sample_rate)
    heard = by_ffmpeg(scene / "mix.wav")
    return Measured(
        rows=len(rows),
        rows_measured=len(errors),
        row_error_mean_lu=float(np.mean(list(errors.values()))) if errors else None,
        row_error_worst_lu=errors.get(worst),
        worst_row=worst,
        master_lufs=master_lufs,
        master_error_lu=abs(master_lufs - target_lufs),
        master_lufs_by_ffmpeg=heard[0] if heard else None,
        master_error_by_ffmpeg_lu=abs(heard[0] - target_lufs) if heard else None,
        true_peak_dbtp=true_peak_dbtp(mix),
        true_peak_by_ffmpeg_dbtp=heard[1] if heard else None,
        stems_against_mix_dbfs=_dbfs(sum(stems.values(), np.zeros_like(mix)) - mix),
        starts_measured=len(offsets),
        starts_exact=sum(offset == 0 for offset in offsets.values()),
        start_error_worst_samples=max((abs(offset) for offset in offsets.values()), default=0),
    )


def row_errors_lu(scene: Path, rows: list[Row], sample_rate: int) -> dict[str, float]:
    """Row -> how far its clip, with its gain, is from the table's volume; rows of SHORTEST_S and more."""
    volumes = _volumes(scene / "script.csv")
    errors = {}
    for row in rows:
        clip = _read(scene / row["clip"], sample_rate)
        if len(clip) < SHORTEST_S * sample_rate:
            continue
        loudness = _loudness_lufs(clip * 10.0 ** (row["gain_db"] / 20.0), sample_rate)
        errors[row["row"]] = abs(loudness - volumes.get(row["row"], USUAL_VOLUME[row["type"]]))
    return errors


def start_errors(scene: Path, rows: list[Row], stems: Mapping[str, Sound], sample_rate: int) -> dict[str, int]:
    """Foreground row -> samples between where the manifest says it starts and where its stem resembles it most."""
    offsets = {}
    for row in rows:
        if row["layout"] != "foreground":
            continue
        clip = _read(scene / row["clip"], sample_rate).sum(axis=1)[: row["n_samples"]]
        stem = stems[BUS_OF[row["type"]]].sum(axis=1)
        first = row["start_sample"] - SEARCH_SAMPLES
        window = np.pad(stem, SEARCH_SAMPLES)[first + SEARCH_SAMPLES :][: len(clip) + 2 * SEARCH_SAMPLES]
        likeness = signal.correlate(window, clip, mode="valid", method="fft")
        offsets[row["row"]] = int(np.argmax(likeness)) - SEARCH_SAMPLES
    return offsets


def true_peak_dbtp(sound: Sound) -> float:
    """The highest value at four times the rate, in pieces of a minute."""
    piece, reach = 2_880_000, 100
    highest = 0.0
    for begin in range(0, len(sound), piece):
        part = sound[max(0, begin - reach) : begin + piece + reach]
        highest = max(highest, float(np.abs(signal.resample_poly(part, 4, 1, axis=0)).max()))
    return 20.0 * float(np.log10(max(highest, 1e-12)))


def by_ffmpeg(path: Path) -> tuple[float, float] | None:
    """(LUFS, dBTP) by ffmpeg's ebur128; None without imageio-ffmpeg."""
    try:
        import imageio_ffmpeg
    except ImportError:
        return None
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-i",
        str(path),
        "-af",
        "ebur128=peak=true",
        "-f",
        "null",
        "-",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    summary = told[told.rindex("Summary:") :]
    loudness, peak = re.search(r"I:\s*(\S+) LUFS", summary), re.search(r"Peak:\s*(\S+) dBFS", summary)
    if loudness is None or peak is None:
        raise ValueError(f"{path}: ffmpeg told no loudness:\n{summary}")
    return float(loudness.group(1)), float(peak.group(1))


def _read(path: Path, sample_rate: int) -> Sound:
    samples, found = soundfile.read(path, always_2d=True)
    if found != sample_rate:
        raise ValueError(f"{path}: has {found} Hz, the manifest says {sample_rate}")
    return np.asarray(samples, dtype=np.float64)


def _loudness_lufs(sound: Sound, sample_rate: int) -> float:
    import pyloudnorm

    return float(pyloudnorm.Meter(sample_rate).integrated_loudness(sound))


def _volumes(table: Path) -> dict[str, float]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        return {line["row"]: float(line["volume"]) for line in csv.DictReader(file) if line["volume"]}


def _dbfs(sound: Sound) -> float:
    return 20.0 * float(np.log10(max(float(np.abs(sound).max(initial=0.0)), 1e-12)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("scene", type=Path, help="a rendered scene folder")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    measured = asdict(evaluate(given.scene))
    if given.json:
        print(json.dumps(measured, indent=1))
        return
    for name, value in measured.items():
        print(f"{name:<26} {value:.3f}" if isinstance(value, float) else f"{name:<26} {value}")


if __name__ == "__main__":
    main()
