"""A drawing: filled shapes and text on a page, written as PNG (Pillow) or SVG.

Conventions: coordinates are in pixels from the top left; colours are "#rrggbb", with an opacity from 0 to 1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from xml.sax.saxutils import escape

import numpy as np

FINENESS = 2
"""The PNG has this many pixels for each of the drawing's, so that it is sharp on today's screens."""
SMOOTHING = 2
"""Edges are drawn this much finer still, and averaged."""
STRIP = 200
"""The PNG is drawn in strips of this many pixels of the drawing, so that the finer drawing is never held whole."""
FONT = "Aileron, Helvetica, Arial, sans-serif"
FALLBACK_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arial.ttf", "NotoSansCJK-Regular.ttc")
"""Where the PNG's own font lacks a letter, the first of these that the system has and that has the letter."""
MAX_LETTERS = 400
Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle; in an SVG, `told` is shown when a pointer rests on it."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    opacity: float = 1.0
    radius: float = 0.0
    told: str = ""


@dataclass(frozen=True)
class Shape:
    """A filled polygon."""

    points: tuple[Point, ...]
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Stroke:
    """A line through points."""

    points: tuple[Point, ...]
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
    """`title` and `description` say in words what is seen."""

    width: int
    height: int
    background: str
    marks: tuple[Mark, ...]
    title: str = ""
    description: str = ""


def text_width(text: str, size: float) -> float:
    """How wide a line of text is in the font of the PNG."""
    return float(sum(font.getlength(part) for part, font in _parts(text, size * FINENESS))) / FINENESS


def cut_text(text: str, size: float, room: float | None) -> str:
    """The text as far as `room` pixels hold it at that size; nothing where three letters do not fit."""
    text = "".join(letter for letter in text[:MAX_LETTERS] if letter.isprintable())
    if room is None or text_width(text, size) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size) <= room:
            low = middle
        else:
            high = middle - 1
    return f"{text[:low].rstrip()}…" if low >= 3 else ""


def wrapped_text(text: str, size: float, room: float, n_lines: int) -> list[str]:
    """The text in at most `n_lines` lines of `room` pixels, broken between words; the last is cut with an ellipsis."""
    words = text[:MAX_LETTERS].split()
    lines: list[str] = []
    while words and len(lines) < n_lines - 1:
        n_words = 0
        while n_words < len(words) and text_width(" ".join(words[: n_words + 1]), size) <= room:
            n_words += 1
        if n_words == 0:
            break
        lines.append(" ".join(words[:n_words]))
        words = words[n_words:]
    rest = cut_text(" ".join(words), size, room)
    if words and not rest:  # a first line alone would hide that there is more
        lines, rest = [], cut_text(" ".join(text.split()), size, room)
    return [*lines, rest] if rest else lines


def _parts(text: str, size: float) -> Iterable[tuple[str, Any]]:
    """Stretches of text with the font for each."""
    begin = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or _font_number(text[end]) != _font_number(text[begin]):
            yield text[begin:end], _font(_font_number(text[begin]), size)
            begin = end


@cache
def _font_number(letter: str) -> int:
    """-1 for the PNG's own font, else which of the others has the letter; the own one where none has it."""
    if letter.isascii() or _has(_font(-1, 32.0), letter):
        return -1
    return next((n for n in range(len(FALLBACK_FONTS)) if (font := _font(n, 32.0)) and _has(font, letter)), -1)


def _has(font: Any, letter: str) -> bool:
    """Whether a font draws a letter otherwise than one that it cannot have (U+FFFF is no letter)."""
    missing, drawn = font.getmask("\uffff"), font.getmask(letter)
    return letter.isspace() or drawn.size != missing.size or bytes(drawn) != bytes(missing)


@cache
def _font(number: int, size: float) -> Any:
    from PIL import ImageFont

    if number < 0:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(FALLBACK_FONTS[number], size)
    except OSError:
        return None


