"""A reader's figure, and what it would be without each patient in turn (the jackknife)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.statistics.clusters import Clusters
from engine.statistics.ranking import placements

Truth = NDArray[np.bool_]
Ratings = NDArray[np.float64]


def left_out(figure: str, y: Truth, ratings: Ratings, clusters: Clusters) -> tuple[float, Ratings]:
    """Return a figure, and its value without each patient.

    Args:
        figure: "AUC" of ratings, or "sensitivity" or "specificity" of verdicts (1: the finding is there, 0: it is not).
        y: (N,) whether the finding is present.
        ratings: (N,) of one reader, larger for more suspicious; NaN where the reader gave none.
        clusters: The patients.

    Returns:
        The figure and (G,) values without each patient, in order; the figure itself for patients who are not in it.
    """
    read = np.isfinite(ratings)
    if figure == "AUC":
        return _area(y[read], ratings[read], clusters.of[read], clusters.count)
    rows = read & (y if figure == "sensitivity" else ~y)
    hits = ratings[rows] if figure == "sensitivity" else 1 - ratings[rows]
    of, n = clusters.of[rows], len(hits)
    without = np.bincount(of, weights=hits, minlength=clusters.count)
    left = n - np.bincount(of, minlength=clusters.count)
    return float(hits.mean()), (hits.sum() - without) / left


def _area(y: Truth, ratings: Ratings, of: NDArray[np.int64], patients: int) -> tuple[float, Ratings]:
    """Return the area under the ROC curve, and without each patient: exactly, from placements."""
    v10, v01 = placements(y, ratings)
    m, n = len(v10), len(v01)
    pairs = np.full(patients, v10.sum() * n)
    pairs -= n * np.bincount(of[y], weights=v10, minlength=patients)
    pairs -= m * np.bincount(of[~y], weights=v01, minlength=patients)
    positives = np.bincount(of[y], minlength=patients)
    negatives = np.bincount(of[~y], minlength=patients)
    for patient in np.flatnonzero((positives > 0) & (negatives > 0)):  # these pairs were taken away twice
        own = of == patient
        gaps = ratings[own & y][:, None] - ratings[own & ~y][None, :]
        pairs[patient] += float((gaps > 0).sum() + (gaps == 0).sum() / 2)
    return float(v10.mean()), pairs / ((m - positives) * (n - negatives))
