"""Stems and the mix as Broadcast Wave: a folder of files that all begin with the scene.

Placement: time reference 0 in every file, so that they lie sample by sample as in the mix: 0 samples of error. Stems
are float32 and the mix 24-bit PCM, bit by bit those of the scene; the stems sum to the mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import soundfile
from numpy.typing import NDArray

from composer.errors import ExportFailed
from composer.exports.broadcast_wave import Told, write_broadcast_wave
from composer.exports.rendered import Rendered
from composer.exports.whole import whole_folder

BLOCK_SAMPLES = 240_000
BUSES = {"speech": "speech", "music": "music", "sound_effect": "effects"}


def export_stems(rendered: Rendered, path: Path) -> None:
    """Writes the stems that hold a row, and the mix, into the folder `path`. Raises ExportFailed."""
    scene = rendered.scene
    used = {BUSES[row.receipt.type] for row in rendered.rows}
    sources = {bus: scene.stems_dir / f"{bus}.wav" for bus in BUSES.values() if bus in used}
    with whole_folder(path) as folder:
        for name, source in {**sources, "mix": scene.mix_path}.items():
            is_mix = name == "mix"
            told = Told(
                project=rendered.title,
                scene=rendered.name,
                take=name,
                note=f"{'Mix' if is_mix else 'Stem'} of {rendered.title}",
                track_name=name,
                reference=reference(rendered, name),
                time_reference=0,
                made=made_at(rendered),
                loudness_lufs=rendered.receipt.loudness_lufs if is_mix else None,
                true_peak_dbtp=rendered.receipt.true_peak_dbtp if is_mix else None,
            )
            write_broadcast_wave(
                folder / f"{rendered.name}-{name}.wav",
                _frames(source, "int32" if is_mix else "float32", rendered.n_samples),
                told,
                n_samples=rendered.n_samples,
                n_channels=2,
                sample_rate=rendered.sample_rate,
            )


def _frames(path: Path, dtype: str, n_samples: int) -> Iterator[NDArray[Any]]:
    try:
        with soundfile.SoundFile(path) as file:
            if (file.channels, file.frames) != (2, n_samples):
                raise ExportFailed(
                    f"{path}: has {file.channels} channels of {file.frames} samples, not 2 of {n_samples}; "
                    "render the scene again"
                )
            yield from file.blocks(BLOCK_SAMPLES, dtype=dtype, always_2d=True)
    except (OSError, RuntimeError) as error:
        raise ExportFailed(f"{path}: cannot be read: {error}; render the scene again") from error


def reference(rendered: Rendered, name: str) -> str:
    """32 letters that name a sound of this scene, the same at every export."""
    clips = ",".join(row.receipt.clip for row in rendered.rows)
    return uuid5(NAMESPACE_URL, f"talescape:{rendered.name}/{name}/{clips}").hex


def made_at(rendered: Rendered) -> datetime:
    """When the scene was rendered (UTC): the time of its manifest."""
    return datetime.fromtimestamp(rendered.scene.manifest_path.stat().st_mtime, UTC)
