"""A writer behind any server with OpenAI's chat API: OpenAI, Ollama, vLLM, llama.cpp's server and others."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel

from composer.errors import ComposerError, PlanFailed, WriterUnavailable
from composer.writers import Message, Reply

DEFAULT_MODEL = "gpt-4.1-mini"
"""Asked of OpenAI itself when nobody names a model, and of other servers that have it."""
TIMEOUT_S = 180.0
N_RETRIES = 2
"""For lost connections, rate limits and server errors; a server that was too slow is not asked the same again."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
"""A server that asks for a longer wait than this gets an error told, not a program that seems to hang."""
MAX_ANSWER_BYTES = 4_000_000
FORMATS = ("json_schema", "json_object", "text")
_WRITES_NO_TEXT = re.compile(r"(?i)embed|whisper|tts|speech|audio|image|dall-e|sora|rerank|moderation|realtime|clip")


def openai_writer_from_environment(model: str | None) -> OpenAIWriter | None:
    """The writer that OPENAI_API_KEY, OPENAI_BASE_URL and TALESCAPE_MODEL describe; None when none is set up.

    Raises WriterUnavailable when a model is named but no server is, and for settings that cannot be meant.
    """
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    base_url = os.environ.get("OPENAI_BASE_URL", "").strip()
    if not key and not base_url:
        if model:
            raise WriterUnavailable(
                f"--model {model}: no server is set up; set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server"
            )
        return None
    named = model or os.environ.get("TALESCAPE_MODEL", "").strip()
    return OpenAIWriter(model=named, base_url=base_url, api_key=key, timeout_s=_timeout_from_environment())


def _timeout_from_environment() -> float:
    written = os.environ.get("TALESCAPE_LLM_TIMEOUT_S", "").strip() or str(TIMEOUT_S)
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", written) or float(written) == 0:
        raise WriterUnavailable(f"TALESCAPE_LLM_TIMEOUT_S: {written[:40]!r} is no number of seconds; give one, as 300")
    return float(written)


