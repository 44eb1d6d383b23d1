"""Two models, or two readers, or a reader before and after: comparisons on the same cases.

Every comparison is paired: entry i of both arguments is the same case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, norm, permutation_test

from engine.records import Estimate
from engine.statistics.bootstrap import RESAMPLES, percentile_interval, resamples
from engine.statistics.metrics import NAN, Z95, Groups, inestimable, placements, wilson


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
    first_right: ArrayLike,
    second_right: ArrayLike,
    groups: Groups = None,
    *,
    count: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two shares of right answers: `mcnemar`, or by patients where any has several cases.

    Then the interval is that of resampled patients, and the p-value that of the paired permutation test: were there no
    difference, each patient's cases could as well have been answered the other way round. It is exact for few
    patients.

    Args:
        first_right: (N,) bool, whether the first was right.
        second_right: (N,) bool, whether the second was.
        groups: (N,) patients; None means that every case is its own patient.
        count: Bootstrap resamples, and permutations.
        seed: Of both.
    """
    a, b = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    n = len(a)
    draw = resamples(n, groups, count=count, seed=seed)
    if draw.patients == n:
        return mcnemar(a, b)
    gap = a.astype(np.float64) - b
    sums = draw.sums(np.column_stack([np.ones(n), gap]))
    found = _bootstrapped(float(a.mean()), float(b.mean()), sums[:, 1] / sums[:, 0], n)
    by_patient = draw.by_patient(gap[:, None])[:, 0]
    by_patient = by_patient[by_patient != 0]  # the others say nothing of which is better
    if not len(by_patient):
        return replace(found, p_value=1.0, method="paired permutation of patients")
    tested = permutation_test(
        (by_patient, np.zeros_like(by_patient)),
        lambda one, two, axis: (one - two).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=count,
        batch=max(1, 1_000_000 // len(by_patient)),
        rng=np.random.default_rng(seed),
    )
    return replace(found, p_value=float(tested.pvalue), method="paired permutation of patients")


def delong(y: ArrayLike, first: ArrayLike, second: ArrayLike) -> Comparison:
    """Compare the AUROC of two scores on the same cases (doi:10.2307/2531595, doi:10.1109/LSP.2014.2337313).

    Args:
        y: (N,) bool, whether the finding is present.
        first: (N,) scores of one model or reader.
        second: (N,) scores of the other.

    Returns:
        The difference of the areas; z is positive where the first is larger. Cases are taken as
        independent: with several films a patient use `paired_bootstrap`.
    """
    truth = np.asarray(y, dtype=bool)
    n = len(truth)
    if truth.sum() < 2 or (~truth).sum() < 2:
        reason = inestimable("fewer than two cases have, or lack, the finding", n)
        return Comparison(
            first=NAN, second=NAN, difference=reason, z=NAN, p_value=NAN, method="DeLong, paired"
        )
    v10, v01 = zip(
        *(placements(truth, np.asarray(p, dtype=np.float64)) for p in (first, second)), strict=True
    )
    one, two = float(v10[0].mean()), float(v10[1].mean())
    variance = float(
        np.var(v10[0] - v10[1], ddof=1) / len(v10[0]) + np.var(v01[0] - v01[1], ddof=1) / len(v01[0])
    )
    gap, error = one - two, math.sqrt(variance)
    if error < 1e-15:
        z, p_value = (0.0, 1.0) if gap == 0 else (NAN, NAN)
        difference = Estimate(value=gap, low=NAN, high=NAN, method="no interval: no spread can be seen", n=n)
    else:
        z = gap / error
        p_value = 2 * float(norm.sf(abs(z)))
        low, high = max(-1.0, gap - Z95 * error), min(1.0, gap + Z95 * error)
        difference = Estimate(value=gap, low=low, high=high, method="DeLong, paired", n=n)
    return Comparison(
        first=one, second=two, difference=difference, z=z, p_value=p_value, method="DeLong, paired"
    )


def paired_bootstrap(
    y: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: Groups = None,
    *,
    count: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare the AUROC of two scores on the same cases by resampling patients; arguments as `delong`.

    The p-value is the share of resamples on the other side of no difference, doubled, counting one more than there
    are: so many resamples cannot show that it is nought.
    """
    truth = np.asarray(y, dtype=bool)
    n = len(truth)
    if truth.all() or not truth.any():
        reason = inestimable("all cases have, or all lack, the finding", n)
        return Comparison(
            first=NAN, second=NAN, difference=reason, z=NAN, p_value=NAN, method="patient bootstrap"
        )
    scores = [np.asarray(p, dtype=np.float64) for p in (first, second)]
    one, two = (float(placements(truth, p)[0].mean()) for p in scores)
    draw = resamples(n, groups, count=count, seed=seed)
    draws = draw.ranking(truth, scores[0])[0] - draw.ranking(truth, scores[1])[0]
    return _bootstrapped(one, two, draws, n)


def paired_macro(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: Groups = None,
    *,
    count: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare the mean AUROC over classes, each against all others, by resampling patients.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        first: (N, C) probabilities of one model.
        second: (N, C) of the other.
        groups: (N,) patients; None means that every case is its own patient.
        count: Bootstrap resamples.
        seed: Of the bootstrap.
    """
    codes = np.asarray(truth, dtype=np.int64)
    scores = [np.asarray(p, dtype=np.float64) for p in (first, second)]
    n, classes = len(codes), range(scores[0].shape[1])
    if not all(0 < (codes == code).sum() < n for code in classes):
        reason = inestimable("a class is missing, or the only one", n)
        return Comparison(
            first=NAN, second=NAN, difference=reason, z=NAN, p_value=NAN, method="patient bootstrap"
        )
    areas = [[float(placements(codes == c, p[:, c])[0].mean()) for c in classes] for p in scores]
    draw = resamples(n, groups, count=count, seed=seed)
    drawn = [np.mean([draw.ranking(codes == c, p[:, c])[0] for c in classes], axis=0) for p in scores]
    return _bootstrapped(float(np.mean(areas[0])), float(np.mean(areas[1])), drawn[0] - drawn[1], n)


def _bootstrapped(first: float, second: float, draws: NDArray[np.float64], n: int) -> Comparison:
    """Return a difference with the interval and the p-value that its resamples give."""
    kept = draws[np.isfinite(draws)]
    tail = (1 + min(int((kept <= 0).sum()), int((kept >= 0).sum()))) / (1 + len(kept))
    if not len(kept) or (kept[0] != 0 and np.ptp(kept) == 0):  # a spread that cannot be seen shows nothing
        tail = NAN
    return Comparison(
        first=first,
        second=second,
        difference=percentile_interval(first - second, draws, n),
        z=NAN,
        p_value=min(2 * tail, 1.0),  # in this order NaN stays NaN
        method="patient bootstrap",
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
