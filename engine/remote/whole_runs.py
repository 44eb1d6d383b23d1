"""A finished run that is elsewhere, as a run of the workspace: its model, predictions, maps and settings, no image."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from engine import pacs
from engine.data import from_home
from engine.errors import DataError, RunError
from engine.language import count_of
from engine.records import Run
from engine.remote.address import is_store, store_of
from engine.remote.bringing import local_path
from engine.runs import load_run
from engine.storage import storage_error
from engine.workspace import Workspace

WITHOUT_WHICH = "run.json"
_ID = re.compile(r"\d{8}-\d{6}-\w{1,40}")


def bring_run(
    workspace: Workspace, where: str, *, progress: Callable[[int, int], None] = lambda done, of: None
) -> Run:
    """Bring the folder of a finished run into the workspace, whole or not at all; what is there stays as it is.

    Args:
        workspace: Where it goes.
        where: The folder: the address of a store, see `engine.remote.address`, or a path on this computer. Its last
            part is the run's id.
        progress: Called with files done and files in all, 0 while that is not known; may raise to stop.

    Returns:
        The run; the one that is here where it was brought before.

    Raises:
        DataError: The address cannot be read, or the store cannot be had: what came is kept for the next time.
        RunError: There is no finished run, it is damaged, or another run has its id here.
        WorkspaceError: It cannot be written.
    """
    run_id = where.strip().rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    if pacs.is_address(where) or _ID.fullmatch(run_id) is None:
        raise RunError(
            "That is not the folder of a run",
            "Name the folder itself: its name is the run's id, 20261127-021500-9f3c",
        )
    if is_store(where):
        from engine.remote import fetching

        store = store_of(where)
        into = workspace.pulled / store.key
        limits = pacs.Limits(bytes=fetching.LARGEST, seconds=fetching.LISTING)
        here = fetching.fetch(store, into, around=WITHOUT_WHICH, progress=progress, limits=limits)
        if here.left_out:
            lacking = here.left_out[0]
            raise RunError(
                f"{count_of(len(here.left_out), 'file')} of the run did not come: "
                f"{lacking.path}, {lacking.why}",
                "Say it again: what came is kept, and only what is missing is fetched",
            )
        try:
            return _taken(workspace, here.path, run_id, move=True)
        finally:  # whole or not: what was damaged on its way is fetched anew, and another run is not wanted here
            shutil.rmtree(into, ignore_errors=True)
    return _taken(workspace, from_home(local_path(where)), run_id, move=False)


def _taken(workspace: Workspace, folder: Path, run_id: str, *, move: bool) -> Run:
    """Put a folder among the runs in one step, once it was read as a run."""
    said = _read(folder, run_id)
    place = workspace.runs / run_id
    if place.exists():
        if (place / WITHOUT_WHICH).is_file() and (place / WITHOUT_WHICH).read_bytes() == said:
            return load_run(place)
        raise RunError(
            f"This workspace has another run {run_id}, or had it and it was deleted",
            "Use the run that is here, or bring the other into another workspace",
            option="--workspace DIR",
        )
    beside = workspace.pulled / f"{run_id}-{secrets.token_hex(4)}"
    try:
        workspace.pulled.mkdir(mode=0o700, exist_ok=True)
        if move:
            folder.replace(beside)
        else:
            shutil.copytree(folder, beside, ignore=_no_files)
        beside.chmod(0o700)
        beside.replace(place)
    except OSError as error:
        raise storage_error(error, place) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return load_run(place)


def _no_files(folder: str, names: list[str]) -> list[str]:
    """Return what is not copied: links to folders, which may lead round in a circle, and what is no file."""
    there = [Path(folder, name) for name in names]
    return [one.name for one in there if not one.is_file() and (one.is_symlink() or not one.is_dir())]


def _read(folder: Path, run_id: str) -> bytes:
    """Return what run.json says, of a run that can be read."""
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}", "Check it for typing errors")
    load_run(folder)
    return (folder / WITHOUT_WHICH).read_bytes()
