"""The one statement that each question about a queue takes.

Paging is by key, never by OFFSET, so the next of 100,000 cases costs what the next of 100 costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Row,
    Select,
    Table,
    and_,
    exists,
    func,
    literal,
    select,
    tuple_,
)

from engine.reading.migrations.schema import CASES, DIFFERENCES, FLAGGED, LAST_ANSWERS, SEARCHED
from engine.reading.queues.catalogue import QUEUES, Queue
from engine.records import ELSEWHERE, Whence


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One reader's sight of one queue of one run."""

    queue: Queue
    run_id: str
    reader_id: str
    part: Whence | None = None

    def page(self, anchor: Row[Any] | None, limit: int) -> Select[Any]:
        """Select up to `limit` cases after the anchor (a row of cases), or from the start."""
        where = [*self._conditions(), *self._beyond(anchor)]
        columns = self._order()
        ordered = [column.desc() if self.queue.descending else column.asc() for column in columns]
        return select(CASES).select_from(self._tables()).where(*where).order_by(*ordered).limit(limit)

    def page_before(self, anchor: Row[Any], limit: int) -> Select[Any]:
        """Select the cases just before the anchor, nearest first.

        Of "not yet read" these are all cases: who goes back wants the case that was just read.
        """
        whole = View(queue=QUEUES["all"], run_id=self.run_id, reader_id=self.reader_id, part=self.part)
        view = whole if self.queue.unread else self
        where = [*view._conditions(), *view._beyond(anchor, backwards=True)]
        columns = view._order()
        ordered = [column.asc() if view.queue.descending else column.desc() for column in columns]
        return select(CASES).select_from(view._tables()).where(*where).order_by(*ordered).limit(limit)

    def count(self, until: Row[Any] | None = None) -> Select[Any]:
        """Select the number of cases, or of those up to and including the anchor."""
        if self.queue.unread:  # two ranges of two indexes; looking every case up would take ten times as long
            whole = View(queue=QUEUES["all"], run_id=self.run_id, reader_id=self.reader_id, part=self.part)
            read = [LAST_ANSWERS.c.run_id == self.run_id, LAST_ANSWERS.c.reader_id == self.reader_id]
            if self.part is not None:
                read.append(self._of_part(LAST_ANSWERS.c.part))
            if until is not None:
                read.append(LAST_ANSWERS.c.position <= until.position)
            cases = whole.count(until).scalar_subquery()
            return select(
                cases - select(func.count()).select_from(LAST_ANSWERS).where(*read).scalar_subquery()
            )
        where = self._conditions()
        if until is not None:
            where += self._beyond(until, backwards=True, inclusive=True)
        return select(func.count()).select_from(self._kept_in()).where(*where)

    def holds(self, image_id: str) -> Select[Any]:
        """Select 1 when a case is in the queue."""
        where = [*self._conditions(), CASES.c.image_id == image_id]
        return select(literal(1)).select_from(self._tables()).where(*where)

    def _kept_in(self) -> Table:
        """Return the table whose rows are the queue: the cases, or what is kept beside them."""
        if self.queue.verdicts:
            return LAST_ANSWERS
        if self.queue.terms:
            return SEARCHED
        return {"": CASES, "flagged": FLAGGED, "differences": DIFFERENCES}[self.queue.kept_in]

    def _tables(self) -> FromClause:
        beside = self._kept_in()
        if beside is CASES:
            return CASES
        return beside.join(
            CASES, and_(CASES.c.run_id == beside.c.run_id, CASES.c.position == beside.c.position)
        )

    def _conditions(self) -> list[ColumnElement[bool]]:
        beside = self._kept_in()
        if beside is not CASES:
            where = [beside.c.run_id == self.run_id, *(term.condition() for term in self.queue.terms)]
            if "reader_id" in beside.c:
                where.append(beside.c.reader_id == self.reader_id)
            if self.queue.verdicts:
                where.append(LAST_ANSWERS.c.verdict.in_([verdict.value for verdict in self.queue.verdicts]))
            return where if self.part is None else [*where, self._of_part(beside.c.part)]
        where = [CASES.c.run_id == self.run_id]
        if self.part is not None:
            where.append(self._of_part(CASES.c.part))
        if self.queue.first:
            where.append(CASES.c.position <= self._last_of_sample())
        if self.queue.above:
            column, bound = self.queue.above
            where.append(CASES.c[column] > bound)
        if self.queue.wrong:
            where.append(CASES.c.wrong == literal(True))
        if self.queue.suspected:
            where.append(CASES.c.suspicion.is_not(None))
        if self.queue.unread:
            where.append(
                ~exists().where(
                    LAST_ANSWERS.c.run_id == CASES.c.run_id,
                    LAST_ANSWERS.c.reader_id == self.reader_id,
                    LAST_ANSWERS.c.position == CASES.c.position,
                )
            )
        return where

    def _of_part(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column.is_(None) if self.part == ELSEWHERE else column == self.part

    def _last_of_sample(self) -> ColumnElement[Any]:
        """Return the place of the sample's last case; beyond every place where there are fewer cases."""
        drawn = select(CASES.c.position).where(CASES.c.run_id == self.run_id)
        if self.part is not None:
            drawn = drawn.where(self._of_part(CASES.c.part))
        last = drawn.order_by(CASES.c.position).limit(1).offset(self.queue.first - 1).scalar_subquery()
        return func.coalesce(last, literal(2**63 - 1, BigInteger))

    def _order(self) -> list[ColumnElement[Any]]:
        beside = self._kept_in()
        if beside is not CASES:  # its only order is by position, and its own index has that
            return [beside.c.position]
        return [CASES.c[name] for name in self.queue.order_by]

    def _beyond(
        self, anchor: Row[Any] | None, *, backwards: bool = False, inclusive: bool = False
    ) -> list[ColumnElement[bool]]:
        if anchor is None:
            return []
        here = tuple_(*self._order())
        there = tuple_(*[literal(_value(anchor, name)) for name in self.queue.order_by])
        if self.queue.descending != backwards:
            return [here <= there if inclusive else here < there]
        return [here >= there if inclusive else here > there]


def _value(anchor: Row[Any], name: str) -> float:
    """Return where a case stands in a column; one that has no value there comes after all others."""
    value = getattr(anchor, name)
    return -1.0 if value is None else value
