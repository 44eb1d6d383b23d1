"""`overread validate` and `shift`: a run on labelled images from elsewhere, and which images it knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import data, external, prediction, reading, report, runs
from engine.language import count_of
from engine.records import Sample
from engine.workspace import open_workspace
from gui.cli.data import dataset_of, say_lost
from gui.cli.options import (
    LINE,
    DatasetArgument,
    DeviceOption,
    JsonOption,
    RunArgument,
    WorkspaceOption,
    place,
)
from gui.cli.proposal import SameOption
from gui.cli.terminal import progress, say, show_json, show_table

if TYPE_CHECKING:
    from engine.records import Estimate

app = typer.Typer()


@app.command(rich_help_panel=LINE)
def validate(
    run: RunArgument,
    dataset: DatasetArgument,
    same: SameOption = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="NAME of these data is none of the run's classes; may be repeated."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=place, metavar="DIR", help="Where the files go too; they are kept in the run's folder."
        ),
    ] = None,
    device: DeviceOption = "auto",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test a run on labelled images from elsewhere, beside its internal test; its report then holds it.

    Example: [bold]overread validate latest ~/other-hospital --same Healthy=normal[/bold]
    """
    from engine import pipeline

    workspace = open_workspace(root)
    trained = runs.find_trained(workspace, run)
    foreign = dataset_of(workspace, dataset, to_train=False)
    say_lost(foreign.dataset_id, [sample.path for sample in foreign.samples])
    with reading.open_store(workspace.database) as store, progress("Testing") as bar:
        test = pipeline.validate_run(
            workspace,
            store,
            trained,
            foreign,
            same=data.answers_from_options(same=same or ()).same,
            leave_out=leave_out or (),
            device=device,
            progress=lambda done, total: bar(done, total, "Testing"),
            comparing=lambda done, total: bar(done, total, "Comparing with the run's own images"),
        )
    written = external.keep_external(trained, test)
    if out is not None:
        written = report.write_external(test, out)
    if as_json:
        show_json({**report.external_document(test), **written.files})
        return
    for sentence in test.sentences:
        say(sentence)
    title = f"{trained.run_id} on {count_of(test.images, 'image')} of {foreign.name}"
    rows = [(one.name, *map(_figure, (one.internal, one.external, one.difference))) for one in test.figures]
    show_table(("figure", "internal", "external", "difference"), rows, title=title)
    print(written.html)


def _figure(estimate: Estimate) -> str:
    from engine.report import figure, interval  # with them comes numpy

    return f"{figure(estimate.value)} ({interval(estimate)})"


@app.command(rich_help_panel=LINE)
def shift(
    run: RunArgument,
    again: Annotated[
        bool, typer.Option("--again", help="Fit it again: its file is damaged, or was fitted before.")
    ] = False,
    device: DeviceOption = "auto",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which images differ from those of training, and how often that is said of the run's own; fit it if need be.

    Example: [bold]overread shift latest[/bold]
    """
    from engine import uncertainty  # with it comes torch

    workspace = open_workspace(root)
    trained = runs.find_trained(workspace, run)
    with reading.open_store(workspace.database) as store:
        stored = store.predictions(trained.run_id)
    if again or None in runs.load_known(trained):
        elsewhere = [
            Sample(path=one.path, image_id=one.image_id, label=None, patient_id=one.patient_id)
            for one in stored
            if one.part is None
        ]
        with progress("Measuring") as bar:
            prediction.refit_shift(trained, elsewhere, cache_dir=workspace.cache, device=device, progress=bar)
    known, measured = runs.load_known(trained), runs.with_distances(trained, stored)
    told = {
        name: uncertainty.shift_told(
            known, trained, [one for one in measured if one.part == part], coverage=None
        )
        for name, part in (("test", "test"), ("elsewhere", None))
    }
    found = {name: shift for name, (shift, _) in told.items()}
    why_not = [sentence for shift, said in told.values() if shift is None for sentence in said]
    unknown = why_not[0] if why_not else None
    if unknown:
        say(f"{unknown}.")
    if as_json:
        show_json({"run_id": trained.run_id, "why_not_known": unknown, **report.plain(found)})
        return
    for words, one in zip(("the run's own test part", "images from elsewhere"), found.values(), strict=True):
        if one is not None:
            print(f"Of {words}: {'. '.join(uncertainty.shift_words(one, coverage=None))}.")
