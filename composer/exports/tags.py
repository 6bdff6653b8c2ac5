"""What compressed files say of themselves: title, licences, chapters as comments, and a cover."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from composer.errors import ExportFailed
from composer.exports.chapters import chapters_of
from composer.exports.clock import clock
from composer.exports.drawing import png_bytes
from composer.exports.picture import timeline_page
from composer.exports.picture_lanes import COVER
from composer.exports.rendered import Rendered

OWN_COVERS = ("cover.png", "cover.jpg", "cover.jpeg")
"""Names of a cover that lies in the scene folder."""
MAX_COVER_BYTES = 10 * 2**20
UNKNOWN_LICENCE = "licence unknown"


@dataclass(frozen=True)
class Cover:
    """An encoded picture; sizes in pixels."""

    mime: str
    data: bytes
    width: int
    height: int


def tags_of(rendered: Rendered) -> dict[str, str]:
    """Tags by the names that ffmpeg gives them."""
    licences = dict.fromkeys(row.receipt.licence or UNKNOWN_LICENCE for row in rendered.rows)
    title = " ".join(rendered.title.replace("\0", " ").split()) or "Untitled"
    return {
        "title": title,
        "album": title,
        "genre": "Audio drama",
        "copyright": "; ".join(licences),
        "comment": "Made with Talescape. Licence and source of every asset are in the credits of the scene.",
    }


def chapter_comments(rendered: Rendered) -> list[tuple[str, str]]:
    """Chapters as Vorbis comments, which Ogg and FLAC players read."""
    comments = []
    for number, chapter in enumerate(chapters_of(rendered)):
        at = clock(chapter.start_sample, rendered.sample_rate, ".")
        comments += [(f"CHAPTER{number:03d}", at), (f"CHAPTER{number:03d}NAME", chapter.title)]
    return comments


def cover_of(rendered: Rendered) -> Cover:
    """The user's picture, else the scene folder's cover, else the picture of the timeline. Raises ExportFailed."""
    own = [rendered.scene.folder / name for name in OWN_COVERS]
    path = rendered.cover or next((each for each in own if each.is_file()), None)
    if path is None:
        return _timeline_cover(rendered)
    try:
        if path.stat().st_size > MAX_COVER_BYTES:
            raise ExportFailed(f"{path}: has {path.stat().st_size:,} bytes; a cover has at most {MAX_COVER_BYTES:,}")
        return _read_cover(path.read_bytes(), path)
    except OSError as error:
        raise ExportFailed(f"{path}: cannot be read: {error.strerror}; name a png or jpg file as cover") from error


@lru_cache(maxsize=1)
def _timeline_cover(rendered: Rendered) -> Cover:
    """Drawn once for all formats of a render, which its receipt tells."""
    return _read_cover(png_bytes(timeline_page(rendered, COVER)), rendered.scene.folder / "timeline.png")


def _read_cover(data: bytes, path: Path) -> Cover:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            width, height = picture.size
            mime = {"PNG": "image/png", "JPEG": "image/jpeg"}[str(picture.format)]
    except (OSError, Image.DecompressionBombError) as error:
        raise ExportFailed(f"{path}: is no picture that can be a cover; give a png or jpg file") from error
    return Cover(mime, data, width, height)


def picture_block(cover: Cover) -> bytes:
    """The cover as FLAC and Ogg keep it (RFC 9639, section 8.8): kind 3, the front cover."""
    mime = cover.mime.encode("ascii")
    sizes = struct.pack(">IIIII", cover.width, cover.height, 24, 0, len(cover.data))
    return struct.pack(">II", 3, len(mime)) + mime + struct.pack(">I", 0) + sizes + cover.data
