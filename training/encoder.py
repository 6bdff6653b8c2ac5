"""Trains the bundled encoder: an image tower and a text head meet in one space, over a locked sentence encoder.

Every class (a sounding thing, or another label) has texts; a step draws one text a class and asks each picture which
class it shows (Radford et al. 2021's contrastive loss with all classes as candidates instead of a batch's), leaving out
near-synonyms. Two more terms: a picture and its own text shall lie close (the gap between modalities is what CLIPSep
and CLIPSonic suffer from), and texts shall keep the likeness the sentence encoder gives them, so that words never
met land by those they resemble. Afterwards each modality's mean is taken off and stored.

    python -m training.encoder training/configs/encoder_bundled.yaml --pictures FOLDER --out FOLDER
    torchrun --nproc-per-node 2 -m training.encoder …           the same, gradients averaged over processes
"""

# ruff: noqa: TID253 - training is torch
from __future__ import annotations

import argparse
import importlib
import json
import logging
import math
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional as F

from models.encoders.sentence import sentence_vectors
from models.encoders.tower import ImageTower, TextHead
from training.augment import augmented
from training.concepts import has_unseen_word, sound_concepts, texts_of
from training.pictures import Row, read_pictures, read_table

log = logging.getLogger("talescape.training.encoder")
FEWEST_PICTURES = 3
"""A label with fewer pictures is no class of its own."""


class Recipe(BaseModel):
    """One run: the net's sizes, the loss's weights and the time it may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    n_dimensions: int = 256
    widths: tuple[int, ...] = (32, 64, 160, 256)
    depths: tuple[int, ...] = (1, 1, 2, 2)
    n_hidden: int = 256
    sides: tuple[tuple[float, int], ...] = ((0.4, 32), (0.8, 48), (1.0, 64))
    """(until which part of the run, side of the pictures): small pictures first, they cost a quarter."""
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.03
    share_sounding: float = 0.6
    """The part of a batch that shows sounding things."""
    align_weight: float = 1.0
    likeness_weight: float = 20.0
    text_noise: float = 0.012
    """Standard deviation, per element, of the noise on sentence vectors (which have length 1 in 384 elements)."""
    minutes: float = 22.0
    n_steps: int | None = None
    """Ends the run, and shapes the learning rate, where it comes before the time is over."""
    save_every_s: float = 120.0
    seed: int = 1
    n_threads: int = 1


@dataclass(frozen=True)
class Classes:
    """What there is to recognise, and the sentence vectors of what is said of each."""

    names: list[str]
    is_sounding: NDArray[np.bool_]
    sentences: Tensor
    """(n_texts, 384)"""
    first: Tensor
    """(n_classes + 1,): the texts of class c are sentences[first[c] : first[c + 1]]"""
    excluded: Tensor
    """(n_classes, n_classes) bool: classes that are no wrong answers for a picture of that class (itself is False)."""


def classes_of(rows: list[Row], *, cache: Path | None = None) -> Classes:
    """The sounding things, then every other label of the training rows, with texts and near-synonyms."""
    says = {concept.name: concept.says for concept in sound_concepts()}
    sounding = sorted({row.concept for row in rows if row.concept})
    words: dict[str, tuple[str, ...]] = {}
    parents: dict[str, str] = {}
    n_pictures = Counter(row.label for row in rows if row.split == "train")
    for row in rows:
        if row.split == "train" and (not row.concept or row.style.startswith("photo")):
            words.setdefault(row.label, row.words)
            if row.concept:
                parents[row.label] = row.concept
    others = sorted(
        label
        for label in words
        if label not in sounding and n_pictures[label] >= FEWEST_PICTURES and not has_unseen_word(label)
    )
    texts = [texts_of(name, says.get(name, (name,))) for name in sounding]
    for label in others:
        known = [word for word in words[label] if not has_unseen_word(word)]
        texts.append([label, f"a photo of a {label}."] + ([", ".join(known)] if known else []))
    names = sounding + others
    flat = [text for group in texts for text in group]
    sentences = torch.from_numpy(_cached_sentences(flat, cache))
    first = torch.tensor(np.cumsum([0, *map(len, texts)]))
    plain = torch.stack([F.normalize(part.mean(0), dim=0) for part in sentences.tensor_split(first[1:-1])])
    excluded = plain @ plain.T > 0.72
    place = {name: index for index, name in enumerate(names)}
    for label, parent in parents.items():
        if label in place:
            excluded[place[label], place[parent]] = excluded[place[parent], place[label]] = True
    excluded.fill_diagonal_(False)
    return Classes(names, np.arange(len(names)) < len(sounding), sentences, first, excluded)


def _cached_sentences(texts: list[str], cache: Path | None) -> NDArray[np.float32]:
    if cache is not None and cache.is_file():
        with np.load(cache) as stored:
            if np.array_equal(stored["texts"], np.array(texts)):
                kept: NDArray[np.float32] = stored["vectors"]
                return kept
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    vectors = np.empty((len(texts), 384), np.float32)
    vectors[order] = sentence_vectors([texts[index] for index in order])
    if cache is not None:
        np.savez(cache, texts=np.array(texts), vectors=vectors)
    return vectors


class Pair(torch.nn.Module):
    """Both sides and the temperature, trained together."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.image = ImageTower(widths=recipe.widths, depths=recipe.depths, n_dimensions=recipe.n_dimensions)
        self.text = TextHead(n_sentence=384, n_hidden=recipe.n_hidden, n_dimensions=recipe.n_dimensions)
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(20.0)))


