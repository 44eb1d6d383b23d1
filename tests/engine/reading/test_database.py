"""Promises of the database: what was acknowledged is on the disk, and what belongs together stays together."""

from __future__ import annotations

from pathlib import Path

from engine.reading.database import open_database


def test_a_verdict_is_on_the_disk_before_the_next_case_is_shown(tmp_path: Path) -> None:
    database = open_database(tmp_path / "overread.db")
    try:
        with database.engine.connect() as connection:
            settings = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("synchronous", "journal_mode", "foreign_keys")
            }
    finally:
        database.close()
    assert settings == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}  # 2 is FULL
