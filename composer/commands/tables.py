"""Commands that take tables: convert, diff, revise."""

from __future__ import annotations

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