class OpenAIWriter:
    """Asks for structured output, and steps down to plainer formats where a server does not know them."""

    def __init__(self, *, model: str = "", base_url: str = "", api_key: str = "", timeout_s: float = TIMEOUT_S) -> None:
        """Raises WriterUnavailable for an address or a key that cannot be one."""
        self._named = model
        self._base_url = base_url
        self._key = api_key
        self._timeout_s = timeout_s
        self._format = 0
        if not re.fullmatch(r"[!-~]*", api_key):
            raise WriterUnavailable("OPENAI_API_KEY holds spaces or letters that no key has; copy it again")
        if base_url and not _is_address(base_url):
            raise WriterUnavailable("OPENAI_BASE_URL is no address of a server; give one, as http://localhost:11434/v1")

    def _client(self) -> Any:
        """A new client, to be closed after each answer: minutes may lie between two of them."""
        import openai

        try:
            return openai.OpenAI(
                api_key=self._key or "none",
                base_url=self._base_url or None,
                timeout=self._timeout_s,
                max_retries=0,
            )
        except (openai.OpenAIError, ImportError, ValueError, TypeError, OSError, _transport().InvalidURL) as error:
            raise WriterUnavailable(
                f"no connection to {self.host} can be prepared: {self._clean(error)}; "
                "check OPENAI_BASE_URL, HTTPS_PROXY and SSL_CERT_FILE"
            ) from None

    @property
    def host(self) -> str:
        """The server without anything secret in its address."""
        found = re.match(r"(?i)https?://(?:[^/?#]*@)?([^/?#@]+)", self._base_url)
        return found.group(1) if found else "api.openai.com"

    @cached_property
    def model(self) -> str:
        import openai

        if self._named:
            return self._named
        if not self._base_url:
            return DEFAULT_MODEL
        try:
            there = self._models_there()
        except openai.NotFoundError:
            there = []
        except (openai.OpenAIError, _transport().HTTPError) as error:
            self._tell(error)
        if not there:
            raise WriterUnavailable(f"{self.host}: names no models; name one with --model")
        if DEFAULT_MODEL in there:
            return DEFAULT_MODEL
        return next((name for name in there if not _WRITES_NO_TEXT.search(name)), there[0])

    def write(self, messages: Sequence[Message], schema: type[BaseModel]) -> Reply:
        import openai

        n_failed = 0
        while True:
            try:
                return self._ask(messages, schema)
            except (openai.OpenAIError, _transport().HTTPError) as error:
                if self._format + 1 < len(FORMATS) and _may_mean_format(error):
                    self._format += 1
                    continue
                wait_s = _wait_s(error, n_failed)
                if wait_s is None:
                    self._tell(error)
                n_failed += 1
                time.sleep(wait_s)

    def _ask(self, messages: Sequence[Message], schema: type[BaseModel]) -> Reply:
        deadline_s = time.monotonic() + self._timeout_s
        asked = {"model": self.model, "messages": list(messages), **self._format_options(schema)}
        with self._client() as client, client.chat.completions.with_streaming_response.create(**asked) as answer:
            return self._read(self._body(answer.iter_bytes(), deadline_s))

    def _format_options(self, schema: type[BaseModel]) -> dict[str, object]:
        name = FORMATS[self._format]
        if name == "json_schema":
            described = {"name": schema.__name__, "schema": schema.model_json_schema(), "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": described}}
        return {"response_format": {"type": "json_object"}} if name == "json_object" else {}

    def _body(self, parts: Iterator[bytes], deadline_s: float) -> str:
        """A response's body, up to a limit of bytes and time."""
        body = bytearray()
        for part in parts:
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise PlanFailed(
                    f"{self.host} answered more than {MAX_ANSWER_BYTES // 1_000_000} MB, which is no plan; "
                    "try another model with --model"
                )
            if time.monotonic() > deadline_s:
                self._tell_slow()
        return body.decode("utf-8", "replace")

    def _read(self, body: str) -> Reply:
        """The reply in a response's body; whatever is not one ends in an error that shows its beginning."""
        try:
            answer = json.loads(body)
            choice = answer["choices"][0]
            message = choice["message"]
            content, refusal, ended = message.get("content"), message.get("refusal"), choice.get("finish_reason")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            raise WriterUnavailable(
                f"{self.host} answered something that is no chat completion: {self._clean(body[:2000])[:120]!r}; "
                "check OPENAI_BASE_URL (it usually ends in /v1)"
            ) from None
        if refusal or ended == "content_filter":
            told = self._clean(refusal)[:300] if refusal else "its content filter stopped the answer"
            raise PlanFailed(f"the model {self.model} refused: {told}; word the prompt differently")
        usage = answer.get("usage")
        return Reply(
            text=self._without_key(_text_of(content)),
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
            cut_short=ended == "length",
        )

    def _models_there(self) -> list[str]:
        with self._client() as client:
            body = client.models.with_raw_response.list().http_response.text
        try:
            return [str(model["id"]) for model in json.loads(body)["data"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            return []

    def _tell(self, error: Exception) -> NoReturn:
        """Raises what a client's error means here. Without its cause, which may hold the key."""
        raise self._meaning(error) from None

    def _meaning(self, error: Exception) -> ComposerError:
        import openai

        said = self._clean(error)
        match error:
            case openai.BadRequestError() | openai.UnprocessableEntityError():
                return PlanFailed(f"{self.host} refused the request: {said}")
            case openai.AuthenticationError():
                return WriterUnavailable(f"{self.host} refused the key in OPENAI_API_KEY; check it")
            case openai.PermissionDeniedError():
                return WriterUnavailable(f"{self.host} does not allow this: {said}")
            case openai.NotFoundError():
                return WriterUnavailable(f"{self.host} has no model {self._named!r}{self._told_models()}")
            case openai.RateLimitError():
                return WriterUnavailable(
                    f"{self.host} limits the rate of requests or the quota is spent: {said}; try later"
                )
            case openai.APITimeoutError():
                self._tell_slow()
            case openai.APIConnectionError():
                return WriterUnavailable(
                    f"{self.host} cannot be reached; check OPENAI_BASE_URL and that the server runs, "
                    "or plan with --offline"
                )
            case openai.OpenAIError():
                return WriterUnavailable(f"{self.host} failed: {said}; try later, or plan with --offline")
            case _ if "Timeout" in type(error).__name__:
                self._tell_slow()
        return WriterUnavailable(f"{self.host} broke off in mid-answer: {said}; try later, or plan with --offline")

    def _tell_slow(self) -> NoReturn:
        raise WriterUnavailable(
            f"{self.host} did not answer within {self._timeout_s:g} s; allow it more with TALESCAPE_LLM_TIMEOUT_S, "
            "or name a faster model with --model"
        ) from None

    def _told_models(self) -> str:
        import openai

        try:
            there = self._models_there()
        except (openai.OpenAIError, _transport().HTTPError):
            there = []
        if there:
            return f"; it has: {', '.join(there[:20])}"
        return ", or nothing at this address; check --model and OPENAI_BASE_URL (it usually ends in /v1)"

    def _clean(self, said: object) -> str:
        return " ".join(self._without_key(str(said)).split())[:400]

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if len(self._key) > 3 else text


def _transport() -> Any:
    """The httpx that the client stands on, for errors that it lets through: a connection that breaks in mid-answer."""
    import openai

    return sys.modules[openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]


def _is_address(written: str) -> bool:
    try:
        parts = urlsplit(written)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _may_mean_format(error: Exception) -> bool:
    """Whether the server may have stumbled over the format of the answer; it is then asked for a plainer one."""
    import openai

    if isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
        said = str(error).casefold()
        return not ("context" in said and ("length" in said or "size" in said))
    blames_it = re.search(r"(?i)grammar|schema|response_format", str(error))
    return isinstance(error, openai.InternalServerError) and blames_it is not None


def _wait_s(error: Exception, n_failed: int) -> float | None:
    """Seconds until the request may be sent again; None where that would be useless."""
    import openai

    wait_s = FIRST_WAIT_S * float(2**n_failed)
    if n_failed >= N_RETRIES or "Timeout" in type(error).__name__:
        return None
    if isinstance(error, openai.APIStatusError):
        if error.status_code not in (408, 409, 429) and error.status_code < 500:
            return None
        asked: str = error.response.headers.get("retry-after", "")
        if error.code == "insufficient_quota" or (re.fullmatch(r"\d+", asked) and float(asked) > LONGEST_WAIT_S):
            return None
        return float(asked) if re.fullmatch(r"\d+(\.\d+)?", asked) else wait_s
    return wait_s


def _text_of(content: object) -> str:
    """A message's text; some servers answer in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _count(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else 0
