"""Limits of the service: each is refused early, with a status of its own and the way out."""

from __future__ import annotations

import errno
import json
import select
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import Served, here, raw_connection, read_to_end, spoken
from toys import Toys

from composer.errors import ComposerError
from composer.serving.limits import Limits
from composer.serving.shapes import NewExports

TIGHT = Limits(
    max_body_bytes=20_000,
    max_prompt_chars=100,
    max_story_chars=200,
    max_rows=5,
    max_sound_s=60.0,
    n_requests=3,
    n_thinking=1,
    thinking_wait_s=0.2,
    headers_s=0.5,
    body_s=0.5,
    stalled_s=0.5,
)


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with here(tmp_path_factory.mktemp("tight") / "scenes", TIGHT) as running:
        yield running


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} /v1{path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(tight: Served) -> None:
    with raw_connection(tight) as connection:
        connection.sendall(head("POST", "/scenes", "Content-Type: application/json", "Content-Length: 20001"))
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_of_unknown_size_is_refused_when_it_gets_too_large(tight: Served) -> None:
    late_s = time.monotonic() + 60.0

    def endless() -> Iterator[bytes]:
        while time.monotonic() < late_s:
            yield b" " * 1000

    try:
        answer = tight.client.post("/scenes", content=endless(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413 and "20,000" in answer.json()["detail"]
    except (httpx.WriteError, httpx.ReadError):
        pass  # hung up on while it sent on
    assert time.monotonic() < late_s


def test_a_body_that_does_not_come_is_not_waited_for(tight: Served) -> None:
    begun_s = time.monotonic()
    with raw_connection(tight) as connection:
        connection.sendall(head("POST", "/scenes", "Content-Type: application/json", "Content-Length: 100") + b"{")
        assert read_to_end(connection).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begun_s < 60


@pytest.mark.parametrize("sent", [b"", b"GET /v1/about HTTP/1.1\r\nHost: loc"])
def test_a_head_that_does_not_come_is_hung_up_on(tight: Served, sent: bytes) -> None:
    with raw_connection(tight) as connection:
        connection.sendall(sent)
        assert read_to_end(connection) == b""


@pytest.mark.skipif(not hasattr(select, "poll"), reason="needs select.poll")
def test_a_client_that_reads_nothing_is_hung_up_on(tight: Served) -> None:
    tight.make("unread")
    scene = tight.root / "unread"
    (scene / "export").mkdir()
    (scene / "export" / "large.wav").write_bytes(bytes(32 * 2**20))
    with raw_connection(tight) as connection:
        connection.sendall(head("GET", "/scenes/unread/exports/large.wav"))
        hung_up = select.poll()
        hung_up.register(connection, 0)  # nothing is read: only an end of the line is waited for
        assert hung_up.poll(120_000)


def test_a_client_that_reads_slowly_gets_all(tight: Served) -> None:
    tight.make("slowly")
    (tight.root / "slowly" / "export").mkdir()
    (tight.root / "slowly" / "export" / "large.wav").write_bytes(bytes(4 * 2**20))
    n_read = 0
    with tight.client.stream("GET", "/scenes/slowly/exports/large.wav") as stream:
        for part in stream.iter_bytes(2**19):
            n_read += len(part)
            time.sleep(0.05)
    assert n_read == 4 * 2**20


def test_too_many_requests_at_a_time_are_told_to_come_back(tight: Served) -> None:
    waiting = [raw_connection(tight) for _ in range(TIGHT.n_requests)]
    try:
        for connection in waiting:
            connection.sendall(head("POST", "/scenes", "Content-Type: application/json", "Content-Length: 9") + b"{")
        time.sleep(0.1)
        answer = tight.client.get("/about")
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    finally:
        for connection in waiting:
            read_to_end(connection)
            connection.close()
    assert tight.client.get("/about").status_code == 200


def test_long_work_is_done_for_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from composer.serving import scene_routes

    asked, goes_on = threading.Event(), threading.Event()

    def slow_check(scene: object) -> tuple[int, list[object]]:
        asked.set()
        goes_on.wait(60)
        return 2, []

    monkeypatch.setattr(scene_routes, "check", slow_check)
    with here(tmp_path / "scenes", TIGHT) as running:
        running.make("busy")
        first = threading.Thread(target=lambda: httpx.get(f"{running.url}/scenes/busy/check", timeout=60))
        first.start()
        assert asked.wait(60)
        answer = running.client.post("/scenes", json={"name": "other", "rows": spoken("Hi.")})
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
        assert running.client.get("/about").status_code == 200, "short work goes on"
        goes_on.set()
        first.join()


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ({"prompt": "x" * 101}, "too-many-words"),
        ({"story": "word " * 41}, "too-many-words"),
        ({"fountain": "word " * 41}, "too-many-words"),
        ({"prompt": "   "}, "words-unusable"),
        ({"rows": spoken(*"abcdef")}, "too-many-rows"),
        ({"story": "A. “B.” C. “D.” E. “F.” G. “H.” I."}, "too-many-rows"),
        ({"prompt": "a", "story": "b"}, "request-invalid"),
        ({}, "request-invalid"),
        ({"rows": []}, "request-invalid"),
        ({"prompt": "a", "colour": "red"}, "request-invalid"),
        ({"prompt": "a", "seed": -1}, "request-invalid"),
    ],
)
def test_what_is_too_much_or_does_not_fit_makes_no_scene(tight: Served, wanted: dict[str, object], kind: str) -> None:
    answer = tight.client.post("/scenes", json={"name": "refused", **wanted})
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:talescape:{kind}"), answer.text
    assert not (tight.root / "refused").exists()


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'{"name": "\xed\xa0\x80"}', b"[" * 9000, b'{"seed": ' + b"9" * 9000 + b"}"]
)
def test_what_is_no_usable_json_is_told(tight: Served, body: bytes) -> None:
    answer = tight.client.post("/scenes", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_json_of_another_media_type_is_refused(tight: Served) -> None:
    wanted = json.dumps({"name": "plain", "rows": spoken("Hi.")})
    answer = tight.client.post("/scenes", content=wanted, headers={"Content-Type": "text/plain"})
    assert "Content-Type: application/json" in answer.json()["detail"]
    assert answer.status_code == 422
    assert not (tight.root / "plain").exists()


def test_edits_cannot_pass_the_limit_of_rows(tight: Served) -> None:
    mark = tight.make("growing", spoken(*"abcde"))
    new = {"cells": {"type": "speech", "description": "one more"}}
    answer = tight.client.post("/scenes/growing/rows", json=new, headers={"If-Match": mark})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:talescape:too-many-rows")
    assert tight.client.get("/scenes/growing/table").headers["etag"] == mark


@pytest.mark.parametrize(
    "row",
    [
        {"type": "sound_effect", "description": "rain", "duration": 61},
        {"type": "speech", "description": "word " * 200},
        {"type": "sound_effect", "description": "a door", "start": 59},
    ],
)
def test_more_sound_than_the_limit_is_not_begun(tight: Served, row: dict[str, object]) -> None:
    name = f"long {row.get('duration', row['type'])}{row.get('start', '')}"
    tight.make(name, [row])
    answer = tight.client.post(f"/scenes/{name}/jobs")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:talescape:too-long")
    assert tight.client.get("/jobs").json() == {"jobs": []}


def test_a_mix_that_turns_out_too_long_is_not_made(tmp_path: Path, toys: Toys) -> None:
    from served import start

    running = start(tmp_path / "scenes", "--max-minutes", "0.02", variables=toys.variables)
    try:
        running.make("longer", spoken("Twelve chars"), toys=toys)  # foreseen 0.8 s; the toy makes 0.92 s of it
        mix = {**toys.settings, "mix": {"room": "none"}}
        running.client.put("/scenes/longer/settings", json=mix, headers={"If-Match": "*"})
        running.make("long", spoken("Seventeen letters"), toys=toys)  # foreseen 1.1 s; the toy makes 1.22 s of it
        running.client.put("/scenes/long/settings", json=mix, headers={"If-Match": "*"})
        assert running.events(running.render("longer")["id"])[-1][1] == "done"
        job = running.events(running.render("long")["id"])[-1][2]
        assert (job["state"], job["problem"]["type"]) == ("failed", "urn:talescape:too-long")
        assert not (running.root / "long" / "mix.wav").exists()
    finally:
        running.end()


def test_a_full_disk_is_told_and_leaves_no_scene(tight: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: object) -> None:
        raise ComposerError(f"{path}: cannot be written: No space left") from OSError(errno.ENOSPC, "No space left")

    monkeypatch.setattr("composer.tables.write_atomically", refuse)
    answer = tight.client.post("/scenes", json={"name": "no room", "rows": spoken("Hi.")})
    assert (answer.status_code, answer.json()["type"]) == (507, "urn:talescape:disk-full")
    assert "no room/script.csv" in answer.json()["detail"] and str(tight.root) not in answer.text
    assert not (tight.root / "no room").exists()


def test_a_fault_of_the_service_is_told_without_its_words(tight: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(scene: object) -> None:
        raise ZeroDivisionError("a secret")

    tight.make("unlucky")
    monkeypatch.setattr("composer.serving.scene_routes.check", fail)
    answer = tight.client.get("/scenes/unlucky/check")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:talescape:failed")
    assert answer.headers["content-type"] == "application/problem+json" and "secret" not in answer.text
    assert tight.client.get("/about").status_code == 200


def test_formats_are_those_that_there_are() -> None:
    from typing import get_args

    from composer.exports.export import FORMATS
    from composer.serving.shapes import FormatName

    assert list(get_args(FormatName)) == list(FORMATS)
    assert NewExports.model_json_schema()["properties"]["formats"]["maxItems"] == len(FORMATS)


def test_the_limits_are_told(tight: Served) -> None:
    told = tight.client.get("/about").json()
    assert told["max_rows"] == TIGHT.max_rows and told["max_body_bytes"] == TIGHT.max_body_bytes
