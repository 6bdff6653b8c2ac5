"""Orders become clips: calls the engines, within a time limit; what an engine makes together is asked for together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from composer.cleaning import Cleaning, clean
from composer.orders import SOURCE_ENGINE, Order
from models.clip import BUNDLED, ORIGIN, Clip, read_clip
from models.engines import SoundQuery, Wanted, joint_engine, sound_engine, speech_engine
from models.errors import ModelError, SynthesisFailed


@dataclass(frozen=True)
class Made:
    """A clip, and what cleaning found where it was tried."""

    clip: Clip
    cleaning: Cleaning | None = None


MAX_TOGETHER = 16
"""Rows that an engine is asked for at once, at most: their clips are in memory together."""


def in_groups(orders: Sequence[Order]) -> list[list[Order]]:
    """Orders that one engine makes together stand together, the others alone; groups come as their first row does."""
    groups: list[list[Order]] = []
    open_groups: dict[tuple[str, str], list[Order]] = {}
    for order in orders:
        group = open_groups.get((order.kind, order.engine))
        if group is not None and len(group) < MAX_TOGETHER:
            group.append(order)
            continue
        groups.append([order])
        if is_joint(order):
            open_groups[order.kind, order.engine] = groups[-1]
    return groups


def is_joint(order: Order) -> bool:
    """Whether the order's engine makes many sounds together."""
    if order.kind == "speech" or order.engine == SOURCE_ENGINE:
        return False
    try:
        return joint_engine(order.kind, order.engine) is not None
    except ModelError:  # told when the order is made
        return False


def synthesize_all(orders: Sequence[Order], *, limit_s: float) -> list[Made | ModelError | OSError]:
    """The clips of a group of orders, or in their place why they cannot be made; whatever else an engine raises becomes
    SynthesisFailed with its name.

    An engine that does not answer within `limit_s` is left behind in its thread, which ends with the process.
    """
    made: list[list[Made | Exception]] = []
    raised: list[BaseException] = []
    engine = orders[0].engine

    def work() -> None:
        try:
            made.append(_make_all(orders))
        except BaseException as error:  # noqa: BLE001  (handed to the caller's thread)
            raised.append(error)

    thread = threading.Thread(target=work, name=f"engine-{engine}", daemon=True)
    thread.start()
    thread.join(limit_s)
    if raised:
        raise raised[0]
    if not made:
        late = SynthesisFailed(f"{engine} gave nothing within {limit_s:g} s; raise it with TALESCAPE_ROW_LIMIT_S")
        return [late] * len(orders)
    return [each if isinstance(each, Made) else _told(engine, each) for each in made[0]]


def _make_all(orders: Sequence[Order]) -> list[Made | Exception]:
    """Together where an engine does that; one by one where it does not, and where it fails with all at once."""
    if len(orders) > 1 and is_joint(orders[0]) and (found := _together(orders)) is not None:
        return found
    return [_attempt(order) for order in orders]


def _together(orders: Sequence[Order]) -> list[Made | Exception] | None:
    kind = orders[0].kind
    engine = None if kind == "speech" else joint_engine(kind, orders[0].engine)
    if engine is None:
        return None
    try:
        clips = engine.generate_all([Wanted(_query(order), order.duration_s, order.seed) for order in orders])
    except Exception:  # noqa: BLE001  (one row's fault, or too little memory for all: each is tried alone)
        return None
    return [Made(clip) if isinstance(clip, Clip) else clip for clip in clips]


def _attempt(order: Order) -> Made | Exception:
    try:
        return _make(order)
    except Exception as error:  # noqa: BLE001  (told with the row)
        return error


def _told(engine: str, error: Exception) -> ModelError | OSError:
    if isinstance(error, ModelError | OSError):
        return error
    told = SynthesisFailed(f"{engine} failed: {_without_secrets(f'{type(error).__name__}: {error}')}")
    told.__cause__ = error
    return told


def _without_secrets(text: str) -> str:
    """A foreign error's text, without the keys and tokens of the environment that it may quote."""
    for name, value in os.environ.items():
        if len(value) >= 8 and name.upper().endswith(("KEY", "TOKEN", "SECRET", "PASSWORD")):
            text = text.replace(value, "***")
    return text


def _make(order: Order) -> Made:
    clip = _clip(order)
    if order.cleaner is None or clip.credits.get(ORIGIN) == BUNDLED:
        return Made(clip)
    return Made(*clean(clip, order.text, mode=order.clean))


def _clip(order: Order) -> Clip:
    if order.engine == SOURCE_ENGINE and order.source is not None:
        clip = read_clip(order.source)
        n_wanted = clip.n_samples if order.duration_s is None else round(order.duration_s * clip.sample_rate)
        return replace(clip, samples=clip.samples[:, :n_wanted], credits={"source": order.source.name})
    maker: Callable[[Order], Clip] = _speak if order.kind == "speech" else _sound
    return maker(order)


def _speak(order: Order) -> Clip:
    return speech_engine(order.engine).speak(order.text, voice=order.voice or "", seed=order.seed)


def _sound(order: Order) -> Clip:
    if order.kind == "speech":
        raise AssertionError("speech is spoken")
    engine = sound_engine(order.kind, order.engine)
    return engine.generate(_query(order), duration_s=order.duration_s, seed=order.seed)


def _query(order: Order) -> SoundQuery:
    return SoundQuery(text=order.text, image=order.image, bed=order.bed)
