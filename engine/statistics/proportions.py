"""Shares of cases, and what follows from two of them: Wilson's interval, by patient where patients have several images.

Wilson (doi:10.1080/01621459.1927.10502953) with the effective number of images (doi:10.2307/2532311); predictive values
at any prevalence by Bayes' theorem (doi:10.1002/sim.3095).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from engine.records import Estimate
from engine.statistics.clusters import NAN, SMALLEST, Z95, Clusters, Groups, inestimable, logistic, quantile


def wilson(
    k: float, n: float, *, method: str = "Wilson", cases: int | None = None, z: float = Z95
) -> Estimate:
    """Estimate a proportion with Wilson's score interval (doi:10.1080/01621459.1927.10502953).

    Args:
        k: Successes.
        n: Trials; 0 gives NaN.
        method: How it will be named.
        cases: What to report as n where `n` is an effective number.
        z: Half width in standard errors.
    """
    counted = int(n) if cases is None else cases
    if n <= 0:
        return inestimable("there is no case to count", counted)
    share = min(1.0, max(0.0, k / n))  # a mean of weighted values may pass 1 by rounding
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
    return Estimate(value=share, low=low, high=high, method=method, n=counted, effective_n=float(n))


def proportion(hits: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate the share of hits, with images of one patient counted for what they are worth.

    Where patients have several images the number of trials in Wilson's formula is divided by the design effect
    (doi:10.2307/2532311), which is never taken below 1, and Student's t stands for the normal quantile; where all
    images agree, and the design effect cannot be seen, the number of patients stands for the number of trials.

    Args:
        hits: (N,) bool, or shares in [0, 1].
        groups: (N,) patients; None means that every case is its own patient.
    """
    hit = np.asarray(hits, dtype=np.float64)
    n = len(hit)
    clusters = Clusters.by(groups, n)
    if n == 0 or clusters.single:
        found = wilson(float(hit.sum()), n)
        return found if groups is None or not n else replace(found, patients=n)
    share = float(hit.mean())
    if share in (0.0, 1.0) or clusters.count == 1:
        effective, z = float(clusters.count), Z95
    else:
        variance = clusters.variance((hit - share) / n)
        effective = n / max(1.0, variance / (share * (1 - share) / n))
        z = quantile(clusters.count)
    found = wilson(share * effective, effective, method="Wilson, by patient", cases=n, z=z)
    return replace(found, patients=clusters.count)


def mean_of_bounded(values: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate the mean of values in [0, 1], such as squared errors: Wilson's interval with their own spread.

    As many trials stand in Wilson's formula as would give the variance that the values have by patient.

    Args:
        values: (N,) in [0, 1].
        groups: (N,) patients.
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if not n:
        return inestimable("there is no case", 0)
    clusters = Clusters.by(groups, n)
    mean = float(x.mean())
    variance = clusters.variance((x - mean) / n)
    seen = math.isfinite(variance) and variance > SMALLEST and 0 < mean < 1
    effective, z = float(clusters.count), Z95
    if seen:
        effective, z = mean * (1 - mean) / variance, quantile(clusters.count)
    found = wilson(mean * effective, effective, method=f"Wilson{clusters.named}", cases=n, z=z)
    return replace(found, patients=clusters.count)


def predictive_values(
    sensitivity: Estimate, specificity: Estimate, prevalence: float
) -> tuple[Estimate, Estimate]:
    """Give the positive and negative predictive value where the finding is as common as `prevalence`.

    By Bayes' theorem; the intervals join those of sensitivity and specificity on the scale of the logarithm
    of the likelihood ratio (doi:10.1002/sim.3095), and so stay in [0, 1] and hold at 100%.

    Args:
        sensitivity: With its interval.
        specificity: With its interval.
        prevalence: In (0, 1).

    Returns:
        PPV and NPV; NaN where sensitivity or specificity is, or the prevalence is not within (0, 1).
    """
    n = sensitivity.n + specificity.n
    if not (math.isfinite(sensitivity.value) and math.isfinite(specificity.value)):
        return (inestimable("sensitivity or specificity is unknown", n),) * 2
    if not 0 < prevalence < 1:
        return (inestimable("a prevalence must lie between 0 and 1", n),) * 2
    ppv = _posterior(sensitivity, _complement(specificity), prevalence, n)
    npv = _posterior(specificity, _complement(sensitivity), 1 - prevalence, n)
    return ppv, npv


def likelihood_ratios(sensitivity: Estimate, specificity: Estimate) -> tuple[Estimate, Estimate]:
    """Give the positive and negative likelihood ratio: by what a result multiplies the odds of the finding.

    The intervals join those of sensitivity and specificity on the logarithm (doi:10.1002/sim.3095).

    Args:
        sensitivity: With its interval.
        specificity: With its interval.

    Returns:
        LR+ and LR-; NaN where sensitivity or specificity is, infinite where the denominator is 0: see `finite`.
    """
    n = sensitivity.n + specificity.n
    if not (math.isfinite(sensitivity.value) and math.isfinite(specificity.value)):
        return (inestimable("sensitivity or specificity is unknown", n),) * 2
    return (
        _ratio(sensitivity, _complement(specificity), n),
        _ratio(_complement(sensitivity), specificity, n),
    )


def _ratio(one: Estimate, other: Estimate, n: int) -> Estimate:
    """Return the ratio of two independent shares, with the bounds of both joined on the logarithm."""
    method = "square and add, logarithm of the ratio"
    if one.value == other.value == 0:
        return inestimable("both shares are 0", n)

    def quotient(a: float, b: float) -> float:
        return a / b if b > 0 else math.inf

    value = quotient(one.value, other.value)
    low, high = quotient(one.low, other.high), quotient(one.high, other.low)
    # A share of 0, or a bound of 0, has no logarithm: there the corner of both intervals, which is wider.
    if min(one.low, one.value, other.value) > 0:
        low = value / math.exp(math.hypot(math.log(one.value / one.low), math.log(other.high / other.value)))
    if min(one.value, other.low, other.value) > 0:
        high = value * math.exp(math.hypot(math.log(one.high / one.value), math.log(other.value / other.low)))
    return Estimate(value=value, low=low, high=high, method=method, n=n)


def _complement(share: Estimate) -> Estimate:
    return Estimate(
        value=1 - share.value, low=1 - share.high, high=1 - share.low, method=share.method, n=share.n
    )


def _posterior(hit: Estimate, false: Estimate, prior: float, n: int) -> Estimate:
    """Return P(class | predicted so) from the rate of predicting it when it is there and when it is not."""
    method = f"Bayes, at a prevalence of {prior:g}"

    def probability(a: float, b: float) -> float:
        predicted = prior * a + (1 - prior) * b
        return prior * a / predicted if predicted > 0 else NAN

    value = probability(hit.value, false.value)
    if math.isnan(value):
        return inestimable("no case was predicted as this class", n)
    if hit.value > 0 and false.value > 0 and hit.low > 0 and false.low > 0:
        middle = math.log(hit.value / false.value)
        down = math.hypot(math.log(hit.value / hit.low), math.log(false.high / false.value))
        up = math.hypot(math.log(hit.high / hit.value), math.log(false.value / false.low))
        odds = math.log(prior / (1 - prior))
        low, high = logistic(odds + middle - down), logistic(odds + middle + up)
    else:  # a rate of exactly 0 has no logarithm: the corners of both intervals, which is wider
        low, high = probability(hit.low, false.high), probability(hit.high, false.low)
    return Estimate(value=value, low=min(low, value), high=max(high, value), method=method, n=n)
