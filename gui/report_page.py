"""Report: choose a run, a part of the data and the reference standards; see the figures, take them away as files.

Nothing is computed here: `engine.line.report_run` computes, `engine.figures` draws, `engine.report_files` writes.
They are imported when a report is asked for: the window opens seconds sooner without them.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from engine.errors import ReportError
from engine.records import Part
from engine.reference import REFERENCE_STANDARDS
from engine.run import find_run, list_runs
from engine.store import Store
from engine.wording import figure, interval
from engine.workspace import Workspace
from gui import markup
from gui.arrival import arrival
from gui.errors import shown
from gui.films import film_url
from gui.session import AppSession

if TYPE_CHECKING:
    from engine.report import Against, CaseRow, Report

PARTS_SHOWN: dict[str, tuple[str, Part | None]] = {
    "test": ("test films", "test"),
    "val": ("validation films (tuned on these: too good)", "val"),
    "all": ("all predicted films (validation among them: too good)", None),
}
FILE_KINDS = {"html": "Download as HTML", "csv": "Download tables (CSV)", "json": "Download as JSON"}
HEADLINE = ("AUROC", "sensitivity", "specificity", "accuracy")
FIGURES_BESIDE = ("confusion", "roc", "precision_recall", "reliability")


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
    heatmaps = session.workspace.runs / run_id / "heatmaps.npz"
    read = heatmaps.stat().st_mtime_ns if heatmaps.exists() else 0
    return _computed(session.workspace, session.store, run_id, part, (reviews, read))


@lru_cache(maxsize=4)
def _computed(workspace: Workspace, store: Store, run_id: str, part: str, stamp: tuple[int, int]) -> Report:
    """Compute a report once for all who look at it; `stamp` changes with what it rests on."""
    from engine.line import report_run

    run = find_run(workspace, run_id)
    return report_run(workspace, store, run, part=PARTS_SHOWN.get(part, PARTS_SHOWN["test"])[1])


def headline(report: Report, standards: Sequence[str]) -> str:
    """Return the main figures against each chosen reference standard, side by side."""
    sides = []
    for one in _chosen(report, standards):
        tiles = []
        for name in HEADLINE:
            estimate = one.estimates.get(name)
            if estimate is not None:
                words = name if name == "AUROC" else name.capitalize()
                tiles.append((figure(estimate.value), f"{words} · 95% {interval(estimate)}"))
        heading = markup.escape(f"{one.name[:1].upper()}{one.name[1:]}")
        count = f"{one.cases:,} of {one.of:,} films have one"
        sides.append(
            f"<div><h4>Against {markup.escape(one.name)}</h4><div class='or-sub'>{markup.escape(count)}</div>"
            f"{markup.figures(tiles) if one.cases else markup.note(f'{heading}: none yet.')}</div>"
        )
    about = [
        (f"{len(report.cases):,}", "films"),
        ("–" if report.patients is None else f"{report.patients:,}", "patients"),
        (f"{report.reviews.cases:,}", "films read by people"),
        (f"{report.reviews.differing:,}", "reviewed labels that differ"),
    ]
    if report.pointing is not None:
        about.append(
            (
                figure(report.pointing.value),
                f"heatmap's peak on the finding · 95% {interval(report.pointing)}",
            )
        )
    return markup.figures(about) + f'<div class="or-side">{"".join(sides)}</div>'


def said(one: Against) -> str:
    """Return what is said of one reference standard: its caution, the figures in sentences, who is left out."""
    left_out = [f"{number:,} left out: {why}" for why, number in one.excluded.items() if number]
    pieces = []
    if one.caution:
        pieces.append(markup.note(one.caution, tone="mild", more=left_out))
    elif left_out:
        pieces.append(markup.note("Not all films count.", more=left_out))
    if one.sentences:
        pieces.append(markup.note(" ".join(one.sentences)))
    return "".join(pieces)


def classification_rows(one: Against) -> list[list[str]]:
    """Return the classification report as rows of text: class, precision, recall, F1, AUROC, support."""
    return [
        [
            row.name,
            *(_with_interval(estimate) for estimate in (row.precision, row.recall, row.f1, row.auroc)),
            f"{row.support:,}",
        ]
        for row in one.rows
    ]


def estimate_rows(one: Against) -> list[list[str]]:
    """Return every overall figure as a row of text: name, value, 95% interval, method, films."""
    return [
        [name, figure(estimate.value), interval(estimate), estimate.method, f"{estimate.n:,}"]
        for name, estimate in one.estimates.items()
    ]


def _with_interval(estimate: Any) -> str:
    bounds = interval(estimate)
    return figure(estimate.value) if bounds == "–" else f"{figure(estimate.value)} ({bounds})"


def drawings(report: Report, one: Against) -> str:
    """Return the figures of one reference standard: SVG of our own making, with every name escaped by it."""
    if not one.cases:
        return ""
    from engine.report_files import figures_of

    drawn = figures_of(report, one)
    each = "".join(f'<div class="or-svg">{drawn[name]}</div>' for name in FIGURES_BESIDE if name in drawn)
    return f'<div class="or-drawings">{each}</div>'


def training(report: Report) -> str:
    """Return the curves of training."""
    if not report.history:
        return markup.note("No training history was kept.")
    from engine.figures import curves_svg

    return f'<div class="or-svg">{curves_svg(report.history)}</div>'


def cases(session: AppSession, report: Report, *, heat: bool) -> str:
    """Return the wrong and the right cases, each with its heatmap over the film."""

    def film(case: CaseRow) -> markup.Film:
        place = report.classes.index(case.predicted)
        lines = [
            f"Called {case.predicted} ({100 * case.probabilities[place]:.0f}%)",
            f"Label: {case.label or 'none'}",
        ]
        if case.reviewed:
            lines.append(f"Reviewed: {case.reviewed}")
        lines.append(f"Case {case.case_id}")
        overlay = film_url(session, report.run.run_id, case.image_id, "heatmap") if case.has_heatmap else ""
        return markup.Film(
            source=film_url(session, report.run.run_id, case.image_id, "film"),
            caption="\n".join(lines),
            overlay=overlay if heat else "",
            tone="wrong" if case.wrong else "right",
        )

    pieces = []
    if report.positive is not None:
        called = (
            f"Called “{report.positive}” from a probability of {100 * report.run.threshold:.0f}% upwards."
        )
        pieces.append(f'<div class="or-sub">{markup.escape(called)}</div>')
    for heading, none, listed in (
        ("Wrong, the surest first", "No case is contradicted by a reference standard.", report.wrong),
        ("Right, the surest first", "No case is confirmed yet.", report.right),
    ):
        body = markup.films(map(film, listed), large=True) if listed else markup.note(none)
        pieces.append(f"<h4>{heading}</h4>{body}")
    return "".join(pieces)


def about(report: Report) -> str:
    """Return the facts of data, model and training, the limitations, and the open items of the checklist."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for fact in report.facts:
        groups.setdefault(fact.group, []).append((fact.name, fact.value))
    tables = "".join(
        f"<h4>{markup.escape(group)}</h4>{markup.table(('', ''), rows, numbers=False)}"
        for group, rows in groups.items()
    )
    limits = markup.note("What these figures do not show", tone="mild", more=report.limitations)
    return limits + tables


