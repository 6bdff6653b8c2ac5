"""Measures CLIPSep checkpoints as the paper does: SDR of held-out mixtures, in a table like the talk's.

`python -m training.evaluate_clipsep CLIPSep=FOLDER LabelSep=FOLDER --sounds ../shared/data/sounds.csv`.
SDR is 10 log10(|s|^2 / |s - s_hat|^2) over the first 65,280 samples of 65,535 (Dong et al. 2023 measure museval's SDR
on whole clips, which equals it; mir_eval's filtered SDR is another, higher number). Mixtures are drawn by a seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clipsep.checkpoint import CheckpointConfig, load_config, load_net
from models.clipsep.net import SeparationNet
from models.clipsep.warp import istft, log_magnitude, stft, unwarp, warp
from training.concepts import PROMPTS, UNSEEN_WORDS
from training.mixtures import LEVEL, QueryBank
from training.queries import label_vectors, picture_bank, text_vectors
from training.sounds import DataUnusable, Sound, SoundsConfig, read_sounds

Floats = NDArray[np.float32]
N_SAMPLES = 65_535
N_SCORED = 65_280
N_FRAMES_A_QUERY = 3
"""Pictures whose vectors are averaged into one picture query, as the paper averages three frames."""


@dataclass(frozen=True)
class Pair:
    """One mixture to separate: the sources at equal level, float32 (S, 65535); the first is asked for."""

    waves: Floats
    concepts: tuple[str, ...]
    query_seed: int

    @property
    def concept(self) -> str:
        return self.concepts[0]

    @property
    def mixture(self) -> Floats:
        return np.asarray(self.waves.sum(axis=0))


@dataclass(frozen=True)
class Row:
    """One line of the table: decibels over `count` mixtures; `gain` is the mean over what the mixture itself scores."""

    system: str
    query: str
    mean: float
    median: float
    standard_error: float
    gain: float
    count: int


def draw_pairs(sounds: Sequence[Sound], n_pairs: int, seed: int, *, n_sources: int = 2) -> list[Pair]:
    """Mixtures of clips of different concepts at equal level over 4.1 s, always the same for the same seed.

    Each clip is cut to its first 65,535 samples, and filled up with silence when it is shorter.
    """
    random = np.random.default_rng(seed)
    windows = [(sound.concept, wave) for sound in sounds if (wave := level_window(sound)) is not None]
    if len({concept for concept, _ in windows}) < n_sources:
        raise DataUnusable(f"mixtures of {n_sources} sounds need as many concepts that sound within their first 4.1 s")
    pairs: list[Pair] = []
    while len(pairs) < n_pairs:
        chosen = [windows[k] for k in random.choice(len(windows), n_sources, replace=False)]
        if len({concept for concept, _ in chosen}) == n_sources:
            waves = np.stack([wave for _, wave in chosen])
            pairs.append(Pair(waves, tuple(concept for concept, _ in chosen), int(random.integers(2**31))))
    return pairs


def level_window(sound: Sound) -> Floats | None:
    """The first 4.1 s of a clip at the level of training, or None when they are silent."""
    wave = np.zeros(N_SAMPLES, np.float32)
    wave[: len(sound.samples)] = sound.samples[:N_SAMPLES] / np.float32(32767)
    rms = float(np.sqrt(np.mean(np.square(wave[:N_SCORED]))))
    return wave * np.float32(LEVEL / rms) if rms > 1e-4 else None


def sdr_db(source: Tensor, estimate: Tensor) -> Tensor:
    """(.., n) and (.., n) -> (..): 10 log10(|s|^2 / |s - s_hat|^2) over the first 65,280 samples."""
    source, estimate = source[..., :N_SCORED], estimate[..., :N_SCORED]
    return 10.0 * torch.log10(source.square().sum(-1) / ((source - estimate).square().sum(-1) + 1e-12))


def masked_sdr_db(pair: Pair, masks: Tensor) -> Tensor:
    """SDR of the asked-for source under masks of the mixture: (n, 513, T) -> (n,)."""
    mixture = stft(torch.from_numpy(pair.mixture))
    return sdr_db(torch.from_numpy(pair.waves[0]), istft(masks * mixture, N_SAMPLES))


def reference_masks(pair: Pair) -> Tensor:
    """Without a net: all of the mixture, half of it, and the ideal binary mask: (3, 513, T)."""
    spectra = stft(torch.from_numpy(pair.waves))
    ideal = (spectra[0].abs() > spectra[1:].sum(0).abs()).float()
    return torch.stack([torch.ones_like(ideal), torch.full_like(ideal, 0.5), ideal])


def net_masks(net: SeparationNet, mixture: Floats, vectors: Floats) -> Tensor:
    """Masks of queries, (Q, D) -> (Q, 513, T), with one pass of the net."""
    log_mag = log_magnitude(warp(stft(torch.from_numpy(mixture)).abs()))[None, None]
    with torch.inference_mode():
        masks: Tensor = net(log_mag, torch.from_numpy(vectors)[None])[0]
    return unwarp(masks)


def prompt_vector(encoder_name: str, words: str) -> Floats:
    """The paper's ensemble of five prompts: (1, D)."""
    vectors = text_vectors(encoder_name, [prompt.format(words) for prompt in PROMPTS])
    return np.asarray(vectors.mean(axis=0, keepdims=True), dtype=np.float32)


