"""Writers fill the script table: a language model behind a server, or rules that work offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

Message = dict[str, object]
"""One message of a chat as OpenAI's API has it: a role, and a content of text or parts."""


@dataclass(frozen=True)
class Reply:
    """What a model answered. `cut_short` is true when it ran into its length limit."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cut_short: bool = False


class Writer(Protocol):
    """The planner's language model."""

    @property
    def model(self) -> str: ...

    def write(self, messages: Sequence[Message], schema: type[BaseModel]) -> Reply:
        """The model's answer, asked to follow the schema; whether it does is for the planner to check.

        Raises WriterUnavailable when the server cannot be used, PlanFailed when the model refuses.
        """
        ...
