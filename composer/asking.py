"""Asking: a language model is asked from a template until its answer can be used, faults going back to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from composer.errors import PlanFailed
from composer.replies import AnswerUnusable, json_in
from composer.trail import Trail

if TYPE_CHECKING:
    import jinja2

    from composer.writers import Message, Writer

N_TRIES = 3
MAX_FAULTS_BACK = 20
Answer = TypeVar("Answer")


def answered(
    writer: Writer,
    messages: Sequence[Message],
    schema: type[BaseModel],
    read: Callable[[object], Answer],
    step: str,
    trail: Trail,
    n_tries: int = N_TRIES,
    *,
    faults_template: str = "plan_faults.j2",
) -> Answer:
    """Asks until the answer can be read. `read` raises AnswerUnusable with the faults, which go back to the model.

    Raises PlanFailed when no answer could be used in `n_tries`.
    """
    conversation = list(messages)
    faults: Sequence[str] = ()
    for attempt in range(1, n_tries + 1):
        stem = trail.asked(step, conversation)
        reply = writer.write(conversation, schema)
        try:
            if reply.cut_short:
                raise AnswerUnusable("the answer was cut off at the length limit; answer again, shorter")
            answer = read(json_in(reply.text))
        except AnswerUnusable as error:
            faults = error.faults
        else:
            trail.answered(stem, attempt, reply, ())
            return answer
        trail.answered(stem, attempt, reply, faults)
        conversation = [
            *messages,
            {"role": "assistant", "content": reply.text[:40_000] or "(nothing)"},
            {"role": "user", "content": prompt_text(faults_template, faults=_few(faults, MAX_FAULTS_BACK))},
        ]
    kept = f" (all of them in {trail.folder})" if trail.folder is not None else ""
    raise PlanFailed(
        f"{writer.model} gave no usable {step} in {n_tries} tries; wrong with the last one{kept}: "
        f"{' | '.join(' '.join(each.split())[:300] for each in _few(faults, 3))}; "
        "try a larger model with --model, or do without one: --offline"
    )


def _few(faults: Sequence[str], most: int) -> list[str]:
    more = [f"and {len(faults) - most} more faults"] if len(faults) > most else []
    return [*faults[:most], *more]


def inside(text: str) -> str:
    """Text that cannot close the tags that it stands between."""
    return re.sub(r"(?i)<(\s*/?\s*brief)", r"< \1", text)


@cache
def _templates() -> jinja2.Environment:
    from jinja2 import DictLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    folder = resources.files("scripts_templates")
    sources = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".j2")}
    return SandboxedEnvironment(
        loader=DictLoader(sources), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def prompt_text(name: str, **values: object) -> str:
    """A prompt with its values filled in; values are data, they are never read as templates."""
    return _templates().get_template(name).render(**values).strip()
