"""Who sat when, in which study, and what was on the screen of which case before it was answered.

An exposure is stored before what it speaks of is sent: what a reader may have seen is never missing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select

from engine.errors import ReviewError
from engine.language import _
from engine.reading.ledger.chain import PROGRAM, append, digest
from engine.reading.migrations.schema import ASSIGNMENTS, EXPOSURES, PREDICTIONS, SESSIONS, STUDIES, TASKS


def of_case(study_id: Any, image_id: Any) -> ColumnElement[bool]:
    """Return the condition that a task is of a case of a study: its assignments tell where in each order it stands.

    Args:
        study_id: A column, a parameter or the id.
        image_id: Likewise.
    """
    places = select(ASSIGNMENTS.c.position)
    places = places.where(ASSIGNMENTS.c.study_id == study_id, ASSIGNMENTS.c.image_id == image_id)
    return and_(TASKS.c.study_id == study_id, TASKS.c.image_id == image_id, TASKS.c.position.in_(places))


ASSISTED = "assisted"
UNREGISTERED: Mapping[str, Any] = {"design": ASSISTED, "registered": False, "shown": ["prediction", "map"]}
_HASH = digest(UNREGISTERED)
# Built once: building a statement takes longer than carrying it out.
_UNREGISTERED_OF_RUN = (
    select(STUDIES.c.study_id)
    .where(STUDIES.c.run_id == bindparam("run_id"), STUDIES.c.protocol_hash == _HASH)
    .order_by(STUDIES.c.seq)
    .limit(1)
)
_NEWEST_PREDICTION = select(func.max(PREDICTIONS.c.seq)).where(
    PREDICTIONS.c.run_id == bindparam("run_id"), PREDICTIONS.c.image_id == bindparam("image_id")
)
_ASSIGNED_PREDICTION = (
    select(ASSIGNMENTS.c.prediction)
    .where(
        ASSIGNMENTS.c.study_id == bindparam("study_id"),
        ASSIGNMENTS.c.image_id == bindparam("image_id"),
        ASSIGNMENTS.c.prediction.is_not(None),
    )
    .limit(1)
)
_TO_BE_READ_BLIND = (
    select(TASKS.c.position)
    .where(
        of_case(bindparam("study_id"), bindparam("image_id")),
        TASKS.c.reader_id == bindparam("reader_id"),
        TASKS.c.arm.in_(("blind", "annotation")),
        TASKS.c.answer.is_(None),
    )
    .limit(1)
)

# The row of the prediction on the screen is the one that the study assigned, else the run's newest.
_BEFORE_IT_IS_SHOWN = select(
    _TO_BE_READ_BLIND.scalar_subquery().label("blind"),
    func.coalesce(_ASSIGNED_PREDICTION.scalar_subquery(), _NEWEST_PREDICTION.scalar_subquery()).label(
        "prediction"
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What is about to be on the screen of a case.

    Attributes:
        image_id: The case.
        prediction: Whether the prediction is.
        map: The method of the map that is; None where there is none.
        label: Whether the label that came with the data is.
        others: Whether readings of others are.
        similar: Whether other cases are that look alike, with what is known of them.
    """

    image_id: str
    prediction: bool = True
    map: str | None = None
    label: bool = False
    others: bool = False
    similar: bool = False


@dataclass(frozen=True, slots=True)
class Sitting:
    """One reader before one study, from when a page was opened until it was left.

    Attributes:
        session_id: Of its rows.
        study_id: What is read.
        reader_id: Who reads.
        run_id: Whose predictions are on the screen; empty where there are none.
    """

    session_id: str
    study_id: str
    reader_id: str
    run_id: str


def unregistered_study(connection: Connection, run_id: str) -> str:
    """Return the id of a run's study without a protocol: read with the prediction in view."""
    found = connection.scalar(_UNREGISTERED_OF_RUN, {"run_id": run_id})
    if found is not None:
        return str(found)
    study_id = uuid.uuid4().hex
    study = {
        "study_id": study_id,
        "name": "assisted, unregistered",
        "run_id": run_id,
        "protocol": dict(UNREGISTERED),
        "protocol_hash": _HASH,
    }
    append(connection, STUDIES, [study], author=PROGRAM)
    return study_id


def begin(connection: Connection, run_id: str, reader_id: str) -> Sitting:
    """Write down that a reader begins to read a run's cases."""
    return begin_study(connection, unregistered_study(connection, run_id), reader_id, run_id)


def begin_study(connection: Connection, study_id: str, reader_id: str, run_id: str) -> Sitting:
    """Write down that a reader begins to read the cases of a study."""
    sitting = Sitting(uuid.uuid4().hex, study_id, reader_id, run_id)
    _event(connection, sitting, "begun")
    return sitting


def end(connection: Connection, sitting: Sitting) -> None:
    """Write down that a reader has left."""
    _event(connection, sitting, "ended")


def _event(connection: Connection, sitting: Sitting, event: str) -> None:
    told = {
        "session_id": sitting.session_id,
        "study_id": sitting.study_id,
        "reader_id": sitting.reader_id,
        "event": event,
    }
    append(connection, SESSIONS, [told], author=sitting.reader_id)


def expose(connection: Connection, sitting: Sitting, shown: Shown) -> None:
    """Write down what is about to be on the screen.

    Raises:
        ReviewError: The study has the case read blind by this reader first, and it has not been.
    """
    append(connection, EXPOSURES, [exposure_row(connection, sitting, shown)], author=sitting.reader_id)


def exposure_row(connection: Connection, sitting: Sitting, shown: Shown) -> dict[str, Any]:
    """Return what is stored of what is about to be on the screen.

    Raises:
        ReviewError: See `expose`.
    """
    told = {"study_id": sitting.study_id, "run_id": sitting.run_id, "reader_id": sitting.reader_id}
    before = connection.execute(_BEFORE_IT_IS_SHOWN, told | {"image_id": shown.image_id}).one()
    if before.blind is not None and any(
        (shown.prediction, shown.map, shown.label, shown.others, shown.similar)
    ):
        raise ReviewError(
            _("This case is to be read blind first, so that nothing else of it is shown"),
            _("Answer it, then continue"),
        )
    return {
        "session_id": sitting.session_id,
        "reader_id": sitting.reader_id,
        "image_id": shown.image_id,
        "prediction": before.prediction if shown.prediction else None,
        "map": shown.map,
        "label": shown.label,
        "others": shown.others,
        "alike": shown.similar,
    }


def labels_seen(connection: Connection, image_ids: Iterable[str] | None = None) -> dict[tuple[str, str], int]:
    """Return the row in which the label of a case was first on a reader's screen: (image, reader's id) → its number."""
    first = func.min(EXPOSURES.c.seq)
    found = select(EXPOSURES.c.image_id, EXPOSURES.c.reader_id, first).where(EXPOSURES.c.label)
    if image_ids is not None:
        found = found.where(EXPOSURES.c.image_id.in_(list(image_ids)))
    rows = connection.execute(found.group_by(EXPOSURES.c.image_id, EXPOSURES.c.reader_id))
    return {(image_id, reader_id): seq for image_id, reader_id, seq in rows}
