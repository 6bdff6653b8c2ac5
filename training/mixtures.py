"""Mixtures for training: first everything random is drawn, then it is applied.

Conventions: waves are float32 (B, S, n_samples) at 16 kHz; S sources, the first two of which have queries; the third,
where there is one, is noise inside the first that no query asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.clipsep.warp import HOP, N_BINS
from training.sounds import HOP as STEP
from training.sounds import Sound, by_concept

Floats = NDArray[np.float32]
LEVEL = 0.1
"""Equal levels: sources are brought to this RMS (-20 dBFS), then the drawn gain applies."""
EQ_BANDS = 6


class MixtureConfig(BaseModel):
    """How mixtures are drawn. The defaults are the paper's, apart from the batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(default=32, ge=1)
    n_frames: int = Field(default=256, ge=128, multiple_of=128)
    levels: Literal["natural", "equal"] = "natural"
    """natural: gains U(0.5, 1.5), clipped to [-1, 1], halved, as published; equal: clips at one level, then gain_db."""
    gain_db: float = Field(default=0.0, ge=0.0)
    """Equal levels: each source's gain is drawn from -gain_db to gain_db."""
    mixture_gain_db: tuple[float, float] = (0.0, 0.0)
    """Equal levels: gain of the whole mixture, drawn between these."""
    speed: float = Field(default=0.0, ge=0.0, lt=0.5)
    """Sources are played up to this share faster or slower."""
    eq_db: float = Field(default=0.0, ge=0.0)
    """Standard deviation of a smooth random equaliser on every source."""
    active_share: float = Field(default=0.0, ge=0.0, le=1.0)
    """This share of the crops holds a moment where the clip sounds; the others lie anywhere."""
    noise_share: float = Field(default=0.0, ge=0.0, le=1.0)
    """This share of the mixtures has a third sound, inside the first source, that no query asks for: a noisy video."""
    collection_weights: dict[str, float] = Field(default_factory=dict)
    """How often concepts of a collection are drawn, relative to 1."""

    @property
    def n_samples(self) -> int:
        return self.n_frames * HOP - 1


@dataclass(frozen=True)
class Plan:
    """Everything random of a batch: arrays (B, S), and (B, S, EQ_BANDS) for the equaliser."""

    sounds: NDArray[np.int64]
    place: Floats
    """0 to 1: where in the clip the crop lies."""
    moment: Floats
    """0 to 1: which sounding moment the crop must hold; negative where it may lie anywhere."""
    speed: Floats
    gain_db: Floats
    eq_db: Floats
    mixture_gain_db: Floats
    """(B,)"""
    queries: NDArray[np.int64]
    """(B, 3): seeds for the queries of both sources and for the absent one."""
    absent: list[str]
    """(B,) a concept that is in no source."""


class Mixer:
    """Draws and makes mixtures of a list of sounds."""

    def __init__(self, sounds: Sequence[Sound], config: MixtureConfig) -> None:
        self.sounds, self.config = sounds, config
        groups = by_concept(sounds)
        self.groups = list(groups.items())
        weights = np.array([config.collection_weights.get(group[0], 1.0) for group, _ in self.groups])
        self.weights = weights / weights.sum()
        self.concepts = sorted({concept for _, concept in groups})
        if len(self.concepts) < 4:
            raise ValueError(f"mixtures need at least 4 concepts, there are {len(self.concepts)}")

    def draw(self, random: np.random.Generator) -> Plan:
        """A batch's randomness: concepts differ within a mixture; the same generator state gives the same plan."""
        config, n_sources = self.config, 3 if self.config.noise_share else 2
        n_batch = config.batch_size
        chosen = np.zeros((n_batch, n_sources), np.int64)
        absent = []
        for mixture in chosen:
            taken: set[str] = set()
            for source in range(n_sources):
                mixture[source] = self._other(random, taken)
                taken.add(self.sounds[mixture[source]].concept)
            absent.append(self.sounds[self._other(random, taken)].concept)
        shape = (n_batch, n_sources)
        moment = random.random(shape, np.float32)
        moment = np.where(random.random(shape) < config.active_share, moment, -1.0).astype(np.float32)
        if config.levels == "equal":
            gain_db = random.uniform(-config.gain_db, config.gain_db, shape)
        else:
            gain_db = 20.0 * np.log10(random.uniform(0.5, 1.5, shape))
        if n_sources == 3:
            gain_db[random.random(n_batch) >= config.noise_share, 2] = -np.inf
        return Plan(
            sounds=chosen,
            place=random.random(shape, np.float32),
            moment=moment,
            speed=random.uniform(1.0 - config.speed, 1.0 + config.speed, shape).astype(np.float32),
            gain_db=gain_db.astype(np.float32),
            eq_db=(random.standard_normal((*shape, EQ_BANDS)) * config.eq_db).astype(np.float32),
            mixture_gain_db=random.uniform(*config.mixture_gain_db, n_batch).astype(np.float32),
            queries=random.integers(0, 2**31, (n_batch, 3)),
            absent=absent,
        )

    def _other(self, random: np.random.Generator, taken: set[str]) -> int:
        """A clip of a concept that is not taken: first the concept by weight, then the clip."""
        while True:
            (_, concept), places = self.groups[int(random.choice(len(self.groups), p=self.weights))]
            if concept not in taken:
                return int(places[int(random.integers(len(places)))])

    def waves(self, plan: Plan) -> Floats:
        """The sources of a plan, gains applied but not the equaliser: (B, S, n_samples)."""
        n_batch, n_sources = plan.sounds.shape
        waves = np.zeros((n_batch, n_sources, self.config.n_samples), np.float32)
        for b in range(n_batch):
            for s in range(n_sources):
                sound = self.sounds[plan.sounds[b, s]]
                wave = crop(sound, waves.shape[2], plan.place[b, s], plan.moment[b, s], plan.speed[b, s])
                gain = 10.0 ** (plan.gain_db[b, s] / 20.0)
                if self.config.levels == "equal":
                    waves[b, s] = wave * (gain * LEVEL / sound.rms)
                else:
                    waves[b, s] = np.clip(wave * gain, -1.0, 1.0) / 2.0
        return waves


