"""The form of a recipe: which fields a person can change, how they are shown, and back to a `Recipe`.

`FIELDS` is the one list: dotted path in the recipe's JSON → how it is placed. What a field may hold, its bounds and
choices, is asked of the engine. Whatever the form does not show keeps the value of the recipe it started from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import gradio as gr

from engine.errors import RecipeError
from engine.kept_files import plain
from engine.recipes import field_schema, recipe_from_values, registries
from engine.records import Recipe
from engine.statistics import MONITORS

PHASE_SLOTS = 3
"""Phases that the form shows; further ones run as the recipe says."""

WORDS: Mapping[str, str] = {
    **{name: f"{monitor.words} on validation" for name, monitor in MONITORS.items()},
    "none": "leave as it is",
    "class-weights": "give the rarer class more weight in the loss",
    "duplicate": "repeat images of the rarer class",
    "duplicate-augmented": "repeat images of the rarer class, each copy augmented",
    "undersample": "leave out images of the more common class",
    "weighted-sampling": "draw both classes equally often",
    "focal": "focal loss: more weight on hard cases",
    "youden": "best sum of sensitivity and specificity",
    "half": "probability of one half",
    "as-trained": "as trained, with the classes balanced",
    "squash": "stretch to a square",
    "letterbox": "keep proportions, black around",
    "head": "only the new head (fast)",
    "all": "everything",
    "last 1": "the last block and the head",
    "last 2": "the last 2 blocks and the head",
    "last 4": "the last 4 blocks and the head",
    "last 6": "the last 6 blocks and the head",
    "edge": "repeat the edge",
    "mirror": "mirror the image",
    "black": "black",
    "default": "as in the original network",
    "average": "mean of every channel",
    "flatten": "all positions in one row",
    "per-position": "hidden layers at every position",
    "1": "grey",
    "3": "colour",
}


def _choices(names: Iterable[Any]) -> list[tuple[str, Any]]:
    return [(f"{WORDS[str(name)]} ({name})" if str(name) in WORDS else str(name), name) for name in names]


@dataclass(frozen=True, slots=True)
class Field:
    """How one field of a recipe is shown.

    Attributes:
        label: Its words.
        info: A remark below it.
        slider: Whether a number is set by a slider.
        wide: Whether its choices are sentences, which need a row of their own.
        other: Whether any text may be typed.
        names: What may be chosen, where neither the recipe nor the engine's registries say it.
    """

    label: str
    info: str | None = None
    slider: bool = False
    wide: bool = False
    other: bool = False
    names: tuple[str, ...] = ()


def is_tick(dotted: str) -> bool:
    """Return whether a field is a box to tick."""
    return bool(field_schema(dotted)["type"] == "boolean")


def component(dotted: str, field: Field) -> Any:
    """Return the component that shows a field, within its bounds; what the engine's registries offer comes later."""
    schema = field_schema(dotted)
    words: dict[str, Any] = {"label": field.label, "info": field.info, "elem_id": field_id(dotted)}
    if is_tick(dotted):
        return gr.Checkbox(**words)
    if schema["type"] == "array":
        return gr.Textbox(**words, min_width=140)
    if schema["type"] == "string" or "enum" in schema:
        return gr.Dropdown(
            **words,
            choices=_choices(schema.get("enum", field.names)),
            allow_custom_value=field.other,
            interactive=True,
            min_width=320 if field.wide else 160,
        )
    low, high = schema["minimum"], schema["maximum"]
    if field.slider:
        return gr.Slider(low, high, step=1 if high > 10 else 0.01, **words, min_width=220)
    # Without bounds of its own: Gradio would refuse the whole form with a passing message; see `wrong_fields`.
    return gr.Number(**words, min_width=110)


def field_id(dotted: str) -> str:
    """Return the id of a field's component."""
    return f"train-field-{dotted.replace('.', '-')}"


TRAINABLE = ("head", "last 1", "last 2", "last 4", "last 6", "all")

