"""What an augmentation changes; whoever only says so needs no torch."""

from __future__ import annotations

from engine.records import Augmentation, Recipe


def augmentation_is_none(augmentation: Augmentation) -> bool:
    """Return whether `augmentation` changes nothing, whatever its fill."""
    return not (
        resamples(augmentation) or turns(augmentation) or recolours(augmentation) or augmentation.noise
    )


def changes_of_copies(recipe: Recipe) -> Augmentation | None:
    """Return how the copies that its balance makes of rarer images are changed; None where it makes none of its own."""
    if recipe.balance.method != "duplicate-augmented":
        return None
    own = recipe.balance.augmentation
    return recipe.augmentation if augmentation_is_none(own) else own


def resamples(augmentation: Augmentation) -> bool:
    """Return whether pixels are moved by fractions."""
    return any(
        (augmentation.rotation, augmentation.shear, augmentation.zoom, augmentation.crop, augmentation.shift)
    )


def turns(augmentation: Augmentation) -> bool:
    """Return whether rows and columns change places as they are."""
    return any((augmentation.horizontal_flip, augmentation.vertical_flip, augmentation.quarter_turns))


def recolours(augmentation: Augmentation) -> bool:
    """Return whether grey values change."""
    return any((augmentation.brightness, augmentation.contrast))
