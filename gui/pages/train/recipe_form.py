"""The form of a recipe: which fields a person can change, how they are shown, and back to a `Recipe`.

`fields` is the one list: dotted path in the recipe's JSON → how it is placed. What a field may hold, its bounds and
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
from engine.language import _, isolated, number
from engine.recipes import field_schema, recipe_from_values
from engine.records import Recipe
from engine.retelling import retold
from engine.statistics import MONITORS

PHASE_SLOTS = 3
"""Phases that the form shows; further ones run as the recipe says."""


def words() -> Mapping[str, str]:
    """Return what can be chosen in words, by the name that recipes have for it; what has none is shown by its name."""
    figures = {
        "val_loss": _("loss"),
        "val_accuracy": _("accuracy"),
        "val_auc": _("AUROC"),
        "val_average_precision": _("average precision"),
        "val_balanced_accuracy": _("balanced accuracy"),
        "val_f1": _("F1"),
        "val_mcc": _("Matthews correlation coefficient"),
        "val_brier": _("Brier score"),
    }
    return {
        **{
            name: _("{figure} on validation").format(figure=figures.get(name, monitor.words))
            for name, monitor in MONITORS.items()
        },
        "none": _("leave as it is"),
        "class-weights": _("give the rarer class more weight in the loss"),
        "duplicate": _("repeat images of the rarer class"),
        "duplicate-augmented": _("repeat images of the rarer class, each copy augmented"),
        "undersample": _("leave out images of the more common class"),
        "weighted-sampling": _("draw both classes equally often"),
        "focal": _("focal loss: more weight on hard cases"),
        "youden": _("best sum of sensitivity and specificity"),
        "half": _("probability of one half"),
        "as-trained": _("as trained, with the classes balanced"),
        "squash": _("stretch to a square"),
        "letterbox": _("keep proportions, black around"),
        "head": _("only the new head (fast)"),
        "all": _("everything"),
        "last 1": _("the last block and the head"),
        "last 2": _("the last 2 blocks and the head"),
        "last 4": _("the last 4 blocks and the head"),
        "last 6": _("the last 6 blocks and the head"),
        "edge": _("repeat the edge"),
        "mirror": _("mirror the image"),
        "black": _("black"),
        "default": _("as in the original network"),
        "average": _("mean of every channel"),
        "flatten": _("all positions in one row"),
        "per-position": _("hidden layers at every position"),
        "1": _("grey"),
        "3": _("colour"),
    }


def choices_in_words(names: Iterable[Any]) -> list[tuple[str, Any]]:
    """Return names as a drop-down offers them."""
    said = words()
    return [
        (f"{said[str(name)]} ({isolated(str(name))})" if str(name) in said else str(name), name)
        for name in names
    ]


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
    told: dict[str, Any] = {"label": field.label, "info": field.info, "elem_id": field_id(dotted)}
    if is_tick(dotted):
        return gr.Checkbox(**told)
    if schema["type"] == "array":
        return gr.Textbox(**told, min_width=140)
    if schema["type"] == "string" or "enum" in schema:
        return gr.Dropdown(
            **told,
            choices=choices_in_words(schema.get("enum", field.names)),
            allow_custom_value=field.other,
            interactive=True,
            min_width=320 if field.wide else 160,
        )
    low, high = schema["minimum"], schema["maximum"]
    if field.slider:
        return gr.Slider(low, high, step=1 if high > 10 else 0.01, **told, min_width=220)
    # Without bounds of its own: Gradio would refuse the whole form with a passing message; see `wrong_fields`.
    return gr.Number(**told, min_width=110)


def field_id(dotted: str) -> str:
    """Return the id of a field's component."""
    return f"train-field-{dotted.replace('.', '-')}"


TRAINABLE = ("head", "last 1", "last 2", "last 4", "last 6", "all")


def general() -> dict[str, Field]:
    """Return the fields of what is said of the whole training."""
    return {
        "balance.method": Field(_("Unequal classes"), wide=True),
        "test_time_flip": Field(_("Predict from the mirror image too")),
        "operating_point": Field(_("Operating point, chosen on validation"), wide=True),
        "image_size": Field(_("Image size, pixels")),
        "fit": Field(_("Images that are not square")),
        "batch_size": Field(_("Images per step")),
        "train_limit": Field(_("Training images at most"), info=_("0: all")),
        "seed": Field(_("Seed")),
    }


def augmentation() -> dict[str, Field]:
    """Return the fields of how training images are changed."""
    return {
        "augmentation.rotation": Field(_("Rotation, ± degrees"), slider=True),
        "augmentation.shear": Field(_("Shear, ± degrees"), slider=True),
        "augmentation.zoom": Field(_("Zoom, ± share"), slider=True),
        "augmentation.crop": Field(_("Crop of each side, up to"), slider=True),
        "augmentation.shift": Field(_("Shift, ± share"), slider=True),
        "augmentation.brightness": Field(_("Brightness, ± share"), slider=True),
        "augmentation.contrast": Field(_("Contrast, ± share"), slider=True),
        "augmentation.noise": Field(_("Noise, up to"), slider=True),
        "augmentation.zoom_each_axis": Field(_("Zoom width and height separately")),
        "augmentation.horizontal_flip": Field(_("Left–right flips")),
        "augmentation.vertical_flip": Field(_("Up–down flips")),
        "augmentation.quarter_turns": Field(_("Quarter turns")),
        "augmentation.fill": Field(_("Fill beyond the image border"), wide=True),
    }


