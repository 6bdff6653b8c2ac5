"""Services as people run them: the real program on the loopback with toy engines, and one here, for limits."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from toys import Toys

from composer.serving.limits import Limits
from composer.serving.server import make_server
from composer.writers import Writer

PATIENCE_S = 120.0
ENDED = ("done", "incomplete", "failed", "cancelled", "stopped")
SECRETS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TALESCAPE_MODEL", "TALESCAPE_TOKEN")
Rows = list[dict[str, object]]


@dataclass
class Served:
    """A service that runs, and a client of it."""

    root: Path
    url: str
    client: httpx.Client
    process: subprocess.Popen[str] | None = None

    def make(self, name: str, rows: Rows | None = None, *, toys: Toys | None = None) -> str:
        """A scene of these rows, by the service; with toys, their engines. Gives the ETag of its table."""
        wanted = {"name": name, "rows": rows or spoken("Hello there.", "Who is it?")}
        made = self.client.post("/scenes", json=wanted)
        assert made.status_code == 201, made.text
        if toys is not None:
            settings = self.client.put(f"/scenes/{name}/settings", json=toys.settings, headers={"If-Match": "*"})
            assert settings.status_code == 200, settings.text
        return self.client.get(f"/scenes/{name}/table").headers["etag"]

    def render(self, name: str, **wanted: object) -> dict[str, Any]:
        """Begins a job; gives it as it is told."""
        begun = self.client.post(f"/scenes/{name}/jobs", json=wanted)
        assert begun.status_code == 202, begun.text
        return begun.json()  # type: ignore[no-any-return]

    def job(self, job_id: str) -> dict[str, Any]:
        return self.client.get(f"/jobs/{job_id}").json()  # type: ignore[no-any-return]

    def wait_for(self, job_id: str, *states: str) -> dict[str, Any]:
        """The job as it is when it has come to one of these states, or to its end."""
        given_up_s = time.monotonic() + PATIENCE_S
        while (job := self.job(job_id))["state"] not in (*states, *ENDED):
            assert time.monotonic() < given_up_s, job
            time.sleep(0.05)
        return job

    def events(self, job_id: str, *, after: int = 0) -> list[tuple[int, str, Any]]:
        """Number, name and data of every event, to the end of the job."""
        found = []
        headers = {"Last-Event-ID": str(after)} if after else {}
        with self.client.stream("GET", f"/jobs/{job_id}/events", headers=headers, timeout=PATIENCE_S) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            text, given_up_s = "", time.monotonic() + PATIENCE_S
            for part in stream.iter_text():
                text += part
                assert time.monotonic() < given_up_s, text
            for block in text.split("\n\n"):
                fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
                if fields:
                    found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
        return found

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Ends the program; gives its exit code and what it told on stderr."""
        assert self.process is not None
        self.process.send_signal(how)
        _, told = self.process.communicate(timeout=PATIENCE_S)
        self.client.close()
        return self.process.returncode, told


def spoken(*lines: str) -> Rows:
    """Rows in which two people say these lines, in turns."""
    return [
        {"type": "speech", "character": ("Ann", "Bob")[turn % 2], "description": line}
        for turn, line in enumerate(lines)
    ]


def start(root: Path, *flags: str, variables: dict[str, str], token: str | None = None) -> Served:
    """The program on a free port."""
    environment = {name: value for name, value in variables.items() if name not in SECRETS}
    if token is not None:
        environment["TALESCAPE_TOKEN"] = token
    command = [sys.executable, "-m", "cli", "serve", str(root), "--port", "0", *flags]
    log = (root.parent / f"{root.name}.log").open("w+")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    log.seek(0)
    assert url.startswith("http://127.0.0.1:"), log.read()
    log.close()
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return Served(root, url, httpx.Client(base_url=url, timeout=PATIENCE_S, headers=headers, trust_env=False), process)


@contextmanager
def here(root: Path, limits: Limits, *, token: str | None = None, writer: Writer | None = None) -> Iterator[Served]:
    """A service in a thread of this process, with limits that the program has no flags for, or a language model."""
    addresses: list[str] = []
    server = make_server(
        root, host="127.0.0.1", port=0, token=token, limits=limits, writer=writer, announce=addresses.append
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    given_up_s = time.monotonic() + PATIENCE_S
    while not addresses:
        assert time.monotonic() < given_up_s
        time.sleep(0.01)
    try:
        with httpx.Client(base_url=addresses[0], timeout=PATIENCE_S, trust_env=False) as client:
            yield Served(root, addresses[0], client)
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


def raw_connection(served: Served) -> socket.socket:
    """A plain connection to a service."""
    address = httpx.URL(served.url)
    connection = socket.create_connection((address.host, address.port or 80), timeout=PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    """Everything that comes until the other side hangs up."""
    parts = []
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def is_posix() -> bool:
    return os.name != "nt"
