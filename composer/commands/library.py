"""Commands of the library of sourced clips: library add, library search."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from composer.commands.printing import JsonOption, print_json

app = typer.Typer(help="Sourced clips: add folders of your own recordings, and search by meaning.")


@app.command("add")
def add(folder: Annotated[Path, typer.Argument(help="A folder of recordings.")]) -> None:
    """Index a folder of your own recordings for the library engine."""
    from composer.library import add_folder

    added, refused = add_folder(folder)
    for line in refused:
        print(f"left out: {line}", file=sys.stderr)
    print(f"{added} clips indexed from {folder}")
    if not added:
        raise typer.Exit(1)


@app.command("search")
def search(
    words: Annotated[str, typer.Argument(help="What should be heard.")],
    as_json: JsonOption = False,
) -> None:
    """The clips nearest in meaning, best first."""
    from composer.library import search as search_library

    found = search_library(words)
    if as_json:
        print_json(found)
        return
    for clip in found:
        print(f"{clip['score']:.2f}  {clip['text']}  ({clip['licence']})  {clip['path']}")
