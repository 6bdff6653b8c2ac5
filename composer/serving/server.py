"""Runs the service: listens, answers, and ends gracefully. The first Ctrl-C lets the clips in hand be finished."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from composer.errors import ComposerError
from composer.serving.app import make_app
from composer.serving.jobs import Jobs
from composer.serving.limits import Limits
from composer.serving.places import Places
from composer.serving.security import checked_token
from composer.serving.service import Service

if TYPE_CHECKING:
    from composer.writers import Writer

KEEP_ALIVE_S = 10
LAST_ANSWERS_S = 10
"""So long the requests in hand have when the service ends and no clip is being made."""


def serve(
    root: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    limits: Limits,
    writer: Writer | None,
    announce: Callable[[str], None],
) -> None:
    """Serves the scenes of a folder until it is told to end. Announces its address when it listens.

    Raises ComposerError when the address needs a token, cannot be listened on, or the folder cannot be made.
    """
    server = make_server(root, host=host, port=port, token=token, limits=limits, writer=writer, announce=announce)
    with suppress(KeyboardInterrupt):
        server.run()


def make_server(
    root: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    limits: Limits,
    writer: Writer | None,
    announce: Callable[[str], None],
) -> Server:
    """A server whose port is bound and that does not answer yet. Raises as `serve` does."""
    token = checked_token(token, host)
    try:
        places = Places(root)
    except OSError as error:
        raise ComposerError(f"{root}: cannot be a folder of scenes: {error.strerror}") from error
    listener = _listen(host, port)
    jobs = Jobs(places.root, limits)
    app = make_app(Service(places, jobs, limits, writer), host=host, token=token)
    config = uvicorn.Config(
        app,
        http=_protocol(limits),
        ws="none",
        lifespan="off",
        log_config=_log_config(),
        server_header=False,
        limit_concurrency=4 * limits.n_requests,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=LAST_ANSWERS_S,
    )
    bound_host, bound_port = listener.getsockname()[:2]
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    return Server(config, listener, jobs, lambda: announce(f"http://{shown}:{bound_port}/v1"))


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(found[4][:2], family=found[0], backlog=128)
    except OSError as error:
        raise ComposerError(
            f"--host {host} --port {port}: cannot be listened on: {error.strerror}; choose another with --port"
        ) from error


class Server(uvicorn.Server):
    """Uvicorn's, on a port that is bound already, with jobs that end before it does."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, jobs: Jobs, on_start: Callable[[], None]):
        super().__init__(config)
        self._listener, self._jobs, self._on_start = listener, jobs, on_start

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        super().run([self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends jobs after their clips in hand, answering meanwhile; a second signal does not wait for them."""
        self._jobs.stop()
        while self._jobs.running and not self.force_exit:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)  # who follows a job hears of its end
        await asyncio.to_thread(self._jobs.close)
        await super().shutdown(sockets)


def _protocol(limits: Limits) -> type[H11Protocol]:
    """HTTP whose clients may not take forever: to send the head of a request, and to read what they asked for."""

    class Impatient(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._timers: dict[str, asyncio.TimerHandle] = {}
            self._begin("head", limits.headers_s)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:
                self._begin("head", limits.headers_s)
            else:
                self._stop("head")

        def pause_writing(self) -> None:
            super().pause_writing()
            self._begin("read", limits.stalled_s)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop("read")

        def connection_lost(self, exc: Exception | None) -> None:
            for name in list(self._timers):
                self._stop(name)
            super().connection_lost(exc)

        def _begin(self, name: str, seconds: float) -> None:
            if name not in self._timers:
                self._timers[name] = self.loop.call_later(seconds, self._hang_up)

        def _hang_up(self) -> None:
            """At once, and without the system sending on what nobody reads."""
            line = self.transport.get_extra_info("socket")
            with suppress(OSError):
                linger = struct.pack("HH" if os.name == "nt" else "ii", 1, 0)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()

        def _stop(self, name: str) -> None:
            if name in self._timers:
                self._timers.pop(name).cancel()

    return Impatient


def _log_config() -> dict[str, object]:
    """Everything on stderr: stdout is for the address."""
    handlers = {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}}
    loggers = {name: {"handlers": ["stderr"], "level": "INFO", "propagate": False} for name in ("uvicorn",)}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
        "handlers": handlers,
        "loggers": loggers,
    }
