"""Recipe files to training runs: a recipe's `recipe` key names the model that it trains."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from models.errors import ModelError
from training.sounds import DataUnusable

TRAINERS = {
    "clipsep": "training.clipsep:train",
    "clipsonic": "training.clipsonic:train",
    "prior": "training.prior:train",
    "vocoder": "training.vocoder:train",
}
"""Value of `recipe` -> a function (recipe path, folder, report=...) -> the checkpoint's folder."""
BUNDLED = Path(__file__).parent / "configs"
Recipe = TypeVar("Recipe", bound=BaseModel)
Report = Callable[[dict[str, float]], None]


class RecipeUnusable(ModelError):
    """A recipe is missing, is no YAML, or names no model that can be trained."""


def train(recipe: Path, folder: Path, *, report: Report | None = None) -> Path:
    """Trains what the recipe says in a folder, or goes on where a cut-off run stopped; gives the checkpoint's folder.

    A recipe is a file, or the name of one that comes with the program. Raises ModelError.
    """
    path = find_recipe(recipe)
    module, _, function = TRAINERS[kind_of(path)].partition(":")
    trainer = cast(Callable[..., Path], getattr(importlib.import_module(module), function))
    return trainer(path, folder, report=report)


def find_recipe(recipe: Path) -> Path:
    """The file itself, or the bundled recipe of that name. Raises RecipeUnusable naming those there are."""
    if recipe.is_file():
        return recipe
    bundled = BUNDLED / recipe.with_suffix(".yaml").name
    if len(recipe.parts) == 1 and bundled.is_file():
        return bundled
    names = ", ".join(sorted(path.stem for path in BUNDLED.glob("*.yaml")))
    raise RecipeUnusable(f"{recipe}: there is no such recipe; name a file, or one of: {names}")


def kind_of(path: Path) -> str:
    """What a recipe file trains. Raises RecipeUnusable."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeUnusable(f"{path}: cannot be read as YAML: {error}") from error
    kind = found.get("recipe") if isinstance(found, dict) else None
    if not isinstance(kind, str) or kind not in TRAINERS:
        raise RecipeUnusable(f"{path}: `recipe` is {kind!r}; what can be trained: {', '.join(TRAINERS)}")
    return kind


def read_recipe_as(kind: type[Recipe], path: Path) -> Recipe:
    """A recipe file as its model. Raises DataUnusable with the file, the key and what is wrong."""
    import yaml

    try:
        return kind.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise DataUnusable(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise DataUnusable(f"{path}: is not YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise DataUnusable(f"{path}: {faults}") from error
