"""A picture for a vision model: checked, shrunk, without metadata."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from composer.errors import StoryUnreadable

MAX_BYTES = 50 * 2**20
LONG_SIDE = 1024


def picture_part(path: Path) -> dict[str, object]:
    """The picture as a part of a chat message: a JPEG of at most 1024 pixels. Raises StoryUnreadable."""
    from PIL import Image, UnidentifiedImageError

    try:
        if path.stat().st_size > MAX_BYTES:
            raise StoryUnreadable(f"{path}: is larger than {MAX_BYTES // 2**20} MB; shrink it first")
        with Image.open(path) as picture:
            picture.draft("RGB", (LONG_SIDE, LONG_SIDE))
            small = picture.convert("RGB")
            small.thumbnail((LONG_SIDE, LONG_SIDE))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise StoryUnreadable(f"{path}: cannot be read as a picture: {error}") from error
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    data = base64.b64encode(out.getvalue()).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
