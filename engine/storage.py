"""Files on disk: written whole or not at all, with room for them; those a user brought opened only if they are files;
and an operating system's refusal in words."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from filelock import FileLock, Timeout

from engine.errors import WorkspaceError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_OF_THE_MACHINE = frozenset(
    {*DISK_FULL, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ENODEV, errno.ENOTCONN, errno.ENXIO}
    | {errno.ENAMETOOLONG, errno.ELOOP}  # of a path that somebody gave
    | {getattr(errno, name) for name in ("ESTALE", "EHOSTDOWN", "EREMOTEIO") if hasattr(errno, name)}
)
_FULL_BELOW = 1 << 20  # bytes that are free on a disk on which something has just found no room
SCHEMA_VERSION = 2
"""Of the names in the JSON and CSV files that Overread writes; docs/files.md lists them. Version 1 is still read."""

KEPT_BYTES = {"images": 20 << 30, "features": 8 << 30, "nets": 1 << 30, "maps": 256 << 20, "depth": 2 << 30}
"""What may stay in a workspace's cache from one run to the next: decoded images, films and thumbnails; the banks of
features; nets converted for OpenVINO; heatmaps that were asked for one by one; films packed for the viewer."""

LONGEST_LOG, LOG_START, LOG_END = 4 << 20, 512 << 10, 1 << 20
"""Bytes of a log, and of its beginning and its end that stay when it is shortened."""

Item = TypeVar("Item")


def versioned(document: Mapping[str, Any]) -> dict[str, Any]:
    """Put the schema version at the head of a JSON document that other programs may read."""
    return {"schema_version": SCHEMA_VERSION, **document}


def storage_error(error: OSError, path: Path) -> WorkspaceError:
    """Say what an operating-system error about `path` means to the person at the screen."""
    if error.errno in DISK_FULL:
        return WorkspaceError(
            f"The disk with {path} is full",
            "Free some space and try again; nothing that was saved before is lost",
            option="overread doctor shows how much the cache takes",
        )
    if error.errno == errno.EFBIG:
        return WorkspaceError(
            f"{path} is larger than a file may be here", "Choose another disk, or ask for a larger limit"
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return WorkspaceError(
            f"{path} cannot be written to",
            "Give your user the right to write there, or choose another folder",
            option="--workspace for the workspace",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return WorkspaceError(
            f"{_in_the_way(path)} is not a folder",
            "Move that file away, or choose another folder",
            option="--workspace for the workspace",
        )
    if error.errno == errno.EISDIR:
        return WorkspaceError(f"{path} is a folder, not a file", "Choose another name for the file")
    if error.errno == errno.ENAMETOOLONG:
        name = max(path.parts, key=len, default="")
        return WorkspaceError(f"{name[:40]}… is longer than a name may be", "Choose a shorter name")
    if error.errno == errno.ELOOP:
        return WorkspaceError(f"{path} is a link that leads back to itself", "Name the file or folder itself")
    if error.errno == errno.ENOENT:
        return WorkspaceError(f"The folder of {path} is not there", "Make it, or choose another folder")
    return WorkspaceError(
        f"{path} cannot be used ({error.strerror or error})",
        "Check the disk, or choose another folder",
        option="--workspace for the workspace",
    )


def machine_trouble(error: BaseException) -> WorkspaceError | None:
    """Say what a refusal of the machine means that nobody foresaw where it happened, in a library say.

    A full disk, a drive that was pulled out, a right that is missing or too little memory is no defect of this program,
    wherever it is met.

    Args:
        error: Whatever came out of some work.

    Returns:
        Two sentences; None where it is a defect.
    """
    if isinstance(error, MemoryError):
        return WorkspaceError(
            "There is not enough memory for this on this computer",
            "Close other programs, or do it with fewer or smaller images at a time",
        )
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ENOENT and "temporary directory" in str(
        error
    ):  # what `tempfile` says, at any import
        return WorkspaceError(
            "No folder for temporary files can be written to: their disk is full, or may only be read",
            "Free some space, or name another folder in $TMPDIR",
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return WorkspaceError(
            "More files are open than this computer allows",
            "Close other programs, or raise the limit (ulimit -n)",
        )
    if error.errno not in _OF_THE_MACHINE:
        return None
    names = (name for name in (error.filename2, error.filename) if name and not isinstance(name, int))
    named = next((Path(os.fsdecode(name)) for name in names), None)  # a number is that of an open file
    if named is not None:
        if error.errno in (errno.EACCES, errno.EPERM):
            return WorkspaceError(
                f"Your user may not use {named}",
                "Give your user the right to read and write there, or choose another folder",
                option="--workspace for the workspace",
            )
        return storage_error(error, named)
    if error.errno in DISK_FULL:  # writing into a file that is open names none
        places = (Path(place) for place in (tempfile.tempdir, Path.cwd()) if place)
        full = next(filter(_is_full, places), None)
        if full is not None:
            return storage_error(error, full)
        return WorkspaceError(
            "A disk is full", "Free some space and try again; what was saved before is kept"
        )
    if error.errno == errno.EIO:
        return WorkspaceError("A disk or a network drive failed", "Check it, and try again")
    return None


def bound_memory(most: int) -> None:
    """Let this process take no more than so many bytes of memory, where the system can say so: Windows cannot."""
    try:
        import resource
    except ImportError:
        return
    with suppress(ValueError, OSError):  # macOS refuses it; and a limit that stands already may be lower
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _FULL_BELOW


def _in_the_way(path: Path) -> Path:
    """Return which of a path and the folders above it is there and is no folder."""
    found = (each for each in (path, *path.parents) if os.path.lexists(each) and not each.is_dir())
    return next(found, path)


def write_atomic(path: Path, data: bytes | str | Iterable[bytes]) -> None:
    """Write a file so that a reader sees the old one or the new one, whole, even if the machine loses power.

    Args:
        path: The file; its folder must exist.
        data: Bytes, text that is written as UTF-8, or pieces of bytes, made one after another.

    Raises:
        WorkspaceError: The disk is full, or the folder cannot be written to.
    """
    write_together([(path, data)])


def write_together(files: Iterable[tuple[Path, bytes | str | Iterable[bytes]]]) -> list[Path]:
    """Write files that belong together: all are there afterwards, or those from before are, and nothing half.

    Each is written whole beside its place first. Only then do they take their places, which needs no room.

    Args:
        files: Path and content each, made one after another; their folders must exist.

    Returns:
        The paths, in order.

    Raises:
        WorkspaceError: The disk is full, a folder cannot be written to, or there is a folder of that name.
    """
    written: dict[Path, Path] = {}  # where it lies → where it belongs
    path = Path()
    try:
        for path, data in files:
            beside = path.with_name(f".writing-{secrets.token_hex(8)}")
            written[beside] = path  # before it is there: whatever happens now, it is deleted
            with os.fdopen(open_private(beside, os.O_EXCL), "wb") as stream:
                data = data.encode() if isinstance(data, str) else data
                stream.writelines([data] if isinstance(data, bytes) else data)
                stream.flush()
                os.fsync(stream.fileno())
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for beside, path in written.items():
            beside.replace(path)
    except BaseException as error:  # Ctrl-C too
        for beside in written:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise storage_error(error, path) from error
        raise
    return list(written.values())


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file for writing that only its owner may read, from its first moment on and whatever the umask says.

    Args:
        path: Made when it is not there; one that is there keeps its rights.
        flags: Of `os.open`, such as `os.O_EXCL` and `os.O_APPEND`.

    Returns:
        Its descriptor.

    Raises:
        OSError: It cannot be opened.
    """
    flags |= os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if flags & os.O_EXCL:
            raise
        return os.open(path, flags & ~os.O_EXCL)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)  # a umask may have taken even the owner's rights
    return descriptor


