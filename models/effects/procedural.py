"""Procedural: an effect engine that computes its sounds, with no recordings and no weights.

Conventions: 48 kHz stereo; the sounds are those of every `textures_*` and `events_*` module beside this one.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import ClassVar

import numpy as np

import models.effects
from models.clip import Clip, Samples
from models.effects import dsp
from models.effects.matching import Layer, Match, match
from models.effects.sounds import SAMPLE_RATE, Sound
from models.engines import Fit, SoundQuery
from models.errors import SynthesisFailed, WordsUnsupported

LEAST_SCORE = 0.2
"""Below this, generate refuses: what it could make is not what the words ask for."""
BED_S = 30.0
AMID_LINES_S = 8.0
"""A sound that never ends lasts at most this long when nobody says and it is no bed: in a story people wait for it."""
CORE_S = 300.0
"""Longer clips are made of a core this long that is looped by crossfading."""
JOINT_S = 3.0
LEAD_S = 2.0
"""Steady sounds are cut out after this much, so that rooms and filters are in full swing at sample 0."""
PEAK = 0.9
SETTING_GAIN = 0.5
SHORT_S = 0.3
LONGEST_S = 3600.0


@cache
def known_sounds() -> tuple[Sound, ...]:
    """Every sound of the texture and event modules in this package, sorted by name."""
    sounds: list[Sound] = []
    for module in pkgutil.iter_modules(models.effects.__path__, "models.effects."):
        if module.name.rsplit(".", 1)[-1].startswith(("textures_", "events_")):
            sounds += importlib.import_module(module.name).SOUNDS
    return tuple(sorted(sounds, key=lambda sound: sound.name))


def _matched(query: SoundQuery) -> Match:
    return match(query.text, known_sounds())


class Procedural:
    """Rain, fire, crowds, engines and other sounds that a few lines of arithmetic can make."""

    version: ClassVar[str] = "2"
    licence: ClassVar[str] = "Apache-2.0"

    def fit(self, query: SoundQuery) -> Fit:
        """How much of the words a known sound covers; pictures are not understood here."""
        found = _matched(query)
        if not found.layers:
            return Fit(0.0, "no procedural sound is named by these words")
        names = " and ".join(repr(layer.sound.name) for layer in found.layers)
        because = f"computes {names}"
        if found.missing:
            because += f" but not {', '.join(repr(word) for word in found.missing)}"
        return Fit(round(found.score, 3), because)

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        """The sound, peak at most 0.9. Raises WordsUnsupported for words that name none of our sounds."""
        found = _matched(query)
        if not found.layers or found.score < LEAST_SCORE:
            names = ", ".join(sound.name for sound in known_sounds())
            raise WordsUnsupported(f"procedural cannot make {query.text!r}; it can make: {names}")
        if duration_s is None:
            heard = [layer.sound for layer in found.layers if not layer.is_setting]
            natural_s = [min(each.natural_s, AMID_LINES_S) if each.steady else each.natural_s for each in heard]
            duration_s = BED_S if query.bed else max(natural_s)
        if not 0 < duration_s <= LONGEST_S:
            raise SynthesisFailed(
                f"{query.text!r}: duration {duration_s} s is not above 0 and at most {LONGEST_S:.0f} s"
            )
        steady = query.bed or any(layer.sound.steady for layer in found.layers)
        core_s = duration_s if duration_s <= CORE_S else CORE_S
        core = _mixed(found.layers, core_s, seed, bed=query.bed)
        samples = _finished(core, steady=steady)
        if duration_s > CORE_S:
            samples = _looped(samples, dsp.count(duration_s)) if steady else dsp.exactly(samples, duration_s)
        if steady:
            samples = dsp.fades(samples) if duration_s <= CORE_S else _ends_faded(samples)
        return Clip(np.ascontiguousarray(samples, dtype=np.float32), SAMPLE_RATE)


def _mixed(layers: tuple[Layer, ...], duration_s: float, seed: int, *, bed: bool) -> Samples:
    """All layers together; settings lie below the rest."""
    total = np.zeros((2, dsp.count(duration_s)), np.float32)
    for number, layer in enumerate(layers):
        rng = np.random.default_rng([abs(seed), number])
        if layer.sound.steady:
            made = layer.sound.make(duration_s + LEAD_S, rng, layer.words)[:, -total.shape[1] :]
        elif bed:
            made = _repeated(layer.sound, duration_s, rng, layer.words)
        else:
            made = _once(layer.sound, duration_s, rng, layer.words)
        if made.shape != total.shape or not np.isfinite(made).all():
            raise SynthesisFailed(f"sound {layer.sound.name!r} gave {made.shape} samples instead of {total.shape}")
        total += np.float32(SETTING_GAIN if layer.is_setting else 1.0) * made
    return total


def _once(sound: Sound, duration_s: float, rng: np.random.Generator, words: str) -> Samples:
    """An event; one shorter than SHORT_S starts where the sound does, lest it be all lead-in."""
    if duration_s >= SHORT_S:
        return sound.make(duration_s, rng, words)
    longer = sound.make(min(sound.natural_s, 1.0), rng, words)
    size = np.max(np.abs(longer), axis=0)
    first = max(0, int(np.argmax(size > 0.05 * size.max())) - dsp.count(0.002))
    return dsp.exactly(longer[:, first:], duration_s)


def _repeated(sound: Sound, duration_s: float, rng: np.random.Generator, words: str) -> Samples:
    """An event again and again at irregular intervals, each time a little different."""
    total = np.zeros((2, dsp.count(duration_s)), np.float32)
    start_s = -float(rng.uniform(0.0, 0.5)) * sound.natural_s
    while start_s < duration_s:
        once = sound.make(sound.natural_s, rng, words)
        dsp.place(total, once, dsp.count(start_s), float(10 ** (rng.uniform(-4.0, 0.0) / 20)))
        start_s += sound.natural_s * float(rng.uniform(0.9, 1.4)) + float(rng.exponential(0.25 * sound.natural_s))
    return total


def _finished(samples: Samples, *, steady: bool) -> Samples:
    """Without DC, at most PEAK, and without a step at either end."""
    clean = dsp.highpass(samples, 12.0, 1)
    peak = float(np.max(np.abs(clean))) if clean.size else 0.0
    if peak > PEAK:
        clean = clean * np.float32(PEAK / peak)
    return clean if steady else dsp.fades(clean, 0.0005, min(0.03, 0.1 * clean.shape[1] / SAMPLE_RATE))


def _looped(core: Samples, n: int) -> Samples:
    """The core again and again up to n samples, each joint an equal-power crossfade of JOINT_S."""
    n_joint = dsp.count(JOINT_S)
    angle = np.linspace(0, np.pi / 2, n_joint, dtype=np.float32)
    rising, falling = np.sin(angle), np.cos(angle)
    joint = core[:, -n_joint:] * falling + core[:, :n_joint] * rising
    joint *= np.float32(min(1.0, PEAK / max(float(np.max(np.abs(joint))), 1e-9)))
    turn = np.concatenate([joint, core[:, n_joint:-n_joint]], axis=1)
    out = np.empty((core.shape[0], n), np.float32)
    out[:, :n_joint] = core[:, :n_joint]
    out[:, n_joint : core.shape[1] - n_joint] = core[:, n_joint:-n_joint]
    start = core.shape[1] - n_joint
    while start < n:
        length = min(turn.shape[1], n - start)
        out[:, start : start + length] = turn[:, :length]
        start += length
    return out


def _ends_faded(samples: Samples) -> Samples:
    """Fades the two ends in place: a copy of an hour would cost 1.4 GB."""
    n = dsp.count(0.005)
    samples[:, :n] = dsp.fades(samples[:, :n], 0.005, 0.0)
    samples[:, -n:] = dsp.fades(samples[:, -n:], 0.0, 0.005)
    return samples
