"""What an address means, wherever it leads, as a folder, table or archive that is indexed like any other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import url2pathname

from engine import pacs
from engine.data import from_home, is_table
from engine.errors import DataError
from engine.records import DataIssue, DataIssueKind
from engine.remote.address import Store, is_store, store_of
from engine.storage import storage_error
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.remote.fetching import Here

Elsewhere = pacs.Address | Store
"""A server or a store, and what is meant of it."""
_SHOWN = 3


def is_address(text: str) -> bool:
    """Return whether a text is meant as an address of images that are elsewhere."""
    return pacs.is_address(text) or is_store(text)


def address_of(text: str) -> Elsewhere:
    """Read an address.

    Raises:
        DataError: It is none, holds a password, or asks for something that cannot be asked for.
    """
    return pacs.address_of(text) if pacs.is_address(text) else store_of(text)


def local_path(text: str) -> Path:
    """Return the path that a text is, or that it names as file:///home/ada/films.

    Raises:
        DataError: It names another computer.
    """
    if not text.lower().startswith("file://"):
        return Path(text)
    host, _, path = text[len("file://") :].partition("/")
    if host not in ("", "localhost"):
        raise DataError(
            "That file:// address names another computer", "Write file:/// and the path on this one"
        )
    return Path(url2pathname(f"/{path}"))


def bring(
    workspace: Workspace,
    address: Elsewhere,
    *,
    table: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Path, str | None, tuple[DataIssue, ...]]:
    """Fetch what an address means into the workspace.

    Args:
        workspace: Where it goes.
        address: What is meant.
        table: With labels: of a DICOMweb server, see `engine.pacs.bring`; of a store, a table in the folder there, by
            its name, or one on this computer that names its images.
        progress: Called with images done and images in all, 0 while that is not known; may raise to stop.

    Returns:
        What to index; the table in it that is to be read, where one was named; and what did not come.

    Raises:
        DataError: What the address means cannot be had, or the packages are not there.
        WorkspaceError: Nothing can be written.
    """
    if isinstance(address, pacs.Address):
        path, issues = pacs.bring(workspace, address, table=table, progress=progress)
        return path, None, issues
    from engine.remote import fetching

    limits = pacs.Limits(bytes=fetching.LARGEST, seconds=fetching.LISTING)
    here = fetching.fetch(address, workspace.pulled / address.key, progress=progress, limits=limits)
    issues = tuple(_issues(here, address))
    if here.path.is_file() and is_table(here.path):
        raise DataError(
            f"{address.url} is a table, and its images are not fetched by it",
            "Name the folder that holds both",
            option=f"--table {here.path.name}",
        )
    if table is None:
        return here.path, None, issues
    if not table.is_absolute() and ".." not in table.parts and (here.path / table).is_file():
        return here.path, str(table), issues
    return _beside(from_home(table), here.path), None, issues


def _beside(table: Path, images: Path) -> Path:
    """Return a copy of a table in the folder around the images, where it is read with them."""
    if not table.is_file():
        raise DataError(
            f"There is no table {table.name}, neither there nor on this computer",
            "Check its name for typing errors",
        )
    copy = images.parent / table.name
    try:
        shutil.copyfile(table, copy)
    except OSError as error:
        raise storage_error(error, copy) from error
    return copy


def _issues(here: Here, address: Store) -> Iterable[DataIssue]:
    by_reason: dict[str, list[str]] = {}
    for one in here.left_out:
        by_reason.setdefault(one.why, []).append(one.path)
    listed = here.path.parent / "left-out.csv"
    for why, paths in by_reason.items():
        yield DataIssue(
            kind=DataIssueKind.SKIPPED,
            message=f"{len(paths):,} of the files at {address.host} did not come ({why}): {_some(paths)}; "
            f"{listed.name} lists them",
            paths=(listed,),
        )
    if here.changed:
        yield DataIssue(
            kind=DataIssueKind.SKIPPED,
            message=f"1 file at {address.host} was changed or is gone since it was fetched: {here.changed[0]}; what "
            "was read before keeps the earlier one"
            if len(here.changed) == 1
            else f"{len(here.changed):,} files at {address.host} were changed or are gone since they were fetched: "
            f"{_some(here.changed)}; what was read before keeps the earlier ones",
        )


def _some(paths: Iterable[str]) -> str:
    named = [path for path in paths if path]
    return ", ".join(named[:_SHOWN]) + (", …" if len(named) > _SHOWN else "")
