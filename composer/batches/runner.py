"""Runs a batch: plans ahead, keeps workers busy, tries again what failed, logs every step. Yields events."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from composer.batches.executors import Executor, WorkerDied
from composer.batches.folder import BatchFolder, Line
from composer.batches.scenes import Prepared, cast_scene, prepare, state_digest
from composer.batches.specs import SceneSpec
from composer.batches.store import ClipStore
from composer.batches.worker import Job, Outcome, state_of
from composer.errors import ComposerError, PlanFailed, WriterUnavailable, in_a_line

if TYPE_CHECKING:
    from composer.writers import Writer

TICK_S = 0.2
N_PLANNERS = 4
"""So many scenes are planned at a time where a language model's server does the work."""
PLANNED_AHEAD = 4
"""So many more scenes than there are workers are planned before they can be rendered."""
LOOKED_AHEAD = 3
"""A worker may fill what an engine makes together with rows of so many scenes that wait."""
GRACE_S = 120.0
"""A worker that tells of no step for a row's limit and this much more is ended."""


@dataclass(frozen=True)
class Options:
    row_limit_s: float
    retries: int = 2
    """How often a scene that failed is tried again."""
    grace_s: float = GRACE_S
    store: str | None = None
    """Address of storage behind the batch's own store, which machines share."""


@dataclass(frozen=True)
class SceneEnded:
    """What the log says of a scene at its end. `fresh` is False where an earlier run had made it."""

    line: Line
    n_ended: int
    n_scenes: int
    fresh: bool = True


@dataclass(frozen=True)
class Retried:
    name: str
    attempt: int
    faults: list[str]


@dataclass(frozen=True)
class Stopped:
    """The batch ended before all scenes were made, by Ctrl-C or since the disk is full; `disk_full` says why."""

    disk_full: str | None


Event = SceneEnded | Retried | Stopped


@dataclass
class _Task:
    spec: SceneSpec
    attempt: int = 1
    spent_s: float = 0.0
    usd: float = 0.0
    synthesized: int = 0
    shared: int = 0
    begun_s: float = 0.0


@dataclass
class _Run:
    """The state of a batch while it runs."""

    batch: BatchFolder
    options: Options
    n_scenes: int
    sheet: dict[str, str]
    done: dict[str, Line]
    """The log's last word on each scene, where it was done."""
    ready: deque[_Task] = field(default_factory=deque)
    to_mix: deque[_Task] = field(default_factory=deque)
    running: dict[int, tuple[_Task, Future[Outcome]]] = field(default_factory=dict)
    n_ended: int = 0
    n_interrupts: int = 0
    disk_full: str | None = None

    @property
    def stopping(self) -> bool:
        return self.n_interrupts > 0 or self.disk_full is not None


def run_batch(
    batch: BatchFolder, specs: Sequence[SceneSpec], executor: Executor, writer: Writer | None, options: Options
) -> Iterator[Event]:
    """Makes every scene that is not there yet. The executor is closed at the end.

    Raises SceneInvalid when another batch works in the folder. A second Ctrl-C raises KeyboardInterrupt at once.
    """
    try:
        with batch.locked():
            ClipStore(batch.store_dir).sweep()
            last = {str(line["scene"]): line for line in batch.read_log() if "scene" in line}
            done = {name: line for name, line in last.items() if line.get("state") == "done"}
            run = _Run(batch, options, len(specs), batch.read_cast(), done)
            batch.log(batch="begun", scenes=len(specs), workers=executor.n_workers)
            with _interruptible(run), _planners(writer) as planners:
                yield from _run(run, specs, executor, writer, planners)
            with suppress(ComposerError):  # a full disk has been told
                batch.log(batch="stopped" if run.stopping else "ended", scenes=run.n_ended)
            if run.stopping:
                yield Stopped(run.disk_full)
    finally:
        executor.close()


@contextmanager
def _planners(writer: Writer | None) -> Iterator[ThreadPoolExecutor]:
    """Threads that plan: one where rules do it here, some where a server does it."""
    pool = ThreadPoolExecutor(N_PLANNERS if writer is not None else 1, thread_name_prefix="planner")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _interruptible(run: _Run) -> Iterator[None]:
    """The first Ctrl-C lets workers finish the clips in hand; the second raises KeyboardInterrupt."""

    def interrupted(number: int, frame: object) -> None:
        run.n_interrupts += 1
        if run.n_interrupts > 1:
            raise KeyboardInterrupt
        with suppress(OSError):
            run.batch.stop_path.touch()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run(
    run: _Run, specs: Sequence[SceneSpec], executor: Executor, writer: Writer | None, planners: ThreadPoolExecutor
) -> Iterator[Event]:
    waiting = deque(specs)
    plans: deque[tuple[SceneSpec, Future[Prepared]]] = deque()
    while True:
        while waiting and not run.stopping and len(plans) + len(run.ready) < executor.n_workers + PLANNED_AHEAD:
            spec = waiting.popleft()
            plans.append((spec, planners.submit(_prepare, run, spec, writer)))
        while plans and plans[0][1].done() and not run.stopping:
            yield from _planned(run, *plans.popleft())
        for worker in range(executor.n_workers):
            if worker not in run.running and run.ready and not run.stopping:
                _start(run, worker, run.ready.popleft(), executor)
        for mixer in range(executor.n_workers, executor.n_workers + executor.n_mixers):
            if mixer not in run.running and run.to_mix and not run.stopping:
                _start(run, mixer, run.to_mix.popleft(), executor)
        if not run.running and (run.stopping or not (waiting or plans or run.ready or run.to_mix)):
            return
        futures: list[Future[Any]] = [future for _, future in run.running.values()]
        futures += [plans[0][1]] if plans and not plans[0][1].done() else []
        wait(futures, timeout=TICK_S, return_when=FIRST_COMPLETED)
        for worker, (task, future) in list(run.running.items()):
            if future.done():
                del run.running[worker]
                yield from _ended(run, worker, task, future, executor)
            elif _is_stuck(run, task):
                executor.replace(worker)  # its future raises WorkerDied then