def bound_log(path: Path) -> None:
    """Shorten a log that has grown too long: its first and its last lines stay.

    Whoever writes to it has opened it to append, and goes on at its new end.

    Args:
        path: The log; one that is not there is none too long.
    """
    with suppress(OSError), path.open("r+b") as log:
        length = log.seek(0, os.SEEK_END)
        if length <= LONGEST_LOG:
            return
        log.seek(length - LOG_END)
        last = log.read()
        log.seek(LOG_START)
        left_out = length - LOG_START - LOG_END
        log.write(f"\n… {left_out:,} bytes are left out here …\n".encode())
        log.write(last)
        log.truncate()


def check_room(what_needs: str, needed: int, folder: Path, remedy: str, *, option: str = "") -> None:
    """Refuse what will not fit on a disk before any of it is written.

    Args:
        what_needs: The sentence's beginning, e.g. "The decoded images need".
        needed: Bytes.
        folder: Where they would lie.
        remedy: What to do.
        option: With which option of the command line.

    Raises:
        WorkspaceError: They do not fit.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WorkspaceError(
            f"{what_needs} {bytes_said(needed)}, and the disk with {folder} has {bytes_said(free)} free",
            remedy,
            option=option,
        )


def bytes_said(count: int) -> str:
    """Say a number of bytes as people do."""
    if count < 1e5:
        return f"{-(-count // 100) / 10} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def make_room(
    entries: Iterable[tuple[float, int, Item]], max_bytes: int, remove: Callable[[Item], bool]
) -> int:
    """Remove what was not used for longest, until the rest fits.

    Args:
        entries: When each was last used, its bytes, and what `remove` is told.
        max_bytes: What may stay.
        remove: Removes one and returns whether it is gone: what is in use may stay.

    Returns:
        Bytes freed.
    """
    oldest_first = sorted(entries, key=lambda entry: entry[0])
    excess = sum(size for _, size, _ in oldest_first) - max_bytes
    freed = 0
    for _, size, item in oldest_first:
        if freed >= excess:
            break
        if remove(item):
            freed += size
    return freed


def open_regular(path: Path) -> BinaryIO:
    """Open a file that a user brought, for reading, unless waiting or reading for ever would come of it.

    A pipe is not waited for and a device is not touched, also where the name is a link to one.

    Raises:
        OSError: It is not there, may not be read, or is not a regular file; `strerror` fits into brackets.
    """
    _check_regular(path.stat())  # before it is opened: opening a device may already do something
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _check_regular(os.fstat(descriptor))  # it may have been exchanged in between
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Read a file that a user brought, and no more of it than is asked for.

    Args:
        path: See `open_regular`.
        max_bytes: Bytes at most.

    Raises:
        OSError: See `open_regular`; with errno EFBIG, the file is longer.
    """
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        data = stream.read(size + 1) if size <= max_bytes else b""
        if len(data) > size:  # it grows while it is read
            data += stream.read(max_bytes + 1 - len(data))
        if max(size, len(data)) > max_bytes:
            raise OSError(errno.EFBIG, f"it is larger than {bytes_said(max_bytes)}")
        return data


def check_regular(path: Path) -> None:
    """Refuse, for a library that opens files by itself, what `open_regular` refuses; raises as that does."""
    open_regular(path).close()


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, not a file")


def remove_unless_locked(folder: Path, lock: Path, *, first: str = "") -> bool:
    """Remove a folder that no process is at work on, and return whether it is gone.

    Args:
        folder: To be removed with all that is in it. On Windows a file that a process has mapped stays.
        lock: Held by whoever is at work on the folder.
        first: The file without which the others are worthless; where it stays, they stay.
    """
    try:
        with FileLock(lock, timeout=0):
            if first:
                (folder / first).unlink(missing_ok=True)
            shutil.rmtree(folder)
    except (Timeout, OSError):
        return not folder.exists()
    return True


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder; a link that leads to itself is none, and whoever opens it is told so."""
    try:
        return entry.is_dir()
    except OSError:
        return False