GENERAL: dict[str, Field] = {
    "balance.method": Field("Unequal classes", wide=True),
    "test_time_flip": Field("Predict from the mirror image too"),
    "operating_point": Field("Operating point, chosen on validation", wide=True),
    "image_size": Field("Image size, pixels"),
    "fit": Field("Images that are not square"),
    "batch_size": Field("Images per step"),
    "train_limit": Field("Training images at most", info="0: all"),
    "seed": Field("Seed"),
}
AUGMENTATION: dict[str, Field] = {
    "augmentation.rotation": Field("Rotation, ± degrees", slider=True),
    "augmentation.shear": Field("Shear, ± degrees", slider=True),
    "augmentation.zoom": Field("Zoom, ± share", slider=True),
    "augmentation.crop": Field("Crop of each side, up to", slider=True),
    "augmentation.shift": Field("Shift, ± share", slider=True),
    "augmentation.brightness": Field("Brightness, ± share", slider=True),
    "augmentation.contrast": Field("Contrast, ± share", slider=True),
    "augmentation.noise": Field("Noise, up to", slider=True),
    "augmentation.zoom_each_axis": Field("Zoom width and height separately"),
    "augmentation.horizontal_flip": Field("Left–right flips"),
    "augmentation.vertical_flip": Field("Up–down flips"),
    "augmentation.quarter_turns": Field("Quarter turns"),
    "augmentation.fill": Field("Fill beyond the image border", wide=True),
}
NET: dict[str, Field] = {
    "backbone": Field("Network", wide=True, other=True, info="Or any other timm model name."),
    "weights": Field(
        "Starts from",
        wide=True,
        other=True,
        names=("imagenet", "random"),
        info="Or run:ID of a finished run, or weights that were added: overread weights add.",
    ),
    "init": Field("Initialisation of new weights", wide=True),
    "channels": Field("Channels"),
    "head.pooling": Field("Pooling", wide=True),
    "head.hidden": Field("Hidden layers of the head", info="Widths, e.g. 128, 64; empty for none."),
    "head.activation": Field("Activation"),
    "head.dropout": Field("Dropout", info="One rate, or one for each hidden layer."),
    "head.batch_norm": Field("Batch norm in the head"),
    "head.output": Field("Output"),
}
PHASE: dict[str, Field] = {
    "epochs": Field("Epochs at most"),
    "learning_rate": Field("Learning rate"),
    "trainable": Field(
        "What is trained", names=TRAINABLE, wide=True, other=True, info="Or “last N”, or names of layers."
    ),
    "freeze_batch_norm": Field("Freeze the backbone's batch norm"),
    "optimizer": Field("Optimiser"),
    "schedule": Field("Learning rate over time"),
    "weight_decay": Field("Weight decay"),
    "stop_patience": Field("Stop after epochs without improvement", info="0: never"),
}
FINE: dict[str, Field] = {
    "monitor": Field("Best epoch by", wide=True),
    "schedule_patience": Field("Epochs until a plateau or step"),
    "schedule_factor": Field("The rate is then multiplied by"),
    "momentum": Field("Momentum"),
    "l1": Field("L1 penalty"),
    "clip_norm": Field("Largest gradient norm", info="0: any"),
    "warm_up": Field("Warm-up epochs"),
    "layer_decay": Field("Rate from block to block below", info="1: the same"),
    "ema_decay": Field("Moving average of weights", info="Decay a step; 0: none"),
    "label_smoothing": Field("Label smoothing"),
    "mixup": Field("Mixup, α", info="0: none"),
    "cutmix": Field("CutMix, α", info="0: none"),
}
FIELDS: dict[str, Field] = {
    **GENERAL,
    **AUGMENTATION,
    **NET,
    **{
        f"phases.{slot}.{name}": field
        for slot in range(PHASE_SLOTS)
        for name, field in (PHASE | FINE).items()
    },
}


def values_and_choices_of(recipe: Recipe, weights: Sequence[str] = ()) -> list[Any]:
    """Return what the form shows of a recipe when it is opened first: with what there is to choose from.

    Args:
        recipe: To show.
        weights: What a training may begin with in this workspace, beside ImageNet and chance: "file:NAME".
    """
    from engine.models import BACKBONES

    offered = {**registries(), "backbone": BACKBONES, "weights": (*NET["weights"].names, *weights)}
    filled: list[Any] = []
    for dotted, value in zip(FIELDS, values_of(recipe), strict=True):
        names = offered.get(re.sub(r"\.\d+", "", dotted))
        filled.append(value if names is None else gr.Dropdown(choices=_choices(names), value=value))
    return filled


def values_of(recipe: Recipe) -> list[Any]:
    """Return what the form shows of a recipe, in the order of `FIELDS`; None in phases it does not have."""
    raw = plain(recipe)
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
    raw = plain(base)
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
        target[last] = _numbers(dotted, value) if field_schema(dotted)["type"] == "array" else value
    return recipe_from_values(raw)


def wrong_fields(base: Recipe, values: Sequence[Any]) -> dict[str, str]:
    """Return what is wrong in the form, by field: every one of them, not the first alone; "" where no field is named.

    Args:
        base: See `recipe_of`.
        values: See `recipe_of`.
    """
    wrong: dict[str, str] = {}
    left = list(values)
    for _ in FIELDS:
        try:
            recipe_of(base, left)
        except RecipeError as error:
            dotted = _field_of(error)
            if dotted in wrong:
                break
            wrong[dotted] = in_words(str(error))
            if not dotted:
                break
            left[list(FIELDS).index(dotted)] = None  # as the recipe says; then what else is wrong?
        else:
            break
    return wrong


def _field_of(error: RecipeError) -> str:
    """Return the field that an error names first; the engine names fields as they are written in a recipe."""
    said = str(error)
    at = {dotted: found.start() for dotted in FIELDS if (found := _named(dotted).search(said))}
    return min(at, key=lambda dotted: at[dotted]) if at else ""


def in_words(said: str) -> str:
    """Return a sentence with the labels of the form in place of the names that recipes have."""
    for dotted, field in FIELDS.items():
        phase = re.match(r"phases\.(\d+)", dotted)
        where = f" of phase {int(phase[1]) + 1}" if phase else ""
        said = _named(dotted).sub(f"“{field.label}”{where}", said)
    return said


@lru_cache(maxsize=256)
def _named(dotted: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){re.escape(dotted)}(?![\w]|\.\w)")


def _numbers(dotted: str, text: str) -> list[float]:
    try:
        numbers = [float(part) for part in re.split(r"[,;\s]+", str(text).strip()) if part]
    except ValueError as error:
        raise RecipeError(f"“{text}” is not a list of numbers", f"Write {dotted} like 128, 64") from error
    return numbers or ([0.0] if dotted == "head.dropout" else [])


@lru_cache(maxsize=64)
def parameters(recipe: Recipe, classes: int) -> tuple[int, int]:
    """Return how many parameters the net has and how many are trained; remembered, as it takes time."""
    from engine.models import count_parameters

    return count_parameters(recipe, classes)
