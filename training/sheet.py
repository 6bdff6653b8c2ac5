"""A sheet of spectrograms: generated clips beside real ones, one line a concept, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
WIDTH, HEIGHT = 208, 96
GAP, TITLE, LABEL = 6, 20, 110
RANGE = 8.0
"""Natural logs from the loudest of a panel down to black: 70 dB."""
STOPS = ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))


@dataclass(frozen=True)
class Line:
    """A concept's panels: log mels (n_mels, n_frames), in the order of the sheet's titles."""

    name: str
    mels: tuple[Floats, ...]


def save_sheet(lines: Sequence[Line], titles: Sequence[str], path: Path) -> None:
    """Writes the PNG. Refuses lines whose panels are not as many as the titles."""
    from PIL import Image, ImageDraw, ImageFont

    if any(len(line.mels) != len(titles) for line in lines):
        raise ValueError(f"every line of the sheet needs {len(titles)} panels")
    width = LABEL + len(titles) * (WIDTH + GAP)
    picture = Image.new("RGB", (width, TITLE + len(lines) * (HEIGHT + GAP)), (255, 255, 255))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for column, title in enumerate(titles):
        draw.text((LABEL + column * (WIDTH + GAP), 3), title, (0, 0, 0), font)
    for number, line in enumerate(lines):
        top = TITLE + number * (HEIGHT + GAP)
        draw.text((4, top + HEIGHT // 2 - 8), line.name, (0, 0, 0), font)
        for column, mel in enumerate(line.mels):
            panel = Image.fromarray(coloured(mel)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
            picture.paste(panel, (LABEL + column * (WIDTH + GAP), top))
    picture.save(path, format="PNG", optimize=True)


def coloured(mel: Floats) -> NDArray[np.uint8]:
    """(n_mels, n_frames) -> (n_mels, n_frames, 3), low notes at the bottom, colours from the loudest down by RANGE."""
    at = np.clip((mel - mel.max()) / RANGE + 1.0, 0.0, 1.0) * (len(STOPS) - 1)
    table = np.array(STOPS, np.float32)
    bands = [np.interp(at, np.arange(len(STOPS)), table[:, band]) for band in range(3)]
    return np.stack(bands, axis=-1)[::-1].astype(np.uint8)
