"""A drawing: filled shapes and text on a page, written as PNG (Pillow) or SVG.

Conventions: coordinates are in pixels from the top left; colours are "#rrggbb", with an opacity from 0 to 1.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from xml.sax.saxutils import escape

FINENESS = 2
"""The PNG has this many pixels for each of the drawing's, so that it is sharp on today's screens."""
FONT = "Aileron, Helvetica, Arial, sans-serif"
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    colour: str
    opacity: float = 1.0
    radius: float = 0.0


@dataclass(frozen=True)
class Shape:
    """A filled polygon."""

    points: tuple[tuple[float, float], ...]
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Stroke:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1.0
    opacity: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Words:
    """One line of text; `y` is its middle. Longer than `room` pixels, it is cut with an ellipsis."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: Anchor = "start"
    room: float | None = None


Mark = Box | Shape | Stroke | Words


@dataclass(frozen=True)
class Page:
    width: int
    height: int
    background: str
    marks: tuple[Mark, ...]


def cut_text(text: str, size: float, room: float | None) -> str:
    """The text as far as `room` pixels hold it at that size, measured in the font of the PNG."""
    font = _font(size * FINENESS)
    if room is None or font.getlength(text) <= room * FINENESS:
        return text
    text = text[:400]
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle].rstrip() + "…") <= room * FINENESS:
            low = middle
        else:
            high = middle - 1
    return f"{text[:low].rstrip()}…" if low >= 3 else ""


@cache
def _font(size: float) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def svg_text(page: Page) -> str:
    """The page as an SVG document; no scripts, no outside resources."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{page.width}" height="{page.height}" '
        f'viewBox="0 0 {page.width} {page.height}" font-family="{FONT}">',
        f'<rect width="100%" height="100%" fill="{page.background}"/>',
        *(_svg_mark(mark) for mark in page.marks),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _svg_mark(mark: Mark) -> str:
    match mark:
        case Box():
            return (
                f'<rect x="{mark.x:.1f}" y="{mark.y:.1f}" width="{mark.width:.1f}" height="{mark.height:.1f}" '
                f'rx="{mark.radius:.1f}" fill="{mark.colour}" fill-opacity="{mark.opacity:g}"/>'
            )
        case Shape():
            return (
                f'<polygon points="{_svg_points(mark.points)}" fill="{mark.colour}" fill-opacity="{mark.opacity:g}"/>'
            )
        case Stroke():
            dashes = ' stroke-dasharray="4 3"' if mark.dashed else ""
            return (
                f'<polyline points="{_svg_points(mark.points)}" fill="none" stroke="{mark.colour}" '
                f'stroke-width="{mark.width:g}" stroke-opacity="{mark.opacity:g}"{dashes}/>'
            )
        case Words():
            text = "".join(letter for letter in cut_text(mark.text, mark.size, mark.room) if letter.isprintable())
            return (
                f'<text x="{mark.x:.1f}" y="{mark.y + 0.35 * mark.size:.1f}" font-size="{mark.size:g}" '
                f'fill="{mark.colour}" text-anchor="{mark.anchor}">{escape(text)}</text>'
            )


def _svg_points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def png_bytes(page: Page) -> bytes:
    """The page as a PNG of FINENESS times its size."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (page.width * FINENESS, page.height * FINENESS), page.background)
    draw = ImageDraw.Draw(picture, "RGBA")
    for mark in page.marks:
        match mark:
            case Box():
                corners = [mark.x, mark.y, mark.x + max(mark.width, 1 / FINENESS), mark.y + mark.height]
                draw.rounded_rectangle(
                    [value * FINENESS for value in corners],
                    min(mark.radius, mark.width / 2) * FINENESS,
                    fill=_rgba(mark.colour, mark.opacity),
                )
            case Shape():
                draw.polygon(_fine(mark.points), fill=_rgba(mark.colour, mark.opacity))
            case Stroke():
                parts = _dashes(mark.points) if mark.dashed else [mark.points]
                for part in parts:
                    draw.line(
                        _fine(part), fill=_rgba(mark.colour, mark.opacity), width=max(1, round(mark.width * FINENESS))
                    )
            case Words():
                anchor = {"start": "lm", "middle": "mm", "end": "rm"}[mark.anchor]
                place = (mark.x * FINENESS, mark.y * FINENESS)
                text = cut_text(mark.text, mark.size, mark.room)
                draw.text(place, text, fill=mark.colour, font=_font(mark.size * FINENESS), anchor=anchor)
    out = io.BytesIO()
    picture.quantize(192).save(out, "PNG", optimize=True)
    return out.getvalue()


def _fine(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * FINENESS, y * FINENESS) for x, y in points]


def _dashes(points: Sequence[tuple[float, float]]) -> list[tuple[tuple[float, float], ...]]:
    """Dashes of 4 pixels with gaps of 3 along a level line."""
    (left, y), (right, _) = points[0], points[-1]
    return [((x, y), (min(x + 4.0, right), y)) for x in (left + 7.0 * n for n in range(int((right - left) / 7.0) + 1))]


def _rgba(colour: str, opacity: float) -> tuple[int, int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), round(255 * opacity)
