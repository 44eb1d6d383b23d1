"""Studies as rows: made, found, changed (a deviation once it is fixed), locked, closed: a row each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from engine.errors import ReviewError
from engine.language import _, isolated, listed
from engine.reading.ledger.chain import PROGRAM, append
from engine.reading.migrations.schema import SESSIONS, STUDIES
from engine.reading.people import People
from engine.reading.studies.planning.adding import unfinished
from engine.reading.studies.planning.clock import SetBack, set_back_between
from engine.reading.studies.planning.complaints import check_protocol
from engine.reading.studies.planning.protocol import FIXED, Protocol, as_stored, changed_fields, protocol_from
from engine.reading.studies.planning.records import Deviation, State, Study

READING_ROLES = ("reader", "adjudicator", "administrator")
SETTLING_ROLES = ("adjudicator", "administrator")


def find(connection: Connection, name: str) -> Study:
    """Return a study by its id, the start of one, or its name.

    Raises:
        ReviewError: There is none, or the start is that of several.
    """
    registered = STUDIES.c.event.is_not(None)
    rows = _rows(connection, STUDIES.c.study_id == name)
    if not rows:
        said = select(STUDIES.c.study_id).where(registered, STUDIES.c.name == name).distinct()
        ids = [
            one
            for one in connection.scalars(said)
            if _rows(connection, STUDIES.c.study_id == one)[-1].name == name
        ]
        if not ids and len(name) >= 4:
            known = connection.scalars(select(STUDIES.c.study_id).where(registered).distinct())
            ids = [one for one in known if one.startswith(name)]
        if len(ids) != 1:
            raise ReviewError(
                _("There is no study “{name}”").format(name=isolated(name))
                if not ids
                else _("“{name}” is the start of several studies' ids").format(name=isolated(name)),
                _("Choose one from the list"),
                option="overread study list",
            )
        rows = _rows(connection, STUDIES.c.study_id == ids[0])
    return _study(connection, rows)


def every(connection: Connection) -> list[Study]:
    """Return all studies that have a protocol, the newest last."""
    of_study: dict[str, list[Row[Any]]] = {}
    for row in _rows(connection):
        of_study.setdefault(row.study_id, []).append(row)
    return [_study(connection, rows) for rows in of_study.values()]


def _rows(connection: Connection, *where: Any) -> Sequence[Row[Any]]:
    found = select(STUDIES).where(STUDIES.c.event.is_not(None), *where).order_by(STUDIES.c.seq)
    return connection.execute(found).all()


def _study(connection: Connection, rows: Sequence[Row[Any]]) -> Study:
    """Return the study that its rows tell of, in their order."""
    begun, locked = _begun(connection, rows[0].study_id), _first(rows, "locked")
    fixed, closed = _earlier(begun, locked), _first(rows, "closed")
    protocol, protocol_hash = protocol_from(rows[0].protocol), rows[0].protocol_hash
    deviations: list[Deviation] = []
    for row in rows[1:]:
        if row.event != "changed":
            continue
        now = protocol_from(row.protocol)
        if fixed is None or row.seq < fixed.seq:
            protocol_hash = row.protocol_hash
        else:
            deviations.append(_deviation(row, protocol, now))
        protocol = now
    state: State = "draft" if fixed is None else "locked" if begun is None else "open"
    return Study(
        study_id=rows[0].study_id,
        protocol=protocol,
        protocol_hash=protocol_hash,
        state="closed" if closed else state,
        created=datetime.fromisoformat(rows[0].at),
        fixed=datetime.fromisoformat(fixed.at) if fixed else None,
        first_reading=datetime.fromisoformat(begun.at) if begun else None,
        closed=datetime.fromisoformat(closed.at) if closed else None,
        deviations=tuple(deviations),
        unfinished=unfinished(rows),
    )


def set_back(connection: Connection, study: Study) -> tuple[SetBack, ...]:
    """Return where the clock was set back from the fixing of a study's protocol to its end."""
    rows = _rows(connection, STUDIES.c.study_id == study.study_id)
    fixed = _earlier(_begun(connection, study.study_id), _first(rows, "locked"))
    closed = _first(rows, "closed")
    if fixed is None:
        return ()
    return set_back_between(connection, (fixed.seq, fixed.at), closed.seq if closed else None)


