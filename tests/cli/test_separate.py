"""talescape separate and remix: shapes that machines read, what goes to stdout and stderr, exit codes, interrupts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from composer_separating import ToySeparator, recording
from typer.testing import CliRunner, Result

import cli
from composer import separation, separation_progress

HOUSE = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def toy_separator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "separator", lambda name: ToySeparator())


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_separate_prints_outputs_and_confidence_as_json_and_the_rest_elsewhere(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav", duration_s=12.0)
    options = ["--query", "low", "-q", "high", "--keep", "residual", "--plot", tmp_path / "m.png", "--json"]
    result = run("separate", source, *options, "-o", tmp_path / "out")
    told = json.loads(result.stdout)
    assert set(told) == {"outputs", "confidence"}
    assert list(told["outputs"]) == ["low", "high", "residual"] and told["confidence"] == {"low": 1.0, "high": 1.0}
    assert all(soundfile.info(path).frames == 12 * 44_100 for path in told["outputs"].values())
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"
    assert "12.0 s, 44100 Hz, 2 channels, 2 queries" in result.stderr and "times real time" in result.stderr
    assert "low: 1.00 sure that it is there" in result.stderr


def test_a_log_gets_a_line_every_tenth_with_the_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation_progress, "SECONDS_BETWEEN_LINES", 0.0)
    source = recording(tmp_path / "in.wav", rate=8_000, duration_s=60.0)
    lines = run("separate", source, "--query", "low", "-o", tmp_path / "out.wav").stderr.splitlines()
    told = [
        float(match[1]) for line in lines if (match := re.match(r"([\d.]+) of 60\.0 s, [\d.]+ times real time", line))
    ]
    assert told == sorted(told) and told[-1] == 60.0 and 5 <= len(told) <= 10
    assert re.fullmatch(r"60\.0 s in [\d.]+ s, [\d.]+ times real time", lines[-2])


def test_separate_prints_paths_one_a_line(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav")
    result = run("separate", source, "--query", "low", "-o", tmp_path / "mine.wav")
    assert result.stdout == f"{tmp_path / 'mine.wav'}\n"


def test_pictures_are_queries_under_their_path(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav")
    told = json.loads(run("separate", source, "--image", "a/dog.png", "-o", tmp_path / "out", "--json").stdout)
    assert told["outputs"] == {"a/dog.png": str(tmp_path / "out" / "a-dog-png.wav")}


def test_remix_takes_a_gain_for_each_query(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav")
    changes = ["--query", "low", "--gain", "-12", "--query", "high", "--gain", "mute"]
    told = json.loads(run("remix", source, *changes, "-o", tmp_path / "out.wav", "--json").stdout)
    assert told["outputs"] == {"in remix": str(tmp_path / "out.wav")} and set(told["confidence"]) == {"low", "high"}
    before, after = (np.sqrt(np.mean(soundfile.read(path)[0][:, 0] ** 2)) for path in (source, tmp_path / "out.wav"))
    assert after / before == pytest.approx(10 ** (-12 / 20) / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["separate", "in.wav", "-o", "out"], "give --query WORDS or --image FILE"),
        (["separate", "in.wav", "--query", "low"], "Missing option"),
        (["separate", "in.wav", "--query", "low", "--keep", "all", "-o", "out"], "the choice is residual"),
        (["remix", "in.wav", "--query", "low", "-o", "out.wav"], "one --gain for each --query; there are 1 and 0"),
        (["remix", "in.wav", "-o", "out.wav"], "there are 0 and 0"),
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], told: str) -> None:
    plain = " ".join(run(*arguments, code=2).stderr.replace("│", " ").split())
    assert told in plain


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["separate", "nowhere.wav", "--query", "dog", "-o", "{}"], "error: nowhere.wav: is not there"),
        (["remix", "{}/in.wav", "--query", "dog", "--gain", "loud", "-o", "{}/out.wav"], "error: gain 'loud': give a"),
        (["separate", "{}/in.wav", "--query", "dog", "-o", "{}/in.wav"], "in.wav: is the recording itself"),
        (["separate", "{}/in.wav", "--query", "dog", "-o", "{}/a.m4a"], "error: {}/a.m4a: .m4a cannot be written"),
        (["separate", "{}/in.wav", "--query", "", "-o", "{}/a.wav"], "error: query 1 is empty"),
        (["separate", "{}/in.wav", "--query", "d " * 9000, "-o", "{}/a.wav"], "error: query 1 has"),
        (["separate", "{}/in.wav", "--query", "a", "--model", "{}/w.pt", "-o", "{}/a.wav"], "files can run code"),
    ],
)
def test_faults_are_one_line_and_exit_1(tmp_path: Path, arguments: list[str], told: str) -> None:
    recording(tmp_path / "in.wav", duration_s=0.5)
    command = [sys.executable, "-m", "cli", *(argument.replace("{}", str(tmp_path)) for argument in arguments)]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert told.replace("{}", str(tmp_path)) in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


INTERRUPTED = """
import sys, time
sys.path[:0] = sys.argv.pop(1), sys.argv.pop(1)
import cli, composer_separating as toys
from composer import separation, separation_progress
class Slow(toys.ToySeparation):
    def masks(self, windows):
        time.sleep(0.2)
        return super().masks(windows)
class SlowSeparator(toys.ToySeparator):
    def begin(self, recording, queries, *, level_rms):
        return Slow(recording, queries)
separation.separator = lambda name: SlowSeparator()
cli.main()
"""


def test_an_interrupt_leaves_no_half_file(tmp_path: Path) -> None:
    source = recording(tmp_path / "in.wav", rate=16_000, channels=1, duration_s=400.0)
    out = tmp_path / "out"
    command = [sys.executable, "-c", INTERRUPTED, str(HOUSE), str(HOUSE / "tests")]
    arguments = ["separate", str(source), "--query", "low", "--keep", "residual", "-o", str(out)]
    process = subprocess.Popen(
        command + arguments,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test run in the background ignores it
    )
    deadline_s = time.monotonic() + 60
    while not (out / "low.wav.part").exists() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in told
    assert list(out.iterdir()) == []
