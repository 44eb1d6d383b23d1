"""The report of a study from what a workspace holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.data import load_index
from engine.errors import DataError
from engine.reading import Store, write_anchor
from engine.records import Sample
from engine.report.study.answers import with_study_checklists
from engine.report.study.building import build_study_report
from engine.report.study.gathered import Told
from engine.report.study.records import StudyReport
from engine.workspace import Workspace


def report_study(workspace: Workspace, store: Store, name: str) -> StudyReport:
    """Build a study's report from what is stored; that a report was made is anchored outside the database.

    Args:
        workspace: With the data set of a study without a run.
        store: With the study.
        name: Its name, its id or the start of one.

    Raises:
        ReviewError: There is no such study.
    """
    studies = store.studies
    study = studies.get(name)
    chosen = set(studies.images(study.study_id))
    predictions = {}
    told: list[Told] = []
    said = ""
    if study.protocol.run_id is not None:
        predictions = {each.image_id: each for each in store.predictions(study.protocol.run_id)}
        told = [each for each in predictions.values() if each.image_id in chosen]
    else:
        try:
            index = load_index(workspace, study.protocol.dataset_id or "")
            told = [each for each in index.samples if each.image_id in chosen]
        except DataError as error:
            said = f"The data set cannot be read, so that no label of it is known. {error}"
    known = {each.image_id for each in told}
    told += [_unknown(image_id) for image_id in sorted(chosen - known)]
    head = store.head()
    report = build_study_report(
        study,
        told,
        studies.answers(study.study_id),
        studies.exposures(study.study_id),
        people=store.people(),
        progress=studies.progress(study.study_id),
        predictions={image_id: each for image_id, each in predictions.items() if image_id in chosen},
        consensus=studies.consensus(study.study_id),
        run=store.run(study.protocol.run_id) if study.protocol.run_id else None,
        anchor=f"{head.seq}:{head.hash}",
    )
    if not store.read_only:
        write_anchor(workspace.anchors, head, "a report of a study was made")
    report = replace(report, limitations=(*report.limitations, said)) if said else report
    return with_study_checklists(report, study_folder(workspace, study.study_id))


def study_folder(workspace: Workspace, study_id: str) -> Path:
    """Return where what is written of a study, other than readings, is kept; made when something is."""
    return workspace.root / "studies" / study_id


def _unknown(image_id: str) -> Sample:
    """Return an image of which nothing is known any more: a patient of its own, without a label."""
    return Sample(path=Path(image_id), image_id=image_id, label=None, patient_id=image_id)
