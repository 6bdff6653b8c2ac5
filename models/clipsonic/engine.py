"""CLIPSonic as an engine: words or pictures in, a sound of any length out.

Conventions: 48 kHz mono; what is heard ends at half the rate of the mels that the net was trained on (`bandwidth_hz`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoints import CONFIG, WEIGHTS, version_of
from models.clip import Clip, resample
from models.clipsonic.checkpoint import load_config, load_net
from models.clipsonic.config import ClipSonicConfig
from models.clipsonic.frame_net import FrameNet
from models.clipsonic.guidance import guided, mel_bounds, refuse_guidance
from models.clipsonic.knows import FILE as KNOWS
from models.clipsonic.knows import Knows, Likeness, read_knows
from models.clipsonic.prior import BUNDLED as PRIOR_WEIGHTS
from models.clipsonic.prior import TextPrior, load_prior
from models.clipsonic.queries import query_vector, refuse_other_encoder, refuse_unusable
from models.clipsonic.samplers import Denoise, chosen_sampler, sample
from models.clipsonic.trimming import block_levels, event, stretch
from models.clipsonic.unet import Unet
from models.clipsonic.windows import N_BATCH, jointly
from models.encoders import Encoder, encoder
from models.engines import Fit, Readiness, SoundQuery, Wanted
from models.errors import CheckpointUnusable, ModelError, SynthesisFailed
from models.threads import one_thread
from models.vocoder import Vocoder, vocoder

BUNDLED = Path(__file__).parent / "weights"
SAMPLE_RATE = 48_000
NATURAL_BED_S = 12.0
PEAK = 0.9
SILENT_DB = -70.0
N_ATTEMPTS = 3
"""Draws whose loudest moment is below SILENT_DB are drawn anew, so many times in all."""


@dataclass(frozen=True)
class Options:
    """How to sample; None takes what the checkpoint says of itself."""

    sampler: str | None = None
    n_steps: int | None = None
    guidance: float | None = None


class ClipSonic:
    """Makes sounds by the checkpoint in `folder`; nets and encoder are loaded when they are first needed."""

    sample_rate: ClassVar[int] = SAMPLE_RATE
    licence: ClassVar[str] = "Apache-2.0; credits of the training sounds in models/clipsonic/weights"

    def __init__(
        self,
        folder: Path = BUNDLED,
        *,
        words_encoder: Encoder | None = None,
        text_prior: TextPrior | None = None,
        wave_maker: Vocoder | None = None,
        use_prior: bool = True,
    ) -> None:
        """What is given takes the place of what the checkpoint names; without the prior, words are asked directly."""
        self._folder, self._given_encoder, self._given_vocoder = folder, words_encoder, wave_maker
        self._given_prior, self._use_prior = text_prior, use_prior

    @staticmethod
    def readiness() -> Readiness:
        if all((BUNDLED / name).is_file() for name in (CONFIG, WEIGHTS)):
            return Readiness(True)
        return Readiness(False, f"a checkpoint in {BUNDLED}: talescape train clipsonic_bundled makes one")

    @property
    def version(self) -> str:
        """Changes whenever the same query and seed would give another sound."""
        parts = [version_of(self._folder), self._vocoder.version, self._encoder.version]
        return "2-" + "-".join([*parts, *([self._prior.version] if self._prior else [])])

    @property
    def bandwidth_hz(self) -> float:
        """Nothing is heard above this frequency."""
        return min(self.config.mel.high_hz, self.config.mel.sample_rate / 2)

    def fit(self, query: SoundQuery) -> Fit:
        """The likeness of the query to its nearest known concept, times how often that is heard as such."""
        found = self.likeness(query)
        if found is None:
            return Fit(0.0, "nothing is known of what its sounds are heard as")
        return Fit(round(found.score, 3), found.because)

    def likeness(self, query: SoundQuery) -> Likeness | None:
        """The known concept nearest to the query, of its words or of its picture, whichever is surer."""
        found = []
        if query.text.strip():
            found.append(self._knows.of_words(query.text.strip()))
        if query.image is not None:
            found.append(self._knows.of_picture(query.image, self._encoder))
        return max((each for each in found if each), key=lambda each: each.score, default=None)

    def generate(self, query: SoundQuery, *, duration_s: float | None, seed: int) -> Clip:
        """The sound, peak at most 0.9. Raises QueryUnusable, PictureUnreadable and CheckpointUnusable."""
        return self.sonify(query, duration_s=duration_s, seed=seed)

    def sonify(
        self,
        query: SoundQuery,
        *,
        duration_s: float | None,
        seed: int,
        options: Options | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> Clip:
        """As generate, with the sampling that one asks for; `report` is told the steps done and the steps in all."""
        (made,) = self._all([Wanted(query, duration_s, seed)], options, report)
        if isinstance(made, ModelError):
            raise made
        return made

    def generate_all(self, wanted: Sequence[Wanted]) -> list[Clip | ModelError]:
        """As generate for each, to the bit on a CPU, with those of the same number of frames sampled together."""
        return self._all(wanted, None, None)

    def _all(
        self, wanted: Sequence[Wanted], options: Options | None, report: Callable[[int, int], None] | None
    ) -> list[Clip | ModelError]:
        made: dict[int, Clip | ModelError] = {}
        vectors: dict[int, NDArray[np.float32]] = {}
        lengths_s: dict[int, float | None] = {}
        with one_thread():
            for number, each in enumerate(wanted):
                natural = each.duration_s is None and each.query.bed
                lengths_s[number] = NATURAL_BED_S if natural else each.duration_s
                try:
                    refuse_unusable(each.query, each.duration_s)
                    vectors[number] = query_vector(each.query, self._encoder, self._prior, seed=each.seed % 2**63)
                except ModelError as error:
                    made[number] = error
            for attempt in range(N_ATTEMPTS):
                together: dict[int, list[int]] = {}
                for number in vectors:
                    if number not in made:
                        together.setdefault(self._n_frames(lengths_s[number]), []).append(number)
                for n_frames, group in together.items():
                    seeds = [wanted[number].seed % 2**63 + attempt for number in group]
                    stacked = np.stack([vectors[number] for number in group])
                    mels = self.mels(stacked, n_frames=n_frames, seeds=seeds, options=options, report=report)
                    for number, mel in zip(group, mels, strict=True):
                        wave = self._vocoder.waveform(mel)
                        if block_levels(wave.samples[0], wave.sample_rate)[0].max() > SILENT_DB:
                            made[number] = _finished(wave, wanted[number].query, lengths_s[number])
        return [made.get(number) or _silent(each.query) for number, each in enumerate(wanted)]

    def mels(
        self,
        vectors: NDArray[np.float32],
        *,
        n_frames: int,
        seeds: list[int],
        options: Options | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Natural log mels (n, n_mels, n_frames) of query vectors (n, query_size), one seed each."""
        config, options = self.config, options or Options()
        n_steps = config.sampling.n_steps if options.n_steps is None else options.n_steps
        guidance = config.sampling.guidance if options.guidance is None else options.guidance
        sampler = chosen_sampler(config, options.sampler or config.sampling.sampler, n_steps)
        refuse_guidance(guidance)
        queries, bounds = torch.from_numpy(vectors).to(_device()), mel_bounds(config)

        def of_windows(owners: Tensor) -> Denoise:
            return guided(self._net, queries[owners], config, guidance=guidance, bounds=bounds)

        with torch.inference_mode():
            drawn = sample(
                jointly(of_windows, config.n_frames, n_batch=self._n_batch),
                (config.mel.n_mels, n_frames),
                config,
                sampler=sampler,
                n_steps=n_steps,
                seeds=seeds,
                device=_device(),
                report=None if report is None else lambda done: report(done, n_steps),
            )
            return (drawn * config.mel_std + config.mel_mean).cpu()

    @property
    def _n_batch(self) -> int:
        """Windows that go through the net at once: on a CPU a U-Net rounds otherwise for other numbers of them."""
        return 1 if isinstance(self._net, Unet) and _device().type == "cpu" else N_BATCH

    def _n_frames(self, length_s: float | None) -> int:
        wanted = self.config.mel.n_frames(round((length_s or 0.0) * self.config.mel.sample_rate))
        return max(self.config.n_frames, wanted)

    @cached_property
    def config(self) -> ClipSonicConfig:
        return load_config(self._folder)

    @cached_property
    def _net(self) -> Unet | FrameNet:
        return load_net(self._folder).to(_device())

    @cached_property
    def _encoder(self) -> Encoder:
        encode = self._given_encoder or encoder(self.config.encoder)
        refuse_other_encoder(self.config, encode, str(self._folder))
        return encode

    @cached_property
    def _prior(self) -> TextPrior | None:
        if not self._use_prior or self.config.encoder_kind == "text":
            return None
        if self._given_prior is not None:
            return self._given_prior
        is_ours = self._folder == BUNDLED and (PRIOR_WEIGHTS / CONFIG).is_file()
        return load_prior(PRIOR_WEIGHTS) if is_ours else None

    @cached_property
    def _vocoder(self) -> Vocoder:
        made = self._given_vocoder or vocoder(self.config.vocoder, scale=self.config.mel)
        if made.scale != self.config.mel:
            raise CheckpointUnusable(f"{self._folder}: draws mels of {self.config.mel}, its vocoder reads {made.scale}")
        return made

    @cached_property
    def _knows(self) -> Knows:
        return Knows(read_knows(self._folder / KNOWS))


def _silent(query: SoundQuery) -> SynthesisFailed:
    return SynthesisFailed(f"{query.text[:60] or query.image}: {N_ATTEMPTS} draws were silent; describe it differently")


def _finished(made: Clip, query: SoundQuery, length_s: float | None) -> Clip:
    """At 48 kHz, cut to its event or to its length, and no louder than PEAK."""
    samples = resample(made, SAMPLE_RATE).samples[0]
    if query.bed and length_s is not None:
        samples = stretch(samples, SAMPLE_RATE, length_s)
    else:
        samples = event(samples, SAMPLE_RATE, length_s)
    peak = float(np.abs(samples).max())
    if peak > PEAK:
        samples = samples * np.float32(PEAK / peak)
    return Clip(np.ascontiguousarray(samples[None], np.float32), SAMPLE_RATE)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
