"""Measures CLIPSonic as the talk's Table 1 does: every variant and every way to ask, beside real clips and noise.

`talescape evaluate clipsonic IQ=FOLDER CLIP-TTA=FOLDER --recipe clipsonic_bundled --yamnet DIR --pictures VECTORS.npz
--prior PD=FOLDER --prior SD=FOLDER`. A net that was trained by pictures is asked by pictures (IQ), by words as they
are (ZS) and by words through each prior (PD, SD); one that was trained by words or labels is asked by these.
Judge: YAMNet's classes and embedding, so the Fréchet distance is no VGGish FAD. Sounds and pictures are paired by
concept; real clips and pictures are those that the recipe holds out.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.clip import Clip
from models.clipsonic.engine import ClipSonic, Options
from models.clipsonic.knows import Known, write_knows
from models.clipsonic.prior_published import prior
from models.vocoder import Vocoder, vocoder
from models.vocoder.mel import log_mel
from training.asking import RIVALS, Way, banks_of_styles, made_by, rival_clip, rival_of, said_of, ways_of
from training.clipsonic import Recipe, read_recipe
from training.judging import (
    TOP,
    Ear,
    Judged,
    Row,
    classes_of_concepts,
    concept_table,
    judge,
    memorisation,
    row_of,
    sound_clip,
    table,
)
from training.recipes import find_recipe
from training.sheet import Line, save_sheet
from training.sounds import SAMPLE_RATE, DataUnusable, Sound, read_sounds
from training.yamnet import Yamnet

Floats = NDArray[np.float32]
FIRST_COLLECTION = "esc10"
"""Its concepts come first; the others are the commonest of the rest."""


@dataclass(frozen=True)
class Real:
    """The recordings: what the net learned from, and what it never heard."""

    training: list[Sound]
    held_out: list[Sound]

    def concepts(self, n_others: int) -> list[str]:
        """Those of FIRST_COLLECTION, then the commonest others that the judge has a class for and that are held out."""
        held = {sound.concept for sound in self.held_out} & classes_of_concepts().keys()
        first = sorted({sound.concept for sound in self.training if sound.collection == FIRST_COLLECTION} & held)
        counts = Counter(sound.concept for sound in self.training if sound.concept in held - set(first))
        return first + [concept for concept, _ in counts.most_common(n_others)]


class Evaluation:
    """One table under way: the judge, the recordings, and the references that every row is measured against."""

    def __init__(
        self,
        ear: Ear,
        wave_maker: Vocoder,
        real: Real,
        concepts: Sequence[str],
        n_clips: int,
        *,
        bf16: bool = False,
    ) -> None:
        self.ear, self.wave_maker, self.real, self.concepts = ear, wave_maker, real, list(concepts)
        self.n_clips, self.bf16 = n_clips, bf16
        self.training = ear.recordings([sound for sound in real.training if sound.concept in classes_of_concepts()])
        self.means = np.stack([one.mean for one in self.training])
        self.held_out = self.of_concepts(real.held_out)
        ear.save()

    def judged(self, clip: Clip, concept: str) -> Judged:
        return judge(self.ear.yamnet, clip, concept)

    def of_concepts(self, sounds: Sequence[Sound], *, seed: int = 0) -> list[Judged]:
        """n_clips of every concept, drawn by the seed; fewer where there are no more."""
        return self.ear.recordings(self.drawn(sounds, seed))

    def drawn(self, sounds: Sequence[Sound], seed: int) -> list[Sound]:
        chosen: list[Sound] = []
        for place, concept in enumerate(self.concepts):
            own = [sound for sound in sounds if sound.concept == concept]
            order = np.random.default_rng([seed, place]).permutation(len(own))[: self.n_clips]
            chosen += [own[number] for number in order]
        return chosen

    def references(self, seed: int) -> list[Row]:
        """Real clips held out, the same through mel and vocoder, training clips of the concept and of any, noise, and
        what the engines make that CLIPSonic would take the place of."""
        n_samples = self.ear.n_samples
        vocoded = [
            self.judged(through(self.wave_maker, sound_clip(sound, n_samples)), sound.concept)
            for sound in self.drawn(self.real.held_out, 0)
        ]
        random = np.random.default_rng(seed)
        wanted = [one.concept for one in self.held_out]
        drawn = [self.real.training[int(random.integers(len(self.real.training)))] for _ in wanted]
        anything = [
            self.judged(sound_clip(sound, n_samples), concept) for sound, concept in zip(drawn, wanted, strict=True)
        ]
        noise = [
            self.judged(Clip((0.1 * random.standard_normal((1, n_samples))).astype(np.float32), SAMPLE_RATE), concept)
            for concept in wanted
        ]
        rivals = [one for concept in self.concepts for one in self.rivals(concept)]
        return [
            self.row("real, held out", self.held_out),
            self.row("real, through the vocoder", vocoded),
            self.row("training clips of the concept", self.of_concepts(self.real.training, seed=seed)),
            self.row("training clips of any concept", anything),
            self.row("noise", noise),
            *([self.row(" or ".join(RIVALS), rivals)] if rivals else []),
        ]

    def rivals(self, concept: str) -> list[Judged]:
        """What the engines make of a concept's sentences that CLIPSonic would take the place of; fewer clips, or none,
        where `auto` would hand them to no engine."""
        said, heard = said_of(concept), []
        for place in range(self.n_clips):
            words = said[place % len(said)]
            name = rival_of(words)
            if name is not None:
                make = partial(rival_clip, name, words, self.ear.n_samples / SAMPLE_RATE, place)
                heard.append(self.ear.once(f"{name} {words} {place}", concept, make))
        return heard

    def row(self, variant: str, judged: Sequence[Judged], way: Way | None = None, seconds: float = 0.0) -> Row:
        about = {} if way is None else {"pairs": way.pairs, "trained_by": way.trained_by, "asked_by": way.asked_by}
        return row_of(variant, judged, self.held_out, self.means, seconds=seconds, **about)

    def generated(self, way: Way, options: Options, seed: int, *, suffix: str = "") -> tuple[Row, list[Judged]]:
        began_s = time.monotonic()
        made = made_by(way, self.wave_maker, self.concepts, self.n_clips, options, seed, bf16=self.bf16)
        seconds = (time.monotonic() - began_s) / len(made)
        judged = [self.judged(clip, concept) for concept, clip in made]
        return self.row(way.variant + suffix, judged, way, seconds), judged


def through(wave_maker: Vocoder, clip: Clip) -> Clip:
    """A clip to its mel and back."""
    return wave_maker.waveform(log_mel(torch.from_numpy(clip.samples[0]), wave_maker.scale))


def knows_of(evaluation: Evaluation, way: Way, options: Options, seed: int) -> list[Known]:
    """What a net knows: of every concept that it learned and that the judge has a class for, how often it is heard,
    and how often the best of the other engines is."""
    learned = {sound.concept for sound in evaluation.real.training}
    concepts = [concept for concept in sorted(learned) if concept in classes_of_concepts()]
    n = evaluation.n_clips
    made = made_by(way, evaluation.wave_maker, concepts, n, options, seed, bf16=evaluation.bf16)
    heard = Counter(concept for concept, clip in made if evaluation.judged(clip, concept).rank <= TOP)
    known = []
    for concept in concepts:
        others = [one.rank <= TOP for one in evaluation.rivals(concept)]
        share = sum(others) / len(others) if others else 0.0
        known.append(Known(concept, tuple(said_of(concept)), heard[concept] / n, n, share, len(others)))
    evaluation.ear.save()
    return known


def draw_sheet(evaluation: Evaluation, way: Way, options: Options, seed: int, path: Path) -> None:
    """Two generated clips beside a real one that was held out, a line a concept."""
    engine, lines = way.engine, []
    config = engine.config
    real = {sound.concept: sound for sound in reversed(evaluation.drawn(evaluation.real.held_out, 0))}
    for place, concept in enumerate(evaluation.concepts):
        seeds = [seed * 7 + 2 * place, seed * 7 + 2 * place + 1]
        vectors = way.ask(concept, 2).astype(np.float32)
        mels = engine.mels(vectors, n_frames=config.n_frames, seeds=seeds, options=options).numpy()
        clip = sound_clip(real[concept], evaluation.ear.n_samples)
        shown = log_mel(torch.from_numpy(clip.samples[0]), config.mel).numpy()
        shown = np.pad(shown, ((0, 0), (0, config.n_frames)), constant_values=float(shown.min()))[:, : config.n_frames]
        lines.append(Line(concept, (mels[0], mels[1], shown)))
    save_sheet(lines, ("generated", "generated, another seed", "real, held out"), path)


def read_real(recipe: Recipe) -> Real:
    """The recipe's recordings; paths in it are relative to the working directory."""
    return Real(read_sounds(recipe.sounds, Path()), read_sounds(recipe.sounds, Path(), held_out=True))


