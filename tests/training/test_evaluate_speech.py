"""Word error rates by hand-counted cases, and a scene judged by a toy recogniser."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.clip import Clip, write_clip
from models.errors import AudioUnreadable, EngineUnavailable
from training.evaluate_speech import (
    ManifestUnreadable,
    Whisper,
    evaluate,
    main,
    speech_lines,
    table,
    word_errors,
)


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("the cat sat", "the cat sat", 0),
        ("the cat sat", "the bat sat", 1),  # one substitution
        ("the cat sat", "the sat", 1),  # one deletion
        ("the cat sat", "the fat cat sat", 1),  # one insertion
        ("the cat sat", "", 3),
        ("", "the cat", 2),
        ("a b c d", "b c d e", 2),  # a is lost, e is put in; not four substitutions
        ("we sing at dawn", "sing we at dusk", 3),  # a swap costs two
    ],
)
def test_errors_are_counted_as_by_hand(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


def test_errors_equal_the_recursive_definition_on_every_short_pair() -> None:
    def distance(left: str, right: str) -> int:
        if not left or not right:
            return len(left) + len(right)
        return min(
            distance(left[1:], right) + 1,
            distance(left, right[1:]) + 1,
            distance(left[1:], right[1:]) + (left[0] != right[0]),
        )

    texts = ["".join(letters) for length in range(4) for letters in product("ab", repeat=length)]
    for left, right in product(texts, repeat=2):
        assert word_errors(left, right) == distance(left, right), (left, right)


class Parrot:
    """Says for each clip what its length in samples stands for, and remembers nothing else."""

    def __init__(self, words: dict[int, str]) -> None:
        self.words = words

    def hears(self, clip: Clip) -> str:
        return self.words[clip.n_samples]


def scene(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "clips").mkdir(parents=True)
    for number, row in enumerate(rows):
        row.setdefault("clip", f"clips/{number}.wav")
        if row["clip"].startswith("clips"):
            write_clip(Clip(np.zeros((1, 100 + number), np.float32), 16_000), folder / row["clip"])
    path = folder / "manifest.json"
    path.write_text(json.dumps({"format": "talescape-scene/1", "rows": rows}), "utf-8")
    return path


def speech(row: str, text: str, **more: Any) -> dict[str, Any]:
    return {"row": row, "type": "speech", "character": "Ann", "voice": "af_heart", "description": text, **more}


def test_a_scene_is_judged_row_by_row_and_in_all(tmp_path: Path) -> None:
    rows = [
        speech("r01", "Dr. Smith pays $3.50."),  # doctor smith pays three dollars and fifty cents: 8 words
        {"row": "r02", "type": "music", "description": "violins", "clip": "clips/none.mid"},
        speech("r03", "Go home, now!"),
        speech("r04", "…"),
        speech("r05", "One | two."),
    ]
    path = scene(tmp_path / "s", rows)
    heard = {100: "doctor smith pays three dollars and fifty cents", 102: "Go on home", 104: "one | too"}
    scores = evaluate(path, Parrot(heard))
    assert [(score.line.row, score.n_words, score.n_errors) for score in scores] == [
        ("r01", 8, 0),
        ("r03", 3, 2),
        ("r05", 2, 1),
    ]
    text = table(scores)
    assert "| r01 | Ann | af_heart | 8 | 0 | 0.000 |  |" in text
    assert "| r05 | Ann | af_heart | 2 | 1 | 0.500 | one \\| too |" in text
    assert "Word error rate 0.2308 (3 errors / 13 words, 3 rows)" in text  # 3 / 13
    assert "mean 0.3889, median 0.5000, worst 0.6667" in text  # of 0, 2/3 and 1/2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "has no list of rows"),
        ('{"rows": []}', "has no speech rows"),
        ('{"rows": [{"type": "speech", "row": "r01"}]}', "speech row 1 has no description, clip"),
        (
            json.dumps({"rows": [speech("r07", "Hi", clip="../secret.wav")]}),
            "r07 names ../secret.wav, which is outside",
        ),
    ],
)
def test_a_manifest_that_cannot_be_judged_says_why(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content, "utf-8")
    with pytest.raises(ManifestUnreadable, match=message):
        speech_lines(path)


def test_a_missing_manifest_and_a_missing_clip_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestUnreadable, match="nowhere.json"):
        speech_lines(tmp_path / "nowhere.json")
    path = scene(tmp_path / "s", [speech("r01", "Hi there")])
    (tmp_path / "s" / "clips" / "0.wav").unlink()
    with pytest.raises(AudioUnreadable, match="0.wav"):
        evaluate(path, Parrot({}))


def test_a_folder_without_the_recogniser_says_what_to_put_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EngineUnavailable, match=r"model\.bin: is not there; put a Whisper model"):
        Whisper(tmp_path)
    assert main([str(tmp_path / "manifest.json"), "--whisper", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and "model.bin" in told.err
