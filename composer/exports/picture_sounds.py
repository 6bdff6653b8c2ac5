"""What the timeline picture shows of the sound: the size of each row as it is heard, and how far beds go down.

Conventions: a frame is 10 ms (480 samples); sizes are the largest sample of a frame, in full scale before the master.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from composer.ducking import FRAME_SAMPLES
from composer.exports.placed import placed_blocks
from composer.exports.rendered import Rendered, RenderedRow
from composer.mixer import duck_borders

FRAMES_PER_S = 100
BLOCK_SAMPLES = 500 * FRAME_SAMPLES

Floats = NDArray[np.float32]


class Sounds:
    """The sizes of a scene's rows, some 400 bytes a second of each; read clip by clip, in blocks, once."""

    def __init__(self, rendered: Rendered) -> None:
        self._rendered = rendered
        self._sizes: dict[str, Floats] = {}

    @cached_property
    def duck_gains(self) -> Floats | None:
        """The beds' gain at every border of frames, from the scene's begin; None when nothing is ducked."""
        return duck_borders(self._rendered.timeline, self._rendered.receipt.mix, BLOCK_SAMPLES)

    def sizes(self, row: RenderedRow) -> Floats:
        """The row's sizes from its start on, with gain, joins, fades and ducking. Raises SceneInvalid, ExportFailed."""
        if row.row not in self._sizes:
            self._sizes[row.row] = self._measured(row)
        return self._sizes[row.row]

    def _measured(self, row: RenderedRow) -> Floats:
        parts = [_frames(np.abs(block).max(axis=0)) for block in placed_blocks(row, gain=True, fades=True)]
        sizes = np.concatenate(parts).astype(np.float32)
        if row.placement.ducked and self.duck_gains is not None:
            first = row.start_sample // FRAME_SAMPLES
            gains = self.duck_gains[first : first + len(sizes)]
            sizes[: len(gains)] *= gains
        return sizes


def _frames(highest: Floats) -> Floats:
    """(n_samples,) -> (n_frames,), the last of which may be short."""
    n_frames = -(-len(highest) // FRAME_SAMPLES)
    padded = np.pad(highest, (0, n_frames * FRAME_SAMPLES - len(highest)))
    return np.asarray(padded.reshape(n_frames, FRAME_SAMPLES).max(axis=1), dtype=np.float32)


def columns(frames: Floats, begin_s: float, length_s: float, n_columns: int) -> Floats:
    """The largest frame in each of `n_columns` equal parts of a stretch of frames; 0 where there are none."""
    borders = (begin_s + np.linspace(0.0, length_s, n_columns + 1)) * FRAMES_PER_S
    firsts = np.floor(borders[:-1]).astype(int)
    lasts = np.maximum(np.ceil(borders[1:]).astype(int), firsts + 1)
    found = np.zeros(n_columns, np.float32)
    for column, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        part = frames[max(first, 0) : max(last, 0)]
        if len(part):
            found[column] = part.max()
    return found
