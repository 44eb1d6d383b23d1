"""What an address means, as a folder or table that is indexed like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data import from_home, open_table
from engine.pacs.address import Address
from engine.pacs.extra import with_extra
from engine.records import DataIssue, DataIssueKind
from engine.spreadsheet import write_csv
from engine.storage import write_atomic
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.pacs.asking import LeftOut

LABELS = "labels.csv"
_SHOWN = 3


def bring(
    workspace: Workspace,
    address: Address,
    *,
    table: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Path, tuple[DataIssue, ...]]:
    """Fetch the images that an address means into the workspace.

    Args:
        workspace: Where they go.
        address: What is meant.
        table: With labels: a row is of the images whose UID, series, study, accession number or patient's id one of its
            cells names.
        progress: Called with images done and images in all, 0 while that is not known; may raise to stop.

    Returns:
        What to index: the folder with the images, or a table beside it. And what did not come.

    Raises:
        DataError: What the address means cannot be had, the table names none of it, or the packages are not there.
        WorkspaceError: Nothing can be written.
    """
    labels = open_table(from_home(table)) if table is not None else None  # before hours of fetching
    with with_extra("DICOMweb"):
        from engine.pacs import labelling, pulling
    place = workspace.pulled / address.key
    pulled = pulling.pull(address, place, progress=progress)
    listed = place / pulling.LEFT_OUT
    issues = tuple(_issue(why, of, listed) for why, of in _by_reason(pulled.left_out).items())
    if labels is None:
        return pulled.folder, issues
    rows = labelling.rows_of(labels, pulled)
    write_atomic(place / LABELS, write_csv(rows, (labelling.PATH, *labels.header)))
    return place / LABELS, issues


def _by_reason(left_out: Iterable[LeftOut]) -> dict[str, list[LeftOut]]:
    by_reason: dict[str, list[LeftOut]] = {}
    for one in left_out:
        by_reason.setdefault(one.why, []).append(one)
    return by_reason


def _issue(why: str, left_out: Sequence[LeftOut], listed: Path) -> DataIssue:
    names = [one.image or one.series or one.study for one in left_out]
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return DataIssue(
        kind=DataIssueKind.SKIPPED,
        message=f"{len(names):,} of the archive's objects did not come ({why}): {shown}; {listed.name} lists them",
        paths=(listed,),
    )
