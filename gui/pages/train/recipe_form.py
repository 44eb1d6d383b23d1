"""The form of a recipe: which fields a person can change, how they are shown, and back to a `Recipe`.

`FIELDS` is the one list: dotted path in the recipe's JSON → how it is placed. Whatever the form does not show
keeps the value of the recipe it started from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import gradio as gr

from engine.errors import RecipeError
from engine.recipes import recipe_from_json, recipe_to_json
from engine.records import Recipe

PHASE_SLOTS = 3
"""Phases that the form shows; further ones run as the recipe says."""

WORDS: Mapping[str, str] = {
    "none": "leave as it is",
    "class-weights": "weigh the rarer class more in the loss",
    "duplicate": "repeat films of the rarer class",
    "duplicate-augmented": "repeat films of the rarer class, each repeat changed a little",
    "undersample": "leave out films of the commoner class",
    "weighted-sampling": "draw both classes equally often",
    "focal": "focal loss: count hard cases more",
    "youden": "best sum of sensitivity and specificity",
    "half": "probability of one half",
    "as-trained": "as the net was trained, the classes balanced",
    "head": "only the new head (fast)",
    "all": "everything",
    "last 1": "the last block and the head",
    "last 2": "the last 2 blocks and the head",
    "last 4": "the last 4 blocks and the head",
    "last 6": "the last 6 blocks and the head",
    "edge": "repeat the edge",
    "mirror": "mirror the image",
    "black": "black",
    "default": "as the net's authors do",
    "average": "mean of every channel",
    "flatten": "all positions in one row",
    "per-position": "hidden layers at every position",
    "val_loss": "loss on validation",
    "val_accuracy": "accuracy on validation",
    "val_auc": "AUROC on validation",
}


def _choices(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(f"{WORDS[name]} ({name})" if name in WORDS else name, name) for name in names]


def _number(label: str, **options: Any) -> Callable[[], Any]:
    return lambda: gr.Number(label=label, min_width=110, **options)


def _whole(label: str, **options: Any) -> Callable[[], Any]:
    return _number(label, precision=0, **options)


def _choice(
    label: str,
    names: Iterable[str] = (),
    *,
    other: bool = False,
    sentences: bool = False,
    info: str | None = None,
) -> Callable[[], Any]:
    """Return the maker of a drop-down; without names, those of the engine's registry come with its first value."""
    return lambda: gr.Dropdown(
        label=label,
        choices=_choices(names),
        allow_custom_value=other,
        info=info,
        interactive=True,
        min_width=320 if sentences else 160,  # a sentence needs a row of its own
    )


def _tick(label: str) -> Callable[[], Any]:
    def tick() -> Any:
        return gr.Checkbox(label=label)

    return tick


def _slide(label: str, top: float, step: float) -> Callable[[], Any]:
    return lambda: gr.Slider(0, top, step=step, label=label, min_width=220)


def _list(label: str, info: str) -> Callable[[], Any]:
    return lambda: gr.Textbox(label=label, info=info, min_width=140)


TRAINABLE = ("head", "last 1", "last 2", "last 4", "last 6", "all")

GENERAL: dict[str, Callable[[], Any]] = {
    "balance.method": _choice("Unequal classes", sentences=True),
    "operating_point": _choice("Operating point, chosen on validation", sentences=True),
    "image_size": _whole("Image size, pixels", minimum=16, maximum=2048),
    "batch_size": _whole("Images per step", minimum=2, maximum=4096),
    "train_limit": _whole("Training images at most", minimum=0, info="0: all"),
    "seed": _whole("Seed", minimum=0),
}
AUGMENTATION: dict[str, Callable[[], Any]] = {
    "augmentation.rotation": _slide("Rotation, ± degrees", 180, 1),
    "augmentation.shear": _slide("Shear, ± degrees", 80, 1),
    "augmentation.zoom": _slide("Zoom, ± share", 0.95, 0.01),
    "augmentation.shift": _slide("Shift, ± share", 0.95, 0.01),
    "augmentation.brightness": _slide("Brightness, ± share", 0.95, 0.01),
    "augmentation.contrast": _slide("Contrast, ± share", 0.95, 0.01),
    "augmentation.horizontal_flip": _tick("Left–right flips"),
    "augmentation.vertical_flip": _tick("Up–down flips"),
    "augmentation.quarter_turns": _tick("Quarter turns"),
    "augmentation.fill": _choice("Where the image ends", ("edge", "mirror", "black"), sentences=True),
}
NET: dict[str, Callable[[], Any]] = {
    "backbone": _choice("Net", other=True, sentences=True, info="Or any name that timm knows."),
    "weights": _choice("Starts from", ("imagenet", "random")),
    "init": _choice("New weights are drawn", sentences=True),
    "channels": _whole("Channels", minimum=1, maximum=3, info="3, or 1: grey"),
    "head.pooling": _choice("What the head reads", ("average", "flatten", "per-position"), sentences=True),
    "head.hidden": _list("Hidden layers of the head", "Widths, e.g. 128, 64; empty for none."),
    "head.activation": _choice("Activation"),
    "head.dropout": _list("Dropout", "One rate, or one for each hidden layer."),
    "head.batch_norm": _tick("Batch norm in the head"),
    "head.output": _choice("Output", ("softmax", "sigmoid")),
}
PHASE: dict[str, Callable[[], Any]] = {
    "epochs": _whole("Epochs at most", minimum=1, maximum=10_000),
    "learning_rate": _number("Learning rate", minimum=0),
    "trainable": _choice(
        "What is trained",
        TRAINABLE,
        other=True,
        sentences=True,
        info="Or “last N”, or names of layers.",
    ),
    "freeze_batch_norm": _tick("Batch norm of the backbone stays as it came"),
    "optimizer": _choice("Optimiser"),
    "schedule": _choice("Learning rate over time"),
    "weight_decay": _number("Weight decay", minimum=0),
    "stop_patience": _whole("Stop after epochs without gain", minimum=0, info="0: never"),
}
FINE: dict[str, Callable[[], Any]] = {
    "monitor": _choice("Best epoch by", ("val_loss", "val_accuracy", "val_auc"), sentences=True),
    "schedule_patience": _whole("Epochs to a plateau or step", minimum=0),
    "schedule_factor": _number("The rate is then multiplied by", minimum=0, maximum=1),
    "momentum": _number("Momentum", minimum=0, maximum=0.9999),
    "l1": _number("L1 penalty", minimum=0),
    "clip_norm": _number("Largest gradient norm", minimum=0, info="0: any"),
}
FIELDS: dict[str, Callable[[], Any]] = {
    **GENERAL,
    **AUGMENTATION,
    **NET,
    **{f"phases.{slot}.{name}": make for slot in range(PHASE_SLOTS) for name, make in (PHASE | FINE).items()},
}
LISTS = ("head.hidden", "head.dropout")


