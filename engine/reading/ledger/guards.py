"""Triggers that refuse to change or delete a row of evidence. Frozen: migrations make them, the audit seeks them."""

from __future__ import annotations

from collections.abc import Mapping

REFUSAL = "{table} are append-only: a correction is a new row"


def guards(table: str, dialect: str) -> Mapping[str, str]:
    """Return the triggers of a table: name → the statement that makes it.

    SQLite lets `INSERT OR REPLACE` pass a trigger on DELETE, so that a row may not be written a second time either.
    """
    refusal = REFUSAL.format(table=table)
    if dialect == "sqlite":
        refused = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        twice = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE seq = NEW.seq OR id = NEW.id)"
        return {
            f"{table}_no_update": f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refused}",
            f"{table}_no_delete": f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refused}",
            f"{table}_no_replace": f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {twice} {refused}",
        }
    every = f"EXECUTE FUNCTION refuse_change('{refusal}')"
    return {
        f"{table}_no_change": f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW {every}",
        f"{table}_no_truncate": f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT {every}",
    }


POSTGRESQL_FUNCTION = (
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$"
)


def enabled_always(table: str, dialect: str) -> list[str]:
    """Return the statements that keep triggers on in every session of a server."""
    if dialect != "postgresql":
        return []
    return [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}" for name in guards(table, dialect)]
