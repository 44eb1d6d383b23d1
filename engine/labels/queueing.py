"""Suspects on their way to a reader: the queue “likely mislabelled” of a run."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import ReviewError
from engine.labels.searching import keep_search
from engine.labels.suspicion import Progress, Suspect
from engine.prediction import predict_and_explain
from engine.reading import Store
from engine.records import Run
from engine.runs import (
    load_explanations,
    load_map_settings,
    save_distances,
    save_explanations,
    split_of,
)
from engine.saliency import DEFAULT_SALIENCY
from engine.workspace import Workspace

MOST = 200  # suspects that are offered to be read


def to_be_read(
    workspace: Workspace,
    store: Store,
    run: Run,
    found: Sequence[Suspect],
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> int:
    """Fill the queue with the images whose label is not the likeliest class; of training images predictions are made.

    Args:
        workspace: Holds the cache.
        store: Gets the queue.
        run: Whose cases they become.
        found: The most doubtful first; test cases are passed over.
        device: "auto", "cpu", "cuda" or "mps".
        progress: Called with images done and images in all while training images are predicted.

    Returns:
        How many there are to read.

    Raises:
        ReviewError: The run is a cross-validation: each of its cases is a test case.
    """
    if run.folds:
        raise ReviewError(
            f"Run {run.run_id} is a cross-validation, in which every case is a test case",
            "Let readers read the suspects blind beside a random control",
        )
    chosen = [one for one in found if one.suspected and one.part != "test"][:MOST]
    known = {case.image_id for case in store.predictions(run.run_id)}
    wanted = {one.image_id for one in chosen if one.part == "train"} - known
    samples = [sample for sample in split_of(run).train if sample.image_id in wanted]
    if samples:
        settings, kept = load_map_settings(run.folder), dict(load_explanations(run.folder))
        predictions = []
        for prediction, explanation in predict_and_explain(
            run,
            samples,
            cache_dir=workspace.cache,
            device=device,
            parts=dict.fromkeys(wanted, "train"),
            progress=progress,
            method=settings.method if settings else DEFAULT_SALIENCY,
        ):
            predictions.append(prediction)
            if explanation is not None:
                kept[prediction.image_id] = explanation
        save_explanations(run.folder, kept.values())
        save_distances(run, predictions)
        store.add_cases(run.run_id, predictions)
    keep_search(run, found)
    return store.labels.suspect(run.run_id, {one.image_id: one.suspicion for one in chosen})
