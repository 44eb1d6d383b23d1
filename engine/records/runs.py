"""What training leaves behind, and what a finished run says of an image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval, IsFinite, MinLen

from engine.errors import RunError
from engine.records.data import FolderName, Part
from engine.records.estimates import OperatingFigures
from engine.records.labels import LabelsUsed
from engine.records.recipes import Recipe
from engine.records.supplied import Supplied
from engine.records.weights import FixedEndpoint, Folds, Seed, Share, WeightsOrigin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Seconds = Annotated[float, Interval(ge=0, le=10**10)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One line of a training history. NaN where a figure could not be computed.

    `monitored` is the value of `monitor`, by which the best epoch is chosen (a key of `engine.statistics.MONITORS`);
    empty in runs of an earlier version.
    """

    number: Annotated[int, Interval(ge=0, le=10**9)]
    phase: str
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_auc: float
    learning_rate: float
    seconds: float
    images_per_second: float
    best: bool = False
    monitor: str = ""
    monitored: float = math.nan


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Turns logits into calibrated probabilities: softmax(logits / temperature + bias). The default changes nothing."""

    temperature: Annotated[float, Interval(gt=0, le=10**6)] = 1.0
    bias: tuple[IsFinite[float], ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One model's predictions in a folder: a finished training that can be repeated, or what was supplied of a model.

    A run whose predictions were supplied has no net: no recipe, and nothing in the fields that speak of training.
    Whatever needs its net asks `recipe_of` or `engine.runs.load_classifier`, and says what they raise.

    Attributes:
        run_id: Sorts by time.
        folder: Holds recipe.json, run.json, split.csv, history.csv, model.safetensors, environment.json, heatmaps.npz.
        dataset_id: Of the `Index` it was trained on.
        dataset_name: For people.
        recipe: As run; None where the predictions were supplied.
        classes: In the order of the probabilities.
        positive: The class whose finding sensitivity speaks of.
        threshold: Probability of `positive` from which it is predicted; two classes only.
        calibration: Fitted on validation data.
        weights_source: Where the pretrained weights came from, for the report.
        device: e.g. "cpu" or "NVIDIA H100".
        created: With time zone.
        seconds: Training time.
        parameters: In all.
        trained_parameters: Trained in any phase.
        validated: Sensitivity and specificity at the threshold on validation data; None with more than two classes,
            without validation data and in runs of an earlier version.
        folds: Models of a cross-validation, in folders of their own (`engine.runs.folds`); 0 for one model. Threshold
            and bias are then of the mean of their log-odds, for images that none of them has seen.
        weights_origin: What is known of the starting weights; None in runs of an earlier version.
        supplied: Where the predictions came from; None where the run has a recipe.
        labels: The version of the labels that it was trained and tested on; None for those that came with the data.
        endpoint: What it was to show, fixed before its test part was predicted; None where nothing was.
    """

    run_id: FolderName
    folder: Path
    dataset_id: str
    dataset_name: str
    recipe: Recipe | None
    classes: Annotated[tuple[str, ...], MinLen(1)]
    positive: str
    threshold: float
    calibration: Calibration
    weights_source: str
    device: str
    created: datetime
    seconds: Seconds
    parameters: Annotated[int, Interval(ge=0)]
    trained_parameters: Annotated[int, Interval(ge=0)]
    validated: OperatingFigures | None = None
    folds: Folds = 0
    weights_origin: WeightsOrigin | None = None
    supplied: Supplied | None = None
    labels: LabelsUsed | None = None
    endpoint: FixedEndpoint | None = None

    def __post_init__(self) -> None:
        """Refuse a run of which it is not known whether it was trained here or supplied."""
        if (self.recipe is None) == (self.supplied is None):
            raise ValueError("a run has either a recipe or a note of who supplied its predictions")

    @property
    def title(self) -> str:
        """What made the predictions, for people: the recipe's title, or the supplied model and its version."""
        source = self.recipe or self.supplied
        return source.title if source else ""

    @property
    def name(self) -> str:
        """The same in short: the recipe's name, or the supplied model and its version."""
        return self.recipe.name if self.recipe else self.title


