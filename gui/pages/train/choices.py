"""What there is to choose from in the form of a recipe."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gradio as gr

from engine.kept_files import plain
from engine.recipes import registries
from engine.records import Recipe
from gui.pages.train.recipe_form import FIELDS, choices_in_words, net, value_at, values_of

REGISTERED = (
    "backbone",
    "balance.method",
    "head.activation",
    "operating_point",
    "init",
    "phases.monitor",
    "phases.optimizer",
    "phases.schedule",
)
"""Fields of names that the engine knows only with PyTorch loaded, without the number of a phase."""
OF_REGISTRIES = tuple(dotted for dotted in FIELDS if re.sub(r"\.\d+", "", dotted) in REGISTERED)
"""Where they stand in the form."""


def values_and_choices_of(
    recipe: Recipe, weights: Sequence[str] = (), others: Iterable[Recipe] = ()
) -> list[Any]:
    """Return what the form shows of a recipe, with what there is to choose from.

    As long as nothing has loaded PyTorch that is what recipes use: a page that is opened waits for nothing else.

    Args:
        recipe: To show.
        weights: What a training may begin with in this workspace, beside ImageNet and chance: "file:NAME".
        others: Recipes that can be chosen in its place.
    """
    known = _known() if "torch" in sys.modules else _used_by((recipe, *others))
    offered = {**known, "weights": (*net()["weights"].names, *weights)}
    filled: list[Any] = []
    for dotted, value in zip(FIELDS, values_of(recipe), strict=True):
        names = offered.get(re.sub(r"\.\d+", "", dotted))
        filled.append(value if names is None else gr.Dropdown(choices=choices_in_words(names), value=value))
    return filled


def choices_of() -> list[Any]:
    """Return all that there is to choose from in the fields of `OF_REGISTRIES`; what is chosen there stays."""
    known = _known()
    return [
        gr.Dropdown(choices=choices_in_words(known[re.sub(r"\.\d+", "", dotted)])) for dotted in OF_REGISTRIES
    ]


def _known() -> Mapping[str, Iterable[str]]:
    from engine.models import BACKBONES

    return {**registries(), "backbone": BACKBONES}


def _used_by(recipes: Iterable[Recipe]) -> Mapping[str, Iterable[str]]:
    used: dict[str, dict[str, None]] = {name: {} for name in REGISTERED}
    for raw in map(plain, recipes):
        for name, values in used.items():
            for holder in raw["phases"] if name.startswith("phases.") else [raw]:
                values[value_at(holder, name.removeprefix("phases."))] = None
    return used
