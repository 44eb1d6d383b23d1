"""Every version of the database opens with today's program, and tomorrow's is refused unharmed."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from engine.errors import StoreError
from engine.reading.migrations import MIGRATIONS, NEWEST
from engine.reading.migrations.schema import CASES, DIFFERENCES, RUNS, SEARCHED
from engine.reading.row_mapping import prediction, searched_row
from engine.reading.store import open_store
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import StudyAnswer


def test_migrations_are_numbered_without_a_gap() -> None:
    assert list(MIGRATIONS) == list(range(1, NEWEST + 1))


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
            connection.execute(text("UPDATE answers SET queue = 'random sample'"))


VERSION_2 = Path(__file__).parents[2] / "version_2" / "overread.sql"


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    """A database that the version before wrote: 10 and 3 cases of two runs, read by three people."""
    path = tmp_path / "overread.db"
    with closing(sqlite3.connect(path)) as other:
        other.executescript(VERSION_2.read_text(encoding="utf-8"))
    return path


def test_nothing_of_version_2_is_lost(version_2: Path) -> None:
    with closing(sqlite3.connect(version_2)) as before:
        before.row_factory = sqlite3.Row
        reviews = [dict(row) for row in before.execute("SELECT * FROM reviews ORDER BY review_id")]
        cases = [tuple(row) for row in before.execute("SELECT * FROM cases ORDER BY run_id, position")]
        read = before.execute(
            "SELECT run_id, reader, position, verdict FROM readings ORDER BY 1, 2, 3"
        ).fetchall()
    with open_store(version_2) as store:
        kept = sorted(
            (review for run_id in store.run_ids() for review in store.reviews(run_id)),
            key=lambda each: each.review_id or 0,
        )
        for review, row in zip(kept, reviews, strict=True):
            for name in ("run_id", "image_id", "reader", "label", "comment", "seconds", "queue", "drawn"):
                assert getattr(review, name) == row[name], name
            assert review.verdict.value == row["verdict"] and review.label_seen is None
            assert review.created is not None and review.created.isoformat() == row["created"]
            drawn = [(one.x, one.y, one.width, one.height, one.label) for one in review.regions]
            assert drawn == [tuple(region.values()) for region in json.loads(row["regions"])]
        resumed = [store.resume(reviews[0]["run_id"], "all", name) for name in ("Ada Byron", "only looked")]
        assert [case and int(case.image_id, 16) for case in resumed] == [7, 8]
        assert store.audit().found == ()
    with closing(sqlite3.connect(version_2)) as after:
        drew = after.execute("SELECT r.author, a.author FROM regions r JOIN answers a ON a.seq = r.answer")
        authors = drew.fetchall()
        assert authors and all(region == answer for region, answer in authors)
        kept_cases = after.execute("SELECT * FROM cases ORDER BY run_id, position").fetchall()
        assert [row[: len(cases[0])] for row in kept_cases] == cases  # what came later stands behind
        assert after.execute(
            "SELECT run_id, (SELECT name FROM readers r WHERE r.reader_id = l.reader_id), position, verdict"
            " FROM last_answers l ORDER BY 1, 2, 3"
        ).fetchall() == [tuple(row) for row in read]
        shown = after.execute("SELECT predicted, confidence FROM answers ORDER BY seq").fetchall()
        assert shown == [(row["predicted"], row["confidence"]) for row in reviews]


def test_reviews_of_version_2_are_an_unregistered_study_of_their_run_whose_exposures_are_unknown(
    version_2: Path,
) -> None:
    open_store(version_2).close()
    with closing(sqlite3.connect(version_2)) as after:
        studies = after.execute("SELECT run_id, name, protocol FROM studies ORDER BY seq").fetchall()
        assert [(run, name) for run, name, _ in studies] == [
            ("20260101-120000-abcd", "assisted, unregistered"),
            ("20260201-080000-ef01", "assisted, unregistered"),
        ]
        assert json.loads(studies[0][2])["registered"] is False
        assert after.execute("SELECT COUNT(*) FROM answers WHERE session_id IS NULL").fetchone() == (6,)
        assert after.execute("SELECT COUNT(*) FROM exposures").fetchone() == (0,)


def test_two_spellings_of_version_2_are_two_readers_until_somebody_joins_them(version_2: Path) -> None:
    run_id, image_id = "20260101-120000-abcd", f"{4:064x}"
    with open_store(version_2) as store:
        assert store.readers(run_id) == ["Ada Byron", "Ben", "ada byron"]
        assert len(store.reviews(run_id, image_id=image_id, latest=True)) == 2
        rows = [review.review_id for review in store.reviews(run_id)]
        store.join_readers("ada byron", "Ada Byron")
        assert store.readers(run_id) == ["Ada Byron", "Ben"]
        (last,) = store.reviews(run_id, image_id=image_id, latest=True)
        assert (last.reader, last.verdict.value) == ("Ada Byron", "unsure")  # which was said later
        assert [review.review_id for review in store.reviews(run_id)] == rows  # and nothing is rewritten
        assert store.audit().found == ()


def test_the_database_as_it_was_is_kept_beside_the_migrated_one(version_2: Path) -> None:
    with closing(sqlite3.connect(version_2)) as before:
        dump = list(before.iterdump())
    open_store(version_2).close()
    kept = version_2.with_name("overread-version-2.db")
    with closing(sqlite3.connect(kept)) as copy:
        assert list(copy.iterdump()) == dump
    assert kept.stat().st_mode & 0o077 == 0
    open_store(version_2).close()
    with closing(sqlite3.connect(kept)) as copy:
        assert list(copy.iterdump()) == dump


VERSION_3 = Path(__file__).parents[2] / "version_3" / "overread.sql"


@pytest.fixture
def version_3(tmp_path: Path) -> Path:
    """A database that version 3 wrote: two runs, three names of two people, a sitting, five answers, a region."""
    path = tmp_path / "overread.db"
    with closing(sqlite3.connect(path)) as other:
        other.executescript(VERSION_3.read_text(encoding="utf-8"))
    return path


def test_every_row_of_version_3_stays_as_it_is_and_its_chain_goes_on(version_3: Path) -> None:
    with closing(sqlite3.connect(version_3)) as before:
        before.row_factory = sqlite3.Row
        tables = [
            row["name"] for row in before.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        tables.remove("schema_version")
        rows = {name: [dict(row) for row in before.execute(f"SELECT * FROM {name}")] for name in tables}
    assert len(rows["answers"]) == 5 and len(rows["exposures"]) == 2 and len(rows["regions"]) == 1
    with open_store(version_3) as store:
        assert store.audit().found == () and store.studies.all() == []
        assert [review.reader for review in store.reviews("20260101-120000-abcd")] == ["Ada Byron"] * 3 + [
            "Ben"
        ]
        assert store.head().seq == rows["chain_head"][0]["seq"]
    with closing(sqlite3.connect(version_3)) as after:
        after.row_factory = sqlite3.Row
        for name, was in rows.items():
            now = [dict(row) for row in after.execute(f"SELECT * FROM {name}")]
            assert [{key: row[key] for key in old} for row, old in zip(now, was, strict=True)] == was
            for row in now:
                assert all(value is None for key, value in row.items() if was and key not in was[0])


def test_a_study_is_read_in_a_database_of_version_3_and_knows_what_was_seen_before(version_3: Path) -> None:
    with open_store(version_3) as store:
        told = Protocol(name="films", run_id="20260101-120000-abcd", readers=("Ada Byron", "Ben"))
        study = store.studies.create(told)
        for reader in told.readers:
            sitting = store.studies.begin(study.study_id, reader)
            while (task := store.studies.next(study.study_id, reader)) is not None:
                answer = StudyAnswer(
                    study_id=study.study_id,
                    image_id=task.image_id,
                    arm="blind",
                    verdict="read",
                    label="normal",
                )
                store.studies.answer(answer, sitting)
        marked = [answer for answer in store.studies.answers(study.study_id) if answer.contaminated]
        names = {reader.reader_id: reader.name for reader in store.people()}
        # Ada had met two cases in a sitting; of Ben it is known that he had answered one
        assert {(names[one.reader], int(one.image_id, 16)) for one in marked} == {
            ("Ada Byron", 4),
            ("Ada Byron", 5),
            ("Ben", 6),
        } | {("Ben", 1)}
        assert store.audit().found == ()


@pytest.mark.parametrize("version", ["version_2", "version_3"])
def test_searches_and_differences_find_in_a_database_of_before_what_they_would_find_had_it_been_written_now(
    version: str, request: pytest.FixtureRequest
) -> None:
    with open_store(request.getfixturevalue(version)) as store:
        with store._database.read() as connection:
            runs = connection.execute(select(RUNS)).all()
            for run in runs:
                rows = connection.execute(select(CASES).where(CASES.c.run_id == run.run_id)).mappings().all()
                now = [searched_row(run, row, prediction(SimpleNamespace(**row))) for row in rows]
                found = connection.execute(select(SEARCHED).where(SEARCHED.c.run_id == run.run_id)).mappings()
                by_place = {row["position"]: dict(row) for row in found}
                assert by_place == {row["position"]: row | {"meta": ""} for row in now} and now
            different = {
                tuple(row) for row in connection.execute(select(DIFFERENCES.c.run_id, DIFFERENCES.c.image_id))
            }
        said: dict[tuple[str, str], set[str]] = {}
        for run in runs:
            for review in store.reviews(run.run_id, latest=True):
                said.setdefault((run.run_id, review.image_id), set()).add(
                    review.label or review.verdict.value
                )
        assert different == {case for case, words in said.items() if len(words) > 1}
