"""Two models, or two readers, or a reader before and after: comparisons on the same cases.

Every comparison is paired: entry i of both arguments is the same case.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, norm, permutation_test, t as student

from engine.records import Estimate
from engine.statistics.clusters import NAN, SMALLEST, Z95, Clusters, Groups, inestimable, quantile
from engine.statistics.proportions import proportion, wilson
from engine.statistics.ranking import (
    Area,
    area_covariance,
    area_of,
    log_odds,
    mean_area,
    mean_of_areas,
)

PERMUTATIONS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The difference of two figures on the same cases.

    Attributes:
        first: The first figure.
        second: The second figure.
        difference: First minus second, with its interval.
        z: Of the test, with the sign of the difference; NaN for an exact test.
        p_value: Two-sided, that there is no difference.
        method: The test.
    """

    first: float
    second: float
    difference: Estimate
    z: float
    p_value: float
    method: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Switches:
    """What became of cases between a first and a second answer.

    Attributes:
        helped: Wrong at first, right afterwards.
        harmed: Right at first, wrong afterwards.
        stayed_right: Right both times.
        stayed_wrong: The same wrong answer both times.
        wrong_otherwise: Another wrong answer afterwards.
    """

    helped: int
    harmed: int
    stayed_right: int
    stayed_wrong: int
    wrong_otherwise: int


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> Comparison:
    """Compare two shares of right answers on the same cases: McNemar's exact test (doi:10.1007/BF02295996).

    The interval of the difference is Newcombe's tenth for paired shares
    (doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C).

    Args:
        first_right: (N,) bool, whether the first was right.
        second_right: (N,) bool, whether the second was.
    """
    a, b = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    n, only_first, only_second = len(a), int((a & ~b).sum()), int((~a & b).sum())
    p_value = min(1.0, 2 * float(binom.cdf(min(only_first, only_second), only_first + only_second, 0.5)))
    one, two = wilson(int(a.sum()), n), wilson(int(b.sum()), n)
    if not n:
        difference = inestimable("there is no case to compare", 0)
        return Comparison(first=NAN, second=NAN, difference=difference, z=NAN, p_value=NAN, method="McNemar")
    both, neither = int((a & b).sum()), int((~a & ~b).sum())
    sizes = math.sqrt(float(a.sum()) * float((~a).sum()) * float(b.sum()) * float((~b).sum()))
    excess = float(both * neither - only_first * only_second)
    if excess > 0:  # his continuity correction of the correlation
        excess = max(0.0, excess - n / 2)
    phi = excess / sizes if sizes else 0.0

    def reach(up: float, down: float) -> float:
        return math.sqrt(max(0.0, up**2 - 2 * phi * up * down + down**2))

    gap = one.value - two.value
    difference = Estimate(
        value=gap,
        low=gap - reach(one.value - one.low, two.high - two.value),
        high=gap + reach(one.high - one.value, two.value - two.low),
        method="Newcombe, paired",
        n=n,
    )
    return Comparison(
        first=one.value,
        second=two.value,
        difference=difference,
        z=NAN,
        p_value=p_value,
        method="McNemar, exact",
    )


def shares(
    first_right: ArrayLike, second_right: ArrayLike, groups: Groups = None, *, seed: int = 0
) -> Comparison:
    """Compare two shares of right answers: `mcnemar`, or by patients where any has several cases.

    Then the interval joins the two shares' own by the correlation that they show by patient (doi:10.1002/sim.3095),
    and the p-value is that of the paired permutation test: were there no difference, each patient's cases could as
    well have been answered the other way round. It is exact for few patients.

    Args:
        first_right: (N,) whether the first was right: bool, or the share of its seeds that were.
        second_right: (N,) the same of the second.
        groups: (N,) patients; None means that every case is its own patient.
        seed: Of the permutations.
    """
    a, b = np.asarray(first_right, dtype=np.float64), np.asarray(second_right, dtype=np.float64)
    n = len(a)
    clusters = Clusters.by(groups, n)
    if clusters.single and np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all():
        return mcnemar(a.astype(bool), b.astype(bool))
    one, two = proportion(a, clusters.of), proportion(b, clusters.of)
    gap = one.value - two.value
    parts = ((a - one.value) / n, (b - two.value) / n)
    spread = math.sqrt(clusters.variance(parts[0]) * clusters.variance(parts[1]))
    related = clusters.covariance(*parts) / spread if spread > SMALLEST else 0.0

    def reach(up: float, down: float) -> float:
        return math.sqrt(max(0.0, up**2 - 2 * related * up * down + down**2))

    difference = Estimate(
        value=gap,
        low=max(-1.0, gap - reach(one.value - one.low, two.high - two.value)),
        high=min(1.0, gap + reach(one.high - one.value, two.value - two.low)),
        method=f"square and add, {_paired(clusters)}",
        n=n,
        patients=clusters.count,
    )
    return Comparison(
        first=one.value,
        second=two.value,
        difference=difference,
        z=NAN,
        p_value=_permuted(clusters.sums(a - b), seed),
        method=f"paired permutation of {_units(clusters)}",
    )


