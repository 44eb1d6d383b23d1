"""Files of a store into the workspace, each once; what came stays, what failed is listed, what changed is noticed.

    workspace/pulled/<key>/<n>/<name>/…          the files, in the folders that they have there; their n-th version
    workspace/pulled/<key>/<n>/fetched.json      what was said of each when it came, and its checksum
    workspace/pulled/<key>/<n>/left-out.csv      what did not come, and why

Fetched again, only what is not here yet comes. Where a file was changed or is gone there, a next version begins, which
shares with the one before what stayed the same: data sets and runs made of that keep their images.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from engine.data import is_housekeeping
from engine.errors import DataError
from engine.kept_files import JsonFile, plain, read_json
from engine.pacs import Limits, ServerLost, ServerTrouble
from engine.remote.address import Store
from engine.remote.names import is_safe, is_wanted
from engine.remote.opening import OpenStore
from engine.spreadsheet import write_csv
from engine.storage import check_room, storage_error, versioned, write_atomic

FETCHED, LEFT_OUT, LOCK = "fetched.json", "left-out.csv", ".lock"
_BESIDE = ".fetching-"
MOST = 1_000_000  # files
LARGEST = 20 << 30  # bytes of one file: an archive of images
LISTING = 600.0  # seconds that the list of all files may take
KEPT_FREE = 1 << 30  # of the disk
IN_A_ROW = 3  # files that fail one after another before the store counts as lost
_NOTED_EVERY = 200  # files, and a tenth of what is there: so many may come twice after a loss of power
_SIGNS = ("ETag", "etag", "md5Hash", "generation", "mtime", "LastModified", "created")
"""What tells one content of a file from another, the surest first."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class There:
    """A file of a store.

    Attributes:
        name: As fsspec has it.
        size: Bytes.
        sign: What changes when the file does.
    """

    name: str
    size: int
    sign: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """A file that came.

    Attributes:
        size: Bytes.
        sign: What the store said of it then.
        sha256: Of what came.
    """

    size: int
    sign: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What a version holds.

    Attributes:
        address: Where it came from, without anything secret.
        files: By their paths.
    """

    address: str
    files: Mapping[str, Came] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class NotCome:
    """A file that did not come, and why, as a part of a sentence."""

    path: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """What is here now.

    Attributes:
        path: The folder, or the one file that an address names.
        new: Files that came now.
        left_out: What did not come.
        changed: Files that were changed or are gone there since they came last.
    """

    path: Path
    new: int
    left_out: tuple[NotCome, ...]
    changed: tuple[str, ...]


_KEPT = JsonFile(
    record=Fetched,
    error=DataError,
    remedy="Delete {file}: the files are then fetched again",
    largest=1 << 30,
)


def fetch(
    store: Store,
    into: Path,
    *,
    around: str = "",
    progress: Progress = lambda done, of: None,
    limits: Limits,
) -> Here:
    """Fetch what a store has under its path.

    Args:
        store: Which.
        into: A folder for this address alone; made if it is not there.
        around: A file that must be there, in a folder that is not of images: then all of its files are fetched.
        progress: Called with files done and files in all, 0 while that is not known; may raise to stop.
        limits: What one file may take.

    Raises:
        ServerTrouble: The store is away or refuses us, now or in the middle: what came until then is kept.
        DataError: There is nothing that can be read, or too much.
        WorkspaceError: It cannot be written.
    """
    progress(0, 0)
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(into / LOCK, timeout=0):
            return _fetch(store, into, around, progress, limits)
    except Timeout as error:
        raise DataError(
            f"{store.url} is being fetched by another window or command", "Wait until that has ended"
        ) from error
    except OSError as error:
        raise storage_error(error, into) from error


def _fetch(store: Store, into: Path, around: str, progress: Progress, limits: Limits) -> Here:
    opened = OpenStore(store, limits)
    try:
        left_out: list[NotCome] = []
        if around:
            opened.said_of(f"{store.inside}/{around}")
        there = _there(opened, left_out, limits, every=bool(around))
        place, known, changed = _version(store, into, there)
        work = _Work(opened, place / store.name, place / FETCHED, known, left_out)
        lacking = [path for path in there if path not in known]
        needed = sum(there[path].size for path in lacking)
        check_room(
            "The images there need", needed + KEPT_FREE, place, "Free some space, or name a folder with fewer"
        )
        try:
            work.fetch_all({path: there[path] for path in lacking}, len(there), progress)
        finally:
            write_atomic(place / LEFT_OUT, write_csv(map(asdict, left_out), ("path", "why")))
    finally:
        opened.close()
    if not known:
        raise DataError(
            f"Nothing came from {store.url}: {left_out[0].why}"
            if left_out
            else f"There is nothing at {store.url}",
            "Check the address for typing errors",
        )
    progress(len(there), len(there))
    one = next(iter(known)) if set(known) == {store.name} and _is_the_file(there, store) else ""
    return Here(
        path=work.folder / one if one else work.folder,
        new=work.new,
        left_out=tuple(left_out),
        changed=changed,
    )


def _is_the_file(there: Mapping[str, There], store: Store) -> bool:
    return [one.name for one in there.values()] == [store.inside]


# ------------------------------------------------------------------------------------------------- what is there


def _there(opened: OpenStore, left_out: list[NotCome], limits: Limits, *, every: bool) -> dict[str, There]:
    """Return the files that may be images or tables, by their paths under the folder; others are noted."""
    store = opened.store
    closed: list[OSError] = []
    found = opened.listed(closed.append)
    if len(found) > MOST:
        raise DataError(
            f"{store.url} has more than {MOST:,} files", "Name the folder that holds only the images"
        )
    if closed and not found:
        if any(isinstance(error, PermissionError) for error in closed):
            raise ServerTrouble(f"{store.url} may not be read", "Ask its keeper for the right to read it")
        raise ServerTrouble(f"{store.url} is not there", "Check the address for typing errors")
    left_out += [NotCome(path="", why="a folder there may not be read") for _ in closed]
    there: dict[str, There] = {}
    for name, said in sorted(found.items()):
        path = store.name if name == store.inside else name[len(store.inside) :].lstrip("/")
        if not path or name.endswith("/") or any(map(is_housekeeping, path.split("/"))):
            continue
        if said.get("type") == "link" and is_safe(path):
            said = opened.said_of(name)
        why = _passed_over(path, said, limits, wanted=every or name == store.inside)
        if why:
            left_out.append(NotCome(path=path, why=why))
            continue
        sign = next((str(said[each]) for each in _SIGNS if said.get(each) is not None), "")
        there[path] = There(name=name, size=int(said["size"]), sign=sign)
    return there


def _passed_over(path: str, said: Mapping[str, Any], limits: Limits, *, wanted: bool) -> str:
    """Return why a file is not fetched; "" where it is."""
    size = said.get("size")
    if said.get("type") == "directory":
        return "it is a link to a folder"
    if not is_safe(path):
        return "its name cannot be a file's here"
    if not isinstance(size, int) or size < 0:
        return "its size is not said"
    if not (wanted or is_wanted(path.rpartition("/")[2])):
        return "by its name it is neither an image nor a table"
    if size > limits.bytes:
        return f"it is larger than {limits.bytes / 1e9:,.1f} GB"
    return ""


# ------------------------------------------------------------------------------------------------------- versions


def _version(
    store: Store, into: Path, there: Mapping[str, There]
) -> tuple[Path, dict[str, Came], tuple[str, ...]]:
    """Return the folder of the version that holds what is there, what of it is here already, and what was changed."""
    numbers = sorted(int(one.name) for one in into.glob("[0-9]*") if one.name.isdigit())
    last = into / str(numbers[-1] if numbers else 1)
    noted = _noted(last)
    here = {
        path: came for path, came in noted.items() if _is_whole(last / store.name / path, came)
    }  # what was lost here comes again
    same = {path: came for path, came in here.items() if _is_same(there.get(path), came)}
    changed = tuple(path for path, came in noted.items() if not _is_same(there.get(path), came))
    place = into / str(int(last.name) + 1) if changed else last
    try:
        (place / store.name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for broken_off in place.rglob(f"{_BESIDE}*"):
            broken_off.unlink(missing_ok=True)
        if changed:
            for path in same:
                _share(last / store.name / path, place / store.name / path)
    except OSError as error:
        raise storage_error(error, place) from error
    _note(place / FETCHED, store, same)
    return place, same, changed


def _noted(place: Path) -> dict[str, Came]:
    try:
        return dict(read_json(place / FETCHED, _KEPT).files)
    except (FileNotFoundError, DataError):  # then nothing is believed to be here
        return {}


def _is_whole(file: Path, came: Came) -> bool:
    try:
        return file.stat().st_size == came.size
    except OSError:
        return False


def _is_same(there: There | None, came: Came) -> bool:
    return there is not None and (there.size, there.sign) == (came.size, came.sign)


def _share(old: Path, new: Path) -> None:
    new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        try:
            os.link(old, new)
        except OSError:  # a disk without links
            shutil.copy2(old, new)


def _note(file: Path, store: Store, known: Mapping[str, Came]) -> None:
    record = Fetched(address=store.url, files=known)
    write_atomic(file, json.dumps(versioned(plain(record)), ensure_ascii=False))


# ------------------------------------------------------------------------------------------------------- fetching


class _Work:
    """The fetching of one version: several files at a time, noted as they come."""

    def __init__(
        self, opened: OpenStore, folder: Path, noted: Path, known: dict[str, Came], left_out: list[NotCome]
    ) -> None:
        self._opened, self.folder, self._noted = opened, folder, noted
        self._known, self._left_out = known, left_out
        self.new, self._failed = 0, 0

    def fetch_all(self, lacking: Mapping[str, There], total: int, progress: Progress) -> None:
        """Fetch files; raises as `fetch` does."""
        unnoted = 0
        try:
            with ThreadPoolExecutor(self._opened.at_once) as pool:
                for batch in _batches(list(lacking.items()), self._opened.at_once):
                    progress(len(self._known), total)
                    for path, came in pool.map(self._one, batch):
                        self._settle(path, came)
                    unnoted += len(batch)
                    # Each note is of all files: so that all notes together grow as they do, and not as their square.
                    if unnoted >= max(_NOTED_EVERY, len(self._known) // 10):
                        _note(self._noted, self._opened.store, self._known)
                        unnoted = 0
        except ServerTrouble as error:
            raise type(error)(
                f"{error.problem}, when {len(self._known):,} of {total:,} files had come",
                f"{error.remedy}; then only what is missing is fetched",
                option=error.option,
            ) from None
        finally:
            _note(self._noted, self._opened.store, self._known)

    def _settle(self, path: str, came: Came | DataError) -> None:
        if isinstance(came, Came):
            self._known[path] = came
            self.new, self._failed = self.new + 1, 0
            return
        self._left_out.append(NotCome(path=path, why=came.problem))
        self._failed += 1
        if isinstance(came, ServerLost) or (isinstance(came, ServerTrouble) and self._failed >= IN_A_ROW):
            raise came

    def _one(self, lacking: tuple[str, There]) -> tuple[str, Came | DataError]:
        """Fetch one file, beside its place first; what the store does wrong is returned."""
        path, there = lacking
        file = self.folder / path
        beside = file.with_name(f"{_BESIDE}{secrets.token_hex(8)}")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._opened.fetch(there.name, beside, there.size)
            with beside.open("r+b") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                os.fsync(stream.fileno())
            beside.chmod(0o600)
            beside.replace(file)
        except DataError as error:
            return path, error
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            return path, DataError("a file and a folder there have the same name", "Rename one of them")
        except OSError as error:
            raise storage_error(error, file) from error
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        return path, Came(size=there.size, sign=there.sign, sha256=digest)


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
