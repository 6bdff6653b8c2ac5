"""Renders through the service: progress as it comes, downloads, cancelling, and what a kill leaves."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from served import Served, is_posix, spoken, start
from toys import Toys

from composer.scene import Scene

pytestmark = pytest.mark.skipif(not is_posix(), reason="signals are a POSIX thing")
LINES = [f"Line {number}." for number in range(6)]


@pytest.fixture
def slow(tmp_path: Path, toys: Toys) -> Iterator[Served]:
    """A service of its own whose toys take half a second for a sound; it renders one scene, and one may wait."""
    variables = {**toys.variables, "TOY_DELAY_S": "0.5", "TOY_LOG": str(tmp_path / "asked.txt")}
    (tmp_path / "asked.txt").touch()
    running = start(tmp_path / "scenes", "--waiting", "1", variables=variables)
    try:
        yield running
    finally:
        assert running.process is not None
        if running.process.poll() is None:
            running.end()


def asked(served: Served) -> list[str]:
    """What the toys were asked to make."""
    return (served.root.parent / "asked.txt").read_text().splitlines()


def whole_clips(scene: Path) -> int:
    """How many clips there are; every one of them can be read."""
    paths = sorted(scene.glob("clips/*.wav"))
    for path in paths:
        assert soundfile.info(path).frames > 0
    return len(paths)


def wait_for_clips(served: Served, job: dict[str, Any], n_clips: int) -> None:
    given_up_s = time.monotonic() + 120
    while served.job(job["id"])["made"] < n_clips:
        assert time.monotonic() < given_up_s
        time.sleep(0.02)


def test_a_scene_is_rendered_with_real_engines_and_every_file_can_be_fetched(served: Served) -> None:
    rows: list[dict[str, object]] = [
        {"type": "sound_effect", "description": words, "duration": 1, "engine": "procedural"}
        for words in ("a door knock", "rain")
    ]
    served.make("real", rows)
    assert served.client.get("/scenes/real/mix").status_code == 409
    job = served.render("real")
    events = served.events(job["id"])
    assert [name for _, name, _ in events] == ["running", "planned", "row_done", "row_done", "mixing", "done"]
    assert [data["engine"] for _, name, data in events if name == "row_done"] == ["procedural", "procedural"]
    ended = served.job(job["id"])
    assert events[-1][2] == ended
    assert (ended["state"], ended["made"], ended["to_make"], ended["failed"]) == ("done", 2, 2, 0)
    manifest = served.client.get("/scenes/real/manifest").json()
    assert manifest == json.loads((served.root / "real" / "manifest.json").read_text("utf-8"))
    mix = served.client.get("/scenes/real/mix")
    assert mix.content == (served.root / "real" / "mix.wav").read_bytes()
    assert soundfile.info(io.BytesIO(mix.content)).duration == pytest.approx(ended["result"]["duration_s"], abs=0.001)
    part = served.client.get("/scenes/real/mix", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, mix.content[100:200])
    for row in manifest["rows"]:
        clip = served.client.get(f"/scenes/real/rows/{row['row']}/clip")
        assert clip.content == (served.root / "real" / row["clip"]).read_bytes()
    assert served.client.get("/scenes/real/rows/r09/clip").status_code == 404
    stem = served.client.get("/scenes/real/stems/effects")
    assert stem.content == (served.root / "real" / "stems" / "effects.wav").read_bytes()
    made = served.client.post("/scenes/real/exports", json={"formats": ["srt", "clips", "flac"]})
    assert made.status_code == 201, made.text
    assert served.client.get("/scenes/real/exports").json()["files"] == sorted(
        made.json()["files"], key=lambda each: each["file"]
    )
    for each in made.json()["files"]:
        file = served.client.get(f"/scenes/real/exports/{each['file']}")
        assert len(file.content) == each["size"] > 0
        assert file.content == (served.root / "real" / "export" / each["file"]).read_bytes()
    assert served.client.get("/scenes/real").json()["rendered"] is True
    again = served.events(served.render("real")["id"])
    assert [name for _, name, _ in again] == ["running", "planned", "mixing", "done"]


def test_rows_that_fail_are_told_and_the_rest_is_mixed(served: Served, toys: Toys) -> None:
    served.make("with a fault", spoken("Good.", "CRASH now."), toys=toys)
    events = served.events(served.render("with a fault")["id"])
    failed = next(data for _, name, data in events if name == "row_failed")
    assert failed["row"] == "r02" and "crashed" in failed["message"]
    assert events[-1][1] == "incomplete"
    assert [fault["row"] for fault in events[-1][2]["result"]["failed"]] == ["r02"]
    served.make("all faults", spoken("CRASH now."), toys=toys)
    job = served.events(served.render("all faults")["id"])[-1][2]
    assert (job["state"], job["problem"]["type"]) == ("failed", "urn:talescape:render-failed")
    assert str(served.root) not in json.dumps(job)


def test_only_the_rows_asked_for_are_made(served: Served, toys: Toys) -> None:
    served.make("only", spoken(*LINES), toys=toys)
    events = served.events(served.render("only", only=["r02"])["id"])
    assert [data["row"] for _, name, data in events if name == "row_done"] == ["r02"]
    unknown = served.client.post("/scenes/only/jobs", json={"only": ["r99"]})
    assert unknown.status_code == 422 and "r99" in unknown.json()["detail"]


def test_who_lost_the_line_reads_on_where_it_was_lost(served: Served, toys: Toys) -> None:
    served.make("line", spoken("One.", "Two."), toys=toys)
    job = served.render("line")
    events = served.events(job["id"])
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert served.events(job["id"], after=3) == events[3:]
    assert served.events(job["id"], after=99) == []


def test_a_scene_that_another_program_renders_is_refused(served: Served, toys: Toys) -> None:
    served.make("elsewhere", toys=toys)
    with Scene(served.root / "elsewhere").locked():
        for answer in (
            served.client.post("/scenes/elsewhere/jobs"),
            served.client.delete("/scenes/elsewhere"),
            served.client.put("/scenes/elsewhere/settings", json={}, headers={"If-Match": "*"}),
        ):
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:talescape:scene-busy")
    assert served.events(served.render("elsewhere")["id"])[-1][1] == "done"


def test_while_a_scene_is_rendered_others_are_answered_and_too_many_jobs_refused(slow: Served, toys: Toys) -> None:
    for name in ("one", "two", "three"):
        slow.make(name, spoken(*LINES, *LINES), toys=toys)
    first = slow.render("one")
    wait_for_clips(slow, first, 1)
    assert slow.client.post("/scenes/one/jobs").status_code == 409
    assert slow.client.delete("/scenes/one").status_code == 409
    second = slow.render("two")
    assert second["state"] == "waiting"
    full = slow.client.post("/scenes/three/jobs")
    assert full.status_code == 429 and int(full.headers["retry-after"]) > 0
    mark = slow.client.get("/scenes/one/table").headers["etag"]
    edit = slow.client.patch(
        "/scenes/one/rows/r06", json={"cells": {"description": "New."}}, headers={"If-Match": mark}
    )
    assert edit.status_code == 200, "the table may be edited meanwhile"
    assert slow.job(first["id"])["state"] == "running", "none of this waited for the render"
    assert slow.client.post(f"/jobs/{second['id']}/cancel").json()["state"] == "cancelled"
    assert slow.client.get("/scenes/two").json()["job"] is None
    done = slow.wait_for(first["id"])
    assert done["state"] == "done"
    assert any("edited while" in fault["message"] for fault in done["result"]["warnings"])


def test_cancelling_keeps_the_clips_that_were_made(slow: Served, toys: Toys) -> None:
    slow.make("cancelled", spoken(*LINES), toys=toys)
    job = slow.render("cancelled")
    wait_for_clips(slow, job, 1)
    slow.client.post(f"/jobs/{job['id']}/cancel")
    ended = slow.wait_for(job["id"])
    assert ended["state"] == "cancelled" and 1 <= ended["made"] < 6
    assert whole_clips(slow.root / "cancelled") == ended["made"] == len(asked(slow))
    again = slow.events(slow.render("cancelled")["id"])
    assert again[-1][1] == "done"
    assert sorted(asked(slow)) == sorted(LINES), "no clip was made twice"


def test_cancelling_at_once_ends_the_process_and_the_next_job_gets_a_new_one(slow: Served, toys: Toys) -> None:
    slow.make("at once", spoken(*LINES), toys=toys)
    job = slow.render("at once")
    wait_for_clips(slow, job, 1)
    slow.client.post(f"/jobs/{job['id']}/cancel", params={"now": True})
    assert slow.wait_for(job["id"])["state"] == "cancelled"
    whole_clips(slow.root / "at once")
    assert slow.events(slow.render("at once")["id"])[-1][1] == "done"


def test_a_row_that_kills_its_process_fails_its_job_alone(served: Served, toys: Toys) -> None:
    served.make("deadly", spoken("Good.", "DIE"), toys=toys)
    job = served.events(served.render("deadly")["id"])[-1][2]
    assert (job["state"], job["problem"]["type"]) == ("failed", "urn:talescape:worker-died")
    assert whole_clips(served.root / "deadly") == 1
    served.make("after it", toys=toys)
    assert served.events(served.render("after it")["id"])[-1][1] == "done"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_service_that_is_told_to_end_finishes_the_clip_in_hand(slow: Served, toys: Toys, how: signal.Signals) -> None:
    slow.make("ending", spoken(*LINES), toys=toys)
    job = slow.render("ending")
    wait_for_clips(slow, job, 1)
    code, told = slow.end(how)
    assert code == (0 if how == signal.SIGINT else -signal.SIGTERM), told
    n_made = whole_clips(slow.root / "ending")
    assert 1 <= n_made < 6
    assert n_made == len(asked(slow)), "every clip that was begun was finished"
    assert not list(slow.root.rglob("*.part"))


def test_a_killed_service_loses_nothing(slow: Served, toys: Toys, tmp_path: Path) -> None:
    slow.make("killed", spoken(*LINES), toys=toys)
    job = slow.render("killed")
    wait_for_clips(slow, job, 2)
    slow.end(signal.SIGKILL)
    deadline_s = time.monotonic() + 30
    while _is_held(slow.root / "killed"):  # its worker sees that it is gone, and ends
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    n_made = whole_clips(slow.root / "killed")
    assert n_made >= 2
    variables = {**toys.variables, "TOY_LOG": str(tmp_path / "asked.txt")}
    n_asked = len(asked(slow))
    again = start(slow.root, variables=variables)
    try:
        assert [row["description"] for row in again.client.get("/scenes/killed/table").json()["rows"]] == LINES
        done = again.events(again.render("killed")["id"])[-1][2]
        assert (done["state"], done["result"]["synthesized"]) == ("done", 6 - n_made)
        assert len(asked(slow)) == n_asked + 6 - n_made
    finally:
        again.end()
    assert not list(slow.root.rglob("*.part"))


def _is_held(scene: Path) -> bool:
    from composer.errors import SceneBusy

    try:
        with Scene(scene).locked():
            return False
    except SceneBusy:
        return True


def test_unknown_jobs_are_told(served: Served) -> None:
    assert served.client.get("/jobs/0123456789abcdef").status_code == 404
    assert served.client.get("/jobs/0123456789abcdef/events").status_code == 404
    assert served.client.get(f"/jobs/{os.pardir}/events").status_code in (404, 422)
