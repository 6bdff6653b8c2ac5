"""Plans a scene: asks the writer in steps, validates every answer, sends faults back, and keeps a paper trail."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from composer.brief import Brief, Plan
from composer.errors import PlanFailed
from composer.files import write_atomically
from composer.pictures import picture_part
from composer.replies import json_in, rows_in
from composer.script import read_rows

if TYPE_CHECKING:
    import jinja2

    from composer.writers import Message, Writer

N_TRIES = 3
PASSAGE_WORDS = 600
"""A story goes to the model in passages of about this many words."""
Answer = TypeVar("Answer")


class CastMember(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    about: str


class Outline(BaseModel):
    """The first answer: what the scene is and who is in it."""

    model_config = ConfigDict(extra="forbid")
    title: str
    setting: str
    mood: str
    cast: list[CastMember]
    beats: list[str]


class WrittenRow(BaseModel):
    """One row as a model is asked for it; what it means is checked by composer.script alone."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["speech", "music", "sound_effect"]
    layout: Literal["foreground", "background"]
    id: int | None
    character: str | None
    volume: float | None
    action: Literal["begin", "end"] | None
    description: str | None
    duration: float | None
    start: float | None
    pan: float | None


class WrittenRows(BaseModel):
    """The second answer: the table."""

    model_config = ConfigDict(extra="forbid")
    rows: list[WrittenRow]


@dataclass
class _Trail:
    """The paper trail in a scene's plan folder; keeps count of tokens even where nothing is written."""

    folder: Path | None
    exchanges: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    steps: list[dict[str, object]] = field(default_factory=list)

    def keep(self, name: str, content: object) -> None:
        if self.folder is not None:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
            write_atomically(self.folder / name, text.encode("utf-8", "replace"))


def plan(brief: Brief, writer: Writer | None, *, trail: Path | None = None, n_tries: int = N_TRIES) -> Plan:
    """The plan of a brief: by the language model, or by the offline writer when `writer` is None.

    What was asked and answered is kept in `trail`. Raises PlanFailed when no answer could be used in `n_tries`,
    WriterUnavailable when the server cannot be used, StoryUnreadable for words that cannot be.
    """
    begun_s = time.perf_counter()
    kept = _Trail(trail)
    if writer is None:
        from composer.writers.offline import plan_offline

        planned, name = plan_offline(brief), "offline"
    else:
        name = writer.model
        planned = _plan_with(writer, brief, kept, n_tries)
    _, faults = read_rows(planned.rows)
    kept.keep(
        "plan.json",
        {
            "writer": name,
            "seed": brief.seed,
            "title": planned.title,
            "rows": len(planned.rows),
            "repairs": [str(fault) for fault in faults],
            "seconds": round(time.perf_counter() - begun_s, 2),
            "prompt_tokens": kept.prompt_tokens,
            "completion_tokens": kept.completion_tokens,
            "steps": kept.steps,
        },
    )
    return planned


def _plan_with(writer: Writer, brief: Brief, trail: _Trail, n_tries: int) -> Plan:
    asked = {"prompt": brief.prompt, "story": brief.story[:20_000], "has_picture": brief.picture is not None}
    content: object = _prompt("plan_outline.j2", **asked)
    if brief.picture is not None:
        content = [{"type": "text", "text": content}, picture_part(brief.picture)]
    messages: list[Message] = [
        {"role": "system", "content": _prompt("plan_system.j2")},
        {"role": "user", "content": content},
    ]
    outline = _answered(writer, messages, Outline, _read_outline, "outline", trail, n_tries)
    rows: list[dict[str, object]] = []
    passages = _passages(brief.story) if brief.story else [""]
    for number, passage in enumerate(passages):
        text = _prompt(
            "plan_rows.j2",
            outline=outline,
            prompt=brief.prompt,
            passage=passage,
            number=number + 1,
            n_passages=len(passages),
        )
        asked_rows: list[Message] = [messages[0], {"role": "user", "content": text}]
        step = f"rows-{number + 1}" if len(passages) > 1 else "rows"
        written = _answered(writer, asked_rows, WrittenRows, _rows_reader(passage), step, trail, n_tries)
        rows += [_apart(row, number) for row in written]
    about = {member.name: member.about for member in outline.cast}
    return Plan(title=outline.title.strip()[:200] or "Untitled", rows=rows, about=about)


