"""talescape sonify: files, shapes that machines read, what goes to stdout and stderr, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clipsonic_toys import toy_engine
from typer.testing import CliRunner, Result

import cli
from composer import sonifying

HOUSE = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def toy_clipsonic(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = toy_engine(tmp_path_factory.mktemp("clipsonic"))
    monkeypatch.setattr(sonifying, "sound_engine", lambda kind, name: engine)


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, ["sonify", *[str(argument) for argument in arguments]])
    assert result.exit_code == code, result.output
    return result


def test_words_become_a_file_whose_path_is_printed(tmp_path: Path) -> None:
    result = run("--text", "dog barking", "--duration", 0.5, "-o", tmp_path / "bark.wav")
    assert result.stdout == f"{tmp_path / 'bark.wav'}\n"
    assert "sure that it will be heard as asked: its nearest known sound is 'dog'" in result.stderr
    assert "0.5 s of sound in" in result.stderr and "48000 Hz with sound up to 8000 Hz" in result.stderr
    info = soundfile.info(tmp_path / "bark.wav")
    assert (info.samplerate, info.channels, info.frames) == (48_000, 1, 24_000)


def test_a_picture_becomes_a_sound_with_or_without_words(tmp_path: Path) -> None:
    run("--image", tmp_path / "dog.png", "--duration", 0.5, "-o", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["dog.wav"]
    run("--image", tmp_path / "dog.png", "--text", "a big dog", "--duration", 0.5, "-o", tmp_path / "out")
    alone, both = (soundfile.read(tmp_path / "out" / name)[0] for name in ("dog.wav", "a-big-dog.wav"))
    assert not np.array_equal(alone, both)


def test_many_sounds_have_a_seed_and_a_file_each(tmp_path: Path) -> None:
    result = run("--text", "rain", "--duration", 0.5, "--seed", 7, "--count", 3, "-o", tmp_path / "out", "--json")
    told = json.loads(result.stdout)
    assert told["seeds"] == [7, 8, 9] and told["duration_s"] == [0.5, 0.5, 0.5]
    assert [Path(path).name for path in told["outputs"]] == ["rain-7.wav", "rain-8.wav", "rain-9.wav"]
    assert (told["sample_rate"], told["bandwidth_hz"]) == (48_000, 8_000)
    assert 0.4 < told["confidence"] < 0.6 and "'rain'" in told["because"]
    sounds = [Path(path).read_bytes() for path in told["outputs"]]
    assert len(set(sounds)) == 3
    run("--text", "rain", "--duration", 0.5, "--seed", 8, "-o", tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == sounds[1]


def test_options_change_the_sound(tmp_path: Path) -> None:
    sounds = set()
    for number, options in enumerate(
        [[], ["--guidance", 3], ["--steps", 5], ["--sampler", "ddim"], ["--seed", 1], ["--bed"]]
    ):
        run("--text", "rain", "--duration", 0.5, *options, "-o", tmp_path / f"{number}.wav")
        sounds.add((tmp_path / f"{number}.wav").read_bytes())
    assert len(sounds) == 6


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_other_kinds_of_sound_files_are_written(tmp_path: Path, suffix: str) -> None:
    run("--text", "rain", "--duration", 0.5, "-o", tmp_path / f"rain{suffix}")
    assert soundfile.info(tmp_path / f"rain{suffix}").frames == 24_000


def test_words_like_nothing_known_are_made_with_a_warning(tmp_path: Path) -> None:
    result = run("--text", "a quarterly tax return", "--duration", 0.5, "-o", tmp_path / "x.wav")
    assert "warning: only 0.0" in result.stderr and "its nearest known sound is" in result.stderr
    assert (tmp_path / "x.wav").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "a.wav"], "give --text WORDS or --image FILE"),
        (["--text", "rain"], "Missing option"),
        (["--text", "rain", "--duration", "long", "-o", "a.wav"], "unable to parse string as a number"),
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], told: str) -> None:
    assert told in " ".join(run(*arguments, code=2).stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--text", " "], "nothing is asked for"),
        (["--text", "rain", "--duration", "0.01"], "give 0.05 to 600 s"),
        (["--text", "rain", "--duration", "601"], "give 0.05 to 600 s"),
        (["--text", "rain", "--guidance", "-1"], "guidance -1 cannot be used"),
        (["--text", "rain", "--steps", "0"], "0 steps cannot be taken"),
        (["--text", "rain", "--sampler", "heun"], "there are: ancestral, ddim, dpm++"),
        (["--text", "rain", "--count", "0"], "give a count of 1 to 1,000"),
        (["--text", "rain", "--count", "2"], "2 files are to be written; name a folder"),
        (["--text", "rain", "--model", "net.pt"], "files can run code"),
    ],
)
def test_faults_are_told_and_nothing_is_written(tmp_path: Path, arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(cli.app, ["sonify", *arguments, "-o", str(tmp_path / "a.wav")])
    assert result.exit_code == 1 and told in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_the_picture_itself_is_not_written_over(tmp_path: Path) -> None:
    picture = tmp_path / "dog.wav"
    picture.write_bytes(b"a picture by a strange name")
    result = CliRunner().invoke(cli.app, ["sonify", "--image", str(picture), "-o", str(picture)])
    assert result.exit_code == 1 and picture.read_bytes().startswith(b"a picture")


def test_a_fault_is_one_line_and_exit_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli", "sonify", "--text", "", "-o", str(tmp_path / "a.wav")]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: nothing is asked for") and done.stderr.count("\n") == 1
