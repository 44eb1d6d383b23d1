"""Files are written whole or not at all, alone and together; logs end; nothing is readable by others."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import ReportError, WorkspaceError
from engine.storage import (
    LOG_END,
    LOG_START,
    LONGEST_LOG,
    bound_log,
    machine_trouble,
    open_private,
    write_atomic,
    write_together,
)

ROOT = Path(__file__).parents[2]

# The kernel itself refuses what is longer than so many bytes, as a full disk refuses what is more than its room.
FULL = """
import resource, sys
from pathlib import Path
from engine.errors import WorkspaceError
from engine.storage import write_atomic, write_together

resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
folder = Path(sys.argv[1])
try:
    write_together([(folder / "report.html", "new"), (folder / "report.json", "x" * 100_000)])
except WorkspaceError as error:
    print(error)
try:
    write_atomic(folder / "table.csv", "x" * 100_000)
except WorkspaceError as error:
    print(error)
"""


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_what_does_not_fit_leaves_everything_as_it_was_and_says_so(tmp_path: Path) -> None:
    write_together([(tmp_path / "report.html", "old"), (tmp_path / "table.csv", "old")])
    said = subprocess.run([sys.executable, "-c", FULL, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in said.stderr
    assert [line.partition(" is ")[0] for line in said.stdout.splitlines()] == [
        str(tmp_path / "report.json"),
        str(tmp_path / "table.csv"),
    ]
    assert held(tmp_path) == {"report.html": "old", "table.csv": "old"}


def contents(trouble: BaseException | None, folder: Path) -> Iterator[tuple[Path, str]]:
    yield folder / "one", "new"
    if trouble is not None:
        raise trouble
    yield folder / "two", "new"


@pytest.mark.parametrize(
    "trouble",
    [
        KeyboardInterrupt(),
        ReportError("A figure cannot be drawn", "Try again"),
        OSError(errno.ENOSPC, "full"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_what_is_interrupted_leaves_everything_as_it_was(trouble: BaseException, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    expected = WorkspaceError if isinstance(trouble, OSError) else type(trouble)
    with pytest.raises(expected):
        write_together(contents(trouble, tmp_path))
    assert held(tmp_path) == {"one": "old"}
    assert write_together(contents(None, tmp_path)) == [tmp_path / "one", tmp_path / "two"]
    assert held(tmp_path) == {"one": "new", "two": "new"}


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_ctrl_c_at_any_step_of_writing_leaves_no_half_file(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").write_text("old")

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(*((os, "fsync") if at == "fsync" else (Path, "replace")), pressed)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "one", "new")
    assert held(tmp_path) == {"one": "old"}


def test_a_folder_of_the_last_files_name_stops_the_first_too(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    with pytest.raises(WorkspaceError, match="is a folder, not a file"):
        write_together(contents(None, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
@pytest.mark.parametrize("umask", [0, 0o077, 0o377])
def test_what_is_written_is_its_owners_alone_whatever_the_umask_says(tmp_path: Path, umask: int) -> None:
    makers: list[Callable[[Path], object]] = [
        lambda path: write_atomic(path, "x"),
        lambda path: os.close(open_private(path, os.O_APPEND)),
        lambda path: os.close(open_private(path, os.O_EXCL)),
    ]
    before = os.umask(umask)
    try:
        for number, make in enumerate(makers):
            make(tmp_path / str(number))
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in sorted(tmp_path.iterdir())] == [0o600] * len(makers)


def test_a_log_that_grows_too_long_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    bound_log(path)  # none yet
    with os.fdopen(open_private(path, os.O_APPEND), "ab", buffering=0) as log:
        log.write(b"first words\n")
        for number in range(60_000):
            log.write(b"line %09d of something that has much to say and says it again and again\n" % number)
        assert path.stat().st_size > LONGEST_LOG
        bound_log(path)
        assert path.stat().st_size < LOG_START + LOG_END + 100
        log.write(b"last words\n")  # whoever writes goes on at the new end
        bound_log(path)
    said = path.read_bytes()
    assert said.startswith(b"first words\n") and said.endswith(b"\nlast words\n")
    assert b"line 000059999" in said and b"bytes are left out here" in said and b"\0" not in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left"), ("disk", "full", "Free some space")),
        (OSError(errno.EDQUOT, "Quota", "/data/film.png"), ("/data/film.png is full", "Free some space")),
        (OSError(errno.EIO, "Input/output error"), ("disk or a network drive failed", "Check it")),
        (OSError(errno.EIO, "Input/output error", "/data/film.png"), ("/data/film.png", "Check the disk")),
        (
            OSError(errno.EROFS, "Read-only", "/data/film.png"),
            ("/data/film.png cannot be written", "--workspace"),
        ),
        (OSError(errno.EACCES, "Denied", "/data/film.png"), ("may not use /data/film.png", "--workspace")),
        (OSError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), ("temporary", "$TMPDIR")),
        (OSError(errno.EMFILE, "Too many"), ("open", "ulimit -n")),
        (OSError(errno.ENAMETOOLONG, "Long", "/" + "q" * 999 + "/a.png"), ("q… is longer", "shorter name")),
        (OSError(errno.ELOOP, "Loop", "/data/a.png"), ("/data/a.png is a link", "itself")),
        (MemoryError(), ("memory", "Close other programs")),
        (OSError(errno.ENOENT, "No such file", "/data/film.png"), None),
        (OSError(errno.EACCES, "Denied"), None),
        (OSError(errno.EACCES, "Denied", 5), None),  # the number of an open file
        (OSError(errno.ENOSPC, "No space left", 5), ("disk", "full")),
        (ConnectionResetError(errno.ECONNRESET, "Reset"), None),
        (KeyError("a"), None),
    ],
    ids=lambda one: type(one).__name__ + str(getattr(one, "errno", "")) if isinstance(one, Exception) else "",
)
def test_a_machine_that_fails_is_no_defect_and_a_defect_no_failing_machine(
    error: Exception, words: tuple[str, ...] | None
) -> None:
    told = machine_trouble(error)
    assert (told is None) == (words is None)
    assert all(word in str(told) for word in words or ())
