"""The one training loop: steps or minutes, warm-up and decay, clipping, averaged weights, checkpoints, resume, logs.

A recipe gives a learner (a module whose `forward(batch)` is the loss and some facts) and `draw(step) -> batch`, which
depends on nothing but its number: so a run that is cut off and taken up again goes on bit by bit as if it had not been.
With several processes (`torchrun`, or `accelerate launch` where it starts several) gradients are averaged over them and
each draws its own batches; the team is dismissed when the run is over.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from models.errors import ModelError

Batch = dict[str, Tensor]
STATE = "state.safetensors"
LOG = "log.jsonl"


class TrainingFailed(ModelError):
    """A run that cannot go on: the loss is no number, or the state of an earlier run does not fit."""


class LoopConfig(BaseModel):
    """How long and how fast. The defaults are the paper's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_steps: int = Field(default=200_000, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    """Stops after this much wall time too; the decay then follows whichever of the two is further."""
    learning_rate: float = Field(default=1e-3, gt=0)
    warm_up_steps: int = Field(default=5_000, ge=0)
    decay: Literal["linear", "cosine"] = "linear"
    decay_share: float = Field(default=0.5, gt=0, le=1)
    """The share of the run after which the decay is over."""
    final_factor: float = Field(default=0.1, ge=0, le=1)
    clip_norm: float = Field(default=1.0, gt=0)
    averaging: float = Field(default=0.0, ge=0, lt=1)
    """Weight of the past in the moving average of the weights; 0 for none."""
    bf16: bool = True
    save_every_s: float = Field(default=120.0, gt=0)
    log_every: int = Field(default=20, ge=1)


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    elapsed_s: float = 0.0


def rate_factor(config: LoopConfig, progress: Progress) -> float:
    """What the learning rate is multiplied by at this point of the run."""
    if progress.step < config.warm_up_steps:
        return (progress.step + 1) / config.warm_up_steps
    share = progress.step / config.n_steps
    if config.minutes is not None:
        share = max(share, progress.elapsed_s / 60.0 / config.minutes)
    done = min(1.0, share / config.decay_share)
    if config.decay == "cosine":
        done = 0.5 - 0.5 * float(torch.cos(torch.tensor(done * torch.pi)))
    return 1.0 - (1.0 - config.final_factor) * done


def fit(
    learner: nn.Module,
    draw: Callable[[int], Batch],
    config: LoopConfig,
    folder: Path,
    *,
    stop_after_steps: int | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
) -> Progress:
    """Trains until the steps or the minutes are over, going on from the state in `folder` when there is one.

    Afterwards the learner holds the averaged weights, if averaging is on. `stop_after_steps` ends this call early, as
    a kill would, with the state saved. Raises TrainingFailed when the gradient is no longer a number; the state that
    was saved last stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    team = _team()
    device = team.device if team else torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rank, n_processes = (team.process_index, team.num_processes) if team else (0, 1)
    learner.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(learner.parameters(), lr=config.learning_rate, foreach=True)
    averaged = {name: tensor.detach().clone() for name, tensor in learner.state_dict().items()}
    progress = _restore(folder / STATE, learner, optimizer, averaged)
    running, trained = team.prepare(learner, optimizer) if team else (learner, optimizer)
    learner.train()
    autocast = torch.autocast(device.type, torch.bfloat16) if config.bf16 else contextlib.nullcontext()
    began_s, saved_s, first = time.monotonic() - progress.elapsed_s, time.monotonic(), progress.step
    sums: dict[str, Tensor] = {}
    while not _over(config, progress):
        if stop_after_steps is not None and progress.step - first >= stop_after_steps:
            break
        for group in trained.param_groups:
            group["lr"] = config.learning_rate * rate_factor(config, progress)
        batch = {name: tensor.to(device) for name, tensor in draw(progress.step * n_processes + rank).items()}
        with autocast:
            loss, facts = running(batch)
        trained.zero_grad(set_to_none=True)
        team.backward(loss) if team else loss.backward()
        norm = nn.utils.clip_grad_norm_(learner.parameters(), config.clip_norm)
        if not torch.isfinite(norm):
            raise TrainingFailed(f"step {progress.step}: the gradient is not a finite number (loss {loss.item():.4g})")
        trained.step()
        progress.step += 1
        progress.elapsed_s = _agreed(team, time.monotonic() - began_s)
        _average(averaged, learner, config.averaging, progress.step)
        for name, fact in {"loss": loss, "norm": norm, **facts}.items():
            sums[name] = sums.get(name, torch.zeros((), device=device)) + fact.detach().float()
        if progress.step % config.log_every == 0:
            if rank == 0:
                _log(folder / LOG, progress, config, sums, report)
            sums = {}
        if rank == 0 and time.monotonic() - saved_s > config.save_every_s:
            _save(folder / STATE, learner, optimizer, averaged, progress)
            saved_s = time.monotonic()
    if rank == 0:
        _save(folder / STATE, learner, optimizer, averaged, progress)
    if config.averaging:
        learner.load_state_dict(averaged)
    learner.eval()
    if team:  # a process that ends while anything still holds its group may abort: its threads wait for the others
        team.wait_for_everyone()
        running, trained = team.free_memory(running, trained)
        team.end_training()
    return progress


def is_first_process() -> bool:
    """Whether this process is the one that writes: the only one, or the first of several."""
    return os.environ.get("RANK", "0") == "0"


def _over(config: LoopConfig, progress: Progress) -> bool:
    late = config.minutes is not None and progress.elapsed_s >= config.minutes * 60.0
    return late or progress.step >= config.n_steps


def _team() -> Any:
    """accelerate's Accelerator when this process is one of several, else None."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return None
    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs
    except ImportError as error:
        raise TrainingFailed(
            "training in several processes needs accelerate: pip install 'talescape[train]'"
        ) from error
    importlib.import_module("torch._dynamo")  # loaded while a group is open, it keeps that group for ever (torch 2.14)
    return Accelerator(kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)])


