"""Log mels for diffusion: clips -> stored mels -> windows cropped to what sounds, with how much each frame counts.

First everything random is drawn, then it is applied. Most clips are shorter than the window or hold silence, which
would rule the loss: textures are looped to fill the window, events are followed by rest, and rest counts little.
Conventions: mels are natural log magnitudes (models/vocoder/mel.py), (B, n_mels, n_frames); weights (B, n_frames).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.vocoder.mel import FLOOR, MelScale, log_mel
from training.mixtures import LEVEL
from training.sounds import HOP as STEP
from training.sounds import SAMPLE_RATE, DataUnusable, Sound, by_concept

Floats = NDArray[np.float32]
SILENCE = float(np.log(FLOOR))
LEAD_STEPS, TAIL_STEPS = 1, 5
"""Steps of 0.1 s before and after a sounding one that count as sound: its attack, and its tail below -30 dB."""
STEADY_S = 2.0
"""A texture sounds for at least this long, with its thirds at about one level."""
STEADY_SHARE, STEADY_DB = 0.9, 6.0
JOINT_S = 0.1
"""Where a looped texture begins anew, its ends are faded into each other for this long."""
EQ_BANDS = 6


class WindowsConfig(BaseModel):
    """How windows are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(default=32, ge=1)
    levels: Literal["natural", "equal"] = "natural"
    """equal: what sounds of each clip is brought to -20 dBFS."""
    gain_db: float = Field(default=0.0, ge=0)
    """Each window's gain is drawn from -gain_db to gain_db."""
    eq_db: float = Field(default=0.0, ge=0)
    """Standard deviation of a smooth random equaliser on every window."""
    floor: float = SILENCE
    """Log magnitudes below this are raised to it: what nobody hears need not be learned."""
    rest_weight: float = Field(default=1.0, ge=0, le=1)
    """How much a frame in which nothing sounds counts in the loss, against 1; 0 masks it."""
    loop_textures: bool = False
    """A steady clip that is shorter than the window begins anew; otherwise rest follows, as after an event."""
    onset_share: float = Field(default=0.0, ge=0, le=1)
    """This share of the windows begins where the clip does; the others hold a sounding moment anywhere."""
    collection_weights: dict[str, float] = Field(default_factory=dict)
    """How often concepts of a collection are drawn, relative to 1."""
    clip_power: float = Field(default=0.0, ge=0, le=1)
    """0 draws all concepts of a collection evenly, 1 all clips; between, more from concepts of many clips."""


@dataclass(frozen=True)
class MelStore:
    """The mels of a list of sounds in one array, float16 (all frames, n_mels), perhaps mapped from a file."""

    frames: NDArray[np.float16]
    begins: NDArray[np.int64]
    """(n_sounds + 1,): where each sound's frames begin, and the end."""

    def mel(self, place: int, begin: int, end: int) -> Floats:
        """Frames of a sound, (n_mels, end - begin)."""
        first = int(self.begins[place])
        return self.frames[first + begin : first + end].T.astype(np.float32)

    def n_frames(self, place: int) -> int:
        return int(self.begins[place + 1] - self.begins[place])


def active_rms(sound: Sound) -> float:
    """The RMS of the steps in which a clip sounds."""
    energy = np.square(sound.samples.astype(np.float64) / 32767.0)
    edges = np.arange(0, len(energy), STEP)
    steps = np.add.reduceat(energy, edges)
    lengths = np.diff(np.append(edges, len(energy)))
    return float(np.sqrt(steps[sound.active].sum() / lengths[sound.active].sum()))


def store_mels(sounds: Sequence[Sound], scale: MelScale, levels: str, cache: Path | None = None) -> MelStore:
    """The mels of all sounds, kept in the folder `cache` from run to run when one is named.

    The folder's file names hold a fingerprint of the sounds, the scale and the levels, so that nothing stale is used.
    Of several processes the first computes and the others wait.
    """
    begins = np.concatenate([[0], np.cumsum([scale.n_frames(len(sound.samples)) for sound in sounds])])
    if cache is None:
        frames = np.empty((int(begins[-1]), scale.n_mels), np.float16)
        _fill(frames, begins, sounds, scale, levels)
        return MelStore(frames, begins)
    told = repr((asdict(scale), levels, [(sound.name, len(sound.samples), sound.rms) for sound in sounds]))
    path = cache / f"mels-{hashlib.sha256(told.encode()).hexdigest()[:16]}.npy"
    if not path.is_file() and int(os.environ.get("RANK", "0")):
        _wait_for(path)
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        mapped = np.lib.format.open_memmap(unfinished, "w+", np.dtype(np.float16), (int(begins[-1]), scale.n_mels))
        _fill(mapped, begins, sounds, scale, levels)
        mapped.flush()
        os.replace(unfinished, path)
    return MelStore(np.load(path, mmap_mode="r"), begins)


