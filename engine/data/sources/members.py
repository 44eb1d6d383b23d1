"""What is in a zip or tar, member by member, with the names that it was packed with."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.data.sources.encodings import encoding_of
from engine.errors import DataError
from engine.images import ARCHIVES, HEAD_BYTES, READ, REMEDIES, FileKind, kind_of
from engine.language import N_
from engine.storage import open_regular

BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
_COMPRESSED: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
_TARS = frozenset({FileKind.TAR, FileKind.PACKED})
_NO_ARCHIVE = N_("Give it the suffix of what it is, and choose the folder that it is in")
_METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive.

    Attributes:
        name: As it was meant, in NFC.
        odd: Why it is not read, after its name; empty if it is a regular file.
        open: Opens its bytes.
        alone: Whether the others can be read if this one is damaged.
    """

    name: str
    odd: str
    open: Callable[[], IO[bytes]]
    alone: bool


def members(archive: Path, most_bytes: int) -> Iterator[Member]:
    """Yield the members of an archive that are no folders; what it is is read from its first bytes.

    Args:
        archive: A zip, a tar or a compressed tar.
        most_bytes: How much may come out of a tar, what is passed over counted too.

    Raises:
        DataError: It is another kind of archive, or holds more.
        Exception: One of `BROKEN`: it is damaged.
    """
    with open_regular(archive) as stream:
        head = stream.read(HEAD_BYTES)
    kind = kind_of(head)
    if kind is FileKind.ZIP or (
        kind not in _TARS and zipfile.is_zipfile(archive)
    ):  # one that unpacks itself, too
        yield from _of_zip(archive)
        return
    if kind in ARCHIVES - _TARS:
        raise DataError(f"{archive.name} is {kind}, which Overread does not open", REMEDIES[kind])
    if kind in READ or kind in REMEDIES.keys() - _TARS:
        raise DataError(f"{archive.name} is {kind}, and no archive", REMEDIES.get(kind, _NO_ARCHIVE))
    yield from _of_tar(archive, head, most_bytes)


def _of_zip(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        infos = packed.infolist()
        raw = [info.orig_filename.encode("cp437") for info in infos if not info.flag_bits & 0x800]
        encoding = encoding_of(b"\n".join(raw)) or "cp437"
        for info in infos:
            name = info.filename
            if not info.flag_bits & 0x800:  # zipfile took these for cp437
                name = name.encode("cp437").decode(encoding, "replace")
            if not name.endswith(("/", "\\")):  # some programs write the one, some the other after a folder
                yield Member(_nfc(name), _odd_in_zip(info), lambda info=info: packed.open(info), alone=True)  # type: ignore[misc]


def _odd_in_zip(info: zipfile.ZipInfo) -> str:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return N_("is a link or a device")
    if info.flag_bits & 1:
        return N_("is locked with a password")
    method = _METHODS.get(info.compress_type)
    return N_("is packed by {method}, which Overread does not read").format(method=method) if method else ""


def _of_tar(archive: Path, head: bytes, most_bytes: int) -> Iterator[Member]:
    encoding = ""
    with _open_tar(archive, head, most_bytes) as packed:
        for info in packed:
            name = info.name
            if not _is_text(name):
                encoding = encoding or _encoding_in_tar(archive, head, most_bytes)
                name = name.encode("utf-8", "surrogateescape").decode(encoding, "replace")
            if not info.isdir():
                odd = "" if info.isfile() else N_("is a link or a device")
                yield Member(_nfc(name), odd, lambda info=info: _extracted(packed, info), alone=False)  # type: ignore[misc]


def _open_tar(archive: Path, head: bytes, most_bytes: int) -> tarfile.TarFile:
    opener = next((opener for mark, opener in _COMPRESSED if head.startswith(mark)), None)
    stream = open_regular(archive)
    unpacked = opener(stream) if opener else stream
    counted = _Counted(unpacked, most_bytes, archive.name)
    return tarfile.open(  # type: ignore[call-overload, no-any-return]
        fileobj=counted, mode="r|", encoding="utf-8", errors="surrogateescape"
    )


def _encoding_in_tar(archive: Path, head: bytes, most_bytes: int) -> str:
    with _open_tar(archive, head, most_bytes) as packed:
        names = [info.name.encode("utf-8", "surrogateescape") for info in packed if not _is_text(info.name)]
    return encoding_of(b"\n".join(names)) or "cp437"


def _extracted(packed: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = packed.extractfile(info)
    assert stream is not None  # a regular file has bytes
    return stream


class _Counted:
    """A stream that refuses to give more than was allowed, read or passed over."""

    def __init__(self, stream: IO[bytes], most_bytes: int, name: str) -> None:
        self._stream = stream
        self._left = most_bytes
        self._name = name

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise too_much(self._name)
        return data


class TooMuchError(DataError):
    """Far more comes out of an archive than its size lets expect, or than is free on the disk."""


def too_much(name: str) -> TooMuchError:
    """Return the refusal of an archive that far more comes out of than its size lets expect."""
    return TooMuchError(
        f"{name} unpacks to far more than its size lets expect, or than is free on the disk",
        "If you trust where it came from, unpack it yourself and choose the folder",
    )


def _is_text(name: str) -> bool:
    return not any("\udc80" <= letter <= "\udcff" for letter in name)


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)
