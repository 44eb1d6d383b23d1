"""`overread receive`, pushed to by dcmtk's storescu: whole files, from those that may, within bounds."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.data import index_data
from engine.pacs import Door, receive
from tests.engine.pacs.films import radiograph, uid

pytestmark = pytest.mark.skipif(
    not shutil.which("storescu") and not os.environ.get("OVERREAD_REQUIRE_DCMTK"),
    reason="dcmtk is not installed (Debian: apt-get install dcmtk)",
)


@contextmanager
def listening(folder: Path, **more: object) -> Iterator[int]:
    server = receive(Door(folder=folder, title="OVERREAD", **more), "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def push(port: int, *files: Path, called: str = "OVERREAD", calling: str = "PACS") -> int:
    """Push files as an archive does; return its exit code."""
    command = ["storescu", "-aec", called, "-aet", calling, "127.0.0.1", str(port), *map(str, files)]
    return subprocess.run(command, capture_output=True, timeout=60).returncode


def sent(folder: Path, *numbers: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = [folder / f"{number}.dcm" for number in numbers]
    for file, number in zip(files, numbers, strict=True):
        file.write_bytes(radiograph(number))
    return files


def test_what_is_pushed_to_the_command_is_a_folder_to_index(tmp_path: Path) -> None:
    files = sent(tmp_path / "sent", 501, 502)
    command = [
        sys.executable,
        "-m",
        "gui",
        "receive",
        str(tmp_path / "came"),
        "--port",
        "0",
        "--allow",
        "PACS",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout is not None
        told = re.fullmatch(r"Listening at 127\.0\.0\.1:(\d+) as OVERREAD\n", program.stdout.readline())
        try:
            assert told is not None
            port = int(told[1])
            assert push(port, *files) == 0
            assert push(port, *files, calling="STRANGER") != 0
            assert push(port, *files, called="ANOTHER") != 0
            program.terminate()  # whoever runs tests in the background may have told them to ignore Ctrl-C
            assert program.wait(20) == 128 + signal.SIGTERM
        finally:
            program.kill()
    index = index_data(tmp_path / "came")
    assert [sample.path.name for sample in index.samples] == [f"{uid(number)}.dcm" for number in (501, 502)]


def test_a_full_folder_takes_no_more_and_keeps_what_it_has(tmp_path: Path) -> None:
    first, second = sent(tmp_path / "sent", 511, 512)
    with listening(tmp_path / "came", most=int(1.5 * first.stat().st_size)) as port:
        assert push(port, first) == 0
        push(port, second)  # storescu exits with 0 where it is refused
    assert [file.name for file in (tmp_path / "came").iterdir()] == [f"{uid(511)}.dcm"]


def test_an_object_larger_than_may_be_is_hung_up_on(tmp_path: Path) -> None:
    (file,) = sent(tmp_path / "sent", 521)
    with listening(tmp_path / "came", largest=2000) as port:
        assert push(port, file) != 0
    assert list((tmp_path / "came").iterdir()) == []
