"""Hands a rendered scene over: the formats, and the files that they become in the scene's export folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from composer.compressed import export_compressed
from composer.errors import ExportFailed
from composer.exports.picture import export_picture
from composer.scene import Scene


def _compressed(scene: Scene, path: Path) -> None:
    export_compressed(scene.mix_path, path, title=scene.read_settings().title)


FORMATS: dict[str, Callable[[Scene, Path], None]] = {
    "mp3": _compressed,
    "m4a": _compressed,
    "ogg": _compressed,
    "png": export_picture,
    "svg": export_picture,
}
"""Each writes one file whose suffix is the format's name."""


def export_scene(scene: Scene, formats: Sequence[str]) -> list[Path]:
    """Writes export/<folder name>.<format> for each format. Raises ExportFailed, SceneInvalid."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ExportFailed(f"{', '.join(unknown) or 'no format'}: formats are {', '.join(FORMATS)}")
    if not scene.mix_path.is_file() or not scene.manifest_path.is_file():
        raise ExportFailed(f"{scene.folder}: has no finished mix; make it with: talescape render {scene.folder}")
    scene.export_dir.mkdir(exist_ok=True)
    paths = []
    for name in formats:
        path = scene.export_dir / f"{scene.folder.resolve().name}.{name}"
        FORMATS[name](scene, path)
        paths.append(path)
    return paths
