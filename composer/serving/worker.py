"""The process that renders for the service: takes errands one by one, tells each event of the render as it comes.

Engines load once in it and stay. What kills it, harms no file: every clip is written whole or not at all.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

from composer.batches.executors import begin_worker
from composer.errors import ComposerError
from composer.render import Event, Finished, Mixing, render
from composer.scene import Scene
from composer.serving.problems import Problem, Refused, problem_of
from models.errors import ModelError


@dataclass(frozen=True)
class Errand:
    """One scene to render, as plain values that go to another process."""

    number: int
    root: Path
    name: str
    only: tuple[str, ...]
    fresh: bool
    max_sound_s: float


@dataclass(frozen=True)
class Halt:
    """Ends an errand after the clip in hand."""

    number: int


@dataclass(frozen=True)
class Ended:
    """An errand's last word. Without a problem and a result it was halted."""

    number: int
    finished: Finished | None = None
    problem: Problem | None = None
    worn: bool = False
    """An engine hangs in this process: it is to be replaced."""


Told = Event | Ended


@dataclass
class _Mail:
    """What the service sends while an errand is done."""

    connection: Connection
    halted: set[int] = field(default_factory=set)

    def next_errand(self) -> Errand:
        while True:
            message = self.connection.recv()
            if isinstance(message, Errand):
                return message

    def is_halted(self, number: int) -> bool:
        while self.connection.poll():
            message = self.connection.recv()
            if isinstance(message, Halt):
                self.halted.add(message.number)
        return number in self.halted


def work(connection: Connection, n_threads: int) -> None:
    """Does errands until the service is gone."""
    begin_worker(n_threads)
    os.dup2(2, 1)  # stdout is the service's, for its address
    mail = _Mail(connection)
    try:
        while True:
            errand = mail.next_errand()
            for told in do_errand(errand, mail.is_halted):
                connection.send(told)
    except (EOFError, OSError):
        return


def do_errand(errand: Errand, is_halted: Callable[[int], bool]) -> Iterator[Told]:
    """Events of the render, then Ended, when the scene is free again.

    Whatever is raised becomes the problem that Ended tells.
    """
    finished, problem = None, None
    rendering = render(Scene(errand.root / errand.name), only=errand.only, fresh=errand.fresh)
    try:
        with closing(cast("Generator[Event]", rendering)) as events:
            for event in events:
                if isinstance(event, Finished):
                    finished = event
                    break
                yield event
                if isinstance(event, Mixing):
                    _refuse_too_long(event.duration_s, errand.max_sound_s)
                elif is_halted(errand.number):
                    break
    except Exception as error:  # noqa: BLE001  (one errand's fault, whatever it is, is told and not raised)
        if not isinstance(error, ComposerError | ModelError):
            traceback.print_exc()
        problem = problem_of(error, errand.root)
    yield Ended(errand.number, finished, problem, _is_worn())


def _refuse_too_long(duration_s: float, most_s: float) -> None:
    if duration_s > most_s:
        detail = f"the scene lasts {duration_s:,.0f} s, this service mixes {most_s:,.0f} s; shorten it or split it"
        raise Refused(422, "too-long", detail)


def _is_worn() -> bool:
    return any(thread.name.startswith("engine-") for thread in threading.enumerate())
