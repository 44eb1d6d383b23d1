"""A path or an address, as it was typed: what an address of a DICOMweb server means is fetched first."""

from __future__ import annotations

from pathlib import Path

from engine import pacs
from engine.records import DataIssue
from engine.workspace import Workspace
from gui.cli.terminal import progress


def source_of(
    workspace: Workspace, typed: str, table: str | None = None
) -> tuple[Path, str | None, tuple[DataIssue, ...]]:
    """Return what to read, the table in it that was named, and what of it did not come.

    Args:
        workspace: Where images of a server are kept.
        typed: A path or an address.
        table: A table in the folder that the path names, or any table with labels for the images of an address.

    Raises:
        DataError: The address cannot be read, or what it means cannot be had.
    """
    if not pacs.is_address(typed):
        return Path(typed), table, ()
    address = pacs.address_of(typed)
    labels = Path(table) if table and table != "none" else None
    with progress(f"Fetching images from {address.host}") as bar:
        path, left_out = pacs.bring(workspace, address, table=labels, progress=bar)
    return path, None, left_out
