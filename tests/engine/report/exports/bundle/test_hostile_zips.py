"""Whatever is sent as a bundle is read whole or refused in one sentence, before anything of it is unpacked."""

from __future__ import annotations

import os
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from engine.errors import ReportError
from engine.report.exports.bundle import archive
from engine.report.exports.bundle.archive import files_of


def zipped(
    path: Path, members: list[tuple[zipfile.ZipInfo | str, bytes]], kind: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", kind) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return path


def link(path: Path) -> Path:
    member = zipfile.ZipInfo("data/images.csv")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped(path, [(member, b"/etc/passwd")])


def twice(path: Path) -> Path:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(path, [("report.json", b"{}"), ("report.json", b"[]")])


def declared(size: int, members: int = 1) -> Callable[[Path], Path]:
    """A zip that says of small members that each unpacks to so many bytes."""

    def write(path: Path) -> Path:
        zipped(path, [(f"{number}.json", b"{}" * 50) for number in range(members)])
        data = bytearray(path.read_bytes())
        at = 0
        while (at := data.find(b"PK\x01\x02", at) + 1) > 0:
            data[at + 23 : at + 27] = struct.pack("<I", size)
        path.write_bytes(data)
        return path

    return write


def encrypted(path: Path) -> Path:
    zipped(path, [("report.json", b"{}")])
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    path.write_bytes(data)
    return path


def named(name: str) -> Callable[[Path], Path]:
    return lambda path: zipped(path, [(name, b"1")])


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a bomb of zeros": (lambda path: zipped(path, [("report.json", bytes(200_000_000))]), "unpack to 0.2 GB"),
    "4 GB declared": (declared(0xFFFFFFF0), "unpack to 4.3 GB"),
    "10 GB declared": (declared(2_500_000_000, 4), "unpack to 10.0 GB"),
    "less declared than there is": (declared(5), "damaged"),
    "a path to the folder above": (named("../report.json"), "outside its folder"),
    "a path in the middle": (named("data/../../x"), "outside its folder"),
    "a path of another system": (named("..\\report.json"), "outside its folder"),
    "an absolute path": (named("/etc/cron.d/x"), "outside its folder"),
    "a drive": (named("C:report.json"), "outside its folder"),
    "a link": (link, "a link to another file"),
    "two of one name": (twice, "“report.json” twice"),
    "encrypted": (encrypted, "encrypted"),
    "packed with LZMA": (lambda path: zipped(path, [("report.json", b"{}")], zipfile.ZIP_LZMA), "packed in a way"),
    "many files": (
        lambda path: zipped(path, [(f"{n}", b"") for n in range(10_001)], zipfile.ZIP_STORED), "more than 10,000 files",
    ),
    "a folder": (folder, "is a folder, not a file"),
    "a pipe": (pipe, "cannot be read"),
    "nothing": (lambda path: path, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_zip_that_no_report_makes_is_refused_in_one_sentence(kind: str, tmp_path: Path) -> None:
    make, said = HOSTILE[kind]
    with pytest.raises(ReportError, match=said) as raised:
        files_of(make(tmp_path / "bundle.zip"))
    assert raised.value.remedy and "\n" not in str(raised.value) and len(str(raised.value)) < 300


def test_a_bundle_that_is_gone_or_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"gone\.zip cannot be read \(No such file or directory\)"):
        files_of(tmp_path / "gone.zip")
    with pytest.raises(ReportError, match="is a folder, not a file"):
        files_of(tmp_path)


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    rows = random.Random(0)
    members = [(f"t{n}.csv", "".join(f"{rows.random()},\n" for _ in range(40)).encode()) for n in range(4)]
    return zipped(tmp_path_factory.mktemp("zip") / "bundle.zip", [*members]).read_bytes()


@settings(max_examples=150, deadline=None)
@given(at=st.floats(0, 1), junk=st.binary(max_size=30), cut=st.booleans())
def test_a_zip_with_any_bytes_cut_or_put_in_is_read_as_it_was_or_refused(
    harmless: bytes, tmp_path_factory: pytest.TempPathFactory, at: float, junk: bytes, cut: bool
) -> None:
    place = int(at * len(harmless))
    path = tmp_path_factory.mktemp("junk") / "bundle.zip"
    path.write_bytes(harmless[:place] if cut else harmless[:place] + junk + harmless[place + len(junk) :])
    try:
        found = files_of(path)
    except ReportError as error:
        assert error.remedy
    else:  # the check sums of a zip are over contents, and not over names
        assert all(len(data) > 400 for data in found.values())


def test_a_zip_may_hold_and_unpack_to_so_much_and_not_a_byte_more() -> None:
    def odd(*sizes: int, packed: int = 1) -> str:
        members = [zipfile.ZipInfo(f"{number}.csv") for number in range(len(sizes))]
        for member, size in zip(members, sizes, strict=True):
            member.file_size = size
        return archive.odd_members(members, packed)

    assert odd(archive.SMALL - 1, 1) == "" and archive.SMALL > 1e7  # however dense
    assert odd(archive.SMALL, 1).startswith("would unpack to")
    enough = archive.SMALL // archive.MOST_DENSE + 1
    assert odd(enough * archive.MOST_DENSE, packed=enough) == ""
    assert odd(enough * archive.MOST_DENSE, 1, packed=enough).startswith("would unpack to")
    assert odd(archive.LARGEST, packed=archive.LARGEST) == ""
    assert odd(archive.LARGEST, 1, packed=archive.LARGEST).startswith("would unpack to")
    assert odd(*[0] * archive.MOST_FILES) == ""
    assert odd(*[0] * (archive.MOST_FILES + 1)) == "holds more than 10,000 files"
