"""What an outside ear hears in every sound of the procedural engine.

Run: `python -m training.evaluate_effects --yamnet DIR` prints one line a clip, with `--summary` one line a sound: the
table of models/effects/README.md. DIR holds YAMNet (see training.yamnet).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.clip import Clip
from models.effects.procedural import Procedural, known_sounds
from models.engines import SoundQuery
from training.yamnet import Heard, Yamnet, best_rank

STEADY_S = 10.0
TOP = 5


@dataclass(frozen=True)
class Row:
    """One sound made with one seed, and what was heard in it."""

    sound: str
    query: str
    seed: int
    rank: int
    """Best rank, from 1, among the classes that the sound is meant to be heard as."""
    heard: tuple[Heard, ...]

    @property
    def recognised(self) -> bool:
        return self.rank <= TOP


def sounding(clip: Clip) -> Clip:
    """The clip without the near-silence (below 1 % of its peak) before and after its sound."""
    loud = np.flatnonzero(np.max(np.abs(clip.samples), axis=0) > 0.01 * np.max(np.abs(clip.samples)))
    return clip if len(loud) == 0 else replace(clip, samples=clip.samples[:, loud[0] : loud[-1] + 1])


def evaluate(
    yamnet_dir: Path, *, seeds: Sequence[int] = (0, 1, 2), only: Sequence[str] = (), query: str | None = None
) -> list[Row]:
    """Makes every sound (or those named) with every seed and lets YAMNet listen.

    Each is asked for by its first phrase, or by `query`; steady sounds last STEADY_S, events their natural length
    less the silence around them.
    """
    yamnet = Yamnet(yamnet_dir)
    engine = Procedural()
    rows = []
    for sound in known_sounds():
        if only and sound.name not in only:
            continue
        words = query or sound.phrases[0]
        for seed in seeds:
            clip = engine.generate(SoundQuery(words), duration_s=STEADY_S if sound.steady else None, seed=seed)
            ranking = yamnet.ranking(clip if sound.steady else sounding(clip))
            rows.append(Row(sound.name, words, seed, best_rank(ranking, sound.heard_as), tuple(ranking[:TOP])))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, one line a sound and seed, then how many were recognised."""
    lines = ["| sound | seed | rank | heard (mean score) |", "|---|---|---|---|"]
    for row in rows:
        heard = "; ".join(f"{one.name} {one.score:.2f}" for one in row.heard)
        lines.append(f"| {row.sound} | {row.seed} | {row.rank} | {heard} |")
    return "\n".join([*lines, "", *_counts(rows)])


def summary(rows: Sequence[Row]) -> str:
    """The rows as Markdown, one line a sound: its query, the ranks by seed, and what is heard with the first seed."""
    by_sound: dict[str, list[Row]] = {}
    for row in rows:
        by_sound.setdefault(row.sound, []).append(row)
    meant = {sound.name: sound.heard_as for sound in known_sounds()}
    lines = ["| sound | asked for as | counts as | rank by seed | heard (first seed) |", "|---|---|---|---|---|"]
    for name, own in by_sound.items():
        heard = "; ".join(f"{one.name} {one.score:.2f}" for one in own[0].heard[:3])
        ranks = " ".join(str(row.rank) for row in own)
        lines.append(f"| {name} | {own[0].query} | {'; '.join(meant.get(name, ()))} | {ranks} | {heard} |")
    return "\n".join([*lines, "", *_counts(rows)])


def _counts(rows: Sequence[Row]) -> list[str]:
    n_recognised = sum(row.recognised for row in rows)
    sounds = {row.sound for row in rows}
    always = {name for name in sounds if all(row.recognised for row in rows if row.sound == name)}
    return [
        f"{n_recognised} of {len(rows)} clips have an expected class in the top {TOP};",
        f"{len(always)} of {len(sounds)} sounds with every seed.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--yamnet", type=Path, required=True, help="folder of yamnet.tflite and its class map")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds for each sound")
    parser.add_argument("--only", nargs="*", default=[], help="names of sounds")
    parser.add_argument("--query", help="ask for it with these words instead of its first phrase")
    parser.add_argument("--summary", action="store_true", help="one line a sound instead of one a clip")
    given = parser.parse_args()
    rows = evaluate(given.yamnet, seeds=range(given.seeds), only=given.only, query=given.query)
    print(summary(rows) if given.summary else table(rows))


if __name__ == "__main__":
    main()
