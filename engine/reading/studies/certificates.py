"""What had been on a reader's screen of a case before each answer, and whether that is more than its arm shows.

It is worked out from the exposures of every sitting the same person ever had, of this study or not: a reader who has
met the case with its prediction in another list is not blind here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from engine.reading.migrations.schema import ANSWERS, EXPOSURES
from engine.reading.people import People
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import Certificate

KINDS = ("prediction", "map", "label", "others", "similar")
FirstSeen = Mapping[tuple[str, str], "Seen"]
"""Image and person → when each kind was first seen."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The first row in which each of `KINDS` was on a reader's screen of a case; None where it never was."""

    prediction: int | None = None
    map: int | None = None
    label: int | None = None
    others: int | None = None
    similar: int | None = None

    def before(self, seq: int) -> dict[str, bool]:
        """Return kind → whether it had been seen before a row."""
        first = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: at is not None and at < seq for kind, at in first.items()}


def first_seen(connection: Connection, people: People, images: Select[Any] | list[str]) -> FirstSeen:
    """Return what every reader has seen of some images.

    Args:
        connection: Inside a transaction.
        people: Every reader; the spellings of one person have the same eyes.
        images: Ids, or a statement that selects them.
    """
    true = {
        "prediction": EXPOSURES.c.prediction.is_not(None),
        "map": EXPOSURES.c.map.is_not(None),
        "label": EXPOSURES.c.label,
        "others": EXPOSURES.c.others,
        "similar": EXPOSURES.c.alike,
    }
    first = [func.min(case((true[kind], EXPOSURES.c.seq))).label(kind) for kind in KINDS]
    shown = (
        select(EXPOSURES.c.image_id, EXPOSURES.c.reader_id, *first)
        .where(EXPOSURES.c.image_id.in_(images))
        .group_by(EXPOSURES.c.image_id, EXPOSURES.c.reader_id)
    )
    # Given without a sitting: what was on the screen was not written down, but the answer names the prediction.
    unwatched = ANSWERS.c.session_id.is_(None) & ANSWERS.c.predicted.is_not(None)
    named = func.min(ANSWERS.c.seq)
    answered = (
        select(ANSWERS.c.image_id, ANSWERS.c.reader_id, named)
        .where(unwatched, ANSWERS.c.image_id.in_(images))
        .group_by(ANSWERS.c.image_id, ANSWERS.c.reader_id)
    )
    found: dict[tuple[str, str], Seen] = {}
    for row in connection.execute(shown):
        _add(found, people, row, Seen(*row[2:]))
    for row in connection.execute(answered):
        _add(found, people, row, Seen(prediction=row[2]))
    return found


def _add(found: dict[tuple[str, str], Seen], people: People, row: Row[Any], seen: Seen) -> None:
    key = (row.image_id, people.same[row.reader_id])
    known = found.get(key, Seen())
    found[key] = Seen(*(_earlier(getattr(known, kind), getattr(seen, kind)) for kind in KINDS))


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def answered_images(study_id: str) -> Select[Any]:
    """Select the ids of a study's cases that somebody has answered."""
    return select(ANSWERS.c.image_id).where(ANSWERS.c.study_id == study_id)


def allowed(protocol: Protocol, arm: str) -> Iterable[str]:
    """Return what may be on the screen of a case before it is answered in an arm."""
    match arm:
        case "assisted":
            return protocol.shown
        case "adjudication":
            return ("others", *protocol.shown)
        case _:
            return ()


def certificate(seen: Seen | None, seq: int, protocol: Protocol, arm: str) -> Certificate:
    """Return what had been on the screen before an answer."""
    before = (seen or Seen()).before(seq)
    more = any(was for kind, was in before.items() if kind not in allowed(protocol, arm))
    return Certificate(**before, contaminated=more)
