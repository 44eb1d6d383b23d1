"""Recipes: what decides a training run, as data that a person can read, edit, save and share as one JSON file.

`RECIPES` holds the built-in ones. A recipe is checked before anything else happens, and what is unknown or
contradictory in it is refused with the list of choices.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

from engine.errors import RecipeError
from engine.published import PUBLISHED
from engine.records import Augmentation, Balance, Head, Phase, Recipe

_LITE0 = "timm tf_efficientnet_lite0 with the ImageNet weights of the registry package (Apache-2.0)"

_FILM_AUGMENTATION = Augmentation(rotation=7, zoom=0.08, shift=0.04, brightness=0.15, contrast=0.15)

BUILT_IN: dict[str, Recipe] = {
    "default": Recipe(
        name="default",
        title="Transfer, then fine-tune",
        source=f"{_LITE0}: a head on frozen features, then the last blocks at a low rate, their batch norm as it came",
        backbone="efficientnet-lite0",
        head=Head(dropout=(0.2,)),
        phases=(
            Phase(
                name="head",
                epochs=30,
                trainable="head",
                optimizer="adamw",
                learning_rate=3e-3,
                weight_decay=1e-2,
                schedule="cosine",
                monitor="val_auc",
            ),
            Phase(
                name="fine-tune",
                epochs=4,
                trainable="last 6",
                freeze_batch_norm=True,
                optimizer="adamw",
                learning_rate=1e-4,
                weight_decay=1e-2,
                schedule="cosine",
                monitor="val_auc",
            ),
        ),
        balance=Balance(method="class-weights"),
        augmentation=_FILM_AUGMENTATION,
        views=2,
        batch_size=32,
    ),
    "demo": Recipe(
        name="demo",
        title="The demonstration: default, shortened for 400 small films",
        source=f"{_LITE0}: a head on frozen features, then a short fine-tuning of the last blocks",
        backbone="efficientnet-lite0",
        head=Head(dropout=(0.2,)),
        phases=(
            Phase(
                name="head",
                epochs=30,
                trainable="head",
                optimizer="adamw",
                learning_rate=3e-3,
                weight_decay=1e-2,
                schedule="cosine",
                monitor="val_auc",
            ),
            Phase(
                name="fine-tune",
                epochs=3,
                trainable="last 6",
                optimizer="adamw",
                learning_rate=3e-4,
                weight_decay=1e-2,
                schedule="cosine",
                monitor="val_auc",
            ),
        ),
        balance=Balance(method="class-weights"),
        augmentation=_FILM_AUGMENTATION,
        views=2,
        batch_size=16,
    ),
    "head-only": Recipe(
        name="head-only",
        title="Transfer, head only (fastest)",
        source=f"{_LITE0}: a linear head on frozen features",
        backbone="efficientnet-lite0",
        head=Head(dropout=(0.2,)),
        phases=(
            Phase(
                name="head",
                epochs=40,
                trainable="head",
                optimizer="adamw",
                learning_rate=3e-3,
                weight_decay=1e-2,
                schedule="cosine",
                monitor="val_auc",
            ),
        ),
        balance=Balance(method="class-weights"),
        augmentation=_FILM_AUGMENTATION,
        views=2,
        batch_size=64,
    ),
}

RECIPES: dict[str, Recipe] = {**BUILT_IN, **PUBLISHED}


def find_recipe(name_or_file: str) -> Recipe:
    """Return a built-in recipe by name, or read one from a JSON file.

    Raises:
        RecipeError: There is no such recipe, or the file is no recipe.
    """
    if name_or_file in RECIPES:
        return RECIPES[name_or_file]
    path = Path(name_or_file)
    with suppress(RuntimeError):  # ~name of nobody: then there is no such file either
        path = path.expanduser()
    if path.suffix == ".json" or path.exists():
        return load_recipe(path)
    raise _unknown("recipe", name_or_file, RECIPES)


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe from a JSON file.

    Raises:
        RecipeError: The file cannot be read or is no recipe.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"The recipe {path} cannot be read ({getattr(error, 'strerror', None) or 'it is not text'})",
            "Name a JSON file that “overread recipes --export” or the Train page has written",
        ) from error
    return recipe_from_json(text)


def recipe_to_json(recipe: Recipe) -> str:
    """Return a recipe as JSON that `recipe_from_json` reads back to an equal recipe."""
    return json.dumps(dataclasses.asdict(recipe), indent=2, ensure_ascii=False) + "\n"


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Recipe)


def recipe_from_json(text: str) -> Recipe:
    """Read a recipe and check it.

    Raises:
        RecipeError: Not JSON, an unknown or missing field, a value out of range, or a contradiction.
    """
    from pydantic import ValidationError

    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise RecipeError(
            f"This is not JSON (line {error.lineno}: {error.msg})", "Mend that line, or save the recipe again"
        ) from error
    _refuse_unknown_fields(raw, Recipe, "")
    try:
        recipe: Recipe = _adapter().validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RecipeError(
            f"Recipe field {field}: {first['msg']}", f"Set {field} to a value that fits"
        ) from error
    check_recipe(recipe)
    return recipe


def change_recipe(recipe: Recipe, changes: Mapping[str, str]) -> Recipe:
    """Return a recipe with fields set from text, e.g. {"phases.0.epochs": "5", "balance.method": "focal"}.

    Raises:
        RecipeError: A field or value is unknown.
    """
    raw = json.loads(recipe_to_json(recipe))
    for dotted, value in changes.items():
        target: Any = raw
        *parents, last = dotted.split(".")
        try:
            for part in parents:
                target = target[int(part)] if isinstance(target, list) else target[part]
            key: Any = int(last) if isinstance(target, list) else last
            target[key]  # a field that is not there is a spelling mistake
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise RecipeError(
                f"A recipe has no field “{dotted}”",
                "Write it as in the recipe's JSON, for instance phases.0.epochs=5 or balance.method=focal",
            ) from error
        try:
            target[key] = json.loads(value)
        except json.JSONDecodeError:
            target[key] = value
    return recipe_from_json(json.dumps(raw))


def check_recipe(recipe: Recipe) -> None:
    """Refuse what is unknown or contradictory in a recipe, with the list of choices.

    Raises:
        RecipeError: The first thing found wrong.
    """
    from engine.backbone import ACTIVATIONS, INITIALISERS
    from engine.balance import BALANCERS
    from engine.metrics import OPERATING_POINTS
    from engine.optimizers import OPTIMIZERS, SCHEDULES

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
