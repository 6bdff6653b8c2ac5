"""The command line: exit codes, what goes to stdout and stderr, and shapes that machines read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
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
    assert [(fault["row"], fault["column"], fault["severity"]) for fault in told["faults"]] == [
        ("r01", "volume", "error"),
        ("r02", "character", "repaired"),
    ]
    assert "row r01, volume" in run("check", str(table), code=1)


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
