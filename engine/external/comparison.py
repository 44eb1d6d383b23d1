"""Figures of a run on foreign images beside those of its internal test, and what re-tuning there would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from engine.data import patients_named
from engine.errors import ReportError
from engine.external.cases import ExternalCases
from engine.records import Compared, Estimate, ExternalCase, ExternalTest, Prediction, Retuned, Run, recipe_of
from engine.report import case_ids
from engine.runs import load_known, load_uncertainty
from engine.statistics import (
    choose_threshold,
    confusion_matrix,
    independent_difference,
    log_odds,
    overall,
    proportion,
)
from engine.uncertainty import shift_told, undecided

FOLDS = 5


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
        RunError: What the run keeps of the images it knows is damaged.
    """
    tested = [one for one in internal if one.label is not None]
    if not tested:
        raise ReportError(
            f"Run {run.run_id} has no predictions of labelled test images to compare with",
            "Let the run predict its test part first",
        )
    home, abroad = _figures(run, tested), _figures(run, external)
    retuned, why_not = _retuned(run, external)
    truth, predicted, _, _ = _arrays(run, external)
    fitted = load_uncertainty(run.folder)
    coverage = fitted.conformal.coverage if fitted else None
    shift, said = shift_told(load_known(run), run, external, coverage=coverage)
    patients, numbers = patients_named(external), case_ids([one.image_id for one in external])
    return ExternalTest(
        run_id=run.run_id,
        trained_on=run.dataset_name,
        classes=run.classes,
        positive=run.positive if len(run.classes) == 2 else None,
        threshold=run.threshold,
        dataset_id=dataset_id,
        dataset_name=dataset_name,
        tested=datetime.now(UTC),
        images=len(external),
        patients_named=patients.named,
        patients=patients.patients,
        internal_images=len(tested),
        same=dict(cases.same),
        left_out=dict(cases.left_out),
        remarks=cases.remarks,
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
        confusion=tuple(map(tuple, confusion_matrix(truth, predicted, len(run.classes)).tolist())),
        retuned=retuned,
        why_not=why_not,
        shift=shift,
        shift_words=said,
        cases=tuple(
            ExternalCase(case=numbers[one.image_id], label=one.label or "", predicted=one.predicted)
            for one in external
        ),
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
    point, equal = recipe_of(run).operating_point, undecided(run.calibration, code)

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
