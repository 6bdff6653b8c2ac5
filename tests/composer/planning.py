"""Plans and failures of the planner against a real HTTP server, and what is kept of them on paper."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from llm_server import LlmServer, Script

from composer.brief import Brief, Plan
from composer.errors import ComposerError
from composer.planner import plan
from composer.script import read_rows
from composer.writers import openai
from composer.writers.openai import OpenAIWriter

HOUSE = Path(__file__).parent.parent.parent
KEY = "sk-test-4f9a1c77d2e8b60355aa"
BRIEF = Brief(prompt="A keeper hears a bell in the fog", seed=7)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.001)
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "TALESCAPE_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return tmp_path / "plan"


def planned(trail: Path, *answers: Script, brief: Brief = BRIEF) -> tuple[Plan, LlmServer]:
    """The plan that a server's answers make. It is a table without errors, and the key is nowhere on paper."""
    with LlmServer(*answers) as server:
        writer = OpenAIWriter(model="toy", base_url=server.base_url, api_key=KEY, timeout_s=20)
        made = plan(brief, writer, trail=trail)
    script, faults = read_rows(made.rows)
    assert script is not None and faults == []
    assert_no_key(trail)
    return made, server


def failed(trail: Path, *answers: Script, brief: Brief = BRIEF) -> tuple[ComposerError, LlmServer]:
    """The error that a server's answers end in. It is one line without the key, which is nowhere on paper either."""
    with LlmServer(*answers) as server:
        writer = OpenAIWriter(model="toy", base_url=server.base_url, api_key=KEY, timeout_s=20)
        with pytest.raises(ComposerError) as caught:
            plan(brief, writer, trail=trail)
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)
    assert_no_key(trail)
    return caught.value, server


def assert_no_key(trail: Path) -> None:
    for path in trail.rglob("*"):
        assert KEY not in path.read_text("utf-8"), path


def kept(trail: Path) -> dict[str, Any]:
    return dict(json.loads((trail / "plan.json").read_text("utf-8")))


def spoken(made: Plan) -> list[tuple[object, object]]:
    return [(row["character"], row["description"]) for row in made.rows if row["type"] == "speech"]


def without(rows: dict[str, object], **cells: object) -> dict[str, object]:
    """Rows whose second row, the narrator's, has other cells."""
    changed: list[dict[str, object]] = json.loads(json.dumps(rows))["rows"]
    changed[1] |= cells
    return {"rows": changed}
