"""Finished runs side by side, whoever trained them: on the labelled test cases that all of them predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.data import match_names
from engine.errors import ReportError
from engine.experiments.comparison import Contestant, RunComparison, compare_runs
from engine.experiments.labelled import held_against, one_standard, standard_in_words
from engine.naming import given_of
from engine.reading import Store
from engine.records import FIRST_VERSION, Prediction, Run
from engine.runs import load_history


def compare_finished(store: Store, runs: Sequence[Run], *, labels: int | None = None) -> RunComparison:
    """Compare finished runs case by case, those whose predictions were supplied among them.

    Of a run that was trained here only its test part counts, of supplied predictions every case; what one of the runs
    has not predicted, or knows by another label, is left out and counted. Runs of one data set that were tested on
    different versions of its labels are all held against one of them, which the comparison names.

    Args:
        store: With their predictions.
        runs: Two or more; the first is what the others are held against.
        labels: The version of the labels that all are held against; None means the newest that one was tested on.

    Raises:
        ReportError: There are fewer than two, their classes differ, no labelled case is common to all, or they were
            tested on corrected labels of different data sets.
        StoreError: There is no such version.
    """
    if len({run.run_id for run in runs}) < 2:
        raise ReportError("One run alone cannot be compared", "Name two runs or more")
    first = runs[0]
    version = one_standard(store, runs, labels)
    of_version = store.labels.of_version(first.dataset_id, version.number) if version else {}
    told = []
    for run in runs:
        cases = store.predictions(run.run_id, part="test")
        cases = held_against(cases, of_version) if version else cases
        told.append(_of_the_firsts_classes(cases, run, first))
    labelled = [{one.image_id: one.label for one in cases if one.label is not None} for cases in told]
    common = set(labelled[0]).intersection(*labelled[1:])
    alike = {image_id for image_id in common if len({of[image_id] for of in labelled}) == 1}
    if not alike:
        raise ReportError(
            f"Runs {', '.join(run.run_id for run in runs)} have no labelled test case in common",
            "Compare runs that were tested on the same images: import predictions of the data set that the other run "
            "was tested on, or read and label the images with both",
        )
    everything = set().union(*({one.image_id for one in cases} for cases in told))
    compared = compare_runs(
        [
            Contestant(
                name=name,
                run=run,
                predictions=[one for one in cases if one.image_id in alike],
                history=load_history(run.folder),
            )
            for name, run, cases in zip(_names(runs), runs, told, strict=True)
        ]
    )
    left_out = {
        "not labelled, or not among the test cases of every run": len(everything) - len(common),
        "labelled otherwise in another run's data": len(common) - len(alike),
    }
    reference = ""
    if version is not None:
        came = store.labels.of_version(first.dataset_id, FIRST_VERSION)
        reference = standard_in_words(version, runs, of_version, came, alike)
    return replace(
        compared,
        one_split=False,
        left_out={why: count for why, count in left_out.items() if count},
        reference=reference,
    )


def _names(runs: Sequence[Run]) -> list[str]:
    """Return what runs are called side by side: what tells them apart comes first, as a figure cuts long names."""
    names = [given_of(run.folder).name or run.title for run in runs]
    return [
        f"{name}, run {run.run_id}" if names.count(name) == 1 else f"run {run.run_id}, {name}"
        for name, run in zip(names, runs, strict=True)
    ]


def _of_the_firsts_classes(cases: Sequence[Prediction], run: Run, first: Run) -> list[Prediction]:
    """Return predictions in the first run's classes, in their order and spelling."""
    meant = match_names(run.classes, first.classes)
    if set(meant.values()) != set(first.classes) or len(run.classes) != len(first.classes):
        raise ReportError(
            f"Runs {first.run_id} and {run.run_id} have different classes ({', '.join(first.classes)}; "
            f"{', '.join(run.classes)})",
            "Compare runs on the same classes; an import can say which names are the same",
            option="--same NAME=CLASS",
        )
    order = [list(meant.values()).index(name) for name in first.classes]
    return [
        replace(
            one,
            label=None if one.label is None else meant.get(one.label),
            predicted=meant[one.predicted],
            probabilities=tuple(one.probabilities[place] for place in order),
        )
        for one in cases
    ]
