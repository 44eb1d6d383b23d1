"""Figures of a run on foreign images beside those of its internal test, and what re-tuning there would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data import PatientsNamed, patients_named
from engine.errors import ReportError
from engine.external.cases import ExternalCases
from engine.records import Estimate, Prediction, Run
from engine.statistics import (
    choose_threshold,
    confusion_matrix,
    independent_difference,
    log_odds,
    overall,
    proportion,
)
from engine.uncertainty import undecided

FOLDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One figure, at home and abroad.

    Attributes:
        name: Of the figure.
        internal: On the internal test part.
        external: On the foreign images.
        difference: External minus internal.
    """

    name: str
    internal: Estimate
    external: Estimate
    difference: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Retuned:
    """What tuning to the foreign images would change: every image judged by what was tuned on other patients.

    Attributes:
        threshold: The operating point chosen on all foreign images.
        at_threshold: Sensitivity and specificity, each image by the operating point of the other folds.
        calibration: Calibration figures, each image by the recalibration of the other folds.
        folds: How many.
    """

    threshold: float
    at_threshold: Mapping[str, Estimate]
    calibration: Mapping[str, Estimate]
    folds: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ExternalTest:
    """A run tested on images from elsewhere.

    Attributes:
        run: As trained.
        dataset_id: Of the foreign data.
        dataset_name: For people.
        cases: What of them was tested on, and what was left out.
        images: How many were predicted.
        patients: Of how many images the patient is named.
        internal_images: Images of the internal test.
        figures: Internal and external, in the order of a report.
        confusion: (C, C) of the foreign images: row the label, column the predicted class.
        retuned: Re-chosen operating point and recalibration; None where they cannot be had.
        why_not: A sentence that says why `retuned` is None.
    """

    run: Run
    dataset_id: str
    dataset_name: str
    cases: ExternalCases
    images: int
    patients: PatientsNamed
    internal_images: int
    figures: tuple[Compared, ...]
    confusion: NDArray[np.int64]
    retuned: Retuned | None
    why_not: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was done with the foreign images' labels, and which were left out, without full stops."""
        cases = self.cases
        return (
            f"{self.images:,} images were predicted",
            *(f"“{name}” of these data is taken as {meant}" for name, meant in cases.same.items()),
            *(f"{count:,} left out: {reason}" for reason, count in cases.left_out.items()),
            *cases.remarks,
        )


def compare_with_internal(
    run: Run,
    internal: Sequence[Prediction],
    external: Sequence[Prediction],
    cases: ExternalCases,
    *,
    dataset_id: str,
    dataset_name: str,
) -> ExternalTest:
    """Hold a run's figures on foreign images against those of its internal test.

    The two sets have no patient in common, so that the interval of a difference joins the two intervals
    (doi:10.1002/sim.3095).

    Args:
        run: Whose predictions these are.
        internal: Labelled predictions of its test part.
        external: Labelled predictions of the foreign images.
        cases: Where these came from.
        dataset_id: Of the foreign data.
        dataset_name: For people.

    Raises:
        ReportError: There is no internal test to compare with.
    """
    known = [one for one in internal if one.label is not None]
    if not known:
        raise ReportError(
            f"Run {run.run_id} has no predictions of labelled test images to compare with",
            "Let the run predict its test part first",
        )
    home, abroad = _figures(run, known), _figures(run, external)
    retuned, why_not = _retuned(run, external)
    truth, predicted, _, _ = _arrays(run, external)
    return ExternalTest(
        run=run,
        dataset_id=dataset_id,
        dataset_name=dataset_name,
        cases=cases,
        images=len(external),
        patients=patients_named(external),
        internal_images=len(known),
        figures=tuple(
            Compared(
                name=name,
                internal=home[name],
                external=abroad[name],
                difference=independent_difference(abroad[name], home[name]),
            )
            for name in home
            if name in abroad
        ),
        confusion=confusion_matrix(truth, predicted, len(run.classes)),
        retuned=retuned,
        why_not=why_not,
    )


def _arrays(
    run: Run, predictions: Sequence[Prediction]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.str_]]:
    code = {name: place for place, name in enumerate(run.classes)}
    return (
        np.array([code[one.label or ""] for one in predictions], dtype=np.int64),
        np.array([code[one.predicted] for one in predictions], dtype=np.int64),
        np.array([one.probabilities for one in predictions], dtype=np.float64),
        np.array([one.patient_id for one in predictions]),
    )


def _figures(run: Run, predictions: Sequence[Prediction]) -> dict[str, Estimate]:
    truth, predicted, p, patients = _arrays(run, predictions)
    binary = len(run.classes) == 2
    shares = {
        f"share of {name}": proportion(truth == run.classes.index(name), patients)
        for name in ((run.positive,) if binary else run.classes)
    }
    positive = run.positive if binary else None
    return shares | overall(truth, predicted, p, run.classes, positive=positive, groups=patients)


def _retuned(run: Run, predictions: Sequence[Prediction]) -> tuple[Retuned | None, str]:
    if len(run.classes) != 2:
        return None, "An operating point is re-chosen, and probabilities recalibrated, for two classes only."
    truth, _, p, patients = _arrays(run, predictions)
    code = run.classes.index(run.positive)
    positive, odds = truth == code, log_odds(p, code)
    fewest = min(len(set(patients[positive == one])) for one in (True, False))
    if fewest < FOLDS:
        return None, (
            "The operating point is not re-chosen and nothing is recalibrated: that takes "
            f"{FOLDS} patients of each class, and of one there are {fewest}."
        )
    point, equal = run.recipe.operating_point, undecided(run.calibration, code)

    def chosen(rows: NDArray[np.int64]) -> float:
        found = choose_threshold(point, positive[rows], p[rows, code], undecided=equal, groups=patients[rows])
        return found.value

    thresholds, recalibrated = np.zeros(len(p)), np.zeros(len(p))
    for others, here in _folds(positive, patients):
        thresholds[here] = chosen(others)
        recalibrated[here] = _recalibration(odds[others], positive[others])(odds[here])
    called = p[:, code] >= thresholds
    figures = overall(
        truth,
        np.where(called, code, 1 - code),
        np.stack([1 - recalibrated, recalibrated] if code else [recalibrated, 1 - recalibrated], axis=1),
        run.classes,
        positive=run.positive,
        groups=patients,
    )
    calibration = (
        "Brier score",
        "calibration error",
        "calibration intercept",
        "calibration slope",
        "observed / expected",
    )
    retuned = Retuned(
        threshold=chosen(np.arange(len(p))),
        at_threshold={name: figures[name] for name in ("sensitivity", "specificity")},
        calibration={name: figures[name] for name in calibration},
        folds=FOLDS,
    )
    return retuned, ""


def _folds(
    positive: NDArray[np.bool_], patients: NDArray[np.str_]
) -> Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    from sklearn.model_selection import StratifiedGroupKFold  # here, because it takes most of a second

    dealt = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    return list(dealt.split(positive, positive, patients))


def _recalibration(
    odds: NDArray[np.float64], positive: NDArray[np.bool_]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Fit logistic recalibration (doi:10.1002/sim.8281) and return what it makes of log-odds."""
    from sklearn.linear_model import LogisticRegression

    # Hardly any penalty, but some: where the classes are told apart without error the slope has no end.
    fitted = LogisticRegression(C=1e4).fit(odds[:, None], positive)

    def recalibrated(fresh: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(fitted.predict_proba(fresh[:, None])[:, 1])

    return recalibrated
