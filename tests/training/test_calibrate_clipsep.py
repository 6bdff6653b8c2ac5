"""The calibration of CLIPSep's confidence: its fit and its figures against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from models.clipsep.confidence import confidence
from training.calibrate_clipsep import area_under_curve, highest_sureness, logistic_fit


def test_the_fit_finds_the_line_that_drew_the_labels() -> None:
    random = np.random.default_rng(0)
    labels = random.random(40_000) < 0.1
    values = random.normal(np.where(labels, 0.8, 0.5), 0.15)  # log odds are linear: slope 0.3 / 0.15^2, halfway 0.65
    slope, offset = logistic_fit(values, labels)
    assert slope == pytest.approx(0.3 / 0.15**2, rel=0.05)
    assert offset / slope == pytest.approx(0.65, abs=0.01)


def test_the_area_under_the_curve_counts_pairs() -> None:
    values, labels = np.array([0.1, 0.9, 0.4, 0.6]), np.array([False, True, True, False])
    assert area_under_curve(values, labels) == pytest.approx(3 / 4)  # of four pairs, 0.4 below 0.6 is the wrong one


def test_sureness_comes_back_from_its_confidence() -> None:
    assert [highest_sureness(confidence(value)) for value in (0.2, 0.7, 1.0)] == pytest.approx([0.2, 0.7, 1.0])
    assert highest_sureness(0.0) == 0.0