def recipe_of(run: Run) -> Recipe:
    """Return the recipe of a run's net, for what needs the net.

    Raises:
        RunError: It has none: its predictions were supplied.
    """
    if run.recipe is None:
        whose = run.supplied.title if run.supplied else "another program"
        raise RunError(
            f"Run {run.run_id} has no network: its predictions were supplied by {whose}, and Overread did not compute "
            "them",
            "Choose a run that was trained in Overread; this one can be read, compared and reported",
        )
    return run.recipe


PASSES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Injection:
    """Fitted dropout injection.

    Attributes:
        rate: Share of units that each pass switches off.
        passes: T.
        scale: Squared error over variance, both summed over the cases it was fitted on; 1 without any variance.
        place: A key of `engine.uncertainty.dropout.PLACES`.
        seed: Of the masks.
        likelihoods: (rate, mean negative log-likelihood in nats) of every rate tried; empty where none
            was fitted.
    """

    rate: Share
    passes: Annotated[int, Interval(ge=1, le=10_000)] = PASSES
    scale: Annotated[float, Interval(ge=0, le=10**12)] = 1.0
    place: str = "head"
    seed: Seed = 0
    likelihoods: tuple[tuple[Share, float], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Conformal:
    """A fitted rule: a class stays in the set while its score is at most the threshold.

    Attributes:
        method: A key of `engine.uncertainty.conformal.SCORES`.
        coverage: The share of cases whose set holds the right class, at least.
        thresholds: One for all classes, or one a class: then the coverage is that within each class.
        cases: Validation cases it was fitted on.
        patients_by_class: Validation patients with a case of each class; empty in runs of an earlier version.
    """

    method: str
    coverage: Share
    thresholds: Annotated[tuple[float, ...], MinLen(1)]
    cases: Annotated[int, Interval(ge=0)]
    patients_by_class: tuple[Annotated[int, Interval(ge=0)], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class UncertaintyModel:
    """How the uncertainty of a run's predictions is estimated: dropout injection and conformal sets."""

    injection: Injection
    conformal: Conformal


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncertainty:
    """What T passes with injected dropout (arXiv:2302.02924) say of one prediction.

    Attributes:
        variance: Of the predicted class's probability over the passes.
        mutual_information: Between prediction and dropout mask, in nats.
        passes: T.
        rate: The injected dropout rate.
        scale: What the variance is to be multiplied by to match the squared error, fitted on validation data.
        mean: Of the predicted class's probability over the passes; None in what was predicted before it was kept.
    """

    variance: float
    mutual_information: float
    passes: int
    rate: float
    scale: float = 1.0
    mean: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What the machine says of one image.

    Attributes:
        image_id: Of the `Sample`.
        path: Of the file at the time.
        label: The label that came with the data, if any.
        patient_id: Of the `Sample`.
        part: The part of the split, or None for images from elsewhere.
        probabilities: Calibrated, in the order of `Run.classes`, summing to 1: a tuple, or of many cases read together
            a row of one block (`ProbabilityBlock`).
        predicted: At the operating point.
        entropy: Of the probabilities, in nats.
        uncertainty: From dropout injection, if it was run.
        conformal_set: Classes that cannot be excluded at the stated coverage; empty if not computed.
        margin: How far it is from being another class, in calibrated log-odds (`margin_of`); None if not computed.
        distance: How far the image lies from those that the run was made with (`is_unlike`); None where that is not
            measured. Of several models' the mean.
        distances: Of a cross-validation, how far by each of its models; None by one that was not asked. Kept in the
            folders of its models alone.
        meta: The other columns that came with the image, for searching; empty in what comes out of the database.
    """

    image_id: str
    path: Path
    label: str | None
    patient_id: str
    part: Part | None
    probabilities: Sequence[float]
    predicted: str
    entropy: float
    uncertainty: Uncertainty | None = None
    conformal_set: tuple[str, ...] = ()
    margin: float | None = None
    distance: float | None = None
    distances: tuple[float | None, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict, compare=False)


def margin_of(
    probabilities: Sequence[float],
    predicted: int,
    *,
    positive: int,
    threshold: float,
    bias: Sequence[float] = (),
) -> float:
    """Return how far a prediction is from being another one, in calibrated log-odds.

    Of two classes it is the distance of the probability from the operating point; of more, that of the predicted class
    from the next one, by the scores that the class was predicted from. 0 lies on the edge: entropy, which is largest
    at one half, does not know where the edge is.

    Args:
        probabilities: (C,) calibrated.
        predicted: Number of the predicted class.
        positive: Number of the class that the threshold speaks of.
        threshold: Probability from which it is predicted; NaN where there is none.
        bias: (C,) of the calibration, where classes were predicted as balanced in training; empty means none.
    """
    logs = [math.log(max(p, 1e-300)) for p in probabilities]
    if len(logs) == 2 and math.isfinite(threshold):
        edge = min(max(threshold, 1e-15), 1 - 1e-15)
        return abs(logs[positive] - logs[1 - positive] - math.log(edge / (1 - edge)))
    scores = [log - shift for log, shift in zip(logs, bias or (0.0,) * len(logs), strict=True)]
    others = [score for place, score in enumerate(scores) if place != predicted]
    return abs(scores[predicted] - max(others, default=scores[predicted]))


def edge_of(prediction: Prediction, classes: Sequence[str], positive: str) -> float | None:
    """Return the probability of `positive` from which a case of two classes would have been predicted so.

    It is what the prediction's margin was measured from: a run of several models has an operating point for each.
    None with more classes, or where no margin is known.
    """
    if len(classes) != 2 or prediction.margin is None:
        return None
    place = list(classes).index(positive)
    own, other = (max(prediction.probabilities[at], 1e-300) for at in (place, 1 - place))
    beyond = prediction.margin if prediction.predicted == positive else -prediction.margin
    return 1 / (1 + math.exp(min(700.0, math.log(other) - math.log(own) + beyond)))


def class_argued_for(classes: Sequence[str], positive: str, predicted: str) -> str:
    """Return whose evidence a map shows where nobody has chosen a class.

    Of two it is the finding, whatever was predicted, so that the maps of a series can be compared; of more the
    predicted one.
    """
    return positive if len(classes) == 2 else predicted


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """Why: the saliency map of one prediction.

    Attributes:
        image_id: Of the `Sample`.
        heatmap: (H, W) float32, row 0 at the top: the whole map covers the whole image. With a scale, evidence in the
            target's log-odds, for it above 0 and against it below: its mean and `rest` make up the log-odds. Without
            one, relative to its own maximum, in [0, 1].
        target: The class it argues for.
        method: A key of `engine.saliency.SALIENCIES`.
        scale: The evidence at which the run's colour bar ends; None where the map is relative to its own maximum.
        rest: What of the log-odds is not in the map, e.g. the net's constant; None without a scale.
    """

    image_id: str
    heatmap: NDArray[np.float32]
    target: str
    method: str
    scale: float | None = None
    rest: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MapGrid:
    """Where the cells of one of a net's maps lie: cell i of an axis is centred at `first + i * step` pixels.

    Attributes:
        height: Cells.
        width: Cells.
        rows: First and step, in pixels of the net's input.
        columns: As `rows`.
    """

    height: int
    width: int
    rows: tuple[float, float]
    columns: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class MapSettings:
    """How a run's maps are made and read, fixed once on validation images.

    Attributes:
        method: A key of `engine.saliency.EVIDENCE`.
        scale: The evidence, in log-odds of the whole image, at which the colour bar ends.
        cases: Validation images that the scale rests on.
        grids: Where the cells of the net's maps lie.
        reasons: Sentences: why this method, and how the cells were placed.
    """

    method: str
    scale: float
    cases: int
    grids: tuple[MapGrid, ...]
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a scale that divides nothing and cells that lie on one another."""
        if not 0 < self.scale < math.inf:
            raise ValueError("its scale is not above 0")
        numbers = [number for grid in self.grids for number in (*grid.rows, *grid.columns)]
        if not all(math.isfinite(number) for number in numbers) or any(
            step <= 0 for grid in self.grids for step in (grid.rows[1], grid.columns[1])
        ):
            raise ValueError("its cells lie nowhere")
