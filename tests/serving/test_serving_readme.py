"""What the README shows of the service works: its commands are run against one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile
from served import Served

README = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sh")), reason="the README's example needs curl and sh")
def test_the_example_plans_edits_renders_and_fetches_a_scene(served: Served, tmp_path: Path) -> None:
    block = re.search(r"```sh\n(api=.*?)```", README, re.S)
    assert block and "http://127.0.0.1:8765/v1" in block[1]
    commands = block[1].replace("http://127.0.0.1:8765/v1", served.url)
    # The toys speak and play, so that no real engine is needed; who follows the README leaves this out.
    toys = """'{"engines": {"speech": "toy-speech", "music": "toy-music", "sound_effect": "toy-sound_effect"}}'"""
    setting = f'curl -s -X PUT $api/scenes/storm/settings -H "If-Match: *" -H "$json" -d {toys}\n'
    commands = commands.replace("job=", f"{setting}job=", 1)
    done = subprocess.run(["sh", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "event: done" in done.stdout, done.stdout
    rows = served.client.get("/scenes/storm/table").json()["rows"]
    assert rows[0]["row"] == "r01" and rows[0]["volume"] == -36
    assert soundfile.info(tmp_path / "storm.wav").duration > 3
