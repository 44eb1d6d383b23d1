"""Report: choose a run, a part of the data and the reference standards; see the results, take them away as files.

Nothing is computed here: `engine.pipeline` computes, `engine.report` draws and writes.
They are imported when a report is asked for: the window opens seconds sooner without them.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from engine.errors import EngineError, ReportError, RunError
from engine.handover import MODEL_FORMATS
from engine.kept_files import ignore
from engine.reading import Store
from engine.records import Part
from engine.report import EXPORTS, REFERENCE_STANDARDS
from engine.runs import find_run, list_runs
from engine.workspace import Workspace
from gui.pages.meant import run_meant
from gui.pages.report import elsewhere, relabelling
from gui.pages.report.found_elsewhere import result
from gui.pages.report.sections import (
    about,
    cases,
    chosen_standards,
    classification_rows,
    drawings,
    estimate_rows,
    headline,
    said,
    training,
)
from gui.pages.where_now import found, missed, place
from gui.web import AppSession, arrival, markup, say_where, shown

if TYPE_CHECKING:
    from engine.report import Report

PARTS_SHOWN: dict[str, tuple[str, Part | None]] = {
    "test": ("test images", "test"),
    "val": ("validation images", "val"),
    "all": ("all parts of the run's own data", None),
}


# ---------------------------------------------------------------------------------------- what is shown


def report_of(session: AppSession, run_id: str | None, part: str) -> Report:
    """Return the report on one part of a run's data.

    Raises:
        ReportError: No run is chosen, or it has no predictions on this part.
        RunError: The run cannot be read.
    """
    if not run_id:
        raise ReportError("There is no finished run to report on", "Train one on the Train page first")
    # Reviews are append-only: as long as there are as many, they are the same.
    reviews = len(session.store.reviews(run_id))
    folder = session.workspace.runs / run_id
    names = ("heatmaps.npz", "split.csv", "sizes.json", "shift.npz", "distances.npz", "sources.json")
    files = [
        *(folder / name for name in names),
        *folder.glob("external/*/external.json"),
        session.workspace.datasets,
    ]
    read = [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
    return _computed(session.workspace, session.store, run_id, part, (reviews, *read))


@lru_cache(maxsize=4)
def _computed(workspace: Workspace, store: Store, run_id: str, part: str, stamp: tuple[int, ...]) -> Report:
    """Compute a report once for all who look at it; `stamp` changes with what it rests on."""
    from engine.pipeline import report_run

    run = find_run(workspace, run_id)
    return report_run(workspace, store, run, part=PARTS_SHOWN.get(part, PARTS_SHOWN["test"])[1])


# ---------------------------------------------------------------------------------------- handlers


def run_choices(
    session: AppSession, *, on_damaged: Callable[[RunError], None] = ignore
) -> list[tuple[str, str]]:
    """Return the finished runs for a drop-down, newest first."""
    known = set(session.store.run_ids())
    return [
        (f"{run.created.astimezone():%d %b %Y %H:%M} · {run.title} · {run.dataset_name}", run.run_id)
        for run in list_runs(session.workspace, on_damaged=on_damaged)
        if run.run_id in known
    ]


def show(
    session: AppSession, run_id: str | None, part: str, standards: Sequence[str], heat: bool
) -> tuple[Any, ...]:
    """Return all that the page shows of a run, in the order of the page's outputs."""
    if not run_id:
        nothing = markup.note(
            "There is no finished run of these images. Train one on the Train page, or choose another run."
            if session.store.run_ids()
            else "No finished run yet. Train one on the Train page; its report then appears here."
        )
        return nothing, *_nothing(), "", "", "", "", *missed(session, [])
    try:
        report = report_of(session, run_id, part)
    except EngineError as error:  # another run can still be chosen
        told = markup.note(str(error), tone="serious")
        return told, *_nothing(), "", "", "", "", *missed(session, [])
    chosen = {one.name: one for one in chosen_standards(report, standards)}
    shown_standards: list[Any] = []
    for name in REFERENCE_STANDARDS:
        one = chosen.get(name)
        if one is None:
            shown_standards += _nothing_of_one()
        else:
            shown_standards += [
                gr.Column(visible=True),
                said(one),
                gr.Dataframe(value=classification_rows(one) if one.cases else [], visible=one.cases > 0),
                gr.Dataframe(value=estimate_rows(one) if one.cases else [], visible=one.cases > 0),
                drawings(report, one),
            ]
    return (
        headline(report, standards),
        *shown_standards,
        training(report),
        cases(session, report, standards, heat=heat),
        about(report),
        result(report),
        *missed(session, [case.path for case in session.store.predictions(run_id, report.part)]),
    )


