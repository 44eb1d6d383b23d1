"""`overread compare-runs`: finished runs side by side, another model's predictions among them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import data, experiments, labels as label_versions, reading, runs
from engine.language import count_of
from engine.workspace import open_workspace
from gui.cli.compare import show_comparison
from gui.cli.options import LINE, ComparedFormatOption, JsonOption, WorkspaceOption, named, place
from gui.cli.terminal import say, show_json

app = typer.Typer()


@app.command("compare-runs", rich_help_panel=LINE)
def compare_runs(
    names: Annotated[
        list[str],
        typer.Argument(
            parser=named,
            metavar="RUN…",
            help="Two runs or more; the first is what the others are held against.",
        ),
    ],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Version of the labels that all are held against. Default: the newest that one of them was tested on.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(parser=place, metavar="DIR", help="Where the page goes; default: in the workspace."),
    ] = None,
    formats: ComparedFormatOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare finished runs case by case with paired tests, another model's imported predictions among them.

    Example: [bold]overread compare-runs 20261126-0715 latest[/bold]
    """
    workspace = open_workspace(root)
    found = [runs.find_run(workspace, name) for name in names]
    with reading.open_store(workspace.database) as store:
        number = None
        if labels is not None:
            index = data.load_index(workspace, found[0].dataset_id)
            number = label_versions.version_named(store, index, labels).number
        comparison = experiments.compare_finished(store, found, labels=number)
    folder = out or workspace.root / "comparisons" / "-".join(run.run_id for run in found[:4])
    written = experiments.export_comparison(comparison, folder, formats or ())
    for why, count in comparison.left_out.items():
        say(f"Left out, {count_of(count, 'case')}: {why}.")
    if as_json:
        show_json({**experiments.document(comparison), **written})
        return
    if comparison.reference:
        say(comparison.reference)
    show_comparison(comparison)
    print(next(iter(written.values())))
