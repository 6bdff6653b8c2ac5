"""Story text: a file or a string becomes paragraphs, with headings and scene breaks told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from composer.cells import tidy_text
from composer.errors import StoryUnreadable

MAX_WORDS = 200_000
MAX_CHARS = 2_000_000
MAX_FILE_BYTES = 50_000_000
MAX_ROW_CHARS = 600
MAX_WORD_CHARS = 5_000
WORDS_A_PIECE = 40
"""Where prose without full stops is cut, at the next word that begins a clause."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
"""Control characters are never spoken; they separate words (a form feed between pages, a vertical tab in a line)."""
_DIRECTION = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
"""Marks of the writing direction, which are seen and not heard."""
_LONG_WORD = re.compile(rf"[^\s\u2e80-\ud7ff]{{{MAX_WORD_CHARS}}}")
_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive (docx, odt and epub files are such)"),
    (b"\xd0\xcf\x11\xe0", "an old Word document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"RIFF", "a sound or video file"),
)
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CHAPTER = re.compile(
    r"(?i)(?:(?:chapter|part|book|stave|canto|act|scene|section|letter)\s+(?:\d{1,4}|[ivxlcdm]{1,8}|the \w+|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    r"nineteen|twenty(?:-\w+)?|first|second|third|last)\b.{0,80}|prologue|epilogue|interlude|foreword|afterword|"
    r"[ivxlc]{1,7}\.?|\d{1,3}\.?)"
)
_ENDS = re.compile(r"[.!?…؟۔:;,。！？—–\-][\"'”’»)\]*_]*$|[\"”’»」]$")
_SENTENCE_END = re.compile(r"(?:[.!?…؟۔]+[\"'”’»)\]*_]*(?=\s+[^a-z\s])|[。！？]+[」』”]?)")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|Capt|Col|Gen|Lt|Sgt|Rev|Sr|Jr|Mt|No|vs|etc|i\.e|e\.g|[A-Z])\.$")
_CLAUSE_WORD = re.compile(
    r"\s(?=(?:and|but|so|then|because|when|while|which|who|or|as|until|before|after|where|for|though|if)\s)"
)


@dataclass(frozen=True)
class Paragraph:
    text: str
    kind: Literal["title", "chapter", "prose"] = "prose"
    after_break: bool = False
    """A line such as *** stands before it."""


def read_story(path: Path) -> str:
    """The text of a story file: UTF-8, UTF-16 with a mark, or Windows-1252. Raises StoryUnreadable."""
    try:
        if path.is_dir():
            raise StoryUnreadable(f"{path}: is a folder; give the text file itself")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise StoryUnreadable(
                f"{path}: has {size:,} bytes, at most {MAX_FILE_BYTES:,} are read; split it by chapter"
            )
        data = path.read_bytes()
    except OSError as error:
        raise StoryUnreadable(
            f"{path}: cannot be read ({error.strerror or error}); check its name and rights"
        ) from error
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise StoryUnreadable(f"{path}: is {what}, not plain text; save it as .txt (UTF-8) first")
    text = _decode(data, path).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise StoryUnreadable(f"{path}: is empty; give a file with the story in it")
    return _without_gutenberg(text)


def _decode(data: bytes, path: Path) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise StoryUnreadable(f"{path}: is damaged {encoding} text; save it again as UTF-8") from error
    if b"\x00" in data and (text := _unmarked_utf16(data)):
        return text
    if b"\x00" in data:
        raise StoryUnreadable(f"{path}: holds NUL bytes, so it is not plain text; save it as .txt (UTF-8) first")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise StoryUnreadable(f"{path}: is neither UTF-8 nor Windows-1252 text; save it as UTF-8")


def _unmarked_utf16(data: bytes) -> str:
    """UTF-16 text without its mark, known by NUL bytes that stand in every other place only; empty when it is none."""
    odd, even = data[1::2].count(0), data[::2].count(0)
    if len(data) % 2 or min(odd, even) or max(odd, even) < len(data) / 8:
        return ""
    try:
        text = data.decode("utf-16-le" if odd else "utf-16-be")
    except UnicodeDecodeError:
        return ""
    return text if not _CONTROL.search(text) else ""


def _without_gutenberg(text: str) -> str:
    """Without the licence that Project Gutenberg puts around its texts, between its own START and END lines."""
    start = re.search(r"(?m)^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK[^\n]*$", text)
    end = re.search(r"(?m)^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG EBOOK", text)
    return text[start.end() if start else 0 : end.start() if end else len(text)]


def checked(text: str) -> str:
    """The text, tidied. Raises StoryUnreadable when it holds no words or too many."""
    if len(text) > 20 * MAX_CHARS:
        raise StoryUnreadable(
            f"the story has {len(text):,} characters, at most {MAX_CHARS:,} are read; split it by chapter"
        )
    n_words = len(text.split())
    if n_words > MAX_WORDS:
        raise StoryUnreadable(f"the story has {n_words:,} words, at most {MAX_WORDS:,} are read; split it by chapter")
    if len(text) > MAX_CHARS:
        raise StoryUnreadable(
            f"the story has {len(text):,} characters, at most {MAX_CHARS:,} are read; split it by chapter"
        )
    tidy = tidy_text(_CONTROL.sub(" ", _DIRECTION.sub(_direction, text)))
    if not has_words(tidy):
        raise StoryUnreadable("the story holds no words; give at least one sentence of text")
    longest = _LONG_WORD.search(tidy)
    if longest:
        raise StoryUnreadable(
            f"the story holds {MAX_WORD_CHARS:,} characters without a space, from {longest.group()[:30]!r} on; "
            "give plain prose with spaces between its words"
        )
    return tidy


