"""Every row as a file of its own, as its placement plays it: looped, joined, faded, at its row's volume.

Placement: the time reference is the row's start sample and the length that of the row: 0 samples of error. A file has
its clip's own channels and is not panned: the pan stands in its note and is the desk's to set. WAV is float32; FLAC is
24-bit, and a row that would pass full scale there is turned down by whole decibels, which the file says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from composer.exports.broadcast_wave import Told, write_broadcast_wave
from composer.exports.flac import BARE, add_flac_tags
from composer.exports.placed import placed_blocks
from composer.exports.rendered import Rendered, RenderedRow
from composer.exports.stems import made_at, reference
from composer.exports.whole import whole_file, whole_folder
from composer.outputs import file_stems
from models.clip import Samples

FULL_SCALE_24 = 1.0 - 2.0**-23


def export_clips(rendered: Rendered, path: Path) -> None:
    """Writes <key>-<words>.wav for each row, Broadcast Wave, into the folder. Raises ExportFailed, SceneInvalid."""
    with whole_folder(path) as folder:
        for row, stem in _named(rendered):
            write_broadcast_wave(
                folder / f"{stem}.wav",
                _frames(row),
                _told(rendered, row),
                n_samples=row.n_samples,
                n_channels=row.placement.clip.n_channels,
                sample_rate=rendered.sample_rate,
            )


def export_flac_clips(rendered: Rendered, path: Path) -> None:
    """Writes <key>-<words>.flac for each row with its time reference as a tag. Raises ExportFailed, SceneInvalid."""
    with whole_folder(path) as folder:
        for row, stem in _named(rendered):
            _write_flac(rendered, row, folder / f"{stem}.flac")


def _named(rendered: Rendered) -> list[tuple[RenderedRow, str]]:
    """Rows with file names that sort in the order in which they sound: key, who speaks, first words."""
    return list(zip(rendered.rows, file_stems([row.short_name for row in rendered.rows]), strict=True))


def _frames(row: RenderedRow) -> Iterator[Samples]:
    return (np.ascontiguousarray(block.T) for block in placed_blocks(row, gain=True, fades=True))


def _told(rendered: Rendered, row: RenderedRow) -> Told:
    pan = f" (pan {row.placement.pan:+g})" if row.placement.pan else ""
    return Told(
        project=rendered.title,
        scene=rendered.name,
        take=row.row,
        note=f"{row.label}{pan}",
        track_name=row.speaker or row.receipt.type.replace("_", " "),
        reference=reference(rendered, row.row),
        time_reference=row.start_sample,
        made=made_at(rendered),
        loudness_lufs=row.receipt.loudness_lufs,
    )


def _write_flac(rendered: Rendered, row: RenderedRow, path: Path) -> None:
    peak = max((float(np.abs(block).max()) for block in _frames(row)), default=0.0)
    down_db = max(0, math.ceil(20.0 * math.log10(peak / FULL_SCALE_24))) if peak > 0.0 else 0
    factor = np.float32(10.0 ** (-down_db / 20.0))
    bare = path.with_name(path.name + BARE)
    n_channels = row.placement.clip.n_channels
    with whole_file(bare) as file:
        with soundfile.SoundFile(file, "w", rendered.sample_rate, n_channels, "PCM_24", format="FLAC") as encoder:
            for frames in _frames(row):
                encoder.write(frames * factor)
    told = _told(rendered, row)
    tags = [
        ("TITLE", told.note),
        ("ALBUM", told.project),
        ("ARTIST", told.track_name),
        ("TIME_REFERENCE", str(told.time_reference)),
        ("ORIGINATOR", "Talescape"),
        ("ORIGINATOR_REFERENCE", told.reference),
        *([("TURNED_DOWN_DB", str(down_db))] if down_db else []),
    ]
    add_flac_tags(bare, path, tags)
    bare.unlink()
