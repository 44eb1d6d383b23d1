"""How many more images? A power law through the errors of models trained on growing shares of the training part.

fit_learning_curve(points) -> LearningCurve      pure: no disk, no training
learning_curve_page.write_learning_curve(...)    one HTML page, CSV and JSON

The law is error = a + b · n^-c (doi:10.1186/1472-6947-12-8): a is what no number of images removes, c how fast the rest
goes. It is carried on to twice the largest size and no further, and nothing is said where it cannot be known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from engine.data import PatientsNamed
from engine.errors import ReportError
from engine.experiments.labelled import labels_in_words
from engine.language import in_print
from engine.records import Estimate, Prediction, Run, recipe_of
from engine.report import case_ids
from engine.statistics import auroc, log_odds, mean_auroc, placements

DRAWS = 500
FEWEST_SIZES = 4  # three parameters and one to spare
STEEPEST = 3.0  # of exponents; measured ones lie between 0 and 1 (arXiv:1712.00409)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """One model of a learning curve.

    Attributes:
        run: As trained.
        images: It was trained on.
        patients: Of these images.
        predictions: Of the test part.
    """

    run: Run
    images: int
    patients: PatientsNamed
    predictions: Sequence[Prediction]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One size of a learning curve: the area under the ROC curve on the test part, by its seed."""

    images: int
    patients: PatientsNamed
    seed: int
    run_id: str
    auroc: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerLaw:
    """error(n) = floor + factor · n^-exponent."""

    floor: float
    factor: float
    exponent: float

    def at(self, images: float) -> float:
        """Return the error after training on so many images."""
        return float(self.floor + self.factor * images**-self.exponent)


@dataclass(frozen=True, kw_only=True, eq=False)
class LearningCurve:
    """What became of models trained on growing shares of the training part.

    Attributes:
        dataset_name: For people.
        recipe_title: For people.
        positive: The class of the finding; None with more than two classes.
        test_images: On which every size is measured.
        points: By size and seed.
        law: Fitted to all points; None where it cannot be.
        drawn: Sizes, and the law's area under the ROC curve there with its interval; empty without a law.
        twice: The area with twice the images of the largest size; None where nothing can be said.
        gain: `twice` minus the law's area at the largest size, with its interval.
        sentence: What twice as many images would bring, or why that cannot be said.
        rests_on: What the interval covers.
        reference: On which labels all were trained and tested; empty for those that came with the data.
        tested: The test part: case → label.
    """

    dataset_name: str
    recipe_title: str
    positive: str | None
    test_images: int
    points: tuple[Point, ...]
    law: PowerLaw | None
    drawn: tuple[tuple[float, Estimate], ...]
    twice: Estimate | None
    gain: Estimate | None
    sentence: str
    rests_on: str
    reference: str = ""
    tested: Mapping[str, str] = field(default_factory=dict)


def fit_learning_curve(trained: Sequence[Trained], *, draws: int = DRAWS, seed: int = 0) -> LearningCurve:
    """Fit a power law to the errors of models on one test part, and say what twice as many images would bring.

    The error is 1 - AUROC. For the interval the test patients are drawn anew, the same ones for all sizes, and each
    size is moved by a residual of the fit, enlarged for the three parameters: so both the choice of test patients and
    the scatter between trainings are in it.

    Args:
        trained: Models of one recipe on nested training parts and one test part; at least one.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        ReportError: There is no model, or they were tested on different images.
    """
    scores, truth, patients = _same_cases(trained)
    points = tuple(map(_point, trained))
    first = trained[0].run
    sizes = np.array([point.images for point in points], dtype=np.float64)
    errors = np.array([1 - point.auroc.value for point in points])
    known = len(set(sizes.tolist()))
    law: PowerLaw | None = None
    twice: Estimate | None = None
    gain: Estimate | None = None
    drawn: tuple[tuple[float, Estimate], ...] = ()
    largest = int(sizes.max())
    if known < FEWEST_SIZES:
        sentence = (
            f"What more images would bring cannot be said: models of {known} sizes were trained, and a power law takes "
            f"{FEWEST_SIZES}."
        )
    elif not np.isfinite(errors).all():
        sentence = "What more images would bring cannot be said: the test part lacks a class."
    else:
        law = fitted(sizes, errors)
        laws = _redrawn(law, sizes, errors, scores, truth, patients, draws=draws, seed=seed)
        n = len(truth)
        grid = np.unique(np.geomspace(sizes.min(), 2 * largest, 24).round())
        drawn = tuple((float(at), _at(law, laws, at, n)) for at in grid)
        now, twice = 1 - law.at(largest), _at(law, laws, 2 * largest, n)
        gain = _interval([one.at(largest) - one.at(2 * largest) for one in laws], twice.value - now, n)
        sentence, told = _told(points, now, twice, gain)
        if not told:
            twice = gain = None
    return LearningCurve(
        dataset_name=first.dataset_name,
        recipe_title=first.title,
        positive=first.positive if len(first.classes) == 2 else None,
        test_images=len(truth),
        points=points,
        law=law,
        drawn=drawn,
        twice=twice,
        gain=gain,
        sentence=sentence,
        rests_on=_rests_on(points, len(truth), len(set(patients.tolist())), draws),
        reference=labels_in_words([one.run for one in trained]),
        tested=_tested(trained[0]),
    )


