"""Ray workers (`pip install talescape[ray]`): actors on this machine, or on a cluster that shares the folder."""

from __future__ import annotations

import logging
import os
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from composer.batches.executors import n_cores, n_fitting, told_of_death
from composer.batches.worker import Job, Outcome, run_job
from composer.errors import ComposerError

ENGINES_PER_MIXER = 4
"""Mixing takes 0.01 s a second of sound; an engine on a GPU that made sound 25 times as fast as it sounds would fill a
quarter of a mixer."""


@dataclass(frozen=True)
class Needs:
    """What one actor asks the cluster for."""

    num_cpus: float
    num_gpus: float


@dataclass(frozen=True)
class Crew:
    """How many actors there are of each kind, and what each needs."""

    n_engines: int
    engine: Needs
    n_mixers: int
    mixer: Needs
    threads: int
    """Of an engine: its share of the cores."""


def crew_for(n_cpus: float, n_gpus: float, n_workers: int | None, n_fit: int) -> Crew:
    """Engines and mixers for a cluster's CPUs and GPUs.

    With GPUs an engine has one (or its share, where more workers are asked for) and a CPU to feed it; mixers, which
    need CPUs only, take what is made, so that no GPU waits for a mix. Without GPUs each engine mixes its own scenes.
    """
    if n_gpus < 1:
        n_engines = n_workers or n_fit
        share = Needs(min(1.0, n_cpus / n_engines), 0.0)
        return Crew(n_engines, share, 0, share, max(1, int(n_cpus) // n_engines))
    n_engines = n_workers or max(1, min(int(n_gpus), int(n_cpus) - 1))
    n_mixers = max(1, -(-n_engines // ENGINES_PER_MIXER))
    cpus = min(1.0, n_cpus / (n_engines + n_mixers))
    threads = max(1, (int(n_cpus) - n_mixers) // n_engines)
    return Crew(n_engines, Needs(cpus, min(1.0, n_gpus / n_engines)), n_mixers, Needs(cpus, 0.0), threads)


class RayExecutor:
    """One actor a worker or mixer; each is replaced when it dies."""

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
        n_cpus = there.get("CPU", 1)
        n_fit = n_fitting() if address is None else max(1, int(n_cpus))
        crew = crew_for(n_cpus, there.get("GPU", 0), n_workers, n_fit)
        self.n_workers, self.n_mixers = crew.n_engines, crew.n_mixers
        self._engine, self._mixer = (self._actor(needs, crew.threads) for needs in (crew.engine, crew.mixer))
        self._workers: list[Any] = [None] * (self.n_workers + self.n_mixers)

    def _actor(self, needs: Needs, threads: int) -> Any:
        environment = {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        options: dict[str, object] = {"max_restarts": 0, "runtime_env": {"env_vars": environment}}
        return self._ray.remote(num_cpus=needs.num_cpus, num_gpus=needs.num_gpus, **options)(_RayWorker)

    def submit(self, worker: int, job: Job) -> Future[Outcome]:
        if self._workers[worker] is None:
            self._workers[worker] = (self._engine if worker < self.n_workers else self._mixer).remote()
        actor = self._workers[worker]
        return told_of_death(lambda: actor.run.remote(job).future(), self._ray.exceptions.RayError)

    def replace(self, worker: int) -> None:
        actor, self._workers[worker] = self._workers[worker], None
        if actor is not None:
            self._ray.kill(actor)

    def close(self) -> None:
        for worker in range(len(self._workers)):
            self.replace(worker)
        self._ray.shutdown()


class _RayWorker:
    """The actor: it keeps what engines have loaded."""

    def run(self, job: Job) -> Outcome:
        return run_job(job)
