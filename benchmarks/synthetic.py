"""A run that nobody has trained and what it predicts, as the store of readings gives it; nothing of the window."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.recipes import RECIPES
from engine.records import Calibration, Prediction, ProbabilityBlock, Run

RUN_ID = "20260101-000000-0000"


def synthetic_run(folder: Path, classes: int = 2) -> Run:
    """Return a run of two classes, or of more, that nobody has trained."""
    names = _names(classes)
    return Run(
        run_id=folder.name,
        folder=folder,
        dataset_id="benchmark",
        dataset_name="benchmark",
        recipe=RECIPES["default"],
        classes=names,
        positive="opacity" if classes == 2 else names[0],
        threshold=0.5 if classes == 2 else math.nan,
        calibration=Calibration(),
        weights_source="none",
        device="cpu",
        created=datetime.now(UTC),
        seconds=1.0,
        parameters=1,
        trained_parameters=1,
    )


def synthetic_predictions(count: int, classes: int = 2) -> list[Prediction]:
    """Return predictions of a net that is right in most cases, two films a patient."""
    names, block = _names(classes), ProbabilityBlock()
    truth, p = _of_two(count) if classes == 2 else _of_many(count, classes)
    predicted = p[:, 1] >= 0.5 if classes == 2 else p.argmax(axis=1)
    return [
        Prediction(
            image_id=hashlib.sha256(str(number).encode()).hexdigest(),
            path=Path(f"film-{number}.jpg"),
            label=names[truth[number]],
            patient_id=f"p{number // 2}",
            part="test",
            probabilities=block.add(p[number].tolist()),
            predicted=names[int(predicted[number])],
            entropy=float(-(p[number] * np.log(p[number])).sum()),
        )
        for number in range(count)
    ]


def _names(classes: int) -> tuple[str, ...]:
    return ("normal", "opacity") if classes == 2 else tuple(f"class {place:02d}" for place in range(classes))


def _of_two(count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    ill = rng.random(count) < 0.3
    p = 1 / (1 + np.exp(-rng.normal(np.where(ill, 1.5, -1.5), 1.5)))
    return ill.astype(np.int64), np.stack([1 - p, p], axis=1)


def _of_many(count: int, classes: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    truth = rng.integers(classes, size=count)
    p = rng.standard_normal((count, classes))
    p[np.arange(count), truth] += 2
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return truth, p
