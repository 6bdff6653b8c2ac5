"""Ray workers (`pip install talescape[ray]`): actors on this machine, or on a cluster that shares the folder."""

from __future__ import annotations

import logging
import os
from concurrent.futures import Future
from typing import Any

from composer.batches.executors import n_cores, n_fitting, told_of_death
from composer.batches.worker import Job, Outcome, run_job
from composer.errors import ComposerError


class RayExecutor:
    """One actor a worker; each takes its share of the cores, and of the GPUs where there are some."""

    def __init__(self, n_workers: int | None, address: str | None) -> None:
        """Without an address it begins a Ray of its own here, which ends with it. Raises ComposerError."""
        try:
            import ray
        except ImportError as error:
            raise ComposerError("--executor ray needs Ray; install it with: pip install 'talescape[ray]'") from error
        self._ray: Any = ray
        options: dict[str, object] = {"logging_level": logging.ERROR, "log_to_driver": False}
        if address is None:
            options |= {"num_cpus": max(n_cores(), n_workers or 1), "include_dashboard": False}
        try:
            ray.init(address=address or "local", **options)
        except (OSError, ValueError, RuntimeError) as error:
            raise ComposerError(f"--address {address or 'local'}: Ray cannot be reached: {error}") from error
        there = ray.cluster_resources()
        self.n_workers = n_workers or (n_fitting() if address is None else max(1, int(there.get("CPU", 1))))
        n_cpus = min(1.0, there.get("CPU", 1) / self.n_workers)
        n_gpus = min(1.0, there.get("GPU", 0) / self.n_workers)
        threads = str(max(1, int(there.get("CPU", 1)) // self.n_workers))
        environment = {"OMP_NUM_THREADS": threads, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        self._actor: Any = ray.remote(
            num_cpus=n_cpus, num_gpus=n_gpus, max_restarts=0, runtime_env={"env_vars": environment}
        )(_RayWorker)
        self._workers: list[Any] = [None] * self.n_workers

    def submit(self, worker: int, job: Job) -> Future[Outcome]:
        if self._workers[worker] is None:
            self._workers[worker] = self._actor.remote()
        actor = self._workers[worker]
        return told_of_death(lambda: actor.run.remote(job).future(), self._ray.exceptions.RayError)

    def replace(self, worker: int) -> None:
        actor, self._workers[worker] = self._workers[worker], None
        if actor is not None:
            self._ray.kill(actor)

    def close(self) -> None:
        for worker in range(self.n_workers):
            self.replace(worker)
        self._ray.shutdown()


class _RayWorker:
    """The actor: it keeps what engines have loaded."""

    def run(self, job: Job) -> Outcome:
        return run_job(job)
