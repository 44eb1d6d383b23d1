"""What each reader had on the screen of a case, in every sitting the same person ever had: from which row on.

An export of readings and the certificates of studies ask here; what an arm allows is theirs to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from engine.reading.migrations.schema import ANSWERS, EXPOSURES
from engine.reading.people import People

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