def _begun(connection: Connection, study_id: str) -> Any:
    """Return number and date of the row by which the first reader sat down."""
    sat = select(SESSIONS.c.seq, SESSIONS.c.at).where(SESSIONS.c.study_id == study_id)
    return connection.execute(sat.order_by(SESSIONS.c.seq).limit(1)).one_or_none()


def _first(rows: Sequence[Row[Any]], event: str) -> Row[Any] | None:
    return next((row for row in rows if row.event == event), None)


def _earlier(*rows: Row[Any] | None) -> Row[Any] | None:
    return min((row for row in rows if row is not None), key=lambda row: row.seq, default=None)


def _deviation(row: Row[Any], before: Protocol, after: Protocol) -> Deviation:
    names = changed_fields(before, after)
    return Deviation(
        at=datetime.fromisoformat(row.at),
        author=row.author,
        reason=row.reason or "",
        changed={name: (getattr(before, name), getattr(after, name)) for name in names},
        protocol_hash=row.protocol_hash,
    )


def add(connection: Connection, protocol: Protocol, *, study_id: str, author: str = PROGRAM) -> Study:
    """Write down a new study, which has been checked and whose cases have been drawn and assigned."""
    write(connection, study_id, protocol, "created", author=author)
    return find(connection, study_id)


def change(
    connection: Connection,
    people: People,
    study: Study,
    protocol: Protocol,
    reason: str,
    *,
    author: str = PROGRAM,
    may_change: Sequence[str] = (),
    name: str | None = None,
) -> Study:
    """Write down another protocol: a deviation, with its reason, once the protocol is fixed.

    Args:
        connection: Inside a write transaction.
        people: Every reader.
        study: As it is.
        protocol: As it is to be.
        reason: Why; may be empty in a draft.
        author: Who says so.
        may_change: What of `FIXED` may differ, because assignments are added with it.
        name: Of the row, where another row names it.

    Raises:
        ReviewError: See `refuse_change`.
    """
    refuse_change(connection, people, study, protocol, reason, may_change=may_change)
    if name is not None or changed_fields(study.protocol, protocol):
        write(connection, study.study_id, protocol, "changed", reason=reason, author=author, name=name)
    return find(connection, study.study_id)


def refuse_change(
    connection: Connection,
    people: People,
    study: Study,
    protocol: Protocol,
    reason: str,
    *,
    may_change: Sequence[str] = (),
) -> None:
    """Refuse another protocol for a study where it cannot have it.

    Raises:
        ReviewError: As `check`; the study is closed; no reason is given; or what cases were drawn from would change.
    """
    refuse_closed(study)
    if study.state != "draft" and not reason.strip():
        raise ReviewError(
            _(
                "The protocol of “{study}” is fixed, so that a change of it is a deviation and needs a reason"
            ).format(study=isolated(study.name)),
            _("Say why it is changed; the reason is printed with the results"),
        )
    names = changed_fields(study.protocol, protocol)
    fixed = sorted(set(names) & set(FIXED) - set(may_change))
    if fixed:
        raise ReviewError(
            _("The cases of “{study}” and their order were made from what would change ({fixed})").format(
                study=isolated(study.name), fixed=listed(fixed)
            ),
            _("Make another study, and close this one"),
        )
    if names:
        check(connection, people, protocol, own=study.study_id)


def note(connection: Connection, study: Study, reason: str, *, author: str = PROGRAM) -> Study:
    """Write down a deviation that changes nothing in the protocol itself: see `Studies.note`."""
    refuse_closed(study)
    if study.state == "draft":
        raise ReviewError(
            _("The protocol of “{study}” is not fixed yet, so that nothing can depart from it").format(
                study=isolated(study.name)
            ),
            _("Say what changes, or lock the protocol first"),
        )
    if not reason.strip():
        raise ReviewError(
            _("It is not said what departed from the protocol"), _("Say it in a sentence or two")
        )
    write(connection, study.study_id, study.protocol, "changed", reason=reason.strip(), author=author)
    return find(connection, study.study_id)


