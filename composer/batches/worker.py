"""What a worker does with one scene: render it, share its clips, say how far it is, and end in one Outcome."""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Literal

from composer.batches.ahead import make_ahead
from composer.batches.folder import BatchFolder
from composer.batches.store import ClipStore
from composer.errors import SceneBusy, SceneInvalid, ScriptInvalid, in_a_line
from composer.estimates import estimated_usd
from composer.orders import Order
from composer.render import Finished, Mixing, RowDone, RowFailed, Turn, render

State = Literal["done", "failed", "refused", "stopped", "disk_full", "clips_made"]
"""clips_made waits for a mixer; failed may go well the next time; refused is the fault of what was given, and is not
tried again."""
BUSY_S = 15.0
_DISK_REFUSES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True)
class Job:
    """One scene to render. Plain values: it travels to other processes and machines."""

    folder: str
    name: str
    row_limit_s: float
    ahead: tuple[str, ...] = ()
    """Scenes that come next: what an engine makes together is made for them too."""
    mixes: bool = True
    """False: the clips only are made, and a mixer does the rest, unless a clip failed."""
    store: str | None = None
    """Address of storage that other machines share, behind the batch's own store."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job. `synthesized` clips were made here, `shared` came from the store."""

    state: State
    seconds: float = 0.0
    rows: int = 0
    synthesized: int = 0
    shared: int = 0
    usd: float = 0.0
    """By list prices, of the clips that were made here."""
    duration_s: float = 0.0
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    faults: list[str] = field(default_factory=list)
    worker: str = ""
    peak_memory_mb: int = 0
    worn: bool = False
    """An engine hangs in this worker: it is to be replaced."""


def run_job(job: Job) -> Outcome:
    """Renders the job's scene. Whatever is raised becomes an Outcome; only the process's death does not."""
    begun_s = time.monotonic()
    tally = _Tally(BatchFolder(Path(job.folder)).progress_path(job.name))
    try:
        outcome = _render_when_free(job, tally)
    except Exception as error:  # noqa: BLE001  (one scene's fault, whatever it is, is told and not raised)
        outcome = Outcome(state_of(error), faults=in_a_line(error).splitlines())
    return replace(
        outcome,
        seconds=round(time.monotonic() - begun_s, 3),
        synthesized=tally.n_done - tally.n_fetched + tally.n_ahead,
        shared=tally.n_fetched - tally.n_own_ahead,
        usd=round(tally.usd, 6),
        worker=f"{platform.node()}/{os.getpid()}",
        peak_memory_mb=_peak_memory_mb(),
        worn=any(thread.name.startswith("engine-") for thread in threading.enumerate()),
    )


@dataclass
class _Tally:
    """What was made so far, also of a scene that fails later; each step is told to the parent, in a file."""

    path: Path
    n_done: int = 0
    n_fetched: int = 0
    n_ahead: int = 0
    """Clips made before the render, for this scene and others."""
    n_own_ahead: int = 0
    usd: float = 0.0

    def tell(self, what: str, row: str) -> None:
        """One line a step; the file's age tells the parent that the worker lives. A full disk is a clip's to tell."""
        self.n_fetched += what == "fetched"
        with suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([what, row]) + "\n")


def _render_when_free(job: Job, tally: _Tally) -> Outcome:
    """Workers of a batch that was killed may still be ending, with a scene in hand."""
    given_up_s = time.monotonic() + BUSY_S
    while True:
        try:
            return _render(job, tally)
        except SceneBusy:
            if time.monotonic() > given_up_s:
                raise
            time.sleep(0.2)


def _render(job: Job, tally: _Tally) -> Outcome:
    batch = BatchFolder(Path(job.folder))
    scene, store = batch.scene(job.name), ClipStore(batch.store_dir, job.store)
    tally.tell("reading", "")
    store.publish_all(scene.clips_dir)
    os.environ["TALESCAPE_ROW_LIMIT_S"] = repr(job.row_limit_s)

    ahead: set[str] = set()

    def turns(clips_dir: Path, orders: Sequence[Order]) -> Iterator[list[Turn]]:
        for turn in store.turns(clips_dir, orders, tally.tell):
            for order, receipt in turn:
                tally.usd += 0.0 if receipt else estimated_usd([order])
                tally.n_own_ahead += order.fingerprint in ahead
            yield turn

    ahead |= {
        order.fingerprint for order in make_ahead(batch, store, (job.name, *job.ahead), job.row_limit_s, tally.tell)
    }
    tally.n_ahead += len(ahead)
    n_failed = 0
    for event in render(scene, turns=turns):
        if isinstance(event, Finished):
            return _outcome(event)
        tally.n_done += isinstance(event, RowDone)
        n_failed += isinstance(event, RowFailed)
        if isinstance(event, Mixing) and not job.mixes and n_failed == 0:
            return Outcome("clips_made")
        if isinstance(event, Mixing):
            tally.tell("mixing", "")
        elif batch.stop_path.exists():
            return Outcome("stopped")
    raise AssertionError("a render ends in Finished or raises")


def _outcome(finished: Finished) -> Outcome:
    levels = finished.loudness_lufs, finished.true_peak_dbtp
    loudness_lufs, true_peak_dbtp = (level if isfinite(level) else None for level in levels)
    return Outcome(
        state="failed" if finished.failed else "done",
        rows=finished.rows,
        duration_s=finished.duration_s,
        loudness_lufs=loudness_lufs,
        true_peak_dbtp=true_peak_dbtp,
        faults=[str(fault) for fault in finished.failed],
    )


def state_of(error: BaseException) -> State:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _DISK_REFUSES:
            return "disk_full"
        cause = cause.__cause__
    given = isinstance(error, SceneInvalid | ScriptInvalid) and not isinstance(error, SceneBusy)
    return "refused" if given else "failed"


def _peak_memory_mb() -> int:
    """The most memory that this process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2)
