"""Transcripts for readers, in Markdown and in HTML: chapters as headings, who says what, sounds in brackets.

Placement: headings tell the second in which a chapter begins; nothing else is timed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from composer.exports.chapters import Chapter, chapters_of
from composer.exports.clock import short_clock
from composer.exports.rendered import Rendered, RenderedRow
from composer.files import write_atomically

_MARKED = re.compile(r"([\\`*_\[\]<>#|~&])")
_LIST_MARK = re.compile(r"^(\d*)([-+=.)])")
_STYLE = (
    "body{font:1.1em/1.6 Georgia,serif;max-width:38em;margin:2em auto;padding:0 1em;color:#17202b;background:#fff}"
    "h1,h2{line-height:1.2}time{color:#566171;font-size:.8em}.sound{color:#566171;font-style:italic}"
    "@media(prefers-color-scheme:dark){body{color:#e8ebf2;background:#14171f}time,.sound{color:#9aa5b8}}"
)


def export_transcript(rendered: Rendered, path: Path) -> None:
    """Writes the transcript as Markdown."""
    lines = [f"# {_marked(rendered.title)}", ""]
    for chapter, rows in _by_chapter(rendered):
        if chapter is not None:
            lines += [f"## {_marked(chapter.title)} ({short_clock(chapter.start_sample, rendered.sample_rate)})", ""]
        for row in rows:
            if row.receipt.type == "speech":
                paragraphs = [_marked(part) for part in _paragraphs(row)]
                lines += [f"**{_marked(row.speaker)}:** " + "\n\n".join(paragraphs), ""]
            else:
                lines += [f"*{_marked(_sound(row))}*", ""]
    write_atomically(path, "\n".join(lines))


def export_html_transcript(rendered: Rendered, path: Path) -> None:
    """Writes the transcript as one HTML page that asks for nothing outside."""
    title = escape(rendered.title)
    lines = [
        "<!DOCTYPE html>",
        f'<html><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
    ]
    for chapter, rows in _by_chapter(rendered):
        if chapter is not None:
            at = short_clock(chapter.start_sample, rendered.sample_rate)
            lines.append(f"<h2>{escape(chapter.title)} <time>{at}</time></h2>")
        for row in rows:
            if row.receipt.type == "speech":
                first, *rest = [escape(part) for part in _paragraphs(row)]
                lines.append(f'<p id="{row.row}"><b>{escape(row.speaker)}:</b> {first}</p>')
                lines += [f"<p>{part}</p>" for part in rest]
            else:
                lines.append(f'<p id="{row.row}" class="sound">{escape(_sound(row))}</p>')
    write_atomically(path, "\n".join([*lines, "</body></html>", ""]))


def _by_chapter(rendered: Rendered) -> Iterator[tuple[Chapter | None, list[RenderedRow]]]:
    """Rows by their begin, under their chapter; a lone chapter needs no heading."""
    chapters = chapters_of(rendered)
    rows = sorted(rendered.rows, key=lambda row: row.start_sample)
    if len(chapters) == 1:
        yield None, rows
        return
    for chapter in chapters:
        yield chapter, [row for row in rows if chapter.start_sample <= row.start_sample < chapter.end_sample]


def _paragraphs(row: RenderedRow) -> list[str]:
    words = row.receipt.description or ""
    return [" ".join(part.split()) for part in words.split("\n") if part.strip()] or [row.row]


def _sound(row: RenderedRow) -> str:
    words = row.receipt.words.rstrip(".") or row.row
    return f"[♪ {words}]" if row.receipt.type == "music" else f"[{words}]"


def _marked(text: str) -> str:
    """The text with every letter that Markdown would read as a mark made plain."""
    plain = _MARKED.sub(r"\\\1", " ".join(text.split()))
    return _LIST_MARK.sub(r"\1\\\2", plain)
