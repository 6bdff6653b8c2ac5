"""The volume that beds follow while somebody speaks, as the few points that an automation track needs.

Conventions: a point is (sample, gain), gain 1 being full; between points the mix goes in straight lines of decibels.
"""

from __future__ import annotations

import numpy as np

from composer.ducking import FRAME_SAMPLES
from composer.exports.rendered import Rendered
from composer.mixer import duck_borders

BLOCK_SAMPLES = 500 * FRAME_SAMPLES


def duck_points(rendered: Rendered) -> list[tuple[int, float]]:
    """Where the beds' volume bends; empty when nothing is ducked. Raises SceneInvalid when a clip cannot be read."""
    borders = duck_borders(rendered.timeline, rendered.receipt.mix, BLOCK_SAMPLES)
    if borders is None:
        return []
    levels_db = 20.0 * np.log10(borders.astype(np.float64))
    bends = np.flatnonzero(np.abs(np.diff(levels_db, 2)) > 1e-3) + 1
    places = sorted({0, *(int(bend) for bend in bends), len(borders) - 1})
    return [(min(place * FRAME_SAMPLES, rendered.n_samples), float(borders[place])) for place in places]
