"""The mix as mp3, m4a, ogg (Vorbis) and opus with tags, chapters and a cover, by ffmpeg, read in a stream.

Placement: chapters are whole milliseconds in all four (ID3 CHAP and CTOC in mp3; a chapter track and Nero's list in
m4a; Vorbis comments in ogg and opus), at most half a millisecond, 24 samples, from the manifest. The sound itself
begins where the decoder drops the encoder's delay; players that do not (some do not in mp3) are late by up to 1,105
samples.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from composer.compressed import find_ffmpeg
from composer.errors import ExportFailed
from composer.exports.chapters import chapters_of
from composer.exports.rendered import Rendered
from composer.exports.tags import chapter_comments, cover_of, picture_block, tags_of
from composer.exports.whole import whole_file
from composer.files import UNFINISHED


@dataclass(frozen=True)
class Codec:
    """ffmpeg's container, encoder and what else it is told; `in_comments`: chapters and cover are Vorbis comments."""

    container: str
    options: tuple[str, ...]
    in_comments: bool = False


CODECS = {
    ".mp3": Codec("mp3", ("-c:a", "libmp3lame", "-b:a", "192k", "-id3v2_version", "3")),
    ".m4a": Codec("ipod", ("-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart")),
    ".ogg": Codec("ogg", ("-c:a", "libvorbis", "-b:a", "192k"), in_comments=True),
    ".opus": Codec("opus", ("-c:a", "libopus", "-b:a", "128k"), in_comments=True),
}


def export_audio(rendered: Rendered, path: Path) -> None:
    """Encodes the mix by the suffix of `path`. Raises ExportFailed without ffmpeg, and with its last words."""
    codec, cover = CODECS[path.suffix], cover_of(rendered)
    ffmpeg = find_ffmpeg()
    picture = path.with_name(f"{path.name}.cover{UNFINISHED}")
    inputs = ["-f", "wav", "-protocol_whitelist", "file", "-i", str(rendered.scene.mix_path)]
    inputs += ["-f", "ffmetadata", "-protocol_whitelist", "pipe", "-i", "pipe:0"]
    mapped = ["-map", "0:a", "-map_metadata", "1", "-map_chapters", "-1" if codec.in_comments else "1"]
    if codec.in_comments:
        block = base64.b64encode(picture_block(cover)).decode("ascii")
        told = metadata([*tags_of(rendered).items(), *chapter_comments(rendered), ("METADATA_BLOCK_PICTURE", block)])
    else:
        told = metadata([*tags_of(rendered).items()], rendered)
        demuxer = {"image/png": "png_pipe", "image/jpeg": "jpeg_pipe"}[cover.mime]
        inputs += ["-f", demuxer, "-protocol_whitelist", "file", "-i", str(picture)]
        mapped += ["-map", "2:v", "-c:v", "copy", "-disposition:v:0", "attached_pic"]
        mapped += ["-metadata:s:v", "title=Cover", "-metadata:s:v", "comment=Cover (front)"]
    try:
        with whole_file(path) as file:
            picture.write_bytes(cover.data)
            command = [ffmpeg, "-hide_banner", "-nostats", "-loglevel", "error", "-y", *inputs, *mapped]
            command += [*codec.options, "-fflags", "+bitexact", "-f", codec.container, file.name]
            _run(command, told, path)
    finally:
        with suppress(OSError):
            picture.unlink(missing_ok=True)


def _run(command: Sequence[str], told: str, path: Path) -> None:
    done = subprocess.run(command, input=told.encode("utf-8", "replace"), capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-400:]
        raise ExportFailed(f"{path}: cannot be written: ffmpeg says: {said or f'exit {done.returncode}'}")


def metadata(tags: Sequence[tuple[str, str]], rendered: Rendered | None = None) -> str:
    """Tags, and with `rendered` its chapters in samples, in the words of ffmpeg's ffmetadata format."""
    lines = [";FFMETADATA1", *(f"{name}={_escaped(text)}" for name, text in tags)]
    for chapter in chapters_of(rendered) if rendered is not None else ():
        lines += ["[CHAPTER]", f"TIMEBASE=1/{rendered.sample_rate if rendered else 1}"]
        lines += [f"START={chapter.start_sample}", f"END={chapter.end_sample}", f"title={_escaped(chapter.title)}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join("\\" + letter if letter in "=;#\\\n" else letter for letter in text.replace("\0", " "))
