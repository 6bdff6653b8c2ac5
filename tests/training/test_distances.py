"""Distances between sets: against the closed forms of Gaussians, another way to compute them, and hand-made sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.clip import read_clip
from training.distances import (
    KAD_SCALE,
    TooFew,
    frechet_distance,
    kernel_distance,
    median_distance,
    nearest,
    pair_distances,
)

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def with_moments(
    n: int, mean: NDArray[np.float64], covariance: NDArray[np.float64], seed: int = 0
) -> NDArray[np.float64]:
    """Rows whose sample mean and sample covariance are exactly these."""
    rows = np.random.default_rng(seed).standard_normal((n, len(mean)))
    rows -= rows.mean(axis=0)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T
    return mean + rows @ np.linalg.cholesky(covariance).T


def test_the_frechet_distance_of_gaussians_that_commute_is_the_closed_form() -> None:
    """Diagonal covariances: |m1 - m2|^2 + sum of (s1 - s2)^2."""
    means = np.array([[0.0, 1.0, -2.0], [1.0, 1.0, 2.0]])
    deviations = np.array([[1.0, 2.0, 0.5], [3.0, 0.1, 0.5]])
    sets = [with_moments(50, means[k], np.diag(deviations[k] ** 2), seed=k) for k in (0, 1)]
    expected = np.square(means[0] - means[1]).sum() + np.square(deviations[0] - deviations[1]).sum()
    assert frechet_distance(*sets) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(sets[0], sets[0]) == pytest.approx(0.0, abs=1e-9)


def test_the_frechet_distance_agrees_with_the_singular_values_of_the_centred_sets() -> None:
    """tr (C1 C2)^(1/2) is the sum of the singular values of A B' / sqrt((n - 1)(m - 1)), also with n below D."""
    random = np.random.default_rng(0)
    for n, m in ((40, 30), (6, 9)):
        first, second = random.standard_normal((n, 12)), 2.0 * random.standard_normal((m, 12)) + 0.3
        a, b = first - first.mean(0), second - second.mean(0)
        overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum() / np.sqrt((n - 1) * (m - 1))
        spread = np.square(a).sum() / (n - 1) + np.square(b).sum() / (m - 1)
        expected = np.square(first.mean(0) - second.mean(0)).sum() + spread - 2.0 * overlap
        assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)


def test_the_frechet_distance_agrees_with_scipys_matrix_root() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    random = np.random.default_rng(1)
    first = random.standard_normal((60, 5)) @ random.standard_normal((5, 5))
    second = random.standard_normal((70, 5)) @ random.standard_normal((5, 5)) - 1.0
    covariances = [np.cov(rows, rowvar=False) for rows in (first, second)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(sum(covariances) - 2.0 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)


def test_the_kernel_distance_is_the_mean_over_pairs_written_out() -> None:
    random = np.random.default_rng(2)
    first, second, bandwidth = random.standard_normal((4, 3)), random.standard_normal((5, 3)), 1.7

    def kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        return float(np.exp(-np.sum((x - y) ** 2) / (2 * bandwidth**2)))

    terms = [
        np.mean([kernel(a, b) for i, a in enumerate(s) for j, b in enumerate(s) if i != j]) for s in (first, second)
    ]
    across = np.mean([kernel(a, b) for a in first for b in second])
    expected = KAD_SCALE * (sum(terms) - 2 * across)
    assert kernel_distance(first, second, bandwidth=bandwidth) == pytest.approx(expected, rel=1e-9)


def test_the_kernel_distance_of_shifted_gaussians_nears_the_closed_form() -> None:
    """MMD^2 = 2 (b^2 / (b^2 + 2))^(D/2) (1 - exp(-|shift|^2 / (2 (b^2 + 2)))) for unit Gaussians."""
    random = np.random.default_rng(3)
    shift, bandwidth = np.array([0.8, 0.0]), 1.5
    first, second = random.standard_normal((3000, 2)), random.standard_normal((3000, 2)) + shift
    factor = bandwidth**2 / (bandwidth**2 + 2)
    expected = KAD_SCALE * 2 * factor * (1 - np.exp(-np.square(shift).sum() / (2 * (bandwidth**2 + 2))))
    assert kernel_distance(first, second, bandwidth=bandwidth) == pytest.approx(expected, rel=0.05)


def test_two_draws_of_one_distribution_have_a_kernel_distance_around_nought() -> None:
    random = np.random.default_rng(4)
    found = [kernel_distance(random.standard_normal((30, 4)), random.standard_normal((30, 4))) for _ in range(60)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60)
    assert min(found) < 0.0


def test_the_bandwidth_is_the_median_of_the_references_pairs() -> None:
    reference = np.array([[0.0], [1.0], [3.0]])
    assert median_distance(reference) == 2.0
    other = np.array([[0.5], [2.0]])
    assert kernel_distance(other, reference) == kernel_distance(other, reference, bandwidth=2.0)
    assert kernel_distance(reference, other) != kernel_distance(reference, other, bandwidth=2.0)


def test_the_nearest_row_is_found_by_its_direction() -> None:
    found = nearest(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [9.0, 0.0], [1.0, 3.0]]))
    assert found.places.tolist() == [1, 2]
    assert found.distances == pytest.approx([0.0, 1 - 4 / np.sqrt(20)], abs=1e-12)


def test_pairs_are_those_within_a_group() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    found = pair_distances(rows, ["a", "b", "a", "b"])
    assert found == pytest.approx([0.0, 1 - np.sqrt(0.5)], abs=1e-12)


def test_sets_that_are_too_small_are_refused() -> None:
    one, two = np.zeros((1, 3)), np.ones((2, 3))
    with pytest.raises(TooFew, match="at least 2 rows a set, one has 1"):
        frechet_distance(one, two)
    with pytest.raises(TooFew, match="there are 2 and 1"):
        kernel_distance(two, one)
    with pytest.raises(TooFew, match="those of the reference do not"):
        kernel_distance(two, two)
    with pytest.raises(TooFew, match="nearest of no rows"):
        nearest(two, np.zeros((0, 3)))


def test_yamnets_embedding_lays_clips_of_one_sound_together() -> None:
    pytest.importorskip("ai_edge_litert", reason="the judge extra is not installed")
    if not (SHARED / "yamnet" / "yamnet.tflite").is_file():
        pytest.skip("../shared/data is absent")
    from training.yamnet import Yamnet

    yamnet = Yamnet(SHARED / "yamnet")
    names = ("1-100032-A", "1-110389-A", "1-17367-A", "1-21189-A")
    kinds = ["dog", "dog", "rain", "rain"]
    heard = [yamnet.listen(read_clip(SHARED / "sounds" / "esc10" / f"{name}.ogg")) for name in names]
    assert heard[0].embeddings.shape == (len(heard[0].scores), 1024) and heard[0].embeddings.min() >= 0.0
    means = np.stack([one.embeddings.mean(axis=0) for one in heard])
    for place, kind in enumerate(kinds):
        others = [k for k in range(4) if k != place]
        assert kinds[others[int(nearest(means[[place]], means[others]).places[0])]] == kind
