"""The lower parts of the timeline picture: loudness against time with its target, and what all lines mean."""

from __future__ import annotations

import numpy as np

from composer.exports.drawing import Box, Mark, Shape, Stroke, Words, text_width
from composer.exports.picture_lanes import MARGIN, Form, Stretch
from composer.report_loudness import HOPS_PER_S, Loudness

LANE, GRID, INK, FAINT, METERED, TARGET = "#f3f5f8", "#d7dde5", "#17202b", "#566171", "#2f5f8f", "#c1121f"
HEIGHT = 66.0
LEVELS_LUFS = (-10, -20, -30, -40)
LOWEST_LUFS, HIGHEST_LUFS = -42.0, -6.0


def meter_marks(loudness: Loudness, target_lufs: float, stretch: Stretch, top: float, form: Form) -> list[Mark]:
    """Short-term loudness of the mix (EBU Tech 3341: 3 s) in one line of the picture."""
    bottom = top + HEIGHT

    def y(lufs: float) -> float:
        share = (min(max(lufs, LOWEST_LUFS), HIGHEST_LUFS) - LOWEST_LUFS) / (HIGHEST_LUFS - LOWEST_LUFS)
        return bottom - 3 - share * (HEIGHT - 6)

    marks: list[Mark] = [Box(stretch.left, top, stretch.width, HEIGHT, LANE, 1.0, 2)]
    marks += [Stroke(((stretch.left, y(level)), (stretch.right, y(level))), GRID, 0.8) for level in LEVELS_LUFS]
    values = loudness.short_term_lufs
    every = max(1, round(2.0 * HOPS_PER_S / stretch.px_per_s))
    hops = np.arange(round(stretch.begin_s * HOPS_PER_S), min(stretch.end_s * HOPS_PER_S + 1, len(values)), every)
    line = [(min(stretch.x(hop / HOPS_PER_S), stretch.right), y(float(values[hop]))) for hop in hops.astype(int)]
    if len(line) > 1:
        marks.append(Shape(((line[0][0], bottom - 3), *line, (line[-1][0], bottom - 3)), METERED, 0.22))
        marks.append(Stroke(tuple(line), METERED, 1.6))
    marks.append(Stroke(((stretch.left, y(target_lufs)), (stretch.right, y(target_lufs))), TARGET, 1.3, dashed=True))
    if form.names_beside:
        marks += [Words(stretch.left - 6, y(level), str(level), 9.5, FAINT, "end") for level in LEVELS_LUFS]
        marks.append(Words(stretch.left - 32, top + HEIGHT / 2 - 7, "Loudness", 12, INK, "end"))
        marks.append(Words(stretch.left - 32, top + HEIGHT / 2 + 8, "LUFS", 10, FAINT, "end"))
    else:
        marks += [Words(stretch.left + 3, y(level), str(level), 9.5, INK) for level in LEVELS_LUFS]
    return marks


def legend_marks(entries: list[tuple[str, str]], top: float, form: Form) -> tuple[list[Mark], float]:
    """What the lines mean, in as many lines as it takes, and where they end."""
    marks: list[Mark] = []
    x, y = form.left, top + 6
    for kind, told in entries:
        width = 30 + text_width(told, 10.5)
        if x + width > form.width - MARGIN and x > form.left:
            x, y = form.left, y + 18
        marks += _sign(kind, x, y)
        marks.append(Words(x + 30, y, told, 10.5, FAINT, room=width))
        x += width + 24
    return marks, y + 12


def _sign(kind: str, x: float, y: float) -> list[Mark]:
    if kind == "span":
        return [
            Stroke(((x + 5, y - 5), (x + 1, y - 5), (x + 1, y + 5), (x + 5, y + 5)), FAINT, 2.0),
            Stroke(((x + 19, y - 5), (x + 23, y - 5), (x + 23, y + 5), (x + 19, y + 5)), FAINT, 2.0),
        ]
    if kind == "duck":
        dip = ((x, y - 4), (x + 6, y - 4), (x + 8, y + 4), (x + 16, y + 4), (x + 19, y - 4), (x + 24, y - 4))
        return [Stroke(dip, INK, 1.3)]
    is_target = kind == "target"
    return [Stroke(((x, y), (x + 24, y)), TARGET if is_target else METERED, 1.6, dashed=is_target)]
