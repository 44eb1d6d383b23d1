"""Readers are people: each has one id and any number of spellings, and what changes about one is a new row.

Two people may not bear one name. A name that differs from another only in case, spaces, punctuation or diacritics may
be the same person's: whoever adds it is asked.
"""

from __future__ import annotations

import math
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from engine.errors import ReviewError
from engine.language import _, isolated, listed, short_number
from engine.reading.ledger.chain import PROGRAM, append
from engine.reading.migrations.schema import ASSIGNMENTS, LAST_ANSWERS, PLACES, READERS, TASKS
from engine.reading.validation import HALF_CHARACTER, LONGEST_NAME
from engine.records import READER_ROLES

MOST_YEARS = 80
_SAME = READERS.alias()
NEWEST = select(READERS.c.hash).where(READERS.c.seq == select(func.max(_SAME.c.seq)).scalar_subquery())
# Letters that Unicode does not take apart, and those that a Persian or Arabic keyboard writes in two ways.
ALIKE = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
    "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A person who reads.

    Attributes:
        reader_id: Stays, whatever the name becomes.
        name: For people; no two readers have the same.
        role: One of `READER_ROLES`.
        profession: What they are, such as "radiologist"; empty where it was not said.
        years: Of experience; None where it was not said.
        spellings: Other names that the same person has, or has had.
        introduced: Whether a person has said this; not where the program took the name from the computer's account or
            from an older workspace.
    """

    reader_id: str
    name: str
    role: str = "reader"
    profession: str = ""
    years: float | None = None
    spellings: tuple[str, ...] = ()
    introduced: bool = True


@dataclass(frozen=True, slots=True)
class People:
    """Every reader, as the newest rows have them.

    Attributes:
        readers: By id, without those who were found to be somebody else.
        same: The id of every row ever written → the id of the person.
    """

    readers: Mapping[str, Reader]
    same: Mapping[str, str]
    _by_name: Mapping[str, str] = field(repr=False)

    def find(self, name: str) -> str:
        """Return the id of the person of a name or spelling; empty where there is nobody."""
        return self._by_name.get(name) or self._by_name.get(tidy(name), "")

    def required(self, name: str) -> str:
        """Return the id of the person of a name.

        Raises:
            ReviewError: Nobody has it.
        """
        found = self.find(name)
        if not found:
            known = ", ".join(sorted(reader.name for reader in self.readers.values())) or "the list is empty"
            raise ReviewError(
                _("There is no reader named “{name}” (in the list: {known})").format(
                    name=isolated(name), known=known
                ),
                _("Choose a reader from the list, or add one"),
                option="overread readers add NAME",
            )
        return found

    def name(self, reader_id: str) -> str:
        """Return the name of the person behind an id."""
        return self.readers[self.same[reader_id]].name

    def ids(self, reader_id: str) -> list[str]:
        """Return every id that is the same person's."""
        return [one for one, person in self.same.items() if person == reader_id]

    def like(self, name: str) -> list[Reader]:
        """Return who may be meant by a name: readers with a spelling that differs only in how it is written."""
        wanted = alike(name)
        return [
            reader
            for reader in self.readers.values()
            if wanted in {alike(each) for each in (reader.name, *reader.spellings)}
        ]


class Acquainted:
    """The readers as they were found last; they are looked up again where a row about them is newer."""

    def __init__(self) -> None:
        self._found: tuple[str, People] | None = None

    def now(self, connection: Connection) -> People:
        """Return every reader."""
        return self.as_of(connection, newest_row(connection))

    def as_of(self, connection: Connection, newest: str) -> People:
        """Return every reader, where the newest row about them is known by its hash."""
        if self._found is None or self._found[0] != newest:
            self._found = (newest, people_of(connection))
        return self._found[1]

    def lately(self, connection: Connection) -> tuple[str, People]:
        """Return the readers as they were found last, with the hash of the row that was the newest then."""
        found = self._found
        if found is None:
            newest = newest_row(connection)
            found = (newest, self.as_of(connection, newest))
        return found


