"""File names made from queries: safe on every file system, distinct, and readable."""

from __future__ import annotations

from pathlib import Path

import pytest
from composer_separating import recording
from hypothesis import given
from hypothesis import strategies as st

from composer.errors import ComposerError
from composer.outputs import file_stems, output_paths, refuse_picture
from composer.separation import look_through


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("dog barking", "dog-barking"),
        ('a "big" dog/cat: woof?', "a-big-dog-cat-woof"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\windows\\system.ini", "C-windows-system-ini"),
        ("🐶", "query"),
        ("🐶 barks", "barks"),
        ("", "query"),
        ("...", "query"),
        ("con", "con-sound"),
        ("LPT1", "LPT1-sound"),
        ("犬の鳴き声", "犬の鳴き声"),
        ("\x00nul\x1f", "nul-sound"),
        ("x" * 200, "x" * 80),
        ("é" * 200, "é" * 40),
    ],
)
def test_texts_become_file_names(text: str, stem: str) -> None:
    assert file_stems([text]) == [stem]


def test_names_that_would_fall_together_are_numbered() -> None:
    assert file_stems(["dog", "Dog", "dog!", "dog-2", "🐶", "🐱"]) == [
        "dog",
        "Dog-2",
        "dog-3",
        "dog-2-2",
        "query",
        "query-2",
    ]


@given(st.lists(st.text(max_size=300), max_size=8))
def test_any_texts_become_distinct_short_names_without_separators(texts: list[str]) -> None:
    stems = file_stems(texts)
    assert len({stem.casefold() for stem in stems}) == len(texts)
    for stem in stems:
        assert stem and len(stem.encode()) <= 90 and not set(stem) & set('/\\:*?"<>|.\0') and stem.isprintable()


def test_outputs_lie_in_the_folder_with_the_recordings_format(tmp_path: Path) -> None:
    flac, _ = look_through(recording(tmp_path / "in.flac", duration_s=0.1))
    assert output_paths(flac, ["a b", "c"], tmp_path) == {"a b": tmp_path / "a-b.flac", "c": tmp_path / "c.flac"}
    assert output_paths(flac, ["a"], tmp_path / "x" / "B.WAV") == {"a": tmp_path / "x" / "B.WAV"}
    ogg, _ = look_through(recording(tmp_path / "in.ogg", duration_s=0.1))
    assert output_paths(ogg, ["a"], tmp_path / "v1.2") == {"a": tmp_path / "v1.2" / "a.wav"}


def test_a_picture_never_takes_an_outputs_place(tmp_path: Path) -> None:
    with pytest.raises(ComposerError, match="is an output too"):
        refuse_picture(tmp_path / "a.wav", tmp_path / "in.wav", [tmp_path / "a.wav"])
    with pytest.raises(ComposerError, match="is a folder"):
        refuse_picture(tmp_path, recording(tmp_path / "in.wav"), [])
    with pytest.raises(ComposerError, match=r"masks.jpg: the picture is a PNG"):
        refuse_picture(tmp_path / "masks.jpg", tmp_path / "in.wav", [])
