"""Placement error of every export that tells a time, in samples against the manifest, on 200 rows at odd samples.

Files are read as a stranger would: by published layouts, by webvtt-py, by opentimelineio, by ffmpeg.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import opentimelineio as otio
import pytest
import soundfile
import webvtt

from composer.compressed import find_ffmpeg
from composer.exports.chapters import chapters_of
from composer.exports.export import export_scene
from composer.exports.rendered import read_rendered
from composer.scene import Scene
from composer.settings import MixSettings, Settings

sys.path.insert(0, str(Path(__file__).parent.parent / "composer"))

from exporting import RATE, manifest_rows, scene_of  # noqa: E402
from test_export_broadcast import bext_of, flac_comments  # noqa: E402
from test_export_reaper import items_by_row, parse  # noqa: E402

Places = dict[str, tuple[float, float | None]]
"""Row, or number of a chapter -> where it begins and ends in samples; None: the format ends it elsewhere on purpose."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    rows: list[dict[str, object]] = []
    for number in range(200):
        gap_s = round(0.2 + number * 0.000_731, 6)
        words = f"Line {number} of a long evening, told in one breath."
        row: dict[str, object] = {"type": "speech", "character": f"Speaker {number % 5}", "description": words}
        if number % 8 == 7:
            row = {"type": "sound_effect", "description": f"door {number}", "duration": 1.3}
        rows.append({**row, "start": gap_s, "section": f"Part {number // 25 + 1}"})
    settings = Settings(title="Placement", clean="never", mix=MixSettings(room="none", loudness_lufs=-23.0))
    return scene_of(tmp_path_factory.mktemp("placement") / "scene", rows, settings)


def clips(path: Path) -> Places:
    found: Places = {}
    for file in path.iterdir():
        begin = bext_of(file)["time_reference"] if file.suffix == ".wav" else flac_comments(file)["TIME_REFERENCE"]
        found[file.name.split("-")[0]] = int(str(begin)), int(str(begin)) + soundfile.info(file).frames
    return found


def captions(path: Path) -> Places:
    read = webvtt.read(str(path)) if path.suffix == ".vtt" else webvtt.from_srt(str(path))
    found: Places = {}
    keys = iter(manifest_rows(Scene(path.parent.parent)))
    for cue in read:
        hours, minutes, seconds = (float(part) for part in cue.start.split(":"))
        key = cue.identifier.split("-")[0] if path.suffix == ".vtt" else next(keys)
        found.setdefault(key, ((3_600 * hours + 60 * minutes + seconds) * RATE, None))
    return found


def labels(path: Path) -> Places:
    keys = list(manifest_rows(Scene(path.parent.parent)))
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    ends = [(round(float(begin) * RATE), round(float(end) * RATE)) for begin, end, _ in lines]
    return dict(zip(keys, ends, strict=True))


def reaper(path: Path) -> Places:
    items = items_by_row(parse(path.read_text("utf-8")))
    spans = {
        key: [(i.numbers("POSITION")[0] * RATE, i.numbers("LENGTH")[0] * RATE) for i in own]
        for key, own in items.items()
    }
    return {key: (min(b for b, _ in own), max(b + n for b, n in own)) for key, own in spans.items()}


def dawproject(path: Path) -> Places:
    root = ElementTree.fromstring(zipfile.ZipFile(path).read("project.xml"))
    found: Places = {}
    for clip in root.iter("Clip"):
        begin = float(clip.get("time") or 0) * RATE
        found[(clip.get("name") or "").split(" ")[0]] = begin, begin + float(clip.get("duration") or 0) * RATE
    return found


def timeline(path: Path) -> Places:
    read = otio.adapters.read_from_file(str(path))
    found: Places = {}
    for clip in read.find_clips():
        placed = clip.transformed_time_range(clip.trimmed_range(), read.tracks)
        found[clip.metadata["talescape"]["row"]] = placed.start_time.value, placed.end_time_exclusive().value
    return found


def json_chapters(path: Path) -> Places:
    told = json.loads(path.read_text("utf-8"))["chapters"]
    return {str(n): (each["startTime"] * RATE, each["endTime"] * RATE) for n, each in enumerate(told)}


def played_chapters(path: Path) -> Places:
    """The begins; a player ends a chapter where the next begins."""
    told = subprocess.run([find_ffmpeg(), "-i", str(path)], capture_output=True, text=True, check=False).stderr
    return {
        str(n): (float(at) * RATE, None) for n, at in enumerate(re.findall(r"Chapter #0:\d+: start ([\d.]+)", told))
    }


READERS: dict[str, tuple[Callable[[Path], Places], float]] = {
    "clips": (clips, 0.0),
    "clips-flac": (clips, 0.0),
    "srt": (captions, 24.0),
    "vtt": (captions, 24.0),
    "labels": (labels, 0.0),
    "rpp": (reaper, 0.0),
    "dawproject": (dawproject, 0.0),
    "otio": (timeline, 0.0),
    "chapters": (json_chapters, 0.0),
    "mp3": (played_chapters, 24.0),
    "m4a": (played_chapters, 24.0),
    "ogg": (played_chapters, 24.0),
    "opus": (played_chapters, 24.0),
    "flac": (played_chapters, 24.0),
}


@pytest.mark.parametrize("name", READERS)
def test_placement_error(benchmark: Any, scene: Scene, name: str) -> None:
    read, allowed = READERS[name]
    (path,) = benchmark.pedantic(export_scene, args=(scene, [name]), rounds=1)
    found = read(path)
    rows = manifest_rows(scene)
    wanted = {key: (row["start_sample"], row["start_sample"] + row["n_samples"]) for key, row in rows.items()}
    if read in (json_chapters, played_chapters):
        chapters = chapters_of(read_rendered(scene))
        wanted = {str(n): (each.start_sample, each.end_sample) for n, each in enumerate(chapters)}
    assert sorted(found) == sorted(wanted) and len(found) >= 8
    begins = [abs(found[key][0] - begin) for key, (begin, _) in wanted.items()]
    ends = [abs(end - wanted[key][1]) for key, (_, end) in found.items() if end is not None]
    benchmark.extra_info.update(worst_begin_samples=round(max(begins), 3))
    print(
        f"\n{name}: {len(found)} places, begins off by at most {max(begins):.3f} samples, "
        f"ends {max(ends, default=0):.3f}"
    )
    assert max(begins + ends) <= allowed + 0.001
