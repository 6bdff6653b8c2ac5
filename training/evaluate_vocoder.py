"""What sound loses on its way through mels and back: ESC-10's held-out fold by ear of YAMNet, and by distances.

`python -m training.evaluate_vocoder FOLDER --mels 64/2048/512 80/1024/320 --yamnet DIR`: real clips, Griffin-Lim for
each choice of mels/n_fft/hop, then each vocoder (a name or a checkpoint folder). Without --yamnet, distances only.
Log-mel L1: mean difference of natural log mels, 128 bands, n_fft 1024, hop 160. STFT: mean over n_fft 512, 1024 and
2048 of spectral convergence + log magnitude L1 (Yamamoto et al. 2020). Conventions: mono clips, compared at 16 kHz.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.clip import Clip, resample
from models.vocoder import Vocoder, vocoder
from models.vocoder.griffin_lim import GriffinLim
from models.vocoder.mel import BUNDLED, TALK, MelScale, log_mel, magnitude
from training.sounds import SAMPLE_RATE, Sound, SoundsConfig, read_sounds
from training.yamnet import Heard, Yamnet, best_rank

FINE = MelScale(n_fft=1024, hop=160, n_mels=128)
STFTS = tuple(MelScale(n_fft=n_fft, hop=n_fft // 4, n_mels=1) for n_fft in (512, 1024, 2048))
HEARD_AS = {
    "dog": ("Dog", "Bark"),
    "rain": ("Rain", "Raindrop", "Rain on surface"),
    "sea waves": ("Waves, surf", "Ocean"),
    "baby": ("Baby cry, infant cry", "Crying, sobbing"),
    "clock": ("Clock", "Tick", "Tick-tock"),
    "sneeze": ("Sneeze",),
    "helicopter": ("Helicopter",),
    "chainsaw": ("Chainsaw",),
    "rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "fire": ("Fire", "Crackle"),
}
"""ESC-10's classes in YAMNet's words."""
TOP = 5


@dataclass(frozen=True)
class Row:
    """One line of the table, means over `count` clips; what YAMNet hears is None without it."""

    system: str
    mel: str
    frames_per_s: float | None
    log_mel_l1: float
    stft_distance: float
    label_top_1: float | None
    label_top_5: float | None
    kept_top_1: float | None
    """Share of clips whose first class is that of the real clip."""
    kept_top_5: float | None
    """Share of clips that have the real clip's first class among their first five."""
    count: int


def reconstruct(clip: Clip, through: Vocoder) -> Clip:
    """The clip through the vocoder's mels and back, at its own rate and length."""
    scale = through.scale
    samples = torch.from_numpy(resample(clip, scale.sample_rate).samples[0])
    made = resample(through.waveform(log_mel(samples, scale)), clip.sample_rate).samples
    fitted = np.zeros_like(clip.samples)
    fitted[:, : made.shape[1]] = made[:, : clip.n_samples]
    return Clip(fitted, clip.sample_rate)


def log_mel_l1(made: Clip, real: Clip) -> float:
    """Mean absolute difference of fine log mels, in nepers."""
    first, second = (log_mel(torch.from_numpy(clip.samples[0]), FINE) for clip in (made, real))
    return float((first - second).abs().mean())


def stft_distance(made: Clip, real: Clip) -> float:
    """Spectral convergence plus log magnitude L1, the mean over three resolutions."""
    terms = []
    for scale in STFTS:
        first, second = (magnitude(torch.from_numpy(clip.samples[0]), scale) for clip in (made, real))
        convergence = (first - second).norm() / second.norm().clamp_min(1e-5)
        terms.append(float(convergence + (first.clamp_min(1e-3).log() - second.clamp_min(1e-3).log()).abs().mean()))
    return float(np.mean(terms))


def held_out_sounds(table: Path) -> list[Sound]:
    """ESC-10's fold 4. Raises DataUnusable."""
    return read_sounds(SoundsConfig(table=str(table), collections=["esc10"], folds=["4"]), Path())