def _direction(mark: re.Match[str]) -> str:
    """What stands for a mark of direction: nothing, but a space between two words."""
    around = mark.string[max(0, mark.start() - 1) : mark.start()], mark.string[mark.end() : mark.end() + 1]
    return " " if all(has_words(each) for each in around) else ""


def has_words(text: str) -> bool:
    return re.search(r"[^\W_]", text) is not None


def paragraphs_of(text: str) -> list[Paragraph]:
    """The paragraphs in order; hard-wrapped lines are joined, lines without words become scene breaks."""
    lines = text.split("\n")
    width = _wrap_width(lines)
    has_blank = any(not line.strip() for line in lines)
    blocks: list[tuple[str, bool]] = []
    current: list[str] = []
    last, after_break = "", False

    def close() -> None:
        nonlocal after_break
        if current:
            blocks.append((" ".join(current), after_break))
            current.clear()
            after_break = False

    for line in lines:
        words = line.strip()
        if not has_words(words):
            if words and re.fullmatch(r"[\s*#~•·⁂=_+.\-–—]+", words):
                close()
                after_break = True
            elif words and current:
                current.append(words)
            elif words and blocks:
                blocks[-1] = (f"{blocks[-1][0]} {words}", blocks[-1][1])
            else:
                close()
            last = ""
            continue
        if current and not _continues(last, line, width, has_blank):
            close()
        current.append(words)
        last = line.rstrip()
    close()
    found = [Paragraph(words, "prose", broke) for words, broke in blocks]
    return [_with_kind(paragraph, index, len(found)) for index, paragraph in enumerate(found)]


def _wrap_width(lines: list[str]) -> int:
    """The column at which the lines are wrapped; 0 when each line is a paragraph of its own."""
    lengths = sorted(len(line.rstrip()) for line in lines if line.strip())
    widest = lengths[int(0.95 * (len(lengths) - 1))]
    wrapped = sum(length > 0.75 * widest for length in lengths)
    return widest if 30 <= widest <= 130 and wrapped >= 2 else 0


def _continues(last: str, line: str, width: int, has_blank: bool) -> bool:
    """Whether a line goes on with the paragraph of the line before it."""
    if not width or _CHAPTER.fullmatch(last.strip()):
        return False
    if line[:1].isspace() and not last[:1].isspace():
        return False
    first_word = len(line.split(maxsplit=1)[0])
    is_full = len(last) + 1 + first_word > 0.92 * width
    if not _ENDS.search(last):
        return is_full or (has_blank and line.strip()[:1].islower())
    return is_full and (has_blank or line.strip()[:1] not in "\"“'‘«「—–")


def _with_kind(paragraph: Paragraph, index: int, count: int) -> Paragraph:
    text = paragraph.text
    if len(text) <= 120 and _CHAPTER.fullmatch(text) and count > 1 and text not in ("I", "I."):
        return Paragraph(text, "chapter", paragraph.after_break)
    starts_plain = text[:1] not in "\"“'‘«「—–„"
    if index == 0 and count > 1 and len(text) <= 80 and starts_plain and not re.search(r"[.…,;:。]$", text):
        return Paragraph(text, "title", paragraph.after_break)
    return paragraph


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, in order; nothing but white space between them is lost."""
    sentences, begin = [], 0
    for end in _SENTENCE_END.finditer(text):
        if _ABBREVIATION.search(text, max(begin, end.end() - 8), end.end()):
            continue
        sentences.append(text[begin : end.end()].strip())
        begin = end.end()
    sentences.append(text[begin:].strip())
    return [piece for sentence in sentences if sentence for piece in _shorter(sentence)]


def _shorter(sentence: str) -> list[str]:
    """Sentences beyond a row's length are cut at commas, else before a clause word about every 40 words."""
    pieces = []
    while len(sentence) > MAX_ROW_CHARS:
        cut = max(sentence.rfind(mark, 100, MAX_ROW_CHARS) for mark in (", ", "; ", ": ", "，", "、")) + 1
        if cut < 100:
            places = [found.start() for found in _CLAUSE_WORD.finditer(sentence, 0, MAX_ROW_CHARS)]
            goal = 6 * WORDS_A_PIECE
            cut = next((place for place in places if place >= goal), places[-1] if places else 0)
        if cut < 100:
            cut = sentence.rfind(" ", 0, MAX_ROW_CHARS)
        if cut < 1:
            cut = _whole_words_cut(sentence)
        if cut >= len(sentence):
            break
        pieces.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*pieces, sentence] if sentence else pieces


def _whole_words_cut(sentence: str) -> int:
    """Text without spaces (Chinese, or one endless word): ideographs may be cut anywhere, other words nowhere."""
    if re.search(r"[\u2e80-\ud7ff]", sentence[:MAX_ROW_CHARS]):
        return MAX_ROW_CHARS
    space = sentence.find(" ", MAX_ROW_CHARS)
    return space if space > 0 else len(sentence)


def rows_of(sentences: list[str]) -> list[str]:
    """Sentences joined into stretches of at most a row's length."""
    rows: list[str] = []
    length = 0
    pending: list[str] = []
    for sentence in sentences:
        if pending and length + len(sentence) > MAX_ROW_CHARS:
            rows.append(" ".join(pending))
            pending, length = [], 0
        pending.append(sentence)
        length += len(sentence) + 1
    return [*rows, " ".join(pending)] if pending else rows