def _answered(
    writer: Writer,
    messages: Sequence[Message],
    schema: type[BaseModel],
    read: Callable[[object], Answer],
    step: str,
    trail: _Trail,
    n_tries: int,
) -> Answer:
    """Asks until the answer can be read. `read` raises ValueError with the faults, which go back to the model."""
    conversation = list(messages)
    faults = ""
    for attempt in range(1, n_tries + 1):
        trail.exchanges += 1
        stem = f"{trail.exchanges:02d}-{step}"
        trail.keep(f"{stem}.request.json", [_without_pictures(message) for message in conversation])
        reply = writer.write(conversation, schema)
        trail.keep(f"{stem}.reply.txt", reply.text)
        trail.prompt_tokens += reply.prompt_tokens
        trail.completion_tokens += reply.completion_tokens
        told = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
        try:
            if reply.cut_short:
                raise ValueError("the answer was cut off at the length limit; answer again, shorter")
            answer = read(json_in(reply.text))
        except ValueError as error:
            faults = str(error)
            trail.keep(f"{stem}.faults.txt", faults)
            trail.steps.append({"step": step, "try": attempt, "faults": faults.count("\n") + 1, **told})
            back = _prompt("plan_faults.j2", faults=faults)
            conversation = [
                *messages,
                {"role": "assistant", "content": reply.text[:40_000]},
                {"role": "user", "content": back},
            ]
            continue
        trail.steps.append({"step": step, "try": attempt, "faults": 0, **told})
        return answer
    raise PlanFailed(
        f"{writer.model} gave no usable {step} in {n_tries} tries; the last had:\n{faults[:1500]}\n"
        "try a larger model with --model, or plan with --offline"
    )


def _read_outline(value: object) -> Outline:
    if not isinstance(value, dict):
        raise ValueError("the outline must be a JSON object with title, setting, mood, cast and beats")
    known = {name: value[name] for name in Outline.model_fields if name in value}
    if isinstance(known.get("cast"), list):
        known["cast"] = [_cast_member(member) for member in known["cast"]]
    known.setdefault("beats", [])
    known.setdefault("setting", "")
    known.setdefault("mood", "")
    try:
        return Outline.model_validate(known)
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
        raise ValueError("\n".join(lines)) from error


def _cast_member(member: object) -> object:
    """A member as the schema has it; models that ignore it give plain names or other keys."""
    if isinstance(member, str):
        return {"name": member, "about": ""}
    if isinstance(member, dict) and "name" in member:
        rest = [str(value) for key, value in member.items() if key != "name" and isinstance(value, str)]
        return {"name": member["name"], "about": "; ".join(rest)}
    return member


def _rows_reader(passage: str) -> Callable[[object], list[dict[str, object]]]:
    """Reads rows; for a passage of a story, also holds them to its words."""

    def read(value: object) -> list[dict[str, object]]:
        rows = [{key: cell for key, cell in row.items() if key != "row"} for row in rows_in(value)]
        script, faults = read_rows(rows)
        if script is None:
            raise ValueError("\n".join(str(fault) for fault in faults if fault.severity == "error"))
        spoken = [row.description for row in script.rows if row.type == "speech"]
        if not spoken:
            raise ValueError("there is no speech row; somebody must speak")
        if passage:
            _hold_to_words(passage, " ".join(spoken))
        return rows

    return read


def _hold_to_words(passage: str, spoken: str) -> None:
    wanted, said = _bare_words(passage), _bare_words(spoken)
    for number, word in enumerate(wanted):
        if number >= len(said) or said[number] != word:
            there = " ".join(said[number : number + 6]) or "nothing"
            expected = " ".join(wanted[number : number + 6])
            raise ValueError(
                f"the story's words must be kept: after word {number} the text says {expected!r}, the rows say {there!r}"
            )
    if len(said) > len(wanted):
        raise ValueError(f"words were added after the end of the text: {' '.join(said[len(wanted) :][:8])!r}")


def _bare_words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _passages(story: str) -> list[str]:
    passages = [""]
    for paragraph in re.split(r"\n\s*\n", story):
        if passages[-1] and len(passages[-1].split()) + len(paragraph.split()) > PASSAGE_WORDS:
            passages.append("")
        passages[-1] = f"{passages[-1]}\n\n{paragraph.strip()}".strip()
    return [passage for passage in passages if passage]


def _apart(row: dict[str, object], passage: int) -> dict[str, object]:
    """The row with its background's id moved out of the way of other passages' ids."""
    number = row.get("id")
    return {**row, "id": number + 100 * passage} if passage and isinstance(number, int) else row


def _without_pictures(message: Message) -> Message:
    content = message["content"]
    if not isinstance(content, list):
        return message
    parts = [
        part if part.get("type") == "text" else {"type": "image_url", "image_url": "(picture)"} for part in content
    ]
    return {**message, "content": parts}


@cache
def _templates() -> jinja2.Environment:
    from jinja2 import DictLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    folder = resources.files("scripts_templates")
    sources = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".j2")}
    return SandboxedEnvironment(
        loader=DictLoader(sources), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _prompt(name: str, **values: object) -> str:
    """A prompt with its values filled in; values are data, they are never read as templates."""
    return _templates().get_template(name).render(**values).strip()
