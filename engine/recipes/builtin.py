"""The recipes that come with Overread: its own, and the published systems."""

from __future__ import annotations

from dataclasses import dataclass

from engine.language import N_
from engine.recipes.published import FAMILIES, PUBLISHED
from engine.records import Augmentation, Balance, Head, Phase, Recipe

_LITE0 = "timm tf_efficientnet_lite0 with the ImageNet weights of the registry package (Apache-2.0)"


_FILM_AUGMENTATION = Augmentation(rotation=7, zoom=0.08, shift=0.04, brightness=0.15, contrast=0.15)


BUILT_IN: dict[str, Recipe] = {
    "default": Recipe(
        name="default",
        title=N_("Transfer, then fine-tune"),
        source=f"{_LITE0}: a head on frozen features, then the last blocks at a low rate, their batch norm frozen",
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
        title=N_("The demonstration: default, shortened for 400 small films"),
        source=f"{_LITE0}: a head on frozen features, then the last blocks, their batch norm frozen; the epoch of "
        "the lowest validation loss is kept, because an AUROC of some 20 validation films with the finding swings",
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
                monitor="val_loss",
            ),
            Phase(
                name="fine-tune",
                epochs=8,
                trainable="last 6",
                freeze_batch_norm=True,
                warm_up=1,
                optimizer="adamw",
                learning_rate=3e-4,
                weight_decay=1e-2,
                schedule="cosine",
                monitor="val_loss",
            ),
        ),
        balance=Balance(method="class-weights"),
        augmentation=_FILM_AUGMENTATION,
        views=2,
        batch_size=16,
    ),
    "head-only": Recipe(
        name="head-only",
        title=N_("Transfer, head only (fastest)"),
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
    "thorough": Recipe(
        name="thorough",
        title=N_("Fine-tune the whole network, for long"),
        source=f"{_LITE0}: as “default”, with four augmented views for the head, and then every block at a rate that "
        "falls from block to block, until the AUROC on validation images has not risen for 6 epochs",
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
            Phase(
                name="fine-tune",
                epochs=20,
                trainable="all",
                freeze_batch_norm=True,
                warm_up=1,
                layer_decay=0.8,
                optimizer="adamw",
                learning_rate=2e-4,
                weight_decay=1e-2,
                schedule="cosine",
                stop_patience=6,
                monitor="val_auc",
            ),
        ),
        balance=Balance(method="class-weights"),
        augmentation=_FILM_AUGMENTATION,
        views=4,
        batch_size=32,
    ),
}


RECIPES: dict[str, Recipe] = {**BUILT_IN, **PUBLISHED}

PURPOSES: dict[str, tuple[Recipe, ...]] = {"General": tuple(BUILT_IN.values()), **FAMILIES}
"""What recipes are for → recipes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A training that is offered to whoever does not want to choose a recipe.

    Attributes:
        title: One word.
        about: What it does, in a few words.
        recipe: A key of `RECIPES`.
    """

    title: str
    about: str
    recipe: str


PLANS: dict[str, Plan] = {
    "quick": Plan(
        title="Quick", about="a new last layer on a network that is left as it is", recipe="head-only"
    ),
    "recommended": Plan(
        title="Recommended",
        about="the same, then the network's last blocks are fitted to your images",
        recipe="default",
    ),
    "thorough": Plan(
        title="Thorough", about="then the whole network, for as long as it helps", recipe="thorough"
    ),
}
"""What the Train page offers first: to add one, add a line."""
