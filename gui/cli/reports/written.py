"""`overread report`: of a run, or of a study of readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from engine import reading, runs
from engine.errors import ReportError, ReviewError, RunError
from engine.language import ENGLISH, languages, speaking
from engine.records import PARTS, Part
from engine.report import EXPORTS, STUDY_FORMATS
from engine.workspace import open_workspace
from gui.cli.data import say_lost
from gui.cli.options import LINE, JsonOption, WorkspaceOption, named, place, quantity
from gui.cli.reports.checklist import ChecklistsOption, chosen as checklists_chosen
from gui.cli.results import make_folder
from gui.cli.terminal import say, show_json

if TYPE_CHECKING:
    from engine.reading import Store
    from engine.report import Book, Report
    from engine.workspace import Workspace

app = typer.Typer()


def _language(code: str | None) -> str | None:
    """Return the code of a language that there is."""
    if code is not None and code not in languages():
        raise ReportError(f"There is no language “{code}”", f"Choose one of: {', '.join(languages())}")
    return code


LanguageOption = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="CODE",
        callback=_language,
        help=f"Of the HTML, the PDF and the Word file: {', '.join(languages())}. What other programs "
        "read, and the bundle, are in English. Default: English.",
        show_default=False,
    ),
]
PrevalenceOption = Annotated[
    float | None,
    typer.Option(
        parser=quantity(0.0001, 0.9999, percent=0.01),
        metavar="SHARE",
        help="How common the finding is where the model would be used: adds predictive values. Default: as entered "
        "on the Report page.",
        show_default=False,
    ),
]


@app.command(rich_help_panel=LINE)
def report(
    run: Annotated[
        str,
        typer.Argument(
            parser=named,
            metavar="RUN|STUDY",
            help="A run's id, the start of one, or “latest”; or the name or id of a study.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(parser=place, metavar="DIR", help="Where the files go.")],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help=f"Of a run: {', '.join(EXPORTS)}; of a study: {', '.join(STUDY_FORMATS)}. Default: all of them.",
        ),
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="Of a run: train, val, test or all. Default: test.", show_default=False)
    ] = None,
    lists: ChecklistsOption = None,
    prevalence: PrevalenceOption = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Version of the labels that a run is held against, “latest” for the newest; default: the one that it "
            "was tested on. See: overread labels list.",
            show_default=False,
        ),
    ] = None,
    spoken: LanguageOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a run, or of a study of readers: one HTML file, CSV and JSON.

    A run is held against the labels in the data and the reviewed labels. Of a study: protocol, each reader without the
    model and with it, all readers (MRMC), helped and harmed, agreement, and files for iMRMC and MRMCaov.

    Example: [bold]overread report latest --out report[/bold]
    """
    from engine import pipeline
    from engine.report import Book, with_checklists

    if part not in (None, *get_args(Part), "all"):
        raise ReportError(f"There is no part “{part}”", "Choose train, val, test or all")
    names = checklists_chosen(lists)
    chosen = None if part == "all" else next(name for name in PARTS if name == (part or "test"))
    workspace = open_workspace(root)
    with reading.open_store(workspace.database) as store:
        try:
            trained = runs.find_run(workspace, run)
        except RunError as no_run:
            of_runs = {"--labels": labels, "--part": part, "--prevalence": prevalence}
            given = [option for option, value in of_runs.items() if value is not None]
            exported = _of_study(
                workspace, store, run, out, formats or (), names, given, no_run, spoken or ENGLISH
            )
            _show_written({"study": run}, exported, as_json)
            return
        make_folder(out)
        made = partial(
            pipeline.report_run, workspace, store, trained, part=chosen, prevalence=prevalence, labels=labels
        )
        built = with_checklists(made(), names)
        predictions = store.predictions(trained.run_id, part=chosen)
        say_lost(trained.run_id, [one.path for one in predictions])
        told, wanted = _told(made, spoken), formats or ()
        exported = pipeline.export_run(workspace, built, trained, predictions, out, formats=wanted, told=told)
    _say_figures(Book(built))
    _show_written({"run_id": trained.run_id}, exported, as_json)


def _told(made: Callable[[], Report], spoken: str | None) -> tuple[str, Report] | None:
    """Return a language, and a report that is made while it is spoken; nothing for English."""
    if spoken is None or spoken == ENGLISH:
        return None
    with speaking(spoken):
        return spoken, made()


def _say_figures(book: Book) -> None:
    """Say the sentences of a report that hold its figures, each with the id by which other formats know it."""
    for one in book.passages.values():
        if one.of_figures:
            say(f"{one.id} {one.text}".strip())


def _show_written(
    about: Mapping[str, str], exported: Mapping[str, Mapping[str, Path]], as_json: bool
) -> None:
    if as_json:
        show_json({**about, **{name: _paths(written) for name, written in exported.items()}})
        return
    for written in exported.values():
        for path in written.values():
            print(path)


def _paths(written: Mapping[str, Path]) -> Path | Mapping[str, Path]:
    """Return a format's file, or its files by name where there are several."""
    return next(iter(written.values())) if len(written) == 1 else written


def _of_study(
    workspace: Workspace,
    store: Store,
    name: str,
    out: Path,
    formats: Sequence[str],
    lists: Sequence[str],
    of_runs: Sequence[str],
    no_run: RunError,
    spoken: str,
) -> Mapping[str, Mapping[str, Path]]:
    """Write the report of a study; where there is none of this name either, say that there is neither."""
    from engine.report import (
        export_study,
        report_study,
        study_folder,
        with_study_checklists,
    )  # with them comes numpy

    try:
        study = store.studies.get(name)
    except ReviewError:
        raise RunError(f"{no_run.problem}, and no study", no_run.remedy, option=no_run.option) from no_run
    if of_runs:
        options = " and ".join(of_runs)
        raise ReportError(
            f"{options} can be said of runs alone, and “{name}” is a study: its readers are held against the labels "
            "that came with the data, on the cases of its protocol",
            f"Name a run, or leave out {options}",
        )
    made = report_study(workspace, store, study.study_id)
    made = with_study_checklists(made, study_folder(workspace, study.study_id), lists)
    return export_study(made, out, formats=formats, told=spoken)
