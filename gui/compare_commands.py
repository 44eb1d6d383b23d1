"""`overread compare`: several recipes, or one recipe with one field varied, on one split; then a table and a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import jobs
from engine.comparison import Contestant, RunComparison, compare_runs
from engine.comparison_files import document, words, write_comparison
from engine.errors import EngineError, RecipeError, ReportError
from engine.recipe import change_recipe, find_recipe
from engine.records import PARTS, Estimate, Index, Recipe, Run, Split
from engine.run import list_runs, load_history, load_run, split_of
from engine.split import limit_training
from engine.store import open_store
from engine.wording import figure, interval, p_value
from engine.workspace import Workspace, open_workspace
from gui.choices import Choices
from gui.data_commands import choices_of, dataset_of, divide, pairs_of
from gui.run_commands import epochs_of
from gui.terminal import duration, say, show_json, show_table, watch_job


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run that shall take part: what it is called, and its recipe."""

    name: str
    recipe: Recipe

    @property
    def label(self) -> str:
        """The name, with the seed unless it is 0."""
        return f"{self.name}, seed {self.recipe.seed}" if self.recipe.seed else self.name


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
    """See `gui.cli.compare`."""
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


def entries_of(recipes: Sequence[Recipe], *, vary: str | None, seeds: int) -> list[Entry]:
    """Return what is to be trained, in order.

    Args:
        recipes: As they are to be trained.
        vary: "field=value,value": the values of one field of one recipe.
        seeds: Runs of each, with as many seeds.

    Raises:
        RecipeError: There are fewer than two runs, `vary` cannot be understood, or a value does not fit.
    """
    entries = [Entry(name=recipe.name, recipe=recipe) for recipe in recipes]
    if vary is not None:
        if len(recipes) != 1:
            raise RecipeError("--vary changes one recipe, and there are several", "Name one recipe")
        field, equals, listed = vary.partition("=")
        values = [value.strip() for value in re.split(r",(?![^\[]*\])", listed)]
        if not equals or not all(values) or not field:
            raise RecipeError(f"“{vary}” does not say what to vary", "Write --vary field=value,value,…")
        entries = [
            Entry(name=f"{field}={value}", recipe=change_recipe(recipes[0], {field: value}))
            for value in values
        ]
    if len({entry.name for entry in entries}) < len(entries):
        raise RecipeError("One recipe is named twice", "Name each once; --seeds repeats all of them")
    if seeds < 1:
        raise RecipeError(f"{seeds} is no number of seeds", "Set --seeds to 1 or more")
    if len(entries) * seeds < 2:
        raise RecipeError("One run alone cannot be compared", "Name two recipes, or use --vary or --seeds")
    return [
        replace(entry, recipe=replace(entry.recipe, seed=entry.recipe.seed + more))
        for more in range(seeds)
        for entry in entries
    ]


def finished_run(
    workspace: Workspace, recipe: Recipe, found: Index, split: Split, choices: Choices
) -> Run | None:
    """Return the newest finished run of the same recipe on the same split of the same data, if there is one."""
    limited = limit_training(split, recipe.train_limit, seed=recipe.seed)
    for run in list_runs(workspace):
        if run.recipe != recipe or run.dataset_id != found.dataset_id:
            continue
        if choices.positive not in (None, run.positive) or not _predicted(workspace, run):
            continue
        if all(_ids(split_of(run), part) == _ids(limited, part) for part in PARTS):
            return run
    return None


def _ids(split: Split, part: Any) -> set[str]:
    return {sample.image_id for sample in split.part(part)}


def _predicted(workspace: Workspace, run: Run) -> bool:
    with open_store(workspace.database) as store:
        return bool(store.predictions(run.run_id, part="test"))


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
        workspace,
        recipe=recipe,
        dataset_id=found.dataset_id,
        ratios=choices.ratios,
        split_seed=choices.seed,
        use_given=choices.use_given,
        positive=choices.positive,
        device=device,
        allow_downloads=allow_downloads,
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
