"""The whole report with all its intervals, beside a bootstrap that calls scikit-learn for every resample."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    roc_auc_score,
)

from benchmarks.measuring import LeftOut, Row, Setting, in_process, seconds_of
from benchmarks.review import RUN_ID, synthetic_predictions, synthetic_run
from engine.records import Prediction
from engine.report import build_report

RESAMPLES = 2000  # what a bootstrap would take; the report has intervals that need none

MEMORY = """
import sys
from pathlib import Path
from benchmarks.review import synthetic_predictions, synthetic_run
from engine.report.build import build_report
build_report(synthetic_run(Path(sys.argv[1])), synthetic_predictions(int(sys.argv[2])), history=())
print(0)
"""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    run = synthetic_run(setting.scratch / RUN_ID)
    for count in (200, 1000) if setting.quick else (1000, 10_000, 100_000):
        predictions = synthetic_predictions(count)
        rounds = 1 if setting.quick else 3
        ours: list[float] = []
        loops: list[float] = []
        for _ in range(rounds):
            ours.append(seconds_of(partial(build_report, run, predictions, history=())))
            loops.append(_loop(predictions, resamples=10 if count <= 10_000 else 5))
        report = build_report(run, predictions, history=())
        area = report.against[0].estimates["AUROC"].value
        expected = roc_auc_score(
            [each.label == "opacity" for each in predictions], [each.probabilities[1] for each in predictions]
        )
        _, memory = in_process(MEMORY, str(run.folder), str(count))
        mine, theirs = float(np.median(ours)), float(np.median(loops))
        largest = count == 100_000
        yield Row(
            work=f"report on {count:,} predictions",
            ours=mine,
            unit="s",
            peer=f"{RESAMPLES:,} bootstrap resamples by scikit-learn in a loop",
            theirs=theirs,
            ratio=theirs / mine,
            budget="≥ 50×" if largest else "",
            met=theirs / mine >= 50 if largest else None,
            quality=f"largest difference in AUROC {abs(area - expected):.0e}, peak memory {memory:.0f} MB",
            note="the loop's seconds are those of a few resamples, counted up; it does seven figures, ours the report",
        )
        yield Row(
            work=f"peak memory of a process that makes a report on {count:,} predictions",
            ours=memory,
            unit="MB",
            budget="≤ 500 MB" if largest else "",
            met=memory <= 500 if largest else None,
            note="the predictions and all that is imported are in it",
        )


def _loop(predictions: Sequence[Prediction], *, resamples: int) -> float:
    """Return how long the loop takes for all resamples, from a few."""
    y = np.array([each.label == "opacity" for each in predictions])
    p = np.array([each.probabilities[1] for each in predictions])
    patients = np.array([each.patient_id for each in predictions])
    # Kindly: patients are numbered and their rows found once, not in each resample.
    _, number = np.unique(patients, return_inverse=True)
    rows = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    for _ in range(resamples):
        drawn = np.concatenate([rows[patient] for patient in rng.integers(len(rows), size=len(rows))])
        truth, score = y[drawn], p[drawn]
        predicted = score >= 0.5
        roc_auc_score(truth, score)
        average_precision_score(truth, score)
        brier_score_loss(truth, score)
        accuracy_score(truth, predicted)
        f1_score(truth, predicted)
        confusion_matrix(truth, predicted)  # sensitivity and specificity
    return (time.perf_counter() - started) / resamples * RESAMPLES
