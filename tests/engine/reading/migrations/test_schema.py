"""The tables that statements are built from are those that the migrations make: names, keys, what may be missing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect

from engine.reading.database import open_database
from engine.reading.migrations.schema import METADATA


def test_the_migrations_arrive_at_the_tables_that_statements_are_built_from(tmp_path: Path) -> None:
    database = open_database(tmp_path / "overread.db")
    found = inspect(database.engine)
    made = {name: found.get_columns(name) for name in found.get_table_names() if name != "schema_version"}
    assert made.keys() == METADATA.tables.keys()
    for name, table in METADATA.tables.items():
        assert {column["name"]: column["nullable"] for column in made[name]} == {
            column.name: bool(column.nullable) for column in table.columns
        }
        keys = found.get_pk_constraint(name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key]
    database.close()
