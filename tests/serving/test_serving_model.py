"""A service with a language model on the loopback: it plans and revises, and what goes wrong there leaves no scene."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llm_server import OUTLINE, ROWS, Answer, LlmServer, fails, says
from served import Served, here

from composer.scene import Scene
from composer.serving.limits import Limits
from composer.writers import openai
from composer.writers.openai import OpenAIWriter

KEY = "sk-test-4f9a1c77d2e8b60355aa"
WANTED = {"name": "fog", "prompt": "A keeper hears a bell in the fog", "seed": 7}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.001)
    with LlmServer() as server:
        yield server


@pytest.fixture
def served(tmp_path: Path, model: LlmServer) -> Iterator[Served]:
    writer = OpenAIWriter(model="toy", base_url=model.base_url, api_key=KEY, timeout_s=20)
    with here(tmp_path / "scenes", Limits(), writer=writer) as served:
        yield served


def test_a_prompt_is_planned_by_the_model_unless_rules_are_asked_for(served: Served, model: LlmServer) -> None:
    model.answers = [says(OUTLINE), says(ROWS)]
    made = served.client.post("/scenes", json=WANTED)
    assert made.status_code == 201, made.text
    script, _ = Scene(served.root / "fog").read_script()
    lines = [row["description"] for row in ROWS["rows"] if row["type"] == "speech"]
    assert [row.description for row in script.rows if row.type == "speech"] == lines
    assert len(model.chats) == 2 and "A keeper hears a bell in the fog" in model.chats[0].said
    assert served.client.post("/scenes", json={**WANTED, "name": "ruled", "offline": True}).status_code == 201
    assert len(model.chats) == 2


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [(fails(401, f"bad key {KEY}"), 503, "refused the key"), (says("I would rather chat."), 502, "JSON")],
    ids=["no entry", "no plan"],
)
def test_a_model_that_fails_is_told_and_leaves_no_scene_and_no_key(
    served: Served, model: LlmServer, answer: Answer, status: int, told: str
) -> None:
    model.answers = [answer]
    refused = served.client.post("/scenes", json=WANTED)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert told in refused.json()["detail"] and KEY not in refused.text
    assert served.client.get("/scenes/fog").status_code == 404
    model.answers = [says(OUTLINE), says(ROWS)]
    assert served.client.post("/scenes", json=WANTED).status_code == 201


def test_a_wish_becomes_edits_that_are_proposed_and_not_written(served: Served, model: LlmServer) -> None:
    etag = served.make("fog")
    empty = dict.fromkeys(("row", "column", "value", "after", "cells", "character", "voice"))
    edit = {**empty, "op": "set", "row": "r01", "column": "description", "value": "Hello, and hush."}
    model.answers = [says({"edits": [edit], "cannot": []})]
    proposed = served.client.post("/scenes/fog/revise", json={"words": "calm Ann"})
    assert proposed.status_code == 200, proposed.text
    assert proposed.json()["edits"][0]["value"] == "Hello, and hush." and proposed.json()["diff"]
    assert served.client.get("/scenes/fog/table").headers["etag"] == etag
