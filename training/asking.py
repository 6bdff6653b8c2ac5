"""The ways to ask in an evaluation: a CLIPSonic net by held-out pictures, by words as they are or through a prior, by
labels; and the engines that it would take the place of, by words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.clip import Clip, with_channels
from models.clipsep.queries import prompted
from models.clipsonic.engine import ClipSonic, Options
from models.clipsonic.prior import TextPrior
from models.encoders import encoder
from models.engines import SoundQuery, sound_engine
from models.vocoder import Vocoder
from training.clipsonic import LABEL
from training.concepts import sound_concepts, texts_of
from training.queries import label_vectors, picture_bank

Floats = NDArray[np.float32]
N_BATCH = 8
N_SAID = 3
"""Sentences about a concept that take turns in asking for it."""
RIVALS: tuple[str, ...] = ("procedural", "library")
"""Effect engines that CLIPSonic would take the place of, in the order in which `auto` asks them."""
LEAST_FIT, GOOD_FIT = 0.2, 0.8
"""Below the one no engine is handed a query; from the other on, no further one is asked (as composer.orders has it)."""


@dataclass(frozen=True)
class Way:
    """A way to ask a net: `ask(concept, n)` gives n query vectors."""

    variant: str
    pairs: str
    trained_by: str
    asked_by: str
    engine: ClipSonic
    ask: Callable[[str, int], Floats]
    able: frozenset[str] | None = None
    """The concepts that it can be asked for; None for all."""


def said_of(concept: str) -> list[str]:
    """What one may write to hear a concept: its first sentences."""
    says = {each.name: each.says for each in sound_concepts()}.get(concept, ())
    return texts_of(concept, says)[:N_SAID]


def words_through(text_prior: TextPrior | None, encoder_name: str) -> Callable[[str, int], Floats]:
    """Asks by words: through a prior, or by their own vectors, averaged over the prompts."""

    def ask(concept: str, n: int) -> Floats:
        said = said_of(concept)
        texts = [said[place % len(said)] for place in range(n)]
        if text_prior is not None:
            return text_prior.vectors(texts, seed=len(concept))
        encode = encoder(encoder_name)
        vectors = {text: encode.texts(prompted(text)).mean(axis=0) for text in dict.fromkeys(texts)}
        return np.stack([vectors[text] for text in texts])

    return ask


def pictures_of(bank: Mapping[str, Floats], seed: int) -> Callable[[str, int], Floats]:
    """Asks by one picture each, drawn without repeating while there are enough."""

    def ask(concept: str, n: int) -> Floats:
        order = np.random.default_rng([seed, len(concept)]).permutation(len(bank[concept]))
        return np.asarray(bank[concept][np.resize(order, n)])

    return ask


def banks_of_styles(path: Path, concepts: Sequence[str]) -> dict[str, Mapping[str, Floats]]:
    """Held-out pictures as banks: all, photographs alone, and drawings alone where every concept has some."""
    banks: dict[str, Mapping[str, Floats]] = {"picture": picture_bank(path, "test", concepts)}
    with np.load(path, allow_pickle=False) as file:
        if "style" not in file:
            return banks
        is_photo = np.char.startswith(file["style"], "photo")
        test = file["split"] == "test"
        for name, chosen in (("photograph", is_photo & test), ("drawing", ~is_photo & test)):
            rows = {c: file["vectors"][chosen & (file["concepts"] == c)].astype(np.float32) for c in concepts}
            banks[name] = {concept: vectors for concept, vectors in rows.items() if len(vectors)}
    return banks


def ways_of(
    name: str,
    engine: ClipSonic,
    priors: Mapping[str, TextPrior],
    banks: Mapping[str, Mapping[str, Floats]],
    seed: int,
) -> Iterator[Way]:
    """Every way that a net can be asked."""
    config = engine.config
    if config.encoder == LABEL:
        labels = str(config.trained["labels"]).split(";")
        known = dict(zip(labels, label_vectors(len(labels)), strict=True))

        def by_label(concept: str, n: int) -> Floats:
            return np.repeat(known[concept][None], n, axis=0)

        yield Way(name, "yes", "label", "label", engine, by_label, frozenset(known))
        return
    if config.encoder_kind == "text":
        yield Way(name, "yes", "text", "text", engine, words_through(None, config.encoder))
        return
    for style, bank in banks.items():
        yield Way(name, "no", "picture", style, engine, pictures_of(bank, seed), frozenset(bank))
    yield Way(f"{name}, ZS", "no", "picture", "text", engine, words_through(None, config.encoder))
    for prior_name, text_prior in priors.items():
        asked = f"text, prior {prior_name}"
        yield Way(f"{name}, {prior_name}", "no", "picture", asked, engine, words_through(text_prior, config.encoder))


def made_by(
    way: Way,
    wave_maker: Vocoder,
    concepts: Sequence[str],
    n_clips: int,
    options: Options,
    seed: int,
    *,
    bf16: bool = False,
) -> list[tuple[str, Clip]]:
    """n_clips of every concept that the net can be asked for, one window long, N_BATCH at once.

    With `bf16` the net computes as in training, at half the precision: the mels differ a little, and come sooner.
    """
    made = []
    able = [concept for concept in concepts if way.able is None or concept in way.able]
    jobs = [(concept, vector) for concept in able for vector in way.ask(concept, n_clips)]
    for begin in range(0, len(jobs), N_BATCH):
        batch = jobs[begin : begin + N_BATCH]
        vectors = np.stack([vector for _, vector in batch]).astype(np.float32)
        seeds = [seed * 1_000_003 + begin + place for place in range(len(batch))]
        with torch.autocast("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16, enabled=bf16):
            mels = way.engine.mels(vectors, n_frames=way.engine.config.n_frames, seeds=seeds, options=options).float()
        made += [(concept, wave_maker.waveform(mel)) for (concept, _), mel in zip(batch, mels, strict=True)]
    return made


def rival_of(words: str) -> str | None:
    """The one of RIVALS that `auto` would hand the words to; None where none serves them."""
    fits: list[tuple[float, str]] = []
    for name in RIVALS:
        fits.append((sound_engine("sound_effect", name).fit(SoundQuery(words)).score, name))
        if fits[-1][0] >= GOOD_FIT:
            break
    score, name = max(fits, key=lambda fit: fit[0])
    return name if score >= LEAST_FIT else None


def rival_clip(name: str, words: str, n_s: float, seed: int) -> Clip:
    """What a rival makes of the words, mono and at most n_s long."""
    made = with_channels(sound_engine("sound_effect", name).generate(SoundQuery(words), duration_s=None, seed=seed), 1)
    return Clip(made.samples[:, : round(n_s * made.sample_rate)], made.sample_rate)
