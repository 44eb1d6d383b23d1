"""Promises of archives.unpack: what is in an archive comes out in its folder, or nothing comes out at all."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from engine.data.sources.archives import Limits, is_archive, left_out, unpack
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


def visible(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if not name.startswith(".")}


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


def said(folder: Path) -> str:
    return "\n".join(issue.message for issue in left_out(folder))


LONG = "x" * 300 + ".png"


@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "a/../../escaped",
        "/tmp/escaped",
        "..\\escaped",
        "C:\\escaped",
        "C:/escaped",
        "10:30.png",
        LONG,
        "a\x07.png",
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_with_an_odd_name_is_left_out_and_said_and_the_rest_is_read(
    tmp_path: Path, name: str, kind: str
) -> None:
    path = tmp_path / f"t.{kind}"
    if kind == "zip":
        zipped(path, {"fine.png": b"xxx", name: b"x", "b/fine.png": b"xxx"})
    else:
        tarred(path, [member("fine.png"), member(name), member("b/fine.png")])
    folder = unpack(path, tmp_path / "in")
    assert visible(folder) == {"fine.png": b"xxx", "b/fine.png": b"xxx"}
    assert said(folder).startswith("1 file in the archive was left out")
    assert not (tmp_path / "escaped").exists() and not Path("/tmp/escaped").exists()
    assert said(unpack(path, tmp_path / "in")) == said(folder)  # also when it is found again
    assert said(folder.parent) == said(folder)  # also where it was unpacked among other things


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_left_out_and_said(tmp_path: Path, kind: bytes) -> None:
    path = tarred(tmp_path / "t.tar", [member("fine.png"), member("a.png", kind=kind, link="fine.png")])
    folder = unpack(path, tmp_path / "in")
    assert visible(folder) == {"fine.png": b"xxx"} and "it is a link or a device (a.png)" in said(folder)


def test_a_link_in_a_zip_is_left_out_and_an_archive_of_nothing_else_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a.png")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    refused(tmp_path / "t.zip", tmp_path / "in", "a.png is a link or a device")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_one_name_the_first_is_kept_and_the_other_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        packed.writestr("a.png", b"one")
        packed.writestr("a.png", b"two")
    folder = unpack(tmp_path / "t.zip", tmp_path / "in")
    assert visible(folder) == {"a.png": b"one"} and "the name of another (a.png)" in said(folder)


def test_a_damaged_member_of_a_zip_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", {"a.png": b"first film", "b.png": b"second film"})
    path.write_bytes(path.read_bytes().replace(b"first film", b"FIRST FILM"))
    folder = unpack(path, tmp_path / "in")
    assert visible(folder) == {"b.png": b"second film"} and "it is damaged (a.png)" in said(folder)


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (93, "Zstandard"), (98, "PPMd")])
def test_a_method_of_packing_that_is_not_read_is_named(tmp_path: Path, method: int, name: str) -> None:
    path = zipped(tmp_path / "t.zip", {"a.png": b"x"})
    data = path.read_bytes()
    central = data.index(b"PK\x01\x02")
    path.write_bytes(
        data[:8] + bytes([method]) + data[9 : central + 10] + bytes([method]) + data[central + 11 :]
    )
    refused(path, tmp_path / "in", f"packed by {name}")


def test_a_password_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", {"a.png": b"x"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    refused(path, tmp_path / "in", "locked with a password")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("utf-8", ["Entzündung/1.png", "normal/2.png"]),
        ("cp437", ["Entzündung/1.png", "normal/2.png"]),
        ("gbk", ["正常/1.png", "肺炎/2.png"]),
        ("shift_jis", ["正常/画像1.png", "肺炎/画像2.png"]),
        ("cp866", ["норма/1.png", "пневмония/2.png"]),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_come_out_as_they_were_meant(
    tmp_path: Path, encoding: str, names: list[str], kind: str
) -> None:
    path = tmp_path / f"t.{kind}"
    if (
        kind == "zip"
    ):  # names of the same length in ASCII, overwritten in the file: without the flag for UTF-8
        stand_ins = {
            name.encode(encoding): b"%03d" % n + b"x" * (len(name.encode(encoding)) - 3)
            for n, name in enumerate(names)
        }
        data = zipped(path, {stand_in.decode(): b"x" for stand_in in stand_ins.values()}).read_bytes()
        for raw, stand_in in stand_ins.items():
            data = data.replace(stand_in, raw)
        path.write_bytes(data)
    else:
        with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding=encoding) as packed:
            for name in names:
                packed.addfile(member(name), io.BytesIO(b"xxx"))
    assert set(visible(unpack(path, tmp_path / "in"))) == set(names)


@pytest.mark.parametrize("called", ["t.tar", "t.tar.gz", "t.zip"])
def test_an_archive_is_what_its_first_bytes_say(tmp_path: Path, called: str) -> None:
    for content in (
        zipped(tmp_path / "z", {"a.png": b"xxx"}),
        tarred(tmp_path / "g", [member("a.png")], "w:gz"),
    ):
        (tmp_path / called).write_bytes(content.read_bytes())
        assert visible(unpack(tmp_path / called, tmp_path / "in")) == {"a.png": b"xxx"}


@pytest.mark.parametrize(
    ("mark", "name"), [(b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!\x1a\x07\x01\x00", "RAR")]
)
def test_an_archive_of_another_kind_is_named(tmp_path: Path, mark: bytes, name: str) -> None:
    for called in ("t.zip", "t.7z"):
        (tmp_path / called).write_bytes(mark + bytes(100))
        assert is_archive(tmp_path / called)
        refused(tmp_path / called, tmp_path / "in", f"is a {name} archive, which Overread does not open")


@pytest.mark.parametrize("called", ["t", "t.bin", "t.1", "download.part"])
@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_is_known_by_its_bytes_whatever_it_is_called(
    tmp_path: Path, called: str, form: str
) -> None:
    (tmp_path / "made" / "a").mkdir(parents=True)
    (tmp_path / "made" / "a" / "1.png").write_bytes(b"x")
    made = shutil.make_archive(str(tmp_path / "made-"), form, tmp_path / "made")
    path = Path(made).rename(tmp_path / called)
    assert is_archive(path) and visible(unpack(path, tmp_path / "in")) == {"a/1.png": b"x"}


@pytest.mark.parametrize("called", ["report.docx", "cohort.xlsx", "weights.npz", "1.png", "labels.csv"])
def test_what_is_a_zip_inside_and_says_what_it_is_is_no_archive(tmp_path: Path, called: str) -> None:
    assert not is_archive(zipped(tmp_path / called, {"word/media/1.png": b"x"}))


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG image"), (b"<!DOCTYPE html><html>", "a web page")],
)
def test_what_is_named_an_archive_and_is_something_else_is_told_so(
    tmp_path: Path, content: bytes, what: str
) -> None:
    (tmp_path / "t.zip").write_bytes(content)
    refused(tmp_path / "t.zip", tmp_path / "in", f"t.zip is {what}, and no archive")


def test_folders_of_windows_are_no_files(tmp_path: Path) -> None:
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name in ("data\\", "data\\a\\", "data\\a\\1.png"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            packed.writestr(info, b"x" if name.endswith("png") else b"")
    folder = unpack(path, tmp_path / "in")
    assert visible(folder) == {"data/a/1.png": b"x"} and left_out(folder) == []


def test_archives_in_an_archive_of_nothing_else_are_unpacked_once(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "i.zip", {"a/1.png": b"x"}).read_bytes()
    deep = zipped(tmp_path / "d.zip", {"i.zip": inner}).read_bytes()
    outer = zipped(tmp_path / "t.zip", {"train.zip": inner, "deep.zip": deep, "labels.csv": b"path,label"})
    assert set(visible(unpack(outer, tmp_path / "in"))) == {"train/a/1.png", "deep/i.zip", "labels.csv"}
    beside = zipped(tmp_path / "b.zip", {"more.zip": inner, "b/1.png": b"x"})
    assert set(visible(unpack(beside, tmp_path / "in"))) == {"more.zip", "b/1.png"}


def test_what_is_in_an_inner_archive_counts_too(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "i.zip", {"1.png": bytes(800_000)}, zipfile.ZIP_DEFLATED).read_bytes()
    outer = zipped(tmp_path / "t.zip", {f"{number}.zip": inner for number in range(2)})
    refused(outer, tmp_path / "in", "far more than its size", Limits(free_bytes=1_000_000, ratio=1))


def test_a_bomb_is_refused_by_what_comes_out_of_it(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", {"a.png": bytes(20_000_000)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 30_000
    refused(path, tmp_path / "in", "far more than its size", Limits(free_bytes=1_000_000))


def test_too_many_files_and_too_many_bytes_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", {f"{number}.png": b"x" * 1000 for number in range(20)})
    refused(path, tmp_path / "in", "more than 10 files", Limits(files=10))
    refused(path, tmp_path / "in", "unpacks to far more", Limits(bytes=5000))


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
    refused(Path(made), tmp_path / "in", "cannot be unpacked: it is damaged or was cut short")


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
