"""The line, walked from end to end: what a training process does, and what the demonstration and command line call.

    train_run      index → split → train → Run          epochs reported on the way
    read_run       Run → predictions and heatmaps       stored, so that reviewing can begin
    report_run     Run → Report                         from what is stored
    validate_run   Run, foreign Index → ExternalTest    figures beside those of the internal test
    export_model   Run → ONNX, safetensors, model card  for other programs and other people

Each takes records and returns records; `engine.jobs.work` calls the first two in a training process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

# Loaded when first named: a report needs no torch, and a training no figures.
from engine import external as abroad, handover, prediction, report as reports, training
from engine.data import all_folds, detail_of, load_index, load_split
from engine.errors import DataError, EngineError, RunError
from engine.images import kept_image
from engine.in_bulk import many_records
from engine.labels import held_against, searches_of, splits_asked_for
from engine.reading import Store, write_anchor
from engine.records import (
    Epoch,
    Explanation,
    ExternalTest,
    Index,
    Part,
    Prediction,
    Run,
    Sample,
    Split,
    TrainingRequest,
    recipe_of,
)
from engine.runs import (
    load_explanations,
    load_history,
    load_map_settings,
    load_robustness,
    load_uncertainty,
    models_of,
    passport_of,
    sizes_of_run,
    split_of,
    tested_by,
)
from engine.saliency import DEFAULT_SALIENCY, heatmap_png
from engine.workspace import Workspace

READ_PARTS: tuple[Part, ...] = ("val", "test")
PICTURE_SIDE = 512  # pixels of an image in a report


def train_run(
    workspace: Workspace,
    folder: Path,
    request: TrainingRequest,
    *,
    resume: bool = False,
    should_stop: training.StopRequested = lambda: False,
    on_batch: training.BatchDone = lambda done, of: None,
    on_trained: Callable[[], None] = lambda: None,
    on_fold: Callable[[int, int], None] = lambda number, of: None,
    trains: Callable[..., Iterator[Epoch]] | None = None,
) -> Iterator[Epoch]:
    """Train what was asked for; afterwards `load_run(folder)` gives the run.

    Args:
        workspace: Holds the data set.
        folder: The run's.
        request: What was asked for.
        resume: Go on from the last checkpoint in the folder.
        should_stop: See `engine.training.train`; so are the two that follow.
        on_batch: See above.
        on_trained: See above.
        on_fold: See `engine.training.train_folds`; so is what trains.
        trains: See above; None means here.
    """
    if request.folds:
        index, splits = splits_asked_for(workspace, request)
        yield from training.train_folds(
            request,
            splits,
            all_folds(index, splits),
            folder=folder,
            cache_dir=workspace.cache,
            dataset_name=index.name,
            should_stop=should_stop,
            on_batch=on_batch,
            on_trained=on_trained,
            on_fold=on_fold,
            resume=resume,
            trains=trains or training.train,
        )
        return
    if resume and (kept := folder / "split.csv").exists():
        name, split = load_index(workspace, request.dataset_id).name, load_split(kept)
    else:
        index, (split,) = splits_asked_for(workspace, request)
        name = index.name
    yield from (trains or training.train)(
        request,
        split,
        folder=folder,
        cache_dir=workspace.cache,
        dataset_name=name,
        should_stop=should_stop,
        on_batch=on_batch,
        on_trained=on_trained,
        resume=resume,
    )


def read_run(
    workspace: Workspace,
    store: Store | None,
    run: Run,
    *,
    parts: Sequence[Part] = READ_PARTS,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Prediction], dict[str, Explanation]]:
    """Predict and explain a run's images and store both, so that reviewing can begin.

    Args:
        workspace: Where the cache lies.
        store: Where cases go; None where somebody else stores them.
        run: A finished run.
        parts: Which parts of its split.
        device: "auto", "cpu", "cuda" or "mps".
        progress: Called with images done and images in all; may raise to stop.

    Returns:
        The predictions, and the explanations by image id.
    """
    predictions, explanations = prediction.read_own(
        run, parts, cache_dir=workspace.cache, device=device, progress=progress
    )
    if store is not None:
        store.add_run(run)
        store.add_cases(run.run_id, predictions)
    return predictions, explanations


def read_samples(
    workspace: Workspace,
    run: Run,
    samples: Sequence[Sample],
    *,
    parts: Mapping[str, Part] | None = None,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
    method: str | None = None,
    target: str | None = None,
    reads: Callable[..., Iterator[tuple[Prediction, Explanation | None]]] | None = None,
) -> tuple[list[Prediction], dict[str, Explanation]]:
    """Predict and explain any images with a run; nothing is stored.

    `method` is a key of `engine.saliency.SALIENCIES`; None means the run's own. `target` is the class that every map
    argues for; None means the finding of two classes, and the predicted one of more. `reads` does the work: here where
    it is None, or on a cluster.

    Returns:
        The predictions, and the explanations by image id.
    """
    settings = load_map_settings(run.folder)
    told = list(
        (reads or prediction.predict_and_explain)(
            run,
            samples,
            cache_dir=workspace.cache,
            device=device,
            parts=parts,
            progress=progress,
            method=method or (settings.method if settings else DEFAULT_SALIENCY),
            target=target,
        )
    )
    return [one for one, _ in told], {why.image_id: why for _, why in told if why is not None}


@many_records
def report_run(
    workspace: Workspace,
    store: Store,
    run: Run,
    *,
    part: Part | None = "test",
    prevalence: float | None = None,
    labels: str | None = None,
) -> reports.Report:
    """Build a run's report from what is stored.

    Args:
        workspace: Where the run lies.
        store: With the run's cases and reviews.
        run: A finished run.
        part: Which part of the split; None means all. Images of no part are reported by themselves.
        prevalence: How common the finding is where the model would be used; None means what is kept with the run.
        labels: Version of the data set's labels to hold it against, by name; None means the one it was tested on.

    Raises:
        EngineError: There are no predictions, or there is no such version of the labels.
    """
    everything = store.predictions(run.run_id)
    # A training image that was predicted to be read tells nothing of the model: it learned from it.
    predictions = [each for each in everything if each.part in READ_PARTS and part in (None, each.part)]
    split, said, held, robustness = (own := split_of(run)), list[str](), None, None
    if labels is not None:
        predictions, split, held = held_against(workspace, store, run, predictions, split, labels)
    of_folds = models_of(run)
    said += _smaller(run, split.trained_on, predictions, sizes_of_run(run.folder, own))
    try:
        measured = load_robustness(run.folder) if part == "test" else None
        robustness = measured if held is None else None
        if measured is not robustness:
            said.append("Robustness was measured against the run's own labels, and is left out.")
    except RunError as error:  # the other figures do not need it
        said.append(str(error))
    prevalence = reports.prevalence_of(run.folder, prevalence, said)
    reviews, explanations = store.reviews(run.run_id), load_explanations(run.folder)
    shown = {explanations[one.image_id].method for one in predictions if one.image_id in explanations}
    report = reports.build_report(
        run,
        predictions,
        history=load_history(run.folder),
        uncertainty=(uncertainty := load_uncertainty(run.folder)),
        reviews=reviews,
        split=split,
        explanations=explanations,
        pointing=reports.pointing(run, predictions, explanations, part=part, said=said, split=own)
        if part
        else None,
        robustness=robustness,
        passports=[passport_of(run.folder, method) for method in sorted(shown)],
        part=part,
        prevalence=prevalence,
        settled=reports.consensus_of_studies(store, run, predictions),
        labels=held,
        searches=searches_of(workspace, store, run, said),
        further_limitations=said,
        folds=reports.CrossValidation(
            fold_of=tested_by(of_folds),
            models=of_folds,
            histories=tuple(tuple(load_history(model.folder)) for model in of_folds),
        )
        if run.folds
        else None,
    )
    if not store.read_only:
        write_anchor(workspace.anchors, store.head(), "a report was made")
    report = reports.with_files(report, _index_of(workspace, run))
    report = replace(report, facts=(*report.facts, *reports.facts_of_files(run)))
    report = reports.with_readers(report, store, workspace, explanations)
    elsewhere = abroad.abroad_of(workspace, run)
    report = reports.with_elsewhere(report, everything, reviews, elsewhere, uncertainty)
    return reports.with_checklists(report)


def _smaller(
    run: Run,
    trained_on: Sequence[Sample],
    predictions: Sequence[Prediction],
    sizes: Mapping[str, tuple[int, int]],
) -> list[str]:
    """Say how many images are far smaller than what the model was trained on."""
    if run.recipe is None:
        return []
    detail = detail_of(run.recipe.image_size, trained_on)
    small = detail.of_several([sizes.get(prediction.image_id) for prediction in predictions])
    return [] if small is None else [f"{small}."]


def _index_of(workspace: Workspace, run: Run) -> Index | None:
    """Return the data set of a run; None where it is not there any more or cannot be read."""
    try:
        return load_index(workspace, run.dataset_id)
    except DataError:
        return None


def validate_run(
    workspace: Workspace,
    store: Store,
    run: Run,
    index: Index,
    *,
    same: Mapping[str, str] | None = None,
    leave_out: Collection[str] = (),
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
    comparing: Callable[[int, int], None] | None = None,
) -> ExternalTest:
    """Test a finished run on labelled images from elsewhere, beside its internal test; the run stays as it is.

    Args:
        workspace: Where the cache lies.
        store: With the run's own predictions.
        run: A finished run.
        index: The foreign data.
        same: Class of the run by foreign name, where spelling does not say it.
        leave_out: Foreign names that are none of the run's classes.
        device: "auto", "cpu", "cuda" or "mps".
        progress: Called with images done and images in all; may raise to stop.
        comparing: The same while the images are compared with the run's own; None means `progress`.

    Raises:
        DataError: A label means none of the run's classes and nobody said what becomes of it, or no image is left.
        ReportError: There is no internal test to compare with.
    """
    recipe_of(run)  # says so where there is no net, before anything is read
    split, at = split_of(run), workspace.cache
    cases = abroad.external_cases(run, split, index.samples, same=same or {}, leave_out=leave_out)
    cases = abroad.with_copies_said(run, split, cases, cache_dir=at, progress=comparing or progress)
    internal = store.predictions(run.run_id, part="test")
    external = list(prediction.predict(run, cases.samples, cache_dir=at, device=device, progress=progress))
    if gone := len(cases.samples) - len(external):
        cases = replace(cases, left_out={**cases.left_out, "could not be read any more": gone})
    return abroad.compare_with_internal(
        run, internal, external, cases, dataset_id=index.dataset_id, dataset_name=index.name
    )


def export_run(
    workspace: Workspace,
    report: reports.Report,
    run: Run,
    predictions: Sequence[Prediction],
    folder: Path,
    *,
    formats: Sequence[str] = (),
    told: tuple[str, reports.Report] | None = None,
) -> reports.ExportedReport:
    """Write a report's files with its images and heatmaps, in all formats or those named; `told` as `export_report`.

    Raises:
        ReportError: There is no such format.
        WorkspaceError: The folder cannot be written to.
    """
    paths = {prediction.image_id: prediction.path for prediction in predictions}
    explanations = load_explanations(run.folder)

    def picture(image_id: str) -> bytes | None:
        try:
            return kept_image(workspace.cache, paths[image_id], image_id, PICTURE_SIDE, unchanged=True)
        except EngineError:
            return None  # the image has gone or changed since: the report's figures do not need it

    def heatmap(image_id: str) -> bytes | None:
        explanation = explanations.get(image_id)
        return None if explanation is None else heatmap_png(explanation.heatmap, scale=explanation.scale)

    return reports.export_report(report, folder, picture=picture, heatmap=heatmap, formats=formats, told=told)


def export_model(
    workspace: Workspace, store: Store, run: Run, folder: Path, *, formats: Sequence[str] = ()
) -> handover.WrittenModel:
    """Write a run for other programs, in the formats named or in all; see `engine.handover.write_model`.

    Raises:
        ExportError: There is no such format, a package is missing, or a file does not give what the run gives.
        ReportError: The run has no test predictions for a model card.
        WorkspaceError: The folder cannot be written to.
    """
    at_hand = handover.RunAtHand(
        run=run, split=split_of(run), report=lambda: report_run(workspace, store, run, part="test")
    )
    return handover.write_model(at_hand, folder, formats=formats)


__all__ = [
    "Split", "export_model", "export_run", "read_run", "read_samples", "report_run", "train_run", "validate_run",
]  # fmt: skip
