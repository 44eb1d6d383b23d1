"""Where the readers of closed studies stand, for the ROC curve of the run whose cases they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.reading import Store
from engine.records import Prediction, Run
from engine.report.drawn_records import Operating, ReaderPoint
from engine.report.marked.drawn import marked_by_readers
from engine.report.readers import facts_of_evidence
from engine.report.records import Report
from engine.report.study.gathered import Readings, gather, numbered
from engine.report.study.readers import reader_names
from engine.report.study.stored import study_folder
from engine.report.study.told.anonymous import in_drawn_order, salt_of
from engine.workspace import Workspace


def with_readers(report: Report, store: Store, workspace: Workspace) -> Report:
    """Add to a run's report what the database says of its readings, and where its cases' readers stand and drew."""
    return replace(
        report,
        facts=(*report.facts, *facts_of_evidence(store, report.run)),
        readers=reader_points(store, report.run, report.evidence.predictions, workspace),
        marked=marked_by_readers(store, report.run, report.evidence.predictions, report.evidence.split),
    )


def reader_points(
    store: Store, run: Run, predictions: Sequence[Prediction], workspace: Workspace
) -> tuple[ReaderPoint, ...]:
    """Return where readers stand against the labels that came with the data, without the model and with it.

    Args:
        store: With the studies; those that are open are passed over, so that a report tells no reader how others read.
        run: Whose finding it is.
        predictions: Of the report; a study counts whose cases all are among them.
        workspace: With what numbers readers here as in the study's own report.
    """
    by_id = {each.image_id: each for each in predictions}
    found: list[ReaderPoint] = []
    for study in store.studies.all():
        if study.state != "closed" or study.protocol.positive != run.positive or len(run.classes) != 2:
            continue
        images = store.studies.images(study.study_id)
        if not images or any(image_id not in by_id for image_id in images):
            continue
        salt = salt_of(study_folder(workspace, study.study_id), read_only=store.read_only)
        study = in_drawn_order(study, salt)
        readings = gather(
            study.protocol,
            numbered(study, [by_id[image_id] for image_id in images], salt),
            store.studies.answers(study.study_id),
            store.studies.exposures(study.study_id),
        )
        names = reader_names(readings)
        found += [
            ReaderPoint(
                study=study.protocol.name,
                reader=names[reader],
                blind=_operating(readings, place, "blind"),
                assisted=_operating(readings, place, "assisted"),
            )
            for place, reader in enumerate(readings.readers)
        ]
    return tuple(one for one in found if one.blind or one.assisted)


def _operating(readings: Readings, place: int, mode: str) -> Operating | None:
    """Return where one reader stands; what is indeterminate counts as the protocol says."""
    if mode not in readings.modes:
        return None
    calls = readings.calls(mode, readings.protocol.indeterminate)[place]
    labels = np.array([label is not None for label in readings.labels])
    rows = labels & np.isfinite(calls)
    if not rows.any():
        return None
    present = np.array([label == readings.protocol.positive for label in readings.labels])[rows]
    called = calls[rows] > 0

    def share(hits: int, of: int) -> float:
        return hits / of if of else float("nan")

    hits = int((called & present).sum())
    return Operating(
        cases=int(rows.sum()),
        sensitivity=share(hits, int(present.sum())),
        specificity=share(int((~called & ~present).sum()), int((~present).sum())),
        precision=share(hits, int(called.sum())),
    )
