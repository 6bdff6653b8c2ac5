"""Pictures by concept: reads a folder with its table (`training.gather_pictures` makes one) and turns it into vectors.

The table has the columns path, concept (empty when the thing makes no sound), label, words (separated by semicolons),
style, split (train or validate) and licence. Conventions: pictures are uint8 RGBA, (n, 64, 64, 4).

    python -m training.pictures FOLDER --out vectors.npz [--encoder bundled]

writes the vector of every picture that shows a sounding thing: vectors (n, dim) float32, concepts, split ('train' or
'test'), style and path, with the encoder's version. CLIPSep and CLIPSonic draw their training queries from it.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from models.encoders import Encoder, encoder
from models.encoders.pictures import open_picture, squared
from models.errors import ModelError

SIDE = 64


@dataclass(frozen=True)
class Row:
    """One picture of the table."""

    path: Path
    concept: str
    label: str
    words: tuple[str, ...]
    style: str
    split: str


def read_table(folder: Path) -> list[Row]:
    """The rows of FOLDER/pictures.csv. Raises ModelError that names the file, and the columns that it lacks."""
    table = folder / "pictures.csv"
    if not table.is_file():
        raise ModelError(f"{table}: is not there; make it with python -m training.gather_pictures")
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"path", "concept", "label", "words", "style", "split"} - set(reader.fieldnames or ())
        if missing:
            raise ModelError(f"{table}: lacks the columns {', '.join(sorted(missing))}")
        return [
            Row(
                path=folder / row["path"],
                concept=row["concept"],
                label=row["label"],
                words=tuple(word for word in row["words"].split(";") if word),
                style=row["style"],
                split=row["split"],
            )
            for row in reader
        ]


def read_pictures(rows: list[Row], cache: Path | None = None) -> NDArray[np.uint8]:
    """Every row's picture, (n, 64, 64, 4); with a cache file, read once only. A broken picture is an error."""
    paths = np.array([str(row.path) for row in rows])
    if cache is not None and cache.is_file():
        with np.load(cache) as stored:
            if np.array_equal(stored["paths"], paths):
                kept: NDArray[np.uint8] = stored["pictures"]
                return kept
    pictures = np.stack([np.asarray(squared(open_picture(row.path), SIDE).convert("RGBA")) for row in rows])
    if cache is not None:
        np.savez(cache, paths=paths, pictures=pictures)
    return pictures


def at_most(rows: list[Row], n_most: int) -> list[Row]:
    """The pictures of sounding things, at most so many of one thing and split, chosen by their names' checksums."""
    kept: Counter[tuple[str, str]] = Counter()
    chosen = []
    for row in sorted(rows, key=lambda row: crc32(row.path.name.encode())):
        if row.concept and kept[row.concept, row.split] < n_most:
            kept[row.concept, row.split] += 1
            chosen.append(row)
    return chosen


def concept_vectors(rows: list[Row], encode: Encoder) -> dict[str, NDArray[np.generic]]:
    """Vectors of the pictures that show a sounding thing, with what each is, ready for np.savez."""
    sounding = [row for row in rows if row.concept]
    return {
        "vectors": encode.pictures([row.path for row in sounding]),
        "concepts": np.array([row.concept for row in sounding]),
        "split": np.array(["train" if row.split == "train" else "test" for row in sounding]),
        "style": np.array([row.style for row in sounding]),
        "path": np.array([row.path.name for row in sounding]),
        "version": np.array(encode.version),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument("--most", type=int, default=120, help="pictures of one thing and split, at most")
    given = parser.parse_args()
    arrays = concept_vectors(at_most(read_table(given.folder), given.most), encoder(given.encoder))
    np.savez(given.out, **arrays)  # type: ignore[arg-type]
    print(f"{given.out}: {len(arrays['concepts'])} vectors of {len(set(arrays['concepts']))} things")


if __name__ == "__main__":
    main()
