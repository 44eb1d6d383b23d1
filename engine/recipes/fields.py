"""What a recipe's fields may hold, said by the types in `engine.records.recipes` and nowhere else.

One pydantic adapter reads those types: it validates recipes, and its JSON schema gives forms their bounds and choices.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.errors import RecipeError
from engine.kept_files import quoted
from engine.language import N_
from engine.records import Recipe

_MEANINGS: Mapping[str, str] = {"channels": N_("1 (grey) or 3 (colour)")}
_KINDS: Mapping[str, str] = {
    "integer": N_("a whole number"),
    "number": N_("a number"),
    "boolean": N_("true or false"),
    "string": N_("a text"),
    "array": N_("a list"),
    "object": N_("a JSON object"),
}
_RANGES: Mapping[str, str] = {
    "integer": N_("a whole number from {low} to {high}"),
    "number": N_("a number from {low} to {high}"),
}


@cache
def _adapter() -> TypeAdapter[Recipe]:
    return TypeAdapter(Recipe)


@cache
def _schema() -> dict[str, Any]:
    return _adapter().json_schema()


def validated(raw: object) -> Recipe:
    """Return the recipe that plain values say, each of its fields within its bounds.

    Args:
        raw: As `json.loads` or `dataclasses.asdict` give it.

    Raises:
        RecipeError: A field is unknown or missing, or holds what it cannot; the first one found.
    """
    try:
        return _adapter().validate_python(raw)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from error


def field_schema(dotted: str) -> Mapping[str, Any]:
    """Return what one field may hold, as JSON schema: "type", and "minimum", "maximum" or "enum" where there are.

    Args:
        dotted: E.g. "phases.0.epochs"; "" means the recipe itself.

    Raises:
        KeyError: There is no such field.
    """
    found: Mapping[str, Any] = _schema()
    for part in filter(None, dotted.split(".")):
        found = found["items"] if part.isdigit() else found["properties"][part]
        if "$ref" in found:
            found = _schema()["$defs"][found["$ref"].rpartition("/")[2]]
    return found


@cache
def registries() -> Mapping[str, Collection[str]]:
    """Return the names that the engine knows for a field that names one of its functions.

    Returns:
        By dotted field, without the number of a phase: "phases.optimizer".
    """
    from engine.models import ACTIVATIONS, INITIALISERS
    from engine.recipes.class_balance import BALANCERS
    from engine.recipes.optimizers import OPTIMIZERS
    from engine.recipes.schedules import SCHEDULES
    from engine.statistics import MONITORS, OPERATING_POINTS

    return {
        "balance.method": BALANCERS,
        "head.activation": ACTIVATIONS,
        "operating_point": OPERATING_POINTS,
        "init": INITIALISERS,
        "phases.monitor": MONITORS,
        "phases.optimizer": OPTIMIZERS,
        "phases.schedule": SCHEDULES,
    }


def unknown(what: str, value: str, choices: Collection[str]) -> RecipeError:
    """Return the refusal of a name that is none of the choices."""
    return RecipeError(
        f"There is no {what} {quoted(value)}",
        f"{did_you_mean(value, choices)}Choose one of: {', '.join(choices)}",
    )


def did_you_mean(value: str, choices: Iterable[str]) -> str:
    """Return a question after the choice that is spelt nearly so, or nothing."""
    near = difflib.get_close_matches(value, list(choices), n=1)
    return N_("Did you mean “{near}”? ").format(near=near[0]) if near else ""


def _refusal(error: Mapping[str, Any]) -> RecipeError:
    """Return what pydantic found wrong as a sentence with the field, its value and what it may hold."""
    *parents, name = [str(part) for part in error["loc"]] or [""]
    place, value = ".".join((*parents, name)), error["input"]
    if error["type"] == "unexpected_keyword_argument":
        known = list(field_schema(".".join(parents))["properties"])
        meant = did_you_mean(name, known)
        return RecipeError(
            f"A recipe has no field {quoted(place)}", f"{meant}Choose one of: {', '.join(known)}"
        )
    if error["type"] == "missing":
        return RecipeError(f"The recipe has no {place}", f"Set {place}, or start from a recipe that is whole")
    schema = field_schema(place)
    if schema["type"] == "object":
        return RecipeError(
            f"{place or 'A recipe'} must be a JSON object", "Save a recipe from the Train page and edit that"
        )
    if "enum" in schema and isinstance(value, str):
        return unknown(place, value, [str(one) for one in schema["enum"]])
    field = re.sub(r"(\.\d+)$", "", place)  # which number of a list it is, is seen from its value
    return RecipeError(
        f"The recipe's {field} is {quoted(value)}",
        f"Set {field} to {_MEANINGS.get(field) or _what_fits(schema)}",
    )


def _what_fits(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return N_("one of: {choices}").format(choices=", ".join(str(one) for one in schema["enum"]))
    if "minimum" in schema:
        low, high = (f"{schema[bound]:,.10g}" for bound in ("minimum", "maximum"))
        return _RANGES[schema["type"]].format(low=low, high=high)
    if schema["type"] == "array" and "type" in schema["items"]:
        return N_("a list, each of it {kind}").format(kind=_what_fits(schema["items"]))
    return _KINDS[schema["type"]]
