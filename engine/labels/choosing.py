"""Which version of the labels a training uses: the one that a data set is set to, or one that is named for once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.data import Choices, load_choices, load_index, save_choices, training_request
from engine.labels.making import base_run_of, labels_of, used, version_named
from engine.labels.parts import relabelled, splits_asked_for
from engine.reading import Store
from engine.recipes import RECIPES
from engine.records import FIRST_VERSION, Index, LabelsUsed, LabelVersion, Prediction, Run, Sample, Split
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


def held_against(
    workspace: Workspace, store: Store, run: Run, predictions: Sequence[Prediction], split: Split, name: str
) -> tuple[list[Prediction], Split, LabelsUsed | None]:
    """Return a run's predictions, and its split, with the labels of a version of its data set.

    Args:
        workspace: Holds the data set.
        store: Holds the versions.
        run: Whose predictions they are.
        predictions: To be given other labels; an image without one in the version has none.
        split: Of the run; the images among the predictions are given the same labels in it, what was trained on is not.
        name: Of the version.

    Returns:
        Of the version None where the run was tested on it.

    Raises:
        DataError: The data set is gone.
        ReviewError: There is no such version.
    """
    index = load_index(workspace, run.dataset_id)
    version = version_named(store, index, name)
    if version.number == (run.labels.number if run.labels else FIRST_VERSION):
        return list(predictions), split, None
    labels = labels_of(store, index, version.number)
    told = [replace(one, label=labels.get(one.image_id)) for one in predictions]
    here = {one.image_id for one in predictions}

    def part(samples: Sequence[Sample]) -> tuple[Sample, ...]:
        return tuple(
            replace(one, label=labels.get(one.image_id)) if one.image_id in here else one for one in samples
        )

    relabelled_split = replace(split, train=part(split.train), val=part(split.val), test=part(split.test))
    return told, relabelled_split, used(version)


def splits_in_use(workspace: Workspace, store: Store, index: Index, choices: Choices) -> tuple[Split, ...]:
    """Return the split that a data set's next training has on the labels in use; raises as `splits_on`."""
    version = version_named(store, index, str(choices.labels))
    found, labels = on_version(workspace, store, index, version)
    return splits_on(workspace, found, choices, labels)
