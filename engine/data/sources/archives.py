"""A .zip or .tar unpacked so that nothing leaves its folder and no bomb fills the disk.

What an archive says of itself is not trusted: names are checked before anything is written, sizes are
counted while bytes are. An archive that tries anything is refused whole. Unpacking the same archive again
finds the folder made the first time.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO

from engine.errors import DataError
from engine.storage import storage_error

ZIP_SUFFIXES = (".zip",)
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ARCHIVE_SUFFIXES = ZIP_SUFFIXES + TAR_SUFFIXES
Progress = Callable[[int], None]
_BLOCK = 1024 * 1024
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
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
    """Tell by its name whether a file is an archive that `unpack` reads."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def stem(archive: Path) -> str:
    """Return an archive's name without any of its suffixes."""
    name = archive.name
    longest_first = sorted(ARCHIVE_SUFFIXES, key=len, reverse=True)
    return next((name[: -len(suffix)] for suffix in longest_first if name.lower().endswith(suffix)), name)


def unpack(
    archive: Path, into: Path, *, limits: Limits | None = None, progress: Progress | None = None
) -> Path:
    """Unpack an archive into a folder of its own.

    Hidden files and macOS resource forks are left out.

    Args:
        archive: A .zip, .tar or compressed .tar.
        into: Where the folder is made; it is named after the archive and the sha256 of its bytes.
        limits: How much may come out of it.
        progress: Called with the bytes unpacked so far, now and then; may raise to stop, and nothing is left behind.

    Returns:
        The folder; the one made before, if this archive was unpacked here before.

    Raises:
        DataError: Not an archive, damaged, encrypted, larger than the limits or the free disk space, or a
            member would leave the folder or is a link or a device. Nothing is left behind.
        WorkspaceError: `into` cannot be written to.
    """
    try:
        status = archive.stat()
        digest = _digest(archive, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DataError(
            f"{archive} cannot be opened ({error.strerror or error})",
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
        _write_members(archive, working, limits or Limits(), progress)
        if not folder.is_dir():  # another process may have been quicker
            working.replace(folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return folder


@lru_cache(maxsize=16)
def _digest(archive: Path, size: int, changed: int) -> str:
    """Hash an archive once, although it is proposed, answered and then read; size and time tell a new one."""
    with archive.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_members(archive: Path, folder: Path, limits: Limits, progress: Progress | None) -> None:
    free = shutil.disk_usage(folder).free
    by_ratio = max(limits.free_bytes, limits.ratio * archive.stat().st_size)
    allowed = min(limits.bytes, by_ratio, free)
    written = 0
    try:
        for count, (name, stream) in enumerate(_members(archive), start=1):
            target = _target(folder, name, archive)
            if count > limits.files:
                raise _refused(archive, f"holds more than {limits.files:,} files")
            if target is None:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                while block := stream.read(_BLOCK):
                    written += len(block)
                    if written > allowed:
                        raise _too_much(archive, allowed, full=allowed == free)
                    _write(out, block, target)
                    if progress is not None:
                        progress(written)
    except _BROKEN as error:
        why = str(error).splitlines()[0] if str(error) else "it was cut short"
        raise DataError(
            f"{archive.name} cannot be unpacked ({why})",
            "Make or download it again, without a password, or unpack it yourself and choose the folder",
        ) from error


def _write(out: IO[bytes], block: bytes, target: Path) -> None:
    try:
        out.write(block)
    except OSError as error:  # the disk's fault, not the archive's
        raise storage_error(error, target) from error


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield each regular file's name and bytes; refuse what is neither a file nor a folder."""
    if zipfile.is_zipfile(archive) and not archive.name.lower().endswith(TAR_SUFFIXES):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                mode = info.external_attr >> 16
                if mode & 0o170000 not in (0, 0o100000, 0o040000):
                    raise _refused(archive, f"holds a link or a device ({info.filename})")
                if not info.is_dir():
                    with packed.open(info) as stream:
                        yield info.filename, stream
        return
    with tarfile.open(archive, "r:*") as packed_tar:
        for member in packed_tar:
            if member.isdir():
                continue
            if not member.isfile():
                raise _refused(archive, f"holds a link or a device ({member.name})")
            contents = packed_tar.extractfile(member)
            if contents is not None:
                with contents:
                    yield member.name, contents


def _target(folder: Path, name: str, archive: Path) -> Path | None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise _refused(archive, f"holds a file that would be written outside its folder ({name})")
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return None
    return folder.joinpath(*path.parts)


def _refused(archive: Path, why: str) -> DataError:
    return DataError(
        f"{archive.name} {why}",
        "If you trust where it came from, unpack it yourself and choose the folder",
    )


def _too_much(archive: Path, allowed: int, *, full: bool) -> DataError:
    amount = f"{allowed / 1024**3:.1f} GiB" if allowed >= 1024**3 else f"{allowed / 1024**2:.1f} MiB"
    if full:
        return DataError(f"{archive.name} holds more than the {amount} that are free", "Free some disk space")
    return _refused(archive, f"unpacks to more than {amount}, far more than its size lets expect")
