"""A .zip or .tar unpacked so that nothing leaves its folder and no bomb fills the disk.

What an archive says of itself is not trusted: names are checked before anything is written, sizes are counted while
bytes are. A member that is odd is left out and said, and the rest is read; an archive that unpacks to far too much is
refused whole. Unpacking the same archive again finds the folder made the first time.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO

from engine.data.names import is_housekeeping
from engine.data.sources.members import BROKEN, Member, TooMuchError, members, too_much
from engine.data.sources.tables import TABLE_SUFFIXES, is_table
from engine.errors import DataError
from engine.images import ARCHIVES, IMAGE_SUFFIXES, file_kind
from engine.kept_files import parse_json, typed
from engine.language import N_
from engine.records import DataIssue, DataIssueKind
from engine.storage import open_regular, read_regular, storage_error

ZIP_SUFFIXES = (".zip",)
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ARCHIVE_SUFFIXES = ZIP_SUFFIXES + TAR_SUFFIXES
Progress = Callable[[int], None]
_NAMED_ALONE = (".7z", ".rar", ".tar.zst", ".tzst", ".cab", ".tar.z")  # to be told what they are
_LEFT_OUT = "._left-out.json"  # hidden, and nothing that is said to be left out itself
_LARGEST_LIST = 1 << 28  # bytes
_SHOWN = 3
_KEPT = 1000
_BLOCK = 1024 * 1024
_BAD_NAME = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EILSEQ)
_NEVER = TABLE_SUFFIXES | frozenset(
    ".docx .docm .dotx .xltx .pptx .pptm .ppsx .odt .odp .odg .epub .pages .key .numbers .jar .apk .whl .npz .pt .pth "  # noqa: SIM905
    ".ckpt .keras .mrb .kmz .3mf .sketch .drawio .xps".split()
)
_PAPERS = frozenset(
    {".txt", ".md", ".pdf", ".html", ".htm", ".json", ".xml", ".yaml", ".yml", ".rtf", ".docx"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much may come out of one archive.

    Attributes:
        files: Members.
        bytes: Unpacked, in all.
        ratio: Unpacked bytes per packed byte, looked at from `free_bytes` on. Images hardly compress again.
        free_bytes: So much may always be unpacked.
    """

    files: int = 2_000_000
    bytes: int = 500 * 1024**3
    ratio: int = 100
    free_bytes: int = 256 * 1024**2


def is_archive(path: Path) -> bool:
    """Tell whether a file is an archive that `unpack` reads, or says why it does not: by its name, else by its bytes.

    Names that say that it is something else are believed: a document, too, is a zip inside.
    """
    if path.name.lower().endswith(ARCHIVE_SUFFIXES + _NAMED_ALONE):
        return True
    suffix = path.suffix.lower()
    return suffix not in _NEVER and suffix not in IMAGE_SUFFIXES and file_kind(path) in ARCHIVES


def stem(archive: Path) -> str:
    """Return an archive's name without any of its suffixes."""
    name = archive.name
    longest_first = sorted(ARCHIVE_SUFFIXES, key=len, reverse=True)
    return next((name[: -len(suffix)] for suffix in longest_first if name.lower().endswith(suffix)), name)


