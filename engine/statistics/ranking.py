"""Figures of a ranking: the area under the ROC curve and the average precision, with intervals that count patients.

Both are nearly sums over images; what each image contributes, summed by patient, gives the variance. Of the area this
is Obuchowski's clustered variance (doi:10.2307/2533958), which is DeLong's (doi:10.2307/2531595) where every patient
has one image. Intervals lie on the logit scale with Student's t of the patients of the smaller class, fewer one. A
perfect ranking shows no spread: there, and with one patient of a class, the interval is Newcombe's fifth
(doi:10.1002/sim.2324).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from engine.records import Estimate
from engine.statistics.clusters import SMALLEST, Z95, Clusters, Groups, inestimable, logit_interval
from engine.statistics.proportions import wilson

NEAR_ONE = 1 - 1e-9  # a probability above has lost digits


def as_binary(y: ArrayLike, p: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return truth (N,) bool and scores (N,) float64, whatever they came as."""
    return np.asarray(y, dtype=bool).reshape(-1), np.asarray(p, dtype=np.float64).reshape(-1)


def one_class(y: NDArray[np.bool_]) -> str:
    """Return why two classes cannot be told apart, or nothing where they can."""
    if not len(y):
        return "there is no case"
    if y.all():
        return "every case has the finding"
    return "" if y.any() else "no case has the finding"


def log_odds(probabilities: ArrayLike, code: int) -> NDArray[np.float64]:
    """Return the log-odds of a class against all others, by which cases are ranked.

    A probability near 1 is rounded to 1, and ties; those of the other classes keep their digits, and are used there. So
    the area under the curve is the same whichever of two classes it is asked of. Equal probabilities stay equal.

    Args:
        probabilities: (N, C).
        code: The class, 0 to C - 1.

    Returns:
        (N,) float64, finite.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    own, tiny = p[:, code], np.finfo(np.float64).tiny
    near, rest = own > NEAR_ONE, 1 - own
    if p.flags.c_contiguous:  # row by row, whichever rows there are: the same sums to the last digit
        rest[near] = np.delete(p[near], code, axis=1).sum(axis=1)
    else:
        rest[near] = np.delete(p, code, axis=1).sum(axis=1)[near]
    return np.asarray(np.log(np.maximum(own, tiny)) - np.log(np.maximum(rest, tiny)))


@dataclass(frozen=True, eq=False)
class Area:
    """The area under a ROC curve and what each image contributes to it.

    Attributes:
        value: The area.
        of_positives: (N,) contributions to it as a case with the finding; 0 elsewhere. They sum to 0.
        of_negatives: (N,) the same of cases without it.
        positives: Patients with an image that has the finding.
        negatives: Patients with an image that lacks it.
    """

    value: float
    of_positives: NDArray[np.float64]
    of_negatives: NDArray[np.float64]
    positives: int
    negatives: int

    @property
    def fewest(self) -> int:
        """Patients of the smaller class."""
        return min(self.positives, self.negatives)


def placements(
    y: NDArray[np.bool_], p: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return DeLong's structural components in O(N log N) by mid-ranks (doi:10.1109/LSP.2014.2337313).

    Args:
        y: (N,) whether the finding is present.
        p: (N,) score.

    Returns:
        For each positive case the share of negatives it outranks, and for each negative case the share of
        positives that outrank it; ties count one half. Both have the AUROC as their mean.
    """
    positive, negative = p[y], p[~y]
    from scipy.stats import rankdata  # a second of its own: a window opens without it

    ranks = rankdata(np.concatenate([positive, negative]))
    m, n = len(positive), len(negative)
    return (ranks[:m] - rankdata(positive)) / n, 1 - (ranks[m:] - rankdata(negative)) / m


def area_of(y: NDArray[np.bool_], p: NDArray[np.float64], clusters: Clusters) -> Area:
    """Compute an area and its parts; both classes must be there. `y` and `p` are (N,)."""
    v10, v01 = placements(y, p)
    value = float(v10.mean())
    of_positives, of_negatives = np.zeros(len(y)), np.zeros(len(y))
    of_positives[y] = (v10 - value) / len(v10)
    of_negatives[~y] = (v01 - value) / len(v01)
    return Area(value, of_positives, of_negatives, clusters.among(y), clusters.among(~y))