def _chosen(report: Report, standards: Sequence[str]) -> list[Against]:
    return [one for one in report.against if one.name in standards]


# ---------------------------------------------------------------------------------------- handlers


def run_choices(session: AppSession) -> list[tuple[str, str]]:
    """Return the finished runs for a drop-down, newest first."""
    known = set(session.store.run_ids())
    return [
        (f"{run.created.astimezone():%d %b %Y %H:%M} · {run.recipe.title} · {run.dataset_name}", run.run_id)
        for run in list_runs(session.workspace)
        if run.run_id in known
    ]


def show(
    session: AppSession, run_id: str | None, part: str, standards: Sequence[str], heat: bool
) -> tuple[Any, ...]:
    """Return all that the page shows of a run, in the order of the page's outputs."""
    if not run_id:
        nothing = markup.note(
            "No finished run yet. Train one on the Train page; its report then stands here."
        )
        return nothing, *_nothing(), "", "", ""
    try:
        report = report_of(session, run_id, part)
    except ReportError as error:
        told = markup.note(str(error), tone="serious")
        return told, *_nothing(), "", "", ""
    chosen = {one.name: one for one in _chosen(report, standards)}
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
        cases(session, report, heat=heat),
        about(report),
    )


def _nothing() -> list[Any]:
    return [output for _ in REFERENCE_STANDARDS for output in _nothing_of_one()]