def losses(pair: Pair, pictures: Tensor, target: Tensor, sentences: Tensor, excluded: Tensor) -> dict[str, Tensor]:
    """What is wrong with a batch: pictures (B, 3, S, S), target (B,), one sentence vector a class (C, 384)."""
    with torch.autocast("cpu", torch.bfloat16):
        seen = pair.image(pictures)
    image = F.normalize(seen.float(), dim=1)  # (B, D)
    text = F.normalize(pair.text(sentences), dim=1)  # (C, D)
    logits = pair.log_scale.clamp(max=math.log(60.0)).exp() * image @ text.T  # (B, C)
    contrast = F.cross_entropy(logits.masked_fill(excluded[target], -1e4), target, label_smoothing=0.02)
    align = (1 - (image * text[target]).sum(1)).mean()
    some = torch.randperm(len(sentences))[:400]
    plain = F.normalize(sentences[some], dim=1)
    likeness = F.mse_loss(text[some] @ text[some].T, plain @ plain.T)
    right = (logits.detach().argmax(1) == target).float().mean()
    return {"contrast": contrast, "align": align, "likeness": likeness, "right": right}


class Batches:
    """Draws training pictures, sounding things and others, each class as likely as the root of its size."""

    def __init__(
        self, rows: list[Row], pictures: NDArray[np.uint8], classes: Classes, recipe: Recipe, rank: int
    ) -> None:
        self.recipe, self.classes, self.pictures = recipe, classes, pictures
        self.generator = np.random.default_rng(recipe.seed + 1000 * rank)
        place = {name: index for index, name in enumerate(classes.names)}
        groups: list[list[list[int]]] = [[[] for _ in classes.names] for _ in range(2)]
        for index, row in enumerate(rows):
            if row.split != "train":
                continue
            if row.concept:
                groups[0][place[row.concept]].append(index)
            if row.label in place and (not row.concept or row.style.startswith("photo")):
                groups[1][place[row.label]].append(index)
        self.members = [[np.array(part) for part in group] for group in groups]
        sizes = [
            np.array([len(part) for part in group], float) ** power
            for group, power in zip(groups, (0.5, 0.85), strict=True)
        ]
        self.chances = [size / size.sum() if size.sum() else None for size in sizes]

    def draw(self, side: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures (B, 3, side, side), targets (B,) and one sentence vector a class (C, 384)."""
        n = self.recipe.batch_size
        target, chosen = np.empty(n, int), np.empty(n, int)
        for index in range(n):
            group = 0 if self.generator.random() < self.recipe.share_sounding or self.chances[1] is None else 1
            target[index] = self.generator.choice(len(self.classes.names), p=self.chances[group])
            chosen[index] = self.generator.choice(self.members[group][target[index]])
        pictures = augmented(torch.from_numpy(self.pictures[chosen]), side, self.generator)
        first = self.classes.first.numpy()
        picks = first[:-1] + (self.generator.random(len(first) - 1) * np.diff(first)).astype(int)
        sentences = self.classes.sentences[torch.from_numpy(picks)]
        noise = torch.from_numpy(self.generator.standard_normal(sentences.shape, np.float32))
        return pictures, torch.from_numpy(target), sentences + self.recipe.text_noise * noise


def train(recipe: Recipe, rows: list[Row], pictures: NDArray[np.uint8], out: Path, *, classes: Classes) -> Pair:
    """Trains until the time is over, resuming from OUT/state.pt, and returns the pair; logs to OUT/log.jsonl."""
    rank, n_processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    torch.set_num_threads(recipe.n_threads)
    torch.manual_seed(recipe.seed)
    pair = Pair(recipe)
    pair.image.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(pair.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    batches = Batches(rows, pictures, classes, recipe, rank)
    spent_s, step = 0.0, 0
    state_file = out / "state.pt"
    if state_file.is_file():
        state = torch.load(state_file, weights_only=True)
        pair.load_state_dict(state["pair"])
        optimizer.load_state_dict(state["optimizer"])
        spent_s, step = state["spent_s"], state["step"]
        torch.set_rng_state(state["torch_chance"])
        if rank == 0:
            batches.generator.bit_generator.state = json.loads(state["batch_chance"])
        else:
            batches.generator = np.random.default_rng([recipe.seed, rank, step])
    begun, saved_s = time.monotonic() - spent_s, spent_s
    means: dict[str, float] = {}
    pair.train()
    while True:
        spent_s = time.monotonic() - begun
        if n_processes > 1:  # all must agree on when to stop and on the size of the pictures
            clock = torch.tensor([spent_s])
            torch.distributed.broadcast(clock, 0)
            spent_s = float(clock)
        done = max(spent_s / (60 * recipe.minutes), step / (recipe.n_steps or math.inf))
        if done >= 1:
            break
        side = next(side for until, side in recipe.sides if done <= until)
        rate = min(done / recipe.warm_up, 0.5 + 0.5 * math.cos(math.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * max(rate, 1e-3)
        found = losses(pair, *batches.draw(side), classes.excluded)
        loss = found["contrast"] + recipe.align_weight * found["align"] + recipe.likeness_weight * found["likeness"]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if n_processes > 1:
            _average_gradients(pair, n_processes)
        torch.nn.utils.clip_grad_norm_(pair.parameters(), 5.0)
        optimizer.step()
        step += 1
        for name, value in found.items():
            means[name] = 0.98 * means.get(name, value.item()) + 0.02 * value.item()
        if rank == 0 and step % 20 == 0:
            line = {"step": step, "spent_s": round(spent_s), "side": side, **{k: round(v, 4) for k, v in means.items()}}
            with (out / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            log.info("%s", line)
        if rank == 0 and spent_s - saved_s > recipe.save_every_s:
            saved_s = spent_s
            _save_state(state_file, pair, optimizer, batches, spent_s, step)
    if rank == 0:
        _save_state(state_file, pair, optimizer, batches, spent_s, step)
    return pair


def _average_gradients(pair: Pair, n_processes: int) -> None:
    gradients = [parameter.grad for parameter in pair.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= n_processes
    begin = 0
    for gradient in gradients:
        gradient.copy_(flat[begin : begin + gradient.numel()].view_as(gradient))
        begin += gradient.numel()


def _save_state(
    path: Path, pair: Pair, optimizer: torch.optim.Optimizer, batches: Batches, spent_s: float, step: int
) -> None:
    state: dict[str, Any] = {
        "pair": pair.state_dict(),
        "optimizer": optimizer.state_dict(),
        "torch_chance": torch.get_rng_state(),
        "batch_chance": json.dumps(batches.generator.bit_generator.state),
        "spent_s": spent_s,
        "step": step,
    }
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--pictures", type=Path, required=True, help="the folder of training.gather_pictures")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = Recipe.model_validate(yaml.safe_load(given.recipe.read_text("utf-8")))
    given.out.mkdir(parents=True, exist_ok=True)
    if "WORLD_SIZE" in os.environ:
        importlib.import_module("torch._dynamo")  # loaded while a group is open, it keeps that group for ever
        torch.distributed.init_process_group("gloo")
    rows = read_table(given.pictures)
    pictures = read_pictures(rows, given.pictures / "pictures.npz")
    classes = classes_of(rows, cache=given.pictures / "sentences.npz")
    pair = train(recipe, rows, pictures, given.out, classes=classes)
    if "WORLD_SIZE" in os.environ:  # a process that ends while its group is open may abort
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    if int(os.environ.get("RANK", "0")) == 0:
        from training.export_encoder import export

        export(pair, recipe, rows, pictures, classes, given.out / "weights")


if __name__ == "__main__":
    main()
