"""A report as the pages show it, computed once for all who look at it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from engine.errors import ReportError
from engine.language import _, language
from engine.reading import Store
from engine.records import Part
from engine.runs import find_run
from engine.workspace import Workspace
from gui.web import AppSession

if TYPE_CHECKING:
    from engine.report import Report

PARTS_SHOWN: dict[str, Part | None] = {"test": "test", "val": "val", "all": None}


def part_choices() -> list[tuple[str, str]]:
    """Return the keys of `PARTS_SHOWN`, in words and by name."""
    return [
        (_("test images"), "test"),
        (_("validation images"), "val"),
        (_("all parts of the run's own data"), "all"),
    ]


def report_of(session: AppSession, run_id: str | None, part: str, labels: str = "") -> Report:
    """Return the report on one part of a run's data, held against a version of the labels; "" is the run's own.

    Raises:
        ReportError: No run is chosen, or it has no predictions on this part.
        RunError: The run cannot be read.
        ReviewError: There is no such version of the labels.
    """
    if not run_id:
        raise ReportError(_("There is no finished run to report on"), _("Train one on the Train page first"))
    run, store = find_run(session.workspace, run_id), session.store
    searched = [
        run_id,
        *([run.labels.base_run] if run.labels else []),
    ]  # for wrong labels, which readers then judge
    folder = session.workspace.runs / run_id
    names = (
        "heatmaps.npz",
        "split.csv",
        "sizes.json",
        "shift.npz",
        "distances.npz",
        "sources.json",
        "robustness.json",
        "label-searches.json",
        "prevalence.json",
    )
    files = [
        *(folder / name for name in names),
        *folder.glob("external/*/external.json"),
        session.workspace.datasets,
    ]
    read = [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
    stamp = (
        store.newest_answer(*searched),
        len(store.labels.versions(run.dataset_id)),
        *((study.study_id, study.state, study.protocol.readers) for study in store.studies.all()),
        *read,
    )
    return _computed(session.workspace, store, run_id, part, labels, language(), stamp)


@lru_cache(maxsize=6)
def _computed(
    workspace: Workspace,
    store: Store,
    run_id: str,
    part: str,
    labels: str,
    spoken: str,
    stamp: tuple[object, ...],
) -> Report:
    """Compute a report once for all who look at it in a language; `stamp` changes with what it rests on."""
    from engine.pipeline import report_run

    run = find_run(workspace, run_id)
    shown = PARTS_SHOWN.get(part, PARTS_SHOWN["test"])
    return report_run(workspace, store, run, part=shown, labels=labels or None)


def load_what_computes() -> None:
    """Import what computes and draws, so that whoever comes to the page need not wait for it."""
    from engine import pipeline
    from engine.report import build_report, figures_of, with_checklists, with_readers

    del pipeline, build_report, figures_of, with_checklists, with_readers