def _agreed(team: Any, elapsed_s: float) -> float:
    """The first process's clock for all: one that stopped a step before the others would leave them waiting."""
    if team is None:
        return elapsed_s
    from accelerate.utils import broadcast

    return float(broadcast(torch.tensor(elapsed_s, dtype=torch.float64, device=team.device)))


def _average(averaged: dict[str, Tensor], learner: nn.Module, weight: float, step: int) -> None:
    if not weight:
        return
    weight = min(weight, (1 + step) / (10 + step))  # a short past weighs little, as in many public loops
    for name, tensor in learner.state_dict().items():
        if tensor.is_floating_point():
            averaged[name].lerp_(tensor, 1.0 - weight)
        else:
            averaged[name].copy_(tensor)


def _log(
    path: Path,
    progress: Progress,
    config: LoopConfig,
    sums: dict[str, Tensor],
    report: Callable[[dict[str, float]], None] | None,
) -> None:
    line = {"step": progress.step, "elapsed_s": round(progress.elapsed_s, 1)}
    line["rate"] = config.learning_rate * rate_factor(config, progress)
    line |= {name: round(float(total) / config.log_every, 5) for name, total in sums.items()}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    if report is not None:
        report(line)


def _save(
    path: Path, learner: nn.Module, optimizer: torch.optim.Optimizer, averaged: dict[str, Tensor], progress: Progress
) -> None:
    """One safetensors file with weights, averages, Adam's moments and the place in the run: never a pickle."""
    from safetensors.torch import save

    tensors = {f"net.{name}": tensor for name, tensor in learner.state_dict().items()}
    tensors |= {f"averaged.{name}": tensor for name, tensor in averaged.items()}
    for place, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{place}.{name}": tensor for name, tensor in moments.items()}
    facts = {"step": str(progress.step), "elapsed_s": repr(progress.elapsed_s)}
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, facts)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)


def _restore(path: Path, learner: nn.Module, optimizer: torch.optim.Optimizer, averaged: dict[str, Tensor]) -> Progress:
    """Fills everything from a state file; without one, the run begins. Raises TrainingFailed for a foreign state."""
    if not path.is_file():
        return Progress()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        learner.load_state_dict(_part(tensors, "net."))
        for name, tensor in _part(tensors, "averaged.").items():
            averaged[name].copy_(tensor)
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "adam.").items():
            place, _, moment = name.partition(".")
            moments.setdefault(int(place), {})[moment] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
        return Progress(int(facts["step"]), float(facts["elapsed_s"]))
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise TrainingFailed(
            f"{path}: is not the state of this run ({error}); delete it to begin anew, or name another folder"
        ) from error


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
