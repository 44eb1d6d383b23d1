"""Promises of engine.images.files: only regular files are opened, and no more is read than fits."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from engine.data.index import index_folder
from engine.errors import ImageError
from engine.images.files import file_kind, read_bytes
from engine.images.kinds import FileKind
from engine.storage import read_regular

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files in folders")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def listening(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # a socket's path may have 100 characters only
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)
        os.close(here)


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


@posix
@pytest.mark.parametrize("make", [pipe, endless, terminal, listening, folder, loop])
def test_what_is_no_file_is_not_opened(tmp_path: Path, make: object) -> None:
    path = tmp_path / "a.png"
    make(path)  # type: ignore[operator]
    with pytest.raises(ImageError, match=r"^a\.png cannot be opened \("):
        read_bytes(path)
    assert file_kind(path) is FileKind.OTHER


@posix
def test_a_folder_with_pipes_and_devices_is_indexed_without_them(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        header = b"P5 32 32 255 " + label.encode() * 1000 + bytes(24)
        (tmp_path / label / "film.pgm").write_bytes(header)
    pipe(tmp_path / "a" / "pipe.png")
    pipe(tmp_path / "a" / "pipe")
    endless(tmp_path / "b" / "zero.dcm")
    endless(tmp_path / "b" / "zero")
    index = index_folder(tmp_path)
    assert [sample.path.name for sample in index.samples] == ["film.pgm", "film.pgm"]
    left_out = {path.name for issue in index.issues for path in issue.paths}
    assert left_out >= {"pipe.png", "pipe", "zero.dcm", "zero"}


def test_a_file_is_read_to_its_limit_and_no_further(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger"):
        read_regular(path, 4)


def test_a_file_of_a_terabyte_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as stream:
        try:
            os.truncate(stream.fileno(), 10**12)  # sparse: it takes no room
        except OSError:
            pytest.skip("this disk has no sparse files")
    with pytest.raises(ImageError, match="2 GiB"):
        read_bytes(path)