class System:
    """A checkpoint and the ways it can be asked."""

    def __init__(self, name: str, folder: Path, concepts: Sequence[str], pictures: Path | None) -> None:
        self.name, self.net = name, load_net(folder)
        self.config: CheckpointConfig = load_config(folder)
        self.banks: dict[str, QueryBank] = {}
        if self.config.query == "label":
            labels = dict(zip(self.config.labels, label_vectors(len(self.config.labels))[:, None], strict=True))
            self.banks["label"] = {concept: labels[concept] for concept in concepts}
        elif self.config.query == "none":
            self.banks["none (better of two)"] = dict.fromkeys(concepts, label_vectors(2))
        else:
            self.banks["text"] = {concept: prompt_vector(self.config.encoder, concept) for concept in concepts}
            if pictures is not None and self.config.query != "text":
                self.banks["picture"] = picture_bank(pictures, "test", concepts)

    def vectors(self, kind: str, pair: Pair) -> Floats:
        """The query vectors of a mixture: one, or PIT's two."""
        vectors = self.banks[kind][pair.concept]
        if kind != "picture":
            return vectors
        picks = np.random.default_rng(pair.query_seed).integers(0, len(vectors), N_FRAMES_A_QUERY)
        return np.asarray(vectors[picks].mean(axis=0, keepdims=True))


def rows_of(systems: Sequence[System], pairs: Sequence[Pair]) -> list[Row]:
    """The table: references first, then every system in every way it can be asked."""
    scores: dict[tuple[str, str], list[float]] = {}

    def note(system: str, query: str, score: float) -> None:
        scores.setdefault((system, query), []).append(score)

    for pair in pairs:
        for name, score in zip(
            ("Mixture", "Half mask", "Ideal binary mask"), masked_sdr_db(pair, reference_masks(pair)), strict=True
        ):
            note(name, "", float(score))
        for system in systems:
            asked = [(kind, system.vectors(kind, pair)) for kind in system.banks]
            masks = net_masks(system.net, pair.mixture, np.concatenate([vectors for _, vectors in asked]))
            found = masked_sdr_db(pair, masks)
            for kind, vectors in asked:
                note(system.name, kind, float(found[: len(vectors)].max()))
                found = found[len(vectors) :]
    floor = np.array(scores["Mixture", ""])
    return [_row(system, query, np.array(found), floor) for (system, query), found in scores.items()]


def _row(system: str, query: str, scores: NDArray[np.float64], floor: NDArray[np.float64]) -> Row:
    error = float(scores.std(ddof=1) / np.sqrt(len(scores))) if len(scores) > 1 else 0.0
    return Row(
        system,
        query,
        float(scores.mean()),
        float(np.median(scores)),
        error,
        float((scores - floor).mean()),
        len(scores),
    )


def unseen_rows(system: System, pairs: Sequence[Pair]) -> list[Row]:
    """Words that stood in no training sentence, each on the mixtures of the concept that it means.

    A row `word` beside a row with the concept's own name: the difference is what the unknown word costs.
    """
    rows = []
    for word, concept in UNSEEN_WORDS.items():
        meant = [pair for pair in pairs if pair.concept == concept]
        if not meant:
            continue
        vectors = np.concatenate([prompt_vector(system.config.encoder, words) for words in (word, concept)])
        found = np.array([masked_sdr_db(pair, net_masks(system.net, pair.mixture, vectors)).numpy() for pair in meant])
        floor = np.array([float(masked_sdr_db(pair, reference_masks(pair)[:1])) for pair in meant])
        rows += [
            _row(system.name, words, found[:, k], floor) for k, words in enumerate((f"{word} ({concept})", concept))
        ]
    return rows


