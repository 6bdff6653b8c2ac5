"""Opens a picture file of any kind as small square colours, and refuses what is not a picture with its name.

Conventions: a picture becomes uint8 RGB, (side, side, 3). What is see-through becomes white. An opaque picture is cut
to its central square; a drawing on a see-through ground is padded to a square instead, so that nothing is lost.
Of an animation the first frame counts; CMYK, grey, palette and 16-bit pictures become RGB; EXIF's turn is applied.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from models.errors import PictureUnreadable

MOST_PIXELS = 150_000_000
"""Larger pictures are refused before they are unpacked: 150 million pixels are 0.6 GB of memory."""


def open_picture(path: Path) -> Image.Image:
    """The picture's first frame as RGB or RGBA. Raises PictureUnreadable, naming the file and what is wrong."""
    if not path.is_file():
        raise PictureUnreadable(f"{path}: is not there" if not path.exists() else f"{path}: is not a file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; we have a limit of our own
            with Image.open(path) as file:
                width, height = file.size
                if width * height > MOST_PIXELS:
                    raise PictureUnreadable(
                        f"{path}: {width} x {height} are {width * height / 1e6:.0f} million pixels; "
                        f"at most {MOST_PIXELS / 1e6:.0f} million are read; make it smaller"
                    )
                file.draft("RGB", (512, 512))  # JPEG only: unpacks at a fraction of its size
                file.load()
                turned = ImageOps.exif_transpose(file)
                return _as_colours(turned)
    except PictureUnreadable:
        raise
    except Image.DecompressionBombError as error:
        raise PictureUnreadable(f"{path}: too large to unpack ({error}); make it smaller") from error
    except Exception as error:  # Pillow's decoders raise many kinds for broken files
        raise PictureUnreadable(f"{path}: cannot be read as a picture ({error}); use PNG, JPEG, WebP or GIF") from error


def square_colours(path: Path, side: int) -> NDArray[np.uint8]:
    """The picture as (side, side, 3)."""
    return on_white(squared(open_picture(path), side))


def squared(picture: Image.Image, side: int) -> Image.Image:
    """The picture, RGB or RGBA, at side x side: opaque ones cut to their centre, see-through ones padded."""
    see_through = picture.mode == "RGBA" and picture.getchannel("A").getextrema()[0] != 255
    edge = max(picture.size) if see_through else min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    square = picture.crop((left, top, left + edge, top + edge))  # beyond the edge: see-through
    return square.resize((side, side), Image.Resampling.LANCZOS)


def on_white(picture: Image.Image) -> NDArray[np.uint8]:
    """RGB as it is; RGBA laid on white, (height, width, 3)."""
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(ground, picture)
    return np.asarray(picture.convert("RGB"), np.uint8)


def _as_colours(picture: Image.Image) -> Image.Image:
    """RGB, or RGBA where something is see-through."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, np.float64)
        top = 255.0 if values.max() <= 255 else 65_535.0 if values.max() <= 65_535 else float(values.max())
        return Image.fromarray((values.clip(0) / top * 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture.convert("RGB")
