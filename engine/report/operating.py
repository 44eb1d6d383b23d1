"""Where the readers of closed studies stand, for the ROC curve of the run whose cases they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.reading import Store
from engine.records import Explanation
from engine.report.drawn_records import Operating, ReaderPoint
from engine.report.marked.drawn import marked_by_readers
from engine.report.readers import facts_of_evidence
from engine.report.records import Report, Standing
from engine.report.studied.voters import Voters, voters_of
from engine.report.study.gathered import Readings, gather, numbered
from engine.report.study.readers import reader_names
from engine.report.study.stored import study_folder
from engine.report.study.told.anonymous import in_drawn_order, salt_of
from engine.workspace import Workspace


def with_readers(
    report: Report, store: Store, workspace: Workspace, explanations: Mapping[str, Explanation]
) -> Report:
    """Add to a run's report what the database says of its readings, and where its cases' readers stand and drew.

    `explanations`: the run's heatmaps by image id, which are held against what was drawn.
    """
    return replace(
        report,
        facts=(*report.facts, *facts_of_evidence(store, report.run)),
        readers=reader_points(store, report, workspace),
        marked=marked_by_readers(store, explanations, report.evidence.predictions, report.evidence.split),
    )


def reader_points(store: Store, report: Report, workspace: Workspace) -> tuple[ReaderPoint, ...]:
    """Return where readers stand against each reference standard, without the model and with it.

    A case whose class by a standard rests on a reader's own answer says nothing of that reader, and is left out.

    Args:
        store: With the studies; those that are open are passed over, so that a report tells no reader how others read.
        report: Of the run whose finding it is; a study counts whose cases all are in it.
        workspace: With what numbers readers here as in the study's own report.
    """
    run, predictions = report.run, report.evidence.predictions
    if len(run.classes) != 2:
        return ()
    by_id = {each.image_id: each for each in predictions}
    found: list[ReaderPoint] = []
    voters = voters_of(store, run, report.evidence)
    for study in store.studies.all():
        if study.state != "closed" or study.protocol.positive != run.positive:
            continue
        images = store.studies.images(study.study_id)
        if not images or any(image_id not in by_id for image_id in images):
            continue
        salt = salt_of(study_folder(workspace, study.study_id), store, study.study_id)
        study = in_drawn_order(study, salt)
        readings = gather(
            study.protocol,
            numbered(study, [by_id[image_id] for image_id in images], salt),
            store.studies.answers(study.study_id),
            store.studies.exposures(study.study_id),
        )
        for name, standard in report.standards.items():
            found += _points(readings, name, standard, voters.get(name, {}))
    return tuple(found)


def _points(
    readings: Readings, name: str, standard: Standing, voters: Mapping[str, Voters]
) -> list[ReaderPoint]:
    """Return where the readers of one study stand against one standard; nothing of those it says nothing of."""
    names, found = reader_names(readings), []
    for place, reader in enumerate(readings.readers):
        classed = [case.image_id for case in readings.cases if case.image_id in standard.answers]
        own = {image_id for image_id in classed if reader in voters.get(image_id, ())}
        truth = [
            None if case.image_id in own else standard.answers.get(case.image_id) for case in readings.cases
        ]
        point = ReaderPoint(
            study=readings.protocol.name,
            reader=names[reader],
            standard=name,
            own=len(own),
            blind=_operating(readings, place, "blind", truth),
            assisted=_operating(readings, place, "assisted", truth),
        )
        if point.blind or point.assisted or point.own:
            found.append(point)
    return found


def _operating(readings: Readings, place: int, mode: str, truth: Sequence[str | None]) -> Operating | None:
    """Return where one reader stands; what is indeterminate counts as the protocol says."""
    if mode not in readings.modes:
        return None
    calls = readings.calls(mode, readings.protocol.indeterminate)[place]
    rows = np.array([label is not None for label in truth]) & np.isfinite(calls)
    if not rows.any():
        return None
    present = np.array([label == readings.protocol.positive for label in truth])[rows]
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