def experience(reader: Reader) -> str:
    """Return what a reader is and for how long, in words."""
    years = None if reader.years is None else f"{reader.years:g} years of experience"
    said = [each for each in (reader.profession, years) if each]
    return ", ".join(said) or "profession and experience not stated"


def tidy(name: str) -> str:
    """Return a name as it is kept: composed, with single spaces and none at its ends."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def alike(name: str) -> str:
    """Return what two spellings of one name have in common: their letters and digits, without marks."""
    taken_apart = unicodedata.normalize("NFKD", name.casefold().translate(ALIKE))
    return "".join(each for each in taken_apart if each.isalnum()) or tidy(name).casefold()


def people_of(connection: Connection) -> People:
    """Return every reader."""
    newest: dict[str, Row[Any]] = {}
    borne: list[tuple[str, str]] = []  # every name that an id ever had, the newest last
    for row in connection.execute(select(READERS).order_by(READERS.c.seq)):
        newest[row.reader_id] = row
        borne.append((row.name, row.reader_id))
    same = {reader_id: _person(newest, reader_id) for reader_id in newest}
    now = [(row.name, reader_id) for reader_id, row in newest.items()]
    by_name = {name: same[reader_id] for name, reader_id in (*borne, *now)}
    spellings: dict[str, set[str]] = {}
    for name, person in by_name.items():
        if name != newest[person].name:
            spellings.setdefault(person, set()).add(name)
    readers = {
        person: Reader(
            reader_id=person,
            name=newest[person].name,
            role=newest[person].role,
            profession=newest[person].profession or "",
            years=newest[person].years,
            spellings=tuple(sorted(spellings.get(person, ()))),
            introduced=newest[person].author != PROGRAM,
        )
        for person in dict.fromkeys(same.values())
    }
    return People(readers, same, by_name)


def _person(newest: Mapping[str, Row[Any]], reader_id: str) -> str:
    met = {reader_id}
    while (other := newest[reader_id].same_as) in newest and other not in met:
        met.add(other)
        reader_id = other
    return reader_id


def newest_row(connection: Connection) -> str:
    """Return the hash of the newest row about readers, which tells whether they have changed.

    Not its number: one that was undone may be given again to another row.
    """
    return str(connection.scalar(NEWEST) or "")


def add(connection: Connection, reader: Reader, *, another: bool) -> Reader:
    """Add a reader.

    Args:
        connection: Inside a write transaction.
        reader: Whose id is made here when empty.
        another: Whether a name that is almost another's is a different person's.

    Raises:
        ReviewError: The name is taken, or almost another's, or something is out of bounds.
    """
    people, name = people_of(connection), tidy(reader.name)
    if people.find(name):
        raise ReviewError(
            _("There is already a reader named “{name}”").format(name=isolated(name)),
            _("Choose them from the list"),
        )
    close = people.like(name)
    if close and not another:
        raise ReviewError(
            _("“{name}” may be {close}, who is in the list").format(
                name=isolated(name), close=_(" or ").join(f"“{isolated(each.name)}”" for each in close)
            ),
            _("Choose that name if it is the same person; say that it is another person if it is not"),
        )
    return _write(connection, Reader(**{**_fields(reader), "name": name, "reader_id": uuid.uuid4().hex}))


def change(connection: Connection, reader: Reader) -> Reader:
    """Write down what has changed about a reader, as a new row.

    Raises:
        ReviewError: There is no such reader, the name is another's, or something is out of bounds.
    """
    people, name = people_of(connection), tidy(reader.name)
    if reader.reader_id not in people.readers:
        raise ReviewError(_("There is no such reader"), _("Reload the page and choose one from the list"))
    if people.find(name) not in ("", reader.reader_id):
        raise ReviewError(
            _("There is already another reader named “{name}”").format(name=isolated(name)),
            _("Choose a name that distinguishes them"),
        )
    return _write(connection, Reader(**{**_fields(reader), "name": name}))


def join(connection: Connection, one: str, into: str) -> Reader:
    """Say in a new row that two spellings are one person's; the second stands. Nothing that was read is rewritten.

    Raises:
        ReviewError: One of them is unknown, or they are one person already.
    """
    people = people_of(connection)
    first, second = people.required(one), people.required(into)
    if first == second:
        raise ReviewError(
            _("“{one}” and “{into}” are the same reader already").format(
                one=isolated(one), into=isolated(into)
            ),
            _("There is nothing to join"),
        )
    _write(connection, people.readers[first], same_as=second)
    _join_last_answers(connection, first, second)
    _join_tasks(connection, people_of(connection).ids(second))
    return people_of(connection).readers[second]


def _join_last_answers(connection: Connection, first: str, second: str) -> None:
    """Let the newer of two answers on a case be the one person's last."""
    own = LAST_ANSWERS.c.reader_id == second
    theirs = {
        (row.run_id, row.position): row.answer for row in connection.execute(select(LAST_ANSWERS).where(own))
    }
    for row in connection.execute(select(LAST_ANSWERS).where(LAST_ANSWERS.c.reader_id == first)).all():
        here = (LAST_ANSWERS.c.run_id == row.run_id, LAST_ANSWERS.c.position == row.position)
        answered = theirs.get((row.run_id, row.position))
        older = LAST_ANSWERS.c.reader_id == (
            first if answered is not None and answered > row.answer else second
        )
        connection.execute(delete(LAST_ANSWERS).where(*here, older))
        connection.execute(
            update(LAST_ANSWERS).where(*here, LAST_ANSWERS.c.reader_id == first).values(reader_id=second)
        )
    connection.execute(delete(PLACES).where(PLACES.c.reader_id == first))


