"""The index of sourced clips: texts, credits and sentence vectors of the bundled clips and of folders that users add.

A user's index lies in the folder that TALESCAPE_LIBRARY names, else in the user's data folder: `clips.json` with one
entry a file, and `vectors.npz`. The recordings stay where they are.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.clip import read_clip
from models.encoders.sentence import N_DIMENSIONS, sentence_vectors
from models.errors import AudioUnreadable, ModelError

BUNDLED = Path(__file__).parent / "clips"
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus"}
MAX_CLIP_S = 600.0
MAX_FILES = 100_000


@dataclass(frozen=True)
class SourcedClip:
    path: str
    text: str
    duration_s: float
    licence: str
    author: str
    link: str


Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class ClipIndex:
    """Clips, and the vectors of their phrases: `vectors` (n_phrases, 384) and the clip that owns each phrase."""

    clips: list[SourcedClip]
    vectors: Vectors
    owners: NDArray[np.int64]


def phrases(text: str) -> list[str]:
    """The ways to say what a clip is: the whole text and each part between commas."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return list(dict.fromkeys([text, *parts]))


def index_of(clips: list[SourcedClip]) -> ClipIndex:
    """Reads the texts of clips into vectors."""
    said = [(phrase, number) for number, clip in enumerate(clips) for phrase in phrases(clip.text)]
    vectors = sentence_vectors([phrase for phrase, _ in said])
    return ClipIndex(clips, vectors, np.array([number for _, number in said], np.int64))


def joined(first: ClipIndex, second: ClipIndex) -> ClipIndex:
    owners = np.concatenate([first.owners, second.owners + len(first.clips)])
    return ClipIndex(first.clips + second.clips, np.concatenate([first.vectors, second.vectors]), owners)


def user_folder() -> Path:
    """Where a user's own index is kept."""
    named = os.environ.get("TALESCAPE_LIBRARY")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "talescape" / "library"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "talescape" / "library"


def bundled_clips() -> ClipIndex:
    """The clips inside the package."""
    with np.load(BUNDLED / "vectors.npz") as stored:
        return ClipIndex(_bundled(), stored["vectors"].astype(np.float32), stored["owners"])


def _bundled() -> list[SourcedClip]:
    with (BUNDLED / "index.csv").open(newline="", encoding="utf-8") as file:
        return [
            SourcedClip(
                path=str(BUNDLED / row["file"]),
                text=row["text"],
                duration_s=float(row["duration_s"]),
                licence=row["licence"],
                author=row["author"],
                link=row["link"],
            )
            for row in csv.DictReader(file)
        ]


def user_clips() -> ClipIndex:
    """The clips that the user added. Raises ModelError when the index is damaged, saying how to mend it."""
    index, vectors = user_folder() / "clips.json", user_folder() / "vectors.npz"
    if not index.exists():
        return ClipIndex([], np.zeros((0, N_DIMENSIONS), np.float32), np.zeros(0, np.int64))
    mend = "delete it and add the folders again"
    try:
        clips = [SourcedClip(**entry) for entry in json.loads(index.read_text("utf-8"))]
        with np.load(vectors) as stored:
            found = ClipIndex(clips, stored["vectors"].astype(np.float32), stored["owners"])
    except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
        raise ModelError(f"{index.parent}: the library index is damaged ({error}); {mend}") from error
    if len(found.vectors) != len(found.owners) or set(found.owners.tolist()) != set(range(len(clips))):
        raise ModelError(f"{index.parent}: the library index does not agree with its vectors; {mend}")
    return found


def add_clips(folder: Path) -> tuple[int, list[str]]:
    """Indexes the recordings below a folder; what cannot be used is named with the reason.

    A clip's text is its file name without take numbers, or the `text` of its line in the folder's `library.csv` (file,
    text, licence, author, link). A folder that was added before is read anew; links to files count as files in it.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: is not a folder; name a folder of recordings")
    root = folder.resolve()
    told = _read_told(root)
    found: list[SourcedClip] = []
    refused: list[str] = []
    paths = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in SUFFIXES and not path.is_dir()]
    if len(paths) > MAX_FILES:
        raise ModelError(
            f"{folder}: holds {len(paths):,} recordings, at most {MAX_FILES:,} are indexed; add its subfolders"
        )
    if not paths:
        refused.append(f"{folder}: holds no recordings; {', '.join(sorted(SUFFIXES))} are read")
    for path in paths:
        if not path.is_file():
            refused.append(f"{path}: is a link to a file that is not there, or no file")
            continue
        try:
            clip = read_clip(path, max_duration_s=MAX_CLIP_S)
        except AudioUnreadable as error:
            refused.append(str(error))
            continue
        line = told.pop(path.relative_to(root).as_posix(), {})
        found.append(
            SourcedClip(
                path=str(path),
                text=line.get("text") or text_of_name(path.stem),
                duration_s=round(clip.duration_s, 3),
                licence=line.get("licence") or "as the user holds it",
                author=line.get("author") or "",
                link=line.get("link") or "",
            )
        )
    refused += [f"{root / 'library.csv'}: names {file!r}, which is not a recording here" for file in told]
    kept = [clip for clip in user_clips().clips if not Path(clip.path).is_relative_to(root)]
    _store(index_of(kept + found))
    return len(found), refused


def text_of_name(stem: str) -> str:
    """Words of a file name: `Door-Slam_02 (take 3)` -> "door slam"."""
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", stem)
    words = re.sub(r"\(.*?\)|\btake\b|[\d_\-.]+", " ", words)
    return " ".join(words.split()).casefold() or stem


def _read_told(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / "library.csv"
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return {
                row["file"]: {key: value or "" for key, value in row.items() if key} for row in csv.DictReader(file)
            }
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(
            f"{path}: cannot be read ({error}); its columns are file, text, licence, author, link"
        ) from error


def _store(index: ClipIndex) -> None:
    folder = user_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "vectors.npz.part").open("wb") as file:
        np.savez(file, vectors=index.vectors.astype(np.float16), owners=index.owners)
    entries = json.dumps([asdict(clip) for clip in index.clips], ensure_ascii=False, indent=1)
    (folder / "clips.json.part").write_text(entries, "utf-8")
    os.replace(folder / "vectors.npz.part", folder / "vectors.npz")
    os.replace(folder / "clips.json.part", folder / "clips.json")


if __name__ == "__main__":  # writes the vectors of the bundled clips anew; needed when index.csv changes
    bundled = index_of(_bundled())
    np.savez(BUNDLED / "vectors.npz", vectors=bundled.vectors.astype(np.float16), owners=bundled.owners)
