"""Figures for all cases where only some were verified, with known probabilities.

Of the cases that were drawn for what they are (the errors, the most uncertain) all were verified; of the others a
random sample was, each case of which stands for several. Shares among the predictions are standardised to all cases by
these two strata; sensitivity and specificity follow from them by Bayes' theorem, as Begg and Greenes did
(doi:10.2307/2530820). Intervals join those of the parts by square and add (doi:10.1002/sim.3095), that of how many
cases were predicted positive among them, with the correlation that the parts show by patient: a patient may have cases
in several of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.clusters import (
    Clusters,
    Groups,
    correlation_of,
    inestimable,
    logistic,
    square_and_add,
)
from engine.statistics.proportions import mean_of_bounded, proportion

Flags = NDArray[np.bool_]
METHOD = "weighted by how cases were drawn, square and add"


@dataclass(frozen=True, eq=False)
class Drawn:
    """Which of N cases were verified, and how they came to be.

    Attributes:
        verified: (N,) whether it is known if a case counts.
        certain: (N,) whether a case was drawn for what it is; the verified others are a random sample of the others.
        clusters: Whose cases they are.
    """

    verified: Flags
    certain: Flags
    clusters: Clusters


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure with what each case contributes to it, (N,): a patient may have cases in several strata."""

    estimate: Estimate
    influence: NDArray[np.float64]


def standardised(hits: Flags, among: Flags, drawn: Drawn) -> Figure:
    """Estimate the share of cases that count, among cases of both ways of being drawn.

    Args:
        hits: (N,) whether a case counts; read only where it is verified.
        among: (N,) the cases of which the share is wanted.
        drawn: How they were drawn.
    """
    nothing = np.zeros(len(hits))
    kinds = [kind for kind in (among & drawn.certain, among & ~drawn.certain) if kind.any()]
    seen = [kind & drawn.verified for kind in kinds]
    n = sum(int(one.sum()) for one in seen)
    if not kinds:
        return Figure(inestimable("there is no such case", 0), nothing)
    if not all(one.any() for one in seen):
        return Figure(inestimable("no case of one of the ways of drawing has an answer", n), nothing)
    shares = [proportion(hits[one], drawn.clusters.of[one]) for one in seen]
    weights = [float(kind.sum() / among.sum()) for kind in kinds]
    parts = list(zip(weights, shares, strict=True))
    told = [one * (hits - share.value) / one.sum() for one, share in zip(seen, shares, strict=True)]
    spread = float(np.ptp([share.value for share in shares]))
    if spread > 0:  # how many cases there are of each kind is estimated too
        more = max(range(2), key=lambda place: shares[place].value)
        parts.append((spread, mean_of_bounded(kinds[more][among].astype(float), drawn.clusters.of[among])))
        told.append(among * (kinds[more] - weights[more]) / among.sum())
    value = sum(weight * share.value for weight, share in parts[: len(shares)])
    low, high = square_and_add(value, parts, _related(told, drawn.clusters))
    influence = sum((weight * one for (weight, _), one in zip(parts, told, strict=True)), nothing)
    method = METHOD + drawn.clusters.named
    return Figure(
        Estimate(value=value, low=max(0.0, low), high=min(1.0, high), method=method, n=n), influence
    )


def inverted(among_predicted: Figure, among_others: Figure, predicted: Flags, clusters: Clusters) -> Estimate:
    """Estimate how many cases of a class are predicted so, from how many predictions are right (Bayes' theorem).

    Args:
        among_predicted: The share of the class among the cases predicted so.
        among_others: The same among the other cases.
        predicted: (N,) the cases predicted so.
        clusters: Whose cases they are.
    """
    hit, miss, share = among_predicted.estimate, among_others.estimate, proportion(predicted, clusters.of)
    n = hit.n + miss.n
    if not all(math.isfinite(one.value) for one in (hit, miss, share)):
        return inestimable("not enough cases with an answer were predicted as either class", n)

    def at(hit: float, miss: float, share: float) -> float:
        found, missed = share * hit, (1 - share) * miss
        return found / (found + missed) if found + missed > 0 else math.nan

    value = at(hit.value, miss.value, share.value)
    if math.isnan(value):
        return inestimable("no case with an answer is of the class", n)
    if min(hit.low, miss.low, share.low) > 0 and 0 < value < 1 and share.high < 1:
        told = [
            among_predicted.influence,
            -among_others.influence,
            (predicted - share.value) / len(predicted),
        ]
        related = _related(told, clusters)
        odds = math.log(value / (1 - value))
        down = np.array(
            [
                math.log(hit.value / hit.low),
                math.log(miss.high / miss.value),
                _logit(share.value) - _logit(share.low),
            ]
        )
        up = np.array(
            [
                math.log(hit.high / hit.value),
                math.log(miss.value / miss.low),
                _logit(share.high) - _logit(share.value),
            ]
        )
        low = logistic(odds - math.sqrt(down @ related @ down))
        high = logistic(odds + math.sqrt(up @ related @ up))
    else:  # a share of 0 has no logarithm: the corners of the intervals, which is wider
        low = at(hit.low, miss.high, share.low)
        high = at(hit.high, miss.low, share.high)
    method = METHOD + clusters.named
    return Estimate(value=value, low=min(low, value), high=max(high, value), method=method, n=n)


def _related(told: Sequence[NDArray[np.float64]], clusters: Clusters) -> NDArray[np.float64]:
    """Return the correlation of figures by patient, at least 0; strata of patients with one case share nobody."""
    if clusters.single:
        return np.eye(len(told))
    return np.maximum(0.0, correlation_of(np.stack(told), clusters, unseen=0.0))


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
    drawn = Drawn(verified, certain, Clusters.by(groups, len(predicted)))
    found, omitted = standardised(present, predicted, drawn), standardised(present, ~predicted, drawn)
    false, clear = standardised(~present, predicted, drawn), standardised(~present, ~predicted, drawn)
    return {
        "sensitivity": inverted(found, omitted, predicted, drawn.clusters),
        "specificity": inverted(clear, false, ~predicted, drawn.clusters),
        "positive predictive value": found.estimate,
        "negative predictive value": clear.estimate,
        "accuracy": verified_accuracy(predicted == present, verified, certain, groups),
    }


def verified_accuracy(right: Flags, verified: Flags, certain: Flags, groups: Groups = None) -> Estimate:
    """Estimate the share of right predictions of any number of classes; arguments as `verified_figures`."""
    drawn = Drawn(verified, certain, Clusters.by(groups, len(right)))
    return standardised(right, np.ones(len(right), dtype=bool), drawn).estimate
