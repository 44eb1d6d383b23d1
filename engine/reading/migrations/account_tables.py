"""A migration: accounts and who is signed in, beside the chain. Frozen."""

from __future__ import annotations

from sqlalchemy import Connection, text

TABLES = (
    "CREATE TABLE accounts (reader_id VARCHAR(64) NOT NULL PRIMARY KEY, password TEXT NOT NULL, "
    "disabled BOOLEAN NOT NULL, changed VARCHAR(40) NOT NULL)",
    "CREATE TABLE web_sessions (token VARCHAR(64) NOT NULL PRIMARY KEY, reader_id VARCHAR(64) NOT NULL, "
    "began VARCHAR(40) NOT NULL, seen VARCHAR(40) NOT NULL)",
    "CREATE INDEX web_sessions_of_reader ON web_sessions (reader_id)",
)


def account_tables(connection: Connection) -> None:
    """Make the tables."""
    for statement in TABLES:
        connection.execute(text(statement))