def _nothing() -> list[Any]:
    return [output for _ in REFERENCE_STANDARDS for output in _nothing_of_one()]


def _nothing_of_one() -> list[Any]:
    return [gr.Column(visible=False), "", gr.Dataframe(visible=False), gr.Dataframe(visible=False), ""]


def opened(
    session: AppSession,
    named: str | None,
    chosen: str | None,
    part: str,
    standards: Sequence[str],
    heat: bool,
) -> tuple[Any, ...]:
    """Return the drop-down and all that is shown, when the page is come to: of the run, or data set, that is named."""
    damaged: list[RunError] = []
    choices = run_choices(session, on_damaged=damaged.append)
    run_id = run_meant(session, named or chosen, [run_id for _, run_id in choices])
    overview, *rest = show(session, run_id, part, standards, heat)
    return gr.Dropdown(choices=choices, value=run_id), markup.problems(damaged) + overview, *rest


def find_images(
    session: AppSession, run_id: str | None, folder: str, part: str, standards: Sequence[str], heat: bool
) -> tuple[Any, ...]:
    """Look for a run's images in a folder; return what is shown of it then, and what came of it.

    Raises:
        EngineError: There is no such folder.
    """
    answer = found(session, run_id, folder)
    return *show(session, run_id, part, standards, heat), answer


def export(session: AppSession, kind: str, run_id: str | None, part: str) -> str:
    """Write the report as a file to be downloaded and return its path.

    Args:
        session: The window.
        kind: A key of `EXPORTS`.
        run_id: The run.
        part: A key of `PARTS_SHOWN`.

    Raises:
        ReportError: There is nothing to report on.
        WorkspaceError: It cannot be written.
    """
    from engine.pipeline import export_run

    report = report_of(session, run_id, part)
    predictions = session.store.predictions(report.run.run_id, report.part)
    # In Gradio's own folder, which is private and swept daily.
    folder = Path(tempfile.mkdtemp(prefix="report-", dir=os.environ.get("GRADIO_TEMP_DIR")))
    written = export_run(session.workspace, report, report.run, predictions, folder, formats=[kind])[kind]
    return _as_one_file(list(written.values()), folder, f"overread-{report.run.run_id}-{part}")


def hand_over(session: AppSession, kind: str, run_id: str | None, part: str) -> str:
    """Write the model of a run as a file to be downloaded and return its path.

    Args:
        session: The window.
        kind: A key of `MODEL_FORMATS`.
        run_id: The run.
        part: Not read: a model is the same whatever is looked at.

    Raises:
        ExportError: A package is missing, or the file does not give what the run gives.
        ReportError: No run is chosen, or it has no test predictions.
        WorkspaceError: It cannot be written.
    """
    from engine.pipeline import export_model

    if not run_id:
        raise ReportError("There is no finished run to export", "Train one on the Train page first")
    run = find_run(session.workspace, run_id)
    folder = Path(tempfile.mkdtemp(prefix="model-", dir=os.environ.get("GRADIO_TEMP_DIR")))
    written = export_model(session.workspace, session.store, run, folder, formats=[kind])[kind]
    return _as_one_file(written, folder, f"overread-{run.run_id}-{kind}")


def _as_one_file(paths: Sequence[Path], folder: Path, name: str) -> str:
    """Return what a browser can download at once: the file, named after its run, or all of them packed."""
    if len(paths) > 1:
        archive = folder / f"{name}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in paths:
                packed.write(path, path.name)
        return str(archive)
    return str(paths[0].rename(folder / f"{name}{paths[0].suffix}"))


# ---------------------------------------------------------------------------------------- layout


