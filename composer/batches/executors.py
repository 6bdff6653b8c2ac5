"""Executors: where scenes are rendered. The protocol, the registry, and the one of local worker processes.

Each local worker is a pool of one process from the standard library: when a process dies, the future of the scene it
had in hand says so, and the other workers go on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from composer.batches.worker import Job, Outcome, run_job
from composer.errors import ComposerError

MEMORY_PER_WORKER_MB = 1500
"""Bundled speech, music and effects took 618 MB (tests/benchmarks/test_batches.py); cleaning loads torch too."""
MEMORY_KEPT_MB = 1000


class WorkerDied(ComposerError):
    """The process that rendered a scene is gone."""


class Executor(Protocol):
    """Workers that render scenes. A worker takes one scene at a time.

    Where there are mixers, workers make clips only: numbers from `n_workers` on are mixers, which need no engines.
    """

    n_workers: int
    n_mixers: int

    def submit(self, worker: int, job: Job) -> Future[Outcome]:
        """Has worker number `worker` render a scene; starts or replaces the worker as needed.

        The future raises WorkerDied when the worker is gone.
        """
        ...

    def replace(self, worker: int) -> None:
        """Ends a worker, whatever it does; the next scene gets a new one."""
        ...

    def close(self) -> None:
        """Ends all workers at once."""
        ...


class LocalExecutor:
    """Processes on this machine, each with its share of the cores; models load once in each.

    Each mixes its own scenes: while one mixes, the others make clips.
    """

    def __init__(self, n_workers: int) -> None:
        self.n_workers, self.n_mixers = n_workers, 0
        self._pools: list[ProcessPoolExecutor | None] = [None] * n_workers
        self._n_threads = max(1, n_cores() // n_workers)

    def submit(self, worker: int, job: Job) -> Future[Outcome]:
        return told_of_death(partial(self._pool(worker).submit, run_job, job), BrokenProcessPool)

    def _pool(self, worker: int) -> ProcessPoolExecutor:
        pool = self._pools[worker]
        if pool is None:
            pool = ProcessPoolExecutor(
                1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=begin_worker,
                initargs=(self._n_threads,),
            )
            self._pools[worker] = pool
        return pool

    def replace(self, worker: int) -> None:
        pool, self._pools[worker] = self._pools[worker], None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        for worker in range(self.n_workers):
            self.replace(worker)


def told_of_death(submit: Callable[[], Future[Outcome]], death: type[Exception]) -> Future[Outcome]:
    """A future that raises WorkerDied where that of `submit` raises `death`, or where it cannot be submitted."""
    told: Future[Outcome] = Future()

    def tell(future: Future[Outcome]) -> None:
        error = future.exception() if not future.cancelled() else WorkerDied("the worker was ended")
        if error is None:
            told.set_result(future.result())
        elif isinstance(error, death):
            told.set_exception(WorkerDied("the worker that rendered it died"))
        else:
            told.set_exception(error)

    try:
        submit().add_done_callback(tell)
    except death:
        told.set_exception(WorkerDied("the worker died before it began"))
    return told


def begin_worker(n_threads: int) -> None:
    """Ctrl-C is the parent's to answer; a worker whose parent is gone ends at once, which harms no file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    parent = multiprocessing.parent_process()

    def end_with(parent: multiprocessing.process.BaseProcess) -> None:
        parent.join()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=end_with, args=(parent,), name="parent-watch", daemon=True).start()


def n_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_fitting() -> int:
    """How many workers fit in this machine's cores and free memory; at least one."""
    free_mb = free_memory_mb()
    by_memory = n_cores() if free_mb is None else (free_mb - MEMORY_KEPT_MB) // MEMORY_PER_WORKER_MB
    return max(1, min(n_cores(), by_memory))


def free_memory_mb() -> int | None:
    """Memory that new processes may take: the system's, or what a control group leaves; None where nobody tells."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        told = Path("/proc/meminfo").read_text("ascii").split("MemAvailable:")[1]
        found.append(int(told.split()[0]) // 1024)
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):
        limit, used = (int((group / name).read_text("ascii")) for name in ("memory.max", "memory.current"))
        found.append((limit - used) // 2**20)
    return min(found, default=None)


def _local(n_workers: int | None, address: str | None) -> Executor:
    if address is not None:
        raise ComposerError("--address is a Ray cluster's; give --executor ray with it")
    return LocalExecutor(n_workers or n_fitting())


def _ray(n_workers: int | None, address: str | None) -> Executor:
    from composer.batches.ray_executor import RayExecutor

    return RayExecutor(n_workers, address)


EXECUTORS: dict[str, Callable[[int | None, str | None], Executor]] = {"local": _local, "ray": _ray}


def executor_named(name: str, n_workers: int | None, address: str | None) -> Executor:
    """The executor of a name; `n_workers` None means as many as fit. Raises ComposerError listing those there are."""
    if name not in EXECUTORS:
        raise ComposerError(f"no executor is called {name!r}; there are: {', '.join(EXECUTORS)}")
    return EXECUTORS[name](n_workers, address)
