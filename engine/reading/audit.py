"""The audit: whether any row of evidence was changed, exchanged or removed, and which.

The chain tells by itself what was changed or taken out of its middle; an anchor outside the database (a file beside
it, a report) tells when its last rows are gone, or when all of it was rewritten. What is worked out from the chain
and kept beside it (cases, last answers) is worked out again and compared.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Connection, Row, Table, select, text

from engine.reading.beside.taken_back import standing_of
from engine.reading.ledger.anchors import Anchor
from engine.reading.ledger.chain import START, Head, canonical, head_of, seal
from engine.reading.ledger.guards import guards
from engine.reading.migrations.schema import (
    ANSWERS,
    CASES,
    CHAINED,
    DIFFERENCES,
    FLAGGED,
    FLAGS,
    LAST_ANSWERS,
    PREDICTIONS,
    STUDIES,
)
from engine.reading.people import people_of
from engine.reading.row_mapping import CHAINED_OF_CASE
from engine.reading.studies.audited import tasks_not_in_chain
from engine.reading.studies.planning.clock import DATED, Clock, SetBack

_DATED = frozenset(table.name for table in DATED)


@dataclass(frozen=True, slots=True)
class Tampering:
    """Something that is not as it was written.

    Attributes:
        table: Where.
        row: The number of the row, or 0 where it is no row of the chain.
        sentence: What is wrong.
    """

    table: str
    row: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was looked at, and what was found.

    Attributes:
        rows: How many rows were checked.
        head: The newest row, by the last row that is there.
        anchors: How many anchors were checked.
        anchored: The number of the newest row that an anchor stands for; 0 without anchors.
        found: What is not as it was written.
        set_back: Where the clock of the computer was set back while people read; their rows keep their order.
    """

    rows: int
    head: Head
    anchors: int
    anchored: int
    found: tuple[Tampering, ...]
    set_back: tuple[SetBack, ...] = ()


def audit(connection: Connection, anchors: Sequence[Anchor] = ()) -> Audit:
    """Check every row of the chain, the triggers that guard it, the anchors, and what is worked out from it.

    Args:
        connection: Inside a transaction that sees one state.
        anchors: From outside the database.
    """
    walk = _Walk({anchor.seq for anchor in anchors})
    walk.through(heapq.merge(*(_rows(connection, table) for table in CHAINED), key=lambda each: each[0]))
    found = [*_guards_missing(connection), *walk.found]
    head = head_of(connection)
    if head.seq > walk.last.seq:
        found.append(_gone(walk.last.seq + 1, head.seq, "at the end"))
    elif head != walk.last and not walk.last_is_doubtful:
        found.append(
            Tampering("chain_head", 0, "The newest row is not the one that was written down as the newest")
        )
    for anchor in anchors:
        found += walk.against(anchor)
    if not found:  # else what is worked out from it differs for reasons that are named already
        found += _derived(connection)
        sentences = tasks_not_in_chain(connection, people_of(connection))
        found += [Tampering("tasks", 0, sentence) for sentence in sentences]
    newest = max((anchor.seq for anchor in anchors), default=0)
    return Audit(walk.count, walk.last, len(anchors), newest, tuple(found), tuple(walk.clock.set_back))


Numbered = tuple[int, str, Mapping[str, Any]]  # row number, table, column → value as it is stored


