"""The nouns of Overread: frozen records that every step takes and returns.

Records hold values, never behaviour beyond what follows from their own fields, and import nothing of the engine.
Arrays are described by shape and dtype; "probability" is always in [0, 1]; image coordinates of regions are fractions
of width and height, origin top left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


# ---------------------------------------------------------------------------------------------------- data in


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One image that can be read, once: an `Index` never holds two samples with one `image_id`.

    Attributes:
        path: Absolute path of the file.
        image_id: sha256 of the file's bytes, 64 hexadecimal digits.
        label: The reference standard that came with the data; None where there is none.
        patient_id: Cases of one patient never stand on two sides of a split. Equals `image_id` where unknown.
        part: The side of the split that came with the data, if one did.
        mask_path: An 8-bit image, non-zero where the finding is known to lie, of the same aspect; None if unknown.
        width: Pixels across, after rotation by EXIF.
        height: Pixels down.
        meta: Every other column of the table, or the few DICOM tags that are kept.
    """

    path: Path
    image_id: str
    label: str | None
    patient_id: str
    part: Part | None = None
    mask_path: Path | None = None
    width: int = 0
    height: int = 0
    meta: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class FindingKind(StrEnum):
    """What a check of the data can find."""

    UNREADABLE = "unreadable"
    EXACT_DUPLICATE = "exact duplicate"
    NEAR_DUPLICATE = "near duplicate"
    LABEL_CONFLICT = "label conflict"
    PATIENT_OVERLAP = "patient on two sides"
    SMALL_CLASS = "small class"
    MISSING_FILE = "missing file"
    DUPLICATE_ROW = "duplicate row"
    UNLABELLED = "unlabelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing a check found: what, where, and what it means for the person who will publish.

    Attributes:
        kind: The check.
        message: One sentence, with the remedy or what Overread did about it.
        paths: The files concerned.
        serious: Whether training on the data as it is would make the figures wrong.
    """

    kind: FindingKind
    message: str
    paths: tuple[Path, ...] = ()
    serious: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """What a folder, table or DICOM folder holds.

    Attributes:
        dataset_id: 12 hexadecimal digits over the samples' ids, labels, patients and parts: equal data, equal id.
        name: For people: the folder's or table's name.
        root: The folder or table it was made from.
        samples: Readable images, each once, in a stable order.
        classes: Class names: a class named like "normal" or "negative" first, the others by name.
        findings: What the checks found, serious ones first.
    """

    dataset_id: str
    name: str
    root: Path
    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Labelled samples divided by patient; balancing and augmentation come after this and touch `train` alone."""

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    classes: tuple[str, ...]
    seed: int
    method: str

    def part(self, name: Part) -> tuple[Sample, ...]:
        """Return the samples of one side."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]


# ---------------------------------------------------------------------------------------------------- recipes


@dataclass(frozen=True, kw_only=True, slots=True)
class Augmentation:
    """Random changes to training images, uniform within the bounds; all zero means none.

    Attributes:
        rotation: Degrees to either side.
        shear: Degrees to either side, along x.
        zoom: Scale drawn from [1 - zoom, 1 + zoom].
        shift: Fraction of width and of height to either side.
        horizontal_flip: Flip left to right with probability one half.
        vertical_flip: Flip top to bottom with probability one half.
        quarter_turns: Rotate by 0, 90, 180 or 270 degrees.
        brightness: Factor drawn from [1 - brightness, 1 + brightness].
        contrast: Factor drawn from [1 - contrast, 1 + contrast].
        fill: What stands where the image ended: its edge, its mirror, or black.
    """

    rotation: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    quarter_turns: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    fill: Literal["edge", "mirror", "black"] = "edge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """What is done about unequal classes, on training data only.

    Attributes:
        method: A key of `engine.balance.BALANCERS`.
        target: Classes to refill; empty means all. Read by the duplicating methods.
        focal_gamma: Exponent of the focal loss (doi:10.1109/ICCV.2017.324); read by "focal".
        augmentation: How "duplicate-augmented" changes its copies where the recipe itself augments nothing.
    """

    method: str = "none"
    target: tuple[str, ...] = ()
    focal_gamma: float = 2.0
    augmentation: Augmentation = Augmentation(rotation=30.0, zoom=0.15, shift=0.2, brightness=0.15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What stands on the backbone's last map.

    Attributes:
        pooling: "average" gives (B, C); "flatten" gives (B, C*H*W); "per-position" applies each hidden layer at
            every position of the map (a 1x1 convolution) and flattens before the output.
        hidden: Widths of the hidden layers.
        activation: A key of `engine.backbone.ACTIVATIONS`.
        dropout: Rate after each hidden layer, one per layer, or one for all; with no hidden layer: before the output.
        batch_norm: Batch normalisation after each hidden layer.
        output: "softmax" has one output a class; "sigmoid" has one output, for two classes.
    """

    pooling: Literal["average", "flatten", "per-position"] = "average"
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    dropout: tuple[float, ...] = (0.0,)
    batch_norm: bool = False
    output: Literal["softmax", "sigmoid"] = "softmax"


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One stretch of training with one set of trainable parameters and one optimiser.

    Attributes:
        name: For people.
        epochs: At most so many.
        trainable: "head"; "all"; "last N" (the last N blocks and the head); or names of layers as
            comma-separated glob patterns, e.g. "Conv2d_2a_3x3.*,head.*".
        freeze_batch_norm: Whether the backbone's batch normalisation stays as it came, weights and statistics: those
            of a small batch of other images are far from those it was trained with.
        optimizer: A key of `engine.optimizers.OPTIMIZERS`.
        learning_rate: At the start.
        momentum: Read by SGD and RMSProp; "momentum" and "nesterov" take .9 for 0.
        weight_decay: L2 penalty.
        l1: L1 penalty on weights.
        schedule: A key of `engine.optimizers.SCHEDULES`.
        schedule_factor: What the rate is multiplied by ("plateau", "step").
        schedule_patience: Epochs without improvement before a plateau, or between steps.
        stop_patience: Epochs without improvement before the phase ends early; 0 means never.
        monitor: What improvement means for the schedule, early stopping and the best checkpoint.
        clip_norm: Largest gradient norm; 0 means no clipping.
    """

    name: str
    epochs: int
    trainable: str = "head"
    freeze_batch_norm: bool = False
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    l1: float = 0.0
    schedule: str = "constant"
    schedule_factor: float = 0.1
    schedule_patience: int = 3
    stop_patience: int = 0
    monitor: Literal["val_loss", "val_accuracy", "val_auc"] = "val_loss"
    clip_norm: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A published or measured result that a recipe is held to.

    Attributes:
        metric: e.g. "accuracy".
        value: The figure.
        tolerance: Plus or minus.
        data: On what data, how split.
        device: On what device, or "as published".
    """

    metric: str
    value: float
    tolerance: float
    data: str
    device: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything that decides a training run, apart from the data: data, not code, and equal after a JSON round trip.

    Attributes:
        name: Lower case with hyphens; unique.
        title: For people.
        source: Paper or report (DOI), and where this recipe does the right thing instead of the published one.
        backbone: A key of `engine.backbone.BACKBONES`, or any name that timm knows.
        weights: "imagenet" or "random".
        image_size: Height and width in pixels that the net is given.
        channels: 1 or 3; grey images are repeated for 3.
        head: See `Head`.
        phases: In order.
        balance: See `Balance`.
        augmentation: See `Augmentation`; training only.
        views: Augmented views per image in the feature bank of a head-only phase; 0 means no bank.
        batch_size: Images per step.
        train_limit: At most so many training images, of each class its share, drawn by seed; 0 means all.
        operating_point: A key of `engine.metrics.OPERATING_POINTS`, chosen on validation data. Of more than two
            classes "half" calls the most probable, every other point the most probable with the classes balanced
            as in training.
        calibrate: Fit a temperature (and undo a balanced prior) on validation data.
        init: A key of `engine.backbone.INITIALISERS`, for layers without pretrained weights.
        seed: For everything random.
        expected: Results to expect.
    """

    name: str
    title: str
    source: str
    backbone: str
    weights: Literal["imagenet", "random"] = "imagenet"
    image_size: int = 224
    channels: int = 3
    head: Head = field(default_factory=Head)
    phases: tuple[Phase, ...] = ()
    balance: Balance = field(default_factory=Balance)
    augmentation: Augmentation = field(default_factory=Augmentation)
    views: int = 0
    batch_size: int = 32
    train_limit: int = 0
    operating_point: str = "youden"
    calibrate: bool = True
    init: str = "default"
    seed: int = 0
    expected: tuple[Expected, ...] = ()


# ---------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One line of a training history. NaN where a figure could not be computed."""

    number: int
    phase: str
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_auc: float
    learning_rate: float
    seconds: float
    images_per_second: float
    best: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Turns logits into calibrated probabilities: softmax(logits / temperature + bias). The default changes nothing."""

    temperature: float = 1.0
    bias: tuple[float, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One finished training run: a folder that, with the images, reproduces it.

    Attributes:
        run_id: Sorts by time.
        folder: Holds recipe.json, run.json, split.csv, history.csv, model.safetensors, environment.json, heatmaps.npz.
        dataset_id: Of the `Index` it was trained on.
        dataset_name: For people.
        recipe: As run.
        classes: In the order of the probabilities.
        positive: The class whose finding sensitivity speaks of.
        threshold: Probability of `positive` from which a case is called so; two classes only.
        calibration: Fitted on validation data.
        weights_source: Where the pretrained weights came from, for the report.
        device: e.g. "cpu" or "NVIDIA H100".
        created: With time zone.
        seconds: Training time.
        parameters: In all.
        trained_parameters: Trained in any phase.
    """

    run_id: str
    folder: Path
    dataset_id: str
    dataset_name: str
    recipe: Recipe
    classes: tuple[str, ...]
    positive: str
    threshold: float
    calibration: Calibration
    weights_source: str
    device: str
    created: datetime
    seconds: float
    parameters: int
    trained_parameters: int


