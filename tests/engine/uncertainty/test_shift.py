"""Promises of the warning for images that differ: quiet on its own kind, heard on another, for few and for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.records import Calibration, Prediction, Run, ShiftModel, is_unlike
from engine.uncertainty.shift import (
    COMPONENTS,
    MOST_FEATURES,
    distances_of,
    fit_shift,
    shift_features,
    shift_of,
)
from engine.uncertainty.shift_in_words import image_unlike, shift_told, shift_unknown, shift_words
from tests.tiny import TINY_RECIPE

RUN = Run(
    run_id="20260101-000000-0000", folder=Path("/"), dataset_id="d", dataset_name="n", recipe=TINY_RECIPE,
    classes=("a", "b"), positive="b", threshold=0.5, calibration=Calibration(), weights_source="", device="cpu",
    created=datetime(2026, 1, 1, tzinfo=UTC), seconds=1.0, parameters=1, trained_parameters=1,
)  # fmt: skip
DIMENSIONS = 200
MIXING = np.random.default_rng(1).normal(size=(20, DIMENSIONS))


def features(count: int, seed: int, *, noise: float = 1.0, a_patient: int = 1) -> NDArray[np.float64]:
    """Images of a few strong directions and noise around them; those of one patient share most of it."""
    rng = np.random.default_rng(seed)
    patients = -(-count // a_patient)
    shared = rng.normal(size=(patients, 20)) @ MIXING + noise * rng.normal(size=(patients, DIMENSIONS))
    return np.repeat(shared, a_patient, axis=0)[:count] + 0.3 * rng.normal(size=(count, DIMENSIONS))


def names(count: int, prefix: str, a_patient: int = 1) -> list[str]:
    return [f"{prefix}{number // a_patient}" for number in range(count)]


def fitted(count: int = 200, *, seed: int = 0, a_patient: int = 1) -> ShiftModel:
    model = fit_shift(
        features(count, seed, a_patient=a_patient), names(count, "v"), names(count, "p", a_patient)
    )
    assert model is not None
    return model


def measured(
    model: ShiftModel, count: int, seed: int, *, noise: float = 1.0, a_patient: int = 1
) -> list[Prediction]:
    ids = names(count, f"{seed}-")
    far = distances_of(model, features(count, seed, noise=noise, a_patient=a_patient), ids)
    return [
        Prediction(
            image_id=name,
            path=Path(name),
            label=None,
            patient_id=patient,
            part=None,
            probabilities=(0.5, 0.5),
            predicted="a",
            entropy=0.0,
            distance=distance,
        )
        for name, patient, distance in zip(ids, names(count, f"{seed}-p", a_patient), far, strict=True)
    ]


@pytest.mark.parametrize("count", [40, 100, 400])
def test_of_images_like_those_of_training_three_in_a_hundred_are_said_to_differ_however_few_fitted_it(
    count: int,
) -> None:
    shares = [
        np.mean([is_unlike(one.distance) for one in measured(fitted(count, seed=seed), 300, 100 + seed)])
        for seed in range(20)
    ]
    assert 0.004 < np.mean(shares) < 0.045


def test_images_of_another_kind_are_said_to_differ_and_their_set_too() -> None:
    abroad = measured(fitted(), 50, 7, noise=1.5)
    shift = shift_of((fitted(),), abroad)
    assert shift is not None and shift.differs and shift.differing.value > 0.9


@pytest.mark.parametrize("a_patient", [1, 4])
def test_a_set_of_the_same_kind_is_said_to_differ_as_seldom_as_the_level_says_whatever_its_patients_share(
    a_patient: int,
) -> None:
    values = []
    for seed in range(60):
        model = fitted(160, seed=seed, a_patient=a_patient)
        shift = shift_of((model,), measured(model, 60, 1000 + seed, a_patient=a_patient))
        assert shift is not None
        values.append(shift.p_value)
    assert np.mean(np.array(values) < 0.05) < 0.13  # of 60, 95% of the time at most 7 at a true .05
    assert 0.35 < np.mean(values) < 0.65


def test_an_image_that_the_model_was_fitted_on_is_measured_without_itself() -> None:
    model = fitted()
    again = distances_of(model, features(200, 0), names(200, "v"))
    assert again == model.distances.tolist()
    assert shift_of((model,), [replace(measured(model, 1, 5)[0], image_id="v0")]) is None


def test_too_few_validation_images_say_so_and_warn_of_nothing() -> None:
    model = fitted(32)
    assert not model.speaks
    assert "33 validation images, and there are 32" in str(shift_unknown((model,), RUN))
    assert shift_of((model,), measured(fitted(), 5, 3)) is None
    assert fit_shift(features(5, 0), names(5, "v"), ["one"] * 5) is None
    assert fit_shift(np.zeros((0, 0)), [], []) is None
    assert fitted(33).speaks and shift_unknown((fitted(33),), RUN) is None


def test_images_that_are_all_alike_make_no_number_that_is_none() -> None:
    model = fit_shift(np.ones((40, 5)), names(40, "v"), names(40, "p"))
    assert model is not None and np.isfinite(model.distances).all() and model.axes.shape == (5, COMPONENTS, 5)
    assert not is_unlike(distances_of(model, np.ones((1, 5)), ["x"])[0])
    assert is_unlike(distances_of(model, np.zeros((1, 5)), ["x"])[0])


def test_what_is_said_follows_from_what_was_found() -> None:
    model = fitted()
    near, far = (
        shift_of((model,), measured(model, 60, 3)),
        shift_of((model,), measured(model, 60, 3, noise=2)),
    )
    assert near is not None and far is not None
    assert "not found to differ" in shift_words(near, coverage=0.95)[1]
    beyond, as_set = shift_words(far, coverage=0.95)
    assert beyond.startswith("60 of 60 images (100.0%") and "where 3% would by chance" in beyond
    assert "differ from those of training (p < .001)" in as_set
    assert "nor do conformal sets promise 95% there" in as_set
    assert "conformal" not in shift_words(far, coverage=None)[1] + image_unlike(conformal=False)
    assert "conformal set is no promise" in image_unlike(conformal=True)
    assert f"overread shift {RUN.run_id}" in str(shift_unknown((None,), RUN))


def test_of_a_cross_validation_each_model_is_asked_and_the_set_differs_where_most_of_them_say_so() -> None:
    folds = replace(RUN, folds=3)
    known = tuple(fitted(seed=seed) for seed in range(3))

    def told(seed: int, *, noise: float = 1.0, by: Sequence[int] = range(3)) -> list[Prediction]:
        """Images measured by some of the models, as a cross-validation's own images are by one."""
        each = [
            measured(model, 60, seed, noise=noise) if at in by else None for at, model in enumerate(known)
        ]
        rows = zip(*(one or [None] * 60 for one in each), strict=True)
        return [
            replace(
                next(one for one in row if one is not None),
                distance=float(np.mean([one.distance for one in row if one is not None])),
                distances=tuple(None if one is None else one.distance for one in row),
            )
            for row in rows
        ]

    far, said = shift_told(known, folds, told(7, noise=1.5), coverage=None)
    assert far is not None and far.differs and far.images == 60 and far.differing.value > 0.9
    assert "As a set, these images differ" in said[-1]
    values = []
    for seed in range(20):
        near, _ = shift_told(known, folds, told(100 + seed), coverage=None)
        assert near is not None
        values.append(near.p_value)
    assert (
        min(values) > 0.01 and np.mean(values) > 0.5
    )  # of the same kind: twice a median is above a half mostly
    each = [shift_of((model,), measured(model, 60, 7, noise=1.5)) for model in known]
    assert far.p_value == pytest.approx(
        2 * np.median([one.p_value for one in each if one is not None]), abs=1e-3
    )
    own = shift_of(known, [*told(3, by=[0])[:20], *told(4, by=[2])[20:]])
    assert own is not None and own.images == 60 and not own.differs
    assert shift_of(known, [replace(told(3)[0], image_id="v0")]) is None  # each was fitted on its own
    assert shift_of((known[0], None, known[2]), told(3)) is None
    unmeasured = [replace(one, distances=()) for one in told(3)]
    assert (
        "overread shift 20260101-000000-0000 --again"
        in shift_told(known, folds, unmeasured, coverage=None)[1][0]
    )
    few = (fitted(32), fitted(40), fitted(30))
    assert "33 validation images of each model, and one of the 3 has 30" in str(shift_unknown(few, folds))


def test_a_distance_is_measured_in_what_the_head_reads_whatever_it_reads() -> None:
    maps = torch.arange(2 * 3 * 4.0).reshape(2, 3, 2, 2)
    assert np.array_equal(shift_features(maps), maps.mean((2, 3)).double().numpy())
    assert np.array_equal(shift_features(maps.mean((2, 3))), shift_features(maps))
    assert shift_features(torch.rand(2, 3 * MOST_FEATURES)).shape == (2, MOST_FEATURES)