def net() -> dict[str, Field]:
    """Return the fields of the network."""
    return {
        "backbone": Field(_("Network"), wide=True, other=True, info=_("Or any other timm model name.")),
        "weights": Field(
            _("Starts from"),
            wide=True,
            other=True,
            names=("imagenet", "random"),
            info=_("Or run:ID of a finished run, or file:NAME of weights that were added."),
        ),
        "init": Field(_("Initialisation of new weights"), wide=True),
        "channels": Field(_("Channels")),
        "head.pooling": Field(_("Pooling"), wide=True),
        "head.hidden": Field(_("Hidden layers of the head"), info=_("Widths, e.g. 128, 64; empty for none.")),
        "head.activation": Field(_("Activation")),
        "head.dropout": Field(_("Dropout"), info=_("One rate, or one for each hidden layer.")),
        "head.batch_norm": Field(_("Batch norm in the head")),
        "head.output": Field(_("Output")),
    }


def phase() -> dict[str, Field]:
    """Return the fields of a phase."""
    return {
        "epochs": Field(_("Epochs at most")),
        "learning_rate": Field(_("Learning rate")),
        "trainable": Field(
            _("What is trained"),
            names=TRAINABLE,
            wide=True,
            other=True,
            info=_("Or “last N”, or names of layers."),
        ),
        "freeze_batch_norm": Field(_("Freeze the backbone's batch norm")),
        "optimizer": Field(_("Optimiser")),
        "schedule": Field(_("Learning rate over time")),
        "weight_decay": Field(_("Weight decay")),
        "stop_patience": Field(_("Stop after epochs without improvement"), info=_("0: never")),
    }


def fine() -> dict[str, Field]:
    """Return the fields of a phase in more detail."""
    return {
        "monitor": Field(_("Best epoch by"), wide=True),
        "schedule_patience": Field(_("Epochs until a plateau or step")),
        "schedule_factor": Field(_("The rate is then multiplied by")),
        "momentum": Field(_("Momentum")),
        "l1": Field(_("L1 penalty")),
        "clip_norm": Field(_("Largest gradient norm"), info=_("0: any")),
        "warm_up": Field(_("Warm-up epochs")),
        "layer_decay": Field(_("Rate from block to block below"), info=_("1: the same")),
        "ema_decay": Field(_("Moving average of weights"), info=_("Decay a step; 0: none")),
        "label_smoothing": Field(_("Label smoothing")),
        "mixup": Field(_("Mixup, α"), info=_("0: none")),
        "cutmix": Field(_("CutMix, α"), info=_("0: none")),
    }


def fields() -> dict[str, Field]:
    """Return all fields, as the language that is spoken has them: dotted path → how it is shown."""
    return {
        **general(),
        **augmentation(),
        **net(),
        **{
            f"phases.{slot}.{name}": field
            for slot in range(PHASE_SLOTS)
            for name, field in (phase() | fine()).items()
        },
    }


FIELDS = fields()
"""The same in English; their order is that of the form's values."""


def values_of(recipe: Recipe) -> list[Any]:
    """Return what the form shows of a recipe, in the order of `FIELDS`; None in phases it does not have."""
    raw = plain(recipe)
    return [value_at(raw, dotted) for dotted in FIELDS]


def value_at(raw: dict[str, Any], dotted: str) -> Any:
    """Return what the form shows of a recipe's JSON, or of a phase of it, at a dotted path."""
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
    for _each in FIELDS:
        try:
            recipe_of(base, left)
        except RecipeError as error:
            dotted = _field_of(error)
            if dotted in wrong:
                break
            wrong[dotted] = in_words(retold(error))
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
    for dotted, field in fields().items():
        slot = re.match(r"phases\.(\d+)", dotted)
        label = _("“{field}”").format(field=field.label)
        if slot:
            label = _("“{field}” of phase {number}").format(
                field=field.label, number=number(int(slot[1]) + 1)
            )
        said = _named(dotted).sub(label, said)
    return said


@lru_cache(maxsize=256)
def _named(dotted: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){re.escape(dotted)}(?![\w]|\.\w)")


def _numbers(dotted: str, text: str) -> list[float]:
    try:
        numbers = [float(part) for part in re.split(r"[,;\s]+", str(text).strip()) if part]
    except ValueError as error:
        raise RecipeError(
            _("“{text}” is not a list of numbers").format(text=isolated(text)),
            _("Write {field} like 128, 64").format(field=dotted),
        ) from error
    return numbers or ([0.0] if dotted == "head.dropout" else [])


@lru_cache(maxsize=64)
def parameters(recipe: Recipe, classes: int) -> tuple[int, int]:
    """Return how many parameters the net has and how many are trained; remembered, as it takes time."""
    from engine.models import count_parameters

    return count_parameters(recipe, classes)