def crop(sound: Sound, n_samples: int, place: float, moment: float, speed: float) -> Floats:
    """A stretch of a clip, float32 (n_samples,), resampled by `speed`; silence stands before and after the clip.

    `place` 0 to 1 slides the stretch; with a `moment` of 0 to 1 it is slid so that this sounding step is inside.
    """
    n_read = max(2, round(n_samples * speed))
    n_sound = len(sound.samples)
    if moment >= 0.0 and len(sound.active):
        step = int(sound.active[min(int(moment * len(sound.active)), len(sound.active) - 1)])
        start = step * STEP - round(place * max(0, n_read - STEP))
    else:
        start = round(place * (n_sound - n_read))
    if n_sound >= n_read:
        start = min(max(start, 0), n_sound - n_read)
    else:
        start = min(max(start, n_sound - n_read), 0)
    begin, end = max(start, 0), min(start + n_read, n_sound)
    read = np.zeros(n_read, np.float32)
    read[begin - start : end - start] = sound.samples[begin:end] * np.float32(1 / 32767)
    if n_read == n_samples:
        return read
    return np.interp(np.linspace(0, n_read - 1, n_samples), np.arange(n_read), read).astype(np.float32)


def eq_gains(eq_db: Floats) -> Floats:
    """Decibels of bands -> linear gains of bins: (.., EQ_BANDS) -> (.., 513), straight lines over log frequency."""
    octaves = np.log2(np.maximum(np.arange(N_BINS), 2.0)) - 1.0  # 31 Hz to 8 kHz: 0 to 8
    position = octaves / octaves[-1] * (EQ_BANDS - 1)
    below = np.minimum(position.astype(np.int64), EQ_BANDS - 2)
    share = (position - below).astype(np.float32)
    gains_db = eq_db[..., below] * (1.0 - share) + eq_db[..., below + 1] * share
    return np.asarray(10.0 ** (gains_db / 20.0), dtype=np.float32)


def concepts_of(mixer: Mixer, plan: Plan) -> list[tuple[str, ...]]:
    """The concepts of each mixture's sources."""
    return [tuple(mixer.sounds[place].concept for place in mixture) for mixture in plan.sounds]


QueryBank = Mapping[str, Floats]
"""Concept -> query vectors, (n, D)."""


def query_vectors(
    bank: QueryBank, concepts: Sequence[str], seeds: Sequence[int], n_mixed: tuple[int, int], noise: float
) -> Floats:
    """One query a concept, (n, D): the mean of some of its vectors, as many as n_mixed allows, with Gaussian noise."""
    queries = []
    for concept, seed in zip(concepts, seeds, strict=True):
        random = np.random.default_rng(seed)
        vectors = bank[concept]
        picks = random.integers(0, len(vectors), int(random.integers(n_mixed[0], n_mixed[1] + 1)))
        query = vectors[picks].mean(axis=0)
        queries.append(query + noise * random.standard_normal(query.shape).astype(np.float32))
    return np.stack(queries).astype(np.float32)
