"""talescape evaluate: a name finds its measurement, which gets all that follows."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import cli
from training.evaluations import EVALUATIONS, EvaluationUnknown, evaluate


def test_what_follows_the_name_reaches_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    before = sys.argv
    toy = SimpleNamespace(main=lambda: asked.append(sys.argv))
    monkeypatch.setitem(sys.modules, "toy_evaluation", toy)  # type: ignore[arg-type]
    monkeypatch.setitem(EVALUATIONS, "toy", "toy_evaluation")
    result = CliRunner().invoke(cli.app, ["evaluate", "toy", "A=folder", "--pairs", "3", "--unseen"])
    assert result.exit_code == 0, result.output
    assert asked == [["talescape evaluate toy", "A=folder", "--pairs", "3", "--unseen"]]
    assert sys.argv is before


def test_every_measurement_is_there() -> None:
    assert all(importlib.util.find_spec(module) for module in EVALUATIONS.values())


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(EvaluationUnknown, match="'dancing' can be measured; there are: clipsep, clipsonic, effects"):
        evaluate("dancing", [])
