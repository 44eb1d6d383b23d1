"""The address of a database on a server, as people and hosting companies write it, in the way that SQLAlchemy wants."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import StoreError

EXAMPLE = "postgresql://user:password@host/name"
DRIVER = "postgresql+psycopg"
POSTGRESQL = ("postgres", "postgresql")
SECONDS_TO_CONNECT = 10
"""Seconds after which a server that says nothing is taken to be away."""


def address(written: str) -> URL:
    """Return the address that was written, completed with our driver and a limit to how long it waits.

    Raises:
        StoreError: It is no address of a database, or of one of another kind than SQLite and PostgreSQL. The sentence
            does not repeat it: there may be a password in it.
    """
    try:
        url = make_url(written.strip())
    except (ArgumentError, ValueError) as error:
        raise StoreError("The database URL is not valid", f"Write it as {EXAMPLE}") from error
    kind, _, driver = url.drivername.partition("+")
    if kind == "sqlite":
        return url
    if kind not in POSTGRESQL:
        raise StoreError(
            f"Overread keeps readings in SQLite or PostgreSQL, not in “{kind}”",
            f"Write the database URL as {EXAMPLE}, or leave it out to keep them in the workspace",
        )
    if not url.database:
        raise StoreError("The database URL names no database", f"Write it as {EXAMPLE}")
    url = url.set(drivername=f"postgresql+{driver}" if driver else DRIVER)
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(SECONDS_TO_CONNECT)})
    return url
