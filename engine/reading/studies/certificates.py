"""What had been on a reader's screen of a case before each answer, and whether that is more than its arm shows.

It is worked out from the exposures of every sitting the same person ever had, of this study or not: a reader who has
met the case with its prediction in another list is not blind here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, select

from engine.reading.beside.seen import Seen
from engine.reading.migrations.schema import ANSWERS
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import Certificate


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
