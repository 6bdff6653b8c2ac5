"""FLAC with tags, chapters and a cover: the mix bit by bit, written with no other program.

Placement: the samples are those of the mix, 0 samples of error; chapters are Vorbis comments (CHAPTER000=h:mm:ss.mmm)
and stand within half a millisecond, 24 samples. Metadata blocks follow RFC 9639, section 8.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Sequence
from pathlib import Path

import soundfile

from composer.errors import ExportFailed
from composer.exports.rendered import Rendered
from composer.exports.tags import Cover, chapter_comments, cover_of, picture_block, tags_of
from composer.exports.whole import whole_file
from composer.files import UNFINISHED

BLOCK_SAMPLES = 240_000
BARE = ".bare" + UNFINISHED
"""What a FLAC file is called before it has its tags."""
_VORBIS_COMMENT, _PICTURE, _PADDING = 4, 6, 1
_LAST = 0x80
MAX_BLOCK = 2**24 - 1


def export_flac(rendered: Rendered, path: Path) -> None:
    """Writes the mix as 24-bit FLAC. Raises ExportFailed."""
    bare = path.with_name(path.name + BARE)
    try:
        with whole_file(bare) as file, soundfile.SoundFile(rendered.scene.mix_path) as mix:
            with soundfile.SoundFile(file, "w", mix.samplerate, mix.channels, "PCM_24", format="FLAC") as encoder:
                for frames in mix.blocks(BLOCK_SAMPLES, dtype="int32", always_2d=True):
                    encoder.write(frames)
        comments = [(name.upper(), text) for name, text in tags_of(rendered).items()]
        add_flac_tags(bare, path, comments + chapter_comments(rendered), cover_of(rendered))
    except RuntimeError as error:
        raise ExportFailed(f"{path}: cannot be written: {error}") from error
    finally:
        bare.unlink(missing_ok=True)


def add_flac_tags(source: Path, path: Path, comments: Sequence[tuple[str, str]], cover: Cover | None = None) -> None:
    """A copy of a FLAC file whose comments and pictures are these; its samples are not touched. Raises ExportFailed."""
    with source.open("rb") as read, whole_file(path) as file:
        if read.read(4) != b"fLaC":
            raise ExportFailed(f"{source}: is not FLAC")
        blocks: list[tuple[int, bytes]] = []
        kind = 0
        while not kind & _LAST:
            kind, n_bytes = read.read(1)[0], int.from_bytes(read.read(3), "big")
            blocks.append((kind & ~_LAST, read.read(n_bytes)))
        kept = [block for block in blocks if block[0] not in (_VORBIS_COMMENT, _PICTURE, _PADDING)]
        kept.append((_VORBIS_COMMENT, vorbis_comment(comments)))
        if cover is not None:
            kept.append((_PICTURE, picture_block(cover)))
        file.write(b"fLaC")
        for number, (kind, data) in enumerate(kept, start=1):
            if len(data) > MAX_BLOCK:
                raise ExportFailed(f"{path}: a cover or comment of {len(data):,} bytes is too large for FLAC")
            is_last = _LAST if number == len(kept) else 0
            file.write(bytes([kind | is_last]) + len(data).to_bytes(3, "big") + data)
        shutil.copyfileobj(read, file, 2**20)


def vorbis_comment(comments: Sequence[tuple[str, str]]) -> bytes:
    """Comments as Ogg and FLAC keep them, without a framing bit."""
    vendor = b"Talescape"
    written = [f"{name}={text}".encode("utf-8", "replace") for name, text in comments]
    head = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(written))
    return head + b"".join(struct.pack("<I", len(line)) + line for line in written)
