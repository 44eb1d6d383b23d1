"""The one statement that each question about a queue takes.

Paging is by key, never by OFFSET, so the next of 100,000 cases costs what the next of 100 costs. A statement is built
once for all readers and cases, who stand in it as parameters: building it takes longer than carrying it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Float,
    FromClause,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
    tuple_,
)

from engine.reading.migrations.schema import CASES, DIFFERENCES, FLAGGED, LAST_ANSWERS, SEARCHED
from engine.reading.queues.catalogue import QUEUES, Queue
from engine.records import ELSEWHERE, Whence

Asked = tuple[Select[Any], dict[str, Any]]
"""A statement, and its parameters."""
RUN: BindParameter[str] = bindparam("run")
READER: BindParameter[str] = bindparam("reader")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One reader's sight of one queue of one run."""

    queue: Queue
    run_id: str
    reader_id: str
    part: Whence | None = None

    def page(self, anchor: Row[Any] | None, limit: int, *, skip: int = 0) -> Asked:
        """Select up to `limit` cases after the anchor (a row of cases), or from the start."""
        found = _page(self.queue, self.part, anchor is not None, limit)
        return found.offset(skip) if skip else found, self._with(anchor)

    def page_before(self, anchor: Row[Any], limit: int) -> Asked:
        """Select the cases just before the anchor, nearest first.

        Of "not yet read" these are all cases: who goes back wants the case that was just read.
        """
        queue = QUEUES["all"] if self.queue.unread else self.queue
        return _page_before(queue, self.part, limit), self._with(anchor)

    def count(self, until: Row[Any] | None = None) -> Asked:
        """Select the number of cases, or of those up to and including the anchor."""
        return _count(self.queue, self.part, until is not None), self._with(until)

    def holds(self, image_id: str) -> Asked:
        """Select 1 when a case is in the queue."""
        return _holds(self.queue, self.part), self._with(None) | {"image": image_id}

    def _with(self, anchor: Row[Any] | None) -> dict[str, Any]:
        told: dict[str, Any] = {"run": self.run_id, "reader": self.reader_id}
        if anchor is not None:
            told |= {f"at_{name}": _value(anchor, name) for name in {*self.queue.order_by, "position"}}
        return told


@lru_cache(maxsize=256)
def _page(queue: Queue, part: Whence | None, anchored: bool, limit: int) -> Select[Any]:
    where = [*_conditions(queue, part), *(_beyond(queue) if anchored else ())]
    ordered = [column.desc() if queue.descending else column.asc() for column in _order(queue)]
    return select(CASES).select_from(_tables(queue)).where(*where).order_by(*ordered).limit(limit)


@lru_cache(maxsize=64)
def _page_before(queue: Queue, part: Whence | None, limit: int) -> Select[Any]:
    where = [*_conditions(queue, part), *_beyond(queue, backwards=True)]
    ordered = [column.asc() if queue.descending else column.desc() for column in _order(queue)]
    return select(CASES).select_from(_tables(queue)).where(*where).order_by(*ordered).limit(limit)


@lru_cache(maxsize=256)
def _count(queue: Queue, part: Whence | None, until: bool) -> Select[Any]:
    if queue.unread:  # two ranges of two indexes; looking every case up would take ten times as long
        read = [LAST_ANSWERS.c.run_id == RUN, LAST_ANSWERS.c.reader_id == READER]
        if part is not None:
            read.append(_of_part(part, LAST_ANSWERS.c.part))
        if until:
            read.append(LAST_ANSWERS.c.position <= bindparam("at_position"))
        cases = _count(QUEUES["all"], part, until).scalar_subquery()
        return select(cases - select(func.count()).select_from(LAST_ANSWERS).where(*read).scalar_subquery())
    where = _conditions(queue, part)
    if until:
        where += _beyond(queue, backwards=True, inclusive=True)
    return select(func.count()).select_from(_kept_in(queue)).where(*where)


@lru_cache(maxsize=64)
def _holds(queue: Queue, part: Whence | None) -> Select[Any]:
    where = [*_conditions(queue, part), CASES.c.image_id == bindparam("image")]
    return select(literal(1)).select_from(_tables(queue)).where(*where)


def _kept_in(queue: Queue) -> Table:
    """Return the table whose rows are the queue: the cases, or what is kept beside them."""
    if queue.verdicts:
        return LAST_ANSWERS
    if queue.terms:
        return SEARCHED
    return {"": CASES, "flagged": FLAGGED, "differences": DIFFERENCES}[queue.kept_in]


def _tables(queue: Queue) -> FromClause:
    beside = _kept_in(queue)
    if beside is CASES:
        return CASES
    return beside.join(CASES, and_(CASES.c.run_id == beside.c.run_id, CASES.c.position == beside.c.position))


def _conditions(queue: Queue, part: Whence | None) -> list[ColumnElement[bool]]:
    beside = _kept_in(queue)
    if beside is not CASES:
        where = [beside.c.run_id == RUN, *(term.condition() for term in queue.terms)]
        if "reader_id" in beside.c:
            where.append(beside.c.reader_id == READER)
        if queue.verdicts:
            where.append(LAST_ANSWERS.c.verdict.in_([verdict.value for verdict in queue.verdicts]))
        return where if part is None else [*where, _of_part(part, beside.c.part)]
    where = [CASES.c.run_id == RUN]
    if part is not None:
        where.append(_of_part(part, CASES.c.part))
    if queue.first:
        where.append(CASES.c.position <= _last_of_sample(queue, part))
    if queue.above:
        column, bound = queue.above
        where.append(CASES.c[column] > bound)
    if queue.wrong:
        where.append(CASES.c.wrong == literal(True))
    if queue.suspected:
        where.append(CASES.c.suspicion.is_not(None))
    if queue.unread:
        where.append(
            ~exists().where(
                LAST_ANSWERS.c.run_id == CASES.c.run_id,
                LAST_ANSWERS.c.reader_id == READER,
                LAST_ANSWERS.c.position == CASES.c.position,
            )
        )
    return where


def _of_part(part: Whence, column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.is_(None) if part == ELSEWHERE else column == part


def _last_of_sample(queue: Queue, part: Whence | None) -> ColumnElement[Any]:
    """Return the place of the sample's last case; beyond every place where there are fewer cases."""
    drawn = select(CASES.c.position).where(CASES.c.run_id == RUN)
    if part is not None:
        drawn = drawn.where(_of_part(part, CASES.c.part))
    last = drawn.order_by(CASES.c.position).limit(1).offset(queue.first - 1).scalar_subquery()
    return func.coalesce(last, literal(2**63 - 1, BigInteger))


def _order(queue: Queue) -> list[ColumnElement[Any]]:
    beside = _kept_in(queue)
    if beside is not CASES:  # its only order is by position, and its own index has that
        return [beside.c.position]
    return [CASES.c[name] for name in queue.order_by]


def _beyond(queue: Queue, *, backwards: bool = False, inclusive: bool = False) -> list[ColumnElement[bool]]:
    """Return the condition that a case lies behind the anchor, or before it."""
    here = tuple_(*_order(queue))
    there = tuple_(*[bindparam(f"at_{name}", type_=_kind(name)) for name in queue.order_by])
    if queue.descending != backwards:
        return [here <= there if inclusive else here < there]
    return [here >= there if inclusive else here > there]


def _kind(name: str) -> BigInteger | Float[float]:
    return BigInteger() if name == "position" else Float()


def _value(anchor: Row[Any], name: str) -> float:
    """Return where a case stands in a column; one that has no value there comes after all others."""
    value = getattr(anchor, name)
    return -1.0 if value is None else value
