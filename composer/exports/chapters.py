"""Chapters of a scene, and their file in the shape that podcast players read (Podcasting 2.0, JSON chapters 1.2).

Chapters are the sections that the table names. In a table without sections a chapter begins where the surroundings
change: where a background begins, SHORTEST_S or more after the last change.

Placement: times in the JSON are seconds as the shortest decimal that is nearest to the sample: 0 samples of error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composer.exports.rendered import Rendered, RenderedRow
from composer.files import write_atomically

VERSION = "1.2.0"
SHORTEST_S = 8.0
"""A change of surroundings within so short a time belongs to the chapter that goes on."""
LONGEST_TITLE = 70


@dataclass(frozen=True)
class Chapter:
    start_sample: int
    end_sample: int
    title: str


def export_chapters(rendered: Rendered, path: Path) -> None:
    """Writes the chapters as JSON."""
    rate = rendered.sample_rate
    told = {
        "version": VERSION,
        "title": rendered.title,
        "chapters": [
            {
                "startTime": chapter.start_sample / rate,
                "endTime": chapter.end_sample / rate,
                "title": chapter.title,
            }
            for chapter in chapters_of(rendered)
        ],
    }
    write_atomically(path, json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def chapters_of(rendered: Rendered) -> list[Chapter]:
    """One chapter after another from the scene's begin to its end; at least one."""
    title = _title(rendered.title) or "Untitled"
    begins = _named_sections(rendered.rows) or _changes(rendered)
    if not begins or (begins[0][0] > 0 and not _opens(rendered, begins[0][0])):
        begins.insert(0, (0, title))
    begins[0] = 0, begins[0][1]
    ends = [begin for begin, _ in begins[1:]] + [rendered.n_samples]
    return [Chapter(begin, end, name) for (begin, name), end in zip(begins, ends, strict=True) if end > begin]


def _opens(rendered: Rendered, sample: int) -> bool:
    """Nothing sounds before it."""
    return all(row.start_sample >= sample for row in rendered.rows)


def _named_sections(rows: Sequence[RenderedRow]) -> list[tuple[int, str]]:
    """Where each section begins: with the first of its rows to sound, never before the section above it."""
    begins: list[tuple[int, str]] = []
    section, earliest = "", 0
    for row in rows:
        if row.section != section and row.section:
            section = row.section
            earliest = begins[-1][0] + 1 if begins else 0
            begins.append((max(earliest, row.start_sample), _title(section)))
        elif begins and row.start_sample < begins[-1][0]:
            begins[-1] = max(earliest, row.start_sample), begins[-1][1]
    return begins


def _changes(rendered: Rendered) -> list[tuple[int, str]]:
    """Where a background begins, named by it; by what is heard around rather than by music when both begin."""
    shortest = round(SHORTEST_S * rendered.sample_rate)
    beds = sorted(
        (row for row in rendered.rows if row.receipt.layout == "background"), key=lambda row: row.start_sample
    )
    begins: list[tuple[int, str, bool]] = []
    for bed in beds:
        is_music = bed.receipt.type == "music"
        name = _title(bed.receipt.words) or bed.row
        if begins and bed.start_sample - begins[-1][0] < shortest:
            start, named, by_music = begins[-1]
            begins[-1] = (start, name, False) if by_music and not is_music else (start, named, by_music)
        elif not begins and bed.start_sample < shortest:
            begins.append((0, name, is_music))
        else:
            begins.append((bed.start_sample, name, is_music))
    return [(start, name) for start, name, _ in begins]


def _title(text: str) -> str:
    """One line without a full stop, cut at a word."""
    line = " ".join(text.split()).rstrip(".")
    if len(line) <= LONGEST_TITLE:
        return line
    return f"{line[: LONGEST_TITLE - 1].rpartition(' ')[0] or line[: LONGEST_TITLE - 1]}…"
