"""A scene's mix as compressed audio files in its export folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from composer.compressed import export_compressed
from composer.errors import ExportFailed
from composer.scene import Scene

FORMATS = ("mp3", "m4a", "ogg")


def export_scene(scene: Scene, formats: Sequence[str]) -> list[Path]:
    """Writes export/<folder name>.<format> for each format. Raises ExportFailed, SceneInvalid."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ExportFailed(f"{', '.join(unknown) or 'no format'}: formats are {', '.join(FORMATS)}")
    if not scene.mix_path.is_file() or not scene.manifest_path.is_file():
        raise ExportFailed(f"{scene.folder}: has no finished mix; make it with: talescape render {scene.folder}")
    scene.export_dir.mkdir(exist_ok=True)
    title = scene.read_settings().title
    paths = []
    for name in formats:
        path = scene.export_dir / f"{scene.folder.resolve().name}.{name}"
        export_compressed(scene.mix_path, path, title=title)
        paths.append(path)
    return paths
