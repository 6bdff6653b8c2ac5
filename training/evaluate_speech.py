"""Word error rate of a scene's speech: what an independent recogniser hears in each clip, against the row's words.

Run: `python -m training.evaluate_speech SCENE/manifest.json --whisper DIR` prints a Markdown table; DIR holds a Whisper
model for CTranslate2 (model.bin, config.json, tokenizer.json, vocabulary.txt), read by faster-whisper, of the extra
`judge`.
Conventions: errors are substitutions, deletions and insertions of words, after both sides are written alike
(training.plain_words); the rate of several rows is the sum of their errors over the sum of their words.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any, Protocol

import numpy as np

from models.clip import Clip, read_clip, resample, with_channels
from models.errors import EngineUnavailable, ModelError
from training.plain_words import plain_words

SAMPLE_RATE = 16_000
SILENCE_S = 0.2
"""Whisper hears the first and last words better with a little silence around them."""
WHISPER_FILES = ("model.bin", "config.json", "tokenizer.json")


class ManifestUnreadable(ModelError):
    """The manifest is not there, is not a scene's, or names a clip outside its folder."""


class Recogniser(Protocol):
    def hears(self, clip: Clip) -> str:
        """The words in the clip."""
        ...


@dataclass(frozen=True)
class Line:
    """One speech row of a manifest."""

    row: str
    character: str
    voice: str
    text: str
    clip: Path


@dataclass(frozen=True)
class Score:
    """What was heard in one row."""

    line: Line
    heard: str
    n_words: int
    n_errors: int

    @property
    def rate(self) -> float:
        return self.n_errors / self.n_words


class Whisper:
    """faster-whisper on the CPU in int8, without chance: temperature 0, beam of 5, English."""

    def __init__(self, folder: Path, *, n_threads: int = 1) -> None:
        for name in WHISPER_FILES:
            if not (folder / name).is_file():
                raise EngineUnavailable(
                    f"{folder / name}: is not there; put a Whisper model for CTranslate2 into one folder "
                    f"({', '.join(WHISPER_FILES)}) and name that folder"
                )
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise EngineUnavailable(
                f"the judge needs faster-whisper, which cannot be imported ({error}); pip install 'talescape[judge]'"
            ) from error
        self._model: Any = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=n_threads)

    def hears(self, clip: Clip) -> str:
        samples = resample(with_channels(clip, 1), SAMPLE_RATE).samples[0]
        n_silence = round(SILENCE_S * SAMPLE_RATE)
        segments, _ = self._model.transcribe(
            np.pad(samples, (n_silence, n_silence)),
            language="en",
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest substitutions, deletions and insertions that turn one list of words into the other (Levenshtein)."""
    before = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        row = [number]
        for column, other in enumerate(heard, 1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (word != other)))
        before = row
    return before[-1]


def speech_lines(manifest: Path) -> list[Line]:
    """The speech rows of a scene's manifest.json. Raises ManifestUnreadable."""
    try:
        content = json.loads(manifest.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestUnreadable(f"{manifest}: cannot be read as JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("rows"), list):
        raise ManifestUnreadable(f"{manifest}: has no list of rows; name the manifest.json of a rendered scene")
    folder = manifest.parent.resolve()
    lines = []
    for number, row in enumerate(content["rows"], 1):
        if not isinstance(row, dict) or row.get("type") != "speech":
            continue
        missing = [name for name in ("row", "description", "clip") if not isinstance(row.get(name), str)]
        if missing:
            raise ManifestUnreadable(f"{manifest}: speech row {number} has no {', '.join(missing)}")
        clip = (folder / row["clip"]).resolve()
        if not clip.is_relative_to(folder):
            raise ManifestUnreadable(f"{manifest}: row {row['row']} names {row['clip']}, which is outside the scene")
        lines.append(
            Line(row["row"], str(row.get("character") or ""), str(row.get("voice") or ""), row["description"], clip)
        )
    if not lines:
        raise ManifestUnreadable(f"{manifest}: has no speech rows")
    return lines


def evaluate(manifest: Path, recogniser: Recogniser) -> list[Score]:
    """Lets the recogniser listen to the clip of every speech row; rows without a word are left out."""
    scores = []
    for line in speech_lines(manifest):
        said = plain_words(line.text)
        if said:
            heard = recogniser.hears(read_clip(line.clip))
            scores.append(Score(line, heard, len(said), word_errors(said, plain_words(heard))))
    return scores


def table(scores: Sequence[Score]) -> str:
    """Markdown: one line a row, with what was heard where it differs, then the total."""
    lines = ["| row | character | voice | words | errors | rate | heard |", "|---|---|---|---|---|---|---|"]
    for score in scores:
        heard = score.heard.replace("|", "\\|").replace("\n", " ") if score.n_errors else ""
        cells = (score.line.row, score.line.character.replace("|", "\\|"), score.line.voice, score.n_words)
        lines.append(f"| {' | '.join(map(str, cells))} | {score.n_errors} | {score.rate:.3f} | {heard} |")
    n_errors, n_words = sum(score.n_errors for score in scores), sum(score.n_words for score in scores)
    rates = [score.rate for score in scores]
    lines += [
        "",
        f"Word error rate {n_errors / n_words:.4f} ({n_errors} errors / {n_words} words, {len(scores)} rows);",
    ]
    lines += [f"by row: mean {mean(rates):.4f}, median {median(rates):.4f}, worst {max(rates):.4f}."]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("manifest", type=Path, help="manifest.json of a rendered scene")
    parser.add_argument("--whisper", type=Path, required=True, help="folder of a Whisper model for CTranslate2")
    parser.add_argument("--threads", type=int, default=1, help="threads of the recogniser")
    given = parser.parse_args(arguments)
    try:
        scores = evaluate(given.manifest, Whisper(given.whisper, n_threads=given.threads))
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(scores) if scores else "no speech row holds a word")
    return 0


if __name__ == "__main__":
    sys.exit(main())