def svg_text(page: Page) -> str:
    """The page as an SVG document; no scripts, no outside resources."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + svg_element(page) + "\n"


def svg_element(page: Page) -> str:
    """The page as an element that HTML can hold as it stands."""
    title = f"<title>{_escaped(page.title)}</title>" if page.title else ""
    description = f"<desc>{_escaped(page.description)}</desc>" if page.description else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{page.width}" height="{page.height}" '
        f'viewBox="0 0 {page.width} {page.height}" font-family="{FONT}" role="img">{title}{description}',
        f'<rect width="100%" height="100%" fill="{page.background}"/>',
        *(_svg_mark(mark) for mark in page.marks),
        "</svg>",
    ]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return escape("".join(letter for letter in text if letter.isprintable()), {'"': "&quot;"})


def _svg_mark(mark: Mark) -> str:
    match mark:
        case Box():
            radius = f' rx="{_short(mark.radius)}"' if mark.radius else ""
            place = f'x="{_short(mark.x)}" y="{_short(mark.y)}" width="{_short(mark.width)}"'
            head = f'<rect {place} height="{_short(mark.height)}"{radius} {_filled(mark.colour, mark.opacity)}'
            return f"{head}><title>{_escaped(mark.told)}</title></rect>" if mark.told else f"{head}/>"
        case Shape():
            return f'<path d="{_svg_path(mark.points)}z" {_filled(mark.colour, mark.opacity)}/>'
        case Stroke():
            dashes = ' stroke-dasharray="4 3"' if mark.dashed else ""
            opacity = f' stroke-opacity="{mark.opacity:g}"' if mark.opacity < 1.0 else ""
            return (
                f'<path d="{_svg_path(mark.points)}" fill="none" stroke="{mark.colour}" '
                f'stroke-width="{mark.width:g}" stroke-linejoin="round"{opacity}{dashes}/>'
            )
        case Words():
            text = cut_text(mark.text, mark.size, mark.room)
            anchor = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
            # Another font than ours is squeezed to the room that was measured for ours.
            wide = f' textLength="{_short(text_width(text, mark.size))}"' if mark.room is not None and text else ""
            fit = f'{wide} lengthAdjust="spacingAndGlyphs"' if wide else ""
            return (
                f'<text x="{_short(mark.x)}" y="{_short(mark.y + 0.35 * mark.size)}" font-size="{mark.size:g}" '
                f'fill="{mark.colour}"{anchor}{fit}>{_escaped(text)}</text>'
            )


def _filled(colour: str, opacity: float) -> str:
    return f'fill="{colour}"' + (f' fill-opacity="{opacity:g}"' if opacity < 1.0 else "")


def _svg_path(points: Sequence[Point]) -> str:
    """The first point, then steps in tenths of a pixel that do not add up errors."""
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    steps = [
        f"{_short((x - last_x) / 10)} {_short((y - last_y) / 10)}"
        for (last_x, last_y), (x, y) in zip(tenths, tenths[1:], strict=False)
    ]
    return f"M{_short(tenths[0][0] / 10)} {_short(tenths[0][1] / 10)}l{' '.join(steps)}"


def _short(value: float) -> str:
    written = f"{value:.1f}"
    return written[:-2] if written.endswith(".0") else written


def png_bytes(page: Page) -> bytes:
    """The page as a PNG of FINENESS times its size, compressed strip by strip."""
    packer, last = zlib.compressobj(9), np.zeros((1, page.width * FINENESS, 3), np.uint8)
    packed = []
    for top in range(0, page.height, STRIP):
        strip = np.asarray(_png_strip(page, top, min(STRIP, page.height - top)))
        # Filter 2 of the PNG standard: each byte less the one above it.
        rows = np.diff(np.concatenate([last, strip]), axis=0).reshape(len(strip), -1)
        packed.append(packer.compress(np.pad(rows, ((0, 0), (1, 0)), constant_values=2).tobytes()))
        last = strip[-1:]
    header = struct.pack(">IIBBBBB", page.width * FINENESS, page.height * FINENESS, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", b"".join([*packed, packer.flush()])), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_strip(page: Page, top: int, height: int) -> Any:
    """What of the page lies in a strip, as a picture: shapes with smooth edges, then the words over all of them."""
    from PIL import Image, ImageDraw

    scale = FINENESS * SMOOTHING
    fine = Image.new("RGB", (page.width * scale, height * scale), page.background)
    draw = ImageDraw.Draw(fine, "RGBA")
    reaching = [mark for mark in page.marks if _reaches(mark, top, top + height)]
    for mark in reaching:
        if not isinstance(mark, Words):
            _png_mark(draw, mark, top, scale)
    strip = fine.reduce(SMOOTHING)
    write = ImageDraw.Draw(strip)
    for mark in reaching:
        if isinstance(mark, Words):
            _png_words(write, mark, top)
    return strip


def _reaches(mark: Mark, top: float, bottom: float) -> bool:
    if isinstance(mark, Words):
        return mark.y - mark.size < bottom and mark.y + mark.size > top
    if isinstance(mark, Box):
        return mark.y < bottom and mark.y + mark.height > top
    highest, lowest = min(y for _, y in mark.points), max(y for _, y in mark.points)
    return highest - 2.0 < bottom and lowest + 2.0 > top


def _png_mark(draw: Any, mark: Box | Shape | Stroke, top: float, scale: int) -> None:
    match mark:
        case Box():
            if mark.opacity == 0.0:
                return
            right, bottom = mark.x + mark.width, mark.y + mark.height - top
            corners = [mark.x * scale, (mark.y - top) * scale, right * scale - 1, bottom * scale - 1]
            corners[2] = max(corners[2], corners[0])
            radius = min(mark.radius, mark.width / 2) * scale
            draw.rounded_rectangle(corners, radius, fill=_rgba(mark.colour, mark.opacity))
        case Shape():
            draw.polygon(_fine(mark.points, top, scale), fill=_rgba(mark.colour, mark.opacity))
        case Stroke():
            width = max(1, round(mark.width * scale))
            for part in _dashes(mark.points) if mark.dashed else [mark.points]:
                draw.line(_fine(part, top, scale), _rgba(mark.colour, mark.opacity), width, "curve")


def _png_words(draw: Any, mark: Words, top: float) -> None:
    text = cut_text(mark.text, mark.size, mark.room)
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor] * text_width(text, mark.size)
    x, baseline = (mark.x - shift) * FINENESS, (mark.y - top + 0.35 * mark.size) * FINENESS
    for part, font in _parts(text, mark.size * FINENESS):
        draw.text((x, baseline), part, fill=mark.colour, font=font, anchor="ls")
        x += font.getlength(part)


def _fine(points: Sequence[Point], top: float, scale: int) -> list[Point]:
    return [(x * scale, (y - top) * scale) for x, y in points]


def _dashes(points: Sequence[Point]) -> list[tuple[Point, ...]]:
    """Dashes of 4 pixels with gaps of 3 along a level line."""
    (left, y), (right, _) = points[0], points[-1]
    return [((x, y), (min(x + 4.0, right), y)) for x in (left + 7.0 * n for n in range(int((right - left) / 7.0) + 1))]


def _rgba(colour: str, opacity: float) -> tuple[int, int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), round(255 * opacity)
