"""What every command prints alike: results as JSON on stdout, faults on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from composer.faults import Fault

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def tell(faults: Iterable[Fault]) -> None:
    for fault in faults:
        print(f"{fault.severity}: {fault}", file=sys.stderr)


def print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))