def _wait_for(path: Path, *, at_most_s: float = 6 * 3600.0) -> None:
    began_s = time.monotonic()
    while not path.is_file():
        if time.monotonic() - began_s > at_most_s:
            raise DataUnusable(f"{path}: the process that makes it has not done so in {at_most_s / 3600:.0f} hours")
        time.sleep(0.5)


def _fill(
    frames: NDArray[np.float16], begins: NDArray[np.int64], sounds: Sequence[Sound], scale: MelScale, levels: str
) -> None:
    for place, sound in enumerate(sounds):
        gain = LEVEL / active_rms(sound) if levels == "equal" else 1.0
        samples = torch.from_numpy(sound.samples.astype(np.float32) * np.float32(gain / 32767.0))
        frames[begins[place] : begins[place + 1]] = log_mel(samples, scale).T.numpy()


def is_steady(sound: Sound) -> bool:
    """Whether a clip is a texture: it sounds on for two seconds or more, and its thirds are about equally loud."""
    first, last = int(sound.active[0]), int(sound.active[-1]) + 1
    if (last - first) * STEP < STEADY_S * SAMPLE_RATE or len(sound.active) < STEADY_SHARE * (last - first):
        return False
    samples = sound.samples[first * STEP : last * STEP].astype(np.float64)
    thirds = np.array([np.mean(np.square(third)) for third in np.array_split(samples, 3)])
    return bool(10.0 * np.log10(thirds.max() / max(thirds.min(), 1e-9)) < STEADY_DB)


@dataclass(frozen=True)
class WindowPlan:
    """Everything random of a batch, each (B,), and (B, EQ_BANDS) for the equaliser."""

    clips: NDArray[np.int64]
    at_onset: NDArray[np.bool_]
    moment: Floats
    """0 to 1: which sounding moment the window must hold."""
    place: Floats
    """0 to 1: where in the window that moment lies."""
    gain_db: Floats
    eq_db: Floats
    queries: NDArray[np.int64]
    """Seeds for the queries."""


