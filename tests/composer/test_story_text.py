"""Story files: encodings, line ends, wrapped lines, and what is no text."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import StoryUnreadable
from composer.writers.story_text import checked, paragraphs_of, read_story, sentences_of

TEXT = "“It’s late,” said Anna. Café!"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_story_reads_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "story.txt"
    path.write_bytes(TEXT.encode(encoding))
    assert read_story(path) == TEXT


def test_line_ends_of_all_systems_are_one(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_bytes(b"One.\r\n\r\nTwo.\r\rThree.\n")
    assert [paragraph.text for paragraph in paragraphs_of(read_story(path))] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04 word/document.xml", "zip"),
        (b"Once\x00upon a time", "NUL"),
        (b"a\x00b\x00c\x00\x00\x00", "NUL"),
        (bytes(range(256)) * 10, "NUL"),
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"ab\x81cd", "neither UTF-8"),
        (b"\xff\xfea", "damaged"),
    ],
)
def test_files_that_are_no_text_are_refused_with_their_name(tmp_path: Path, data: bytes, what: str) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes(data)
    with pytest.raises(StoryUnreadable, match=what) as caught:
        read_story(path)
    assert "odd.txt" in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(StoryUnreadable, match=path.name):
            read_story(path)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(StoryUnreadable, match="60,000,000 bytes"):
        read_story(path)


def test_wrapped_lines_are_joined_and_dialogue_lines_are_not() -> None:
    wrapped = (
        "It was a bright cold day and the clocks of the town were late, as\n"
        "they had been for as long as anybody could remember, so that nobody\n"
        'ever came in time.\n\n"Well," he said.\n'
    )
    assert len(paragraphs_of(wrapped)) == 2
    lines = '"Are you there?" asked Tom.\n"Yes," said Anna.\n"Good."'
    assert len(paragraphs_of(lines)) == 3


def test_the_licence_around_a_gutenberg_text_is_no_part_of_the_story(tmp_path: Path) -> None:
    path = tmp_path / "pg.txt"
    head, tail = "*** START OF THE PROJECT GUTENBERG EBOOK X ***", "*** END OF THE PROJECT GUTENBERG EBOOK X ***"
    path.write_text(f"Licence.\n{head}\nThe story.\n{tail}\nMore licence.\n", "utf-8")
    assert read_story(path).strip() == "The story."


def test_headings_and_breaks_are_told_apart() -> None:
    found = paragraphs_of("The Title\n\nChapter 1\n\nOnce.\n\n* * *\n\nAgain.\n\nIV\n\nThe end.")
    assert [(paragraph.kind, paragraph.after_break) for paragraph in found] == [
        ("title", False), ("chapter", False), ("prose", False), ("prose", True), ("chapter", False), ("prose", False)
    ]  # fmt: skip


def test_marks_of_direction_are_not_spoken_and_part_words_only_where_they_stand_between_two() -> None:
    assert checked("\u202b«مرحبا.»\u202c Hello\u200f, A\u202eB") == "«مرحبا.» Hello, A B"


def test_control_characters_part_words() -> None:
    assert checked("one\x0ctwo\x0bthree\x00four\x1ffive") == "one two three four five"


def test_arabic_questions_end_sentences() -> None:
    assert sentences_of("من هناك؟ أنا ليلى.") == ["من هناك؟", "أنا ليلى."]


def test_titles_before_names_end_no_sentence() -> None:
    assert sentences_of("Mr. Hill met Dr. Lee. They talked. J. Smith came!") == [
        "Mr. Hill met Dr. Lee.",
        "They talked.",
        "J. Smith came!",
    ]
