"""Plans a scene: asks the writer in steps, validates every answer, sends faults back, and keeps a paper trail."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from composer.asking import N_TRIES, answered, inside, prompt_text
from composer.brief import Brief, Plan
from composer.cells import tidy_text
from composer.errors import ComposerError, PlanFailed, StoryUnreadable
from composer.faults import Fault
from composer.passages import passages_of, word_faults
from composer.pictures import picture_part
from composer.replies import (
    AnswerUnusable,
    Outline,
    WrittenRows,
    read_outline,
    read_written_rows,
)
from composer.script import MAX_ROWS
from composer.trail import Trail
from composer.writers.borders import with_borders

if TYPE_CHECKING:
    from composer.writers import Message, Writer

OUTLINED_CHARS = 20_000
"""So much of a story is shown for its outline."""
Rows = list[dict[str, object]]


def plan(brief: Brief, writer: Writer | None, *, trail: Path | None = None, n_tries: int = N_TRIES) -> Plan:
    """The plan of a brief: by the language model, or by the offline writer for a screenplay or when `writer` is None.

    What was asked and answered is kept in `trail`. Raises PlanFailed when no answer could be used in `n_tries`,
    WriterUnavailable when the server cannot be used, StoryUnreadable for words that cannot be.
    """
    begun_s = time.perf_counter()
    kept = Trail(trail)
    try:
        if writer is None or brief.screenplay:
            from composer.writers.offline import plan_offline

            name, planned = "offline", plan_offline(brief)
        else:
            planned = _plan_with(writer, _checked(brief), kept, n_tries)
            name = writer.model
    except ComposerError as error:
        kept.failed(str(error), time.perf_counter() - begun_s)
        raise
    about = {"writer": name, "seed": brief.seed, "title": planned.title, "rows": len(planned.rows)}
    kept.planned(about, [str(fault) for fault in planned.repairs], time.perf_counter() - begun_s)
    return planned


def _checked(brief: Brief) -> Brief:
    """The brief with its words tidied and its picture looked at, before a server is asked. Raises StoryUnreadable."""
    from composer.writers.prompt_reading import MAX_PROMPT
    from composer.writers.story_text import checked

    prompt = tidy_text(brief.prompt)
    if prompt and brief.story:
        raise StoryUnreadable("both a prompt and a story are given; give one of them")
    if not prompt and not brief.story and brief.picture is None:
        raise StoryUnreadable("the prompt is empty; say in a sentence what should be heard")
    if len(prompt) > MAX_PROMPT:
        raise StoryUnreadable(
            f"the prompt has {len(prompt):,} characters, at most {MAX_PROMPT:,} are read; "
            "put a long text into a file and give it as a story"
        )
    return replace(brief, prompt=prompt, story=checked(brief.story) if brief.story else "")


def _plan_with(writer: Writer, brief: Brief, trail: Trail, n_tries: int) -> Plan:
    asked = {
        "prompt": inside(brief.prompt),
        "story": inside(brief.story[:OUTLINED_CHARS]),
        "has_picture": brief.picture is not None,
    }
    content: object = prompt_text("plan_outline.j2", **asked)
    if brief.picture is not None:
        content = [{"type": "text", "text": content}, picture_part(brief.picture)]
    system: Message = {"role": "system", "content": prompt_text("plan_system.j2")}
    messages: list[Message] = [system, {"role": "user", "content": content}]
    outline = answered(writer, messages, Outline, read_outline, "outline", trail, n_tries)
    rows: Rows = []
    repairs: list[Fault] = []
    passages = passages_of(brief.story) if brief.story else [""]
    for number, passage in enumerate(passages, 1):
        text = prompt_text(
            "plan_rows.j2",
            outline=outline,
            prompt=asked["prompt"],
            passage=inside(passage),
            number=number,
            n_passages=len(passages),
            heard=list(dict.fromkeys(str(row["character"]) for row in rows if row["type"] == "speech")),
        )
        step = f"rows-{number}" if len(passages) > 1 else "rows"
        messages = [system, {"role": "user", "content": text}]
        written, mended = answered(writer, messages, WrittenRows, _rows_reader(passage), step, trail, n_tries)
        repairs += [_moved(fault, len(rows)) for fault in mended]
        rows += _with_own_ids(written, rows)
        if len(rows) > MAX_ROWS:
            raise PlanFailed(f"{writer.model} made more than {MAX_ROWS:,} rows; split the story by chapter")
    about = {member.name: member.about for member in outline.cast}
    return Plan(title=outline.title[:200] or "Untitled", rows=with_borders(rows), about=about, repairs=repairs)


def _rows_reader(passage: str) -> Callable[[object], tuple[Rows, list[Fault]]]:
    """Reads rows; for a passage of a story, also holds them to its words."""

    def read(value: object) -> tuple[Rows, list[Fault]]:
        rows, repairs = read_written_rows(value)
        if passage:
            spoken = " ".join(str(row["description"]) for row in rows if row["type"] == "speech")
            if faults := word_faults(passage, spoken):
                raise AnswerUnusable(*faults)
        return rows, repairs

    return read


def _with_own_ids(written: Rows, before: Rows) -> Rows:
    """The rows with the ids of their backgrounds counted on from those of the passages before."""
    highest = max((row["id"] for row in before if isinstance(row["id"], int)), default=0)
    given = dict.fromkeys(row["id"] for row in written if row["id"] is not None)
    new = {old: highest + number for number, old in enumerate(given, 1)}
    return [{**row, "id": new.get(row["id"])} for row in written]


def _moved(fault: Fault, n_rows: int) -> Fault:
    """The fault of a passage's row, named as the whole table names that row."""
    found = re.fullmatch(r"r(\d+)", fault.row)
    return replace(fault, row=f"r{int(found.group(1)) + n_rows:02d}") if found else fault
