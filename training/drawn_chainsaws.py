"""Our own drawings of a chainsaw, which emoji sets lack: one outline with drawn colours, lengths and poses."""

from __future__ import annotations

import random

N_DRAWINGS = 60


def chainsaw_svg(seed: int) -> str:
    """An SVG of 128 x 128; every seed is another saw: body colour, bar length, teeth, handle, tilt and side."""
    draw = random.Random(seed)
    body = draw.choice(["#e8590c", "#d6336c", "#f08c00", "#c92a2a", "#2f9e44", "#1971c2", "#868e96", "#fab005"])
    dark = draw.choice(["#212529", "#343a40", "#495057", "#2b2b2b"])
    bar = draw.choice(["#ced4da", "#adb5bd", "#dee2e6", "#e9ecef"])
    length, height = draw.randint(52, 76), draw.randint(12, 20)
    top, tilt, side = draw.randint(58, 66), draw.randint(-35, 35), draw.choice([1, -1])
    n_teeth = draw.randint(5, 11)
    teeth = "".join(
        f'<path d="M{48 + length * i / n_teeth:.0f} {y} l4 {-5 * sign} l3 {5 * sign}z" fill="{dark}"/>'
        for i in range(n_teeth)
        for y, sign in ((top, 1), (top + height, -1))
    )
    blade = (
        f'<rect x="40" y="{top}" width="{length + 8}" height="{height}" rx="{height / 2}" fill="{bar}" '
        f'stroke="{dark}" stroke-width="{draw.choice([1.5, 2.5, 3.5])}"/>'
    )
    motor = (
        f'<rect x="10" y="{top - 14}" width="42" height="{height + 24}" rx="{draw.randint(3, 10)}" fill="{body}"/>'
        f'<circle cx="28" cy="{top + 6}" r="{draw.randint(5, 9)}" fill="{dark}"/>'
    )
    handle = (
        f'<path d="M14 {top - 10} q14 {-draw.randint(18, 32)} 34 -2" fill="none" stroke="{dark}" '
        f'stroke-width="{draw.randint(4, 7)}"/>'
        f'<path d="M14 {top + 2} q-14 10 -2 {height + 8}" fill="none" stroke="{dark}" stroke-width="6"/>'
    )
    guard = f'<path d="M50 {top - 16} l8 2 l-2 14 l-6 0z" fill="{dark}"/>' if draw.random() < 0.7 else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128" viewBox="0 0 128 128">'
        f'<g transform="translate(64 64) scale({side * 0.9} 0.9) rotate({tilt}) translate(-64 -64)">'
        f"{blade}{teeth}{motor}{handle}{guard}</g></svg>"
    )
