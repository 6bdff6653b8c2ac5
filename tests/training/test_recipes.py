"""Recipe files find their trainer, and what is no recipe is told so."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import cli
from training.recipes import BUNDLED, TRAINERS, RecipeUnusable, find_recipe, kind_of


def test_train_hands_the_recipe_over_and_prints_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("recipe: clipsep\n")
    asked: list[object] = []

    def toy(path: Path, folder: Path, *, report: object) -> Path:
        asked.extend([path, folder])
        report({"step": 3, "loss": 0.5})  # type: ignore[operator]
        return folder / "checkpoint"

    monkeypatch.setitem(sys.modules, "toy_trainer", SimpleNamespace(train=toy))  # type: ignore[arg-type]
    monkeypatch.setitem(TRAINERS, "clipsep", "toy_trainer:train")
    result = CliRunner().invoke(cli.app, ["train", str(recipe), "-o", str(tmp_path / "run")])
    assert result.exit_code == 0 and asked == [recipe, tmp_path / "run"]
    assert result.stdout == f"{tmp_path / 'run' / 'checkpoint'}\n"
    assert result.stderr == "step 3, loss 0.5\n"


def test_a_bundled_recipe_goes_by_its_name() -> None:
    for path in BUNDLED.glob("*.yaml"):
        assert find_recipe(Path(path.stem)) == path
    with pytest.raises(RecipeUnusable, match="no such recipe; name a file, or one of: "):
        find_recipe(Path("nowhere.yaml"))


@pytest.mark.parametrize("text", ["recipe: dancing\n", "[1, 2]", "", "a: [", "recipe: [clipsep]"])
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(RecipeUnusable, match=r"a\.yaml: (`recipe` is|cannot be read as YAML)"):
        kind_of(tmp_path / "a.yaml")