def _permuted(gaps: NDArray[np.float64], seed: int) -> float:
    """Return the two-sided p-value of gaps by patient whose signs could as well be the other way round."""
    telling = np.sort(gaps[gaps != 0])  # whatever patients are called, the same is drawn
    if len(telling) < 2:  # one patient's gap is as likely one way as the other
        return 1.0
    tested = permutation_test(
        (telling, np.zeros_like(telling)),
        lambda one, two, axis: (one - two).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=max(1, 1_000_000 // len(telling)),
        rng=np.random.default_rng(seed),
    )
    return float(tested.pvalue)


def areas(y: ArrayLike, first: ArrayLike, second: ArrayLike, groups: Groups = None) -> Comparison:
    """Compare the AUROC of two scores on the same cases.

    DeLong's test (doi:10.2307/2531595, doi:10.1109/LSP.2014.2337313); where patients have several cases, with
    Obuchowski's clustered covariance (doi:10.2307/2533958) and Student's t of the patients of the smaller class, fewer
    one.

    Args:
        y: (N,) bool, whether the finding is present.
        first: (N,) scores of one model or reader; (S, N) of one that was trained with S seeds: their areas are
            averaged.
        second: The same of the other.
        groups: (N,) patients; None means that every case is its own patient.

    Returns:
        The difference of the areas; z is positive where the first is larger.
    """
    truth = np.asarray(y, dtype=bool)
    clusters = Clusters.by(groups, len(truth))
    method = f"{'DeLong' if clusters.single else 'Obuchowski'}, {_paired(clusters)}"
    if clusters.among(truth) < 2 or clusters.among(~truth) < 2:
        return _none(f"fewer than two {_units(clusters)} have, or lack, the finding", clusters, method)
    one, two = (
        mean_of_areas([area_of(truth, p, clusters) for p in np.atleast_2d(np.asarray(of, dtype=np.float64))])
        for of in (first, second)
    )
    return _of_areas(one, two, clusters, method, lambda gap: area_covariance(gap, gap, clusters))


def mean_areas(truth: ArrayLike, first: ArrayLike, second: ArrayLike, groups: Groups = None) -> Comparison:
    """Compare the mean AUROC over classes, each against all others, of two models on the same cases.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        first: (N, C) probabilities of one model; (S, N, C) of one that was trained with S seeds.
        second: The same of the other.
        groups: (N,) patients; None means that every case is its own patient.
    """
    codes = np.asarray(truth, dtype=np.int64)
    clusters = Clusters.by(groups, len(codes))
    method = f"mean over classes, {_paired(clusters)}"
    classes = range(np.shape(first)[-1])
    if not all(0 < (codes == code).sum() < len(codes) for code in classes):
        return _none("a class is missing, or the only one", clusters, method)
    one, two = (
        mean_of_areas(
            [
                mean_area(codes, [log_odds(p, code) for code in classes], clusters)
                for p in np.asarray(of).reshape(-1, len(codes), len(classes))
            ]
        )
        for of in (first, second)
    )
    if one.fewest < 2:
        return _none(f"a class has fewer than two {_units(clusters)}", clusters, method)
    return _of_areas(
        one, two, clusters, method, lambda gap: clusters.variance(gap.of_positives + gap.of_negatives)
    )


def _units(clusters: Clusters) -> str:
    """Name what is independent: patients where any has several cases."""
    return "cases" if clusters.single else "patients"


def _paired(clusters: Clusters) -> str:
    return "paired" if clusters.single else "paired by patient"


def _none(reason: str, clusters: Clusters, method: str) -> Comparison:
    nothing = inestimable(reason, len(clusters.of))
    return Comparison(first=NAN, second=NAN, difference=nothing, z=NAN, p_value=NAN, method=method)


def _of_areas(
    one: Area, two: Area, clusters: Clusters, method: str, variance_of: Callable[[Area], float]
) -> Comparison:
    gap = Area(
        one.value - two.value,
        one.of_positives - two.of_positives,
        one.of_negatives - two.of_negatives,
        one.positives,
        one.negatives,
    )
    error = math.sqrt(max(0.0, variance_of(gap)))
    found = Estimate(
        value=gap.value, low=NAN, high=NAN, method=method, n=len(clusters.of), patients=clusters.count
    )
    if error < 1e-15:
        z, p_value = (0.0, 1.0) if gap.value == 0 else (NAN, NAN)
        found = replace(found, method="no interval: no spread can be seen")
    else:
        z = gap.value / error
        if clusters.single:
            half, p_value = Z95 * error, 2 * float(norm.sf(abs(z)))
        else:
            half = quantile(gap.fewest) * error
            p_value = 2 * float(student.sf(abs(z), gap.fewest - 1))
        found = replace(found, low=max(-1.0, gap.value - half), high=min(1.0, gap.value + half))
    return Comparison(
        first=one.value, second=two.value, difference=found, z=z, p_value=p_value, method=method
    )


def switches(before: Sequence[Any], after: Sequence[Any], truth: Sequence[Any]) -> Switches:
    """Count the cases that a second answer helped, harmed or left: a reader before and after the machine.

    Args:
        before: (N,) first answers.
        after: (N,) second answers, on the same cases.
        truth: (N,) the reference standard.
    """
    helped = harmed = right = wrong = otherwise = 0
    for first, second, answer in zip(before, after, truth, strict=True):
        helped += first != answer and second == answer
        harmed += first == answer and second != answer
        right += first == answer and second == answer
        wrong += first != answer and second == first
        otherwise += first != answer and second not in (answer, first)
    return Switches(
        helped=helped, harmed=harmed, stayed_right=right, stayed_wrong=wrong, wrong_otherwise=otherwise
    )
