"""The report of a study from what a workspace holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.data import load_index, sizes_of
from engine.errors import DataError, StoreError
from engine.reading import Store, Study, StudyAnswer, as_stored, read_anchors, write_anchor
from engine.records import Sample
from engine.report.exports.bundle.searching import names_of_images
from engine.report.formatting import without_paths
from engine.report.study.answers import with_study_checklists
from engine.report.study.building import report_of
from engine.report.study.gathered import Told, numbered
from engine.report.study.records import StudyReport
from engine.report.study.told.anonymous import in_drawn_order, numbers_of_readers, salt_of
from engine.report.study.told.evidence import StudyEvidence
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
    stored = studies.get(name)
    folder = study_folder(workspace, stored.study_id)
    salt = salt_of(folder, store, stored.study_id)
    study = in_drawn_order(stored, salt)
    run = store.run(study.protocol.run_id) if study.protocol.run_id else None
    chosen = set(studies.images(study.study_id))
    answers = studies.answers(study.study_id)
    predictions = {each.image_id: each for each in store.predictions(run.run_id)} if run else {}
    samples: Sequence[Sample] = ()
    notes = []
    if run is None or any(answer.regions for answer in answers):  # whose sizes the run does not know
        try:
            index = load_index(workspace, run.dataset_id if run else study.protocol.dataset_id or "")
            samples = [each for each in index.samples if each.image_id in chosen]
        except DataError as error:
            lost = "no size of its images" if run else "no label of it"
            notes.append(f"The data set cannot be read, so that {lost} is known. {without_paths(str(error))}")
    told: list[Told] = (
        [each for each in predictions.values() if each.image_id in chosen] if run else [*samples]
    )
    known = {each.image_id for each in told}
    told += [_unknown(image_id) for image_id in sorted(chosen - known)]
    try:
        anchors = tuple(read_anchors(workspace.anchors))
    except StoreError as error:
        anchors = ()
        notes.append(f"Earlier anchors of the chain of evidence cannot be read. {without_paths(str(error))}")
    people, head = store.people(), store.head()
    report = report_of(
        StudyEvidence(
            study=study,
            cases=numbered(study, told, salt),
            answers=tuple(answers),
            certificates=studies.exposures(study.study_id),
            people=tuple(people),
            progress=tuple(studies.progress(study.study_id)),
            predictions={image_id: each for image_id, each in predictions.items() if image_id in chosen},
            wanted=studies.wanted(study.study_id),
            run=run,
            hashed=as_stored(stored.protocol),
            anchor=f"{head.seq}:{head.hash}",
            anchors=anchors,
            sizes=sizes_of(samples),
            set_back=studies.set_back(study.study_id),
            notes=tuple(notes),
            names=names_of_images([*told, *samples])
            | {name for one in people for name in (one.name, *one.spellings)},
        )
    )
    if not store.read_only:
        write_anchor(workspace.anchors, head, "a report of a study was made")
    return with_study_checklists(report, folder)


def readers_by_number(
    workspace: Workspace, store: Store, study: Study, answers: Iterable[StudyAnswer]
) -> dict[str, str]:
    """Return the number by which a study's anonymous bundle calls each reader, by reader's id."""
    salt = salt_of(study_folder(workspace, study.study_id), store, study.study_id)
    return numbers_of_readers(in_drawn_order(study, salt), answers)


def study_folder(workspace: Workspace, study_id: str) -> Path:
    """Return where what is written of a study, other than readings, is kept; made when something is."""
    return workspace.root / "studies" / study_id


def _unknown(image_id: str) -> Sample:
    """Return an image of which nothing is known any more: a patient of its own, without a label."""
    return Sample(path=Path(image_id), image_id=image_id, label=None, patient_id=image_id)
