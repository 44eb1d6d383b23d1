"""Training again on corrected labels: the recipe and the parts of a run, so that both can be compared."""

from __future__ import annotations

from engine.data import load_index
from engine.errors import ReviewError
from engine.labels.making import draft_from_run, drafted_words, make, used, versions_of
from engine.reading import Store
from engine.records import FIRST_VERSION, LabelVersion, Run, TrainingRequest, recipe_of
from engine.runs import list_runs
from engine.workspace import Workspace


def version_to_train_on(workspace: Workspace, store: Store, run: Run) -> LabelVersion:
    """Return the labels to train again on: made from what was read of a run, or the newest where it is in them already.

    Raises:
        ReviewError: There are none but those that the run was trained on.
        DataError: The data set is gone.
    """
    recipe_of(run)
    index = load_index(workspace, run.dataset_id)
    newest = versions_of(store, index)[-1]
    trained_on = run.labels.number if run.labels else FIRST_VERSION
    if run.folds and newest.number > trained_on:
        return newest
    drafted = draft_from_run(workspace, store, run)
    if drafted.changed:
        return make(workspace, store, run.dataset_id, drafted)
    if newest.number > trained_on:
        return newest
    raise ReviewError(f"No label would change: {drafted_words(drafted)}", "Read cases, then try again")


def request_again(
    run: Run, version: LabelVersion, *, device: str = "auto", allow_downloads: bool = False
) -> TrainingRequest:
    """Return the request to train a run's recipe again on a version of the labels, every image in the part that it had.

    Raises:
        RunError: The run has no recipe.
    """
    return TrainingRequest(
        recipe=recipe_of(run),
        dataset_id=run.dataset_id,
        positive=run.positive,
        device=device,
        allow_downloads=allow_downloads,
        folds=run.folds,
        labels=used(version, base_run=run.run_id),
    )


def trained_after(workspace: Workspace, run: Run) -> list[Run]:
    """Return the finished runs that kept a run's parts, the newest first."""
    return [one for one in list_runs(workspace) if one.labels and one.labels.base_run == run.run_id]