def main() -> None:
    given = _parser().parse_args()
    recipe = read_recipe(find_recipe(given.recipe))
    real = read_real(recipe)
    concepts = [name.strip() for name in given.concepts.split(",") if name.strip()] or real.concepts(given.others)
    unheard = [concept for concept in concepts if concept not in classes_of_concepts()]
    if unheard:
        raise DataUnusable(f"the judge has no class for {', '.join(unheard)}; see training/sound_classes.csv")
    n_samples = recipe.n_frames * recipe.mel.hop
    wave_maker = vocoder(given.vocoder or recipe.vocoder, scale=recipe.mel)
    ear = Ear(Yamnet(given.yamnet), n_samples, given.heard)
    evaluation = Evaluation(ear, wave_maker, real, concepts, given.clips, bf16=given.bf16)
    options = Options(sampler=given.sampler, n_steps=given.steps, guidance=given.guidance)
    priors = {name: prior(folder) for name, folder in _pairs(given.prior)}
    banks = banks_of_styles(given.pictures, concepts) if given.pictures else {}
    ways = [
        way
        for name, folder in _pairs(given.nets)
        for way in ways_of(
            name, ClipSonic(Path(folder), wave_maker=wave_maker, use_prior=False), priors, banks, given.seed
        )
    ]
    rows = evaluation.references(given.seed)
    ear.save()
    judged: dict[tuple[str, str], list[Judged]] = {}
    for way in ways:
        row, judged[way.variant, way.asked_by] = evaluation.generated(way, options, given.seed)
        rows.append(row)
    print(table(rows), "\n")
    print(concept_table(rows), "\n")
    texts = [sound.text for sound in real.training if sound.concept in classes_of_concepts()]
    best = _best(ways, given.best)
    if best is not None:
        print(memorisation(judged[best.variant, best.asked_by], evaluation.held_out, evaluation.training, texts), "\n")
        sweeps = [(f", {n} steps", replace(options, n_steps=n)) for n in given.sweep_steps]
        sweeps += [(f", guidance {w:g}", replace(options, guidance=w)) for w in given.sweep_guidance]
        if sweeps:
            print(table([evaluation.generated(best, each, given.seed, suffix=name)[0] for name, each in sweeps]), "\n")
        if given.sheet:
            draw_sheet(evaluation, best, options, given.seed, given.sheet)
        if given.knows:
            write_knows(knows_of(evaluation, best, options, given.seed + 1), given.knows)