def level_rows(system: System, pairs: Sequence[Pair]) -> list[Row]:
    """How loud answers are, in decibels against the mixture: to the sound that is there, and to one that is not.

    The words that ask are the first way the system can be asked, the absent concept is drawn by the pair's seed.
    """
    kind, bank = next(iter(system.banks.items()))
    levels: dict[str, list[float]] = {"there": [], "not there": []}
    for pair in pairs:
        absent = [concept for concept in sorted(bank) if concept not in pair.concepts]
        if not absent:
            raise DataUnusable(f"levels need a concept that is not in the mixture of {', '.join(pair.concepts)}")
        other = absent[pair.query_seed % len(absent)]
        masks = net_masks(system.net, pair.mixture, np.concatenate([bank[pair.concept][:1], bank[other][:1]]))
        mixture = stft(torch.from_numpy(pair.mixture))
        for name, mask in zip(levels, masks, strict=True):
            energy = istft(mask * mixture, N_SAMPLES)[:N_SCORED].square().sum() + 1e-12
            levels[name].append(float(10.0 * torch.log10(energy / np.square(pair.mixture[:N_SCORED]).sum())))
    return [
        _row(f"{system.name}: level", f"{kind}, {name}", np.array(found), np.zeros(len(found)))
        for name, found in levels.items()
    ]


def evaluate_clipsep(
    checkpoints: Mapping[str, Path],
    sounds: Path,
    *,
    collection: str = "esc10",
    fold: str = "4",
    pictures: Path | None = None,
    n_pairs: int = 200,
    seed: int = 0,
    n_sources: int = 2,
    unseen: bool = False,
    levels: bool = False,
) -> list[Row]:
    """The table of checkpoints (name -> folder) on mixtures of a fold's clips; 3 sources make noisy mixtures.

    With `unseen`, the first checkpoint is also asked in words that it never met; with `levels`, the loudness of answers
    to what is there and to what is not is measured too.
    Raises DataUnusable for the data and CheckpointUnusable for a checkpoint.
    """
    config = SoundsConfig(table=sounds.name, collections=[collection], folds=[fold] if fold else [])
    pairs = draw_pairs(read_sounds(config, sounds.parent), n_pairs, seed, n_sources=n_sources)
    concepts = sorted({concept for pair in pairs for concept in pair.concepts})
    systems = [System(name, folder, concepts, pictures) for name, folder in checkpoints.items()]
    rows = rows_of(systems, pairs)
    if unseen and systems:
        rows += unseen_rows(systems[0], pairs)
    if levels:
        rows += [row for system in systems for row in level_rows(system, pairs)]
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows as text, decibels."""
    lines = [f"{'system':28} {'query':24} {'mean':>7} {'+-':>5} {'median':>7} {'gain':>6} {'count':>6}"]
    for row in rows:
        numbers = f"{row.mean:7.2f} {row.standard_error:5.2f} {row.median:7.2f} {row.gain:6.2f} {row.count:6d}"
        lines.append(f"{row.system:28} {row.query:24} {numbers}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", nargs="+", help="NAME=FOLDER")
    parser.add_argument("--sounds", type=Path, default=Path("../shared/data/sounds.csv"))
    parser.add_argument("--collection", default="esc10")
    parser.add_argument("--fold", default="4")
    parser.add_argument("--pictures", type=Path, help="npz of picture vectors; its test split asks")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sources", type=int, default=2, help="3 for a third sound that no query asks for")
    parser.add_argument("--unseen", action="store_true", help="ask the first checkpoint in words it never met, too")
    parser.add_argument("--levels", action="store_true", help="how loud answers to sounds that are not there are")
    chosen = parser.parse_args()
    folders = dict(pair.split("=", 1) for pair in chosen.checkpoints)
    rows = evaluate_clipsep(
        {name: Path(folder) for name, folder in folders.items()},
        chosen.sounds,
        collection=chosen.collection,
        fold=chosen.fold,
        pictures=chosen.pictures,
        n_pairs=chosen.pairs,
        seed=chosen.seed,
        n_sources=chosen.sources,
        unseen=chosen.unseen,
        levels=chosen.levels,
    )
    print(table(rows))


if __name__ == "__main__":
    main()
