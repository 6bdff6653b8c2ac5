"""The command that makes a sound from words or a picture: sonify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from composer.commands.printing import JsonOption, print_json

TextOption = Annotated[str | None, typer.Option("--text", help="What should be heard, as 'dog barking'.")]
ImageOption = Annotated[Path | None, typer.Option("--image", help="A picture of what should be heard.")]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="A sound file to write, or a folder.")]
DurationOption = Annotated[
    float | None, typer.Option("--duration", help="Seconds, 0.05 to 600; without it as long as the sound is.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same sound.")]
CountOption = Annotated[int, typer.Option("--count", help="So many sounds, with this seed and those after it.")]
BedOption = Annotated[bool, typer.Option("--bed", help="Steady material for a background, not one event.")]
GuidanceOption = Annotated[
    float | None, typer.Option("--guidance", help="How closely to follow the query: 1 is plain, more is stricter.")
]
StepsOption = Annotated[int | None, typer.Option("--steps", help="Steps of the sampler; without it, as measured best.")]
SamplerOption = Annotated[
    str | None, typer.Option("--sampler", help="ancestral, ddim or dpm++; euler or dpm++ for flow-matching nets.")
]
CheckpointOption = Annotated[Path | None, typer.Option("--model", help="A CLIPSonic checkpoint folder of your own.")]


def sonify(
    output: OutputOption,
    text: TextOption = None,
    image: ImageOption = None,
    duration: DurationOption = None,
    seed: SeedOption = 0,
    count: CountOption = 1,
    bed: BedOption = False,
    guidance: GuidanceOption = None,
    steps: StepsOption = None,
    sampler: SamplerOption = None,
    model: CheckpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a sound from words, from a picture, or from both (CLIPSonic)."""
    if text is None and image is None:
        raise typer.BadParameter("give --text WORDS or --image FILE, or both")
    from composer.sonifying import sonify as make_sounds
    from composer.sonifying_progress import show
    from models.clipsonic.engine import Options
    from models.engines import SoundQuery

    query, options = SoundQuery(text or "", image, bed), Options(sampler, steps, guidance)
    events = make_sounds(query, output, duration_s=duration, seed=seed, count=count, options=options, model=model)
    done = show(events)
    if as_json:
        print_json(done.as_json())
    else:
        print("\n".join(str(each.path) for each in done.made))
