"""The same store on PostgreSQL: a real server, started for the test, where its programs are installed."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from engine.errors import ReviewError, StoreError
from engine.reading.answers import Given
from engine.reading.ledger.anchors import Anchor
from engine.reading.migrations import MIGRATIONS
from engine.reading.migrations.schema import CHAINED, METADATA
from engine.reading.queues.catalogue import search
from engine.reading.sittings import Shown
from engine.reading.store import QUEUES, open_store
from engine.records import Review, Verdict
from tests.engine.reading.test_audit import BOX, read_a_study
from tests.engine.reading.test_migrations import VERSION_2, filled_by_the_first_version
from tests.engine.reading.test_store import RUN, agree, correct_labels, prediction
from tests.postgresql import PostgreSQL
from tests.readers import with_readers


def test_the_store_works_on_postgresql_too(server: str) -> None:
    with open_store(server) as store, open_store(server) as other:
        with_readers(store).add_run(RUN)
        store.add_cases(RUN.run_id, [prediction(number, p=0.5 + number / 100) for number in range(20)])
        for queue in QUEUES:
            chosen = {
                "unsure",
                "overruled",
                "likely mislabelled",
                "unlike training",
                "flagged",
                "readers differ",
            }
            expected = 0 if queue in chosen else 20
            walked = store.upcoming(RUN.run_id, queue, "Ada", None, "test", k=100)
            assert len(walked) == store.count(RUN.run_id, queue, "Ada", "test") == expected
            if walked:
                assert store.next(RUN.run_id, queue, "Ada", walked[4].image_id) == walked[5]
                assert store.place(RUN.run_id, queue, "Ada", walked[4].image_id) == 5
        store.add_review(agree(3, comment="ﮎ"))
        store.add_review(agree(3, verdict=Verdict.OVERRULE, label="normal"))
        assert [review.label for review in other.reviews(RUN.run_id, latest=True)] == ["normal"]
        assert other.progress(RUN.run_id, "Ada") == (1, 20)
        assert store.add_cases(RUN.run_id, [prediction(3, p=0.99), prediction(4, p=0.99)]) == 1
        assert [store.case(RUN.run_id, f"{n:064x}").probabilities[1] for n in (3, 4)] == [0.53, 0.99]
        store.bookmark(RUN.run_id, "all", "Ada", f"{7:064x}")
        assert other.resume(RUN.run_id, "all", "Ada") == store.case(RUN.run_id, f"{7:064x}")
        with pytest.raises(ReviewError):
            store.add_review(agree(99))
        for change in ("UPDATE answers SET comment = ''", "DELETE FROM answers", "TRUNCATE answers CASCADE"):
            with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
                connection.exec_driver_sql(change)
        assert len(store.reviews(RUN.run_id)) == 2
        store.flag(RUN.run_id, f"{5:064x}", "Ada", comment="again")
        assert other.count(RUN.run_id, "flagged", "Ada") == 1
        assert other.count(RUN.run_id, search("file 5.png score > .5 id 05"), "Ada") == 1
        store.add_review(agree(3, reader="Ben"))
        assert other.count(RUN.run_id, "readers differ", "Ada") == 1
        assert store.take_back(RUN.run_id, "Ada").label == "normal"
        assert other.count(RUN.run_id, "readers differ", "Ada") == 0
        assert {row["kind"] for row in other.readings(RUN.run_id)} == {"answer", "taken back", "flagged"}
        assert store.audit().found == ()


def test_a_database_of_the_first_version_is_brought_to_the_newest(server: str) -> None:
    """In a schema of its own, made and filled as the first version did; opening it runs every later migration."""
    old = server.replace("postgresql:", "postgresql+psycopg:")
    filled_by_the_first_version(old)
    with open_store(old) as store:
        (kept,) = store.reviews("two")
        assert (kept.reader, kept.label, kept.queue, kept.drawn) == ("Ada", "opacity", "", "")
        far, near = (store.case("two", image) for image in ("far", "near"))
        # .5 and .25 beside an operating point of .2, in log-odds
        assert far.margin == pytest.approx(math.log(1 / 0.25))
        assert near.margin == pytest.approx(math.log((0.25 / 0.75) / 0.25))
        assert store.case("three", "one").margin == pytest.approx(math.log(2))
        assert store.next("two", "most uncertain", "Bo", None) == near
        store.add_review(agree_on("two", "near"))
        assert [one.image_id for one in store.reviews("two")] == ["far", "near"]
        assert store.progress("two", "Ada") == (1, 2)
        for change in ("UPDATE answers SET comment = ''", "DELETE FROM answers"):
            with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
                connection.exec_driver_sql(change)
    with psycopg_connection(old) as connection:
        assert connection.execute(
            text("SELECT version FROM schema_version ORDER BY version")
        ).scalars().all() == [*MIGRATIONS]
        made = {name: inspect(connection).get_columns(name) for name in METADATA.tables}
        for name, table in METADATA.tables.items():
            assert {column["name"]: column["nullable"] for column in made[name]} == {
                column.name: bool(column.nullable) for column in table.columns
            }


@contextmanager
def psycopg_connection(address: str) -> Iterator[Connection]:
    engine = create_engine(address)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def agree_on(run_id: str, image_id: str) -> Review:
    return Review(run_id=run_id, image_id=image_id, reader="Ada", verdict=Verdict.AGREE, label="opacity")


@pytest.fixture
def server(postgresql: PostgreSQL) -> str:
    return postgresql.fresh()


@pytest.mark.parametrize("table", [table.name for table in CHAINED])
def test_no_row_of_evidence_can_be_changed_deleted_or_truncated_and_what_was_is_named(
    server: str, table: str
) -> None:
    with open_store(server) as store:
        with_readers(store).add_run(RUN)
        store.add_cases(RUN.run_id, [prediction(number) for number in range(3)])
        sitting = store.begin_sitting(RUN.run_id, "Ada")
        for number in range(2):
            store.expose(sitting, Shown(image_id=f"{number:064x}", map="grad-cam", label=number == 1))
            store.add_review(agree(number, regions=(BOX,), seconds=2.5), Given(sitting=sitting))
        store.flag(RUN.run_id, f"{1:064x}", "Ada", sitting)
        store.end_sitting(sitting)
        correct_labels(store)
        read_a_study(store)
        head = store.head()
        assert store.audit([Anchor(head.seq, head.hash, "now")]).found == ()
        for change in (
            f"UPDATE {table} SET author = 'x'",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
                connection.exec_driver_sql(change)
        with store._database.write() as connection:
            first = connection.exec_driver_sql(f"SELECT MIN(seq) FROM {table}").scalar_one()
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            connection.exec_driver_sql(f"UPDATE {table} SET author = 'mallory' WHERE seq = {first}")
        found = store.audit().found
        assert any(each.row == first and "was changed" in each.sentence for each in found)
        assert any("is gone or off" in each.sentence for each in found)


def test_a_database_of_version_2_is_brought_to_the_newest_and_nothing_is_lost(server: str) -> None:
    engine, tables = (
        create_engine(server.replace("postgresql:", "postgresql+psycopg:")),
        ("runs", "cases", "reviews", "readings", "bookmarks"),
    )
    with sqlite3.connect(":memory:") as kept, engine.begin() as connection:
        kept.row_factory = sqlite3.Row
        kept.executescript(VERSION_2.read_text(encoding="utf-8"))
        for number in (1, 2):
            MIGRATIONS[number](connection)
            connection.execute(text("INSERT INTO schema_version VALUES (:number)"), {"number": number})
        for table in tables:
            for row in map(dict, kept.execute(f"SELECT * FROM {table}")):
                if row.get("wrong") is not None:
                    row["wrong"] = bool(row["wrong"])
                names = ", ".join(row)
                values = ", ".join(f":{name}" for name in row)
                connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
        reviews = list(
            kept.execute("SELECT reader, verdict, label, queue, drawn FROM reviews ORDER BY review_id")
        )
    engine.dispose()
    with open_store(server) as store:
        told = sorted(
            (review for run_id in store.run_ids() for review in store.reviews(run_id)),
            key=lambda each: each.review_id or 0,
        )
        assert [(one.reader, one.verdict.value, one.label, one.queue, one.drawn) for one in told] == [
            tuple(row) for row in reviews
        ]
        assert sum(len(review.regions) for review in told) == 2
        assert store.audit().found == ()


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    with pytest.raises(StoreError, match="is not responding") as caught:
        open_store("postgresql+psycopg://ada:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(caught.value)
