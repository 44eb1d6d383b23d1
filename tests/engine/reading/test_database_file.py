"""A verdict is acknowledged only where the next opening finds it; readers in line are all let through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.reading.backup import back_up
from engine.reading.database_file import DatabaseFile, address_to_look_at
from engine.reading.store import Store, open_store
from tests.engine.reading.test_store import RUN, agree, prediction
from tests.readers import with_readers

ROOT = Path(__file__).parents[3]
READERS, CASES = 50, 8


def filled(path: Path) -> Store:
    store = with_readers(open_store(path))
    store.add_run(RUN)
    store.add_cases(RUN.run_id, [prediction(number) for number in range(CASES)])
    store.add_review(agree(0))
    return store


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def renamed(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def removed_and_made_anew(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    filled(folder / "overread.db").close()


def replaced_by_a_backup(folder: Path) -> None:
    database = folder / "overread.db"
    shutil.copyfile(database, folder / "backup")
    (folder / "backup").replace(database)


def without_its_log(folder: Path) -> None:
    (folder / "overread.db-wal").unlink()


ENDS = (removed, renamed, removed_and_made_anew, replaced_by_a_backup, without_its_log)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no file that is open")
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_nothing_is_acknowledged_once_the_file_is_another(
    workspace: Path, end: Callable[[Path], None]
) -> None:
    with filled(workspace / "overread.db") as store:
        end(workspace)
        for number in (1, 2):
            with pytest.raises(StoreError, match=r"Nothing was stored.*no longer the file that was opened"):
                store.add_review(agree(number))
        with ThreadPoolExecutor() as elsewhere:  # a connection that was not open before
            assert isinstance(elsewhere.submit(store.add_review, agree(3)).exception(), StoreError)
    database = workspace / "overread.db"
    if end in (removed, renamed):
        assert not database.exists()  # no empty database was made in its place
    else:
        with open_store(database) as found:
            assert {review.image_id for review in found.reviews(RUN.run_id)} <= {agree(0).image_id}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no file that is open")
def test_after_the_workspace_is_put_back_the_same_answer_is_stored_once(workspace: Path) -> None:
    with filled(workspace / "overread.db") as store:
        workspace.rename(workspace.with_name("elsewhere"))
        with pytest.raises(StoreError, match="Put the workspace back"):
            store.add_review(agree(1))
        workspace.with_name("elsewhere").rename(workspace)
        store.add_review(agree(1))
        assert len(store.reviews(RUN.run_id, image_id=agree(1).image_id)) == 1


def test_a_file_that_changes_in_the_middle_of_a_transaction_is_not_acknowledged(workspace: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows moves no file that is open")
    with (
        filled(workspace / "overread.db") as store,
        pytest.raises(StoreError, match="Nothing was stored"),
        store._database.write() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM places")
        workspace.rename(workspace.with_name("elsewhere"))


def test_a_disk_that_is_gone_acknowledges_nothing(workspace: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(workspace)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk cannot be mounted here")
    store = filled(workspace / "overread.db")
    subprocess.run(["umount", "--lazy", str(workspace)], check=True)
    with store, pytest.raises(StoreError, match="its disk is gone"):
        store.add_review(agree(1))


OTHER_PROGRAM = """
import sys
from engine.reading.store import open_store
from tests.engine.reading.test_store import RUN, agree
with open_store(sys.argv[1]) as store:
    print("open", flush=True)
    for number in range(8):
        store.add_review(agree(number, reader="other program"))
"""


def test_fifty_readers_and_another_program_answer_at_once_and_none_is_refused(workspace: Path) -> None:
    with filled(workspace / "overread.db") as store:
        with_readers(store, "other program", *(f"reader {one}" for one in range(READERS)))
        other = subprocess.Popen(
            [sys.executable, "-c", OTHER_PROGRAM, str(workspace / "overread.db")],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        refused: list[Exception] = []

        def read(reader: str) -> None:
            try:
                for number in range(CASES):
                    store.add_review(agree(number, reader=reader))
            except StoreError as error:
                refused.append(error)

        readers = [threading.Thread(target=read, args=(f"reader {one}",)) for one in range(READERS)]
        for one in readers:
            one.start()
        for one in readers:
            one.join()
        assert refused == [] and other.wait(60) == 0
        stored = [(review.reader, review.image_id) for review in store.reviews(RUN.run_id)]
        assert len(stored) == len(set(stored)) == (READERS + 1) * CASES + 1  # none lost, none doubled


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_the_database_and_the_files_beside_it_are_their_owners_alone(
    workspace: Path, open_umask: None
) -> None:
    with filled(workspace / "overread.db"):
        beside = {path.name: path.stat().st_mode & 0o777 for path in workspace.iterdir()}
    assert beside == dict.fromkeys(("overread.db", "overread.db-wal", "overread.db-shm"), 0o600)


@pytest.mark.parametrize("state", ["closed", "open elsewhere", "left by a crash"])
def test_a_database_that_may_not_be_written_to_can_be_looked_at(
    state: str, workspace: Path, read_only: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = workspace.with_name("scratch")
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    store = filled(workspace / "overread.db")
    seen = workspace
    if state == "closed":
        store.close()
    if state == "left by a crash":  # its newest rows are in the log alone
        seen = workspace.with_name("crashed")
        seen.mkdir()
        for name in ("overread.db", "overread.db-wal"):
            shutil.copyfile(workspace / name, seen / name)
    before = sorted(seen.iterdir())
    with open_store(read_only(seen) / "overread.db") as looked_at:
        assert len(looked_at.predictions(RUN.run_id)) == CASES
        assert len(looked_at.reviews(RUN.run_id)) == 1 and looked_at.read_only
        looked_in = [(one.name[:14], one.stat().st_mode & 0o777) for one in scratch.iterdir()]
        assert looked_in == [("overread-look-", 0o700)] * (state == "left by a crash")
        with pytest.raises(StoreError, match="cannot be written to"):
            looked_at.add_review(agree(1))
    assert sorted(seen.iterdir()) == before and not list(scratch.iterdir())
    back_up(seen / "overread.db", workspace.with_name("copy.db"), None)
    assert not list(scratch.iterdir())
    store.close()


def test_a_file_that_is_gone_before_it_is_opened_is_said_and_one_with_an_empty_log_needs_no_copy(
    workspace: Path,
) -> None:
    with pytest.raises(StoreError, match="no longer the file that was opened"):
        DatabaseFile(workspace / "overread.db")
    filled(workspace / "overread.db").close()
    found, copied_to = address_to_look_at(workspace / "overread.db")
    assert copied_to is None and found.endswith("overread.db?mode=ro&uri=true")