def _rows(connection: Connection, table: Table) -> Iterator[Numbered]:
    """Yield a table's rows as they are stored, in their order, whatever was written into them."""
    columns = [
        f"CAST({column.name} AS TEXT)" if isinstance(column.type, JSON) else column.name
        for column in table.columns
    ]
    names = [column.name for column in table.columns]
    for row in connection.execute(text(f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY seq")).all():
        told = dict(zip(names, row, strict=True))
        yield told["seq"], table.name, told


class _Walk:
    """One way along the chain, row by row."""

    def __init__(self, wanted: set[int]) -> None:
        self.found: list[Tampering] = []
        self.last = Head(0, START)
        self.last_is_doubtful = False  # its own hash is wrong: what follows it cannot be judged by it
        self.count = 0
        self.clock = Clock()
        self._wanted = wanted
        self._hashes: dict[int, str] = {0: START}

    def through(self, rows: Iterator[Numbered]) -> None:
        """Check every row against itself and against the one before."""
        for seq, table, row in rows:
            self.count += 1
            if seq <= self.last.seq:
                self._say(table, seq, f"Row {seq} is there twice: the second is in {table}")
                continue
            if seq > self.last.seq + 1:
                self.found.append(_gone(self.last.seq + 1, seq - 1, f"before row {seq} ({table})"))
                self.last_is_doubtful = True
            genuine = seal(table, row) == row["hash"]
            if not genuine:
                self._say(table, seq, f"Row {seq} ({table}) was changed after it was written")
            elif not self.last_is_doubtful and row["previous"] != self.last.hash:
                self._say(
                    table,
                    seq,
                    f"Row {seq} ({table}) does not follow the row before it: one of them was rewritten",
                )
            self.last, self.last_is_doubtful = Head(seq, row["hash"]), not genuine
            if seq in self._wanted:
                self._hashes[seq] = row["hash"]
            if genuine and table in _DATED:
                self.clock.look(seq, row["at"])

    def against(self, anchor: Anchor) -> list[Tampering]:
        """Say what an anchor shows."""
        if anchor.seq > self.last.seq:
            return [_gone(self.last.seq + 1, anchor.seq, f"at the end (anchor: {anchor.when})")]
        if self._hashes.get(anchor.seq) not in (None, anchor.hash):
            sentence = f"Row {anchor.seq} or one before it was rewritten after the anchor ({anchor.when})"
            return [Tampering("chain", anchor.seq, sentence)]
        return []

    def _say(self, table: str, seq: int, sentence: str) -> None:
        self.found.append(Tampering(table, seq, sentence))


def _gone(first: int, last: int, where: str) -> Tampering:
    which = f"Row {first} is" if first == last else f"Rows {first} to {last} are"
    return Tampering("chain", first, f"{which} missing {where}")


def _guards_missing(connection: Connection) -> list[Tampering]:
    """Name the triggers that are gone, switched off or others than they were made."""
    dialect = connection.dialect.name
    found: dict[str, str]
    if dialect == "sqlite":
        known = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        found = dict(connection.execute(text(known)).tuples().all())
    else:
        known = (
            "SELECT tgname, tgenabled FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal "
            "AND relnamespace = CAST(current_schema() AS regnamespace)"
        )
        found = dict(connection.execute(text(known)).tuples().all())
    missing = []
    for table in CHAINED:
        for name, statement in guards(table.name, dialect).items():
            if found.get(name) != (statement if dialect == "sqlite" else "A"):
                sentence = (
                    f"The trigger {name}, which keeps rows of {table.name} from being changed, is gone or off"
                )
                missing.append(Tampering(table.name, 0, sentence))
    return missing


def _derived(connection: Connection) -> Iterator[Tampering]:
    """Work out again what is kept beside the chain, and name what differs."""
    newest: dict[tuple[str, str], Row[Any]] = {}
    for row in connection.execute(select(PREDICTIONS).order_by(PREDICTIONS.c.seq)):
        newest[row.run_id, row.image_id] = row
    places: dict[tuple[str, str], Row[Any]] = {}
    for case in connection.execute(select(CASES)):
        key = (case.run_id, case.image_id)
        places[key] = case
        told = newest.pop(key, None)
        changed = [name for name in CHAINED_OF_CASE if told is None or _differ(case, told, name)]
        if changed:
            which = f"The case {case.image_id[:12]} of run {case.run_id}"
            sentence = f"{which} is not as it was predicted: {', '.join(changed)}"
            yield Tampering("cases", 0, sentence)
    for run_id, image_id in newest:
        yield Tampering("cases", 0, f"The case {image_id[:12]} of run {run_id} is missing")
    yield from _last_answers(connection, places)
    yield from _flagged(connection)
    yield from _differences(connection)


def _differ(case: Row[Any], told: Row[Any], name: str) -> bool:
    return canonical(getattr(case, name)) != canonical(getattr(told, name))


def _flagged(connection: Connection) -> Iterator[Tampering]:
    """Name the cases that are flagged and not so in the chain, or the other way round."""
    people = people_of(connection)
    wanted: dict[tuple[str, str, str], int] = {}
    for row in connection.execute(select(FLAGS).order_by(FLAGS.c.seq)):
        key = (row.run_id, people.same[row.reader_id], row.image_id)
        wanted.pop(key, None)
        if row.flagged:
            wanted[key] = row.seq
    kept = {
        (row.run_id, row.reader_id, row.image_id): row.flag for row in connection.execute(select(FLAGGED))
    }
    for run_id, _, image_id in sorted(dict(wanted.items() ^ kept.items())):
        sentence = f"Whether case {image_id[:12]} of run {run_id} is flagged is not what the chain says"
        yield Tampering("flagged", 0, sentence)


def _differences(connection: Connection) -> Iterator[Tampering]:
    """Name the cases on which readers differ and are not said to, or the other way round."""
    last = select(LAST_ANSWERS.c.run_id, LAST_ANSWERS.c.position, ANSWERS.c.label, ANSWERS.c.verdict)
    said: dict[tuple[str, int], set[str]] = {}
    for row in connection.execute(last.join(ANSWERS, ANSWERS.c.seq == LAST_ANSWERS.c.answer)):
        said.setdefault((row.run_id, row.position), set()).add(row.label or row.verdict)
    differ = {key for key, answers in said.items() if len(answers) > 1}
    kept = {(row.run_id, row.position) for row in connection.execute(select(DIFFERENCES))}
    for run_id, position in sorted(differ ^ kept):
        sentence = f"Whether readers differ on the case at place {position} of run {run_id} is not what they answered"
        yield Tampering("differences", 0, sentence)


def _last_answers(connection: Connection, cases: Mapping[tuple[str, str], Row[Any]]) -> Iterator[Tampering]:
    people = people_of(connection)
    unregistered = select(STUDIES.c.study_id, STUDIES.c.run_id).where(STUDIES.c.event.is_(None))
    run_of = dict(connection.execute(unregistered).tuples().all())
    wanted: dict[tuple[str, str, str], tuple[int, str]] = {}
    for row in standing_of(connection.execute(select(ANSWERS).order_by(ANSWERS.c.seq))):
        run_id = run_of.get(row.study_id)
        if run_id is not None:
            wanted[run_id, people.same[row.reader_id], row.image_id] = (row.seq, row.verdict)
    for row in connection.execute(select(LAST_ANSWERS)):
        key = (row.run_id, row.reader_id, row.image_id)
        case = cases.get((row.run_id, row.image_id))
        kept = (row.position, row.part) == ((case.position, case.part) if case else None)
        if wanted.pop(key, None) != (row.answer, row.verdict) or not kept:
            sentence = (
                f"The last answer to case {row.image_id[:12]} of run {row.run_id} is not the one in the chain"
            )
            yield Tampering("last_answers", 0, sentence)
    for run_id, _, image_id in wanted:
        yield Tampering(
            "last_answers", 0, f"An answer to case {image_id[:12]} of run {run_id} is not among the last"
        )
