"""Toy engines: real sound in microseconds, so that tests walk the whole path. They count what they make."""

from __future__ import annotations

import errno
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from models.clip import Clip
from models.engines import Fit, SoundQuery, Voice
from models.errors import SynthesisFailed, VoiceUnknown

VOICES = (
    Voice("ann", "female", "American", "adult", 200.0, 0.9),
    Voice("bob", "male", "American", "adult", 110.0, 0.9),
    Voice("cy", "male", "British", "old", 90.0, 0.8),
)
made: list[str] = []
"""What the toys were asked for since the test began."""


def note(text: str) -> None:
    """Counts what was asked for: here, and across processes in the file that TOY_LOG names; takes TOY_DELAY_S."""
    made.append(text)
    if "TOY_LOG" in os.environ:
        with open(os.environ["TOY_LOG"], "a") as file:
            file.write(text.replace("\n", " ") + "\n")
    time.sleep(float(os.environ.get("TOY_DELAY_S", "0")))  # after the count: a kill in between is work begun


def noted() -> list[str]:
    return Path(os.environ["TOY_LOG"]).read_text().splitlines()


def tone(duration_s: float, frequency_hz: float, sample_rate: int, level: float = 0.2) -> Clip:
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    samples = (level * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)
    return Clip(samples[np.newaxis], sample_rate)


class ToySpeech:
    """A tone of 0.06 s a character; CRASH raises, LEAK tells a key, HANG sleeps, NAN and SILENCE give broken clips, DIE
    kills the process, ONCE kills it the first time, FULL fills the disk."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "test"

    def voices(self) -> tuple[Voice, ...]:
        return VOICES

    def refuses(self, text: str) -> str | None:
        return "the toy speaks ASCII only" if not text.isascii() else None

    def speak(self, text: str, *, voice: str, seed: int) -> Clip:
        names = {v.name: v for v in VOICES}
        if voice not in names:
            raise VoiceUnknown(f"voice {voice!r} is unknown; the toy has: {', '.join(names)}")
        note(text)
        if "DIE" in text or ("ONCE" in text and noted().count(text) == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if "FULL" in text:
            raise OSError(errno.ENOSPC, "No space left on device")
        clip = tone(0.2 + 0.06 * len(text), names[voice].pitch_hz, 24_000)
        if "CRASH" in text:
            raise ZeroDivisionError("the toy crashed")
        if "LEAK" in text:
            raise RuntimeError(f"the server refused {os.environ['OPENAI_API_KEY']}")
        if "HANG" in text:
            time.sleep(2)
        if "NAN" in text:
            clip.samples[0, 5] = np.nan
        if "SILENCE" in text:
            clip.samples[:] = 0
        return clip


class ToySounds:
    """A tone whose pitch is its seed's."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "test"

    def fit(self, query: SoundQuery) -> Fit:
        return Fit(0.0 if "unheard-of" in query.text else 0.5, "is a toy")

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        note(query.text)
        if "CRASH" in query.text:
            raise SynthesisFailed("the toy cannot make this")
        return tone(duration_s or (3.0 if query.bed else 1.0), 300 + seed % 1000, 48_000)


@dataclass(frozen=True)
class Toys:
    """Toy engines for a program that runs on its own: its environment, and the settings that choose them."""

    variables: dict[str, str]
    settings: dict[str, object]


def installed_toys(folder: Path) -> Toys:
    """The toys as a third party's package, found through its entry points."""
    information = folder / "toys-1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1\n")
    points = {"speech": "ToySpeech", "music": "ToySounds", "sound_effect": "ToySounds"}
    (information / "entry_points.txt").write_text(
        "".join(f"[talescape.{kind}]\ntoy-{kind} = toys:{name}\n" for kind, name in points.items())
    )
    house = Path(__file__).parent.parent
    path = os.pathsep.join(str(place) for place in (folder, house / "tests", house))
    variables = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return Toys(variables, {"title": "Toys", "engines": {kind: f"toy-{kind}" for kind in points}})
