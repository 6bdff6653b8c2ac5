"""A real HTTP server that plays chat completions: it gives scripted answers and keeps every request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

CHAT, MODELS = "/v1/chat/completions", "/v1/models"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def format(self) -> str:
        """json_schema, json_object, or text where none is asked for."""
        return str(self.body.get("response_format", {}).get("type", "text"))

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    @property
    def said(self) -> str:
        """The text of all messages."""
        parts = [message["content"] for message in self.messages]
        return "\n".join(
            part if isinstance(part, str) else "\n".join(each.get("text", "") for each in part) for part in parts
        )


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `cut_after` closes the connection after so many bytes, `drip_s` waits between bytes."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    cut_after: int | None = None
    drip_s: float = 0.0


def says(content: object, *, ends: str = "stop", tokens: tuple[int, int] = (100, 50), **message: object) -> Answer:
    """A chat completion whose message holds `content`; a dict is written as JSON."""
    text = json.dumps(content) if isinstance(content, dict) else content
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": ends}
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return Answer(
        json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}).encode("utf-8")
    )


def fails(status: int, message: str = "no", *, code: str | None = None, **headers: str) -> Answer:
    """An error as OpenAI's API writes it; headers with _ for -."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode("utf-8")
    return Answer(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


Script = Answer | Callable[[Request], Answer]


class LlmServer:
    """Serves on a free port of 127.0.0.1. Answers chat requests in order; the last answer is given for ever."""

    def __init__(self, *answers: Script, models: Script | None = None) -> None:
        self.answers = list(answers)
        self.models = models or fails(404)
        self.requests: list[Request] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                self._serve(json.loads(self.rfile.read(length)))

            def do_GET(self) -> None:
                self._serve({})

            def _serve(self, body: dict[str, Any]) -> None:
                headers = {name.casefold(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                server.requests.append(request)
                script = server._next(request)
                server._send(self, script(request) if callable(script) else script)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:  # a client that hung up
                pass

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}/v1"

    @property
    def chats(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]

    def _next(self, request: Request) -> Script:
        if request.method == "GET":
            return self.models
        if request.path != CHAT or not self.answers:
            return fails(404, "no such page")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.wait_s:
            self._closing.wait(answer.wait_s)
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.content_type)
        handler.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if answer.drip_s:
            for byte in answer.body:
                if self._closing.is_set():
                    return
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(answer.drip_s)
        elif answer.cut_after is not None:
            handler.wfile.write(answer.body[: answer.cut_after])
            handler.wfile.flush()
            handler.close_connection = True
        else:
            handler.wfile.write(answer.body)


def row(type: str = "speech", **cells: object) -> dict[str, object]:
    """A row as the schema asks for it, with null in what is not given."""
    names = ("layout", "id", "character", "volume", "action", "description", "duration", "start", "pan")
    return {"type": type, **dict.fromkeys(names), "layout": "foreground", **cells}


OUTLINE: dict[str, object] = {
    "title": "The Fog Bell",
    "setting": "a lighthouse at night, in fog",
    "mood": "eerie",
    "cast": [{"name": "Narrator", "about": "calm woman"}, {"name": "Tom", "about": "old keeper, gruff man"}],
    "beats": ["Fog comes in.", "Tom rings the bell."],
}
ROWS: dict[str, object] = {
    "rows": [
        row("music", layout="background", id=1, action="begin", description="low strings", volume=-32),
        row(character="Narrator", description="The fog came in at nine.", volume=-15),
        row("sound_effect", description="a ship's bell, struck twice", volume=-22, duration=3, start=-0.3, pan=0.4),
        row(character="Tom", description="Who is out there?", volume=-15),
        row("music", layout="background", id=1, action="end"),
    ]
}
