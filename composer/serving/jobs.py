"""Jobs: renders that run beside the service, some at a time, with the events of each for whoever follows it."""

from __future__ import annotations

import multiprocessing
import secrets
import threading
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isfinite
from multiprocessing.connection import Connection
from pathlib import Path

from composer.batches.executors import n_cores
from composer.render import Event, Finished, Mixing, Planned, RowDone, RowFailed
from composer.serving.limits import Limits
from composer.serving.problems import Problem, Refused, make_problem, problem_of
from composer.serving.shapes import ENDED, JobState, JobTold, Rendered
from composer.serving.worker import Ended, Errand, Halt, work

KEPT = 200
"""So many jobs that have ended can be asked for."""
_NAMES: dict[type, str] = {Planned: "planned", RowDone: "row_done", RowFailed: "row_failed", Mixing: "mixing"}


@dataclass(eq=False)
class Job:
    """One render. Changed by the thread that runs it; `events` only grows."""

    id: str
    scene: str
    errand: Errand
    state: JobState = "waiting"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    """Each one's name and data, as it is sent."""
    planned: Planned | None = None
    made: int = 0
    failed: int = 0
    result: Rendered | None = None
    problem: Problem | None = None
    halted_as: JobState | None = None
    """What it is to be when it ends before it is mixed."""

    def told(self) -> JobTold:
        return JobTold(
            id=self.id,
            scene=self.scene,
            state=self.state,
            created=self.created,
            started=self.started,
            ended=self.ended,
            to_make=len(self.planned.synthesize) if self.planned else None,
            made=self.made,
            failed=self.failed,
            estimated_s=self.planned.estimated_s if self.planned else None,
            result=self.result,
            problem=self.problem,
        )

    def begin(self) -> None:
        self.state, self.started = "running", datetime.now(UTC)
        self.events.append(("running", {}))

    def note(self, event: Event) -> None:
        if isinstance(event, Planned):
            self.planned = event
        self.made += isinstance(event, RowDone)
        self.failed += isinstance(event, RowFailed)
        data = asdict(event.fault) if isinstance(event, RowFailed) else asdict(event)
        self.events.append((_NAMES[type(event)], data))

    def end(self, state: JobState, *, finished: Finished | None = None, problem: Problem | None = None) -> None:
        self.result = _rendered(finished) if finished is not None else None
        self.problem, self.ended = problem, datetime.now(UTC)
        self.state = state
        self.events.append((state, self.told().model_dump(mode="json")))


def _rendered(finished: Finished) -> Rendered:
    def level(value: float) -> float | None:
        return value if isfinite(value) else None

    return Rendered(
        duration_s=finished.duration_s,
        loudness_lufs=level(finished.loudness_lufs),
        true_peak_dbtp=level(finished.true_peak_dbtp),
        rows=finished.rows,
        synthesized=finished.synthesized,
        failed=finished.failed,
        warnings=finished.warnings,
    )


