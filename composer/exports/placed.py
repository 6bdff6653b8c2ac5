"""The sound of one row as its placement plays it, in blocks: cuts, joins and loops, and if wished gain and fades.

Conventions: blocks are float32 (channels, n_samples) with the clip's own channels; nothing is panned, ducked or given
room, which is what a studio's desk is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from composer.buses import Channel
from composer.exports.rendered import RenderedRow
from models.clip import Samples

BLOCK_SAMPLES = 480_000


def placed_blocks(row: RenderedRow, *, gain: bool, fades: bool) -> Iterator[Samples]:
    """The row's samples from its begin to its end. Raises SceneInvalid naming the row when its clip is broken."""
    placement = row.placement
    if not fades:
        placement = replace(placement, fade_in_samples=0, fade_out_samples=0)
    channel = Channel(placement)
    factor = np.float32(10.0 ** (placement.gain_db / 20.0)) if gain else np.float32(1.0)
    for begin in range(0, placement.n_samples, BLOCK_SAMPLES):
        yield channel.read(begin, min(begin + BLOCK_SAMPLES, placement.n_samples)) * factor