def _join_tasks(connection: Connection, ids: list[str]) -> None:
    """Let a case of a study that one person was assigned under two names be read once."""
    other = TASKS.alias()
    same = (
        other.c.study_id == TASKS.c.study_id,
        other.c.image_id == TASKS.c.image_id,
        other.c.arm == TASKS.c.arm,
        other.c.position.in_(
            select(ASSIGNMENTS.c.position).where(
                ASSIGNMENTS.c.study_id == TASKS.c.study_id, ASSIGNMENTS.c.image_id == TASKS.c.image_id
            )
        ),
    )
    newest = select(func.max(other.c.answer)).where(*same, other.c.reader_id.in_(ids)).scalar_subquery()
    connection.execute(update(TASKS).where(TASKS.c.reader_id.in_(ids)).values(answer=newest))


def _fields(reader: Reader) -> dict[str, Any]:
    return {name: getattr(reader, name) for name in Reader.__slots__}


def _write(connection: Connection, reader: Reader, *, same_as: str | None = None) -> Reader:
    _check(reader)
    told = {
        "reader_id": reader.reader_id,
        "name": reader.name,
        "role": reader.role,
        "profession": tidy(reader.profession) or None,
        "years": reader.years,
        "same_as": same_as,
    }
    append(connection, READERS, [told], author=reader.reader_id if reader.introduced else PROGRAM)
    return reader


def _check(reader: Reader) -> None:
    texts: Iterable[str] = (reader.name, reader.profession)
    if any("\0" in text or HALF_CHARACTER.search(text) for text in texts):
        raise ReviewError(
            _("The reader holds a character that cannot be stored"), _("Type it again without it")
        )
    if not reader.name or max(map(len, texts)) > LONGEST_NAME:
        raise ReviewError(
            _("A reader needs a name"),
            _("Enter a name or initials, up to {most} characters").format(most=short_number(LONGEST_NAME)),
        )
    if reader.role not in READER_ROLES:
        raise ReviewError(
            _("“{role}” is no role").format(role=isolated(reader.role)),
            _("Choose one of: {names}").format(names=listed(READER_ROLES)),
        )
    if reader.years is not None and not (math.isfinite(reader.years) and 0 <= reader.years <= MOST_YEARS):
        raise ReviewError(
            _("The years of experience are no number of years"),
            _("Enter 0 to {most_years}, or leave them out").format(most_years=short_number(MOST_YEARS)),
        )
