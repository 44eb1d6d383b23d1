"""A backup is whole though somebody writes meanwhile, and comes back with its triggers and its chain."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from engine.errors import StoreError, WorkspaceError
from engine.reading import Protocol, StudyAnswer, backup
from engine.reading.answers import Given
from engine.reading.backup import Restored, back_up, bring_back
from engine.reading.ledger.anchors import read_anchors, write_anchor
from engine.reading.ledger.chain import Head
from engine.reading.store import Store, open_store
from engine.workspace import open_workspace
from gui.cli.main import main
from tests.engine.reading.test_store import RUN, agree, prediction
from tests.postgresql import PostgreSQL
from tests.readers import with_readers


def filled(store: Store, answers: int) -> Store:
    with_readers(store).add_run(RUN)
    store.add_cases(RUN.run_id, [prediction(number) for number in range(200)])
    for number in range(answers):
        store.add_review(agree(number), Given(name=f"answer {number}"))
    store.accounts.set_password("Ada", "correct horse battery")
    return store


def refuses_changes(store: Store) -> bool:
    for change in ("UPDATE answers SET comment = 'x'", "DELETE FROM answers"):
        with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
            connection.exec_driver_sql(change)
    return True


def test_a_backup_is_whole_while_somebody_writes_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    workspace, copy = open_workspace(), tmp_path / "monday.db"
    with filled(open_store(workspace.database), 10) as store:
        over = threading.Event()

        def write() -> None:
            for number in range(10, 150):
                if over.is_set():
                    return
                store.add_review(agree(number), Given(name=f"answer {number}"))

        writing = threading.Thread(target=write)
        writing.start()
        assert main(["backup", str(copy)]) == 0
        over.set()
        writing.join()
        written = len(store.reviews(RUN.run_id))
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600 and not list(tmp_path.glob("*.part"))
    assert main(["backup", str(copy)]) == 1 and "replaces nothing" in capsys.readouterr().err
    with open_store(copy) as store:
        kept, head = len(store.reviews(RUN.run_id)), store.head()
    assert 10 <= kept <= written and read_anchors(workspace.anchors)[-1].seq == head.seq
    with open_store(workspace.database) as store:  # the day goes on, and is anchored
        store.add_review(agree(199), Given(name="late"))
        assert main(["audit"]) == 0
    assert main(["backup", str(tmp_path / "tuesday.db")]) == 0

    assert main(["restore", str(copy)]) == 0
    said = capsys.readouterr().err
    assert "rows that are not in this backup" in said
    with open_store(workspace.database) as store:
        assert len(store.reviews(RUN.run_id)) == kept and store.head() == head and refuses_changes(store)
        assert store.accounts.sign_in("Ada", "correct horse battery")
    assert main(["audit"]) == 0
    (before,) = workspace.root.glob("overread-before-*.db")
    with open_store(before) as store:
        assert len(store.reviews(RUN.run_id)) == written + 1
    assert len(list(workspace.root.glob("anchors-before-*.csv"))) == 1
    with open_store(
        workspace.database
    ) as store:  # nothing of it is anchored: the file that stands there says it
        store.add_review(agree(198), Given(name="later still"))
    assert main(["restore", str(copy)]) == 0
    assert "1 row that is not in this backup" in capsys.readouterr().err


def test_a_backup_of_other_readings_or_over_a_damaged_database_comes_back_and_what_stood_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    workspace, copy = open_workspace(), tmp_path / "monday.db"
    filled(open_store(workspace.database), 5).close()
    assert main(["backup", str(copy)]) == 0
    shutil.rmtree(workspace.root)
    open_workspace()
    with filled(open_store(workspace.database), 3) as store:  # of another workspace, and shorter
        assert main(["audit"]) == 0
        write_anchor(workspace.anchors, store.head(), "a session ended")
    assert main(["restore", str(copy)]) == 0
    assert "not part of this backup" in capsys.readouterr().err
    for damage in (b"no database", workspace.file.read_bytes()[:20_000]):  # which is why a backup is wanted
        workspace.file.write_bytes(damage)
        assert main(["restore", str(copy)]) == 0 and main(["audit"]) == 0
        assert damage in [one.read_bytes() for one in workspace.root.glob("overread-before-*.db")]


def test_what_is_no_whole_backup_is_not_brought_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    workspace = open_workspace()
    filled(open_store(workspace.database), 3).close()
    before = workspace.file.read_bytes()
    tampered, text = tmp_path / "tampered.db", tmp_path / "text.db"
    assert main(["backup", str(tampered)]) == 0
    with closing(sqlite3.connect(tampered)) as other:
        other.execute("DROP TRIGGER answers_no_update")
        other.execute("UPDATE answers SET comment = 'x' WHERE seq = (SELECT MIN(seq) FROM answers)")
        other.commit()
    text.write_text("These are my holiday pictures.")
    capsys.readouterr()
    told = {
        tampered: "is not as it was written",
        text: "cannot be copied",
        tmp_path / "nowhere.db": "no backup",
    }
    for wrong, words in told.items():
        assert main(["restore", str(wrong)]) == 1
        assert words in capsys.readouterr().err and not list(workspace.root.glob("*.part"))
    assert workspace.file.read_bytes() == before


def test_a_copy_that_is_not_whole_is_no_backup_and_leaves_nothing(tmp_path: Path) -> None:
    database, copy = tmp_path / "overread.db", tmp_path / "monday.db"
    with pytest.raises(StoreError, match="There is no database at"):
        back_up(database, copy, None)
    filled(open_store(database), 3).close()
    with closing(sqlite3.connect(database)) as other:
        other.execute("DROP TRIGGER answers_no_update")
        other.execute("UPDATE answers SET comment = 'x'")
        other.commit()
    with pytest.raises(StoreError, match="The copy is not whole: The trigger answers_no_update") as caught:
        back_up(database, copy, None)
    assert "keep older backups" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir() if "monday" in path.name] == []
    with pytest.raises(WorkspaceError):
        back_up(database, tmp_path / "nowhere" / "monday.db", None)


def test_a_dump_of_a_server_comes_back_with_its_triggers_and_its_chain(
    postgresql: PostgreSQL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As the guide says it: pg_dump, pg_restore into an empty database, overread audit."""
    for name in ("ward", "ward_again"):
        postgresql.do(f"CREATE DATABASE {name}")
    dump = str(tmp_path / "monday.dump")
    with filled(open_store(postgresql.url("ward")), 10) as store:
        head = store.head()
        postgresql.run("pg_dump", "--format=custom", f"--file={dump}", postgresql.url("ward"))
        store.add_review(agree(20))
    again = postgresql.url("ward_again")
    postgresql.run("pg_restore", "--single-transaction", "--no-owner", f"--dbname={again}", dump)
    with open_store(again) as store:
        assert store.head() == head and len(store.reviews(RUN.run_id)) == 10
        assert store.audit().found == () and refuses_changes(store)
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("OVERREAD_DATABASE_URL", again)
    assert main(["audit", "--anchor", f"{head.seq}:{head.hash}"]) == 0
    capsys.readouterr()
    assert main(["backup", str(tmp_path / "x.db")]) == 1
    told = capsys.readouterr().err
    assert "pg_dump" in told and "hunter2" not in told


