"""A run and the one that was trained after it on other labels, on the same test cases, held against the same labels."""

from __future__ import annotations

from dataclasses import replace

from engine.data import load_index
from engine.errors import ReportError
from engine.experiments.comparison import Contestant, RunComparison, compare_runs
from engine.experiments.labelled import held_against, number_of, standard_in_words
from engine.labels import labels_of, versions_of
from engine.reading import Store
from engine.records import FIRST_VERSION, Run
from engine.runs import find_run, load_history
from engine.workspace import Workspace


def compare_before_after(
    workspace: Workspace, store: Store, after: Run, *, reference: int | None = None
) -> RunComparison:
    """Compare a run that kept the parts of another one with that one.

    Args:
        workspace: Where both lie.
        store: With their predictions.
        after: The later run.
        reference: The version of the labels that both are held against; None means the later run's.

    Raises:
        ReportError: It kept no run's parts, or they have no test case with a label in common.
        RunError: The earlier run is gone.
    """
    if after.labels is None or not after.labels.base_run:
        raise ReportError(
            f"Run {after.run_id} kept the parts of no earlier run",
            "Train again on corrected labels first",
            option="overread train DATASET --labels VERSION",
            fields=("Report", "Labels"),
        )
    before = find_run(workspace, after.labels.base_run)
    index = load_index(workspace, after.dataset_id)
    number = after.labels.number if reference is None else reference
    labels, came = labels_of(store, index, number), labels_of(store, index, FIRST_VERSION)
    told = {
        one.run_id: {
            case.image_id: case for case in held_against(store.predictions(one.run_id, part="test"), labels)
        }
        for one in (before, after)
    }
    common = told[before.run_id].keys() & told[after.run_id].keys()
    if not common:
        raise ReportError(
            f"Runs {before.run_id} and {after.run_id} have no test case in common that has a label",
            "Compare against another version of the labels",
        )
    compared = compare_runs(
        [
            Contestant(
                name=f"{when}: trained on labels v{number_of(one)}",
                run=one,
                predictions=[told[one.run_id][name] for name in sorted(common)],
                history=load_history(one.folder),
            )
            for when, one in (("before", before), ("after", after))
        ]
    )
    version = next(one for one in versions_of(store, index) if one.number == number)
    sentence = standard_in_words(version, (before, after), labels, came, common)
    return replace(compared, reference=sentence)
