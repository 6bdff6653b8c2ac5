"""Commands that take sounds apart and mix them anew: separate, remix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.commands.printing import JsonOption, print_json

if TYPE_CHECKING:
    from composer.separation import Separated

AudioArgument = Annotated[Path, typer.Argument(help="A recording of any length, sample rate and channel count.")]
QueryOption = Annotated[
    list[str] | None, typer.Option("--query", "-q", help="What to find, in words; may be repeated.")
]
CheckpointOption = Annotated[Path | None, typer.Option("--model", help="A CLIPSep checkpoint folder of your own.")]


def separate(
    audio: AudioArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder, or a file for one query.")],
    query: QueryOption = None,
    image: Annotated[list[Path] | None, typer.Option("--image", help="A picture of what to find; repeatable.")] = None,
    keep: Annotated[str, typer.Option("--keep", help="residual: also write what is left over.")] = "",
    plot: Annotated[Path | None, typer.Option("--plot", help="A PNG to draw the masks into.")] = None,
    model: CheckpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the sounds that words or pictures name out of a recording (CLIPSep)."""
    from composer.separation import separate as separate_file
    from composer.separation_progress import show
    from models.engines import SoundQuery

    if keep not in ("", "residual"):
        raise typer.BadParameter(f"--keep {keep}: the choice is residual")
    queries = [SoundQuery(text) for text in query or []] + [SoundQuery("", path) for path in image or []]
    if not queries:
        raise typer.BadParameter("give --query WORDS or --image FILE, one or more")
    events = separate_file(audio, queries, output, keep_residual=bool(keep), plot=plot, model=model)
    _print_separated(show(events), as_json)


def remix(
    audio: AudioArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write, or a folder.")],
    query: QueryOption = None,
    gain: Annotated[list[str] | None, typer.Option("--gain", help="dB for the query before it, or mute.")] = None,
    model: CheckpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the level of named sounds in one recording: --query rain --gain -12."""
    from composer.separation import gain_db
    from composer.separation import remix as remix_file
    from composer.separation_progress import show
    from models.engines import SoundQuery

    queries, gains = query or [], gain or []
    if not queries or len(queries) != len(gains):
        raise typer.BadParameter(f"give one --gain for each --query; there are {len(queries)} and {len(gains)}")
    changes = [(SoundQuery(text), gain_db(change)) for text, change in zip(queries, gains, strict=True)]
    _print_separated(show(remix_file(audio, changes, output, model=model)), as_json)


def _print_separated(done: Separated, as_json: bool) -> None:
    if as_json:
        outputs = {name: str(path) for name, path in done.outputs.items()}
        print_json({"outputs": outputs, "confidence": {name: round(c, 4) for name, c in done.confidence.items()}})
    else:
        print("\n".join(str(path) for path in done.outputs.values()))
