"""Speaks sentences with every bundled voice into a folder with a table: speech for nets that must tell it apart.

    python -m training.speak_set --out data/speech

The table has the columns of training/sounds.py. One voice in four is of fold 4, which is kept for validation. The
sentences are ours; the voices are Kokoro-82M's, whose speech may be used freely (Apache-2.0).
Conventions: clips are 16 kHz mono 16-bit WAV.
"""

from __future__ import annotations

import argparse
import csv
import wave
from pathlib import Path

import numpy as np

from models.clip import resample, with_channels
from models.engines import speech_engine
from training.sounds import SAMPLE_RATE

SENTENCES = Path(__file__).with_name("speech_sentences.txt")
COLUMNS = ("file", "set", "concept", "text", "fold", "licence", "author", "link")
CREDIT = ("Apache-2.0", "Kokoro-82M", "https://huggingface.co/hexgrad/Kokoro-82M")
FOLDS = ("1", "2", "3", "4")


def speak_set(out: Path, *, n_sentences: int, seed: int) -> int:
    """Writes the clips and OUT/sounds.csv, `n_sentences` for each voice, and says how many clips there are."""
    engine = speech_engine("kokoro")
    sentences = SENTENCES.read_text("utf-8").splitlines()
    random = np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for place, voice in enumerate(sorted(voice.name for voice in engine.voices())):
        for number in sorted(random.choice(len(sentences), n_sentences, replace=False).tolist()):
            clip = resample(with_channels(engine.speak(sentences[number], voice=voice, seed=0), 1), SAMPLE_RATE)
            name = f"{voice}-{number:02d}.wav"
            with wave.open(str(out / name), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(SAMPLE_RATE)
                file.writeframes(np.round(np.clip(clip.samples[0], -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
            rows.append((name, "speech", "speech", sentences[number], FOLDS[place % 4], *CREDIT))
    with (out / "sounds.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=6, help="for each voice")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    n_clips = speak_set(given.out, n_sentences=given.sentences, seed=given.seed)
    print(f"{given.out / 'sounds.csv'}: {n_clips} clips")


if __name__ == "__main__":
    main()
