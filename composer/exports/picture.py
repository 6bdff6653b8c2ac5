"""The timeline picture: tracks by character and bus, waveforms, words, spans of backgrounds, loudness against time."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from composer.errors import ExportFailed
from composer.exports.drawing import Box, Mark, Page, Shape, Stroke, Words, png_bytes, svg_text
from composer.files import write_atomically
from composer.meters import HOP, LoudnessMeter
from composer.scene import Scene

WIDTH, GUTTER, MARGIN = 1200, 130, 14
HEAD, TRACK, GAP, METER, FOOT = 46, 50, 5, 84, 26
PAGE, PANEL, INK, FAINT, GRID = "#14171f", "#1b202b", "#e8ebf2", "#8f98ab", "#2b3242"
COLOURS = ("#6fb7ff", "#ffb562", "#8fe3a1", "#f38ba8", "#c9a5ff", "#f2e27a", "#7fe0e0", "#ff9d7a")
MUSIC, EVENTS, BEDS, METERED, TARGET = "#d68cff", "#ffd166", "#5fc9b4", "#9fd0ff", "#ff6b6b"
MAX_TRACKS = 24
METER_LUFS = (-50.0, -5.0)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Track:
    name: str
    colour: str
    bus: str
    rows: tuple[dict[str, Any], ...]


def export_picture(scene: Scene, path: Path) -> None:
    """Writes the timeline picture, as PNG or SVG by the suffix. Raises ExportFailed."""
    page = timeline_page(scene)
    write_atomically(path, svg_text(page) if path.suffix == ".svg" else png_bytes(page))


def timeline_page(scene: Scene) -> Page:
    """The picture of a rendered scene. Raises ExportFailed when it has no finished mix."""
    manifest = read_manifest(scene)
    tracks = _tracks(manifest["rows"])
    duration_s = max(float(manifest["duration_s"]), 0.1)
    height = HEAD + len(tracks) * (TRACK + GAP) + METER + FOOT
    scale = (WIDTH - GUTTER - MARGIN) / duration_s
    marks: list[Mark] = [
        Words(MARGIN, 22, str(manifest.get("title") or scene.folder.name), 17, INK, room=WIDTH - 420),
        Words(WIDTH - MARGIN, 22, _summary(manifest), 12, FAINT, "end"),
    ]
    marks += _time_axis(duration_s, scale, height)
    for number, track in enumerate(tracks):
        top = HEAD + number * (TRACK + GAP)
        marks.append(Box(GUTTER, top, WIDTH - GUTTER - MARGIN, TRACK, PANEL, 0.75, 4))
        marks.append(Words(GUTTER - 10, top + TRACK / 2, track.name, 12, track.colour, "end", GUTTER - 20))
        for row in track.rows:
            marks += _row_marks(scene, row, track, top, scale)
    marks += _loudness(scene, manifest, HEAD + len(tracks) * (TRACK + GAP), scale)
    return Page(WIDTH, height, PAGE, tuple(marks))


def read_manifest(scene: Scene) -> dict[str, Any]:
    """The receipt of a finished mix. Raises ExportFailed when there is none."""
    try:
        manifest: dict[str, Any] = json.loads(scene.manifest_path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ExportFailed(
            f"{scene.folder}: has no finished mix; make it with: talescape render {scene.folder}"
        ) from error
    return manifest


def _summary(manifest: dict[str, Any]) -> str:
    parts = [f"{manifest['duration_s']:.0f} s", f"{len(manifest['rows'])} clips"]
    if manifest.get("loudness_lufs") is not None:
        parts += [f"{manifest['loudness_lufs']:.1f} LUFS", f"{manifest['true_peak_dbtp']:.1f} dBTP"]
    return "  ·  ".join(parts)


def _tracks(rows: list[dict[str, Any]]) -> list[_Track]:
    """One track a speaker in order of appearance, then effects, ambience and music, as far as there are any."""
    speakers = list(dict.fromkeys(row["character"] for row in rows if row["type"] == "speech"))
    tracks = []
    for number, name in enumerate(speakers[:MAX_TRACKS]):
        own = tuple(row for row in rows if row["type"] == "speech" and row["character"] == name)
        tracks.append(_Track(name, COLOURS[number % len(COLOURS)], "speech", own))
    rest = tuple(row for row in rows if row["type"] == "speech" and row["character"] in speakers[MAX_TRACKS:])
    if rest:
        tracks.append(_Track(f"{len(speakers) - MAX_TRACKS} more voices", FAINT, "speech", rest))
    effects = [row for row in rows if row["type"] == "sound_effect"]
    others = (
        _Track("Effects", EVENTS, "effects", tuple(row for row in effects if row["layout"] == "foreground")),
        _Track("Ambience", BEDS, "", tuple(row for row in effects if row["layout"] == "background")),
        _Track("Music", MUSIC, "music", tuple(row for row in rows if row["type"] == "music")),
    )
    return tracks + [track for track in others if track.rows]


def _time_axis(duration_s: float, scale: float, height: int) -> list[Mark]:
    step_s = next(step for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10**9) if step * scale >= 70)
    marks: list[Mark] = []
    for number in range(int(duration_s / step_s) + 1):
        x = GUTTER + number * step_s * scale
        marks.append(Stroke(((x, HEAD - 4), (x, height - FOOT)), GRID, 1.0))
        second = number * step_s
        marks.append(Words(x, height - FOOT / 2, f"{second // 60}:{second % 60:02d}", 11, FAINT, "middle"))
    return marks


def _row_marks(scene: Scene, row: dict[str, Any], track: _Track, top: float, scale: float) -> list[Mark]:
    rate = 48_000
    x = GUTTER + row["start_sample"] / rate * scale
    width = max(row["n_samples"] / rate * scale, 1.5)
    marks: list[Mark] = [Box(x, top + 1, width, TRACK - 2, track.colour, 0.2, 4)]
    n_columns = max(2, int(width * 1.5))
    stem = scene.stems_dir / f"{track.bus}.wav"
    if track.bus:
        peaks = _peaks(stem, int(row["start_sample"]), int(row["n_samples"]), n_columns)
    else:  # events lie over the beds in their stem: a bed shows its own clip, which comes round again
        clip = scene.folder / row["clip"]
        peaks = _repeated(clip, int(row["n_samples"]), n_columns)
    loudest = float(peaks.max(initial=0.0))
    if loudest > 0.0:
        tall = 0.5 * (TRACK - 22) * np.sqrt(peaks / loudest)
        middle = top + 17 + (TRACK - 19) / 2
        xs = x + np.linspace(0.0, width, n_columns)
        upper = [(float(at), float(middle - size)) for at, size in zip(xs, tall, strict=True)]
        lower = [(float(at), float(middle + size)) for at, size in zip(xs, tall, strict=True)]
        marks.append(Shape((*upper, *reversed(lower)), track.colour, 0.85))
    marks.append(Words(x + 5, top + 10, " ".join(str(row["description"]).split()), 10.5, INK, room=width - 8))
    return marks


def _peaks(path: Path, start_sample: int, n_samples: int, n_columns: int) -> Floats:
    """The largest size of the samples in each of `n_columns` equal parts; zeros where the file cannot be read."""
    peaks = np.zeros(n_columns, np.float32)
    try:
        with soundfile.SoundFile(path) as file:
            borders = np.linspace(start_sample, start_sample + n_samples, n_columns + 1).astype(int)
            for column, (begin, end) in enumerate(zip(borders[:-1], borders[1:], strict=True)):
                if begin >= file.frames:
                    break
                file.seek(int(begin))
                part = file.read(int(min(end - begin, 96_000)), dtype="float32", always_2d=True)
                peaks[column] = np.abs(part).max(initial=0.0)
    except (OSError, RuntimeError):
        return peaks
    return peaks


def _repeated(path: Path, n_samples: int, n_columns: int) -> Floats:
    try:
        own = soundfile.info(path).frames
    except (OSError, RuntimeError):
        return np.zeros(n_columns, np.float32)
    n_own = max(1, min(n_columns, math.ceil(n_columns * own / n_samples)))
    return np.resize(_peaks(path, 0, own, n_own), n_columns)


def _loudness(scene: Scene, manifest: dict[str, Any], top: float, scale: float) -> list[Mark]:
    """Short-term loudness of the mix (EBU Tech 3341: 3 s windows) with the line of its target."""
    low, high = METER_LUFS
    bottom = top + METER - 14

    def height(lufs: float) -> float:
        return bottom - (min(max(lufs, low), high) - low) / (high - low) * (METER - 22)

    values = short_term_lufs(scene.mix_path)
    target = manifest["mix"]["loudness_lufs"]
    line = [(GUTTER + at_s * scale, height(lufs)) for at_s, lufs in values]
    right = WIDTH - MARGIN
    marks: list[Mark] = [
        Box(GUTTER, top, WIDTH - GUTTER - MARGIN, METER - 10, PANEL, 0.75, 4),
        Words(GUTTER - 10, top + METER / 2 - 12, "Loudness", 12, METERED, "end"),
        Words(GUTTER - 10, top + METER / 2 + 4, f"target {target:g} LUFS", 10, TARGET, "end"),
    ]
    if len(line) > 1:
        marks.append(Shape(((line[0][0], bottom), *line, (line[-1][0], bottom)), METERED, 0.35))
        marks.append(Stroke(tuple(line), METERED, 1.5))
    marks.append(Stroke(((GUTTER, height(target)), (right, height(target))), TARGET, 1.0, dashed=True))
    return marks


def short_term_lufs(path: Path) -> list[tuple[float, float]]:
    """(middle of the window in seconds, LUFS) every second over windows of 3 s; read in blocks."""
    meter = LoudnessMeter(2)
    with soundfile.SoundFile(path) as file:
        rate, n_samples = file.samplerate, file.frames
        for part in file.blocks(HOP * 50, dtype="float32", always_2d=True):
            meter.feed(np.ascontiguousarray(part.T))
    energies = meter.energies().astype(np.float64) / HOP
    hop_s = HOP / rate
    n_window = round(3.0 / hop_s)
    sums = np.concatenate([[0.0], np.cumsum(energies)])
    found = []
    for at_s in np.arange(0.0, n_samples / rate + 1e-9, 1.0):
        end = min(len(energies), round(at_s / hop_s) + n_window // 2)
        begin = max(0, end - n_window)
        mean = (sums[end] - sums[begin]) / n_window
        found.append((float(at_s), -0.691 + 10.0 * math.log10(mean) if mean > 1e-12 else -120.0))
    return found
