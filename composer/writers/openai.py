"""A writer behind any server with OpenAI's chat API: OpenAI, Ollama, vLLM, llama.cpp's server and others."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from composer.errors import PlanFailed, WriterUnavailable
from composer.writers import Message, Reply

DEFAULT_MODEL = "gpt-4.1-mini"
"""Asked of OpenAI itself when nobody names a model; other servers are asked which they have."""
TIMEOUT_S = 180.0
N_RETRIES = 2
"""The client's own retries, for lost connections, rate limits and server errors; it obeys Retry-After up to a minute."""
FORMATS = ("json_schema", "json_object", "text")


def openai_writer_from_environment(model: str | None) -> OpenAIWriter | None:
    """The writer that OPENAI_API_KEY, OPENAI_BASE_URL and TALESCAPE_MODEL describe; None when none is set up.

    Raises WriterUnavailable when a model is named but no server is.
    """
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    base_url = os.environ.get("OPENAI_BASE_URL", "").strip()
    if not key and not base_url:
        if model:
            raise WriterUnavailable(
                f"--model {model}: no server is set up; set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server"
            )
        return None
    timeout_s = float(os.environ.get("TALESCAPE_LLM_TIMEOUT_S") or TIMEOUT_S)
    named = model or os.environ.get("TALESCAPE_MODEL", "").strip()
    return OpenAIWriter(model=named, base_url=base_url, api_key=key, timeout_s=timeout_s)


class OpenAIWriter:
    """Asks for structured output, and steps down to plainer formats where a server does not know them."""

    def __init__(self, *, model: str = "", base_url: str = "", api_key: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self._named = model
        self._base_url = base_url
        self._key = api_key
        self._timeout_s = timeout_s
        self._format = 0

    @cached_property
    def _client(self) -> Any:
        import openai

        return openai.OpenAI(
            api_key=self._key or "none",
            base_url=self._base_url or None,
            timeout=self._timeout_s,
            max_retries=N_RETRIES,
        )

    @property
    def host(self) -> str:
        """The server without anything secret in its address."""
        parts = urlsplit(str(self._client.base_url))
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @cached_property
    def model(self) -> str:
        if self._named:
            return self._named
        if not self._base_url:
            return DEFAULT_MODEL
        there = self._models_there()
        if not there:
            raise WriterUnavailable(f"{self.host}: names no models; name one with --model")
        return there[0]

    def write(self, messages: Sequence[Message], schema: type[BaseModel]) -> Reply:
        import openai

        while True:
            try:
                return self._ask(messages, schema)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if self._format + 1 < len(FORMATS) and not _is_too_long(str(error)):
                    self._format += 1
                    continue
                raise PlanFailed(f"{self.host} refused the request: {self._clean(str(error))}") from error
            except openai.AuthenticationError as error:
                raise WriterUnavailable(f"{self.host} refused the key in OPENAI_API_KEY; check it") from error
            except openai.PermissionDeniedError as error:
                raise WriterUnavailable(f"{self.host} does not allow this: {self._clean(str(error))}") from error
            except openai.NotFoundError as error:
                raise WriterUnavailable(f"{self.host} has no model {self.model!r}{self._told_models()}") from error
            except openai.RateLimitError as error:
                raise WriterUnavailable(
                    f"{self.host} limits the rate of requests or the quota is spent: {self._clean(str(error))}; try later"
                ) from error
            except openai.APITimeoutError as error:
                raise WriterUnavailable(
                    f"{self.host} did not answer within {self._timeout_s:.0f} s; raise it with TALESCAPE_LLM_TIMEOUT_S"
                ) from error
            except openai.APIConnectionError as error:
                raise WriterUnavailable(
                    f"{self.host} cannot be reached; check OPENAI_BASE_URL and that the server runs, or plan with --offline"
                ) from error
            except openai.OpenAIError as error:
                raise WriterUnavailable(f"{self.host}: {self._clean(str(error))}") from error

    def _ask(self, messages: Sequence[Message], schema: type[BaseModel]) -> Reply:
        answer = self._client.chat.completions.with_raw_response.create(
            model=self.model, messages=list(messages), **self._format_options(schema)
        )
        return self._read(answer.text if isinstance(answer.text, str) else answer.text())

    def _format_options(self, schema: type[BaseModel]) -> dict[str, object]:
        name = FORMATS[self._format]
        if name == "json_schema":
            described = {"name": schema.__name__, "schema": schema.model_json_schema(), "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": described}}
        return {"response_format": {"type": "json_object"}} if name == "json_object" else {}

    def _read(self, body: str) -> Reply:
        """The reply in a response's body; whatever is not one ends in an error that shows its beginning."""
        shown = self._clean(" ".join(body.split()))[:120]
        try:
            answer = json.loads(body)
            choice = answer["choices"][0]
            message = choice["message"]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise WriterUnavailable(
                f"{self.host} answered something that is no chat completion: {shown!r}; check OPENAI_BASE_URL "
                "(it usually ends in /v1)"
            ) from error
        refusal = message.get("refusal") or (
            "content filter" if choice.get("finish_reason") == "content_filter" else ""
        )
        if refusal:
            raise PlanFailed(
                f"the model {self.model} refused: {self._clean(str(refusal))[:300]}; word the prompt differently"
            )
        usage = answer.get("usage") or {}
        return Reply(
            text=self._without_key(_text_of(message.get("content"))),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            cut_short=choice.get("finish_reason") == "length",
        )

    def _models_there(self) -> list[str]:
        import openai

        try:
            body = json.loads(self._client.models.with_raw_response.list().text)
            return [str(model["id"]) for model in body["data"]]
        except openai.APIConnectionError as error:
            raise WriterUnavailable(
                f"{self.host} cannot be reached; check OPENAI_BASE_URL and that the server runs, or plan with --offline"
            ) from error
        except (openai.OpenAIError, ValueError, KeyError, TypeError):
            return []

    def _told_models(self) -> str:
        there = self._models_there()
        return f"; it has: {', '.join(there[:20])}" if there else "; name another with --model"

    def _clean(self, text: str) -> str:
        return " ".join(self._without_key(text).split())[:400]

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if len(self._key) > 3 else text


def _is_too_long(text: str) -> bool:
    return "context" in text.casefold() and ("length" in text.casefold() or "size" in text.casefold())


def _text_of(content: object) -> str:
    """A message's text; some servers answer in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
