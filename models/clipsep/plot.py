"""A picture of a recording's spectrogram and of each query's mask over it, of any length in constant memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.clipsep.streaming import NET_BINS, NET_HOP, NET_RATE, Magnitudes, Masks

MAX_COLUMNS = 1_400
N_ROWS = 192
"""Of one panel; rows are evenly spaced in the logarithm of frequency."""
LOW_HZ = 60.0
RANGE_DB = 70.0
MARGIN, TITLE = 46, 20
COLOURS = ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
"""Evenly spaced stops from silence to the loudest point."""


class MaskPicture:
    """Gathers what `separate_blocks` shows its observers; `save` draws the mixture, then one panel a query."""

    def __init__(self, n_frames: int, names: list[str]) -> None:
        self._names, self._n_frames = names, n_frames
        self._n_columns = min(n_frames, MAX_COLUMNS)
        self._mixture = np.zeros((N_ROWS, self._n_columns), np.float32)
        self._claimed = np.zeros((len(names), N_ROWS, self._n_columns), np.float32)
        hz = LOW_HZ * (NET_RATE / 2 / LOW_HZ) ** (np.arange(N_ROWS + 1) / N_ROWS)
        self._edges = np.minimum((hz * NET_BINS / (NET_RATE / 2)).astype(np.int64), NET_BINS - 1)

    def observe(self, first: int, magnitudes: Magnitudes, masks: Masks) -> None:
        """Adds frames to their columns: the most of each patch is kept, so that short sounds are seen."""
        columns = (first + np.arange(magnitudes.shape[1])) * self._n_columns // self._n_frames
        rows = self._edges[:-1]
        np.maximum.at(self._mixture.T, columns, np.maximum.reduceat(magnitudes, rows, axis=0).T)
        for claimed, mask in zip(self._claimed, masks, strict=False):
            np.maximum.at(claimed.T, columns, np.maximum.reduceat(mask * magnitudes, rows, axis=0).T)

    def save(self, path: Path) -> None:
        """Writes a PNG. Raises OSError."""
        from PIL import Image, ImageDraw, ImageFont

        width, height = max(self._n_columns, 300) + 2 * MARGIN, (N_ROWS + 2 * TITLE) * (1 + len(self._names))
        picture = Image.new("RGB", (width, height), (255, 255, 255))
        draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
        loudest = float(self._mixture.max()) or 1.0
        panels = [("mixture", self._mixture), *zip(self._names, self._claimed, strict=True)]
        for number, (name, panel) in enumerate(panels):
            top = number * (N_ROWS + 2 * TITLE) + TITLE
            picture.paste(Image.fromarray(_coloured(panel / loudest)[::-1].copy()), (MARGIN, top))
            title = "".join(c if c.isprintable() and ord(c) < 0x2500 else "?" for c in name)[:120]
            draw.text((MARGIN, top - TITLE + 3), title, (0, 0, 0), font)
            for hz in (100, 300, 1000, 3000, 8000):
                row = top + N_ROWS - round(N_ROWS * np.log(hz / LOW_HZ) / np.log(NET_RATE / 2 / LOW_HZ))
                draw.text((2, row - 6), f"{hz} Hz" if hz < 1000 else f"{hz // 1000} kHz", (0, 0, 0), font)
            duration_s = self._n_frames * NET_HOP / NET_RATE
            draw.text((MARGIN, top + N_ROWS + 2), "0 s", (0, 0, 0), font)
            draw.text((MARGIN + self._n_columns, top + N_ROWS + 2), f"{duration_s:.1f} s", (0, 0, 0), font, anchor="ra")
        picture.save(path, format="PNG")


def _coloured(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear levels up to 1 -> colours, evenly spaced in dB."""
    decibels = 20.0 * np.log10(np.maximum(levels, 1e-9))
    stops = np.clip(decibels / RANGE_DB + 1.0, 0.0, 1.0) * (len(COLOURS) - 1)
    table = np.array(COLOURS, np.float32)
    bands = [np.interp(stops, np.arange(len(COLOURS)), table[:, band]) for band in range(3)]
    return np.stack(bands, axis=-1).astype(np.uint8)
