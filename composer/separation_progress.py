"""Shows the events of a separation on stderr: a bar in a terminal, a line every tenth in a log.

Lines are at least 2 s apart. Rates leave out the time that it takes to load the net.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from composer.errors import ComposerError
from composer.separation import Advanced, Event, Opened, Separated

SECONDS_BETWEEN_LINES = 2.0


def show(events: Iterable[Event]) -> Separated:
    """Follows a separation to its end, says how fast it was, and gives its last event."""
    finished = _show_bar(events) if sys.stderr.isatty() else _show_lines(events)
    if finished is None:
        raise ComposerError("the separation ended without a result")
    rate = finished.duration_s / max(finished.seconds_spent, 1e-9)
    print(f"{finished.duration_s:.1f} s in {finished.seconds_spent:.1f} s, {rate:.1f} times real time", file=sys.stderr)
    for query, confidence in finished.confidence.items():
        print(f"{query}: {confidence:.2f} sure that it is there", file=sys.stderr)
    if finished.n_clipped:
        print(
            f"warning: {finished.n_clipped:,} samples were cut at full scale; give lower gains, or a float WAV",
            file=sys.stderr,
        )
    return finished


def _show_lines(events: Iterable[Event]) -> Separated | None:
    finished, tenth = None, 1
    begun_s = told_s = time.perf_counter()
    for event in events:
        match event:
            case Opened():
                begun_s = told_s = time.perf_counter()
                print(_what_is_opened(event), file=sys.stderr)
            case Advanced():
                now_s = time.perf_counter()
                if event.done_s >= tenth * event.total_s / 10.0 and now_s - told_s >= SECONDS_BETWEEN_LINES:
                    tenth, told_s = int(10.0 * event.done_s / event.total_s) + 1, now_s
                    rate = event.done_s / (now_s - begun_s)
                    told = f"{event.done_s:.1f} of {event.total_s:.1f} s, {rate:.1f} times real time"
                    print(told, file=sys.stderr)
            case Separated():
                finished = event
    return finished


def _show_bar(events: Iterable[Event]) -> Separated | None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    finished, begun_s = None, time.perf_counter()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None)
        for event in events:
            match event:
                case Opened():
                    begun_s = time.perf_counter()
                    bar.console.print(_what_is_opened(event), markup=False)
                    bar.update(task, description="separating", total=event.duration_s)
                case Advanced():
                    rate = event.done_s / max(time.perf_counter() - begun_s, 1e-9)
                    bar.update(task, completed=event.done_s, description=f"{rate:.1f} times real time")
                case Separated():
                    finished = event
    return finished


def _what_is_opened(event: Opened) -> str:
    channels = "1 channel" if event.n_channels == 1 else f"{event.n_channels} channels"
    queries = "1 query" if event.n_queries == 1 else f"{event.n_queries} queries"
    return f"{event.duration_s:.1f} s, {event.sample_rate} Hz, {channels}, {queries}"
