"""`overread train`, `runs`, `watch`, `stop` and `resume`: training runs, each in a separate process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine import cluster, data, jobs, labels as label_versions, naming, recipes, report, runs
from engine.errors import RecipeError, RunError, TrainingError
from engine.language import count_of
from engine.workspace import Workspace, open_workspace
from gui.cli.data import choices_of, dataset_of, on_labels, pairs_of, say_lost
from gui.cli.options import (
    LINE,
    TRAINING,
    ChangesOption,
    DatasetArgument,
    DeviceOption,
    DownloadsOption,
    EpochsOption,
    GivenOption,
    JsonOption,
    OnOption,
    PositiveOption,
    RatiosOption,
    RunArgument,
    SplitSeedOption,
    TrainingLabelsOption,
    WorkersOption,
    WorkspaceOption,
    whole,
)
from gui.cli.terminal import say, say_error, show_json, show_table, watch_job

if TYPE_CHECKING:
    from engine.records import Recipe, Run

app = typer.Typer()
kept_runs = typer.Typer(invoke_without_command=True)
app.add_typer(kept_runs, name="runs", rich_help_panel=TRAINING)


@app.command(rich_help_panel=LINE)
def train(
    dataset: DatasetArgument,
    recipe: Annotated[str, typer.Option(metavar="NAME|FILE", help="See: overread recipes.")] = "default",
    changes: ChangesOption = None,
    epochs: EpochsOption = None,
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: PositiveOption = None,
    folds: Annotated[
        int,
        typer.Option(
            parser=whole(0),
            metavar="K",
            help="Cross-validation: K models, each tested on a K-th of the patients; together they predict new images.",
        ),
    ] = 0,
    labels: TrainingLabelsOption = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Keep the parts of this run; default: of the run whose readings the labels are from.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="FIGURE",
            help="What the run is to show of its test part: AUROC, accuracy, sensitivity or specificity. It is kept "
            "with the time before anything is trained; without it no report of the run is final.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    allow_downloads: DownloadsOption = False,
    on: OnOption = None,
    workers: WorkersOption = None,
    background: Annotated[bool, typer.Option("--background", help="Start it and return at once.")] = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train, then predict the validation and test images. Ctrl-C asks before it stops the training.

    Example: [bold]overread train ~/images --recipe default --epochs 20,2[/bold]
    """
    workspace = open_workspace(root)
    (chosen,) = recipes_asked(workspace, [recipe], epochs, changes)
    found = dataset_of(workspace, dataset)
    own = bool(ratios or folds or seed is not None or use_given is not None)
    found, used = on_labels(workspace, found, labels, like=like, own_split=own)
    choices = choices_of(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    say_lost(found.dataset_id, [sample.path for sample in found.samples])
    if folds:
        data.folds_as_chosen(found, choices, folds)  # the parts that the data came with cannot be kept then
    request = data.training_request(
        chosen, found, choices, device=device, allow_downloads=allow_downloads, folds=folds, labels=used
    )
    if endpoint is not None:
        request = runs.fix_endpoint(workspace, request, endpoint, len(found.classes))
    label_versions.splits_asked_for(
        workspace, request
    )  # what cannot be split is said now, not by another process
    if on:
        cluster.check_address(on)
    job = jobs.submit(workspace, request, on=on or "", workers=workers or 0)
    several = f", {folds} folds" if folds else ""
    say(f"Run {job.job_id}: {chosen.title} on {found.name}{several}")
    if request.endpoint is not None:
        say(f"Primary endpoint: {endpoint}, fixed {request.endpoint.fixed:%Y-%m-%d %H:%M:%S} UTC")
        say(f"Digest of what was fixed: {request.endpoint.sha256}")
    if background:
        _say_status(jobs.status(job.folder), as_json=as_json)
        say(f"Watch it with: overread watch {job.job_id}")
        return
    _finish(workspace, job.folder, as_json=as_json)


def recipes_asked(
    workspace: Workspace, names: Sequence[str], epochs: str | None, changes: Sequence[str] | None
) -> list[Recipe]:
    """Return recipes by name or file, each with what `--epochs` and `--set` change in it.

    Raises:
        RecipeError: There is no such recipe, or it cannot be changed so.
    """
    own = recipes.own_recipes(workspace, on_damaged=say_error)
    found = [recipes.find_recipe(name, own) for name in names]
    changed = pairs_of(changes or [], "--set")
    return [recipes.change_recipe(one, {**epochs_of(one, epochs), **changed}) for one in found]


def epochs_of(recipe: Recipe, text: str | None) -> dict[str, str]:
    """Return what `--epochs` changes in a recipe: one number for all phases, or one a phase.

    Raises:
        RecipeError: There are not as many numbers as phases.
    """
    if text is None:
        return {}
    counts = text.split(",")
    if len(counts) == 1:
        counts *= len(recipe.phases)
    if len(counts) != len(recipe.phases):
        raise RecipeError(
            f"{recipe.name} has {len(recipe.phases)} phases, and --epochs names {len(counts)}",
            "Give one number for all phases, or one a phase: --epochs 20,2",
        )
    return {f"phases.{number}.epochs": count for number, count in enumerate(counts)}


def _finish(workspace: Workspace, folder: Path, *, as_json: bool, ours: bool = True) -> None:
    """Follow a run to its end and say how it went.

    Raises:
        TrainingError: It did not end well.
    """
    end = watch_job(folder, ours=ours)
    if end.state != "done":
        problem, _, remedy = end.message.partition(". ")
        raise TrainingError(problem, remedy or f"Resume it with: overread resume {end.job_id}")
    run = runs.load_run(folder)
    curves = [runs.load_history(model.folder) for model in runs.models_of(run)]
    kept = [epoch.val_auc for epoch in map(runs.kept_epoch, curves) if epoch is not None]
    reached = sum(kept) / len(kept) if kept else float("nan")
    epochs = sum(map(len, curves))
    facts: dict[str, Any] = {
        "run_id": run.run_id,
        "folder": run.folder,
        "recipe": run.name,
        "classes": run.classes,
        "positive": run.positive,
        "epochs": epochs,
        "folds": run.folds,
        "val_auc": reached,
        "threshold": run.threshold,
        "validated": report.plain(run.validated),
        "seconds": run.seconds,
        "device": run.device,
        "weights": run.weights_source,
        "remarks": run.weights_origin.remarks if run.weights_origin else (),
        "parameters": run.parameters,
        "trained_parameters": run.trained_parameters,
    }
    passport = runs.load_passport(folder)
    if as_json:
        show_json({**facts, "heatmaps": passport and report.passport_document(passport)})
        return
    of_folds = f" of {run.folds} models" if run.folds else ""
    for remark in facts["remarks"]:
        say(remark)
    trained_for = f"{count_of(epochs, 'epoch')}{of_folds} in {report.duration(run.seconds)}"
    print(f"Run {run.run_id}: {trained_for} on {run.device}")
    which = (
        f"Mean AUROC of the epochs that were kept {report.figure(reached)} on each model's"
        if run.folds
        else ""
    )
    which = which or f"AUROC of the epoch that was kept {report.figure(reached)} on"
    print(f"{which} validation data; test data wait for the report")
    if run.validated is not None:
        print(f"Operating point: {run.positive} predicted {report.edge_words(run)}")
        print(report.operating_words(run))
    if passport is not None:
        print(f"Heatmaps: {report.passport_line(passport)}")
    say(f"Next: overread gui, or overread report {run.run_id} --out report")


def _job_folder(workspace: Workspace, run: str) -> Path:
    """Return the folder of a run that may still be working."""
    names = [now.job_id for now in jobs.list_jobs(workspace)]
    matching = names[:1] if run == "latest" else [name for name in names if run and name.startswith(run)]
    if len(matching) != 1:
        raise RunError(
            f"“{run}” does not match exactly one run", "Choose one of those that `overread runs` lists"
        )
    return workspace.runs / matching[0]


@kept_runs.callback()
def list_runs(context: typer.Context, root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the runs of the workspace and how far each is; or rename, note, archive or delete one.

    Example: [bold]overread runs[/bold]
    """
    if context.invoked_subcommand is not None:
        return
    damaged: list[RunError] = []
    workspace = open_workspace(root)
    found = jobs.list_jobs(workspace, on_damaged=damaged.append)
    given = [run for run in runs.list_runs(workspace) if run.supplied is not None]
    if as_json:
        listed = [_status_facts(now) for now in found]
        listed += [
            {"run_id": one.run_id, "state": "supplied", "message": _supplied_words(one)} for one in given
        ]
        show_json({"runs": listed, "damaged": [str(one) for one in damaged]})
        return
    rows: list[tuple[object, ...]] = [
        (now.job_id, _name(now.folder), now.state, now.progress, _area(now), now.message) for now in found
    ]
    rows += [(one.run_id, _name(one.folder), "supplied", "–", None, _supplied_words(one)) for one in given]
    show_table(
        ("run", "name", "state", "epochs", "validation AUROC, last epoch", ""),
        rows,
        none="" if damaged else "There are no runs yet. Train one: overread train DATASET",
    )
    for one in damaged:
        say_error(one)


def _name(folder: Path) -> str:
    given = naming.given_of(folder)
    return f"{given.name} (archived)".strip() if given.archived else given.name


def _supplied_words(run: Run) -> str:
    return f"Predictions of {run.title} for {run.dataset_name}; Overread did not compute them"


def _area(now: jobs.JobStatus) -> float | None:
    return None if now.last_epoch is None else now.last_epoch.val_auc


def _status_facts(now: jobs.JobStatus) -> dict[str, Any]:
    return {
        "run_id": now.job_id,
        "state": now.state,
        "message": now.message,
        "epoch": now.epoch,
        "epochs": now.epochs,
        "fold": now.fold,
        "folds": now.folds,
        "seconds_left": now.seconds_left,
        "val_auc": _area(now),
        "folder": now.folder,
        "name": naming.given_of(now.folder).name,
        "note": naming.given_of(now.folder).note,
        "archived": naming.given_of(now.folder).archived,
    }


def _say_status(now: jobs.JobStatus, *, as_json: bool) -> None:
    if as_json:
        show_json(_status_facts(now))
    else:
        print(f"Run {now.job_id}: {now.state}. {now.message}")


@app.command(rich_help_panel=TRAINING)
def watch(run: RunArgument, root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Follow a training that is running, whoever started it.

    Example: [bold]overread watch latest[/bold]
    """
    workspace = open_workspace(root)
    _finish(workspace, _job_folder(workspace, run), as_json=as_json, ours=False)


@app.command(rich_help_panel=TRAINING)
def stop(run: RunArgument, root: WorkspaceOption = None) -> None:
    """Stop a training within a batch; it can be resumed from its last checkpoint.

    Example: [bold]overread stop latest[/bold]
    """
    folder = _job_folder(open_workspace(root), run)
    if not jobs.status(folder).working:
        _say_status(jobs.status(folder), as_json=False)
        return
    jobs.stop(folder)
    for now in jobs.watch(folder):
        if not now.working:
            _say_status(now, as_json=False)


@app.command(rich_help_panel=TRAINING)
def resume(run: RunArgument, root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Continue a training run that was stopped, failed or lost, from its last checkpoint.

    Example: [bold]overread resume latest[/bold]
    """
    workspace = open_workspace(root)
    job = jobs.resume(workspace, _job_folder(workspace, run).name)
    _finish(workspace, job.folder, as_json=as_json)
