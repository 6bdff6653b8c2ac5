"""Folders of videos -> what training reads: 16 kHz sound, one frame a second, and the frames' query vectors.

`python -m training.videos FOLDER -o DATA [--encoder NAME]`. Needs PyAV: pip install 'talescape[train]'.
DATA holds `sound.int16` (every video's sound, one after the other), `sounds.csv` (where each begins) and `frames.npz`
(the vectors, by video: each video is a concept of its own, because it is asked for by its own frames). What was done
for a video is kept in DATA/done, so that a run goes on where it was cut off; a broken video is an error unless told
otherwise.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.sounds import SAMPLE_RATE, DataUnusable

SUFFIXES = {".mp4", ".mkv", ".webm", ".mov", ".avi"}
COLUMNS = ("file", "set", "concept", "text", "fold", "licence", "author", "link", "begin", "n_samples")
SOUND, TABLE, VECTORS = "sound.int16", "sounds.csv", "frames.npz"
Encode = Callable[[Sequence[Path]], NDArray[np.float32]]


@dataclass(frozen=True)
class Video:
    """Sound as 16-bit mono samples at 16 kHz, and frames as (height, width, 3) pictures, one a second."""

    samples: NDArray[np.int16]
    frames: list[NDArray[np.uint8]]


def read_video(path: Path, *, frames_per_s: float = 1.0) -> Video:
    """Decodes a video. Raises DataUnusable when it is broken, or has no sound or no picture."""
    try:
        import av
    except ImportError as error:
        raise DataUnusable("reading videos needs PyAV: pip install 'talescape[train]'") from error
    try:
        with av.open(str(path)) as container:
            _refuse_without(path, container)
            frames: list[NDArray[np.uint8]] = []
            for frame in container.decode(video=0):
                if frame.time is None or frame.time >= len(frames) / frames_per_s:
                    frames.append(frame.to_ndarray(format="rgb24"))
        with av.open(str(path)) as container:
            samples = _sound(container)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DataUnusable(f"{path}: cannot be read as a video: {error}") from error
    if not frames or not samples.any():
        raise DataUnusable(f"{path}: has {len(frames)} frames and {'no ' if not samples.any() else ''}sound")
    return Video(samples, frames)


def _refuse_without(path: Path, container: Any) -> None:
    for kind, streams in (("picture", container.streams.video), ("sound", container.streams.audio)):
        if not streams:
            raise DataUnusable(f"{path}: has no {kind}")


def _sound(container: Any) -> NDArray[np.int16]:
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    parts += resampler.resample(None)
    return np.concatenate([part.to_ndarray()[0] for part in parts]) if parts else np.zeros(0, np.int16)


def prepare_videos(
    videos: Path,
    out: Path,
    encode: Encode,
    *,
    leave_out_broken: bool = False,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Everything of a folder of videos, in the order of their paths; gives the table's path.

    The folder that a video lies in is its `text`. `leave_out_broken` lists broken ones in DATA/broken.txt.
    """
    paths = sorted(path for path in videos.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataUnusable(f"{videos}: holds no video ({', '.join(sorted(SUFFIXES))})")
    done = out / "done"
    done.mkdir(parents=True, exist_ok=True)
    broken = []
    for place, path in enumerate(paths):
        kept = done / f"{_name(videos, path)}.npz"
        if not kept.is_file():
            try:
                _keep(read_video(path), kept, encode)
            except DataUnusable as error:
                if not leave_out_broken:
                    raise
                broken.append(str(error))
        if report is not None:
            report(f"{place + 1} of {len(paths)}: {path.name}")
    (out / "broken.txt").write_text("".join(f"{line}\n" for line in broken), "utf-8")
    return _gather(videos, paths, out)


def _name(videos: Path, path: Path) -> str:
    return "--".join(path.relative_to(videos).with_suffix("").parts)


def _keep(video: Video, kept: Path, encode: Encode) -> None:
    """One video's sound and vectors; encoders read picture files, so the frames become files for a moment."""
    import tempfile

    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{second:06d}.png" for second in range(len(video.frames))]
        for file, frame in zip(files, video.frames, strict=True):
            Image.fromarray(frame).save(file)
        vectors = encode(files)
    unfinished = kept.with_name("unfinished.part")
    with unfinished.open("wb") as stream:
        np.savez(stream, samples=video.samples, vectors=vectors.astype(np.float32))
    os.replace(unfinished, kept)


def _gather(videos: Path, paths: Sequence[Path], out: Path) -> Path:
    begin, vectors, names = 0, [], []
    with (out / SOUND).open("wb") as sound, (out / TABLE).open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS, restval="")
        writer.writeheader()
        for path in paths:
            name = _name(videos, path)
            if not (out / "done" / f"{name}.npz").is_file():
                continue
            with np.load(out / "done" / f"{name}.npz", allow_pickle=False) as kept:
                samples, found = kept["samples"], kept["vectors"]
            samples.astype("<i2").tofile(sound)
            text = path.parent.name if path.parent != videos else ""
            writer.writerow(
                {
                    "file": SOUND,
                    "set": "videos",
                    "concept": name,
                    "text": text,
                    "begin": begin,
                    "n_samples": len(samples),
                }
            )
            begin += len(samples)
            vectors.append(found)
            names += [name] * len(found)
    if not vectors:
        raise DataUnusable(f"{videos}: every video is broken; see {out / 'broken.txt'}")
    np.savez(
        out / VECTORS, vectors=np.concatenate(vectors), concepts=np.array(names), split=np.full(len(names), "train")
    )
    return out / TABLE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--encoder", default="open_clip:ViT-B-32/openai")
    parser.add_argument("--leave-out-broken", action="store_true", help="list broken videos in broken.txt and go on")
    chosen = parser.parse_args()
    from models.encoders import encoder

    encode = encoder(chosen.encoder).pictures
    prepare_videos(chosen.videos, chosen.out, encode, leave_out_broken=chosen.leave_out_broken, report=print)


if __name__ == "__main__":
    main()