PASSES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Injection:
    """Fitted dropout injection.

    Attributes:
        rate: Share of units that each pass switches off.
        passes: T.
        scale: Squared error over variance, both summed over the cases it was fitted on; 1 without any variance.
        place: A key of `engine.uncertainty.PLACES`.
        seed: Of the masks.
        likelihoods: (rate, mean negative log-likelihood in nats) of every rate tried; empty where none
            was fitted.
    """

    rate: float
    passes: int = PASSES
    scale: float = 1.0
    place: str = "head"
    seed: int = 0
    likelihoods: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Conformal:
    """A fitted rule: a class stays in the set while its score is at most the threshold.

    Attributes:
        method: A key of `engine.conformal.SCORES`.
        coverage: The share of cases whose set holds the right class, at least.
        thresholds: One for all classes, or one a class.
        cases: Validation cases it was fitted on.
    """

    method: str
    coverage: float
    thresholds: tuple[float, ...]
    cases: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """How a run's doubt is found: dropout injection and conformal sets."""

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

    @property
    def deviation(self) -> float:
        """One standard deviation over the passes, scaled to match the squared error made on validation data."""
        return float((self.scale * self.variance) ** 0.5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What the machine says of one image.

    Attributes:
        image_id: Of the `Sample`.
        path: Of the file at the time.
        label: The label that came with the data, if any.
        patient_id: Of the `Sample`.
        part: The side of the split, or None for images from elsewhere.
        probabilities: Calibrated, in the order of `Run.classes`, summing to 1.
        predicted: At the operating point.
        entropy: Of the probabilities, in nats: what "most uncertain" sorts by.
        uncertainty: From dropout injection, if it was run.
        conformal_set: Classes that cannot be excluded at the stated coverage; empty if not computed.
    """

    image_id: str
    path: Path
    label: str | None
    patient_id: str
    part: Part | None
    probabilities: tuple[float, ...]
    predicted: str
    entropy: float
    uncertainty: Uncertainty | None = None
    conformal_set: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """Why: the saliency map of one prediction.

    Attributes:
        image_id: Of the `Sample`.
        heatmap: (H, W) float32 in [0, 1], row 0 at the top, at the method's own resolution: the whole map covers the
            whole image.
        target: The class it argues for.
        method: A key of `engine.saliency.SALIENCIES`.
    """

    image_id: str
    heatmap: NDArray[np.float32]
    target: str
    method: str


# ---------------------------------------------------------------------------------------------------- over-reading


class Verdict(StrEnum):
    """What a reader can say of a case."""

    AGREE = "agree"
    OVERRULE = "overrule"
    UNSURE = "unsure"
    NOT_DIAGNOSTIC = "not diagnostic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A rectangle that a reader drew: left, top, width and height as fractions of the image."""

    x: float
    y: float
    width: float
    height: float
    label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """One verdict by one reader on one case of one run. Append-only: a correction is a new review.

    Attributes:
        run_id: The run whose prediction was on the screen.
        image_id: The case that was on the screen.
        reader: Who.
        verdict: See `Verdict`.
        label: The reader's class: the predicted one for AGREE, another for OVERRULE, None otherwise.
        comment: Free text.
        regions: What was drawn.
        seconds: From the case's appearing to the verdict.
        created: With time zone; set by the store when None.
    """

    run_id: str
    image_id: str
    reader: str
    verdict: Verdict
    label: str | None
    comment: str = ""
    regions: tuple[Region, ...] = ()
    seconds: float = 0.0
    created: datetime | None = None


# ---------------------------------------------------------------------------------------------------- the report


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A figure with its 95% interval. NaN bounds where none can be given.

    Attributes:
        value: The figure.
        low: Lower bound.
        high: Upper bound.
        method: e.g. "Wilson", "DeLong", "patient bootstrap".
        n: Cases it rests on.
    """

    value: float
    low: float
    high: float
    method: str
    n: int
