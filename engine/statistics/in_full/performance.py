"""Every overall figure of a report: those of `overall`, and what a reviewer asks for beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.classification_report import (
    ClassRow,
    Codes,
    f1_score,
    overall,
    top_k,
    weighted_f1,
)
from engine.statistics.clusters import Clusters, Groups, inestimable, square_and_add
from engine.statistics.decisions.partial_area import partial_auroc
from engine.statistics.in_full.log_loss import log_loss
from engine.statistics.proportions import likelihood_ratios, proportion
from engine.statistics.ranking import log_odds

LEAST_SPECIFICITY = 0.9
PARTIAL = "partial AUROC (specificity .9 to 1)"
TOP = ((4, 2), (4, 3), (6, 5))
"""Of so many classes and more: whether the class is among the k most probable."""


def performance(
    truth: Codes,
    predicted: Codes,
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    *,
    positive: str | None = None,
    groups: Groups = None,
    prevalence: float | None = None,
) -> dict[str, Estimate]:
    """Estimate every figure that a report gives of all cases, by name, in its order; arguments as `overall`."""
    groups = None if groups is None else Clusters.by(groups, len(truth)).of
    known = overall(
        truth, predicted, probabilities, classes, positive=positive, groups=groups, prevalence=prevalence
    )
    count = len(classes)
    behind: dict[str, dict[str, Estimate]] = {
        "macro F1": {
            "weighted F1": weighted_f1(truth, predicted, count, groups),
            "macro precision": mean_of_precisions(truth, predicted, count, groups),
            "weighted precision": mean_of_precisions(truth, predicted, count, groups, weighted=True),
        },
        "Brier score": {"negative log-likelihood": log_loss(truth, probabilities, groups)},
        "accuracy": {
            f"top-{k} accuracy": top_k(truth, probabilities, k, groups) for least, k in TOP if count >= least
        },
    }
    if count == 2:
        code = list(classes).index(positive) if positive is not None and positive in classes else 1
        ratios = likelihood_ratios(known["sensitivity"], known["specificity"])
        odds = log_odds(probabilities, code) if len(truth) else np.zeros(0)
        behind["negative predictive value"] = {
            **dict(zip(("positive likelihood ratio", "negative likelihood ratio"), ratios, strict=True)),
            "F1": f1_score(truth == code, predicted == code, groups),
        }
        behind["AUROC"] = {PARTIAL: partial_auroc(truth == code, odds, groups, specificity=LEAST_SPECIFICITY)}
    found: dict[str, Estimate] = {}
    for name, estimate in known.items():
        found |= {name: estimate, **behind.get(name, {})}
    return found


def mean_of_precisions(
    truth: Codes, predicted: Codes, classes: int, groups: Groups = None, *, weighted: bool = False
) -> Estimate:
    """Estimate the mean precision over classes, weighted by their shares of the cases or not; arguments as `mcc`.

    Precisions are of cases that do not overlap: their bounds are put together as those of independent figures.
    """
    n, codes = len(truth), range(classes)
    if not n or any((truth == code).any() and not (predicted == code).any() for code in codes):
        return inestimable("a class of the reference standard was never predicted", n)
    parts = []
    there = [code for code in codes if (predicted == code).any()]
    for code in there:
        rows = predicted == code
        share = float((truth == code).mean()) if weighted else 1 / len(there)
        of = proportion(truth[rows] == code, None if groups is None else np.asarray(groups)[rows])
        parts.append((share, of))
    value = sum(share * of.value for share, of in parts)
    low, high = square_and_add(value, parts)
    clusters = Clusters.by(groups, n)
    return Estimate(
        value=value,
        low=max(0.0, low),
        high=min(1.0, high),
        method=f"square and add{clusters.named}",
        n=n,
        patients=clusters.count,
    )


def without_patients(row: ClassRow) -> ClassRow:
    """Return a class of the report whose figures say nothing of patients: the data do not name them all."""
    figures = {
        name: replace(value, patients=None)
        for name in ClassRow.__dataclass_fields__
        if isinstance(value := getattr(row, name), Estimate)
    }
    return replace(row, **figures)  # type: ignore[arg-type]
