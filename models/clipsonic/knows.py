"""What a CLIPSonic checkpoint knows well: concepts with how often its sounds of them were heard as such.

The table `knows.csv` beside the weights is measured by the judge of the evaluation: concept, says (other words for it,
parted by |), top5 (share of its generated clips that the judge counts as the concept within its five best guesses),
count (how many clips that was measured on), and the same of the engine that would serve these words otherwise,
others_top5 and others_count; a count of 0 there says that no other engine does.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.encoders import Encoder, unit
from models.encoders.sentence import sentence_vectors
from models.errors import CheckpointUnusable

FILE = "knows.csv"
COLUMNS = ("concept", "says", "top5", "count", "others_top5", "others_count")
COSINE_OF_NOTHING, COSINE_OF_SAME = 0.45, 0.80
"""Of sentences: unrelated descriptions of sounds reach about 0.4, paraphrases 0.8 (as the library engine has it)."""
BEST, NOT_BEST = 0.95, 0.36
"""Other engines score at most 0.9; one that serves this sound better must win even when its words fit only half."""
MOSTLY = 0.5
DISTINCT_OF_NOTHING, DISTINCT_OF_SAME = 2.5, 4.5
"""Of pictures: how many standard deviations the nearest concept lies above the mean of all concepts."""
LEAST_OF_PICTURES = 0.25
"""No other engine sees, and a picture is given by hand: it is served, and where this is all, the table is warned."""


@dataclass(frozen=True)
class Known:
    """A concept and how well it is known."""

    concept: str
    says: tuple[str, ...]
    top5: float
    count: int
    others_top5: float = 0.0
    others_count: int = 0

    @property
    def chance(self) -> float:
        """The chance that a clip is heard as the concept, as far as `count` clips can tell."""
        return _chance(self.top5, self.count)

    @property
    def is_best(self) -> bool:
        """Whether it was heard as the concept more often than what the other engines make, and mostly."""
        others = _chance(self.others_top5, self.others_count) if self.others_count else 0.0
        return self.chance > max(others, MOSTLY)

    @property
    def score(self) -> float:
        """0 where it is mostly heard as something else: then no sound is better. The chance where no other engine
        serves; above the others' scores where this one is measured better, below those that they have for words that
        fit them where it is not."""
        if self.is_best:
            return max(self.chance, BEST) if self.others_count else self.chance
        return min(self.chance, NOT_BEST) if self.chance > MOSTLY else 0.0


@dataclass(frozen=True)
class Likeness:
    """The known concept nearest to a query, and how like it is, 0 to 1."""

    known: Known
    likeness: float
    least: float = 0.0
    """What the score does not fall below."""

    @property
    def confidence(self) -> float:
        """The chance that the sound is heard as what was asked for."""
        return self.likeness * self.known.chance

    @property
    def score(self) -> float:
        """What `auto` goes by, beside the other engines' scores."""
        return max(self.least, self.likeness * self.known.score)

    @property
    def because(self) -> str:
        known = self.known
        told = (
            f"its nearest known sound is {known.concept!r} (likeness {self.likeness:.2f}), "
            f"heard as such in {known.top5:.0%} of {known.count} clips"
        )
        return f"{told}, other engines' in {known.others_top5:.0%}" if known.others_count else told


def read_knows(path: Path) -> list[Known]:
    """The table, in its order. Raises CheckpointUnusable with the line that is wrong; [] when there is no file."""
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CheckpointUnusable(f"{path}: has the columns {reader.fieldnames}; they must be {list(COLUMNS)}")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CheckpointUnusable(f"{path}: cannot be read: {error}") from error
    known = []
    for number, row in enumerate(rows, 2):
        try:
            says = tuple(part.strip() for part in row["says"].split("|") if part.strip())
            measured = float(row["top5"]), int(row["count"]), float(row["others_top5"]), int(row["others_count"])
            each = Known(row["concept"], says, *measured)
        except (TypeError, ValueError, AttributeError) as error:
            raise CheckpointUnusable(f"{path}, line {number}: {error}") from error
        if not each.concept or not 0.0 <= each.top5 <= 1.0 or each.count < 1:
            raise CheckpointUnusable(f"{path}, line {number}: needs a concept, top5 from 0 to 1 and a count above 0")
        if not 0.0 <= each.others_top5 <= 1.0 or each.others_count < 0:
            raise CheckpointUnusable(f"{path}, line {number}: others_top5 must be 0 to 1, others_count at least 0")
        known.append(each)
    return known


def write_knows(known: Sequence[Known], path: Path) -> None:
    """Writes the table, best known first."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in sorted(known, key=lambda each: (-each.top5, each.concept)):
            others = [f"{each.others_top5:.3f}", each.others_count]
            writer.writerow([each.concept, " | ".join(each.says), f"{each.top5:.3f}", each.count, *others])
    os.replace(unfinished, path)


class Knows:
    """The table with its words as vectors, ready to be asked."""

    def __init__(self, known: Sequence[Known]) -> None:
        self.known = list(known)
        phrases = [(phrase, place) for place, each in enumerate(known) for phrase in (each.concept, *each.says)]
        self._phrases = [phrase for phrase, _ in phrases]
        self._owners = np.array([place for _, place in phrases], np.int64)
        self._sentences: NDArray[np.float32] | None = None
        self._seen: NDArray[np.float32] | None = None

    def of_words(self, words: str) -> Likeness | None:
        """The concept whose words are nearest to these; None when nothing is known."""
        if not self.known:
            return None
        if self._sentences is None:
            self._sentences = sentence_vectors(self._phrases)
        cosines = self._sentences @ sentence_vectors([words])[0]
        best = int(np.argmax(cosines))
        return Likeness(self.known[self._owners[best]], _share(float(cosines[best]), COSINE_OF_NOTHING, COSINE_OF_SAME))

    def of_picture(self, path: Path, encode: Encoder) -> Likeness | None:
        """The concept that a picture shows, by how far it stands out; None when fewer than three are known.

        Raises PictureUnreadable.
        """
        if len(self.known) < 3:
            return None
        if self._seen is None:
            vectors = unit(encode.texts(self._phrases))
            means = [vectors[self._owners == place].mean(axis=0) for place in range(len(self.known))]
            self._seen = unit(np.stack(means))
        cosines = self._seen @ unit(encode.pictures([path]))[0]
        best = int(np.argmax(cosines))
        distinct = float((cosines[best] - cosines.mean()) / max(float(cosines.std()), 1e-6))
        return Likeness(self.known[best], _share(distinct, DISTINCT_OF_NOTHING, DISTINCT_OF_SAME), LEAST_OF_PICTURES)


def _chance(share: float, count: int) -> float:
    """One more hit and one more miss than were seen (Laplace), so that few clips promise little."""
    return (share * count + 1.0) / (count + 2.0)


def _share(value: float, nothing: float, same: float) -> float:
    return float(np.clip((value - nothing) / (same - nothing), 0.0, 1.0))
