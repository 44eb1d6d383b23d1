"""What is unknown or contradictory in a recipe, refused with the list of choices."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Collection
from typing import get_args, get_type_hints

from engine.errors import RecipeError
from engine.records import Recipe


def check_recipe(recipe: Recipe) -> None:
    """Refuse what is unknown or contradictory in a recipe, with the list of choices.

    Raises:
        RecipeError: The first thing found wrong.
    """
    from engine.models import ACTIVATIONS, INITIALISERS
    from engine.recipes.class_balance import BALANCERS
    from engine.recipes.optimizers import OPTIMIZERS
    from engine.recipes.schedules import SCHEDULES
    from engine.statistics import OPERATING_POINTS

    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", recipe.name):
        raise RecipeError(
            f"“{recipe.name}” cannot be a recipe's name", "Use lower-case letters, digits, dots and hyphens"
        )
    _choice("balance.method", recipe.balance.method, BALANCERS)
    _choice("head.activation", recipe.head.activation, ACTIVATIONS)
    _choice("operating_point", recipe.operating_point, OPERATING_POINTS)
    _choice("init", recipe.init, INITIALISERS)
    if recipe.channels not in (1, 3):
        raise RecipeError(f"channels is {recipe.channels}", "Set channels to 1 (grey) or 3 (colour)")
    _bounds("image_size", recipe.image_size, 16, 2048)
    _bounds("batch_size", recipe.batch_size, 2, 4096)  # batch normalisation has no variance over one image
    _bounds("seed", recipe.seed, 0, 2**32 - 1)
    _bounds("views", recipe.views, 0, 64)
    _bounds("train_limit", recipe.train_limit, 0, 100_000_000)
    _bounds("balance.focal_gamma", recipe.balance.focal_gamma, 0, 10)
    for place, augmentation in (
        ("augmentation", recipe.augmentation),
        ("balance.augmentation", recipe.balance.augmentation),
    ):
        for name in ("zoom", "shift", "brightness", "contrast"):
            _bounds(f"{place}.{name}", getattr(augmentation, name), 0, 0.95)
        _bounds(f"{place}.rotation", augmentation.rotation, 0, 180)
        _bounds(f"{place}.shear", augmentation.shear, 0, 80)
    for rate in recipe.head.dropout:
        _bounds("head.dropout", rate, 0, 0.95)
    for width in recipe.head.hidden:
        _bounds("head.hidden", width, 1, 65536)
    if len(recipe.head.dropout) not in (1, len(recipe.head.hidden) or 1):
        raise RecipeError(
            f"head.dropout has {len(recipe.head.dropout)} rates for {len(recipe.head.hidden)} hidden layers",
            "Give one rate for all, or one a hidden layer",
        )
    if not recipe.phases:
        raise RecipeError("The recipe has no phase", "Add at least one phase")
    for number, phase in enumerate(recipe.phases):
        place = f"phases.{number}"
        _choice(f"{place}.optimizer", phase.optimizer, OPTIMIZERS)
        _choice(f"{place}.schedule", phase.schedule, SCHEDULES)
        _bounds(f"{place}.epochs", phase.epochs, 1, 10_000)
        _bounds(f"{place}.learning_rate", phase.learning_rate, 1e-9, 100)
        _bounds(f"{place}.momentum", phase.momentum, 0, 0.9999)
        for name in ("weight_decay", "l1", "clip_norm", "schedule_patience", "stop_patience"):
            _bounds(f"{place}.{name}", getattr(phase, name), 0, 1e6)
        _bounds(f"{place}.schedule_factor", phase.schedule_factor, 1e-6, 1)
        if phase.schedule == "plateau" and phase.schedule_factor == 1:
            raise RecipeError(
                f"{place} shall lower its learning rate on a plateau, by a factor of 1",
                f"Set {place}.schedule_factor below 1, often 0.1",
            )
        if phase.freeze_batch_norm and recipe.weights == "random":
            raise RecipeError(
                f"{place} freezes the batch norm of a backbone with random weights, which has measured no image yet",
                f"Set weights to imagenet, or {place}.freeze_batch_norm to false",
            )
    if recipe.weights == "random" and all(phase.trainable == "head" for phase in recipe.phases):
        raise RecipeError(
            "Only the head is trained, on a backbone with random weights",
            "Set weights to imagenet, or phases.0.trainable to all",
        )


def _choice(field: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise _unknown(field, value, choices)


def _unknown(field: str, value: str, choices: Collection[str]) -> RecipeError:
    near = difflib.get_close_matches(value, choices, n=1)
    hint = f"Did you mean “{near[0]}”? " if near else ""
    return RecipeError(f"There is no {field} “{value}”", f"{hint}Choose one of: {', '.join(choices)}")


def _bounds(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        least, most = (f"{bound:,}" if isinstance(bound, int) else f"{bound:g}" for bound in (low, high))
        raise RecipeError(f"{field} is {value}", f"Set {field} to a value from {least} to {most}")


def _refuse_unknown_fields(raw: object, record: type, place: str) -> None:
    if not isinstance(raw, dict):
        raise RecipeError(
            f"{place.rstrip('.') or 'A recipe'} must be a JSON object",
            "Save a recipe from the Train page and edit that",
        )
    hints = get_type_hints(record)
    for name, value in raw.items():
        if name not in hints:
            raise _unknown(f"recipe field {place}".strip(), str(name), list(hints))
        inner = next(iter(get_args(hints[name])), hints[name])  # tuple[Phase, ...] holds phases
        if dataclasses.is_dataclass(inner) and isinstance(inner, type):
            items = enumerate(value) if isinstance(value, list) else [(None, value)]
            for number, item in items:
                index = "" if number is None else f"{number}."
                _refuse_unknown_fields(item, inner, f"{place}{name}.{index}")
