"""What decides a training run, as data.

A field's bounds stand at its type, for those who check recipes and those who show forms (`engine.recipes.fields`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval

Share = Annotated[float, Interval(ge=0, le=0.95)]
Penalty = Annotated[float, Interval(ge=0, le=1e6)]
Fit = Literal["squash", "letterbox"]
Patience = Annotated[int, Interval(ge=0, le=1_000_000)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Augmentation:
    """Random changes to training images, uniform within the bounds; all zero means none.

    Attributes:
        rotation: Degrees to either side.
        shear: Degrees to either side, along x.
        zoom: Scale drawn from [1 - zoom, 1 + zoom].
        zoom_each_axis: Draw the scale of width and of height by itself, as Keras does.
        crop: Share of each side at most that is left out by a crop, which lies anywhere and is enlarged to the whole.
        shift: Fraction of width and of height to either side.
        horizontal_flip: Flip left to right with probability one half.
        vertical_flip: Flip top to bottom with probability one half.
        quarter_turns: Rotate by 0, 90, 180 or 270 degrees.
        brightness: Factor drawn from [1 - brightness, 1 + brightness].
        contrast: Factor drawn from [1 - contrast, 1 + contrast].
        noise: Standard deviation at most of Gaussian noise added to every value, as a share of black to white; drawn
            from [0, noise].
        fill: What stands where the image ended: its edge, its mirror, or black.
    """

    rotation: Annotated[float, Interval(ge=0, le=180)] = 0.0
    shear: Annotated[float, Interval(ge=0, le=80)] = 0.0
    zoom: Share = 0.0
    zoom_each_axis: bool = False
    crop: Share = 0.0
    shift: Share = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    quarter_turns: bool = False
    brightness: Share = 0.0
    contrast: Share = 0.0
    noise: Share = 0.0
    fill: Literal["edge", "mirror", "black"] = "edge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """What is done about unequal classes, on training data only.

    Attributes:
        method: A key of `engine.recipes.class_balance.BALANCERS`.
        target: Classes to refill; empty means all. Read by the duplicating methods.
        focal_gamma: Exponent of the focal loss (doi:10.1109/ICCV.2017.324); read by "focal".
        augmentation: How "duplicate-augmented" changes its copies; where it is none, as the recipe changes originals.
    """

    method: str = "none"
    target: tuple[str, ...] = ()
    focal_gamma: Annotated[float, Interval(ge=0, le=10)] = 2.0
    augmentation: Augmentation = Augmentation(rotation=30.0, zoom=0.15, shift=0.2, brightness=0.15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What stands on the backbone's last map.

    Attributes:
        pooling: "average" gives (B, C); "flatten" gives (B, C*H*W); "per-position" applies each hidden layer at
            every position of the map (a 1x1 convolution) and flattens before the output.
        hidden: Widths of the hidden layers.
        activation: A key of `engine.models.nets.layers.ACTIVATIONS`.
        dropout: Rate after each hidden layer, one per layer, or one for all; with no hidden layer: before the output.
        batch_norm: Batch normalisation after each hidden layer.
        output: "softmax" has one output a class; "sigmoid" has one output, for two classes.
    """

    pooling: Literal["average", "flatten", "per-position"] = "average"
    hidden: tuple[Annotated[int, Interval(ge=1, le=65_536)], ...] = ()
    activation: str = "relu"
    dropout: tuple[Share, ...] = (0.0,)
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
        optimizer: A key of `engine.recipes.optimizers.OPTIMIZERS`.
        learning_rate: At the start.
        momentum: Read by SGD and RMSProp; "momentum" and "nesterov" take .9 for 0.
        weight_decay: L2 penalty.
        l1: L1 penalty on weights.
        schedule: A key of `engine.recipes.schedules.SCHEDULES`.
        schedule_factor: What the rate is multiplied by ("plateau", "step").
        schedule_patience: Epochs without improvement before a plateau, or between steps.
        stop_patience: Epochs without improvement before the phase ends early; 0 means never.
        monitor: A key of `engine.statistics.MONITORS`: what improvement means for the schedule, early stopping and the
            best checkpoint.
        clip_norm: Largest gradient norm; 0 means no clipping.
        warm_up: Epochs over which the rate rises evenly to `learning_rate`; then the schedule begins.
        layer_decay: What the rate is multiplied by from each block of the backbone to the one below it; the head
            keeps the whole rate (arXiv:1801.06146).
        ema_decay: Decay a step of an exponential moving average of the weights, which is then what is validated and
            kept; 0 means none.
        label_smoothing: Share of a label's weight that is spread over all classes (arXiv:1512.00567).
        mixup: Parameter of the beta distribution by which images and labels are blended in pairs
            (arXiv:1710.09412); 0 means none.
        cutmix: The same, with a rectangle of the other image put in (arXiv:1905.04899); with both, each batch draws
            one of the two.
    """

    name: str
    epochs: Annotated[int, Interval(ge=1, le=10_000)]
    trainable: str = "head"
    freeze_batch_norm: bool = False
    optimizer: str = "adam"
    learning_rate: Annotated[float, Interval(ge=1e-9, le=100)] = 1e-3
    momentum: Annotated[float, Interval(ge=0, le=0.9999)] = 0.0
    weight_decay: Penalty = 0.0
    l1: Penalty = 0.0
    schedule: str = "constant"
    schedule_factor: Annotated[float, Interval(ge=1e-6, le=1)] = 0.1
    schedule_patience: Patience = 3
    stop_patience: Patience = 0
    monitor: str = "val_loss"
    clip_norm: Penalty = 0.0
    warm_up: Annotated[int, Interval(ge=0, le=1_000)] = 0
    layer_decay: Annotated[float, Interval(ge=0.01, le=1)] = 1.0
    ema_decay: Annotated[float, Interval(ge=0, le=0.99999)] = 0.0
    label_smoothing: Annotated[float, Interval(ge=0, le=0.9)] = 0.0
    mixup: Annotated[float, Interval(ge=0, le=100)] = 0.0
    cutmix: Annotated[float, Interval(ge=0, le=100)] = 0.0


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
        backbone: A key of `engine.models.backbone.BACKBONES`, or any name that timm knows.
        weights: What the backbone begins with: "imagenet", "random", "file:NAME" of `overread weights list`,
            "file:PATH", or "run:RUN_ID" of a finished run.
        image_size: Height and width in pixels that the net is given.
        fit: How an image becomes that square: "squash" stretches it, "letterbox" keeps its proportions, in the middle
            of black.
        channels: 1 or 3; grey images are repeated for 3.
        head: See `Head`.
        phases: In order.
        balance: See `Balance`.
        augmentation: See `Augmentation`; training only.
        views: Augmented views per image in the feature bank of a head-only phase; 0 means no bank.
        batch_size: Images per step.
        train_limit: At most so many training images, of each class its share, drawn by seed; 0 means all.
        test_time_flip: Predict from the mean of the logits of an image and of its mirror image.
        operating_point: A key of `engine.statistics.OPERATING_POINTS`, chosen on validation data. Of more than two
            classes "half" predicts the most probable, every other point the most probable with the classes balanced
            as in training.
        calibrate: Fit a temperature (and undo a balanced prior) on validation data.
        init: A key of `engine.models.nets.layers.INITIALISERS`, for layers without pretrained weights.
        seed: For everything random.
        expected: Results to expect.
    """

    name: str
    title: str
    source: str
    backbone: str
    weights: str = "imagenet"
    image_size: Annotated[int, Interval(ge=16, le=2048)] = 224
    fit: Fit = "squash"
    channels: Literal[1, 3] = 3
    head: Head = field(default_factory=Head)
    phases: tuple[Phase, ...] = ()
    balance: Balance = field(default_factory=Balance)
    augmentation: Augmentation = field(default_factory=Augmentation)
    views: Annotated[int, Interval(ge=0, le=64)] = 0
    batch_size: Annotated[int, Interval(ge=2, le=4096)] = 32  # batch norm has no variance over one image
    train_limit: Annotated[int, Interval(ge=0, le=100_000_000)] = 0
    test_time_flip: bool = False
    operating_point: str = "youden"
    calibrate: bool = True
    init: str = "default"
    seed: Annotated[int, Interval(ge=0, le=2**32 - 1)] = 0
    expected: tuple[Expected, ...] = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}
