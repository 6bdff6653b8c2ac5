"""One order becomes one clip: calls the engine, within a time limit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from composer.cleaning import Cleaning, clean
from composer.orders import SOURCE_ENGINE, Order
from models.clip import BUNDLED, ORIGIN, Clip, read_clip
from models.engines import SoundQuery, sound_engine, speech_engine
from models.errors import ModelError, SynthesisFailed


@dataclass(frozen=True)
class Made:
    """A clip, and what cleaning found where it was tried."""

    clip: Clip
    cleaning: Cleaning | None = None


def synthesize(order: Order, *, limit_s: float) -> Made:
    """The clip of an order. Raises ModelError; whatever an engine raises becomes SynthesisFailed with its name.

    An engine that does not answer within `limit_s` is left behind in its thread, which ends with the process.
    """
    made: list[Made] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            made.append(_make(order))
        except BaseException as error:  # noqa: BLE001  (handed to the caller's thread)
            raised.append(error)

    thread = threading.Thread(target=work, name=f"engine-{order.engine}", daemon=True)
    thread.start()
    thread.join(limit_s)
    if made:
        return made[0]
    if not raised:
        raise SynthesisFailed(f"{order.engine} gave nothing within {limit_s:g} s; raise it with TALESCAPE_ROW_LIMIT_S")
    error = raised[0]
    if isinstance(error, ModelError | OSError):
        raise error
    if isinstance(error, Exception):
        raise SynthesisFailed(
            f"{order.engine} failed: {_without_secrets(f'{type(error).__name__}: {error}')}"
        ) from error
    raise error


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
    query = SoundQuery(text=order.text, image=order.image, bed=order.bed)
    return sound_engine(order.kind, order.engine).generate(query, duration_s=order.duration_s, seed=order.seed)
