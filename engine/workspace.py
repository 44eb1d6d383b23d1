"""The one folder that holds everything Overread writes.

    workspace/
      overread.db                 cases and readings (engine.reading.store)
      anchors.csv                 what the newest row of its chain was, at each session's end and report
      datasets/<dataset_id>/      what was indexed
      runs/<run_id>/              one training run each: recipe, split, history, checkpoint, environment, heatmaps
      experiments/<id>/           what the Train page asked, how far it is, and what was found
      searches/                   searches for better settings, with their trials
      unpacked/, uploads/         archives that were indexed, and files that the browser sent: the images of data sets
      pulled/                     images from DICOMweb servers, with the few tags that are kept, and files of stores
      cache/                      decoded images, features, films: may be deleted at any time

Images that lie elsewhere stay where they are, and are only read.
"""

from __future__ import annotations

import atexit
import errno
import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.errors import StoreError, WorkspaceError
from engine.storage import DISK_FULL, storage_error

REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
ENVIRONMENT_VARIABLE = "OVERREAD_WORKSPACE"
DATABASE_VARIABLE = "OVERREAD_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where things lie.

    Attributes:
        root: The folder.
        scratch: Where the cache is instead, for a workspace that may only be looked at.
        server: Address of the database where it is on a server, as it was written; None where it is a file in here.
            There may be a password in it: it is not printed.
    """

    root: Path
    scratch: Path | None = None
    server: str | None = field(default=None, repr=False)

    @property
    def read_only(self) -> bool:
        """Whether it may only be looked at; whatever writes to it raises `WorkspaceError`."""
        return self.scratch is not None

    @property
    def database(self) -> Path | str:
        """What `engine.reading.open_store` opens: a server's address, or the SQLite file."""
        return self.server or self.file

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self.root / "overread.db"

    @property
    def anchors(self) -> Path:
        """The file of anchors: see `engine.reading.ledger.anchors`."""
        return self.root / "anchors.csv"

    @property
    def datasets(self) -> Path:
        """One folder an index."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """One folder a training run."""
        return self.root / "runs"

    @property
    def unpacked(self) -> Path:
        """One folder an archive that was indexed."""
        return self.root / "unpacked"

    @property
    def uploads(self) -> Path:
        """One folder for each time that files were sent by the browser."""
        return self.root / "uploads"

    @property
    def pulled(self) -> Path:
        """One folder for each question that a DICOMweb server was asked, and for each address of a store."""
        return self.root / "pulled"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.scratch or self.root / "cache"


def fold_folder(run: Path, number: int) -> Path:
    """Return where a fold of a cross-validation lies, counted from 1: a run's folder inside the run's folder."""
    return run / "folds" / str(number)


def default_root() -> Path:
    """Return $OVERREAD_WORKSPACE, or the user's data folder of this operating system.

    Raises:
        WorkspaceError: It is an address.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if "://" in named:
        raise WorkspaceError(
            f"${ENVIRONMENT_VARIABLE} is an address, and a workspace is a folder of this computer",
            "Name a folder, or unset it to have the workspace in your user data folder",
        )
    if named.strip():
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("overread", appauthor=False))


def server_address() -> str | None:
    """Return $OVERREAD_DATABASE_URL; None where readings are kept in the workspace.

    Raises:
        StoreError: It holds something that is no address.
    """
    written = os.environ.get(DATABASE_VARIABLE, "").strip()
    if written and "://" not in written:
        raise StoreError(
            f"${DATABASE_VARIABLE} is not the address of a database",
            "Write it as postgresql://user:password@host/name, or unset it to keep readings in the workspace",
        )
    return written or None


def open_workspace(root: Path | None = None, *, own_file: bool = False) -> Workspace:
    """Open a workspace, making its folders if they are not there, readable by this user alone.

    A full disk is no reason not to open it: what is there can be read, and whatever writes says so itself. Nor is a
    workspace that may not be written to: it is looked at, with a cache elsewhere that is gone with the program.

    Args:
        root: The folder; None means `default_root()`.
        own_file: Whether its database is the file in it, whatever $OVERREAD_DATABASE_URL says: a copy for guests.

    Raises:
        WorkspaceError: The folder cannot be made, or may not be read.
    """
    server = None if own_file else server_address()
    wanted = root or default_root()
    try:
        workspace = Workspace(wanted.expanduser().absolute(), server=server)
    except RuntimeError as error:
        raise WorkspaceError(
            f"{wanted.parts[0]} is not a user's home folder on this computer",
            "Give the full path of the workspace",
            option="--workspace",
        ) from error
    try:
        for folder in (workspace.root, workspace.datasets, workspace.runs, workspace.cache):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=workspace.root):
            pass
    except OSError as error:
        if error.errno in DISK_FULL and workspace.cache.is_dir():
            return workspace
        if error.errno in REFUSED and os.access(workspace.file, os.R_OK):
            return replace(workspace, scratch=_scratch())
        at_fault = Path(error.filename) if isinstance(error.filename, str) else workspace.root
        raise storage_error(error, at_fault) from error
    return workspace


def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="overread-cache-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def remarks(workspace: Workspace) -> list[str]:
    """Return what whoever opens a workspace should know of it: who else may read it, and that nothing can be stored."""
    found = []
    if others := who_may_read(workspace.root):
        found.append(
            f"{others} of this computer may read the workspace folder {workspace.root}. If that is not wanted: "
            f"chmod 700 {shlex.quote(str(workspace.root))}"
        )
    if workspace.server and workspace.file.exists():
        found.append(
            f"Readings are kept in the database that ${DATABASE_VARIABLE} names; those in {workspace.file} are others, "
            "and not in use"
        )
    if workspace.read_only:
        found.append(
            f"The workspace folder {workspace.root} may not be written to: it can be looked at and reported from, but "
            "no verdict, data set or run can be stored"
        )
    return found


def who_may_read(folder: Path) -> str:
    """Return which other accounts may read or enter a folder, in words; empty when none, or on Windows.

    A folder inside one that others may not enter is closed to them whatever its own rights are.
    """
    if not hasattr(os, "geteuid"):
        return ""
    real = folder.resolve()
    closed_to = {"other": not real.stat().st_mode & 0o005, "group": not real.stat().st_mode & 0o050}
    for above in real.parents:
        closed_to["other"] |= not above.stat().st_mode & 0o001
        closed_to["group"] |= not above.stat().st_mode & 0o011
    if not closed_to["other"]:
        return "Every account"
    return "" if closed_to["group"] or _is_private(real.stat().st_gid) else "The accounts of its group"


def _is_private(group: int) -> bool:
    """Return whether a group has one account, as many systems give each account a group of its own."""
    import grp
    import pwd

    try:
        members = {*grp.getgrgid(group).gr_mem} | {
            one.pw_name for one in pwd.getpwall() if one.pw_gid == group
        }
    except KeyError:
        return False
    return len(members) <= 1
