"""The report and the model of a run as files to take away, each in the language that was chosen for it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from engine.errors import ReportError
from engine.language import ENGLISH, _, languages, speaking
from engine.report import CHECKLISTS
from engine.runs import find_run
from gui.pages.report.computed import report_of
from gui.web import AppSession, new_folder

OWN_LABELS = ""
"""Of the versions of the labels: the one that the run was tested on."""


def export(
    session: AppSession,
    kind: str,
    run_id: str | None,
    part: str,
    checklists: Sequence[str] = CHECKLISTS,
    labels: str = OWN_LABELS,
    spoken: str = ENGLISH,
) -> str:
    """Write the report as a file to be downloaded and return its path.

    A file is in English, whatever the pages are in, unless another language was chosen for it: it goes to others.

    Args:
        session: The window.
        kind: A key of `EXPORTS`.
        run_id: The run.
        part: A key of `PARTS_SHOWN`.
        checklists: That are in it.
        labels: The version of the labels that the run is held against.
        spoken: The language of what people read.

    Raises:
        ReportError: There is nothing to report on.
        WorkspaceError: It cannot be written.
    """
    from engine.pipeline import export_run
    from engine.report import with_checklists

    folder = new_folder("report")
    with speaking(ENGLISH):
        report = with_checklists(report_of(session, run_id, part, labels), checklists)
        predictions = session.store.predictions(report.run.run_id, report.part)
        told = None
        if spoken in languages() and spoken != ENGLISH:
            with speaking(spoken):
                told = spoken, report_of(session, run_id, part, labels)
        written = export_run(
            session.workspace, report, report.run, predictions, folder, formats=[kind], told=told
        )[kind]
    name = "-".join(filter(None, ("overread", report.run.run_id, part, labels, told and spoken)))
    return _as_one_file(list(written.values()), folder, name)


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
        raise ReportError(_("There is no finished run to export"), _("Train one on the Train page first"))
    run = find_run(session.workspace, run_id)
    folder = new_folder("model")
    with speaking(ENGLISH):
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


def download_words(kind: str, title: str) -> str:
    """Return what stands on the button that takes a report or a model away."""
    return {
        "html": _("Download as HTML"),
        "pdf": _("Download as PDF"),
        "docx": _("Download for Word"),
        "csv": _("Download tables (CSV)"),
        "parquet": _("Download tables (Parquet)"),
        "json": _("Download as JSON"),
        "bundle": _("Download as a checkable bundle (ZIP)"),
        "onnx": _("Download model as ONNX"),
        "safetensors": _("Download weights (safetensors)"),
        "card": _("Download model card"),
    }.get(kind, f"Download {title}")
