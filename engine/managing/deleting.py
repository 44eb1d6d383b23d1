"""Runs and data sets, deleted; no reading ever is.

What goes is moved into the cache first, at once and whole, and emptied there: half a run is nowhere to be seen.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from engine.errors import EngineError, WorkspaceError
from engine.language import _, isolated
from engine.managing.dependents import Dependents, dependents_of_data, dependents_of_run, own_copies
from engine.naming import give, given_of
from engine.reading import Store
from engine.storage import storage_error
from engine.workspace import Workspace


def refuse_read_only(workspace: Workspace) -> None:
    """Refuse to delete anything of a workspace that may only be looked at, before anybody is told what goes with it.

    Raises:
        WorkspaceError: It may not be written to.
    """
    if workspace.read_only:
        raise WorkspaceError("This workspace may only be looked at", "Ask whoever it belongs to")


def delete_run(workspace: Workspace, store: Store, run_id: str) -> Dependents:
    """Delete a run's folder: its network, heatmaps and record. Its readings, and what they were read on, stay.

    Raises:
        RunError: There is no such run.
        EngineError: Something forbids it.
        WorkspaceError: The workspace may not be written to.
    """
    refuse_read_only(workspace)
    known = dependents_of_run(workspace, store, run_id)
    _refuse(_("Run {name} cannot be deleted."), run_id, known)
    folder = workspace.runs / run_id
    before = given_of(folder)
    _throw_away(workspace, [folder])
    folder.mkdir(mode=0o700)  # its name is used up: readings speak of it
    give(folder, name=before.name, note=before.note, deleted=datetime.now(UTC).isoformat(timespec="seconds"))
    return known


def delete_data(workspace: Workspace, store: Store, dataset_id: str) -> Dependents:
    """Delete what is kept of a data set; images that lie outside the workspace stay untouched.

    Raises:
        DataError: There is no such data set.
        EngineError: Something forbids it.
        WorkspaceError: The workspace may not be written to.
    """
    refuse_read_only(workspace)
    known = dependents_of_data(workspace, store, dataset_id)
    _refuse(_("Data set {name} cannot be deleted."), dataset_id, known)
    copies = own_copies(workspace, dataset_id)
    _throw_away(workspace, [workspace.datasets / dataset_id, *([copies] if copies else [])])
    return known


def _refuse(refusal: str, name: str, known: Dependents) -> None:
    if known.forbids:
        raise EngineError(
            " ".join([refusal.format(name=isolated(name)), *known.forbids]), _("Archive it instead")
        )


def _throw_away(workspace: Workspace, folders: Sequence[Path]) -> None:
    gone = workspace.cache / "deleted" / token_hex(4)
    try:
        gone.mkdir(parents=True)
        for folder in folders:
            folder.rename(gone / folder.name)
    except OSError as error:
        raise storage_error(error, folders[0]) from error
    shutil.rmtree(gone, ignore_errors=True)  # a file in use on Windows stays, in the cache
