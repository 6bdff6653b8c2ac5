"""Commands that tell of a rendered scene: report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from composer.commands.printing import JsonOption, print_json

SceneArgument = Annotated[Path, typer.Argument(help="A scene folder.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="The page to write; without it, one in the scene's export folder.")
]
MaxOption = Annotated[
    float, typer.Option("--max-mb", min=0.0, max=2000.0, help="How many megabytes of sound the page may hold.")
]


def report(
    scene: SceneArgument, output: OutputOption = None, max_mb: MaxOption = 24.0, as_json: JsonOption = False
) -> None:
    """Write one page with the picture, a player for every row, loudness, credits and what failed."""
    from composer.report import write_report
    from composer.scene import Scene

    written = write_report(Scene(scene), output, max_mb=max_mb)
    if as_json:
        print_json(written.as_json())
        return
    print(written.path)
    if written.mix_left_out:
        print(f"the mix is left out: it does not fit into {max_mb:g} MB of sound", file=sys.stderr)
    if written.left_out:
        told = f"{len(written.left_out)} rows have no player: the page would pass {max_mb:g} MB of sound"
        print(told, file=sys.stderr)
