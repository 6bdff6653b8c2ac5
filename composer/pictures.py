"""A picture for a vision model: checked, turned upright, shrunk, without metadata."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from composer.errors import StoryUnreadable

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 50 * 2**20
MAX_PIXELS = 80_000_000
LONG_SIDE = 1024
SHORT_SIDE = 16
"""Vision models refuse pictures of a few pixels or of extreme shape."""


def read_picture(path: Path) -> bytes:
    """The bytes of a picture file. Raises StoryUnreadable when there are none, or too many."""
    try:
        if path.is_dir():
            raise StoryUnreadable(f"{path}: is a folder; give the picture itself")
        if path.stat().st_size > MAX_BYTES:
            raise StoryUnreadable(f"{path}: is larger than {MAX_BYTES // 2**20} MB; shrink it first")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise StoryUnreadable(f"{path}: cannot be read ({why}); check its name and rights") from error


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Pillow warns of odd notes in a file and of many pixels; the one does not matter, the other is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _with_alpha(picture: Image.Image) -> Image.Image:
    """The picture in RGBA, from any mode; 16 bits a channel are brought to 8, which Pillow would cut off."""
    if picture.mode.startswith("I"):
        picture = picture.point(lambda value: value / 256).convert("L")
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "F"):
        picture = picture.convert("RGB")
    return picture.convert("RGBA")


def picture_part(path: Path) -> dict[str, object]:
    """The picture as a part of a chat message: a JPEG of at most 1024 pixels a side. Raises StoryUnreadable.

    What is transparent becomes white; of an animation the first picture is taken.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    data = io.BytesIO(read_picture(path))
    try:
        with _without_warnings(), Image.open(data) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise StoryUnreadable(f"{path}: has {width} x {height} pixels; shrink it to 4096 x 4096 or less first")
            if min(width, height) < SHORT_SIDE or max(width, height) > 100 * min(width, height):
                raise StoryUnreadable(f"{path}: has {width} x {height} pixels, in which nothing can be seen")
            picture.draft("RGB", (LONG_SIDE, LONG_SIDE))
            upright = ImageOps.exif_transpose(picture)
            seen = _with_alpha(upright)
    except UnidentifiedImageError as error:
        raise StoryUnreadable(f"{path}: is no picture that can be read; give a JPEG, PNG, WebP or GIF") from error
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise StoryUnreadable(f"{path}: cannot be read as a picture: {error}") from error
    seen.thumbnail((LONG_SIDE, LONG_SIDE))
    small = Image.new("RGB", seen.size, "white")
    small.paste(seen, mask=seen.getchannel("A"))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return {
        "type": "image_url",
        "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"},
    }