def area_covariance(first: Area, second: Area, clusters: Clusters) -> float:
    """Return the covariance of two areas of the same cases (doi:10.2307/2533958, equations 4 to 7).

    Patients with the finding and patients without have their own correction for small numbers, as in DeLong's
    variance, to which this comes down where every patient has one image.
    """

    def corrected(a: NDArray[np.float64], b: NDArray[np.float64], patients: int) -> float:
        return patients / (patients - 1) * float(clusters.sums(a) @ clusters.sums(b)) if patients > 1 else 0.0

    within = corrected(first.of_positives, second.of_positives, first.positives)
    within += corrected(first.of_negatives, second.of_negatives, first.negatives)
    if clusters.single:  # no patient is on both sides
        return within
    across = corrected(first.of_positives, second.of_negatives, clusters.count)
    return within + across + corrected(first.of_negatives, second.of_positives, clusters.count)


def auroc(y: ArrayLike, p: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate the area under the ROC curve.

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score, larger for more suspicious.
        groups: (N,) patients; None means that every case is its own patient.
    """
    truth, score = as_binary(y, p)
    n = len(truth)
    if reason := one_class(truth):
        return inestimable(reason, n)
    clusters = Clusters.by(groups, n)
    area = area_of(truth, score, clusters)
    variance = area_covariance(area, area, clusters)
    method = "DeLong, logit scale" if clusters.single else "Obuchowski, by patient, logit scale"
    if area.fewest < 2 or variance < SMALLEST:
        low, high = newcombe(area.value, area.positives, area.negatives)
        method = "Newcombe" if clusters.single else "Newcombe, by patient"
    else:
        low, high = logit_interval(area.value, variance, area.fewest)
    return Estimate(value=area.value, low=low, high=high, method=method, n=n, patients=clusters.count)


def mean_area(truth: NDArray[np.int64], scores: Sequence[NDArray[np.float64]], clusters: Clusters) -> Area:
    """Average the areas of all classes, each against the rest; every class must be there.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        scores: For each class (N,).
        clusters: The patients.
    """
    return mean_of_areas([area_of(truth == code, score, clusters) for code, score in enumerate(scores)])


def mean_of_areas(areas: Sequence[Area]) -> Area:
    """Average areas of the same cases, with what each image contributes."""
    return Area(
        float(np.mean([area.value for area in areas])),
        np.mean([area.of_positives for area in areas], axis=0),
        np.mean([area.of_negatives for area in areas], axis=0),
        min(area.positives for area in areas),
        min(area.negatives for area in areas),
    )


def mean_auroc(truth: NDArray[np.int64], scores: Sequence[NDArray[np.float64]], groups: Groups) -> Estimate:
    """Estimate the mean area over classes, each against the rest; arguments as `mean_area`."""
    clusters = Clusters.by(groups, len(truth))
    area = mean_area(truth, scores, clusters)
    variance = clusters.variance(area.of_positives + area.of_negatives)
    method = f"mean over classes, each against the rest{clusters.named}; logit scale"
    if area.fewest < 2 or variance < SMALLEST:
        low, high = newcombe(area.value, area.positives, area.negatives)
    else:
        low, high = logit_interval(area.value, variance, area.fewest)
    return Estimate(
        value=area.value, low=low, high=high, method=method, n=len(truth), patients=clusters.count
    )


def areas_of_folds(
    truth: NDArray[np.int64],
    scores: Mapping[int, NDArray[np.float64]],
    folds: NDArray[np.int64],
    groups: Groups,
) -> tuple[Estimate, tuple[float, ...]]:
    """Estimate the mean over the folds of a cross-validation of the area within each: no two models are compared.

    The variance is that of LeDell and others (doi:10.1214/15-EJS1035): each fold's own by what its images contribute,
    as patients are in one fold alone. It holds for these models: of training them anew it knows nothing.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        scores: By class, (N,): one class of two, or each of more, whose areas are then averaged.
        folds: (N,) which model scored a case.
        groups: (N,) patients; None means that every case is its own patient.

    Returns:
        The mean with its interval, and the area of each fold.
    """
    n, spread, counts = len(truth), 0.0, [0, 0, 0]
    found: list[Area] = []
    patients = np.arange(n) if groups is None else np.asarray(groups)
    for fold in np.unique(folds):
        here = folds == fold
        if any(one_class(truth[here] == code) for code in scores):
            return inestimable("a fold lacks a class", n), ()
        clusters = Clusters.by(patients[here], int(here.sum()))
        area = mean_of_areas(
            [area_of(truth[here] == code, of[here], clusters) for code, of in scores.items()]
        )
        found.append(area)
        spread += (
            area_covariance(area, area, clusters)
            if len(scores) == 1
            else clusters.variance(area.of_positives + area.of_negatives)
        )
        counts = [
            sum(pair) for pair in zip(counts, (area.positives, area.negatives, area.fewest), strict=True)
        ]
    values = tuple(area.value for area in found)
    if not values:
        return inestimable("there is no case", n), ()
    mean, variance = float(np.mean(values)), spread / len(found) ** 2
    method = f"mean over {len(found)} folds, influence by patient, logit scale"
    if max(values) == 1.0 or min(values) == 0.0 or variance < SMALLEST:  # a perfect fold hides its spread
        low, high = newcombe(mean, counts[0], counts[1])
        method = f"mean over {len(found)} folds, Newcombe by patient"
    else:
        low, high = logit_interval(mean, variance, counts[2])
    clusters = Clusters.by(groups, n)
    return Estimate(value=mean, low=low, high=high, method=method, n=n, patients=clusters.count), values


def newcombe(area: float, m: int, n: int) -> tuple[float, float]:
    """Return the bounds where the score test of an area, with Hanley and McNeil's variance, has z = 1.96.

    Args:
        area: In [0, 1].
        m: Patients with the finding.
        n: Patients without it.
    """

    def distance(theta: float) -> float:
        spread = (m + n) / 2 - 1
        variance = (
            theta * (1 - theta) * (1 + spread * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (m * n)
        )
        return (theta - area) ** 2 - Z95**2 * variance

    low = 0.0 if area == 0.0 else float(brentq(distance, 1e-12, area - 1e-12))
    high = 1.0 if area == 1.0 else float(brentq(distance, area + 1e-12, 1 - 1e-12))
    return low, high


# --------------------------------------------------------------------------------------------- average precision


def precision_influence(y: NDArray[np.bool_], p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the average precision and what each case contributes to its deviation.

    A case counts by the precision at its own score, if it has the finding, and by what it does to the precision at
    every score below. Cases of equal score are one step.

    Args:
        y: (N,) whether the finding is present; some case must have it.
        p: (N,) score.

    Returns:
        The average precision, and (N,) contributions that sum to about 0.
    """
    order = np.argsort(-p, kind="stable")
    truth, score = y[order], p[order]
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    step = np.searchsorted(ends, np.arange(len(truth)))
    ranked = ends + 1.0
    true = np.cumsum(truth)[ends]
    precision, found = true / ranked, np.diff(true, prepend=0)
    positives = float(truth.sum())
    value = float((precision * found).sum() / positives)
    below = np.cumsum((found / ranked)[::-1])[::-1]
    expected = np.cumsum((found * precision / ranked)[::-1])[::-1]
    influence = np.empty(len(y))
    influence[order] = np.where(truth, precision[step] - value, 0.0) + truth * below[step] - expected[step]
    return value, influence / positives


def average_precision(y: ArrayLike, p: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate the average precision: the precision at each positive case, averaged (ties share one step).

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score.
        groups: (N,) patients; None means that every case is its own patient.
    """
    truth, score = as_binary(y, p)
    n = len(truth)
    if reason := one_class(truth):
        return inestimable(reason, n)
    clusters = Clusters.by(groups, n)
    value, influence = precision_influence(truth, score)
    return _of_precision(value, influence, clusters, clusters.among(truth), "")


def mean_average_precision(
    truth: NDArray[np.int64], scores: Sequence[NDArray[np.float64]], groups: Groups
) -> Estimate:
    """Estimate the mean average precision over classes, each against the rest; arguments as `mean_area`."""
    clusters = Clusters.by(groups, len(truth))
    found = [precision_influence(truth == code, score) for code, score in enumerate(scores)]
    fewest = min(clusters.among(truth == code) for code in range(len(scores)))
    return _of_precision(
        float(np.mean([value for value, _ in found])),
        np.mean([influence for _, influence in found], axis=0),
        clusters,
        fewest,
        "mean over classes, each against the rest; ",
    )


def _of_precision(
    value: float, influence: NDArray[np.float64], clusters: Clusters, positives: int, of: str
) -> Estimate:
    variance = clusters.variance(influence)
    if positives < 2 or not variance > SMALLEST:
        bounds = wilson(value * positives, positives)  # no spread can be seen: as wide as of so many patients
        low, high = bounds.low, bounds.high
        method = f"{of}Wilson, over {'images' if clusters.single else 'patients'} with the finding"
    else:
        low, high = logit_interval(value, variance, positives)
        method = f"{of}influence{clusters.named}, logit scale"
    n = len(clusters.of)
    return Estimate(value=value, low=low, high=high, method=method, n=n, patients=clusters.count)