def build(session: AppSession) -> None:
    """Place and wire the page inside the current `gr.Blocks`."""
    come_to = arrival()
    gr.HTML(markup.STYLE, elem_classes="or-style")
    with gr.Row():
        run = gr.Dropdown(
            label="Run", choices=[], interactive=True, elem_id="report-run", scale=3, min_width=320
        )
        part = gr.Dropdown(
            label="Images",
            choices=[(words, name) for name, (words, _) in PARTS_SHOWN.items()],
            value="test",
            interactive=True,
            elem_id="report-part",
            scale=2,
            min_width=220,
        )
        standards = gr.CheckboxGroup(
            label="Reference standard",
            choices=list(REFERENCE_STANDARDS),
            value=list(REFERENCE_STANDARDS),
            elem_id="report-standards",
            scale=3,
            min_width=320,
        )
    question = place("report")
    overview = gr.HTML(elem_id="report-headline", padding=False)
    with gr.Row():
        buttons = {
            kind: gr.Button(f"Download {one.title}", elem_id=f"report-{kind}", min_width=160)
            for kind, one in EXPORTS.items()
        }
    with gr.Row():
        models = {
            kind: gr.Button(f"Download {one.title}", elem_id=f"model-{kind}", min_width=160)
            for kind, one in MODEL_FORMATS.items()
        }
        hidden = gr.DownloadButton(visible="hidden", elem_id="report-file")
    per_standard: list[Any] = []
    with gr.Tabs():
        with gr.Tab("Metrics"), gr.Row():
            for at, name in enumerate(REFERENCE_STANDARDS):
                with gr.Column(min_width=420, visible=False, elem_id=f"report-standard-{at}") as column:
                    gr.Markdown(f"### Against {name}")
                    words = gr.HTML(padding=False)
                    table = gr.Dataframe(
                        headers=["class", "precision", "recall", "F1", "AUROC", "images"],
                        datatype="str",
                        interactive=False,
                        label="Classification report, with 95% intervals",
                        wrap=True,
                        column_widths=["15%", "19%", "19%", "19%", "18%", "10%"],
                        elem_id=f"report-classes-{at}",
                        elem_classes="or-tight",
                    )
                    pictures = gr.HTML(padding=False, elem_id=f"report-drawings-{at}")
                    estimates = gr.Dataframe(
                        headers=["metric", "value", "95% interval", "method", "based on"],
                        datatype="str",
                        interactive=False,
                        label="All metrics",
                        wrap=True,
                        column_widths=["28%", "11%", "19%", "31%", "11%"],
                        elem_id=f"report-estimates-{at}",
                        elem_classes="or-tight",
                    )
                per_standard += [column, words, table, estimates, pictures]
        with gr.Tab("Cases"):
            heat = gr.Checkbox(True, label="Show the heatmap over the image", elem_id="report-heat")
            gallery = gr.HTML(elem_id="report-cases", padding=False)
        with gr.Tab("Training"):
            history = gr.HTML(elem_id="report-training", padding=False)
        with gr.Tab("About"):
            facts = gr.HTML(elem_id="report-about", padding=False)
        with gr.Tab("Images from elsewhere"):
            form = elsewhere.place(session)
        with gr.Tab("Labels"):
            labels = relabelling.place()

    asked = [run, part, standards, heat]
    outputs = [overview, *per_standard, history, gallery, facts, form.result, *question.asking]
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    gr.on(
        [run.input, part.input, standards.input, heat.input],
        partial(shown(show), session),
        asked,
        outputs,
        api_name="report_show",
        api_visibility="undocumented",
        show_progress="minimal",
        show_progress_on=[overview],
        trigger_mode="always_last",
    )
    gr.on(
        [question.button.click, question.folder.submit],
        partial(shown(find_images), session),
        [run, question.folder, *asked[1:]],
        [*outputs, question.answer],
        api_name="report_find",
        api_visibility="undocumented",
        show_progress_on=[question.answer],
        trigger_mode="once",
    )
    for write, kind, button in (
        *((export, kind, button) for kind, button in buttons.items()),
        *((hand_over, kind, button) for kind, button in models.items()),
    ):
        button.click(
            partial(shown(write), session, kind),
            [run, part],
            hidden,
            api_name=f"{button.elem_id}".replace("-", "_"),
            api_visibility="undocumented",
            show_progress_on=[button],
            concurrency_limit=1,
        ).success(None, None, None, js="() => document.querySelector('#report-file').click()")
    of_run = elsewhere.wire(session, form, run=run, part=part, file=hidden, report_of=report_of)
    labels_of_run = relabelling.wire(session, labels, run=run, file=hidden)
    # Whenever the page is come to: a run may have finished since, and reviews have been made.
    say_where("run", run)
    come_to(
        partial(shown(opened), session),
        asked,
        [run, *outputs],
        named=("run", "data"),
        api_name="report_open",
        **quiet,
    ).then(shown(of_run), run, elsewhere.listed(form), api_name="elsewhere_open", **quiet).then(
        shown(labels_of_run), run, relabelling.outputs(labels), api_name="labels_open", **quiet
    )
