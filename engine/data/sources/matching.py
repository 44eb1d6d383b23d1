"""Which file each row of a table means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from engine.data.sources.tables import Row
from engine.errors import DataError
from engine.records import DataIssue, DataIssueKind


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchedRow:
    """A row and the files that it names, which are there."""

    row: Row
    path: Path
    mask_path: Path | None = None


def match_files(rows: Sequence[Row], table: Path, root: Path) -> tuple[list[MatchedRow], list[DataIssue]]:
    """Find the files that a table names.

    Args:
        rows: Of the table.
        table: For messages.
        root: What relative paths start from.

    Returns:
        Rows whose file is there, in their order, each file and label once; data issues for the others.

    Raises:
        DataError: No file is there.
    """
    matched: dict[tuple[Path, str], MatchedRow] = {}
    missing, missing_masks, repeated = [], [], []
    for row in rows:
        path, mask = _resolve(root, row.path), _resolve(root, row.mask) if row.mask else None
        if (path, row.label) in matched:
            repeated.append(path)
            continue
        if not _is_there(path):
            missing.append(path)
            continue
        if mask is not None and not _is_there(mask):
            missing_masks.append(mask)
            mask = None
        matched[path, row.label] = MatchedRow(row=row, path=path, mask_path=mask)
    if not matched:
        raise DataError(
            f"None of the {len(missing):,} files that {table.name} names is there "
            f"(the first: {str(missing[0])[:300]})",
            "Put the table where its paths start from, or say where that is",
        )
    issues = []
    for kind, paths, message in (
        (DataIssueKind.MISSING_FILE, missing, "files that the table names are not there and were left out"),
        (DataIssueKind.MISSING_FILE, missing_masks, "masks that the table names are not there"),
        (
            DataIssueKind.DUPLICATE_ROW,
            repeated,
            "rows name a file and label that an earlier row names; the first counts",
        ),
    ):
        if paths:
            message = f"{len(paths):,} {message} ({paths[0].name})"
            issues.append(DataIssue(kind=kind, message=message, paths=tuple(paths)))
    return list(matched.values()), issues


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a cell that is too long to be a path, or a folder that may not be entered
        return False


def _resolve(root: Path, written: str) -> Path:
    path = root / written
    if "\\" in written and not _is_there(path):
        path = root.joinpath(*PureWindowsPath(written).parts)  # the table was written on Windows
    return path
