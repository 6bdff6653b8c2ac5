"""The command line: parse, call one function, show what happens. Results go to stdout, progress to stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from composer.commands import batches, library, reports, serve, sounds, tables
from composer.commands.printing import JsonOption, print_json, tell
from composer.commands.sonify import sonify

if TYPE_CHECKING:
    from composer.brief import Brief
    from composer.drafting import Draft
    from composer.faults import Fault
    from composer.scene import Scene

app = typer.Typer(
    name="talescape",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(library.app, name="library", no_args_is_help=True)

PromptArgument = Annotated[str, typer.Argument(help="What the scene should be, in a sentence or a paragraph.")]
SceneOption = Annotated[Path, typer.Option("--output", "-o", help="The scene folder to make.")]
SceneArgument = Annotated[Path, typer.Argument(help="A scene folder.")]
StoryOption = Annotated[Path | None, typer.Option("--story", help="A text file with plain prose.")]
FountainOption = Annotated[Path | None, typer.Option("--fountain", help="A screenplay in Fountain.")]
PictureOption = Annotated[Path | None, typer.Option("--picture", help="A picture of what should be heard.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Language model at OPENAI_BASE_URL.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Plan without a language model, even if one is set up.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same scene.")]
MEASURED = "What to measure: clipsep, clipsonic, effects, encoder, scene, speech, vocoder."
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace another table; the old one goes to plan/.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"talescape {version('talescape')}")
        raise typer.Exit()


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Which version.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where an error came from; every command takes it.")]


@app.callback()
def talescape(version: VersionOption = False, debug: DebugOption = False) -> None:
    """Turns a prompt or a story into a narrated soundscape, through a script table that you can edit."""


@app.command()
def compose(
    prompt: PromptArgument = "",
    output: SceneOption = Path("scene"),
    story: StoryOption = None,
    fountain: FountainOption = None,
    picture: PictureOption = None,
    model: ModelOption = None,
    offline: OfflineOption = False,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Plan, render and mix in one go."""
    drafted = _draft(_brief(prompt, story, fountain, picture, seed), output, model, offline, overwrite)
    _render(drafted.scene, [], False, as_json)


@app.command()
def plan(
    prompt: PromptArgument = "",
    output: SceneOption = Path("scene"),
    story: StoryOption = None,
    fountain: FountainOption = None,
    picture: PictureOption = None,
    model: ModelOption = None,
    offline: OfflineOption = False,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the script table only: scene.toml and script.csv."""
    drafted = _draft(_brief(prompt, story, fountain, picture, seed), output, model, offline, overwrite)
    if as_json:
        rows = len(drafted.script.rows)
        print_json(
            {"scene": str(output), "table": str(drafted.scene.script_path), "title": drafted.title, "rows": rows}
        )
    else:
        print(drafted.scene.script_path)


@app.command()
def check(
    target: Annotated[Path, typer.Argument(help="A scene folder or a table file.")], as_json: JsonOption = False
) -> None:
    """Name every fault with row and column; exit 1 if any is an error."""
    from composer.script import faults_json

    n_rows, faults = _faults_of(target)
    if as_json:
        print_json(faults_json(n_rows, faults))
    else:
        for fault in faults:
            print(f"{fault.severity}: {fault}")
        print(f"{n_rows} rows, {sum(fault.severity == 'error' for fault in faults)} errors")
    if any(fault.severity == "error" for fault in faults):
        raise typer.Exit(1)


@app.command()
def render(
    scene: SceneArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and make nothing.")] = False,
    only: Annotated[str, typer.Option("--only", help="Rows to make, as r03,r07; the others come from the cache.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Make clips again even when they are cached.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make what changed, then mix."""
    from composer.render import plan_render
    from composer.scene import Scene

    rows = [row.strip() for row in only.split(",") if row.strip()]
    if not dry_run:
        _render(Scene(scene), rows, fresh, as_json)
        return
    planned = plan_render(Scene(scene), only=rows, fresh=fresh)
    if as_json:
        print_json(planned.__dict__)
    else:
        what = f"{len(planned.synthesize)} of {len(planned.synthesize) + len(planned.cached)} clips to make"
        print(f"{what}, about {planned.estimated_s:.0f} s, ${planned.estimated_usd:.2f}")


@app.command()
def export(
    scene: SceneArgument,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="Formats with commas between: mp3, m4a, ogg, opus, flac, stems, clips, clips-flac, srt, vtt, "
            "chapters, labels, transcript, transcript-html, credits, credits-csv, credits-json, rpp, dawproject, otio, "
            "png, svg.",
        ),
    ] = "mp3",
) -> None:
    """Hand a rendered scene over: audio, stems, captions, chapters, sessions for studios, credits, its picture."""
    from composer.exports.export import export_scene
    from composer.scene import Scene

    for path in export_scene(Scene(scene), [name.strip() for name in to.split(",") if name.strip()]):
        print(path)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a bundled one.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the state, the log and the checkpoint.")],
) -> None:
    """Train a model from a recipe; the same command goes on where a run was cut off."""
    from training.recipes import train as train_recipe

    def report(line: dict[str, float]) -> None:
        print(", ".join(f"{name} {value:.6g}" for name, value in line.items()), file=sys.stderr, flush=True)

    print(train_recipe(recipe, output, report=report))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def evaluate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=MEASURED)],
) -> None:
    """Measure a model, and print a table. What follows NAME is its own: see talescape evaluate NAME -- --help."""
    from training.evaluations import evaluate as run_evaluation

    run_evaluation(name, context.args)


