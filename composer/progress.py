"""Shows the events of a render on stderr: a bar in a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from composer.errors import RenderFailed
from composer.render import Event, Finished, Mixing, Planned, RowDone, RowFailed


def show(events: Iterable[Event]) -> Finished:
    """Follows a render to its end and gives its last event."""
    return _show_bar(events) if sys.stderr.isatty() else _show_lines(events)


def _show_lines(events: Iterable[Event]) -> Finished:
    done, total = 0, 0
    finished = None
    for event in events:
        match event:
            case Planned():
                total = len(event.synthesize)
                print(_what_is_planned(event), file=sys.stderr)
            case RowDone():
                done += 1
                print(f"[{done}/{total}] {event.row}: {event.engine}, {event.seconds:.1f} s", file=sys.stderr)
            case RowFailed():
                print(f"{event.fault.row}: failed", file=sys.stderr)  # the end tells why
            case Mixing():
                print(f"mixing {event.duration_s:.1f} s", file=sys.stderr)
            case Finished():
                finished = event
    return _the_end(finished)


def _show_bar(events: Iterable[Event]) -> Finished:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    finished = None
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None)
        tell: Callable[[str], None] = bar.console.print
        for event in events:
            match event:
                case Planned():
                    tell(_what_is_planned(event), markup=False)  # type: ignore[call-arg]
                    bar.update(task, description="clips", total=len(event.synthesize))
                case RowDone():
                    bar.update(task, advance=1, description=f"{event.row} {event.engine}")
                case RowFailed():
                    tell(f"{event.fault.row}: failed", markup=False)  # type: ignore[call-arg]
                    bar.update(task, advance=1)
                case Mixing():
                    bar.update(task, description=f"mixing {event.duration_s:.0f} s")
                case Finished():
                    finished = event
    return _the_end(finished)


def _what_is_planned(event: Planned) -> str:
    return f"{len(event.synthesize)} clips to make, {len(event.cached)} cached, about {event.estimated_s:.0f} s"


def _the_end(finished: Finished | None) -> Finished:
    if finished is None:
        raise RenderFailed("the render ended without a result")
    return finished
