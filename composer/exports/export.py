"""Hands a rendered scene over: the formats, and the files that they become in the scene's export folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from composer.errors import ExportFailed
from composer.exports.audio import export_audio
from composer.exports.chapters import export_chapters
from composer.exports.clips import export_clips, export_flac_clips
from composer.exports.credits import export_credits, export_csv_credits, export_json_credits
from composer.exports.dawproject import export_dawproject
from composer.exports.flac import export_flac
from composer.exports.labels import export_labels
from composer.exports.otio import export_otio
from composer.exports.picture import export_picture
from composer.exports.reaper import export_rpp
from composer.exports.rendered import Rendered, read_rendered
from composer.exports.srt import export_srt
from composer.exports.stems import export_stems
from composer.exports.transcript import export_html_transcript, export_transcript
from composer.exports.vtt import export_vtt
from composer.files import UNFINISHED
from composer.scene import Scene


@dataclass(frozen=True)
class Format:
    """What comes after the scene's name in that of the file or folder, and what writes it."""

    suffix: str
    write: Callable[[Rendered, Path], None]


FORMATS: dict[str, Format] = {
    "mp3": Format(".mp3", export_audio),
    "m4a": Format(".m4a", export_audio),
    "ogg": Format(".ogg", export_audio),
    "opus": Format(".opus", export_audio),
    "flac": Format(".flac", export_flac),
    "stems": Format("-stems", export_stems),
    "clips": Format("-clips", export_clips),
    "clips-flac": Format("-clips-flac", export_flac_clips),
    "srt": Format(".srt", export_srt),
    "vtt": Format(".vtt", export_vtt),
    "chapters": Format(".chapters.json", export_chapters),
    "labels": Format(".labels.txt", export_labels),
    "transcript": Format(".transcript.md", export_transcript),
    "transcript-html": Format(".transcript.html", export_html_transcript),
    "credits": Format(".credits.md", export_credits),
    "credits-csv": Format(".credits.csv", export_csv_credits),
    "credits-json": Format(".credits.json", export_json_credits),
    "rpp": Format(".rpp", export_rpp),
    "dawproject": Format(".dawproject", export_dawproject),
    "otio": Format(".otio", export_otio),
    "png": Format(".png", export_picture),
    "svg": Format(".svg", export_picture),
}


def export_scene(scene: Scene, formats: Sequence[str], *, cover: Path | None = None) -> list[Path]:
    """Writes export/<folder name><suffix> for each format and gives the paths; `cover` is for those that hold one.

    Each appears under its name only when it is whole. Raises ExportFailed for an unknown format and for a scene that
    was never rendered, was edited since, or lacks a clip; SceneInvalid for one that another process holds.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ExportFailed(f"{', '.join(unknown) or 'no format'}: formats are {', '.join(FORMATS)}")
    read_rendered(scene, cover=cover)  # before the lock: a folder that is no scene stays as it is
    with scene.locked():
        rendered = read_rendered(scene, cover=cover)
        scene.export_dir.mkdir(exist_ok=True)
        for leftover in scene.export_dir.glob(f"*{UNFINISHED}"):
            shutil.rmtree(leftover, ignore_errors=True)
        paths = []
        for name in dict.fromkeys(formats):
            path = scene.export_dir / f"{rendered.name}{FORMATS[name].suffix}"
            FORMATS[name].write(rendered, path)
            paths.append(path)
    return paths
