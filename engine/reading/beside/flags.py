"""Flags: a reader sets a case aside for another look, with a comment; taking the flag away is a row as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select

from engine.errors import ReviewError
from engine.reading import row_mapping as rows
from engine.reading.cases import find_case
from engine.reading.ledger.chain import append
from engine.reading.migrations.schema import CASES, FLAGGED, FLAGS
from engine.reading.people import People
from engine.reading.sittings import Sitting
from engine.reading.validation import HALF_CHARACTER

LONGEST_COMMENT = 10_000
# Built once: building a statement takes longer than carrying it out.
_NEWEST = (
    select(FLAGS)
    .where(
        FLAGS.c.run_id == bindparam("run_id"),
        FLAGS.c.image_id == bindparam("image_id"),
        FLAGS.c.reader_id.in_(bindparam("reader_ids", expanding=True)),
    )
    .order_by(FLAGS.c.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """What a reader last said of setting a case aside.

    Attributes:
        flagged: Whether it is.
        comment: Why.
        flag_id: The number of its row.
    """

    flagged: bool
    comment: str
    flag_id: int


def add_flag(
    connection: Connection,
    people: People,
    run_id: str,
    image_id: str,
    reader: str,
    *,
    flagged: bool,
    comment: str,
    sitting: Sitting | None,
) -> Flag:
    """Flag a case, or take the flag away, inside a write transaction.

    Raises:
        ReviewError: The case or the reader is unknown, or the comment cannot be stored.
    """
    if len(comment) > LONGEST_COMMENT or "\0" in comment or HALF_CHARACTER.search(comment):
        raise ReviewError(
            "The comment is too long, or holds a character that cannot be stored",
            f"Shorten it to {LONGEST_COMMENT:,} characters, or type it again",
        )
    reader_id = people.required(reader)
    find_case(connection, run_id, image_id)
    told = {
        "run_id": run_id,
        "session_id": sitting.session_id if sitting else None,
        "reader_id": reader_id,
        "image_id": image_id,
        "flagged": flagged,
        "comment": comment,
    }
    (number,) = append(connection, FLAGS, [told], author=reader_id)
    settle_flag(connection, run_id, people.ids(reader_id), reader_id, image_id)
    return Flag(flagged=flagged, comment=comment, flag_id=number)


def flag_of(connection: Connection, run_id: str, reader_ids: Iterable[str], image_id: str) -> Flag | None:
    """Return what a person last said of setting a case aside; None where they said nothing."""
    of_case = {"run_id": run_id, "image_id": image_id, "reader_ids": list(reader_ids)}
    row = connection.execute(_NEWEST, of_case).one_or_none()
    return None if row is None else Flag(flagged=row.flagged, comment=row.comment, flag_id=row.seq)


def settle_flag(
    connection: Connection, run_id: str, reader_ids: Iterable[str], person: str, image_id: str
) -> None:
    """Keep beside the flags whether a case is flagged now, so that the queue of them is a seek."""
    ids = list(reader_ids)
    here = (
        FLAGGED.c.run_id == run_id,
        FLAGGED.c.image_id == image_id,
        FLAGGED.c.reader_id.in_([*ids, person]),
    )
    connection.execute(delete(FLAGGED).where(*here))
    newest = flag_of(connection, run_id, ids, image_id)
    if newest is None or not newest.flagged:
        return
    of_case = (CASES.c.run_id == run_id, CASES.c.image_id == image_id)
    case = connection.execute(select(CASES.c.position, CASES.c.part).where(*of_case)).one()
    told = {"run_id": run_id, "reader_id": person, "image_id": image_id, "flag": newest.flag_id}
    keys = ("run_id", "reader_id", "position")
    connection.execute(
        rows.writing(connection.dialect.name, FLAGGED, keys, ("flag",)),
        told | {"position": case.position, "part": case.part},
    )
