"""`overread receive`, pushed to by dcmtk's storescu: whole files, from those that may, within bounds."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    DigitalXRayImageStorageForPresentation,
    Verification,
)

from engine.data import index_data
from engine.pacs import Door, receive
from engine.pacs.callers import INSIDE, OUTSIDE
from engine.storage import bytes_said
from tests.engine.pacs.films import radiograph, uid

pytestmark = pytest.mark.skipif(
    not shutil.which("storescu") and not os.environ.get("OVERREAD_REQUIRE_DCMTK"),
    reason="dcmtk is not installed (Debian: apt-get install dcmtk)",
)


@contextmanager
def listening(folder: Path, told: Callable[[str], None] = print, **more: object) -> Iterator[int]:
    server = receive(Door(folder=folder, title="OVERREAD", **more), "127.0.0.1", 0, told)  # type: ignore[arg-type]
    try:
        yield server.port
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


def asking_for(called: str) -> bytes:
    """Write the first message of one who wants to come in (A-ASSOCIATE-RQ, PS3.8, 9.3.2)."""

    def item(kind: int, content: bytes) -> bytes:
        return struct.pack(">BxH", kind, len(content)) + content

    echo = item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2")
    caller = item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3")
    content = struct.pack(">HH16s16s32x", 1, 0, called.encode().ljust(16), b"PACS".ljust(16))
    content += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, b"\1\0\0\0" + echo) + item(0x50, caller)
    return struct.pack(">BxI", 1, len(content)) + content


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
            socket.create_connection(("127.0.0.1", port)).sendall(b"\1")  # in the middle of a word
            program.terminate()  # whoever runs tests in the background may have told them to ignore Ctrl-C
            assert program.wait(60) == 128 + signal.SIGTERM
        finally:
            program.kill()
    index = index_data(tmp_path / "came")
    assert [sample.path.name for sample in index.samples] == [f"{uid(number)}.dcm" for number in (501, 502)]


def test_what_is_refused_is_said_and_what_came_stays(tmp_path: Path) -> None:
    first, second = sent(tmp_path / "sent", 511, 512)
    (again,) = sent(tmp_path / "again", 511)
    corrected = [tmp_path / "other.dcm", tmp_path / "other again.dcm"]
    for file in corrected:
        file.write_bytes(radiograph(511, patient="CORRECTED"))
    told: list[str] = []
    most = int(2.5 * first.stat().st_size)
    with listening(tmp_path / "came", told.append, most=most, allowed=["PACS"]) as port:
        entity = AE("PACS")
        entity.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
        archive = entity.associate("127.0.0.1", port, ae_title="OVERREAD")
        answers = [archive.send_c_store(file).Status for file in (first, again, *corrected, second)]
        push(port, second, calling="STRANGER")
        push(port, second, called="ANOTHER")
        shutil.rmtree(tmp_path / "came")
        answers.append(archive.send_c_store(second).Status)
        archive.release()
    assert answers == [0, 0, 0, 0, 0xA700, 0xA700]
    names, ends = zip(*(sentence.split(" ", 1) for sentence in told), strict=True)
    assert [re.sub(r"\b[0-9a-f]{8}\b", "…", name) for name in names] == [
        f"{uid(511)}.dcm,",
        f"{uid(511)}.dcm,",
        f"{uid(511)}.….dcm,",
        f"{uid(511)}.….dcm,",
        uid(512),
        "“STRANGER”",
        "“PACS”",
        uid(512),
    ]
    assert [re.sub(r"[\d,]+(?= bytes)|\d+(?=.dcm)", "…", end) for end in ends] == [
        "… bytes",
        "here already",
        "… bytes, which came with other content before: both are kept",
        "here already",
        f"was refused, and may be pushed again: The folder may hold {bytes_said(most)}. Move files away, or let it "
        "hold more (--most).",
        "at 127.0.0.1 was refused: it is not among those that may push (--allow)",
        "at 127.0.0.1 was refused: it asked for “ANOTHER”, and this is “OVERREAD” (--aet)",
        f"was refused, and may be pushed again: The folder of {tmp_path / 'came' / uid(512)[:-1]}….dcm is not there. "
        "Make it, or choose another folder.",
    ]


def test_an_object_that_is_too_large_or_cut_off_leaves_nothing(tmp_path: Path) -> None:
    (file,) = sent(tmp_path / "sent", 521)
    told: list[str] = []
    with listening(tmp_path / "came", told.append, largest=2000) as port:
        push(port, file)
        with socket.create_connection(("127.0.0.1", port), 30) as cut:
            cut.sendall(asking_for("OVERREAD"))
            assert cut.recv(1) == b"\2"  # A-ASSOCIATE-AC
            cut.sendall(struct.pack(">BxIIBB", 4, 8, 4, 1, 0) + b"..")  # a piece of an object, not its last
    assert [sentence.split("was ")[1] for sentence in told] == [
        "hung up on: an object has more than 2.0 kB",
        "cut off in an object: nothing of it is kept, and it may push it again",
    ]
    assert list((tmp_path / "came").iterdir()) == []


def test_connections_that_say_nothing_or_stop_in_a_word_keep_nobody_out(tmp_path: Path) -> None:
    (file,) = sent(tmp_path / "sent", 531)
    with listening(tmp_path / "came") as port, ExitStack() as strays:
        for number in range(OUTSIDE + 2):
            stray = strays.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            if number % 3:
                stray.sendall(b"\1")
            if number % 3 == 2:
                stray.close()
        assert push(port, file) == 0
        too_long = strays.enter_context(socket.create_connection(("127.0.0.1", port), 30))
        too_long.sendall(b"\4\0\xff\xff\xff\xff")
        assert too_long.recv(10) == b""
    assert [one.name for one in (tmp_path / "came").iterdir()] == [f"{uid(531)}.dcm"]


def test_so_many_are_inside_at_once_and_who_was_refused_and_stays_on_the_line_is_not(tmp_path: Path) -> None:
    def calling(port: int) -> Any:
        entity = AE("PACS")
        entity.add_requested_context(Verification)
        return entity.associate("127.0.0.1", port, ae_title="OVERREAD")

    with listening(tmp_path / "came") as port, ExitStack() as refused:
        for _ in range(INSIDE):
            stays = refused.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            stays.sendall(asking_for("ANOTHER"))
            assert stays.recv(1) == b"\3"  # A-ASSOCIATE-RJ
        inside = [calling(port) for _ in range(INSIDE + 1)]
        assert [one.is_established for one in inside] == [True] * INSIDE + [False]
        inside[0].release()
        tries = (calling(port) for _ in range(100))  # it may hear of the end a moment after we do
        again = next(one for one in tries if one.is_established)
    for one in (again, *inside[1:INSIDE]):  # hung up on by the receiver that ended
        one.join(30)
        assert not one.is_alive()