def _registries() -> dict[str, Iterable[str]]:
    """Return what the engine offers for a field; with it comes torch, so that no window waits for it to open."""
    from engine.models import ACTIVATIONS, BACKBONES, INITIALISERS
    from engine.recipes import BALANCERS, OPTIMIZERS, SCHEDULES
    from engine.statistics import OPERATING_POINTS

    return {
        "balance.method": BALANCERS,
        "operating_point": OPERATING_POINTS,
        "backbone": BACKBONES,
        "init": INITIALISERS,
        "head.activation": ACTIVATIONS,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
    }


def values_and_choices_of(recipe: Recipe) -> list[Any]:
    """Return what the form shows of a recipe when it is opened first: with what there is to choose from."""
    registries = _registries()
    filled: list[Any] = []
    for dotted, value in zip(FIELDS, values_of(recipe), strict=True):
        names = registries.get(re.sub(r"^phases\.\d+\.", "", dotted))
        filled.append(value if names is None else gr.Dropdown(choices=_choices(names), value=value))
    return filled


def values_of(recipe: Recipe) -> list[Any]:
    """Return what the form shows of a recipe, in the order of `FIELDS`; None in phases it does not have."""
    raw = json.loads(recipe_to_json(recipe))
    return [_shown(raw, dotted) for dotted in FIELDS]


def _shown(raw: dict[str, Any], dotted: str) -> Any:
    target: Any = raw
    for part in dotted.split("."):
        if isinstance(target, list):
            if int(part) >= len(target):
                return None
            target = target[int(part)]
        else:
            target = target[part]
    return ", ".join(f"{one:.10g}" for one in target) if isinstance(target, list) else target


def recipe_of(base: Recipe, values: Iterable[Any]) -> Recipe:
    """Return the recipe that the form says.

    Args:
        base: The recipe that the form was filled from; an empty field means what it says there.
        values: In the order of `FIELDS`.

    Raises:
        RecipeError: A value is unknown or contradictory.
    """
    raw = json.loads(recipe_to_json(base))
    for dotted, value in zip(FIELDS, values, strict=True):
        *parents, last = dotted.split(".")
        target: Any = raw
        if parents and parents[0] == "phases":
            if int(parents[1]) >= len(base.phases):
                continue
            target = raw["phases"][int(parents[1])]
        else:
            for part in parents:
                target = target[part]
        if value is None:  # emptied
            continue
        target[last] = _numbers(dotted, value) if dotted in LISTS else value
    return recipe_from_json(json.dumps(raw))


def _numbers(dotted: str, text: str) -> list[float]:
    try:
        numbers = [float(part) for part in re.split(r"[,;\s]+", str(text).strip()) if part]
    except ValueError as error:
        raise RecipeError(f"“{text}” is not a list of numbers", f"Write {dotted} like 128, 64") from error
    if dotted == "head.dropout":
        return numbers or [0.0]
    if any(number != int(number) for number in numbers):
        raise RecipeError(f"“{text}” is not a list of whole numbers", f"Write {dotted} like 128, 64")
    return [int(number) for number in numbers]


@lru_cache(maxsize=64)
def parameters(recipe: Recipe, classes: int) -> tuple[int, int]:
    """Return how many parameters the net has and how many are trained; remembered, as it takes time."""
    from engine.models import count_parameters

    return count_parameters(recipe, classes)
