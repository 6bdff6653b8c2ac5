"""Sonifying: words or a picture in, sound files out, by CLIPSonic."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composer.errors import ComposerError
from composer.outputs import make_room, output_paths
from composer.sound_files import SoundFile, SoundWriter
from models.engines import SoundQuery, sound_engine

if TYPE_CHECKING:
    from models.clip import Clip
    from models.clipsonic.engine import ClipSonic, Options

MAX_COUNT = 1_000
UNSURE = 0.35
"""Below this chance of being heard as what was asked, there is a warning."""


@dataclass(frozen=True)
class Asked:
    """The query was understood: the known sound that is nearest to it, and the chance that it will be heard."""

    confidence: float
    because: str

    @property
    def is_unsure(self) -> bool:
        return self.confidence < UNSURE


@dataclass(frozen=True)
class Made:
    """One sound was written."""

    path: Path
    seed: int
    duration_s: float
    number: int
    count: int


@dataclass(frozen=True)
class Sonified:
    """The end."""

    asked: Asked
    made: tuple[Made, ...]
    sample_rate: int
    bandwidth_hz: float
    """Nothing is heard above this frequency."""
    seconds_spent: float
    """Without loading the nets."""

    def as_json(self) -> dict[str, object]:
        return {
            "outputs": [str(each.path) for each in self.made],
            "seeds": [each.seed for each in self.made],
            "duration_s": [round(each.duration_s, 4) for each in self.made],
            "sample_rate": self.sample_rate,
            "bandwidth_hz": self.bandwidth_hz,
            "confidence": round(self.asked.confidence, 3),
            "because": self.asked.because,
        }


Event = Asked | Made | Sonified


def sonify(
    query: SoundQuery,
    output: Path,
    *,
    duration_s: float | None,
    seed: int,
    count: int = 1,
    options: Options | None = None,
    model: Path | None = None,
) -> Iterator[Event]:
    """Makes `count` sounds with the seeds from `seed` on, and yields what happens.

    `output` is a sound file's name, or a folder, in which files are named by the words or the picture. The same query,
    duration and seed give the same file. Raises ComposerError and ModelError.
    """
    from models.clipsonic.queries import refuse_unusable

    if not 1 <= count <= MAX_COUNT:
        raise ComposerError(f"{count} sounds cannot be made; give a count of 1 to {MAX_COUNT:,}")
    refuse_unusable(query, duration_s)
    engine = _engine(model)
    found = engine.likeness(query)
    asked = Asked(found.confidence, found.because) if found else Asked(0.0, engine.fit(query).because)
    yield asked
    seeds = range(seed, seed + count)
    said = query.text.strip() or (query.image.stem if query.image else "")
    names = [said] if count == 1 else [f"{said} {each}" for each in seeds]
    paths = list(output_paths(_like(0, engine.sample_rate, query), names, output).values())
    made: list[Made] = []
    begun_s = time.perf_counter()
    for number, (path, each) in enumerate(zip(paths, seeds, strict=True), 1):
        clip = engine.sonify(query, duration_s=duration_s, seed=each, options=options)
        if number == 1:
            make_room(_like(clip.n_samples * count, clip.sample_rate, query), paths[:1])
        _write(clip, path, query)
        made.append(Made(path, each, clip.duration_s, number, count))
        yield made[-1]
    yield Sonified(asked, tuple(made), engine.sample_rate, engine.bandwidth_hz, time.perf_counter() - begun_s)


def _engine(model: Path | None) -> ClipSonic:
    from models.clipsonic.engine import ClipSonic

    if model is not None:
        return ClipSonic(model)
    found = sound_engine("sound_effect", "clipsonic")
    assert isinstance(found, ClipSonic)
    return found


def _like(n_samples: int, sample_rate: int, query: SoundQuery) -> SoundFile:
    """A sound as the writers of files want to know it; they will not write over the picture of the query."""
    return SoundFile(query.image or Path(), sample_rate, 1, n_samples, "WAV", "FLOAT")


def _write(clip: Clip, path: Path, query: SoundQuery) -> None:
    with SoundWriter(path, _like(clip.n_samples, clip.sample_rate, query)) as writer:
        writer.write(clip.samples)
        writer.finish()