def fitted(sizes: NDArray[np.float64], errors: NDArray[np.float64]) -> PowerLaw:
    """Fit error = a + b · n^-c by least squares, none of the three below 0.

    For each exponent the best a and b follow in closed form, which leaves one number to search for (variable
    projection, doi:10.1137/0710036): on a grid, since there may be several valleys, and then within the best one.

    Args:
        sizes: (N,) images.
        errors: (N,) in [0, 1].
    """
    largest = float(sizes.max())
    relative = sizes / largest  # so that the numbers stay of one order

    def cost(exponent: float) -> float:
        return _given(exponent, relative, errors)[2]

    grid = np.linspace(0.0, STEEPEST, 61)
    best = float(min(grid, key=cost))
    step = float(grid[1])
    inside = minimize_scalar(
        cost, bounds=(max(0.0, best - step), min(STEEPEST, best + step)), method="bounded"
    )
    exponent = float(inside.x) if inside.fun < cost(best) else best
    floor, factor, _ = _given(exponent, relative, errors)
    return PowerLaw(floor=floor, factor=factor * largest**exponent, exponent=exponent)


def _given(
    exponent: float, sizes: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return the best floor and factor for an exponent, none below 0, and the squared error that is left."""
    falling = sizes**-exponent
    off = falling - falling.mean()
    spread = float(off @ off)
    factor = max(0.0, float(off @ errors) / spread) if spread > 0 else 0.0
    floor = float(errors.mean()) - factor * float(falling.mean())
    if floor < 0:
        floor, factor = 0.0, float(falling @ errors) / float(falling @ falling)
    left = floor + factor * falling - errors
    return floor, factor, float(left @ left)


def _tested(one: Trained) -> dict[str, str]:
    cases = {each.image_id: each.label for each in one.predictions if each.label in one.run.classes}
    return {shown: str(cases[image_id]) for image_id, shown in case_ids(list(cases)).items()}


def _point(one: Trained) -> Point:
    truth, scores, patients = _scored(one)
    area = (
        auroc(truth == 1, scores[0], patients)
        if len(scores) == 1
        else mean_auroc(truth, list(scores), patients)
    )
    return Point(
        images=one.images,
        patients=one.patients,
        seed=recipe_of(one.run).seed,
        run_id=one.run.run_id,
        auroc=area,
    )


def _scored(one: Trained) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_]]:
    """Return the classes (N,), the log-odds (C, N) by which cases are ranked, and the patients (N,), in one order.

    Of two classes the finding is number 1, and its log-odds are the only ones.
    """
    classes = one.run.classes
    cases = sorted(
        (each for each in one.predictions if each.label in classes), key=lambda each: each.image_id
    )
    p = np.array([each.probabilities for each in cases]).reshape(-1, len(classes))
    codes = [classes.index(one.run.positive)] if len(classes) == 2 else range(len(classes))
    if len(classes) == 2:
        truth = np.array([each.label == one.run.positive for each in cases], dtype=np.int64)
    else:
        truth = np.array([classes.index(str(each.label)) for each in cases], dtype=np.int64)
    scores = np.array([log_odds(p, code) for code in codes]).reshape(len(codes), len(cases))
    return truth, scores, np.array([each.patient_id for each in cases], dtype=np.str_)


def _same_cases(
    trained: Sequence[Trained],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]:
    """Return the log-odds of every model (M, C, N), the classes (N,) and the patients (N,) of the test part."""
    if not trained:
        raise ReportError("No model of the learning curve could be trained", "See above why")
    tested = [sorted((each.image_id, each.label or "") for each in one.predictions) for one in trained]
    if not tested[0] or any(one != tested[0] for one in tested):
        raise ReportError(
            "The models of a learning curve must be tested on the same images",
            "Train them in one experiment",
            option="overread learning-curve",
        )
    told = [_scored(one) for one in trained]
    return np.stack([scores for _, scores, _ in told]), told[0][0], told[0][2]


def _errors(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1 - AUROC of each model (M,) from its log-odds (M, C, N): of the finding, or the mean over classes."""
    codes = [1] if scores.shape[1] == 1 else range(scores.shape[1])
    return np.array(
        [
            1
            - np.mean([placements(truth == code, of)[0].mean() for code, of in zip(codes, one, strict=True)])
            for one in scores
        ]
    )


def _redrawn(
    law: PowerLaw,
    sizes: NDArray[np.float64],
    errors: NDArray[np.float64],
    scores: NDArray[np.float64],
    truth: NDArray[np.int64],
    patients: NDArray[np.str_],
    *,
    draws: int,
    seed: int,
) -> list[PowerLaw]:
    """Fit the law again to test patients drawn anew, each size moved by a residual."""
    rng = np.random.default_rng(seed)
    names, of = np.unique(patients, return_inverse=True)
    rows_of = [np.flatnonzero(of == number) for number in range(len(names))]
    enlarged = math.sqrt(len(errors) / (len(errors) - 3))
    residuals = (errors - np.array([law.at(n) for n in sizes])) * enlarged
    classes = len(np.unique(truth))
    laws: list[PowerLaw] = []
    for _ in range(draws):
        rows = np.concatenate([rows_of[number] for number in rng.integers(0, len(names), len(names))])
        if len(np.unique(truth[rows])) < classes:
            continue
        drawn = _errors(scores[:, :, rows], truth[rows]) + rng.choice(residuals, len(sizes))
        laws.append(fitted(sizes, np.clip(drawn, 0.0, 1.0)))
    return laws


def _at(law: PowerLaw, laws: Sequence[PowerLaw], images: float, n: int) -> Estimate:
    return _interval([1 - one.at(images) for one in laws], 1 - law.at(images), n)


def _interval(drawn: Sequence[float], value: float, n: int) -> Estimate:
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (math.nan, math.nan)
    method = "bootstrap of test patients and of residuals"
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value), method=method, n=n)


