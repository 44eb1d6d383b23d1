"""The one folder that holds everything Overread writes.

    workspace/
      overread.db                 cases and reviews (engine.reading.store)
      datasets/<dataset_id>/      what was indexed
      runs/<run_id>/              one training run each: recipe, split, history, checkpoint, environment, heatmaps
      unpacked/, uploads/         archives that were indexed, and files that the browser sent: the images of data sets
      cache/                      decoded images, features, films: may be deleted at any time

Images that lie elsewhere stay where they are, and are only read.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.errors import WorkspaceError
from engine.storage import DISK_FULL, storage_error

ENVIRONMENT_VARIABLE = "OVERREAD_WORKSPACE"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where things lie."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "overread.db"

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
    def cache(self) -> Path:
        """What can be made again."""
        return self.root / "cache"


def default_root() -> Path:
    """Return $OVERREAD_WORKSPACE, or the user's data folder of this operating system."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("overread", appauthor=False))


def open_workspace(root: Path | None = None) -> Workspace:
    """Open a workspace, making its folders if they are not there, readable by this user alone.

    A full disk is no reason not to open it: what is there can be read, and whatever writes says so itself.

    Args:
        root: The folder; None means `default_root()`.

    Raises:
        WorkspaceError: The folder cannot be made, or may not be written to.
    """
    wanted = root or default_root()
    try:
        workspace = Workspace(wanted.expanduser().absolute())
    except RuntimeError as error:
        raise WorkspaceError(
            f"{wanted.parts[0]} is not a user's home folder on this computer",
            "Give the full path of the workspace with --workspace",
        ) from error
    try:
        for folder in (workspace.root, workspace.datasets, workspace.runs, workspace.cache):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=workspace.root):
            pass
    except OSError as error:
        if error.errno in DISK_FULL and workspace.cache.is_dir():
            return workspace
        at_fault = Path(error.filename) if isinstance(error.filename, str) else workspace.root
        raise storage_error(error, at_fault) from error
    return workspace
