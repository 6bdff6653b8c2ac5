"""CLIPSonic makes many sounds together as it makes each alone, to the bit, whatever the threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from clipsonic_toys import toy_engine
from torch import Tensor

from models.clip import Clip
from models.clipsonic.config import FramesConfig, UnetConfig
from models.clipsonic.frame_net import FrameNet
from models.engines import SoundQuery, Wanted, joint_engine
from models.errors import QueryUnusable
from models.threads import one_thread

WANTED = [
    Wanted(SoundQuery("a dog barking"), None, 1),
    Wanted(SoundQuery("rain falling", bed=True), 1.5, 2),
    Wanted(SoundQuery("a dog barking"), None, 3),
    Wanted(SoundQuery("heavy rain", bed=True), 1.5, 4),
    Wanted(SoundQuery("church bells ringing"), 0.4, 5),
    Wanted(SoundQuery("barking"), None, 6),
]
UNET = UnetConfig(width=8, multipliers=(1, 2), n_blocks=1, attention_levels=(1,))


def samples_of(clip: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    assert isinstance(clip, Clip), clip
    return clip.samples


@pytest.mark.parametrize("changes", [{}, {"net": UNET, "learned_variance": True}], ids=["frames", "unet"])
def test_many_together_are_those_made_alone(tmp_path: Path, changes: dict[str, object]) -> None:
    engine = toy_engine(tmp_path / "net", **changes)
    together = engine.generate_all(WANTED)
    for wanted, made in zip(WANTED, together, strict=True):
        alone = engine.generate(wanted.query, duration_s=wanted.duration_s, seed=wanted.seed)
        np.testing.assert_array_equal(samples_of(made), alone.samples)


def test_a_net_as_large_as_the_bundled_one_says_the_same_of_an_example_in_any_batch() -> None:
    """Four blocks as wide as the bundled net's: products of all rows at once differ in their last bits here."""
    torch.manual_seed(0)
    config = FramesConfig(width=320, depth=4, n_heads=5, patch=2, kernel=7, mlp_ratio=3.0)
    net = FrameNet(config, n_mels=80, n_outputs_per_mel=1, query_size=512).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.03)
    x, query, time = torch.randn(6, 80, 208), torch.randn(6, 512), torch.full((6,), 500.0)

    def said(of: list[int]) -> Tensor:
        return net(x[of], time[of], query[of], torch.zeros(len(of), dtype=torch.bool))

    with one_thread(), torch.inference_mode():
        alone = torch.cat([said([number]) for number in range(6)])
        assert torch.equal(said([0, 1, 2, 3, 4, 5]), alone)
        assert torch.equal(said([5, 2]), alone[[5, 2]])
        close = net.train()(x, time, query, torch.zeros(6, dtype=torch.bool))
    torch.testing.assert_close(close, alone, rtol=0, atol=1e-4)


def test_windows_of_rows_go_through_the_net_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = toy_engine(tmp_path / "net")
    sizes: list[int] = []
    forward: Callable[..., Tensor] = FrameNet.forward

    def counted(net: FrameNet, x: Tensor, *told: Tensor) -> Tensor:
        sizes.append(len(x))
        return forward(net, x, *told)

    monkeypatch.setattr(FrameNet, "forward", counted)
    engine.generate_all([wanted for wanted in WANTED if wanted.duration_s is None])
    assert sizes == [2 * 3] * 3  # three rows, each with and without its query, in each of three steps


def test_a_query_that_cannot_be_made_fails_alone(tmp_path: Path) -> None:
    engine = toy_engine(tmp_path / "net")
    first, failed, last = engine.generate_all([WANTED[0], Wanted(SoundQuery(" "), None, 1), WANTED[2]])
    assert isinstance(failed, QueryUnusable)
    alone = engine.generate(WANTED[2].query, duration_s=None, seed=3)
    np.testing.assert_array_equal(samples_of(last), alone.samples)
    assert samples_of(first).any()


def test_the_number_of_threads_changes_nothing_and_stays(tmp_path: Path) -> None:
    engine, before = toy_engine(tmp_path / "net"), torch.get_num_threads()
    made = []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            made.append(samples_of(engine.generate_all(WANTED[:2])[1]))
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*made)


def test_engines_that_make_one_sound_at_a_time_are_told_apart() -> None:
    assert joint_engine("sound_effect", "procedural") is None
