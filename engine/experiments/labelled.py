"""Runs and the labels they are held against: one version for all of them, which is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from engine.errors import ReportError
from engine.reading import Store
from engine.records import FIRST_VERSION, LabelVersion, Prediction, Run, in_words

Labels = Mapping[str, str | None]


def number_of(run: Run) -> int:
    """Return the version of the labels that a run was tested on."""
    return run.labels.number if run.labels else FIRST_VERSION


def labels_in_words(runs: Sequence[Run]) -> str:
    """Say on which labels runs of one data set were trained and tested; empty for those that came with the data."""
    labels = runs[0].labels if runs else None
    if labels is None or labels.number == FIRST_VERSION:
        return ""
    return f"All were trained and tested on these labels: {labels.sentence}."


def held_against(cases: Sequence[Prediction], labels: Labels) -> list[Prediction]:
    """Return the cases that have a label in a version, each with it."""
    return [
        replace(case, label=labels[case.image_id]) for case in cases if labels.get(case.image_id) is not None
    ]


def one_standard(store: Store, runs: Sequence[Run], wanted: int | None = None) -> LabelVersion | None:
    """Return the version of the labels that runs are to be held against; None where each has its own, and they agree.

    Args:
        store: With the versions.
        runs: To be compared.
        wanted: The version that was asked for; None means the newest that one of the runs was tested on.

    Raises:
        ReportError: They were tested on different labels, and those are of different data sets.
        StoreError: There is no such version.
    """
    numbers, datasets = {number_of(run) for run in runs}, {run.dataset_id for run in runs}
    if wanted is None and numbers == {FIRST_VERSION}:
        return None
    if len(datasets) > 1:
        whose = in_words(
            tuple(f"{run.run_id} on labels v{number_of(run)} of {run.dataset_name}" for run in runs)
        )
        raise ReportError(
            f"The runs were tested on labels of {len(datasets)} data sets, {whose}: versions of different data sets "
            "are no one reference standard",
            "Compare runs of one data set, or runs that were all tested on the labels that came with their data",
        )
    number = max(numbers) if wanted is None else wanted
    (dataset,) = datasets
    if number == FIRST_VERSION and not store.labels.versions(dataset):
        return None
    return store.labels.version(dataset, number)


def standard_in_words(
    version: LabelVersion, runs: Sequence[Run], labels: Labels, came: Labels, cases: Collection[str]
) -> str:
    """Say what labels runs are held against, and how many of these differ from those that came with the data."""
    other = sum(labels[name] != came.get(name) for name in cases)
    changed = (
        "none of these labels differs"
        if not other
        else f"{other:,} of these labels differ{'s' * (other == 1)}"
    )
    all_of_them = "Both runs" if len(runs) == 2 else f"All {len(runs)} runs"
    said = (
        f"{all_of_them} are held against the same labels of the same {len(cases):,} test cases: labels "
        f"v{version.number}; {changed} from those that came with the data."
    )
    return said if version.parent is None else f"{said} {version.without_names}."
