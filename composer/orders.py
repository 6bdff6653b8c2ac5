"""Orders: for each row that sounds, the engine, voice, seed and fingerprint of the clip it needs. Makes no sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, cast

from composer.casting import Character, cast_voices
from composer.cleaning import cleaning_version
from composer.errors import ComposerError, SceneInvalid
from composer.faults import Fault
from composer.files import file_hash
from composer.scene import Scene
from composer.script import EffectRow, MusicRow, Script, SoundRow, SpeechRow
from composer.settings import CleanMode, Settings
from models.clip import probe_clip
from models.engines import (
    Fit,
    SoundQuery,
    engine_names,
    engine_readiness,
    sound_engine,
    speech_engine,
)
from models.errors import AudioUnreadable, ModelError, WordsUnsupported

SOURCE_ENGINE = "source"
SOURCE_VERSION = "1"
RECORDINGS_ENGINE = "library"
"""Its clips are recordings too, which may hold more than they should."""
POOR_FIT = 0.35
"""Below this chance of being heard as what was asked, the row gets a warning."""

LEAST_FIT = 0.2
"""Below this the row fails: what an engine could give would be another sound than the one that was asked for."""

N_NEAREST = 3
"""So many sounds that can be made are named where none serves."""

GOOD_FIT = 0.8
"""At or above this, engines further down the registry are not asked."""

SoundKind = Literal["music", "sound_effect"]


@dataclass(frozen=True)
class Order:
    """Everything that decides how one clip sounds."""

    row: str
    kind: Literal["speech", "music", "sound_effect"]
    engine: str
    engine_version: str
    text: str
    seed: int
    voice: str | None = None
    duration_s: float | None = None
    bed: bool = False
    image: Path | None = None
    source: Path | None = None
    because: str = ""
    clean: CleanMode = "never"
    cleaner: str | None = None
    """What cleans the recording, and how: part of the fingerprint; None where nothing does."""
    fingerprint: str = ""


@dataclass
class Orders:
    """The orders of a script, what is wrong with rows, and what was decided on the way."""

    orders: list[Order] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    cast: dict[str, str] = field(default_factory=dict)
    """Voices of characters that scene.toml does not know yet."""
    choices: dict[str, dict[str, object]] = field(default_factory=dict)


def make_orders(script: Script, settings: Settings, scene: Scene, *, forget: frozenset[str] = frozenset()) -> Orders:
    """Decides engine, voice and seed of every row; rows that cannot be made become faults, and have no order.

    `auto` stays with the engine that it once chose for the same words (the scene's choices), except for rows in
    `forget`.
    """
    made = Orders(choices=scene.read_choices())
    voices = _voices_of_rows(script, settings, made)
    for row in script.sounding():
        try:
            if isinstance(row, SpeechRow):
                order = _speech_order(row, settings, voices.get(row.row), made)
            else:
                order = _sound_order(row, settings, scene, made, forget=row.row in forget)
        except (ComposerError, ModelError) as error:
            made.faults.append(Fault(row.row, _column_of(row, error), str(error)))
            continue
        if order is not None:
            made.orders.append(_with_fingerprint(order))
    return made


def new_voices(script: Script, settings: Settings) -> dict[str, str]:
    """Voices for those characters of a script that the settings' cast does not have, as make_orders gives them."""
    made = Orders()
    _voices_of_rows(script, settings, made)
    return made.cast


def _column_of(row: SpeechRow | MusicRow | EffectRow, error: Exception) -> str:
    if isinstance(error, SceneInvalid | AudioUnreadable) and not isinstance(row, SpeechRow):
        return "source" if row.source else "image"
    return "engine" if isinstance(error, ModelError) and not isinstance(error, WordsUnsupported) else "description"


def row_seed(scene_seed: int, row: SpeechRow | MusicRow | EffectRow) -> int:
    """The row's own seed: new neighbours change nothing."""
    if row.seed is not None:
        return row.seed
    return int.from_bytes(hashlib.sha256(f"{scene_seed}/{row.row}".encode()).digest()[:6])


def _with_fingerprint(order: Order) -> Order:
    content = [
        order.engine,
        order.engine_version,
        order.voice,
        order.text,
        order.duration_s,
        order.bed,
        order.seed,
        file_hash(order.image) if order.image else None,
        file_hash(order.source) if order.source else None,
        *([order.cleaner] if order.cleaner else []),
    ]
    digest = hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()[:32]
    return Order(**{**order.__dict__, "fingerprint": digest})


# Speech


@dataclass(frozen=True)
class _Spoken:
    engine: str
    voice: str


def _voices_of_rows(script: Script, settings: Settings, made: Orders) -> dict[str, _Spoken]:
    """Engine and voice of every speech row that can be spoken; the others become faults."""
    engines: dict[str, str] = {}
    spoken = [row for row in script.rows if isinstance(row, SpeechRow)]
    for row in spoken:
        try:
            engines[row.row] = _speech_engine_of(row, settings)
        except ModelError as error:
            made.faults.append(Fault(row.row, "engine", str(error)))
        except _Unspeakable as error:
            made.faults.append(Fault(row.row, "description", str(error)))
    voices: dict[str, _Spoken] = {}
    all_voices = {name: {v.name for v in speech_engine(name).voices()} for name in dict.fromkeys(engines.values())}
    unknown = {
        character: voice
        for character, voice in settings.cast.items()
        if all_voices and not any(voice in names for names in all_voices.values())
    }
    for name in all_voices:
        rows = [row for row in spoken if engines.get(row.row) == name]
        cast = _cast(name, rows, script, settings, unknown, made)
        for row in rows:
            if row.voice is not None and row.voice not in all_voices[name]:
                there = ", ".join(sorted(all_voices[name]))
                made.faults.append(Fault(row.row, "voice", f"voice {row.voice!r} is unknown; {name} has: {there}"))
            elif row.voice is not None:
                voices[row.row] = _Spoken(name, row.voice)
            elif row.character in cast:
                voices[row.row] = _Spoken(name, cast[row.character])
    return voices


def _cast(
    engine: str,
    rows: Sequence[SpeechRow],
    script: Script,
    settings: Settings,
    unknown: Mapping[str, str],
    made: Orders,
) -> dict[str, str]:
    """Character -> voice for one engine. A cast voice that no engine here has is a fault of the character's rows."""
    voices = speech_engine(engine).voices()
    names = {voice.name for voice in voices}
    for row in rows:
        if row.character in unknown and row.voice is None:
            message = (
                f"{row.character!r} is cast as {unknown[row.character]!r} in scene.toml, which {engine} does not have; "
                f"there are: {', '.join(sorted(names))}"
            )
            made.faults.append(Fault(row.row, "character", message))
    wanted = [name for name in dict.fromkeys(row.character for row in rows if row.voice is None) if name not in unknown]
    known = {character: voice for character, voice in settings.cast.items() if voice in names}
    characters = [Character(name, _what_is_said_of(name, script, settings)) for name in wanted]
    cast = cast_voices(characters, voices, overrides=known, seed=settings.seed)
    made.cast.update({name: cast[name] for name in wanted if name not in settings.cast and name in cast})
    return cast


def _what_is_said_of(character: str, script: Script, settings: Settings) -> str:
    """The words that help casting: what the planner knows, and the notes on the character's rows."""
    notes = [row.note for row in script.rows if isinstance(row, SpeechRow) and row.character == character and row.note]
    return "; ".join([settings.about.get(character, ""), *dict.fromkeys(notes)]).strip("; ")[:2000]


class _Unspeakable(Exception):
    """No engine here can speak the row's words."""


def _speech_engine_of(row: SpeechRow, settings: Settings) -> str:
    wanted = row.engine or settings.engines.speech
    if wanted != "auto":
        refused = speech_engine(wanted).refuses(row.description)
        if refused:
            raise _Unspeakable(refused)
        return wanted
    refusals = []
    for name in _ready("speech"):
        refused = speech_engine(name).refuses(row.description)
        if not refused:
            return name
        refusals.append(refused)
    raise _Unspeakable("; ".join(refusals) or "no speech engine is ready; see: talescape engines")


def _speech_order(row: SpeechRow, settings: Settings, spoken: _Spoken | None, made: Orders) -> Order | None:
    if spoken is None:
        return None  # its fault is told already
    if row.duration != "auto":
        message = "speech takes as long as its words; the duration is not used, empty it or write auto"
        made.faults.append(Fault(row.row, "duration", message, "warning"))
    return Order(
        row=row.row,
        kind="speech",
        engine=spoken.engine,
        engine_version=speech_engine(spoken.engine).version,
        text=row.description,
        seed=row_seed(settings.seed, row),
        voice=spoken.voice,
        because=f"{row.character} is spoken by {spoken.voice}",
    )


# Music and effects


def _sound_order(row: SoundRow, settings: Settings, scene: Scene, made: Orders, *, forget: bool) -> Order:
    image = scene.own_file(row.image) if row.image else None
    source = scene.own_file(row.source) if row.source else None
    if source is not None:
        probe_clip(source)  # a header that lies is told before its gigabytes are hashed
    bed = row.layout == "background"
    query = SoundQuery(text=row.description, image=image, bed=bed)
    clean: CleanMode = "never"
    if source:
        engine, version, because = SOURCE_ENGINE, SOURCE_VERSION, f"the row names the recording {row.source}"
    else:
        engine, because = _sound_engine_of(row, query, settings, made, forget=forget)
        version = sound_engine(row.type, engine).version
    if source or engine == RECORDINGS_ENGINE:
        clean = settings.clean
    return Order(
        row=row.row,
        kind=row.type,
        engine=engine,
        engine_version=version,
        text=row.description,
        seed=row_seed(settings.seed, row),
        duration_s=None if row.duration == "auto" else row.duration,
        bed=bed,
        image=image,
        source=source,
        because=because,
        clean=clean,
        cleaner=cleaning_version(clean, row.description),
    )


def _sound_engine_of(
    row: SoundRow, query: SoundQuery, settings: Settings, made: Orders, *, forget: bool
) -> tuple[str, str]:
    wanted = row.engine or (settings.engines.music if isinstance(row, MusicRow) else settings.engines.sound_effect)
    if wanted != "auto":
        sound_engine(row.type, wanted)  # raises when it is unknown or not ready
        return wanted, "named by the row" if row.engine else "named in scene.toml"
    key = hashlib.sha256(json.dumps([row.type, query.text, query.bed, row.image]).encode()).hexdigest()[:16]
    known = made.choices.get(key)
    if known is None or forget or known.get("engine") not in engine_names(row.type):
        engine, fit = choose_engine(row.type, query)
        known = {"engine": engine, "score": round(fit.score, 3), "because": fit.because}
        made.choices[key] = known
    score = cast(float, known["score"])
    if score < POOR_FIT:
        message = f"{known['engine']} serves this poorly ({known['because']}); describe it differently or give a source"
        made.faults.append(Fault(row.row, "description", message, "warning"))
    return str(known["engine"]), f"auto, score {score:.2f}: {known['because']}"


def choose_engine(kind: SoundKind, query: SoundQuery) -> tuple[str, Fit]:
    """The ready engine that serves the query best; the first in the registry that serves it well ends the search."""
    fits: list[tuple[str, Fit]] = []
    for name in _ready(kind):
        fits.append((name, sound_engine(kind, name).fit(query)))
        if fits[-1][1].score >= GOOD_FIT:
            break
    served = [(name, fit) for name, fit in fits if fit.score >= LEAST_FIT]
    if not served:
        raise WordsUnsupported(_unserved(kind, query, fits))
    return max(served, key=lambda choice: choice[1].score)


def _unserved(kind: SoundKind, query: SoundQuery, fits: Sequence[tuple[str, Fit]]) -> str:
    """Why a row cannot be made, and what could be instead."""
    from models.effects.nearest import nearest_sounds

    reasons = "; ".join(f"{name}: {fit.because}" for name, fit in fits) or "none is ready"
    names = nearest_sounds(query.text, N_NEAREST) if kind == "sound_effect" and fits else []
    hint = f"nearest that can be made: {', '.join(map(repr, names))}; " if names else ""
    return f"no engine can make {query.text[:80]!r} ({reasons}); {hint}describe it differently or give a source"


def _ready(kind: Literal["speech", "music", "sound_effect"]) -> Iterator[str]:
    """The engines that can work now, in the registry's order; each is asked when its turn comes, since asking costs."""
    return (name for name in engine_names(kind) if _is_ready(kind, name))


@cache
def _is_ready(kind: Literal["speech", "music", "sound_effect"], name: str) -> bool:
    return engine_readiness(kind, name).ready
