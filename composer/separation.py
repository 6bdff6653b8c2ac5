"""Separating and remixing recordings: files in, files out, any length; what is asked for is found by a separator."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from composer.errors import ComposerError
from composer.files import UNFINISHED
from composer.outputs import make_room, output_paths, refuse_picture
from composer.sound_files import FLOATS, Blocks, SoundFile, SoundWriter, as_kept, described, read_blocks
from models.clipsep.level import GatedLevel
from models.clipsep.queries import refuse_unusable
from models.engines import Separator, SoundQuery, separator

if TYPE_CHECKING:
    from models.clipsep.plot import MaskPicture
    from models.clipsep.streaming import Part

RESIDUAL = "residual"
MAX_GAIN_DB = 24.0


@dataclass(frozen=True)
class Opened:
    """The recording was looked through and can be used."""

    duration_s: float
    sample_rate: int
    n_channels: int
    n_queries: int


@dataclass(frozen=True)
class Advanced:
    """That much is done."""

    done_s: float
    total_s: float


@dataclass(frozen=True)
class Separated:
    """The end: what was written, and how sure it is, 0 to 1, that each query's sound is in the recording."""

    outputs: dict[str, Path]
    confidence: dict[str, float]
    duration_s: float
    seconds_spent: float
    """Without looking the recording through and loading the net."""
    n_clipped: int
    """Samples beyond full scale that their file could not hold."""


Event = Opened | Advanced | Separated


def separate(
    audio: Path,
    queries: Sequence[SoundQuery],
    output: Path,
    *,
    keep_residual: bool = False,
    plot: Path | None = None,
    model: Path | None = None,
) -> Iterator[Event]:
    """Writes one file a query, and what is left when the residual is kept; yields what happens.

    With the residual, queries that claim the same sound share it, and all files sum to the recording: exactly where
    they are PCM, to float32's rounding where they are float. Raises ComposerError and ModelError.
    """
    refuse_unusable(queries)
    named = _named(queries)
    if keep_residual and RESIDUAL in named:
        raise ComposerError(f"a query is called {RESIDUAL!r}, as what is left; word it in another way")
    source, level_rms = look_through(audio)
    outputs = output_paths(source, [*named, RESIDUAL] if keep_residual else list(named), output)
    if plot is not None:
        refuse_picture(plot, audio, list(outputs.values()))

    def sounds(part: Part, subtypes: Sequence[str]) -> list[Blocks]:
        kept = [as_kept(sound, subtype) for sound, subtype in zip(part.parts, subtypes, strict=False)]
        return [*kept, part.mixture - np.sum(kept, axis=0, dtype=np.float64)] if keep_residual else kept

    job = _Job(source, level_rms, named, outputs, sounds, None, keep_residual)
    yield from _run(job, plot, model)


def remix(
    audio: Path, changes: Sequence[tuple[SoundQuery, float]], output: Path, *, model: Path | None = None
) -> Iterator[Event]:
    """Writes the recording with the level of each query's sound changed by its gain in dB; -inf takes it away.

    Queries that claim the same sound share it. With gains of 0 the recording comes back as it is.
    """
    refuse_unusable([query for query, _ in changes])
    named = _named([query for query, _ in changes])
    if len(named) < len(changes):
        raise ComposerError("a query was given twice; give each once, with one gain")
    source, level_rms = look_through(audio)
    outputs = output_paths(source, [f"{audio.stem} remix"], output)
    factors = np.array([[10.0 ** (gain / 20.0) - 1.0 for _, gain in changes]], np.float32)

    def sounds(part: Part, subtypes: Sequence[str]) -> list[Blocks]:
        return [part.mixture + part.parts[0]]

    yield from _run(_Job(source, level_rms, named, outputs, sounds, factors, True), None, model)


def gain_db(text: str) -> float:
    """A gain as people write it: "-12", "+3.5", "mute". Raises ComposerError."""
    said = text.strip().casefold().removesuffix("db").strip()
    if said in ("mute", "-inf"):
        return -math.inf
    try:
        found = float(said)
    except ValueError:
        found = math.nan
    if not found <= MAX_GAIN_DB:
        raise ComposerError(f"gain {text!r}: give a number of dB up to {MAX_GAIN_DB:g}, as -12, or mute")
    return found


def look_through(audio: Path) -> tuple[SoundFile, float]:
    """Reads a recording once: that all of it can be used, and its gated level. Raises AudioUnreadable."""
    import soundfile

    level, n_samples = None, 0
    for block in read_blocks(audio):
        if level is None:
            level = GatedLevel(soundfile.info(audio).samplerate)
        level.add(block)
        n_samples += block.shape[1]
    assert level is not None  # read_blocks refuses a file without samples
    return described(audio, n_samples), level.rms()


@dataclass(frozen=True)
class _Job:
    source: SoundFile
    level_rms: float
    queries: dict[str, SoundQuery]
    outputs: dict[str, Path]
    sounds: Callable[[Part, Sequence[str]], list[Blocks]]
    """What goes into each output, given how the outputs keep samples."""
    combine: NDArray[np.float32] | None
    share: bool


def _run(job: _Job, plot: Path | None, model: Path | None) -> Iterator[Event]:
    from models.clipsep.plot import MaskPicture
    from models.clipsep.streaming import Recording

    source = job.source
    recording = Recording(source.sample_rate, source.n_channels, source.n_samples)
    separation = _separator(model).begin(recording, list(job.queries.values()), level_rms=job.level_rms)
    picture = MaskPicture(recording.n_frames, list(job.queries))
    make_room(source, list(job.outputs.values()))
    begun_s = time.perf_counter()
    yield Opened(source.duration_s, source.sample_rate, source.n_channels, len(job.queries))
    n_clipped = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(SoundWriter(path, source)) for path in job.outputs.values()]
        subtypes = [writer.subtype for writer in writers]
        observers = [] if plot is None else [picture.observe]
        for part in separation.parts(source.blocks(), combine=job.combine, share=job.share, observers=observers):
            for sound, writer in zip(job.sounds(part, subtypes), writers, strict=True):
                writer.write(sound)
                n_clipped += int((np.abs(sound) > 1.0).sum()) if writer.subtype not in FLOATS else 0
            yield Advanced((part.begin + part.mixture.shape[1]) / source.sample_rate, source.duration_s)
        for writer in writers:
            writer.finish()
    if plot is not None:
        _save(picture, plot)
    confidence = dict(zip(job.queries, separation.confidences(), strict=True))
    yield Separated(job.outputs, confidence, source.duration_s, time.perf_counter() - begun_s, n_clipped)


def _separator(model: Path | None) -> Separator:
    if model is None:
        return separator("clipsep")
    from models.clipsep.separator import ClipSep

    return ClipSep(model)


def _save(picture: MaskPicture, path: Path) -> None:
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(unfinished)
        os.replace(unfinished, path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise ComposerError(f"{path}: cannot be written: {error.strerror or error}") from error


def _named(queries: Sequence[SoundQuery]) -> dict[str, SoundQuery]:
    """Queries by what people called them; the same query twice is one."""
    return {query.text.strip() or str(query.image): query for query in queries}
