"""The runs of a learning curve: one recipe on growing, nested shares of the training part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.data import limit_training, patients_named
from engine.errors import RecipeError
from engine.experiments.learning_curve import Trained
from engine.experiments.loop import Entry
from engine.reading import open_store
from engine.records import Recipe, Run, Split
from engine.runs import split_of
from engine.workspace import Workspace


def sizes_of_curve(recipe: Recipe, split: Split, shares: Sequence[float], seeds: int = 1) -> list[Entry]:
    """Return what is to be trained, the smallest first.

    A share is drawn by the recipe's seed, patient after patient, each class in proportion; what a smaller share holds,
    a larger one holds too (`engine.data.limit_training`). Validation and test stay as they are.

    Args:
        recipe: As it is to be trained.
        split: On which.
        shares: Of the training part, in (0, 1].
        seeds: Trainings of each size, each on a share of its own.

    Raises:
        RecipeError: A share is none, holds less than a training image a class, or two hold as many.
    """
    if seeds < 1:
        raise RecipeError(f"{seeds} is not a valid number of seeds", "Set it to 1 or more", option="--seeds")
    if not shares or not all(0 < share <= 1 for share in shares):
        raise RecipeError(
            "A share of the training part lies above 0 and up to 100%",
            "Write for instance 10,18,32,56,100",
            option="--shares",
        )
    whole = len(limit_training(split, recipe.train_limit, seed=recipe.seed).train)
    sizes = [round(whole * share) for share in sorted(shares)]
    if len(set(sizes)) < len(sizes) or sizes[0] < 2 * len(split.classes):
        raise RecipeError(
            f"Of {whole:,} training images, shares of {', '.join(f'{100 * share:g}' for share in sorted(shares))}% are "
            f"{', '.join(f'{size:,}' for size in sizes)} images: each must hold more than the one before, and at least "
            f"{2 * len(split.classes)}",
            "Give fewer or larger shares",
            option="--shares",
        )
    return [
        Entry(
            name=f"{size:,} training images",
            recipe=replace(
                recipe,
                seed=recipe.seed + more,
                train_limit=recipe.train_limit if size == whole else size,
            ),
        )
        for size in sizes
        for more in range(seeds)
    ]


def trained_on_sizes(
    workspace: Workspace, entries: Sequence[Entry], done: Mapping[str, Run]
) -> list[Trained]:
    """Return what came of the entries that could be trained, by label; in the entries' order."""
    with open_store(workspace.database) as store:
        return [
            Trained(
                run=run,
                images=len(train),
                patients=patients_named(train),
                predictions=store.predictions(run.run_id, part="test"),
            )
            for run in (done[entry.label] for entry in entries if entry.label in done)
            for train in (split_of(run).train,)
        ]