def unpack(
    archive: Path, into: Path, *, limits: Limits | None = None, progress: Progress | None = None
) -> Path:
    """Unpack an archive into a folder of its own.

    Hidden files and those of operating systems are left out; so are, and `left_out` says which, links, devices, names
    that would leave the folder, and what is damaged or locked. Where there is nothing but archives in it, and tables or
    papers, these are unpacked too.

    Args:
        archive: A .zip, .tar or compressed .tar.
        into: Where the folder is made; it is named after the archive and the sha256 of its bytes.
        limits: How much may come out of it.
        progress: Called with the bytes unpacked so far, now and then; may raise to stop, and nothing is left behind.

    Returns:
        The folder; the one made before, if this archive was unpacked here before.

    Raises:
        DataError: Not an archive, damaged, locked, or larger than the limits or the free disk space. Nothing is left
            behind.
        WorkspaceError: `into` cannot be written to.
    """
    try:
        status = archive.stat()
        digest = _digest(archive, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DataError(
            f"{archive.name} cannot be opened ({error.strerror or error})",
            "Check that the file is there and that you may read it",
        ) from error
    folder = into / f"{stem(archive)}-{digest[:12]}"
    if folder.is_dir():
        return folder
    try:
        into.mkdir(parents=True, exist_ok=True)
        working = Path(tempfile.mkdtemp(dir=into, prefix=".unpacking-"))
    except OSError as error:
        raise storage_error(error, into) from error
    try:
        unpacking = _Unpacking(archive, working, limits or Limits(), progress)
        unpacking.write(archive, working)
        unpacking.open_inner()
        unpacking.keep_left_out()
        if not folder.is_dir():  # another process may have been quicker
            working.replace(folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return folder


@lru_cache(maxsize=16)
def _digest(archive: Path, size: int, changed: int) -> str:
    """Hash an archive once, although it is proposed, answered and then read; size and time tell a new one."""
    with open_regular(archive) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def left_out(folder: Path) -> list[DataIssue]:
    """Return what was left out when archives were unpacked into this folder, or into folders just inside it."""
    issues = []
    for kept in sorted((*folder.glob(_LEFT_OUT), *folder.glob(f"*/{_LEFT_OUT}"))):
        for why, count, names in _read_left_out(kept):
            shown = ", ".join(names[:_SHOWN]) + (", …" if count > _SHOWN else "")
            paths = tuple(kept.parent / name for name in names)
            issues.append(
                DataIssue(
                    kind=DataIssueKind.SKIPPED,
                    message=f"{count:,} file in the archive was left out, as it {why} ({shown})"
                    if count == 1
                    else f"{count:,} files in the archive were left out, as each {why} ({shown})",
                    paths=paths,
                )
            )
    return issues


def _read_left_out(kept: Path) -> list[tuple[str, int, list[str]]]:
    try:
        return typed(list[tuple[str, int, list[str]]], parse_json(read_regular(kept, _LARGEST_LIST)))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{kept} is damaged or was changed", "Delete the folder it is in and choose the archive again"
        ) from error


@dataclass(slots=True)
class _Unpacking:
    """One archive on its way into a folder."""

    archive: Path
    folder: Path
    limits: Limits
    progress: Progress | None
    files: int = 0
    written: int = 0
    odd: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def allowed(self) -> int:
        """Return how many bytes may still come out."""
        by_ratio = max(self.limits.free_bytes, self.limits.ratio * self.archive.stat().st_size)
        free = shutil.disk_usage(self.folder).free + self.written
        return min(self.limits.bytes, by_ratio, free) - self.written

    def write(self, archive: Path, into: Path) -> None:
        """Write the members of an archive into a folder.

        Raises:
            DataError: It is damaged or too large, or nothing in it can be read.
        """
        before = self.files
        allowed = self.allowed
        seen = 0
        try:
            for member in members(archive, allowed):
                seen += 1
                if seen > self.limits.files:
                    raise DataError(
                        f"{archive.name} holds more than {self.limits.files:,} files",
                        "If you trust where it came from, unpack it yourself and choose the folder",
                    )
                self._write_member(member, into, archive)
        except BROKEN as error:
            raise _damaged(archive, error) from error
        if self.files == before and self.odd:
            why, names = next(iter(self.odd.items()))
            raise DataError(
                f"Nothing in {archive.name} can be unpacked: {names[0][:100]} {why}",
                "Unpack it with the program that made it and choose the folder, or pack it as zip without a password",
            )

    def _write_member(self, member: Member, into: Path, archive: Path) -> None:
        target, why = _place(into, member.name)
        if target is None and not why:
            return  # of an operating system
        why = why or member.odd
        if target is None or why:
            self.odd[why].append(member.name)
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            out = target.open("xb")
        except FileExistsError:
            self.odd[N_("has the name of another")].append(member.name)
            return
        except OSError as error:
            if error.errno not in _BAD_NAME:
                raise storage_error(error, target) from error
            self.odd[N_("has a name that no file can have here")].append(member.name)
            return
        with out:
            broken = self._copy(member, out, target, archive)
        if broken is None:
            self.files += 1
            return
        target.unlink()
        if not member.alone:
            raise _damaged(archive, broken) from broken
        self.odd[N_("is damaged")].append(member.name)

    def _copy(self, member: Member, out: IO[bytes], target: Path, archive: Path) -> Exception | None:
        most = self.written + self.allowed
        try:
            stream = member.open()
        except BROKEN as error:
            return error
        with stream:
            while True:
                try:
                    block = stream.read(_BLOCK)
                except BROKEN as error:
                    return error
                if not block:
                    return None
                self.written += len(block)
                if self.written > most:
                    raise too_much(archive.name)
                try:
                    out.write(block)
                except OSError as error:  # the disk's fault, not the archive's
                    raise storage_error(error, target) from error
                if self.progress is not None:
                    self.progress(self.written)

    def open_inner(self) -> None:
        """Unpack the archives in an archive that holds nothing else to be read, once."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        inner = [path for path in found if path.name.lower().endswith(ARCHIVE_SUFFIXES)]
        rest = [path for path in found if path not in inner]
        if not inner or any(path.suffix.lower() not in _PAPERS and not is_table(path) for path in rest):
            return
        for path in inner:
            into = path.with_name(stem(path))
            while into.exists():
                into = into.with_name(f"{into.name} (unpacked)")
            into.mkdir()
            try:
                self.write(path, into)
            except DataError as error:
                if len(inner) == 1 or isinstance(error, TooMuchError):
                    raise
                shutil.rmtree(into)
                self.odd[N_("cannot be unpacked ({problem})").format(problem=error.problem)].append(path.name)
            path.unlink()

    def keep_left_out(self) -> None:
        """Write down what was left out, for when the folder is found again."""
        kept = [(why, len(names), names[:_KEPT]) for why, names in self.odd.items()]
        if kept:
            text = json.dumps(kept).encode("ascii").decode("ascii")
            (self.folder / _LEFT_OUT).write_text(text, encoding="utf-8")


def _place(folder: Path, name: str) -> tuple[Path | None, str]:
    """Return where a member is written, or why it is not; neither for what an operating system keeps."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        return None, N_("would be written outside its folder")
    if any(letter == ":" or letter < " " for letter in name):
        return None, N_("has a character in its name that not every system can write")
    if any(map(is_housekeeping, path.parts)) or not path.parts:
        return None, ""
    return folder.joinpath(*path.parts), ""


def _damaged(archive: Path, error: Exception) -> DataError:
    cut = isinstance(error, EOFError | tarfile.ReadError | zipfile.BadZipFile)
    return DataError(
        f"{archive.name} cannot be unpacked: it is damaged{' or was cut short' if cut else ''}",
        "Make or download it again, or unpack it yourself and choose the folder",
    )
