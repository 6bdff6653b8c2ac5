"""Commands that take tables: convert, diff, revise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from composer.commands.printing import JsonOption, print_json, tell

TableArgument = Annotated[
    Path, typer.Argument(help="A table: csv, tsv, jsonl, json, yaml, md, xlsx, WavJourney's json, fountain.")
]
OutArgument = Annotated[
    Path, typer.Argument(help="The table to write, or a scene folder; .wavjourney.json writes for WavJourney.")
]
OldArgument = Annotated[Path, typer.Argument(help="A scene folder or a table file: how it was.")]
TargetArgument = Annotated[Path, typer.Argument(help="A scene folder or a table file.")]
WishArgument = Annotated[
    str, typer.Argument(help='What should change: "make the engineer calmer and move the swoosh before his line".')
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Apply it without asking.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Language model at OPENAI_BASE_URL.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="By rules, even if a language model is set up.")]
NewArgument = Annotated[Path, typer.Argument(help="A scene folder or a table file: how it is.")]


def convert(table: TableArgument, out: OutArgument) -> None:
    """Read a table in one format and write it in another; what was there stays beside it as .bak."""
    from composer.conversion import convert as convert_table

    converted = convert_table(table, out)
    tell(converted.faults)
    print(converted.path)


def diff(old: OldArgument, new: NewArgument, as_json: JsonOption = False) -> None:
    """Say what is different between two tables or scenes, and what a render would cost."""
    from composer.diff import diff as diff_tables
    from composer.diff import told

    found = diff_tables(old, new)
    if as_json:
        print_json(found.as_json())
        return
    for line in told(found):
        print(line)


def revise(
    target: TargetArgument,
    words: WishArgument,
    yes: YesOption = False,
    model: ModelOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change a table by words: shows what would change, and writes it after a yes. Exit 3: only a part can be done."""
    from composer.diff import told
    from composer.revise import accept, propose
    from composer.writers.openai import openai_writer_from_environment

    if model and offline:
        raise typer.BadParameter("--model and --offline exclude each other")
    proposal = propose(target, words, None if offline else openai_writer_from_environment(model))
    if not as_json:
        print("\n".join(told(proposal.diff)))
    tell(proposal.faults)
    for line in [*proposal.remarks, *(f"cannot: {each}" for each in proposal.cannot)]:
        print(line, file=sys.stderr)
    agreed = yes or (sys.stdin.isatty() and typer.confirm("Change it so?", err=True))
    backups = accept(proposal) if agreed else []
    if as_json:
        print_json(proposal.as_json(applied=agreed, backups=backups))
    elif not agreed:
        print("nothing was changed; apply it with --yes", file=sys.stderr)
    else:
        print(f"changed; the last version is kept in {', '.join(map(str, backups))}", file=sys.stderr)
    if proposal.cannot:
        raise typer.Exit(3)
