"""Adjudication: what the readers of a study disagree on, who may see it, and what they agree on in the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, func, select

from engine.errors import ReviewError
from engine.language import _
from engine.reading import sittings
from engine.reading.migrations.schema import ASSIGNMENTS, IMAGE_PLACES
from engine.reading.people import People
from engine.reading.sittings import Shown, Sitting
from engine.reading.studies import consensus
from engine.reading.studies.answering import answers_of
from engine.reading.studies.certificates import answered_images
from engine.reading.studies.planning.adding import assignments_of
from engine.reading.studies.planning.assigning import newest_images
from engine.reading.studies.planning.records import Disagreement, Study, Task
from engine.reading.studies.planning.registry import may_settle


def disagreements(connection: Connection, people: People, study: Study) -> list[Disagreement]:
    """Return the cases on which the readers do not agree: see `Studies.disagreements`."""
    return consensus.disagreements(study, answers_of(connection, people, study), wanted(connection, study))


def consensus_of(connection: Connection, people: People, study: Study) -> dict[str, str | None]:
    """Return what each case is by its readers: see `Studies.consensus`."""
    return consensus.consensus_by_case(
        study, answers_of(connection, people, study), wanted(connection, study)
    )


def dispute(
    connection: Connection, people: People, study: Study, sitting: Sitting, image_id: str
) -> Disagreement:
    """Return the readings of a case to the adjudicator, and write down that they were shown: see `Studies.dispute`."""
    if not may_settle(study, people, people.same[sitting.reader_id]):
        raise ReviewError(
            _("Readings of others are shown to the adjudicator alone"), _("Read the cases that are yours")
        )
    found = next((one for one in disagreements(connection, people, study) if one.image_id == image_id), None)
    if found is None:
        raise ReviewError(_("The readers do not disagree on this case"), _("Settle the next one"))
    sittings.expose(connection, sitting, Shown(image_id=image_id, prediction=False, others=True))
    return found


def to_settle(connection: Connection, people: People, study: Study) -> list[Task]:
    """Return what the adjudicator has to settle, in the random order of the study."""
    if study.state == "closed":
        return []
    found = disagreements(connection, people, study)
    unsettled = [one.image_id for one in found if one.settled is None]
    told = newest_images(connection, unsettled)
    places = select(IMAGE_PLACES).where(IMAGE_PLACES.c.image_id.in_(unsettled))
    paths = {row.image_id: Path(row.path) for row in connection.execute(places)}
    return [
        Task(
            study_id=study.study_id,
            image_id=image_id,
            arm="adjudication",
            number=len(found) - len(unsettled) + place,
            of=len(found),
            path=paths[image_id],
            patient=told[image_id].patient_id,
        )
        for place, image_id in enumerate(unsettled, 1)
    ]


def wanted(connection: Connection, study: Study) -> Mapping[str, int]:
    """Return how many readers are to read each case that somebody has answered, in the arm of the consensus."""
    counted = (
        select(ASSIGNMENTS.c.image_id, func.count())
        .where(
            assignments_of(study),
            ASSIGNMENTS.c.arm == consensus.consensus_arm(study.protocol),
            ASSIGNMENTS.c.reader_id.in_(study.protocol.readers),
            ASSIGNMENTS.c.image_id.in_(answered_images(study.study_id)),
        )
        .group_by(ASSIGNMENTS.c.image_id)
    )
    return dict(connection.execute(counted).tuples().all())
