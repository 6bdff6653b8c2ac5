"""The command line: exit codes, what goes to stdout and stderr, and shapes that machines read."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from toys import Toys, installed_toys
from typer.testing import CliRunner

import cli
from composer.errors import RenderFailed, SceneInvalid, ScriptInvalid
from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings

HOUSE = Path(__file__).parent.parent.parent
ROWS: list[dict[str, object]] = [
    {"type": "speech", "character": "Ann", "description": "Hello there."},
    {"type": "sound_effect", "description": "a door"},
]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    scene.write_settings(Settings(title="Test"))
    scene.write_script(script_of(ROWS))
    return scene


@pytest.fixture
def toy_environment(tmp_path: Path) -> Toys:
    return installed_toys(tmp_path / "toys")


def run(*arguments: str, code: int = 0) -> str:
    """Runs a command in this process; gives its stdout."""
    result = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def run_program(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs the program as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments], cwd=HOUSE, capture_output=True, text=True, **options
    )  # type: ignore[call-overload,no-any-return]


@pytest.mark.usefixtures("toy_engines")
def test_render_prints_its_result_as_json_and_its_progress_elsewhere(scene: Scene) -> None:
    planned = json.loads(run("render", str(scene.folder), "--dry-run", "--json"))
    assert planned["synthesize"] == ["r01", "r02"] and planned["cached"] == [] and planned["rows"] == 2
    assert set(planned) == {"rows", "synthesize", "cached", "estimated_s", "estimated_usd"}
    done = json.loads(run("render", str(scene.folder), "--json"))
    assert set(done) == {
        "scene", "mix", "duration_s", "loudness_lufs", "true_peak_dbtp", "rows", "synthesized", "failed",
    }  # fmt: skip
    assert done["synthesized"] == 2 and done["failed"] == [] and Path(done["mix"]).is_file()
    assert "0 of 2 clips" in run("render", str(scene.folder), "--dry-run")


@pytest.mark.usefixtures("toy_engines")
def test_a_failed_row_exits_3_and_the_rest_is_there(scene: Scene) -> None:
    scene.write_script(script_of([*ROWS, {"type": "speech", "character": "Ann", "description": "CRASH"}]))
    done = json.loads(run("render", str(scene.folder), "--json", code=3))
    assert [fault["row"] for fault in done["failed"]] == ["r03"]
    assert Path(done["mix"]).is_file()


@pytest.mark.usefixtures("toy_engines")
def test_check_exits_1_with_row_and_column(scene: Scene, tmp_path: Path) -> None:
    assert json.loads(run("check", str(scene.folder), "--json")) == {"rows": 2, "faults": []}
    table = tmp_path / "broken.csv"
    table.write_text("type,character,description,volume\nspeech,Ann,Hello,loud\nspeech,,Hi,-15\n")
    told = json.loads(run("check", str(table), "--json", code=1))
    assert told["rows"] == 2
    assert [(fault["row"], fault["column"], fault["severity"]) for fault in told["faults"]] == [
        ("r01", "volume", "error"),
        ("r02", "character", "repaired"),
    ]
    assert "row r01, volume" in run("check", str(table), code=1)


AWKWARD = json.loads((HOUSE / "tests" / "composer" / "awkward_tables.json").read_text("utf-8"))


@pytest.mark.usefixtures("toy_engines")
@pytest.mark.parametrize("case", AWKWARD, ids=lambda case: str(case["name"]))
def test_awkward_tables_are_checked_converted_and_rendered_or_refused(case: dict[str, Any], tmp_path: Path) -> None:
    table, scene = tmp_path / "table.json", Scene(tmp_path / "scene")
    table.write_text(json.dumps(case["rows"]), "utf-8")
    scene.folder.mkdir()
    refused = case["outcome"] == "refused"
    told = json.loads(run("check", str(table), "--json", code=1 if refused else 0))
    assert told["rows"] == len(case["rows"])
    assert [[fault["row"], fault["column"]] for fault in told["faults"]] == case["faults"]
    if refused:
        with pytest.raises(ScriptInvalid, match=f"row {case['faults'][-1][0]}" if case["rows"] else "no rows"):
            run("convert", str(table), str(scene.script_path))
        return
    run("convert", str(table), str(scene.script_path))
    if case["name"] == "another script":
        with pytest.raises(RenderFailed, match="row r01, description: the toy speaks ASCII only"):
            run("render", str(scene.folder), "--json")
        return
    done = json.loads(run("render", str(scene.folder), "--json"))
    sounding = [row for row in case["rows"] if row.get("action") != "end"]
    assert (done["rows"], done["synthesized"], done["failed"]) == (len(case["rows"]), len(sounding), [])


def test_convert_goes_to_json_and_back(scene: Scene, tmp_path: Path) -> None:
    run("convert", str(scene.script_path), str(tmp_path / "a.json"))
    run("convert", str(tmp_path / "a.json"), str(tmp_path / "b.csv"))
    assert (tmp_path / "b.csv").read_bytes() == scene.script_path.read_bytes()


def test_engines_lists_every_engine_and_what_it_lacks() -> None:
    listed = json.loads(run("engines", "--json"))
    assert {"kokoro", "composed", "procedural", "library"} <= {engine["name"] for engine in listed if engine["ready"]}
    for engine in listed:
        assert set(engine) == {"name", "kind", "ready", "needs"}
        assert engine["ready"] or engine["needs"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["render", "nowhere"], 1, "error: nowhere: there is no such scene folder"),
        (["check", "nowhere.csv"], 1, "error: nowhere.csv: cannot be read"),
        (["plan", "-o", "x"], 2, "give a PROMPT"),
        (["plan", "a prompt", "--story", "b.txt", "-o", "x"], 2, "give a PROMPT"),
        (["frobnicate"], 2, "No such command"),
        (["render"], 2, "Missing argument"),
        (["render", "x", "--loud"], 2, "No such option"),
        (["plan", "a prompt", "--seed", "-1", "-o", "x"], 2, "--seed"),
        (["plan", "a prompt", "--model", "m", "--offline", "-o", "x"], 2, "exclude each other"),
        (["convert", "nowhere.csv", "out.csv"], 1, "error: nowhere.csv: cannot be read"),
        (["plan", "--story", "nowhere.txt", "-o", "x"], 1, "nowhere.txt"),
    ],
)
def test_faults_are_one_line_and_an_exit_code(arguments: list[str], code: int, told: str) -> None:
    done = run_program(*arguments)
    assert done.returncode == code
    assert told in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_debug_shows_where_an_error_came_from() -> None:
    assert "Traceback" in run_program("render", "nowhere", "--debug").stderr


def test_a_plan_is_kept_and_never_written_over_by_another(tmp_path: Path) -> None:
    folder = str(tmp_path / "scene")
    first = json.loads(run("plan", "A bedtime story about a lighthouse.", "-o", folder, "--offline", "--json"))
    assert first["rows"] > 3
    table = Path(first["table"])
    edited = table.read_text("utf-8").replace("lighthouse", "lightship")
    table.write_text(edited, "utf-8")
    run("plan", "A bedtime story about a lighthouse.", "-o", folder, "--offline")
    assert table.read_text("utf-8") == edited  # planned from the same words: the edits stay
    done = run_program("plan", "Something else.", "-o", folder, "--offline")
    assert done.returncode == 1 and "--overwrite" in done.stderr
    run("plan", "Something else.", "-o", folder, "--offline", "--overwrite")
    assert (Path(folder) / "plan" / "script-1.csv").read_text("utf-8") == edited


def test_the_version_is_told() -> None:
    assert run_program("--version").stdout == f"talescape {version('talescape')}\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "/x/y"), "error: /x/y: No space left on device\n"),
        (KeyError("k"), "error: talescape itself failed: KeyError: 'k'; please report it with what --debug shows\n"),
        (SceneInvalid("what: where; the way out"), "error: what: where; the way out\n"),
    ],
)
def test_whatever_is_raised_becomes_one_line(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    monkeypatch.setattr(sys, "argv", ["talescape", "engines"])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 1
    assert capsys.readouterr().err == told


@pytest.mark.skipif(os.name == "nt", reason="interrupts are sent as POSIX signals")
def test_an_interrupt_stops_with_a_message_and_the_next_render_goes_on(scene: Scene, toy_environment: Toys) -> None:
    scene.write_settings(Settings.model_validate(toy_environment.settings))
    scene.write_script(script_of([*ROWS, {"type": "speech", "character": "Ann", "description": "HANG"}]))
    command = [sys.executable, "-m", "cli", "render", str(scene.folder)]
    process = subprocess.Popen(
        command,
        env=toy_environment.variables,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test run in the background ignores it
    )
    assert process.stderr is not None
    while "[2/3]" not in process.stderr.readline():  # then the third row, which hangs, is under way
        assert process.poll() is None
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert told.strip() == "stopped; what was made is kept, and the next render goes on"
    assert len(list(scene.clips_dir.glob("*.wav"))) == 2 and not list(scene.folder.rglob("*.part"))
    assert not scene.mix_path.exists()
    done = run_program("render", str(scene.folder), "--json", env=toy_environment.variables)
    assert json.loads(done.stdout)["synthesized"] == 1


def test_a_log_of_a_render_is_plain_text(scene: Scene, toy_environment: Toys) -> None:
    scene.write_settings(Settings.model_validate(toy_environment.settings))
    done = run_program("render", str(scene.folder), env=toy_environment.variables)
    assert done.returncode == 0
    assert not re.search(r"[^\n -~]", done.stderr)
    assert [line.split(":")[0] for line in done.stderr.splitlines()[1:3]] == ["[1/2] r01", "[2/2] r02"]