def mark(connection: Connection, study: Study, event: str, *, author: str = PROGRAM) -> Study:
    """Write down that a study is "locked" or "closed"; said again, nothing happens."""
    done = study.closed if event == "closed" else study.fixed
    if done is None:
        refuse_closed(study)
        write(connection, study.study_id, study.protocol, event, author=author)
    return find(connection, study.study_id)


def write(
    connection: Connection,
    study_id: str,
    protocol: Protocol,
    event: str,
    *,
    reason: str = "",
    author: str,
    name: str | None = None,
) -> None:
    """Write a row of a study: what happened to it, with its protocol since; `name` is its id, where that is said."""
    told = {
        "study_id": study_id,
        "name": protocol.name,
        "run_id": protocol.run_id,
        "protocol": as_stored(protocol),
        "protocol_hash": protocol.hash,
        "seed": protocol.seed,
        "event": event,
        "reason": reason or None,
    }
    append(connection, STUDIES, [told], author=author, ids=None if name is None else [name])


def check(connection: Connection, people: People, protocol: Protocol, *, own: str = "") -> None:
    """Refuse a protocol that cannot be followed.

    Raises:
        ReviewError: It contradicts itself, its name is another study's than `own`, or somebody in it may not do what
            it says.
    """
    check_protocol(protocol)
    if any(other.name == protocol.name and other.study_id != own for other in every(connection)):
        raise ReviewError(
            _("There is already a study named “{protocol}”").format(protocol=isolated(protocol.name)),
            _("Choose another name"),
        )
    _check_roles(people, protocol.readers, READING_ROLES, "read")
    _check_roles(people, filter(None, [protocol.adjudicator]), SETTLING_ROLES, "adjudicate")


def _check_roles(people: People, reader_ids: Iterable[str], roles: Sequence[str], what: str) -> None:
    for reader_id in reader_ids:
        if reader_id not in people.same:
            raise ReviewError(
                _("There is no such reader"), _("Choose one from the list"), option="overread readers list"
            )
        reader = people.readers[people.same[reader_id]]
        if reader.role not in roles:
            raise ReviewError(
                _("{reader} is a {role} and may not {what}").format(
                    reader=isolated(reader.name), role=reader.role, what=what
                ),
                _("Choose somebody whose role is {roles}").format(roles=_(" or ").join(roles)),
            )


def refuse_closed(study: Study) -> None:
    """Refuse whatever would add to a study that is closed."""
    if study.state == "closed":
        raise ReviewError(
            _("The study “{study}” is closed, so that nothing can be added to it").format(
                study=isolated(study.name)
            ),
            _("Make another study"),
        )


def require_part(study: Study, people: People, person: str) -> None:
    """Refuse whoever is neither a reader nor the adjudicator of a study.

    Raises:
        ReviewError: They are not.
    """
    protocol = study.protocol
    if person not in {people.same[one] for one in (*protocol.readers, *filter(None, [protocol.adjudicator]))}:
        raise ReviewError(
            _("{person} is not a reader of “{study}”").format(
                person=isolated(people.name(person)), study=isolated(study.name)
            ),
            _("Ask whoever leads the study to add them"),
            option="overread study add",
        )


def may_settle(study: Study, people: People, person: str) -> bool:
    """Return whether somebody is the adjudicator of a study."""
    adjudicator = study.protocol.adjudicator
    return adjudicator is not None and people.same[adjudicator] == person


def person_of(people: People, reader: str) -> str:
    """Return the id of the person whom an id, a name or a spelling means.

    Raises:
        ReviewError: Nobody.
    """
    return people.same[reader] if reader in people.same else people.required(reader)
