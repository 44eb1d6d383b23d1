"""Accounts and who is signed in, in two tables beside the chain: what they hold is no evidence, and may change.

Who a person is, and what they may do, are the reader's rows in the chain. What a browser keeps is a random token; the
database keeps its hash, so that a copy of the database opens nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, select, update

from engine.errors import ReviewError
from engine.reading import row_mapping as rows
from engine.reading.accounts.passwords import checked_password, hashed, is_right, is_weaker_than_now
from engine.reading.migrations.schema import ACCOUNTS, WEB_SESSIONS
from engine.reading.people import People, Reader

ADMINISTRATOR = "administrator"
LONGEST_SESSION = timedelta(hours=12)
IDLE = timedelta(minutes=60)
"""A session ends when its browser has asked for nothing for so long."""
SEEN_EVERY = timedelta(minutes=1)
"""How often it is written down that a browser was there."""
_NOBODYS = hashed(secrets.token_urlsafe(16))  # compared with where there is no account: that takes as long
_SESSION = select(WEB_SESSIONS).where(WEB_SESSIONS.c.token == bindparam("token"))
_ACCOUNT = select(ACCOUNTS).where(ACCOUNTS.c.reader_id == bindparam("reader_id"))

Opens = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in.

    Attributes:
        reader: The person.
        disabled: Whether nobody gets in by it.
        changed: When its password was given, ISO 8601 in UTC.
        signed_in: In how many browsers it is signed in.
    """

    reader: Reader
    disabled: bool
    changed: str
    signed_in: int = 0


class Accounts:
    """The accounts of a store.

    Args:
        read: Opens a transaction that reads.
        write: Opens one that writes.
        people: Returns every reader.
        now: The time; for tests.
    """

    def __init__(
        self,
        read: Opens,
        write: Opens,
        people: Callable[[Connection], People],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._read, self._write, self._people, self.now = read, write, people, now

    def all(self) -> list[Account]:
        """Return every account, by name."""
        with self._read() as connection:
            people = self._people(connection)
            open_now = [
                people.same.get(row.reader_id)
                for row in connection.execute(select(WEB_SESSIONS))
                if not self._is_over(row.began, row.seen)
            ]
            found = [
                Account(people.readers[person], bool(row.disabled), row.changed, open_now.count(person))
                for row in connection.execute(select(ACCOUNTS))
                if (person := people.same.get(row.reader_id)) is not None
            ]
        return sorted(found, key=lambda each: each.reader.name.casefold())

    def administrators(self) -> int:
        """Return how many administrators may sign in."""
        return sum(each.reader.role == ADMINISTRATOR and not each.disabled for each in self.all())

    def set_password(self, name: str, password: str) -> None:
        """Make a reader's account, or give it another password; it is signed out everywhere.

        Raises:
            ReviewError: There is no such reader, or the password may not be used.
        """
        kept = hashed(checked_password(password, name))
        with self._write() as connection:
            reader_id = self._people(connection).required(name)
            told = {"reader_id": reader_id, "password": kept, "disabled": False, "changed": self._moment()}
            keep = rows.writing(
                connection.dialect.name, ACCOUNTS, ("reader_id",), ("password", "disabled", "changed")
            )
            connection.execute(keep, told)
            self._end_all(connection, reader_id)

    def disable(self, name: str, *, disabled: bool = True) -> None:
        """Let nobody in by an account, and end its sessions; or let them in again.

        Raises:
            ReviewError: There is no such account, or it is the last administrator's.
        """
        with self._write() as connection:
            reader_id = self._people(connection).required(name)
            of_reader = ACCOUNTS.c.reader_id == reader_id
            done = connection.execute(update(ACCOUNTS).where(of_reader).values(disabled=disabled))
            if done.rowcount == 0:
                raise ReviewError(
                    f"{name} has no account", "Make them one", option="overread accounts add NAME"
                )
            self._end_all(connection, reader_id)

    def sign_in(self, name: str, password: str) -> str | None:
        """Return the token of a new session; None where name or password is wrong, or the account is disabled.

        It takes the same time whether there is such an account or not.
        """
        with self._read() as connection:
            reader_id = self._people(connection).find(name)
            found = connection.execute(_ACCOUNT, {"reader_id": reader_id}).one_or_none()
        right = is_right(password, _NOBODYS if found is None else found.password)
        if found is None or found.disabled or not right:
            return None
        token = secrets.token_urlsafe(32)
        again = hashed(password) if is_weaker_than_now(found.password) else None
        with self._write() as connection:
            if again is not None:
                of_reader = ACCOUNTS.c.reader_id == reader_id
                connection.execute(update(ACCOUNTS).where(of_reader).values(password=again))
            oldest = (self.now() - LONGEST_SESSION).isoformat()
            connection.execute(delete(WEB_SESSIONS).where(WEB_SESSIONS.c.began < oldest))
            told = {"token": _digest(token), "reader_id": reader_id}
            connection.execute(
                WEB_SESSIONS.insert(), told | {"began": self._moment(), "seen": self._moment()}
            )
        return token

    def signed_in(self, token: str) -> Reader | None:
        """Return who a token stands for; None where its session is over or its account disabled."""
        with self._read() as connection:
            session = connection.execute(_SESSION, {"token": _digest(token)}).one_or_none()
            if session is None or self._is_over(session.began, session.seen):
                return None
            account = connection.execute(_ACCOUNT, {"reader_id": session.reader_id}).one_or_none()
            people = self._people(connection)
        if account is None or account.disabled or session.reader_id not in people.same:
            return None
        if self.now() - datetime.fromisoformat(session.seen) > SEEN_EVERY:
            with self._write() as connection:
                of_session = WEB_SESSIONS.c.token == session.token
                connection.execute(update(WEB_SESSIONS).where(of_session).values(seen=self._moment()))
        return people.readers[people.same[session.reader_id]]

    def sign_out(self, token: str) -> None:
        """End one session."""
        with self._write() as connection:
            connection.execute(delete(WEB_SESSIONS).where(WEB_SESSIONS.c.token == _digest(token)))

    def sign_out_everywhere(self, name: str) -> None:
        """End every session of a reader.

        Raises:
            ReviewError: There is no such reader.
        """
        with self._write() as connection:
            self._end_all(connection, self._people(connection).required(name))

    def _end_all(self, connection: Connection, reader_id: str) -> None:
        theirs = WEB_SESSIONS.c.reader_id.in_(self._people(connection).ids(reader_id))
        connection.execute(delete(WEB_SESSIONS).where(theirs))

    def _is_over(self, began: str, seen: str) -> bool:
        now = self.now()
        return (
            now - datetime.fromisoformat(began) > LONGEST_SESSION or now - datetime.fromisoformat(seen) > IDLE
        )

    def _moment(self) -> str:
        return self.now().isoformat()


def _digest(token: str) -> str:
    return sha256(token.encode(errors="surrogateescape")).hexdigest()
