"""The readings of a file carried to a server that has none yet: every row as it is, so the chain stays the same."""

from __future__ import annotations

from sqlalchemy import Connection, Table, insert, select

from engine.errors import StoreError
from engine.reading.case_places import batches
from engine.reading.ledger.chain import Head, head_of, set_head
from engine.reading.migrations.schema import CHAIN_HEAD, METADATA, WEB_SESSIONS

AT_ONCE = 1000
LEFT = (CHAIN_HEAD, WEB_SESSIONS)
"""What is written by itself, and who was signed in at another address."""


def carry(before: Connection, after: Connection) -> Head:
    """Copy every row of one database into another of the same version, and return its newest row.

    Args:
        before: Of the file, which is whole.
        after: Inside a write transaction of a database in which there is nothing yet.

    Raises:
        StoreError: There are cases or readings in it.
    """
    _refuse_where_something_is(after)
    for table in METADATA.tables.values():  # in the order in which they refer to one another
        if table not in LEFT:
            _copied(before, after, table)
    head = head_of(before)
    set_head(after, head)
    return head


def _refuse_where_something_is(connection: Connection) -> None:
    for table in METADATA.tables.values():  # in the order in which they refer to one another
        if table not in LEFT and connection.execute(select(table).limit(1)).first() is not None:
            raise StoreError(
                "There are readings or cases in the database of this server already, and two chains cannot be joined",
                "Give an empty database with OVERREAD_DATABASE_URL, or leave it out to bring back the file",
            )


def _copied(before: Connection, after: Connection, table: Table) -> None:
    rows = before.execute(select(table)).mappings()
    for some in batches(rows, AT_ONCE):
        after.execute(insert(table), [dict(row) for row in some])
