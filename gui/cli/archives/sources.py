"""A path or an address, as it was typed: what an address means is fetched first."""

from __future__ import annotations

from pathlib import Path

from engine import remote
from engine.records import DataIssue
from engine.workspace import Workspace
from gui.cli.terminal import progress


def source_of(
    workspace: Workspace, typed: str, table: str | None = None
) -> tuple[Path, str | None, tuple[DataIssue, ...]]:
    """Return what to read, the table in it that was named, and what of it did not come.

    Args:
        workspace: Where images from elsewhere are kept.
        typed: A path or an address.
        table: A table in the folder that the path or address names, or one on this computer with labels for the
            images of an address.

    Raises:
        DataError: The address cannot be read, or what it means cannot be had.
    """
    if not remote.is_address(typed):
        return remote.local_path(typed), table, ()
    address = remote.address_of(typed)
    labels = Path(table) if table and table != "none" else None
    with progress(f"Fetching images from {address.host}") as bar:
        path, named, left_out = remote.bring(workspace, address, table=labels, progress=bar)
    return path, "none" if table == "none" and named is None else named, left_out