def measure(
    sounds: Sequence[Sound],
    systems: Sequence[tuple[str, Vocoder]],
    ear: Callable[[Clip], list[Heard]] | None,
    *,
    report: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """A row for the real clips and one for each system; `ear` ranks the classes that it hears in a clip."""
    clips = [Clip(sound.samples[None].astype(np.float32) / np.float32(32767), SAMPLE_RATE) for sound in sounds]
    labels = [HEARD_AS.get(sound.concept, ()) for sound in sounds]
    first = [ear(clip)[0].name for clip in clips] if ear else []
    rows = []
    for name, through in [("real clips", None), *systems]:
        made = [clip if through is None else reconstruct(clip, through) for clip in clips]
        heard = [ear(clip) for clip in made] if ear else []
        of_label = [best_rank(ranking, names) for ranking, names in zip(heard, labels, strict=False) if names]
        of_real = [best_rank(ranking, (name,)) for ranking, name in zip(heard, first, strict=False)]
        row = Row(
            system=name,
            mel="" if through is None else mel_name(through.scale),
            frames_per_s=None if through is None else through.scale.frames_per_s,
            log_mel_l1=float(np.mean([log_mel_l1(*pair) for pair in zip(made, clips, strict=True)])),
            stft_distance=float(np.mean([stft_distance(*pair) for pair in zip(made, clips, strict=True)])),
            label_top_1=_share(of_label, 1),
            label_top_5=_share(of_label, TOP),
            kept_top_1=_share(of_real, 1),
            kept_top_5=_share(of_real, TOP),
            count=len(clips),
        )
        report(row)
        rows.append(row)
    return rows


def _share(ranks: Sequence[int], top: int) -> float | None:
    return float(np.mean([rank <= top for rank in ranks])) if ranks else None


def mel_name(scale: MelScale) -> str:
    return f"{scale.n_mels}/{scale.n_fft}/{scale.hop}"


def parse_mel(text: str) -> MelScale:
    """mels/n_fft/hop at 16 kHz, such as 64/2048/512. Raises ValueError (argparse then names the argument)."""
    n_mels, n_fft, hop = map(int, text.split("/"))
    return MelScale(n_fft=n_fft, hop=hop, n_mels=n_mels)


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown; shares in per cent."""
    lines = [
        "| system | mels/n_fft/hop | frames/s | log-mel L1 | STFT | label first | in 5 | real's first | in 5 | clips |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate = "" if row.frames_per_s is None else f"{row.frames_per_s:.4g}"
        shares = (row.label_top_1, row.label_top_5, row.kept_top_1, row.kept_top_5)
        cells = " | ".join("" if share is None else f"{100 * share:.0f} %" for share in shares)
        distances = f"{row.log_mel_l1:.3f} | {row.stft_distance:.3f}"
        lines.append(f"| {row.system} | {row.mel} | {rate} | {distances} | {cells} | {row.count} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vocoders", nargs="*", help="names or checkpoint folders")
    parser.add_argument("--mels", nargs="*", type=parse_mel, default=[TALK, BUNDLED], help="for Griffin-Lim")
    parser.add_argument("--sounds", type=Path, default=Path("../shared/data/sounds.csv"), help="table with ESC-10")
    parser.add_argument("--yamnet", type=Path, help="folder of yamnet.tflite and its class map")
    parser.add_argument("--every", type=int, default=1, help="only every so many clips")
    given = parser.parse_args()
    systems: list[tuple[str, Vocoder]] = [("Griffin-Lim", GriffinLim(scale)) for scale in given.mels]
    systems += [(name, vocoder(name)) for name in given.vocoders]
    ear = Yamnet(given.yamnet).ranking if given.yamnet else None
    print(table(measure(held_out_sounds(given.sounds)[:: given.every], systems, ear)))


if __name__ == "__main__":
    main()
