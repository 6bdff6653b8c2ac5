"""Engine protocols and the registry: a name becomes an engine here and nowhere else."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, cast

from models.clip import Clip
from models.errors import EngineUnavailable, EngineUnknown, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from models.clipsep.streaming import Blocks, Observer, Part, Recording

Kind = Literal["speech", "music", "sound_effect", "separator"]


@dataclass(frozen=True)
class SoundQuery:
    """What should be heard: words, or a picture, or both."""

    text: str
    image: Path | None = None
    bed: bool = False
    """True for a background that the timeline will loop: give steady material, not one event."""


@dataclass(frozen=True)
class Wanted:
    """One sound of many that an engine is asked for together."""

    query: SoundQuery
    duration_s: float | None
    seed: int


@dataclass(frozen=True)
class Fit:
    """How well an engine can serve a query.

    `score` estimates the chance, 0 to 1, that a listener hears what the words ask for; `because` says why
    in one clause for the manifest ("knows 'rain' as a texture").
    """

    score: float
    because: str


@dataclass(frozen=True)
class Voice:
    """One voice of a speech engine, with what casting needs to know."""

    name: str
    gender: Literal["female", "male", "neutral"]
    accent: str
    age: Literal["child", "young", "adult", "old"]
    pitch_hz: float
    quality: float
    """0 to 1: how clean it sounds; casting prefers the better of two that suit."""


class SpeechEngine(Protocol):
    version: ClassVar[str]
    licence: ClassVar[str]

    def voices(self) -> Sequence[Voice]:
        """The voices there are, without loading weights."""
        ...

    def refuses(self, text: str) -> str | None:
        """Why this text cannot be spoken, or None. Cheap: check calls it on every row."""
        ...

    def speak(self, text: str, *, voice: str, seed: int) -> Clip:
        """The words as sound. Raises VoiceUnknown (naming those there are) or WordsUnsupported."""
        ...


class SoundEngine(Protocol):
    """Effects and music alike."""

    version: ClassVar[str]
    licence: ClassVar[str]

    def fit(self, query: SoundQuery) -> Fit:
        """How well the query can be served. Cheap after the first call."""
        ...

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        """A clip; `duration_s` None means what the engine finds natural, otherwise exactly that long.

        The same query, duration and seed give the same samples.
        """
        ...


class JointEngine(SoundEngine, Protocol):
    """A sound engine that makes many sounds faster together than one by one."""

    def generate_all(self, wanted: Sequence[Wanted]) -> list[Clip | ModelError]:
        """The samples that `generate` gives for each, or in their place what it would raise."""
        ...


class Separation(Protocol):
    """One recording under way: its blocks go through once."""

    def parts(
        self,
        blocks: Iterable[Blocks],
        *,
        combine: NDArray[np.float32] | None = None,
        share: bool = False,
        observers: Sequence[Observer] = (),
    ) -> Iterator[Part]:
        """Stretches of the recording with each query's sound, in order; see models.clipsep.streaming."""
        ...

    def confidences(self) -> list[float]:
        """How sure it is, 0 to 1, that each query's sound is in what has gone through so far."""
        ...


class Separator(Protocol):
    version: ClassVar[str]
    licence: ClassVar[str]

    def separate(self, mixture: Clip, query: str) -> Clip:
        """The sound that the words name, as long, with the same rate and channels. Raises QueryUnusable."""
        ...

    def begin(self, recording: Recording, queries: Sequence[SoundQuery], *, level_rms: float) -> Separation:
        """A separation of a recording of any length, in blocks. Raises QueryUnusable."""
        ...


@dataclass(frozen=True)
class Readiness:
    """Whether an engine can work now, and what it lacks and how to get it when it cannot."""

    ready: bool
    needs: str = ""


# An engine module's class may define `readiness() -> Readiness` as a static method; without it, it is ready.
REGISTRY: dict[Kind, dict[str, str]] = {
    "speech": {
        "kokoro": "models.speech.kokoro:Kokoro",
        "openai-tts": "models.speech.openai_tts:OpenAITts",
        "bark": "models.speech.bark:Bark",
    },
    "music": {
        "composed": "models.music.composed:Composed",
        "musicgen": "models.music.musicgen:MusicGen",
    },
    "sound_effect": {
        "procedural": "models.effects.procedural:Procedural",
        "library": "models.effects.library:Library",
        "clipsonic": "models.clipsonic.engine:ClipSonic",
        "audioldm2": "models.effects.audioldm2:AudioLdm2",
        "stable-audio": "models.effects.stable_audio:StableAudio",
    },
    "separator": {
        "clipsep": "models.clipsep.separator:ClipSep",
    },
}


def engine_names(kind: Kind) -> list[str]:
    """Every engine of a kind, ours first, then those of third parties (entry points `talescape.<kind>`)."""
    ours = list(REGISTRY[kind])
    return ours + [point.name for point in entry_points(group=f"talescape.{kind}") if point.name not in ours]


def _engine_class(kind: Kind, name: str) -> type:
    target = REGISTRY[kind].get(name)
    if target is None:
        for point in entry_points(group=f"talescape.{kind}"):
            if point.name == name:
                return cast(type, point.load())
        raise EngineUnknown(f"no {kind} engine is called {name!r}; there are: {', '.join(engine_names(kind))}")
    module_name, class_name = target.split(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise EngineUnavailable(f"engine {name!r} cannot be imported: {error}") from error
    return cast(type, getattr(module, class_name))


def engine_readiness(kind: Kind, name: str) -> Readiness:
    """Whether the engine can work now. Never raises for a known engine."""
    try:
        engine_class = _engine_class(kind, name)
        probe = getattr(engine_class, "readiness", None)
        return cast(Readiness, probe()) if probe else Readiness(True)
    except EngineUnknown:
        raise
    except (ModelError, ImportError, OSError) as error:
        return Readiness(False, str(error))


@cache
def speech_engine(name: str) -> SpeechEngine:
    """The one instance of a speech engine; its weights load when it first speaks."""
    return cast(SpeechEngine, _ready_class("speech", name)())


@cache
def sound_engine(kind: Literal["music", "sound_effect"], name: str) -> SoundEngine:
    """The one instance of a music or effect engine; its weights load when it first generates."""
    return cast(SoundEngine, _ready_class(kind, name)())


def joint_engine(kind: Literal["music", "sound_effect"], name: str) -> JointEngine | None:
    """The sound engine of that name where it makes many sounds together, else None. Raises as sound_engine does."""
    engine = sound_engine(kind, name)
    return cast(JointEngine, engine) if hasattr(engine, "generate_all") else None


@cache
def separator(name: str) -> Separator:
    """The one instance of a separator; its weights load at its first query."""
    return cast(Separator, _ready_class("separator", name)())


def _ready_class(kind: Kind, name: str) -> type:
    readiness = engine_readiness(kind, name)
    if not readiness.ready:
        raise EngineUnavailable(f"engine {name!r} is not ready: {readiness.needs}")
    return _engine_class(kind, name)