app.command()(tables.convert)
app.command()(tables.diff)
app.command()(tables.revise)
app.command()(sounds.separate)
app.command()(sounds.remix)
app.command()(sonify)
app.command()(batches.batch)
app.command()(reports.report)
app.command()(serve.serve)


@app.command()
def engines(as_json: JsonOption = False) -> None:
    """Every engine: ready, or what it lacks and how to get it."""
    from models.engines import REGISTRY, engine_names, engine_readiness

    listed = [
        {"name": name, "kind": kind, "ready": found.ready, "needs": found.needs}
        for kind in REGISTRY
        for name in engine_names(kind)
        for found in [engine_readiness(kind, name)]
    ]
    if as_json:
        print_json(listed)
        return
    for engine in listed:
        state = "ready" if engine["ready"] else f"needs: {engine['needs']}"
        print(f"{engine['kind']:<13} {engine['name']:<14} {state}")


def _brief(prompt: str, story: Path | None, fountain: Path | None, picture: Path | None, seed: int) -> Brief:
    from composer.brief import Brief
    from composer.writers.story import read_story

    if bool(prompt.strip()) + (story is not None) + (fountain is not None) + (picture is not None and not prompt) != 1:
        raise typer.BadParameter(
            "give a PROMPT, or --story FILE, or --fountain FILE, or --picture FILE (with a PROMPT if you like)"
        )
    words = read_story(story) if story else ""
    screenplay = read_story(fountain) if fountain else ""
    return Brief(prompt=prompt, story=words, screenplay=screenplay, picture=picture, seed=seed)


def _draft(brief: Brief, output: Path, model: str | None, offline: bool, overwrite: bool) -> Draft:
    from composer.drafting import draft
    from composer.scene import Scene
    from composer.writers.openai import openai_writer_from_environment

    if model and offline:
        raise typer.BadParameter("--model and --offline exclude each other")
    if model and brief.screenplay:
        raise typer.BadParameter("a screenplay is laid out by rules, without a language model; leave --model out")
    writer = None if offline or brief.screenplay else openai_writer_from_environment(model)
    drafted = draft(Scene(output), brief, writer, overwrite=overwrite)
    tell(drafted.repairs)
    state = "planned" if drafted.new else "was planned from this before; its table is used as it is:"
    print(f"{state} {drafted.title!r}, {len(drafted.script.rows)} rows", file=sys.stderr)
    return drafted


def _faults_of(target: Path) -> tuple[int, list[Fault]]:
    from composer.render import check as check_scene
    from composer.scene import Scene
    from composer.script import read_rows
    from composer.tables import read_raw_rows

    if target.is_dir():
        return check_scene(Scene(target))
    raw_rows = read_raw_rows(target)
    return len(raw_rows), read_rows(raw_rows)[1]


def _render(scene: Scene, only: list[str], fresh: bool, as_json: bool) -> None:
    from composer.progress import show
    from composer.render import render as render_scene

    finished = show(render_scene(scene, only=only, fresh=fresh))
    tell(finished.warnings)
    if as_json:
        print_json(finished.as_json())
    else:
        print(finished.mix)
        loudness = f"{finished.loudness_lufs:.1f} LUFS, {finished.true_peak_dbtp:.1f} dBTP"
        print(f"{finished.duration_s:.1f} s, {loudness}, {finished.synthesized} clips made", file=sys.stderr)
    if finished.failed:
        for fault in finished.failed:
            print(f"failed: {fault}", file=sys.stderr)
        raise typer.Exit(3)


def main() -> NoReturn:
    """Runs the command line: an error becomes one line and exit code 1; --debug shows where it came from."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments, standalone_mode=True)
    except SystemExit as leaving:
        if leaving.code == 130:
            print("stopped; what was made is kept, and the next render goes on", file=sys.stderr)
        raise
    except Exception as error:
        if debug:
            raise
        from composer.errors import in_a_line

        print(f"error: {in_a_line(error)}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
