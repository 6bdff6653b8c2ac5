"""Trail: what was asked and answered while a scene was planned, kept file by file in the scene's plan folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from composer.files import write_atomically
from composer.writers import Message, Reply


@dataclass
class Trail:
    """The paper trail of one planning. Counts tokens and tries even where no folder is given to write to.

    Files are numbered on from those that earlier plannings left in the folder; nothing is written over but plan.json.
    """

    folder: Path | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    steps: list[dict[str, object]] = field(default_factory=list)
    _number: int = 0
    _n_asked: int = 0

    def __post_init__(self) -> None:
        there = self.folder.glob("[0-9][0-9][0-9]*-*") if self.folder is not None else ()
        numbers = [int(found.group()) for path in there if (found := re.match(r"\d+", path.name))]
        self._number = max(numbers, default=0)

    def asked(self, step: str, conversation: Sequence[Message]) -> str:
        """Keeps a request; gives the stem of its files, such as 001-outline."""
        self._number += 1
        self._n_asked += 1
        stem = f"{self._number:03d}-{step}"
        self._keep(f"{stem}.request.json", [_without_pictures(message) for message in conversation])
        return stem

    def answered(self, stem: str, attempt: int, reply: Reply, faults: Sequence[str]) -> None:
        """Keeps an answer and what was wrong with it."""
        self._keep(f"{stem}.reply.txt", reply.text)
        if faults:
            self._keep(f"{stem}.faults.txt", "\n".join(faults) + "\n")
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        told = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
        self.steps.append({"step": stem, "try": attempt, "faults": len(faults), **told})

    def planned(self, about: Mapping[str, object], repairs: Sequence[str], seconds: float) -> None:
        """Keeps what came of it, in plan.json."""
        self._keep("plan.json", {**about, "repairs": list(repairs), **self._spent(seconds)})

    def failed(self, error: str, seconds: float) -> None:
        """Keeps why nothing came of it, where a server was asked; the plan.json of an earlier success stays."""
        if self._n_asked:
            self._keep(f"{self._number:03d}-failed.json", {"error": error, **self._spent(seconds)})

    def _spent(self, seconds: float) -> dict[str, object]:
        tokens = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}
        return {"seconds": round(seconds, 2), **tokens, "steps": self.steps}

    def _keep(self, name: str, content: object) -> None:
        if self.folder is not None:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
            write_atomically(self.folder / name, text.encode("utf-8", "replace"))


def _without_pictures(message: Message) -> Message:
    content = message["content"]
    if not isinstance(content, list):
        return message
    parts = [
        part if part.get("type") == "text" else {"type": "image_url", "image_url": "(picture)"} for part in content
    ]
    return {**message, "content": parts}
