"""The measurement of CLIPSonic: agreement and distances by hand, ways to ask, and the whole command with a toy ear."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

import cli
from models.clip import Clip, write_clip
from models.clipsonic.engine import ClipSonic, Options
from models.clipsonic.knows import read_knows
from tests.clipsonic_toys import MEL, N_FRAMES, ToyEncoder, ToyPrior, ToyVocoder, toy_folder
from training.asking import banks_of_styles, made_by, rival_clip, rival_of, said_of, ways_of
from training.concepts import sound_concepts
from training.evaluations import evaluate
from training.judging import (
    Ear,
    Judged,
    classes_of_concepts,
    concept_table,
    judge,
    memorisation,
    row_of,
    table,
    take_of,
)
from training.sheet import Line, coloured, save_sheet
from training.sounds import DataUnusable, sound_of
from training.yamnet import Heard, Listened

YAMNET = Path(__file__).parents[3] / "shared" / "data" / "yamnet" / "yamnet_class_map.csv"
RANDOM = np.random.default_rng(0)


class ToyYamnet:
    """Hears by pitch alone: a dog below 1 kHz, rain above; six other classes stand between the two."""

    names = ("Dog", *(f"other {k}" for k in range(6)), "Rain")

    def __init__(self, folder: Path | None = None) -> None:
        self.n_heard = 0

    def listen(self, clip: Clip) -> Listened:
        self.n_heard += 1
        spectrum = np.abs(np.fft.rfft(clip.samples[0], 16_000))
        scores = np.linspace(1.0, 0.0, 8, dtype=np.float32)
        folded = spectrum[:8_000].reshape(16, 500).sum(axis=1).astype(np.float32)
        embedding = np.stack([folded, folded + 0.01 * RANDOM.standard_normal(16)]).astype(np.float32)
        return Listened((scores if spectrum.argmax() < 1_000 else scores[::-1])[None], embedding)

    def ranked(self, scores: NDArray[np.float32]) -> list[Heard]:
        rest = {name for names in classes_of_concepts().values() for name in names} - set(self.names)
        best = [Heard(self.names[number], float(scores[0][number])) for number in np.argsort(-scores[0])]
        return [*best, *(Heard(name, -1.0) for name in sorted(rest))]


def tone(hz: float, n: int = 16_000) -> NDArray[np.float32]:
    wave: NDArray[np.float32] = (0.4 * np.sin(2 * np.pi * hz * np.arange(n) / 16_000)).astype(np.float32)
    return wave


def judged(concept: str, rank: int, *directions: float) -> Judged:
    return Judged(concept, rank, np.array([[each, 1.0] for each in directions], np.float32))


# The judge


def test_every_class_that_counts_is_one_the_judge_knows() -> None:
    assert classes_of_concepts().keys() <= {concept.name for concept in sound_concepts()}
    assert all(classes_of_concepts().values())
    if not YAMNET.is_file():
        pytest.skip("../shared/data/yamnet is not there")
    with YAMNET.open(encoding="utf-8", newline="") as file:
        names = {row["display_name"] for row in csv.DictReader(file)}
    assert {name for heard in classes_of_concepts().values() for name in heard} <= names


def test_a_row_counts_ranks_and_measures_to_the_nearest_training_clip() -> None:
    made = [judged("dog", 1, 1.0, 1.1), judged("dog", 5, 0.0), judged("rain", 6, -1.0)]
    row = row_of("x", made, made, np.array([[1.0, 1.0], [0.0, 7.0]]))
    assert (row.top1, row.top5, row.count) == (pytest.approx(1 / 3), pytest.approx(2 / 3), 3)
    assert row.by_concept == {"dog": (2, 2), "rain": (0, 1)}
    assert row.frechet == pytest.approx(0.0, abs=1e-6)
    far = 1.0 - 1.0 / np.sqrt(2.0)  # of (-1, 1) to (0, 7); the others lie near a training clip
    assert row.nearest == pytest.approx(0.0003, abs=5e-4)
    assert row_of("x", made[2:] * 2, made, np.array([[0.0, 7.0]])).nearest == pytest.approx(far)
    assert row.top5_error == pytest.approx(np.sqrt(2 / 9 / 3))
    lines = table([row]).splitlines()
    assert len(lines) == 3 and "| 33 ± 27 % | 67 ± 27 % | 3 |" in lines[2]
    assert "| dog | 2/2 |" in concept_table([row])
    with pytest.raises(DataUnusable, match="there is no clip to judge"):
        row_of("x", [], made, np.ones((1, 2)))


def test_copies_of_training_clips_are_told_by_their_distance() -> None:
    training = [judged("dog", 1, 0.0), judged("dog", 1, 1.0), judged("rain", 1, 5.0)]
    text = memorisation(training, [judged("dog", 1, -1.0)], training, ["dog bark 1", "dog bark 2", "rain"])
    copies, real, takes = (line.split("|") for line in text.splitlines()[2:])
    assert float(copies[2]) == pytest.approx(0.0, abs=1e-3) and float(real[2]) > 0.2
    assert float(takes[2]) == pytest.approx(1.0 - 1.0 / np.sqrt(2.0), abs=1e-3) and takes[5].strip() == "1"
    assert take_of("door slam 12") == "door slam" and take_of("3D printer") == "3D printer"


def test_a_recording_is_heard_once_and_remembered_in_the_file(tmp_path: Path) -> None:
    sounds = [
        sound_of(np.round(32767 * tone(hz)).astype(np.int16), name, name=name)
        for hz, name in ((400, "dog"), (2_000, "rain"))
    ]
    first = Ear(ToyYamnet(), 8_000, tmp_path / "heard.npz")  # type: ignore[arg-type]
    heard = first.recordings([*sounds, sounds[0]])
    first.save()
    assert [one.rank for one in heard] == [1, 1, 1] and first.yamnet.n_heard == 2  # type: ignore[attr-defined]
    second = Ear(ToyYamnet(), 8_000, tmp_path / "heard.npz")  # type: ignore[arg-type]
    again = second.recordings(sounds)
    assert second.yamnet.n_heard == 0 and [one.heard for one in again] == ["Dog", "Rain"]  # type: ignore[attr-defined]
    assert np.array_equal(again[1].embeddings, heard[1].embeddings)
    assert Ear(ToyYamnet(), 4_000, tmp_path / "heard.npz").recordings(sounds)[0] is not again[0]  # type: ignore[arg-type]


def test_silence_around_a_sound_is_not_judged() -> None:
    heard: list[int] = []

    class Measures(ToyYamnet):
        def listen(self, clip: Clip) -> Listened:
            heard.append(clip.n_samples)
            return super().listen(clip)

    late = np.concatenate([np.zeros(32_000, np.float32), tone(400, 8_000), np.zeros(32_000, np.float32)])
    assert judge(Measures(), Clip(late[None], 16_000), "dog").rank == 1  # type: ignore[arg-type]
    assert 8_000 <= heard[0] <= 11_000


# Ways to ask


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.asking.encoder", lambda name: ToyEncoder())


def bank_of(path: Path) -> Path:
    names = np.array(["dog", "dog", "rain", "dog"])
    np.savez(
        path,
        vectors=RANDOM.standard_normal((4, 6)).astype(np.float32),
        concepts=names,
        split=np.array(["test", "test", "test", "train"]),
        style=np.array(["photo-a", "emoji", "emoji", "photo-a"]),
    )
    return path


def test_a_net_is_asked_in_every_way_that_it_can_be(tmp_path: Path, encoded: None) -> None:
    banks = banks_of_styles(bank_of(tmp_path / "p.npz"), ["dog", "rain"])
    assert {name: {c: len(v) for c, v in bank.items()} for name, bank in banks.items()} == {
        "picture": {"dog": 2, "rain": 1},
        "photograph": {"dog": 1},
        "drawing": {"dog": 1, "rain": 1},
    }
    seen = ClipSonic(toy_folder(tmp_path / "seen"), wave_maker=ToyVocoder())
    told = ClipSonic(toy_folder(tmp_path / "told", encoder_kind="text"), wave_maker=ToyVocoder())
    ways = list(ways_of("IQ", seen, {"PD": ToyPrior()}, banks, 0))
    assert [(way.variant, way.pairs, way.asked_by) for way in ways] == [
        ("IQ", "no", "picture"),
        ("IQ", "no", "photograph"),
        ("IQ", "no", "drawing"),
        ("IQ, ZS", "no", "text"),
        ("IQ, PD", "no", "text, prior PD"),
    ]
    assert [way.pairs for way in ways_of("TTA", told, {"PD": ToyPrior()}, banks, 0)] == ["yes"]
    pictures = ways[0].ask("dog", 3)
    assert pictures.shape == (3, 6) and np.array_equal(pictures[0], pictures[2])  # two pictures take turns
    assert not np.array_equal(pictures[0], pictures[1])
    words = ways[3].ask("dog", 4)
    assert np.array_equal(words[0], words[3]) and len({vector.tobytes() for vector in words}) == len(said_of("dog"))
    assert np.array_equal(ways[4].ask("dog", 2), ToyPrior().vectors(said_of("dog")[:2], seed=len("dog")))


def test_clips_follow_from_the_seed_and_only_able_concepts_are_made(tmp_path: Path, encoded: None) -> None:
    engine = ClipSonic(toy_folder(tmp_path), wave_maker=ToyVocoder())
    banks = banks_of_styles(bank_of(tmp_path / "p.npz"), ["dog", "rain"])
    photographs = next(way for way in ways_of("x", engine, {}, banks, 0) if way.asked_by == "photograph")
    words = next(way for way in ways_of("x", engine, {}, banks, 0) if way.asked_by == "text")
    assert {concept for concept, _ in made_by(photographs, ToyVocoder(), ["dog", "rain"], 2, Options(), 0)} == {"dog"}
    first, again, other, half = (
        made_by(words, ToyVocoder(), ["dog", "rain"], 5, Options(n_steps=2), seed, bf16=half)
        for seed, half in ((0, False), (0, False), (1, False), (0, True))
    )
    assert [concept for concept, _ in first] == ["dog"] * 5 + ["rain"] * 5
    assert all(clip.samples.shape == (1, N_FRAMES * MEL.hop) for _, clip in first)
    assert all(np.array_equal(a.samples, b.samples) for (_, a), (_, b) in zip(first, again, strict=True))
    assert not np.array_equal(first[0][1].samples, other[0][1].samples)
    assert not np.array_equal(first[0][1].samples, first[1][1].samples)
    assert not np.array_equal(first[0][1].samples, half[0][1].samples)
    assert np.allclose(first[0][1].samples, half[0][1].samples, atol=0.1)


def test_the_engines_it_would_replace_are_asked_as_auto_would() -> None:
    assert rival_of("rain falling") == "procedural" and rival_of("qwxzvvk") is None
    assert rival_of("a burp") == "library"
    clip = rival_clip("procedural", "rain falling", 0.5, 3)
    assert clip.samples.shape == (1, round(0.5 * clip.sample_rate)) and np.abs(clip.samples).max() > 0.01
    assert np.array_equal(clip.samples, rival_clip("procedural", "rain falling", 0.5, 3).samples)
    assert not np.array_equal(clip.samples, rival_clip("procedural", "rain falling", 0.5, 4).samples)


# The sheet


def test_a_sheet_shows_low_notes_below_and_refuses_uneven_lines(tmp_path: Path) -> None:
    mel = np.full((8, 20), -9.0, np.float32)
    mel[1] = 0.0
    picture = coloured(mel)
    assert picture.shape == (8, 20, 3) and picture[-2].sum() > picture[:-2].max() and picture[-1].sum() == 4 * 20
    save_sheet([Line("dog", (mel, mel)), Line("rain", (mel, mel))], ("generated", "real"), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as drawn:
        assert drawn.width > 2 * 200 and drawn.height > 2 * 96
    with pytest.raises(ValueError, match="needs 2 panels"):
        save_sheet([Line("dog", (mel,))], ("generated", "real"), tmp_path / "sheet.png")


# The command


def toy_data(folder: Path) -> Path:
    """A recipe over ten clips of two concepts, some held out, with its sounds."""
    rows = []
    for k in range(10):
        concept = ("dog", "rain")[k % 2]
        write_clip(Clip(tone((400, 3_000)[k % 2] * (1 + 0.02 * k), 24_000)[None], 16_000), folder / f"{k}.wav")
        row = {"file": f"{k}.wav", "set": "esc10", "concept": concept, "text": f"{concept} {k}"}
        rows.append(row | {"fold": "4" if k < 4 else "1"})
    with (folder / "sounds.csv").open("w", newline="") as file:
        columns = ("file", "set", "concept", "text", "fold", "licence", "author", "link")
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    recipe = {
        "recipe": "clipsonic",
        "name": "toy",
        "mel": MEL.model_dump() if hasattr(MEL, "model_dump") else {"n_fft": 1024, "hop": 320, "n_mels": 8},
        "n_frames": N_FRAMES,
        "net": {"kind": "frames", "width": 16, "depth": 2, "n_heads": 2},
        "sounds": {"table": str(folder / "sounds.csv"), "collections": ["esc10"], "folds": ["1"]},
        "windows": {"batch_size": 2},
        "queries": {"kind": "picture"},
        "loop": {"n_steps": 1},
    }
    (folder / "toy.yaml").write_text(yaml.safe_dump(recipe))
    return folder / "toy.yaml"


def test_the_command_prints_the_talks_table_and_writes_sheet_and_knowledge(
    tmp_path: Path, encoded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.evaluate_clipsonic.Yamnet", ToyYamnet)
    monkeypatch.setattr("training.evaluate_clipsonic.vocoder", lambda name, scale: ToyVocoder())
    arguments = [f"CLIPSonic={toy_folder(tmp_path / 'net')}", "--recipe", str(toy_data(tmp_path))]
    arguments += ["--yamnet", "none", "--clips", "2", "--pictures", str(bank_of(tmp_path / "p.npz")), "--steps", "2"]
    arguments += ["--sweep-steps", "1", "3", "--sweep-guidance", "3", "--heard", str(tmp_path / "heard.npz")]
    arguments += ["--sheet", str(tmp_path / "sheet.png"), "--knows", str(tmp_path / "knows.csv")]
    result = CliRunner().invoke(cli.app, ["evaluate", "clipsonic", *arguments])
    assert result.exit_code == 0, result.output
    first = [line.split("|")[1].strip() for line in result.stdout.splitlines() if line.count("|") == 12][2:]
    assert first[:4] == [
        "real, held out",
        "real, through the vocoder",
        "training clips of the concept",
        "training clips of any concept",
    ]
    assert first[4:10] == ["noise", "procedural or library", *["CLIPSonic"] * 3, "CLIPSonic, ZS"]
    swept = [name for name in first if name.startswith("CLIPSonic, ZS, ")]
    assert swept == ["CLIPSonic, ZS, 1 steps", "CLIPSonic, ZS, 3 steps", "CLIPSonic, ZS, guidance 3"]
    real = next(line for line in result.stdout.splitlines() if line.startswith("| real, held out"))
    assert "| 0.0 |" in real and "100 ± 0 % | 100 ± 0 % | 4 |" in real
    known = {each.concept: each for each in read_knows(tmp_path / "knows.csv")}
    assert known.keys() == {"dog", "rain"} and known["rain"].says == tuple(said_of("rain"))
    assert all(each.count == 2 and each.others_count == 2 for each in known.values())
    with Image.open(tmp_path / "sheet.png") as drawn:
        assert drawn.height > 2 * 96


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["folder"], "write NAME=FOLDER"),
        (["--concepts", "dog,unicorn"], "the judge has no class for unicorn"),
        (["--best", "XY"], "no variant is called 'XY'"),
    ],
)
def test_what_cannot_be_measured_is_told(
    tmp_path: Path, encoded: None, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.setattr("training.evaluate_clipsonic.Yamnet", ToyYamnet)
    monkeypatch.setattr("training.evaluate_clipsonic.vocoder", lambda name, scale: ToyVocoder())
    given = ["--recipe", str(toy_data(tmp_path)), "--yamnet", "none", "--clips", "2", *arguments]
    with pytest.raises(DataUnusable, match=told):
        evaluate("clipsonic", given)
