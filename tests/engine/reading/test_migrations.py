"""Every version of the database opens with today's program, and tomorrow's is refused unharmed."""

from __future__ import annotations

import math
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from engine.errors import StoreError
from engine.reading.database import open_database
from engine.reading.migrations import MIGRATIONS, NEWEST
from engine.reading.migrations.schema import METADATA
from engine.reading.store import open_store


def test_migrations_are_numbered_without_a_gap() -> None:
    assert list(MIGRATIONS) == list(range(1, NEWEST + 1))


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


def test_opening_twice_migrates_once(tmp_path: Path) -> None:
    for _ in range(2):
        open_store(tmp_path / "overread.db").close()
    with closing(sqlite3.connect(tmp_path / "overread.db")) as other:
        assert other.execute("SELECT version FROM schema_version").fetchall() == [(n,) for n in MIGRATIONS]


def test_programs_that_open_a_new_workspace_at_once_all_succeed(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(6)

    def opening() -> None:
        start.wait()
        try:
            open_store(tmp_path / "overread.db").close()
        except BaseException as error:  # noqa: BLE001  whatever it is, the test must see it
            failures.append(error)

    threads = [threading.Thread(target=opening) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_newer_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "overread.db"
    open_store(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO schema_version VALUES (?)", (NEWEST + 1,))
        other.commit()
        before = list(other.iterdump())
    with pytest.raises(StoreError, match=r"newer Overread.*Update Overread"):
        open_store(path)
    with closing(sqlite3.connect(path)) as other:
        assert list(other.iterdump()) == before


def test_another_programs_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "overread.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (cake TEXT)")
    with pytest.raises(StoreError, match="another program's tables"):
        open_store(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


def test_a_migration_that_dies_half_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: object) -> None:
        MIGRATIONS_BEFORE[1](connection)
        raise KeyboardInterrupt

    MIGRATIONS_BEFORE = dict(MIGRATIONS)
    monkeypatch.setitem(MIGRATIONS, 1, half)
    with pytest.raises(KeyboardInterrupt):
        open_store(tmp_path / "overread.db")
    monkeypatch.undo()
    open_store(tmp_path / "overread.db").close()


def filled_by_the_first_version(address: str) -> None:
    """Make a database as the first version did: two runs, three cases, a verdict."""
    old = create_engine(address)
    with old.begin() as connection:
        MIGRATIONS[1](connection)
        connection.execute(text("INSERT INTO schema_version (version) VALUES (1)"))
        for run_id, classes, threshold in (
            ("two", '["normal", "opacity"]', 0.2),
            ("three", '["a", "b", "c"]', None),
        ):
            connection.execute(
                text(
                    "INSERT INTO runs VALUES (:run, 'x', 'x', 'x', :classes, 'opacity', :threshold, '2026')"
                ),
                {"run": run_id, "classes": classes, "threshold": threshold},
            )
        for run_id, image, probabilities, predicted in (
            ("two", "near", "[0.75, 0.25]", "opacity"),
            ("two", "far", "[0.5, 0.5]", "opacity"),
            ("three", "one", "[0.5, 0.25, 0.25]", "a"),
        ):
            connection.execute(
                text(
                    "INSERT INTO cases VALUES (:run, :image, :place, '/x.png', NULL, 'p', 'test', :predicted, :p, .5,"
                    " .5, NULL, NULL, '[]')"
                ),
                {
                    "run": run_id,
                    "image": image,
                    "place": len(image),
                    "predicted": predicted,
                    "p": probabilities,
                },
            )
        connection.execute(
            text(
                "INSERT INTO reviews (run_id, image_id, reader, verdict, label, comment, regions, seconds, created,"
                " predicted, confidence) VALUES ('two', 'far', 'Ada', 'agree', 'opacity', '', '[]', 3,"
                " '2026-01-01T12:00:00+00:00', 'opacity', .5)"
            )
        )
    old.dispose()


def test_verdicts_of_the_first_version_are_kept_and_how_their_cases_were_drawn_is_unknown(
    tmp_path: Path,
) -> None:
    path = tmp_path / "overread.db"
    filled_by_the_first_version(f"sqlite:///{path}")
    with open_store(path) as store:
        (kept,) = store.reviews("two")
        assert (kept.reader, kept.queue, kept.drawn) == ("Ada", "", "")
        margins = {each.image_id: each.margin for run in ("two", "three") for each in store.predictions(run)}
        assert margins["near"] == pytest.approx(math.log(0.25 / 0.75) - math.log(0.2 / 0.8))
        assert margins["one"] == pytest.approx(math.log(2))
        first = store.first("two", "most uncertain", "Ada")
        assert first is not None and first.image_id == "near"
        with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
            connection.execute(text("UPDATE reviews SET queue = 'random sample'"))
