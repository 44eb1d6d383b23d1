"""What is unknown or contradictory in a recipe, refused with what to write instead.

What one field may hold stands at its type in `engine.records.recipes`; here are the rules between fields.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from operator import attrgetter

from engine.errors import RecipeError
from engine.kept_files import quoted
from engine.recipes.fields import registries, unknown, validated
from engine.records import Recipe


def check_recipe(recipe: Recipe) -> None:
    """Refuse what is unknown, out of bounds or contradictory in a recipe.

    Raises:
        RecipeError: The first thing found wrong.
    """
    check_fields_together(validated(dataclasses.asdict(recipe)))


def check_fields_together(recipe: Recipe) -> None:
    """Refuse names that the engine does not know, and fields that contradict each other.

    Args:
        recipe: Each of its fields within its bounds.

    Raises:
        RecipeError: The first thing found wrong.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", recipe.name):
        raise RecipeError(
            f"{quoted(recipe.name)} cannot be a recipe's name",
            "Use lower-case letters, digits, dots and hyphens",
        )
    if not re.fullmatch(r"imagenet|random|(file|run):\S.*", recipe.weights):
        raise unknown("weights", recipe.weights, ("imagenet", "random", "file:NAME", "run:RUN_ID"))
    for field, names in registries().items():
        for place, value in _values(recipe, field):
            if value not in names:
                raise unknown(place, value, names)
    if len(recipe.head.dropout) not in (1, len(recipe.head.hidden) or 1):
        raise RecipeError(
            f"head.dropout has {len(recipe.head.dropout)} rates for {len(recipe.head.hidden)} hidden layers",
            "Give one rate for all, or one a hidden layer",
        )
    if not recipe.phases:
        raise RecipeError("The recipe has no phase", "Add at least one phase")
    for number, phase in enumerate(recipe.phases):
        place = f"phases.{number}"
        if phase.schedule == "plateau" and phase.schedule_factor == 1:
            raise RecipeError(
                f"{place} lowers its learning rate on a plateau by a factor of 1, which changes nothing",
                f"Set {place}.schedule_factor below 1, often 0.1",
            )
        if phase.warm_up >= phase.epochs:
            raise RecipeError(
                f"{place} warms up for {phase.warm_up} of {phase.epochs} epochs, so its learning rate is never reached",
                f"Set {place}.warm_up below {place}.epochs",
            )
        if phase.freeze_batch_norm and recipe.weights == "random":
            raise RecipeError(
                f"{place} freezes the batch norm of a backbone with random weights, which has measured no image yet",
                f"Set weights to imagenet, or {place}.freeze_batch_norm to false",
            )
    if recipe.test_time_flip and not recipe.augmentation.horizontal_flip:
        raise RecipeError(
            "The recipe predicts from mirror images too (test_time_flip), but none is seen in training",
            "Set augmentation.horizontal_flip to true where left and right mean the same, or test_time_flip to false",
        )
    if recipe.weights == "random" and all(phase.trainable == "head" for phase in recipe.phases):
        raise RecipeError(
            "Only the head is trained, on a backbone with random weights",
            "Set weights to imagenet, or phases.0.trainable to all",
        )


def check_sides(recipe: Recipe, classes: Sequence[str]) -> None:
    """Refuse to mirror images of classes that differ by their side: what is left would be taught as right.

    Args:
        recipe: What decides the training.
        classes: Of the data.

    Raises:
        RecipeError: Images are mirrored although two classes are told apart by left and right.
    """
    mirrored = {"augmentation": recipe.augmentation}
    if recipe.balance.method == "duplicate-augmented":
        mirrored["balance.augmentation"] = recipe.balance.augmentation
    by_words = {tuple(_words(name)): name for name in classes}
    sides = [
        (name, by_words[other])
        for words, name in by_words.items()
        if (other := tuple(_SIDES.get(word, word) for word in words)) != words and other in by_words
    ]
    for field, augmentation in mirrored.items():
        if sides and augmentation.horizontal_flip:
            first, second = sides[0]
            raise RecipeError(
                f"The recipe mirrors training images, and “{first}” mirrored looks like “{second}”",
                f"Set {field}.horizontal_flip to false, and test_time_flip too where it is true",
            )


_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.casefold())


def _values(recipe: Recipe, field: str) -> Iterator[tuple[str, str]]:
    """Yield where a field stands and what it holds: once, or once a phase."""
    of_phase = field.removeprefix("phases.")
    if of_phase == field:
        yield field, attrgetter(field)(recipe)
        return
    for number, phase in enumerate(recipe.phases):
        yield f"phases.{number}.{of_phase}", getattr(phase, of_phase)