def test_readings_move_from_a_file_to_a_server_row_by_row_and_never_into_others(
    tmp_path: Path,
    postgresql: PostgreSQL,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    copy = tmp_path / "monday.db"
    with filled(open_store(open_workspace().database), 10) as store:
        ada, run_id = store.people()[0].name, RUN.run_id
        study = store.studies.create(Protocol(name="pilot", design="blind", run_id=run_id, readers=(ada,)))
        sitting = store.studies.begin("pilot", ada)
        task = store.studies.next("pilot", ada)
        assert task is not None
        said = {"study_id": study.study_id, "image_id": task.image_id, "arm": task.arm, "verdict": "unsure"}
        store.studies.answer(StudyAnswer(**said), sitting)  # type: ignore[arg-type]
        told = store.readings(run_id), store.studies.answers("pilot"), store.predictions(run_id), store.head()
    assert main(["backup", str(copy)]) == 0
    monkeypatch.setenv("OVERREAD_DATABASE_URL", postgresql.fresh())
    assert main(["restore", str(copy)]) == 0 and f"{told[3].seq}:{told[3].hash}" in capsys.readouterr().err
    with open_store(open_workspace().database) as moved:
        assert moved.name.startswith("postgresql") and moved.audit().found == ()
        now = moved.readings(run_id), moved.studies.answers("pilot"), moved.predictions(run_id), moved.head()
        assert now == told
        assert moved.accounts.sign_in("Ada", "correct horse battery") and refuses_changes(moved)
        following = moved.studies.next("pilot", ada)
        assert following is not None and following.number == 2
        moved.studies.answer(
            StudyAnswer(**said | {"image_id": following.image_id}), moved.studies.begin("pilot", ada)
        )  # type: ignore[arg-type]
        assert moved.audit().found == ()
    assert main(["restore", str(copy)]) == 1 and "two chains cannot be joined" in capsys.readouterr().err


def test_what_is_kept_within_one_second_has_a_number_and_where_nothing_stood_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup.time, "strftime", lambda form: "20260101-120000")
    file, copy, anchors = tmp_path / "overread.db", tmp_path / "monday.db", tmp_path / "anchors.csv"
    with open_store(file) as store:
        head = filled(store, 1).head()
    assert back_up(file, copy, anchors) == head
    file.unlink()
    assert bring_back(copy, file, anchors) == Restored(head, None, 0)
    for kept in ("", "-2", "-3"):
        found = bring_back(copy, file, anchors)
        assert found == Restored(head, tmp_path / f"overread-before-20260101-120000{kept}.db", 0)
        assert found.kept is not None and found.kept.exists()
    write_anchor(anchors, Head(head.seq + 4, "f" * 64), "a session ended")
    assert bring_back(copy, file, anchors) == Restored(
        head, tmp_path / "overread-before-20260101-120000-4.db", 4
    )
    assert (tmp_path / "anchors-before-20260101-120000-4.csv").exists()
    assert [(one.seq, one.when.split(", ")[0]) for one in read_anchors(anchors)] == [
        (head.seq, "a backup was brought back")
    ]


@pytest.mark.parametrize("answers", [3, 1, 0])
def test_how_many_rows_are_gone_is_told_by_what_stood_there_where_there_are_no_anchors(
    tmp_path: Path, answers: int
) -> None:
    file, copy, anchors = tmp_path / "overread.db", tmp_path / "monday.db", tmp_path / "anchors.csv"
    with open_store(file) as store:
        head = filled(store, 1).head()
        back_up(file, copy, None)
        for number in range(answers):
            store.add_review(agree(number + 1))
    assert not anchors.exists()
    found = bring_back(copy, file, anchors)
    assert (found.head, found.gone, found.other) == (head, answers, False)
    with open_store(tmp_path / "another.db") as other:  # as many rows, of other people
        filled(other, 1)
    found = bring_back(tmp_path / "another.db", file, tmp_path / "none.csv")
    assert (found.head.seq, found.gone, found.other) == (head.seq, 0, True)