def _told(points: Sequence[Point], now: float, twice: Estimate, gain: Estimate) -> tuple[str, bool]:
    """Say what twice as many images would bring; or why not, and False."""
    largest, smallest = (f(point.images for point in points) for f in (max, min))

    def mean(images: int) -> float:
        return float(np.mean([point.auroc.value for point in points if point.images == images]))

    if mean(largest) <= mean(smallest):
        return (
            "What more images would bring cannot be said: the area under the ROC curve does not rise from "
            f"{smallest:,} training images ({_three(mean(smallest))}) to {largest:,} ({_three(mean(largest))})."
        ), False
    width = twice.high - twice.low
    if not width <= 1 - now:
        return (
            f"What more images would bring cannot be said: with {2 * largest:,} training images the area under the ROC "
            f"curve would lie between {_three(twice.low)} and {_three(twice.high)}, and this interval is wider than "
            f"the whole error that is left ({_three(1 - now)}). A larger test part or more seeds would narrow it."
        ), False
    nothing = ", so that it may be nothing" if gain.low < 0.0005 else ""
    return (
        f"With {largest:,} training images the area under the ROC curve is {_three(now)} by the fitted law; twice as "
        f"many, {2 * largest:,}, would bring it to {_three(twice.value)} (95% interval {_three(twice.low)} to "
        f"{_three(twice.high)}): a gain of {_three(gain.value)} ({_three(gain.low)} to {_three(gain.high)}){nothing}."
    ), True


def _rests_on(points: Sequence[Point], images: int, patients: int, draws: int) -> str:
    seeds = len({point.seed for point in points})
    of_seeds = "one training of each size lies" if seeds == 1 else f"{seeds} trainings of each size lie"
    return (
        f"The intervals rest on {draws} draws of the {patients:,} test patients ({images:,} images), the same for all "
        f"sizes, and on how far {of_seeds} from the fitted law. They hold for more images of the same kind; that "
        "the law holds beyond the largest size is an assumption."
    )


def _three(value: float) -> str:
    return in_print(value, ".3f")
