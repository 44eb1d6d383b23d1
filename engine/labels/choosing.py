"""Which version of the labels a training uses: the one that a data set is set to, or one that is named for once."""

from __future__ import annotations

from dataclasses import replace

from engine.data import Choices, load_choices, save_choices, training_request
from engine.labels.making import base_run_of, labels_of, used, version_named
from engine.labels.parts import relabelled, splits_asked_for
from engine.reading import Store
from engine.recipes import RECIPES
from engine.records import Index, LabelsUsed, LabelVersion, Split
from engine.runs import find_run
from engine.workspace import Workspace


def version_in_use(workspace: Workspace, store: Store, index: Index) -> LabelVersion:
    """Return the version of a data set's labels that its next training uses: v1 until another one is chosen.

    Raises:
        DataError: What was chosen for the data set cannot be read.
        ReviewError: The version that was chosen is not there.
    """
    return version_named(store, index, str(load_choices(workspace, index.dataset_id).labels))


def use_version(workspace: Workspace, store: Store, index: Index, name: str) -> LabelVersion:
    """Choose the version that the next training of a data set uses; raises as `version_in_use`."""
    version = version_named(store, index, name)
    kept = load_choices(workspace, index.dataset_id)
    save_choices(workspace, index.dataset_id, replace(kept, labels=version.number))
    return version


def on_version(
    workspace: Workspace,
    store: Store,
    index: Index,
    version: LabelVersion,
    *,
    like: str | None = None,
    own_split: bool = False,
) -> tuple[Index, LabelsUsed | None]:
    """Return a data set with the labels of a version, and what a training on them is asked with.

    Args:
        workspace: Holds the runs.
        store: Holds the versions.
        index: The data set, with the labels that it came with.
        version: Of its labels.
        like: The run whose parts are kept; None means the one whose readings the labels are from.
        own_split: Whether it was said how to split, so that no run's parts are kept unless one is named.

    Returns:
        None beside the data set where it is trained on as it came.

    Raises:
        RunError: There is no run of that name.
    """
    base = like or ("" if own_split else base_run_of(workspace, store, version))
    base = find_run(workspace, base).run_id if base else ""
    if version.parent is None and not base:
        return index, None
    labels = labels_of(store, index, version.number)
    return relabelled(index, labels), used(version, base_run=base)


def splits_on(
    workspace: Workspace, index: Index, choices: Choices, labels: LabelsUsed | None, *, folds: int = 0
) -> tuple[Split, ...]:
    """Return the split that a training on some labels has, or one a fold; raises as `splits_asked_for`."""
    recipe = RECIPES["default"]  # says nothing of the split
    return splits_asked_for(workspace, training_request(recipe, index, choices, folds=folds, labels=labels))[
        1
    ]


def splits_in_use(workspace: Workspace, store: Store, index: Index, choices: Choices) -> tuple[Split, ...]:
    """Return the split that a data set's next training has on the labels in use; raises as `splits_on`."""
    version = version_named(store, index, str(choices.labels))
    found, labels = on_version(workspace, store, index, version)
    return splits_on(workspace, found, choices, labels)
