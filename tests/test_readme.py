"""What the README shows is so: its commands run in their order (with toy engines), its table is the one planned."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import cli

HOUSE = Path(__file__).parent.parent
README = (HOUSE / "README.md").read_text("utf-8")
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", README, re.S)
    for line in block.splitlines()
    if line.startswith("$ ")
]
PLAY = "INT. LIGHTHOUSE - NIGHT\n\nRain on the glass.\n\nKEEPER\n(softly)\nWho is there?\n"
STORY = 'Rain fell on the roof.\n\n"Who is there?" asked Anna.\n\n"Only me," said the old stationmaster.\n'


def words_in(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("toy_engines")
def test_every_command_runs_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(COMMANDS) >= 8
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALESCAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TALESCAPE_LIBRARY", str(tmp_path / "library"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TALESCAPE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "story.txt").write_text(STORY, "utf-8")
    (tmp_path / "play.fountain").write_text(PLAY, "utf-8")
    manifest = re.search(r"```yaml\n(# series\.yaml.*?)```", README, re.S)
    assert manifest
    (tmp_path / "series.yaml").write_text(manifest[1], "utf-8")
    (tmp_path / "finale.csv").write_text("type,description\nspeech,The end.\n", "utf-8")
    (tmp_path / "recordings").mkdir()
    noise = np.random.default_rng(0).standard_normal(16_000) * 0.1
    soundfile.write(tmp_path / "recordings" / "door falls shut.wav", noise, 16_000)
    soundfile.write(tmp_path / "street.wav", np.tile(noise, 3), 16_000)
    for command in COMMANDS:
        program, *arguments = shlex.split(command, comments=True)
        assert program == "talescape"
        result = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, f"{command}: {result.output}"
    assert (tmp_path / "lighthouse" / "mix.wav").is_file()
    assert (tmp_path / "lighthouse" / "export" / "lighthouse.report.html").is_file()
    assert not (tmp_path / "series").exists(), "--dry-run makes nothing"
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {"dog-barking.wav", "rain.wav", "residual.wav"}


def test_the_table_shown_is_the_one_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    prompt = next(shlex.split(command)[2] for command in COMMANDS if command.startswith("talescape compose"))
    CliRunner().invoke(cli.app, ["plan", prompt, "-o", str(tmp_path / "scene")], catch_exceptions=False)
    planned = {row["row"]: row for row in words_in(tmp_path / "scene" / "script.csv")}
    lines = [line.strip("| ").split("|") for line in README.splitlines() if re.match(r"\| (row|r\d\d) \|", line)]
    columns, *shown = [[cell.strip() for cell in line] for line in lines]
    assert len(shown) >= 6
    for cells in shown:
        row = dict(zip(columns, cells, strict=False))
        for column, cell in row.items():
            wanted = planned[row["row"]][column]
            if cell.endswith("…"):
                assert wanted.startswith(cell.removesuffix("…").strip()), row["row"]
            else:
                assert cell == wanted, (row["row"], column)


def test_files_that_it_links_to_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if "://" not in link and not (HOUSE / link).exists()]
    assert not missing
