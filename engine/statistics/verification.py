"""Figures for all cases where only some were verified, with known probabilities.

Of the cases that were drawn for what they are (the errors, the most uncertain) all were verified; of the others a
random sample was, each case of which stands for several. Shares among the predictions are standardised to all cases by
these two strata; sensitivity and specificity follow from them by Bayes' theorem, as Begg and Greenes did
(doi:10.2307/2530820). Intervals join those of the parts by square and add (doi:10.1002/sim.3095), that of how many
cases were predicted positive among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.clusters import Clusters, Groups, inestimable, logistic, square_and_add
from engine.statistics.proportions import mean_of_bounded, proportion

Flags = NDArray[np.bool_]
METHOD = "weighted by how cases were drawn, square and add"


@dataclass(frozen=True, eq=False)
class Stratum:
    """Cases of one kind, all of which were equally likely to be verified.

    Attributes:
        size: How many there are.
        hits: (n,) of those that were verified, whether they count.
        patients: (n,) whose they are.
    """

    size: int
    hits: Flags
    patients: NDArray[np.int64]


def standardised(strata: Sequence[Stratum]) -> Estimate:
    """Estimate the share of cases that count, among all cases of all strata."""
    there = [one for one in strata if one.size]
    verified = sum(len(one.hits) for one in there)
    if not there:
        return inestimable("there is no such case", 0)
    if not all(len(one.hits) for one in there):
        return inestimable("no case of one of the ways of drawing has an answer", verified)
    sizes = np.array([one.size for one in there])
    shares = [proportion(one.hits, one.patients) for one in there]
    values = np.array([share.value for share in shares])
    parts = [(float(size / sizes.sum()), share) for size, share in zip(sizes, shares, strict=True)]
    spread = float(np.ptp(values))
    if spread > 0:  # how many cases there are of each kind is estimated too
        kinds = np.repeat((values - values.min()) / spread, sizes)
        parts.append((spread, mean_of_bounded(kinds)))
    value = float(values @ sizes / sizes.sum())
    low, high = square_and_add(value, parts)
    return Estimate(value=value, low=max(0.0, low), high=min(1.0, high), method=METHOD, n=verified)


def inverted(among_predicted: Estimate, among_others: Estimate, predicted: Estimate) -> Estimate:
    """Estimate how many cases of a class are predicted so, from how many predictions are right (Bayes' theorem).

    Args:
        among_predicted: The share of the class among the cases predicted so.
        among_others: The same among the other cases.
        predicted: The share of all cases that are predicted so.
    """
    n = among_predicted.n + among_others.n
    for one in (among_predicted, among_others, predicted):
        if not math.isfinite(one.value):
            return inestimable("not enough cases with an answer were predicted as either class", n)

    def at(hit: float, miss: float, share: float) -> float:
        found, missed = share * hit, (1 - share) * miss
        return found / (found + missed) if found + missed > 0 else math.nan

    parts = (among_predicted, among_others, predicted)
    value = at(*(one.value for one in parts))
    if math.isnan(value):
        return inestimable("no case with an answer is of the class", n)
    if min(one.low for one in parts) > 0 and 0 < value < 1 and predicted.high < 1:
        hit, miss, share = parts
        odds = math.log(value / (1 - value))
        down = (
            math.log(hit.value / hit.low),
            math.log(miss.high / miss.value),
            _logit(share.value) - _logit(share.low),
        )
        up = (
            math.log(hit.high / hit.value),
            math.log(miss.value / miss.low),
            _logit(share.high) - _logit(share.value),
        )
        low, high = logistic(odds - math.hypot(*down)), logistic(odds + math.hypot(*up))
    else:  # a share of 0 has no logarithm: the corners of the intervals, which is wider
        low = at(among_predicted.low, among_others.high, predicted.low)
        high = at(among_predicted.high, among_others.low, predicted.high)
    return Estimate(value=value, low=min(low, value), high=max(high, value), method=METHOD, n=n)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def verified_figures(
    predicted: Flags, present: Flags, verified: Flags, certain: Flags, groups: Groups = None
) -> dict[str, Estimate]:
    """Estimate the figures of all N cases from those that were verified.

    Args:
        predicted: (N,) whether the finding is predicted.
        present: (N,) whether it is present; read only where `verified`.
        verified: (N,) whether that is known.
        certain: (N,) whether a case was drawn for what it is; the verified others are a random sample of the others.
        groups: (N,) patients; None means that every case is its own patient.
    """
    patients = Clusters.by(groups, len(predicted)).of

    def share(of: Flags, hit: Flags) -> Estimate:
        return standardised(
            [
                Stratum(int((of & kind).sum()), hit[of & kind & verified], patients[of & kind & verified])
                for kind in (certain, ~certain)
            ]
        )

    found, omitted = share(predicted, present), share(~predicted, present)
    false, clear = share(predicted, ~present), share(~predicted, ~present)
    return {
        "sensitivity": inverted(found, omitted, proportion(predicted, patients)),
        "specificity": inverted(clear, false, proportion(~predicted, patients)),
        "positive predictive value": found,
        "negative predictive value": clear,
        "accuracy": share(np.ones(len(predicted), dtype=bool), predicted == present),
    }


def verified_accuracy(right: Flags, verified: Flags, certain: Flags, groups: Groups = None) -> Estimate:
    """Estimate the share of right predictions of any number of classes; arguments as `verified_figures`."""
    patients = Clusters.by(groups, len(right)).of
    return standardised(
        [
            Stratum(int(kind.sum()), right[kind & verified], patients[kind & verified])
            for kind in (certain, ~certain)
        ]
    )
