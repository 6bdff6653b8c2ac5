"""Limits of the service: how much a client may send, ask for and wait for. What passes them is refused early.

Conventions: sizes in bytes, times in seconds; `sound_s` is the sound of all rows together, beds included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from composer.estimates import CHARACTERS_PER_S, NATURAL_S
from composer.script import Script
from composer.serving.problems import MEDIA_TYPE, Problem, Refused, make_problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Limits:
    max_body_bytes: int = 4 * 2**20
    max_prompt_chars: int = 4_000
    max_story_chars: int = 500_000
    max_rows: int = 5_000
    max_sound_s: float = 4 * 3600.0
    n_jobs: int = 1
    """So many scenes are rendered at a time, each in a process of its own."""
    n_waiting: int = 8
    """So many more wait for their turn."""
    n_requests: int = 64
    """So many requests are answered at a time, those that follow a job included."""
    n_thinking: int = 4
    """So many of them plan, check, edit or export at a time; others wait a little, and then are refused."""
    thinking_wait_s: float = 10.0
    headers_s: float = 10.0
    """So long a client may take for the head of a request."""
    body_s: float = 30.0
    stalled_s: float = 60.0
    """So long a client may read nothing of an answer that is more than its line holds."""


def sound_s(script: Script) -> float:
    """About how much sound the rows ask for, before anything is made: given durations, words as long as they take."""
    total_s = 0.0
    for row in script.sounding():
        if row.duration != "auto":
            total_s += row.duration
        elif row.type == "speech":
            total_s += len(row.description) / CHARACTERS_PER_S
        else:
            total_s += NATURAL_S[row.type]
        total_s += max(row.start or 0.0, 0.0)
    return total_s


def refuse_too_many_rows(n_rows: int, limits: Limits) -> None:
    if n_rows > limits.max_rows:
        raise Refused(
            422, "too-many-rows", f"the table has {n_rows:,} rows, this service takes {limits.max_rows:,}; split it"
        )


def refuse_too_long(script: Script, limits: Limits) -> None:
    asked_s = sound_s(script)
    if asked_s > limits.max_sound_s:
        raise Refused(
            422,
            "too-long",
            f"the rows ask for about {asked_s:,.0f} s of sound, this service makes {limits.max_sound_s:,.0f} s; "
            "shorten durations or split the scene",
        )


class Bounded:
    """ASGI middleware: too many requests at once, bodies that are too large or too slow never reach the routes."""

    def __init__(self, app: App, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._n_open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._n_open >= self._limits.n_requests:
            detail = f"{self._n_open} requests are being answered, which is the most; ask again in a moment"
            await send_problem(send, make_problem(503, "busy", detail), {"retry-after": "2"})
            return
        self._n_open += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._n_open -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(self._read(scope, receive), self._limits.body_s)
        except TimeoutError:
            detail = f"the body did not come within {self._limits.body_s:g} s"
            await send_problem(send, make_problem(408, "too-slow", detail), {"connection": "close"})
            return
        except Refused as refused:
            await _refuse_while_it_comes(refused, receive, send)
            return
        if body is None:  # the client is gone
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body, refused as soon as it is known to be too large; None when the client hung up."""
        most = self._limits.max_body_bytes
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        too_large = Refused(413, "too-large", f"the body has more than {most:,} bytes; send less, or split the scene")
        if told.isdigit() and int(told) > most:
            raise too_large
        parts, n_bytes = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            n_bytes += len(part)
            if n_bytes > most:
                raise too_large
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


LINGER_S = 2.0


async def _refuse_while_it_comes(refused: Refused, receive: Receive, send: Send) -> None:
    """Answers at once, then lets the client send on for a moment: one that only reads afterwards hears why, too."""
    problem = make_problem(refused.status, refused.kind, refused.detail)
    await send_problem(send, problem, {"connection": "close"}, more_body=True)

    async def discard() -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return

    try:
        await asyncio.wait_for(discard(), LINGER_S)
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_problem(send: Send, problem: Problem, headers: dict[str, str], *, more_body: bool = False) -> None:
    """Answers with a problem, below the routes."""
    body = problem.model_dump_json().encode()
    told = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "cache-control": "no-store", **headers}
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
