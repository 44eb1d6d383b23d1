"""Promises of archives.unpack: what is in an archive comes out in its folder, or nothing comes out at all."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from engine.data.sources.archives import Limits, is_archive, unpack
from engine.errors import DataError


def zipped(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def tarred(path: Path, members: list[tarfile.TarInfo], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as packed:
        for member in members:
            packed.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, size: int = 3, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size if kind == tarfile.REGTYPE else 0, link
    return info


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def refused(archive: Path, into: Path, says: str, limits: Limits | None = None) -> None:
    with pytest.raises(DataError, match=says) as raised:
        unpack(archive, into, limits=limits)
    assert raised.value.remedy
    assert list(into.iterdir()) == []  # nothing half done is left
    assert not (into.parent / "escaped").exists()


def test_a_zip_comes_out_as_it_went_in(tmp_path: Path) -> None:
    files = {"a/1.png": b"one", "a/b/2.png": b"two", "Grüße.png": b"three"}
    folder = unpack(zipped(tmp_path / "t.zip", files), tmp_path / "out")
    assert contents(folder) == files
    assert folder.parent == tmp_path / "out" and folder.name.startswith("t-")


@pytest.mark.parametrize(
    ("suffix", "mode"), [("tar", "w"), ("tar.gz", "w:gz"), ("tgz", "w:gz"), ("tar.xz", "w:xz")]
)
def test_a_tar_comes_out_as_it_went_in(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tarred(tmp_path / f"t.{suffix}", [member("a", kind=tarfile.DIRTYPE), member("a/1.png")], mode)
    assert is_archive(path)
    assert contents(unpack(path, tmp_path / "out")) == {"a/1.png": b"xxx"}


def test_the_same_archive_is_unpacked_once_and_another_of_its_name_beside_it(tmp_path: Path) -> None:
    first = unpack(zipped(tmp_path / "t.zip", {"1.png": b"one"}), tmp_path / "out")
    (first / "1.png").write_bytes(b"touched")
    assert unpack(tmp_path / "t.zip", tmp_path / "out") == first
    assert (first / "1.png").read_bytes() == b"touched"
    assert unpack(zipped(tmp_path / "t.zip", {"1.png": b"two"}), tmp_path / "out") != first


def test_hidden_files_and_resource_forks_stay_inside(tmp_path: Path) -> None:
    files = {"a/1.png": b"one", "__MACOSX/a/._1.png": b"x", ".hidden/2.png": b"x", "a/.DS_Store": b"x"}
    assert contents(unpack(zipped(tmp_path / "t.zip", files), tmp_path / "out")) == {"a/1.png": b"one"}


@pytest.mark.parametrize(
    "name", ["../escaped", "a/../../escaped", "/tmp/escaped", "..\\escaped", "C:\\escaped", "C:/escaped"]
)
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    into = tmp_path / "in"
    refused(zipped(tmp_path / "t.zip", {"fine.png": b"x", name: b"x"}), into, "outside its folder")
    refused(tarred(tmp_path / "t.tar", [member("fine.png"), member(name)]), into, "outside its folder")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tarred(tmp_path / "t.tar", [member("a.png", kind=kind, link="/etc/passwd")])
    refused(path, tmp_path / "in", "link or a device")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a.png")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    refused(tmp_path / "t.zip", tmp_path / "in", "link or a device")


def test_a_bomb_is_refused_by_what_comes_out_of_it(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", {"a.png": bytes(20_000_000)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 30_000
    refused(path, tmp_path / "in", "far more than its size", Limits(free_bytes=1_000_000))


def test_too_many_files_and_too_many_bytes_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", {f"{number}.png": b"x" * 1000 for number in range(20)})
    refused(path, tmp_path / "in", "more than 10 files", Limits(files=10))
    refused(path, tmp_path / "in", "unpacks to more than", Limits(bytes=5000))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"no archive"])
@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz"])
def test_what_is_no_archive_gets_a_sentence(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    path.write_bytes(content)
    refused(path, tmp_path / "in", "cannot be unpacked")


@pytest.mark.parametrize("suffix", ["zip", "tar.gz"])
def test_an_archive_cut_short_gets_a_sentence(tmp_path: Path, suffix: str) -> None:
    import random

    noise = random.Random(0).randbytes(200_000)
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "1.png").write_bytes(noise)
    made = shutil.make_archive(
        str(tmp_path / "t"), {"zip": "zip", "tar.gz": "gztar"}[suffix], tmp_path, "films"
    )
    Path(made).write_bytes(Path(made).read_bytes()[:100_000])
    refused(Path(made), tmp_path / "in", "cannot be unpacked")


def test_an_archive_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        unpack(tmp_path / "t.zip", tmp_path)


def test_who_is_told_how_far_it_is_may_stop_it_and_nothing_is_left(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "films.zip", {"a.png": b"12345", "b.png": b"678"})
    told: list[int] = []
    unpack(archive, tmp_path / "whole", progress=told.append)
    assert told == [5, 8]

    class Stop(Exception):
        pass

    def stop(written: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        unpack(archive, tmp_path / "stopped", progress=stop)
    assert list((tmp_path / "stopped").iterdir()) == []
