"""`overread compare`: several recipes, or one recipe with one field varied, on one split; then a table and a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import experiments, report
from engine.errors import ReportError
from engine.workspace import Workspace, open_workspace
from gui.cli.data import choices_of, dataset_of, on_labels
from gui.cli.options import (
    LINE,
    ChangesOption,
    ComparedFormatOption,
    DatasetArgument,
    DeviceOption,
    DownloadsOption,
    EpochsOption,
    GivenOption,
    JsonOption,
    OnOption,
    OutOption,
    PositiveOption,
    RatiosOption,
    ReuseOption,
    SplitSeedOption,
    TrainingLabelsOption,
    WorkersOption,
    WorkspaceOption,
    whole,
)
from gui.cli.terminal import say, show_json, show_table, watch_job
from gui.cli.train import recipes_asked

if TYPE_CHECKING:
    from engine.records import Estimate, Run

app = typer.Typer()


@app.command(rich_help_panel=LINE)
def compare(
    dataset: DatasetArgument,
    names: Annotated[
        list[str], typer.Argument(metavar="RECIPE…", help="The first is what the others are held against.")
    ],
    vary: Annotated[
        str | None,
        typer.Option(metavar="FIELD=A,B,…", help="Train one recipe with each of these values of one field."),
    ] = None,
    changes: ChangesOption = None,
    epochs: EpochsOption = None,
    seeds: Annotated[int, typer.Option(parser=whole(1), metavar="K", help="Train each with K seeds.")] = 1,
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: PositiveOption = None,
    labels: TrainingLabelsOption = None,
    device: DeviceOption = "auto",
    allow_downloads: DownloadsOption = False,
    reuse: ReuseOption = False,
    out: OutOption = None,
    formats: ComparedFormatOption = None,
    on: OnOption = None,
    workers: WorkersOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train several recipes, or one with a field varied, on one split; write a table with curves and tests.

    Example: [bold]overread compare ~/images head-only default --out compared[/bold]
    """
    experiments.check_formats(formats or ())
    workspace = open_workspace(root)
    asked = recipes_asked(workspace, names, epochs, changes)
    entries = experiments.entries_of(asked, vary=vary, seeds=seeds)
    found = dataset_of(workspace, dataset)
    own_split = bool(ratios or seed is not None or use_given is not None)
    found, used = on_labels(workspace, found, labels, own_split=own_split)
    choices = choices_of(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    train = (
        partial(experiments.train_entries, follow=watch_job)
        if on is None
        else partial(experiments.train_entries_on, on, workers)
    )
    attempts = train(
        workspace,
        entries,
        found,
        choices,
        labels=used,
        device=device,
        allow_downloads=allow_downloads,
        reuse=reuse,
        begin=lambda entry: say(f"{entries.index(entry) + 1} of {len(entries)}: {entry.label}"),
    )
    done, failed, stopped = gather(attempts)
    if len(done) >= (2 if stopped else 1):
        _conclude(workspace, entries, done, failed, out=out, formats=formats or (), as_json=as_json)
    if stopped:
        say(
            f"Done and kept: {len(done)} of {len(entries)}; the same command with --reuse continues from there"
        )
        raise KeyboardInterrupt
    if failed:
        first = next(iter(failed))
        raise ReportError(
            f"{len(failed)} of {len(entries)} runs could not be trained, the first of them {first}: {failed[first]}",
            "Correct or leave out what failed; --reuse keeps what is done",
        )


def gather(attempts: Iterator[experiments.Attempt]) -> tuple[dict[str, Run], dict[str, str], bool]:
    """Return the finished runs and what went wrong, both by label, and whether somebody pressed Ctrl-C."""
    done: dict[str, Run] = {}
    failed: dict[str, str] = {}
    try:
        for attempt in attempts:
            if attempt.run is None:
                failed[attempt.entry.label] = attempt.problem  # said again at the end
                say(attempt.problem)
                continue
            done[attempt.entry.label] = attempt.run
            if attempt.known:
                say(f"Run {attempt.run.run_id} already exists")
    except KeyboardInterrupt:
        return done, failed, True
    return done, failed, False


def _conclude(
    workspace: Workspace,
    entries: Sequence[experiments.Entry],
    done: dict[str, Run],
    failed: dict[str, str],
    *,
    out: Path | None,
    formats: Sequence[str],
    as_json: bool,
) -> None:
    """Compare what is done, write it down and print it."""
    comparison = experiments.compare_entries(workspace, entries, done)
    folder = out or workspace.root / "comparisons" / comparison.rows[0].run.run_id
    written = experiments.export_comparison(comparison, folder, formats)
    if as_json:
        show_json({**experiments.document(comparison), "failed": failed, **written})
        return
    if comparison.reference:
        say(comparison.reference)
    show_comparison(comparison)
    print(next(iter(written.values())))


def show_comparison(comparison: experiments.RunComparison) -> None:
    """Print a comparison as tables."""
    headings = ("recipe", "differs", "accuracy", "AUROC", "macro F1", "trained", "epochs", "time")
    where = experiments.where_different(comparison)
    rows = [
        (
            row.label,
            where[number] if number else "",
            *(_figure(row.estimates[name]) for name in ("accuracy", "AUROC", "macro F1")),
            row.run.trained_parameters,
            row.epochs,
            report.duration(row.run.seconds),
        )
        for number, row in enumerate(comparison.rows)
    ]
    show_table(headings, rows, title=f"{comparison.dataset_name}, {comparison.cases:,} test images")
    paired = [
        (
            one.name,
            one.seeds,
            _figure(one.accuracy.difference),
            report.p_value(one.p_accuracy),
            _figure(one.area.difference),
            report.p_value(one.p_area),
        )
        for one in comparison.contrasts
    ]
    if paired:
        titles = ("minus the first", "seeds", "accuracy", "p", "AUROC", "p")
        show_table(titles, paired, title=f"Case by case; p-values adjusted for all {2 * len(paired)} tests")
    if comparison.spreads:
        show_table(
            ("between seeds", "metric", "runs", "mean", "deviation"),
            [(one.name, one.metric, one.runs, one.mean, one.deviation) for one in comparison.spreads],
        )


def _figure(estimate: Estimate) -> str:
    return f"{report.figure(estimate.value)} ({report.interval(estimate)})"
