"""What a search may vary, as a person writes it: `learning_rate=1e-5..1e-2:log`, `augmentation.rotation=0..20`,
`phases.0.optimizer=adam,sgd`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import RecipeError
from engine.kept_files import plain
from engine.recipes import change_recipe, recipe_from_values
from engine.records import Recipe

_SAID_ELSEWHERE = ("name", "title", "source", "expected", "seed")

OPTION = "--vary"
HOW = "Write field=low..high, field=low..high:log or field=value,value,…"


@dataclass(frozen=True, kw_only=True, slots=True)
class Varied:
    """One field that a search varies.

    Attributes:
        field: Of the recipe, dotted.
        values: To choose among, as text; empty for a range.
        low: Of a range.
        high: Of a range.
        log: Whether a range is searched by factors.
        whole: Whether a range is of whole numbers.
    """

    field: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False


def varied_fields(recipe: Recipe, texts: Sequence[str]) -> tuple[Varied, ...]:
    """Return what is to be varied in a recipe.

    Args:
        recipe: As it is trained where nothing is varied.
        texts: As a person wrote them.

    Raises:
        RecipeError: There is none, one cannot be understood or names no field or several, or a value does not fit.
    """
    if not texts:
        raise RecipeError("Nothing is varied", HOW, option=OPTION)
    fields = flat(plain(recipe_from_values(plain(recipe))))
    found = tuple(_varied(text, recipe, fields) for text in texts)
    if len({one.field for one in found}) < len(found):
        raise RecipeError("One field is varied twice", "Name each field once")
    for one in found:
        for value in one.values or (_written(one.low, one), _written(one.high, one)):
            change_recipe(recipe, {one.field: value})  # says what does not fit before anything is trained
    return found


def with_values(recipe: Recipe, varied: Sequence[Varied], values: Mapping[str, Any]) -> Recipe:
    """Return a recipe with a value for each field that is varied.

    Raises:
        RecipeError: They do not fit together.
    """
    return change_recipe(
        recipe,
        {
            one.field: str(values[one.field]) if one.values else _written(values[one.field], one)
            for one in varied
        },
    )


def _written(value: float, one: Varied) -> str:
    return str(round(value)) if one.whole else json.dumps(float(value))


def _varied(text: str, recipe: Recipe, fields: Mapping[str, Any]) -> Varied:
    name, equals, wanted = (part.strip() for part in text.partition("="))
    if not (name and equals and wanted):
        raise RecipeError(f"“{text}” does not say what to vary", HOW, option=OPTION)
    field = _field(name, recipe, fields)
    if ".." not in wanted:
        values = tuple(value.strip() for value in re.split(r",(?![^\[]*\])", wanted))
        if len(values) < 2 or not all(values):
            raise RecipeError(f"“{text}” leaves nothing to choose", HOW, option=OPTION)
        return Varied(field=field, values=values)
    span, _, scale = wanted.partition(":")
    try:
        low, high = map(float, span.split(".."))
    except ValueError as error:
        raise RecipeError(f"“{span}” is no range of numbers", HOW, option=OPTION) from error
    if scale not in ("", "log") or not low < high or (scale == "log" and low <= 0):
        raise RecipeError(
            f"“{wanted}” is no range",
            "The lower end comes first, and with :log, the only word that may follow, it lies above 0",
        )
    present = fields[field]
    if isinstance(present, bool) or not isinstance(present, int | float):
        raise RecipeError(
            f"{field} is no number ({json.dumps(present)})", "List its values: field=value,value,…"
        )
    whole = isinstance(present, int)
    if whole and not (low.is_integer() and high.is_integer()):
        raise RecipeError(f"{field} is a whole number", "Give whole numbers as ends of its range")
    return Varied(field=field, low=low, high=high, log=scale == "log", whole=whole)


def _field(name: str, recipe: Recipe, fields: Mapping[str, Any]) -> str:
    """Return the field that a name means: its own, one whose parts begin so, or the one that ends so."""
    if name in fields:
        return name
    asked = name.split(".")

    def begins(field: str) -> bool:
        parts = field.split(".")
        return len(parts) == len(asked) and all(map(str.startswith, parts, asked))

    meant = [field for field in fields if begins(field)] or [
        field for field in fields if f".{field}".endswith(f".{name}")
    ]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise RecipeError(f"“{name}” may be {' or '.join(meant)}", "Name one of them, or vary several")
    change_recipe(recipe, {name: "0"})  # says what may have been meant
    raise RecipeError(f"“{name}” cannot be varied", f"Choose among: {', '.join(fields)}")


def flat(value: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Return the fields of a recipe's JSON by dotted name, without its name, source and seed."""
    found: dict[str, Any] = {}
    for name, one in value.items():
        if not place and name in _SAID_ELSEWHERE:
            continue
        if isinstance(one, list) and one and isinstance(one[0], dict):
            one = {str(number): each for number, each in enumerate(one)}
        if isinstance(one, dict):
            found |= flat(one, f"{place}{name}.")
        else:
            found[f"{place}{name}"] = one
    return found
