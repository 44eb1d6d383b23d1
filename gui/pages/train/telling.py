"""What a training will do, told before it begins: or what is wrong in the form, and in which field."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data import limit_training
from engine.errors import EngineError
from engine.language import _, isolated, number
from engine.records import Recipe, Split
from gui.pages.train.offered import expected_of_recipe, lasting
from gui.pages.train.plan import chosen_split
from gui.pages.train.recipe_form import field_id, parameters, recipe_of, wrong_fields
from gui.web import AppSession, markup


def facts(session: AppSession, dataset_id: str | None, base: Recipe | None, *values: Any) -> str:
    """Return how many parameters will be trained, how long that takes, and what the balance does to the classes."""
    if base is None:
        return ""
    if wrong := wrong_fields(base, values):
        return markup.joined(
            markup.note(said, tone="serious", inner=markup.said_at(field_id(dotted), said) if dotted else "")
            for dotted, said in wrong.items()
        )
    try:
        recipe = recipe_of(base, values)
        split = chosen_split(session, dataset_id) if dataset_id else None
        total, trained = parameters(recipe, len(split.classes) if split else 2)
    except EngineError as error:
        return markup.note(markup.told(error), tone="serious")
    tiles = [
        (number(trained), _("parameters trained")),
        (number(total), _("parameters in total")),
        (number(sum(phase.epochs for phase in recipe.phases)), _("epochs at most")),
    ]
    expected = expected_of_recipe(session, dataset_id, recipe) if split else None
    if expected is not None:
        time = _("about {time}").format(time=lasting(expected.said))
        tiles.append((time, _("on this computer, as estimated")))
    return markup.figures(tiles) + (balance_table(recipe, split) if split else "")


def balance_table(recipe: Recipe, split: Split) -> str:
    """Return the class counts of the training part, before and after balancing.

    Raises:
        RecipeError: The balance does not fit the classes.
    """
    from engine.recipes import balanced_rows, class_counts

    split = limit_training(split, recipe.train_limit, seed=recipe.seed)
    labels = np.array([split.classes.index(str(sample.label)) for sample in split.train], dtype=np.int64)
    plan = balanced_rows(labels, recipe.balance, split.classes, np.random.default_rng(recipe.seed))
    before, after = class_counts(labels, split.classes), class_counts(labels[plan.rows], split.classes)
    weights = plan.class_weights if plan.class_weights is not None else np.ones(len(split.classes))
    rows = [
        (isolated(name), number(int(before[at])), number(int(after[at])), number(float(weights[at]), 3))
        for at, name in enumerate(split.classes)
    ]
    headers = (_("class"), _("training images"), _("shown in one epoch"), _("weight in the loss"))
    return markup.table(headers, rows)
