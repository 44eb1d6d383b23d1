"""What is drawn of predictions held against a reference standard, beside the ROC and the precision-recall curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.report.drawn_records import NO_CURVES, Curves
from engine.statistics import (
    RiskCoverage,
    calibrated_event,
    curve_bands,
    kept_by_sureness,
    net_benefits,
)

MOST_BANDS = 4  # curves whose bands can be told apart
MOST_POINTS = 200  # of a curve of cases kept
SCORE_BINS = 20


def curves_of(
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    p: NDArray[np.float64],
    classes: Sequence[str],
    odds: Mapping[str, NDArray[np.float64]],
    patients: NDArray[np.int64] | NDArray[np.str_],
) -> Curves:
    """Compute the curves of the cases of a reference standard.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        predicted: (N,) class predicted.
        p: (N, C) probabilities.
        classes: C names.
        odds: Class → (N,) log-odds, of the classes that have a ROC curve.
        patients: (N,) patients.
    """
    if not len(truth):
        return NO_CURVES
    code = {name: place for place, name in enumerate(classes)}
    bands = {
        name: found
        for name, of in (odds if len(odds) <= MOST_BANDS else {}).items()
        if (found := curve_bands(truth == code[name], of, patients)) is not None
    }
    finding = next(iter(odds)) if len(classes) == 2 else None
    event, sure = calibrated_event(truth, p, code[finding] if finding else 0)
    own = sure if finding else p[np.arange(len(truth)), truth]
    return Curves(
        roc_bands={name: roc for name, (roc, _) in bands.items()},
        precision_recall_bands={name: precision for name, (_, precision) in bands.items()},
        net_benefit=net_benefits(event, sure, patients)
        if finding and event.any() and not event.all()
        else (),
        risk=_thinned(kept_by_sureness(predicted == truth, p[np.arange(len(truth)), predicted])),
        scores={
            name: tuple(np.bincount(bin_of(own[truth == place]), minlength=SCORE_BINS).tolist())
            for place, name in enumerate(classes)
        },
    )


def bin_of(probabilities: ArrayLike, bins: int = SCORE_BINS) -> NDArray[np.int64]:
    """Return in which of equally wide bins each probability lies: the last whose lower edge it reaches."""
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    return np.searchsorted(edges, np.asarray(probabilities, dtype=np.float64), side="right").astype(np.int64)


def _thinned(curve: RiskCoverage | None) -> RiskCoverage | None:
    """Keep as many points of a curve as can be seen."""
    if curve is None or len(curve.coverage) <= MOST_POINTS:
        return curve
    at = np.linspace(curve.coverage[0], 1, MOST_POINTS)
    kept = np.unique(np.minimum(np.searchsorted(curve.coverage, at), len(curve.coverage) - 1))
    return replace(
        curve, coverage=curve.coverage[kept], risk=curve.risk[kept], threshold=curve.threshold[kept]
    )