def _best(ways: Sequence[Way], named: str) -> Way | None:
    """The way that is looked at closely: the one that is named, else the last that is asked by words."""
    if named:
        found = [way for way in ways if way.variant == named]
        if not found:
            raise DataUnusable(
                f"no variant is called {named!r}; there are: {', '.join(way.variant for way in ways) or 'none'}"
            )
        return found[0]
    by_words = [way for way in ways if way.asked_by.startswith("text") and way.pairs == "no"] or list(ways)
    return by_words[-1] if by_words else None


def _pairs(given: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [tuple(each.split("=", 1)) for each in given]
    wrong = [each for each, pair in zip(given, pairs, strict=True) if len(pair) != 2]
    if wrong:
        raise DataUnusable(f"{', '.join(wrong)}: write NAME=FOLDER")
    return [(name, folder) for name, folder in pairs]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", help="NAME=FOLDER of checkpoints")
    parser.add_argument("--recipe", type=Path, default=Path("clipsonic_bundled"), help="says which sounds are held out")
    parser.add_argument("--yamnet", type=Path, required=True, help="folder of yamnet.tflite and its class map")
    parser.add_argument("--pictures", type=Path, help="npz of picture vectors; its test split asks")
    parser.add_argument("--prior", action="append", default=[], help="NAME=FOLDER, NAME=laion:FILE or NAME=karlo")
    parser.add_argument(
        "--vocoder", default="", help="instead of the recipe's: bundled, griffin-lim, bigvgan, a folder"
    )
    parser.add_argument("--clips", type=int, default=6, help="of every concept and way")
    parser.add_argument("--concepts", default="", help="comma-separated; else ESC-10's and the commonest others")
    parser.add_argument("--others", type=int, default=10, help="how many of the commonest others")
    parser.add_argument("--sampler", choices=("ancestral", "ddim", "dpm++", "euler"))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bf16", action="store_true", help="the net at half precision, as it was trained: sooner")
    parser.add_argument("--heard", type=Path, help="npz that keeps what the judge heard in the recordings")
    parser.add_argument("--best", default="", help="the variant that sweeps, sheet and knows look at")
    parser.add_argument("--sweep-steps", type=int, nargs="*", default=[], help="5 10 25 50 100 1000")
    parser.add_argument("--sweep-guidance", type=float, nargs="*", default=[], help="1 1.5 3 5")
    parser.add_argument("--sheet", type=Path, help="PNG of generated spectrograms beside real ones")
    parser.add_argument("--knows", type=Path, help="writes knows.csv, which the engine and `auto` go by")
    return parser


if __name__ == "__main__":
    main()
