"""`overread compare`: several recipes, or one recipe with one field varied, on one split; then a table and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine import jobs
from engine.data import Choices, training_request
from engine.errors import EngineError, ReportError
from engine.experiments import (
    Contestant,
    Entry,
    RunComparison,
    compare_runs,
    document,
    entries_of,
    finished_run,
    words,
    write_comparison,
)
from engine.reading import open_store
from engine.recipes import change_recipe, find_recipe
from engine.records import Estimate, Index, Recipe, Run
from engine.report import figure, interval, p_value
from engine.runs import load_history, load_run
from engine.workspace import Workspace, open_workspace
from gui.cli.data import choices_of, dataset_of, divide, pairs_of
from gui.cli.terminal import duration, say, show_json, show_table, watch_job
from gui.cli.train import epochs_of


def compare(
    dataset: str,
    names: Sequence[str],
    *,
    vary: str | None,
    changes: Sequence[str],
    epochs: str | None,
    seeds: int,
    ratios: str | None,
    seed: int | None,
    use_given: bool | None,
    positive: str | None,
    device: str,
    allow_downloads: bool,
    reuse: bool,
    out: Path | None,
    workspace_root: Path | None,
    as_json: bool,
) -> None:
    """See `gui.cli.main.compare`."""
    workspace = open_workspace(workspace_root)
    recipes = []
    for name in names:
        recipe = find_recipe(name)
        recipes.append(change_recipe(recipe, {**epochs_of(recipe, epochs), **pairs_of(changes, "--set")}))
    entries = entries_of(recipes, vary=vary, seeds=seeds)
    found = dataset_of(workspace, dataset)
    choices = choices_of(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    split = divide(found, choices)
    runs: dict[str, Run] = {}
    failed: dict[str, str] = {}
    stopped = False
    for number, entry in enumerate(entries, start=1):
        say(f"{number} of {len(entries)}: {entry.label}")
        try:
            known = finished_run(workspace, entry.recipe, found, split, choices) if reuse else None
            if known is not None:
                say(f"Run {known.run_id} is there already")
            runs[entry.label] = known or _train(
                workspace, entry.recipe, found, choices, device=device, allow_downloads=allow_downloads
            )
        except KeyboardInterrupt:
            stopped = True
            break
        except EngineError as error:  # the others are worth having all the same; it is said again at the end
            failed[entry.label] = str(error)
            say(str(error))
    if len(runs) >= (2 if stopped else 1):
        _conclude(workspace, entries, runs, failed, out=out, as_json=as_json)
    if stopped:
        say(
            f"{len(runs)} of {len(entries)} are done and kept; the same command with --reuse goes on from there"
        )
        raise KeyboardInterrupt
    if failed:
        first = next(iter(failed))
        raise ReportError(
            f"{len(failed)} of {len(entries)} runs could not be trained, the first of them {first}: {failed[first]}",
            "Mend or leave out what failed; --reuse keeps what is done",
        )


def _train(
    workspace: Workspace,
    recipe: Recipe,
    found: Index,
    choices: Choices,
    *,
    device: str,
    allow_downloads: bool,
) -> Run:
    job = jobs.submit(
        workspace, training_request(recipe, found, choices, device=device, allow_downloads=allow_downloads)
    )
    end = watch_job(job.folder)
    if end.state != "done":
        problem, _, remedy = end.message.partition(". ")
        raise ReportError(problem, remedy or f"See its log: overread runs; run {end.job_id}")
    return load_run(job.folder)


def _conclude(
    workspace: Workspace,
    entries: Sequence[Entry],
    runs: dict[str, Run],
    failed: dict[str, str],
    *,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare what is done, write it down and print it."""
    with open_store(workspace.database) as store:
        contestants = [
            Contestant(
                name=entry.name,
                run=runs[entry.label],
                predictions=store.predictions(runs[entry.label].run_id, part="test"),
                history=load_history(runs[entry.label].folder),
            )
            for entry in entries
            if entry.label in runs
        ]
    comparison = compare_runs(contestants)
    folder = out or workspace.root / "comparisons" / contestants[0].run.run_id
    written = write_comparison(comparison, folder)
    if as_json:
        files = {"html": written.html, "csv": written.csv, "json": written.json}
        show_json({**document(comparison), "failed": failed, **files})
        return
    _show(comparison)
    print(written.html)


def _show(comparison: RunComparison) -> None:
    headings = ("recipe", "differs", "accuracy", "AUROC", "macro F1", "trained", "epochs", "time")
    rows = [
        (
            row.label,
            words(row.differs) if number else "",
            *(_figure(row.estimates[name]) for name in ("accuracy", "AUROC", "macro F1")),
            row.run.trained_parameters,
            row.epochs,
            duration(row.run.seconds),
        )
        for number, row in enumerate(comparison.rows)
    ]
    show_table(headings, rows, title=f"{comparison.dataset_name}, {comparison.cases:,} test images")
    paired = [
        (
            row.label,
            _figure(row.accuracy.difference),
            p_value(row.p_accuracy),
            _figure(row.area.difference),
            p_value(row.p_area),
        )
        for row in comparison.rows
        if row.accuracy is not None and row.area is not None
    ]
    if paired:
        titles = ("minus the first", "accuracy", "p", "AUROC", "p")
        show_table(titles, paired, title="Case by case; p-values adjusted for the number of rows")
    if comparison.spreads:
        show_table(
            ("over seeds", "figure", "runs", "mean", "deviation"),
            [(one.name, one.figure, one.runs, one.mean, one.deviation) for one in comparison.spreads],
        )


def _figure(estimate: Estimate) -> str:
    return f"{figure(estimate.value)} ({interval(estimate)})"