def _prepare(run: _Run, spec: SceneSpec, writer: Writer | None) -> Prepared:
    """Plans, and tries again where a language model or its server failed."""
    for attempt in range(run.options.retries + 1):
        try:
            return prepare(run.batch, spec, writer)
        except (PlanFailed, WriterUnavailable):
            if attempt == run.options.retries or run.stopping:
                raise
    raise AssertionError("the last try returns or raises")


def _planned(run: _Run, spec: SceneSpec, future: Future[Prepared]) -> Iterator[Event]:
    """Casts a scene whose table is there, and queues it unless it is finished already."""
    try:
        cast_scene(run.batch, spec, future.result(), run.sheet)
    except Exception as error:  # noqa: BLE001  (one scene's fault does not stop the others)
        outcome = Outcome(state_of(error), faults=in_a_line(error).splitlines())
        _note_full_disk(run, outcome)
        yield from _log_end(run, _Task(spec), outcome)
        return
    scene, line = run.batch.scene(spec.name), run.done.get(spec.name)
    there = scene.mix_path.is_file() and scene.manifest_path.is_file()
    if line is not None and there and line.get("made_from") == state_digest(scene):
        run.n_ended += 1
        yield SceneEnded(line, run.n_ended, run.n_scenes, fresh=False)
    else:
        run.ready.append(_Task(spec))


def _start(run: _Run, worker: int, task: _Task, executor: Executor) -> None:
    progress = run.batch.progress_path(task.spec.name)
    progress.unlink(missing_ok=True)
    following = tuple(after.spec.name for after in list(run.ready)[:LOOKED_AHEAD])
    mixes = executor.n_mixers == 0 or worker >= executor.n_workers
    job = Job(str(run.batch.folder), task.spec.name, run.options.row_limit_s, following, mixes, run.options.store)
    task.begun_s = time.time()
    run.batch.log(scene=task.spec.name, state="begun", attempt=task.attempt, worker=worker)
    run.running[worker] = task, executor.submit(worker, job)


def _is_stuck(run: _Run, task: _Task) -> bool:
    try:
        told_s = run.batch.progress_path(task.spec.name).stat().st_mtime
    except OSError:
        told_s = 0.0
    return time.time() - max(told_s, task.begun_s) > run.options.row_limit_s + run.options.grace_s


def _ended(run: _Run, worker: int, task: _Task, future: Future[Outcome], executor: Executor) -> Iterator[Event]:
    try:
        outcome = future.result()
    except WorkerDied as error:
        executor.replace(worker)
        outcome = Outcome("failed", time.time() - task.begun_s, faults=[f"{error}{_where(run, task)}"])
    if outcome.worn:
        executor.replace(worker)
    run.batch.progress_path(task.spec.name).unlink(missing_ok=True)
    task.spent_s += outcome.seconds
    task.usd += outcome.usd
    task.synthesized += outcome.synthesized
    task.shared += outcome.shared
    _note_full_disk(run, outcome)
    if outcome.state == "clips_made":
        run.to_mix.append(task)
        return
    if outcome.state == "failed" and task.attempt <= run.options.retries and not run.stopping:
        run.batch.log(scene=task.spec.name, state="retry", attempt=task.attempt, faults=outcome.faults)
        yield Retried(task.spec.name, task.attempt, outcome.faults)
        task.attempt += 1
        run.ready.append(task)
        return
    yield from _log_end(run, task, outcome)


def _note_full_disk(run: _Run, outcome: Outcome) -> None:
    if outcome.state == "disk_full":
        run.disk_full = run.disk_full or "; ".join(outcome.faults)
        with suppress(OSError):
            run.batch.stop_path.touch()


def _where(run: _Run, task: _Task) -> str:
    """The last step that a dead worker told of."""
    try:
        what, row = json.loads(run.batch.progress_path(task.spec.name).read_text("utf-8").splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return " before it told of a step"
    return f" while {what} row {row}" if row else f" while {what}"


def _log_end(run: _Run, task: _Task, outcome: Outcome) -> Iterator[Event]:
    run.n_ended += 1
    told = {
        **asdict(outcome),
        "seconds": round(task.spent_s, 3),
        "usd": round(task.usd, 6),
        "synthesized": task.synthesized,
        "shared": task.shared,
    }
    del told["worn"]
    made_from = state_digest(run.batch.scene(task.spec.name)) if outcome.state == "done" else None
    try:
        line = run.batch.log(scene=task.spec.name, **told, attempt=task.attempt, made_from=made_from)
    except ComposerError:
        if run.disk_full is None:
            raise
        return
    yield SceneEnded(line, run.n_ended, run.n_scenes)
