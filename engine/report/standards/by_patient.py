"""Figures by patient: each patient counts once, whatever the number of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.language import _, counted, isolated
from engine.report.records import ByPatient
from engine.statistics import performance

OF_IMAGES = {
    "Brier score", "negative log-likelihood", "calibration error", "calibration intercept", "calibration slope",
    "observed / expected",
}  # fmt: skip
"""Figures of probabilities: the highest or the mean probability of several images is none of a patient."""


def by_patient(
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    patients: NDArray[np.int64] | NDArray[np.str_],
    classes: Sequence[str],
    *,
    positive: str,
    prevalence: float | None = None,
) -> ByPatient:
    """Estimate the figures of a report by patient; none where every patient has one image.

    Args:
        truth: (N,) class of each image.
        predicted: (N,) predicted class.
        probabilities: (N, C).
        patients: (N,) all named.
        classes: C names.
        positive: Of two classes, the finding: a patient has it whose image has it, in any of the images.
        prevalence: As for figures by image.
    """
    _names, of = np.unique(patients, return_inverse=True)
    count = int(of.max(initial=-1)) + 1
    if count in (0, len(of)):
        return ByPatient()
    if len(classes) == 2:
        yes = list(classes).index(positive)
        score = np.zeros(count)
        np.maximum.at(score, of, probabilities[:, yes])
        held, told = (_any(codes == yes, of, count) for codes in (truth, predicted))
        odds = np.column_stack([1 - score, score] if yes else [score, 1 - score])
        rule = _(
            "A patient has {finding} where any of the images has it, is predicted so where any of them is, and is "
            "ranked by the highest probability."
        ).format(finding=isolated(positive))
        codes = [np.where(one, yes, 1 - yes).astype(np.int64) for one in (held, told)]
    else:
        votes = np.stack([np.bincount(of, predicted == code, count) for code in range(len(classes))], axis=1)
        size = np.bincount(of, minlength=count)[:, None]
        odds = np.stack([np.bincount(of, one, count) for one in probabilities.T], axis=1) / size
        seen = np.stack([_any(truth == code, of, count) for code in range(len(classes))], axis=1)
        one_class = seen.sum(axis=1) == 1
        rule = _(
            "A patient is predicted to be of the class that most of the images are predicted to be of (of equally "
            "many, the more probable), and is ranked by their mean probability."
        )
        if mixed := int((~one_class).sum()):
            left_out = _("{patients} whose images are of several classes are left out.")
            rule = f"{rule} {left_out.format(patients=counted(mixed, 'patient'))}"
        odds, seen, votes = odds[one_class], seen[one_class], votes[one_class]
        codes = [seen.argmax(axis=1), (votes + odds / 2).argmax(axis=1)]
    figures = performance(codes[0], codes[1], odds, classes, positive=positive, prevalence=prevalence)
    return ByPatient(
        rule=rule,
        patients=len(odds),
        estimates={name: each for name, each in figures.items() if name not in OF_IMAGES},
    )


def _any(rows: NDArray[np.bool_], of: NDArray[np.intp], count: int) -> NDArray[np.bool_]:
    """Return whether any image of a patient is one of some, (count,)."""
    found = np.zeros(count, dtype=bool)
    found[of[rows]] = True
    return found