def _nothing_of_one() -> list[Any]:
    return [gr.Column(visible=False), "", gr.Dataframe(visible=False), gr.Dataframe(visible=False), ""]


def opened(
    session: AppSession, chosen: str | None, part: str, standards: Sequence[str], heat: bool
) -> tuple[Any, ...]:
    """Return the drop-down and all that is shown, when the page is opened or come back to."""
    choices = run_choices(session)
    known = [run_id for _, run_id in choices]
    run_id = chosen if chosen in known else (known[0] if known else None)
    return gr.Dropdown(choices=choices, value=run_id), *show(session, run_id, part, standards, heat)


def export(session: AppSession, kind: str, run_id: str | None, part: str) -> str:
    """Write the report as a file to be downloaded and return its path.

    Args:
        session: The window.
        kind: A key of `FILE_KINDS`.
        run_id: The run.
        part: A key of `PARTS_SHOWN`.

    Raises:
        ReportError: There is nothing to report on.
        WorkspaceError: It cannot be written.
    """
    from engine.line import export_run

    report = report_of(session, run_id, part)
    predictions = session.store.predictions(report.run.run_id, report.part)
    # In Gradio's own folder, which is private and swept daily.
    folder = Path(tempfile.mkdtemp(prefix="report-", dir=os.environ.get("GRADIO_TEMP_DIR")))
    written = export_run(session.workspace, report, report.run, predictions, folder)
    name = f"overread-{report.run.run_id}-{part}"
    if kind == "csv":
        archive = folder / f"{name}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in written.csv.values():
                packed.write(path, path.name)
        return str(archive)
    path = written.html if kind == "html" else written.json
    return str(path.rename(folder / f"{name}{path.suffix}"))


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
            label="On",
            choices=[(words, name) for name, (words, _) in PARTS_SHOWN.items()],
            value="test",
            interactive=True,
            elem_id="report-part",
            scale=2,
            min_width=220,
        )
        standards = gr.CheckboxGroup(
            label="Held against (reference standard)",
            choices=list(REFERENCE_STANDARDS),
            value=list(REFERENCE_STANDARDS),
            elem_id="report-standards",
            scale=3,
            min_width=320,
        )
    overview = gr.HTML(elem_id="report-headline", padding=False)
    with gr.Row():
        buttons = {
            kind: gr.Button(words, elem_id=f"report-{kind}", min_width=160)
            for kind, words in FILE_KINDS.items()
        }
        hidden = gr.DownloadButton(visible="hidden", elem_id="report-file")
    per_standard: list[Any] = []
    with gr.Tabs():
        with gr.Tab("Figures"), gr.Row():
            for at, name in enumerate(REFERENCE_STANDARDS):
                with gr.Column(min_width=420, visible=False, elem_id=f"report-standard-{at}") as column:
                    gr.Markdown(f"### Against {name}")
                    words = gr.HTML(padding=False)
                    table = gr.Dataframe(
                        headers=["class", "precision", "recall", "F1", "AUROC", "films"],
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
                        headers=["figure", "value", "95% interval", "method", "films"],
                        datatype="str",
                        interactive=False,
                        label="All figures",
                        wrap=True,
                        column_widths=["28%", "11%", "19%", "31%", "11%"],
                        elem_id=f"report-estimates-{at}",
                        elem_classes="or-tight",
                    )
                per_standard += [column, words, table, estimates, pictures]
        with gr.Tab("Cases"):
            heat = gr.Checkbox(True, label="Show the heatmap over the film", elem_id="report-heat")
            gallery = gr.HTML(elem_id="report-cases", padding=False)
        with gr.Tab("Training"):
            history = gr.HTML(elem_id="report-training", padding=False)
        with gr.Tab("About"):
            facts = gr.HTML(elem_id="report-about", padding=False)

    asked = [run, part, standards, heat]
    outputs = [overview, *per_standard, history, gallery, facts]
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
    for kind, button in buttons.items():
        button.click(
            partial(shown(export), session, kind),
            [run, part],
            hidden,
            api_name=f"report_{kind}",
            api_visibility="undocumented",
            show_progress_on=[button],
            concurrency_limit=1,
        ).success(None, None, None, js="() => document.querySelector('#report-file').click()")
    # Whenever the page is come to: a run may have finished since, and reviews have been made.
    come_to(partial(shown(opened), session), asked, [run, *outputs], api_name="report_open", **quiet)
