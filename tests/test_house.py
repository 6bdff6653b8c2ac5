"""The rooms open doors in one direction only, and the front door is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
ROOMS = ("composer", "models", "training", "scripts_templates", "cli")
MAY_OPEN = {
    "composer": {"composer", "models", "scripts_templates"},
    "models": {"models"},
    "training": {"training", "models"},
    "cli": {"composer", "models", "training"},
}
FILES = [(room, path) for room in ("composer", "models", "training") for path in (HOUSE / room).rglob("*.py")]


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        rooms |= {name.split(".")[0] for name in names} & set(ROOMS)
    return rooms


@pytest.mark.parametrize(("room", "path"), FILES, ids=[str(path.relative_to(HOUSE)) for _, path in FILES])
def test_rooms_open_the_doors_they_may(room: str, path: Path) -> None:
    assert imported_rooms(path) <= MAY_OPEN[room]


def test_scripts_templates_holds_no_code() -> None:
    code = [path.name for path in (HOUSE / "scripts_templates").rglob("*.py")]
    assert code == ["__init__.py"]


def test_importing_the_command_line_loads_no_heavy_package() -> None:
    heavy = {
        "torch",
        "pydub",
        "transformers",
        "diffusers",
        "onnxruntime",
        "openai",
        "pydantic",
        "scipy",
        "numpy",
        "rich",
    }
    program = f"import sys, cli; print(sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_composer_imports_no_torch() -> None:
    program = (
        "import sys, composer.render, composer.drafting, composer.writers.offline, composer.writers.openai;"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_no_command_holds_more_than_its_call() -> None:
    """Parse, call one function, show events: 25 lines of body, without the docstring, are enough."""
    files = [HOUSE / "cli.py", *(HOUSE / "composer" / "commands").glob("*.py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    lines = {}
    for function in functions:
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines[function.name] = body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
    assert lines["render"] > 5 and lines["separate"] > 5
    assert {name: count for name, count in lines.items() if count > 25} == {}