class Windows:
    """Draws and makes windows of a list of sounds."""

    def __init__(
        self,
        sounds: Sequence[Sound],
        scale: MelScale,
        n_frames: int,
        config: WindowsConfig,
        *,
        cache: Path | None = None,
    ) -> None:
        self.sounds, self.scale, self.n_frames, self.config = sounds, scale, n_frames, config
        self.store = store_mels(sounds, scale, config.levels, cache)
        groups = by_concept(sounds)
        self.places = list(groups.values())
        weights = np.array([config.collection_weights.get(collection, 1.0) for collection, _ in groups])
        weights *= np.array([len(places) for places in self.places]) ** config.clip_power
        self.shares = weights / weights.sum()
        self.steady = [config.loop_textures and is_steady(sound) for sound in sounds]

    def draw(self, random: np.random.Generator) -> WindowPlan:
        """A batch's randomness: first the concept, then the clip; the same generator state gives the same plan."""
        config, n_batch = self.config, self.config.batch_size
        chosen = random.choice(len(self.places), n_batch, p=self.shares)
        return WindowPlan(
            clips=np.array([self.places[group][int(random.integers(len(self.places[group])))] for group in chosen]),
            at_onset=random.random(n_batch) < config.onset_share,
            moment=random.random(n_batch, np.float32),
            place=random.random(n_batch, np.float32),
            gain_db=random.uniform(-config.gain_db, config.gain_db, n_batch).astype(np.float32),
            eq_db=(random.standard_normal((n_batch, EQ_BANDS)) * config.eq_db).astype(np.float32),
            queries=random.integers(0, 2**31, n_batch),
        )

    def make(self, plan: WindowPlan) -> tuple[Floats, Floats]:
        """Log mels (B, n_mels, n_frames) and weights (B, n_frames) of a plan."""
        mels = np.empty((len(plan.clips), self.scale.n_mels, self.n_frames), np.float32)
        weights = np.empty((len(plan.clips), self.n_frames), np.float32)
        for b, clip in enumerate(plan.clips):
            mels[b], weights[b] = self.window(int(clip), bool(plan.at_onset[b]), plan.moment[b], plan.place[b])
        gains = plan.gain_db[:, None] + eq_of_mels(plan.eq_db, self.scale.n_mels)
        silent = mels <= SILENCE + 1e-2  # no gain makes sound of silence
        mels += (gains * np.float32(np.log(10.0) / 20.0))[:, :, None]
        mels[silent] = SILENCE
        return np.maximum(mels, np.float32(self.config.floor)), weights

    def window(self, clip: int, at_onset: bool, moment: float, place: float) -> tuple[Floats, Floats]:
        """One window, (n_mels, n_frames), and its weights (n_frames,); rest stands before and after the clip."""
        active, counted = self.frames_that_sound(clip, 0, 0), self.frames_that_sound(clip, LEAD_STEPS, TAIL_STEPS)
        if self.steady[clip] and np.count_nonzero(counted) < self.n_frames:
            return self.looped(clip, place, *_span(active)), np.ones(self.n_frames, np.float32)
        first, last = _span(counted)
        if at_onset or last - first <= self.n_frames:
            start = first
        else:
            places = np.flatnonzero(active)
            start = int(places[int(moment * len(places))]) - int(place * self.n_frames)
            start = min(max(start, first), last - self.n_frames)
        mel = np.full((self.scale.n_mels, self.n_frames), SILENCE, np.float32)
        weights = np.full(self.n_frames, self.config.rest_weight, np.float32)
        begin, end = max(start, 0), min(start + self.n_frames, len(counted))
        mel[:, begin - start : end - start] = self.store.mel(clip, begin, end)
        weights[begin - start : end - start][counted[begin:end]] = 1.0
        return mel, weights

    def frames_that_sound(self, clip: int, n_before: int, n_after: int) -> NDArray[np.bool_]:
        """Which frames of a clip sound, or lie up to so many steps before and after: (n_frames of the clip,)."""
        n_samples = len(self.sounds[clip].samples)
        steps = np.zeros(-(-n_samples // STEP), np.bool_)
        for shift in range(-n_before, n_after + 1):
            moved = self.sounds[clip].active + shift
            steps[moved[(moved >= 0) & (moved < len(steps))]] = True
        middles = np.arange(self.store.n_frames(clip)) * self.scale.hop + self.scale.hop // 2
        return np.asarray(steps[np.minimum(middles // STEP, len(steps) - 1)])

    def looped(self, clip: int, place: float, first: int, last: int) -> Floats:
        """A window of a texture that sounds from `first` to `last`: it begins at the share `place` of that and goes on
        anew where it ends, faded over the joint."""
        body = self.store.mel(clip, first, last)
        n_joint = min(round(JOINT_S * self.scale.frames_per_s), body.shape[1] // 3)
        fade = ((np.arange(n_joint) + 1) / (n_joint + 1)).astype(np.float32)
        ring = body[:, n_joint:].copy()
        if n_joint:
            ring[:, -n_joint:] = ring[:, -n_joint:] * (1.0 - fade) + body[:, :n_joint] * fade
        return ring[:, (int(place * ring.shape[1]) + np.arange(self.n_frames)) % ring.shape[1]]


def _span(sounding: NDArray[np.bool_]) -> tuple[int, int]:
    places = np.flatnonzero(sounding)
    return int(places[0]), int(places[-1]) + 1


def eq_of_mels(eq_db: Floats, n_mels: int) -> Floats:
    """Decibels of bands, (B, EQ_BANDS), as straight lines over the mels, (B, n_mels)."""
    at = np.linspace(0, eq_db.shape[1] - 1, n_mels)
    return np.stack([np.interp(at, np.arange(eq_db.shape[1]), bands) for bands in eq_db]).astype(np.float32)


def measured_level(windows: Windows, *, seed: int = 0, n_windows: int = 2_000) -> tuple[float, float]:
    """Mean and standard deviation of the log mels of windows as training draws them, weighed as the loss weighs."""
    total, squares, weight = 0.0, 0.0, 0.0
    random = np.random.default_rng([seed, 0x6D656C])
    for _ in range(-(-n_windows // windows.config.batch_size)):
        mels, weights = windows.make(windows.draw(random))
        exact, counts = mels.astype(np.float64), weights[:, None, :].astype(np.float64)
        total += float((exact * counts).sum())
        squares += float((exact * exact * counts).sum())
        weight += float(counts.sum()) * mels.shape[1]
    if not weight:
        raise DataUnusable("no frame of any window counts: rest_weight is 0 and nothing sounds")
    mean = total / weight
    return mean, float(np.sqrt(max(squares / weight - mean * mean, 1e-12)))
