"""The database's versions: one numbered function each, run in order, once, each in its own transaction.

A migration is frozen from its release on: it spells its own DDL and never looks at `schema.py`, which always
describes the newest version. `tests/engine/reading/test_migrations.py` checks that the two agree.
To add one: write a function in a file of its own, add it to `MIGRATIONS`, bring `schema.py` up to date.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, inspect, text

from engine.errors import StoreError
from engine.reading.migrations.account_tables import account_tables
from engine.reading.migrations.fewer_indexes import fewer_indexes
from engine.reading.migrations.first import first
from engine.reading.migrations.flags_and_search import flags_and_search
from engine.reading.migrations.label_tables import label_tables
from engine.reading.migrations.second import second
from engine.reading.migrations.study_tables import study_tables
from engine.reading.migrations.third import third

MIGRATIONS: dict[int, Callable[[Connection], None]] = {
    1: first,
    2: second,
    3: third,
    4: label_tables,
    5: study_tables,
    6: account_tables,
    7: flags_and_search,
    8: fewer_indexes,
}
NEWEST = max(MIGRATIONS)


def version_of(connection: Connection) -> int:
    """Return the version of the database, 0 for an empty one.

    Raises:
        StoreError: The database belongs to another program.
    """
    tables = inspect(connection).get_table_names()
    if "schema_version" in tables:
        return int(connection.scalar(text("SELECT MAX(version) FROM schema_version")) or 0)
    if tables:
        raise StoreError(
            "The database contains another program's tables", "Choose another workspace folder for Overread"
        )
    return 0


def migrate(connection: Connection) -> int:
    """Bring the database to the newest version, inside the caller's (write) transaction.

    Returns:
        The version found before.

    Raises:
        StoreError: The database was written by a newer Overread, or by another program.
    """
    found = version_of(connection)
    if found > NEWEST:
        raise StoreError(
            f"This workspace was written by a newer Overread (database version {found}, not {NEWEST})",
            "Update Overread, or choose another workspace; nothing in this one was changed",
        )
    for number in sorted(MIGRATIONS):
        if number > found:
            MIGRATIONS[number](connection)
            connection.execute(
                text("INSERT INTO schema_version (version) VALUES (:version)"), {"version": number}
            )
    return found
