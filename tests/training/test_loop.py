"""The training loop: the schedule, resuming bit by bit, logs, and runs that cannot go on."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training.loop import LOG, STATE, Batch, LoopConfig, Progress, TrainingFailed, fit, rate_factor

CONFIG = LoopConfig(n_steps=12, warm_up_steps=3, learning_rate=0.05, averaging=0.9, bf16=False, log_every=4)


class Line(nn.Module):
    """Learns y = 3 x - 1."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        error = (self.layer(batch["x"]) - 3.0 * batch["x"] + 1.0).square().mean()
        return error, {"error": error}


def draw(step: int) -> Batch:
    return {"x": torch.randn(16, 1, generator=torch.Generator().manual_seed(step))}


def test_the_loop_learns_a_line(tmp_path: Path) -> None:
    learner = Line()
    fit(learner, draw, CONFIG.model_copy(update={"n_steps": 300}), tmp_path)
    assert learner.layer.weight.item() == pytest.approx(3.0, abs=0.02)
    assert learner.layer.bias.item() == pytest.approx(-1.0, abs=0.02)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(4, 301, 4))
    assert lines[-1]["error"] < 0.01 * lines[0]["error"]


def test_a_run_cut_off_and_taken_up_again_is_bit_equal_to_one_that_was_not(tmp_path: Path) -> None:
    whole, first, second = Line(), Line(), Line()
    fit(whole, draw, CONFIG, tmp_path / "whole")
    fit(first, draw, CONFIG, tmp_path / "cut", stop_after_steps=5)
    progress = fit(second, draw, CONFIG, tmp_path / "cut")
    assert progress.step == 12
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
        assert not torch.equal(tensor, first.state_dict()[name]), name


def test_the_rate_follows_the_paper() -> None:
    """1e-3 after 5,000 steps of warm-up, then down a line to a tenth at 100,000 of 200,000 steps, then flat."""
    paper = LoopConfig()
    factors = {step: rate_factor(paper, Progress(step)) for step in (0, 2_499, 50_000, 100_000, 199_999)}
    assert factors == pytest.approx({0: 1 / 5000, 2_499: 0.5, 50_000: 0.55, 100_000: 0.1, 199_999: 0.1}, abs=1e-9)


def test_a_budget_of_minutes_drives_the_decay_and_ends_the_run(tmp_path: Path) -> None:
    timed = LoopConfig(minutes=1.0, warm_up_steps=0, decay="cosine", decay_share=1.0, final_factor=0.0)
    assert rate_factor(timed, Progress(10, 30.0)) == pytest.approx(0.5)
    assert rate_factor(timed, Progress(10, 60.0)) == pytest.approx(0.0, abs=1e-9)
    short = timed.model_copy(update={"minutes": 0.2 / 60.0, "bf16": False})
    progress = fit(Line(), draw, short, tmp_path)
    assert 0 < progress.step < 200_000 and progress.elapsed_s >= 0.2


def test_the_averaged_weights_are_the_weighted_mean_of_the_past(tmp_path: Path) -> None:
    learner, kept = Line(), []

    def spy(step: int) -> Batch:
        kept.append(learner.layer.bias.item())
        return draw(step)

    plain = Line()
    fit(plain, draw, CONFIG.model_copy(update={"averaging": 0.0}), tmp_path / "plain")
    fit(learner, spy, CONFIG, tmp_path / "averaged")
    expected = kept[0]
    for step, bias in enumerate([*kept[1:], plain.layer.bias.item()], start=1):
        weight = min(0.9, (1 + step) / (10 + step))
        expected = weight * expected + (1 - weight) * bias
    assert learner.layer.bias.item() == pytest.approx(expected, rel=1e-5)


def test_a_gradient_that_is_no_number_ends_the_run_with_the_step(tmp_path: Path) -> None:
    def spoilt(step: int) -> Batch:
        return {"x": torch.full((1, 1), math.nan)} if step == 2 else draw(step)

    with pytest.raises(TrainingFailed, match="step 2: the gradient is not a finite number"):
        fit(Line(), spoilt, CONFIG, tmp_path)


def test_the_state_of_another_run_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(b"not a state")
    with pytest.raises(TrainingFailed, match=r"state\.safetensors: is not the state of this run .*delete it"):
        fit(Line(), draw, CONFIG, tmp_path)


def test_several_processes_without_accelerate_are_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(TrainingFailed, match=r"needs accelerate: pip install 'talescape\[train\]'"):
        fit(Line(), draw, CONFIG, tmp_path)


def test_two_processes_learn_what_one_does_from_both_their_batches(tmp_path: Path) -> None:
    """Against plain descent in one process whose batch is the two processes' batches side by side."""
    pytest.importorskip("accelerate", reason="accelerate comes with the train extra")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = (
        "import sys, pathlib; sys.path[:0] = sys.argv[2:]; from test_loop import *;"
        "fit(Line(), draw, CONFIG.model_copy(update={'averaging': 0.0}), pathlib.Path(sys.argv[1]))"
    )
    here = Path(__file__).parent
    team = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "two"), str(here), str(here.parents[1])],
            env=os.environ | team | {"RANK": str(rank), "LOCAL_RANK": str(rank), "ACCELERATE_USE_CPU": "true"},
        )
        for rank in (0, 1)
    ]
    assert [run.wait(120) for run in runs] == [0, 0]
    both = Line()
    fit(
        both,
        lambda step: {"x": torch.cat([draw(2 * step)["x"], draw(2 * step + 1)["x"]])},
        CONFIG.model_copy(update={"averaging": 0.0}),
        tmp_path / "one",
    )
    found = load_file(tmp_path / "two" / STATE)
    for name, tensor in both.state_dict().items():
        torch.testing.assert_close(found[f"net.{name}"], tensor, rtol=1e-5, atol=1e-6)


def test_two_processes_whose_clocks_differ_stop_at_the_same_step(tmp_path: Path) -> None:
    """The second's clock goes at a tenth of the speed: alone it would go on when the first has left."""
    pytest.importorskip("accelerate", reason="accelerate comes with the train extra")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = (
        "import sys, os, time, pathlib; sys.path[:0] = sys.argv[2:]; from test_loop import *; real = time.monotonic;"
        "time.monotonic = lambda: real() * (0.1 if os.environ['RANK'] == '1' else 1.0);"
        "config = CONFIG.model_copy(update={'n_steps': 10**6, 'minutes': 0.01});"
        "step = fit(Line(), draw, config, pathlib.Path(sys.argv[1])).step;"
        "threads = [path.read_text() for path in pathlib.Path('/proc/self/task').glob('*/comm')];"
        "print(step); sys.exit('its threads live on' if any('gloo' in name for name in threads) else 0)"
    )
    here = Path(__file__).parent
    team = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "two"), str(here), str(here.parents[1])],
            env=os.environ | team | {"RANK": str(rank), "LOCAL_RANK": str(rank), "ACCELERATE_USE_CPU": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    said = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert said[0][0] == said[1][0] and int(said[0][0]) > 0


def test_gradients_are_clipped_to_the_norm(tmp_path: Path) -> None:
    class Steep(Line):
        def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
            loss, facts = super().forward(batch)
            return 1e6 * loss, facts

    learner = Steep()
    fit(learner, draw, CONFIG.model_copy(update={"n_steps": 1}), tmp_path)
    norms = [weight.grad.norm() for weight in learner.parameters() if weight.grad is not None]
    assert float(torch.stack(norms).norm()) == pytest.approx(1.0, rel=1e-3)
