"""Sureness, gate and confidence on masks whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.clipsep.confidence import Evidence, confidence, gate, sureness


def test_sureness_is_the_mean_of_the_mask_that_the_claimed_energy_sees() -> None:
    """Power 4 under a mask of 1 and power 1 under 0.2: (4 + 0.04) / (4 + 0.2); a constant mask is its own value."""
    magnitudes = torch.tensor([2.0, 1.0])[None, :, None].expand(1, 2, 100)
    masks = torch.stack([torch.tensor([1.0, 0.2]), torch.tensor([0.37, 0.37])])[None, :, :, None].expand(1, 2, 2, 100)
    sure = sureness(magnitudes, masks)
    assert sure.shape == (1, 2, 100)
    np.testing.assert_allclose(sure[0, 0], 4.04 / 4.2, rtol=1e-5)
    np.testing.assert_allclose(sure[0, 1], 0.37, rtol=1e-5)


@pytest.mark.parametrize("level", [1e-3, 1.0, 1e3])
def test_sureness_does_not_depend_on_the_level(level: float) -> None:
    magnitudes, masks = torch.rand(2, 8, 64), torch.rand(2, 3, 8, 64)
    torch.testing.assert_close(sureness(magnitudes * level, masks), sureness(magnitudes, masks), rtol=1e-4, atol=1e-5)


def test_sureness_belongs_to_its_moment() -> None:
    magnitudes, masks = torch.ones(1, 4, 200), torch.full((1, 1, 4, 200), 0.2)
    masks[..., 100:] = 0.9
    sure = sureness(magnitudes, masks)[0, 0]
    np.testing.assert_allclose(sure[:83], 0.2, rtol=1e-5)  # half a window of 33 before the change
    np.testing.assert_allclose(sure[117:], 0.9, rtol=1e-5)


def test_the_gate_shuts_on_hedging_and_opens_on_certainty() -> None:
    np.testing.assert_allclose(gate(torch.tensor([0.0, 0.4, 0.55, 0.7, 1.0])), [0, 0, 0.5, 1, 1], atol=1e-6)


def test_confidence_is_that_of_the_surest_moment_and_ignores_what_is_nearly_silent() -> None:
    evidence = Evidence(2)
    assert evidence.confidences() == [0.0, 0.0]
    sure = torch.full((1, 2, 256), 0.4)
    sure[0, 0, 200] = 0.8
    evidence.add(torch.full((1, 256, 256), 0.1), sure)
    evidence.add(torch.full((1, 256, 256), 1e-4), torch.ones(1, 2, 256))
    assert evidence.confidences() == pytest.approx([confidence(0.8), confidence(0.4)], rel=1e-5)
    assert 0.0 < confidence(0.2) < 0.1 < 0.5 < confidence(0.9) < 1.0
