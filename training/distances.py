"""Distances between two sets of sounds in an embedding: Fréchet, kernel (KAD), and to the nearest training clip.

Conventions: a set is (n, D), one row a window or a clip; everything is computed in float64. Which embedding it was must
be said beside every number: only VGGish's Fréchet distance is "FAD"; ours is YAMNet's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

Floats = NDArray[np.float64]
KAD_SCALE = 100.0
"""Published kernel audio distances are multiplied by this (Chung et al. 2025, kadtk)."""


class TooFew(ModelError):
    """A distance was asked of sets too small to have one."""


def frechet_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the Gaussians that fit two sets (Heusel et al. 2017, eq. 6).

    The root is taken through the symmetric product C1^(1/2) C2 C1^(1/2), which has the same eigenvalues and cannot
    come out complex, so no small number is added to the covariances. Sets of fewer rows than dimensions are fine, but
    bias the distance upwards: compare sets of one size. Raises TooFew below two rows.
    """
    (mean_1, covariance_1), (mean_2, covariance_2) = _gaussian(first), _gaussian(second)
    values, vectors = np.linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ covariance_2 @ root)
    overlap = np.sqrt(np.maximum(product, 0.0)).sum()
    distance = np.square(mean_1 - mean_2).sum() + np.trace(covariance_1) + np.trace(covariance_2) - 2.0 * overlap
    return max(float(distance), 0.0)


def _gaussian(rows: NDArray[np.floating]) -> tuple[Floats, Floats]:
    if len(rows) < 2:
        raise TooFew(f"a Fréchet distance needs at least 2 rows a set, one has {len(rows)}")
    exact = rows.astype(np.float64)
    return exact.mean(axis=0), np.atleast_2d(np.cov(exact, rowvar=False))


def squared_distances(first: NDArray[np.floating], second: NDArray[np.floating]) -> Floats:
    """(n, D) and (m, D) -> (n, m)."""
    one, two = first.astype(np.float64), second.astype(np.float64)
    squares = np.square(one).sum(axis=1)[:, None] + np.square(two).sum(axis=1)[None, :] - 2.0 * (one @ two.T)
    return np.asarray(np.maximum(squares, 0.0))


def median_distance(rows: NDArray[np.floating]) -> float:
    """The median of the distances between all pairs of rows."""
    upper = np.triu_indices(len(rows), k=1)
    return float(np.median(np.sqrt(squared_distances(rows, rows)[upper])))


def kernel_distance(
    found: NDArray[np.floating], reference: NDArray[np.floating], *, bandwidth: float | None = None
) -> float:
    """KAD: the unbiased squared maximum mean discrepancy under a Gaussian kernel, times KAD_SCALE.

    Gretton et al. 2012, eq. 3, with k(x, y) = exp(-|x - y|^2 / (2 b^2)); b is the median distance within the reference
    unless it is given. Around 0 for two draws from one distribution: it may fall below. Raises TooFew below two rows.
    """
    if min(len(found), len(reference)) < 2:
        raise TooFew(f"a kernel distance needs at least 2 rows a set, there are {len(found)} and {len(reference)}")
    scale = 2.0 * (median_distance(reference) if bandwidth is None else bandwidth) ** 2
    if not scale > 0.0:
        raise TooFew("a kernel distance needs rows that differ, those of the reference do not")

    def within(rows: NDArray[np.floating]) -> float:
        kernel = np.exp(-squared_distances(rows, rows) / scale)
        return float((kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1)))

    across = float(np.exp(-squared_distances(found, reference) / scale).mean())
    return KAD_SCALE * (within(found) + within(reference) - 2.0 * across)


@dataclass(frozen=True)
class Nearest:
    """To the nearest row of another set: cosine distances (n,), 0 for the same direction, and which rows they were."""

    distances: Floats
    places: NDArray[np.int64]


def nearest(rows: NDArray[np.floating], others: NDArray[np.floating]) -> Nearest:
    """For every row, (n, D), the nearest of the others, (m, D), by 1 - cosine."""
    if len(others) == 0:
        raise TooFew("the nearest of no rows was asked for")
    cosines = _unit(rows) @ _unit(others).T
    places = cosines.argmax(axis=1)
    return Nearest(1.0 - cosines[np.arange(len(rows)), places], places)


def pair_distances(rows: NDArray[np.floating], groups: NDArray[np.generic] | list[str]) -> Floats:
    """Cosine distances of all pairs within a group: how far apart two takes of one sound lie."""
    unit, names = _unit(rows), np.asarray(groups)
    found = []
    for name in np.unique(names):
        members = unit[names == name]
        upper = np.triu_indices(len(members), k=1)
        found.append(1.0 - (members @ members.T)[upper])
    return np.concatenate(found) if found else np.zeros(0)


def _unit(rows: NDArray[np.floating]) -> Floats:
    exact = rows.astype(np.float64)
    return np.asarray(exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12))