class Jobs:
    """The jobs of a service and the processes that do them."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root, self._limits = root, limits
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._stopping = self._closed = False
        self._n_begun = 0
        self._slots = [_Slot(self, max(1, n_cores() // limits.n_jobs)) for _ in range(limits.n_jobs)]

    def submit(self, scene: str, *, only: tuple[str, ...] = (), fresh: bool = False) -> Job:
        """A new job. Raises Refused: 409 when the scene has one, 429 when too many wait, 503 when the service ends."""
        with self._changed:
            active = self.active(scene)
            if active is not None:
                raise Refused(409, "scene-busy", f"{scene}: is being rendered by job {active.id}; follow or cancel it")
            if self._stopping:
                raise Refused(503, "stopping", "the service is ending", headers={"Retry-After": "30"})
            if len(self._waiting) >= self._limits.n_waiting + self._n_idle():
                detail = f"{len(self._waiting)} jobs wait already, which is the most; ask again later"
                raise Refused(429, "too-many-jobs", detail, headers={"Retry-After": "30"})
            self._n_begun += 1
            errand = Errand(self._n_begun, self._root, scene, only, fresh, self._limits.max_sound_s)
            job = Job(secrets.token_hex(8), scene, errand)
            self._forget_the_oldest()
            self._jobs[job.id] = job
            self._waiting.append(job)
            self._changed.notify_all()
            return job

    def find(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None:
            raise Refused(404, "no-job", f"there is no job {job_id[:40]!r}; the last {KEPT} are kept until the end")
        return job

    def all(self) -> list[Job]:
        return list(self._jobs.values())

    def active(self, scene: str) -> Job | None:
        """The job that renders a scene or waits to."""
        return next((job for job in self.all() if job.scene == scene and job.state not in ENDED), None)

    def cancel(self, job: Job, *, now: bool = False) -> None:
        """Ends a job after the clip in hand, or at once: then that clip is lost. An ended job stays as it is."""
        self._halt(job, "cancelled", now=now)

    def _halt(self, job: Job, state: JobState, *, now: bool = False) -> None:
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                job.end(state)
            elif job.state not in ENDED:
                job.halted_as = job.halted_as or state
                for slot in self._slots:
                    slot.halt(job, now=now)

    def stop(self) -> None:
        """Takes no more jobs, ends those that wait, and those that run after the clip in hand."""
        with self._changed:
            self._stopping = True
        for job in self.all():
            self._halt(job, "stopped")

    @property
    def running(self) -> bool:
        return any(job.state == "running" for job in self.all())

    def close(self) -> None:
        """Ends the processes, whatever they do."""
        self.stop()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for slot in self._slots:
            slot.close()

    def next(self) -> Job | None:
        """Waits for a job to run; None when there will be none."""
        with self._changed:
            while not self._closed:
                if self._waiting:
                    job = self._waiting.popleft()
                    job.begin()
                    return job
                self._changed.wait()
            return None

    def _n_idle(self) -> int:
        return sum(slot.job is None for slot in self._slots)

    def _forget_the_oldest(self) -> None:
        ended = [job for job in self.all() if job.state in ENDED]
        for job in ended[: max(0, len(ended) - KEPT + 1)]:
            del self._jobs[job.id]


class _Slot:
    """A thread with a process of its own: one job at a time."""

    def __init__(self, jobs: Jobs, n_threads: int) -> None:
        self._jobs, self._n_threads = jobs, n_threads
        self.job: Job | None = None
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def halt(self, job: Job, *, now: bool) -> None:
        process, connection = self._process, self._connection
        if self.job is not job:
            return
        if now and process is not None:
            with suppress(ValueError):  # it is closed, and so dead
                process.kill()
        elif connection is not None:
            with self._sending, suppress(OSError):
                connection.send(Halt(job.errand.number))

    def close(self) -> None:
        if (process := self._process) is not None:
            with suppress(ValueError):
                process.kill()
        self._thread.join(10.0)

    def _run(self) -> None:
        while (job := self._jobs.next()) is not None:
            self.job = job
            try:
                self._do(job)
            except (EOFError, OSError):
                self._tell_of_death(job)
            except Exception as error:  # noqa: BLE001  (one job's fault must not end them all)
                traceback.print_exc()
                self._end_process()
                job.end("failed", problem=problem_of(error, job.errand.root))
            finally:
                self.job = None
        self._end_process()

    def _do(self, job: Job) -> None:
        connection = self._started()
        with self._sending:
            connection.send(job.errand)
        if job.halted_as is not None:  # asked before there was a process to tell
            with self._sending:
                connection.send(Halt(job.errand.number))
        while True:
            told = connection.recv()
            if not isinstance(told, Ended):
                job.note(told)
                continue
            if told.worn:
                self._end_process()
            if told.problem is not None:
                job.end("failed", problem=told.problem)
            elif told.finished is not None:
                job.end("incomplete" if told.finished.failed else "done", finished=told.finished)
            else:
                job.end(job.halted_as or "cancelled")
            return

    def _started(self) -> Connection:
        """The way to the process; a new one where there is none."""
        if self._process is None or self._connection is None or not self._process.is_alive():
            self._end_process()
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, self._n_threads), name="render", daemon=True)
            process.start()
            theirs.close()  # so that its end is heard here
            self._process = process
        return self._connection

    def _tell_of_death(self, job: Job) -> None:
        code = None
        if self._process is not None:
            self._process.join()
            code = self._process.exitcode
        self._end_process()
        if job.halted_as is not None:
            job.end(job.halted_as)
            return
        detail = (
            f"the process that rendered it died (exit code {code}; -9 may mean that memory ran out); the clips made so "
            "far are kept, render again to go on"
        )
        job.end("failed", problem=make_problem(500, "worker-died", detail))

    def _end_process(self) -> None:
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is not None:
            process.kill()
            process.join()
            process.close()
        if connection is not None:
            connection.close()
