"""From a folder, an archive or a table to an `Index`: each readable image once, with its label and its
patient.

    index_data    whichever it is
    index_folder  class folders, split folders, DICOM, a flat folder, or a zip or tar of any of these
    index_table   CSV, TSV or Parquet
    save_index, load_index, list_indexes   in the workspace, from `engine.data.saved`

Nothing that is wrong with one file stops the others: it becomes a `DataIssue`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from types import MappingProxyType

from engine.data import checks
from engine.data.archives import is_archive, stem, unpack
from engine.data.fingerprint import Scanned, scan_all
from engine.data.folders import PART_NAMES, Listed, from_home, is_image_file, list_folder
from engine.data.saved import IndexSummary, list_indexes, load_index, save_index
from engine.data.tables import Row, is_table, read_table
from engine.errors import DataError
from engine.images import Remark
from engine.records import DataIssue, DataIssueKind, Index, Sample

__all__ = [
    "IndexSummary",
    "index_data",
    "index_folder",
    "index_table",
    "list_indexes",
    "load_index",
    "order_classes",
    "save_index",
]

Progress = Callable[[int, int], None]
_NO_META: Mapping[str, str] = MappingProxyType({})  # shared: a hundred thousand empty ones take 20 MB
_NEGATIVE = frozenset(
    "normal negative healthy control controls none nofinding nofindings noncovid benign absent".split()  # noqa: SIM905
)


def index_data(
    path: Path,
    *,
    root: Path | None = None,
    columns: Mapping[str, str] | None = None,
    unpack_into: Path | None = None,
    near_duplicates: bool = True,
    hash_patient_ids_with: bytes | None = None,
    progress: Progress | None = None,
) -> Index:
    """Index a folder, an archive or a table, by what the path is; see `index_folder` and `index_table`."""
    path = Path(path)
    if path.is_file() and is_table(path):
        return index_table(
            path,
            root=root,
            columns=columns,
            near_duplicates=near_duplicates,
            hash_patient_ids_with=hash_patient_ids_with,
            progress=progress,
        )
    return index_folder(
        path,
        unpack_into=unpack_into,
        near_duplicates=near_duplicates,
        hash_patient_ids_with=hash_patient_ids_with,
        progress=progress,
    )


def index_folder(
    folder: Path,
    *,
    unpack_into: Path | None = None,
    near_duplicates: bool = True,
    hash_patient_ids_with: bytes | None = None,
    progress: Progress | None = None,
) -> Index:
    """Index a folder of images, or an archive of one.

    Args:
        folder: A folder, or a .zip or .tar of one. Tables in it are not read: give `index_table` the table.
        unpack_into: Where an archive is unpacked (once); None means beside it.
        near_duplicates: Whether to look for near duplicates.
        hash_patient_ids_with: Replaces DICOM patient ids by their HMAC-SHA256 under this key.
        progress: Called with files done and files in all, now and then, from the calling thread.

    Returns:
        Readable images in the order of their paths. A patient is known from DICOM alone.

    Raises:
        DataError: The folder is not there, may not be read, or holds no image that can be read; or see
            `unpack`.
        WorkspaceError: The archive cannot be written out.
    """
    folder = from_home(Path(folder)).absolute()
    name = stem(folder)
    if is_archive(folder) and not folder.is_dir():
        folder = unpack(folder, unpack_into or folder.parent)
    elif folder.is_file() and is_image_file(folder):
        raise DataError(f"{folder.name} is one image", "Choose the folder that it is in")
    listed, issues = list_folder(folder)
    return _build(folder, name, listed, issues, near_duplicates, hash_patient_ids_with, progress)


def index_table(
    table: Path,
    *,
    root: Path | None = None,
    columns: Mapping[str, str] | None = None,
    near_duplicates: bool = True,
    hash_patient_ids_with: bytes | None = None,
    progress: Progress | None = None,
) -> Index:
    """Index the images that a table names.

    Args:
        table: CSV, TSV or Parquet with the columns path and label, and, where there are any, patient_id,
            split and mask (or other names for these, see `engine.data.tables.COLUMNS`); others are kept as
            metadata.
        root: What relative paths start from; None means the table's folder.
        columns: Which column is meant, where its name does not say so: {"label": "Befund"}.
        near_duplicates: Whether to look for near duplicates.
        hash_patient_ids_with: Replaces patient ids by their HMAC-SHA256 under this key.
        progress: Called with files done and files in all, now and then, from the calling thread.

    Returns:
        Readable images in the order of the rows.

    Raises:
        DataError: The table cannot be read, lacks a column, or none of its files is there or readable.
    """
    table = from_home(Path(table)).absolute()
    root = table.parent if root is None else from_home(Path(root)).absolute()
    issues: list[DataIssue] = []
    listed = _listed(read_table(table, columns=columns), table, root, issues)
    return _build(
        table,
        f"{table.parent.name} ({table.name})",
        listed,
        issues,
        near_duplicates,
        hash_patient_ids_with,
        progress,
    )


# ---------------------------------------------------------------------------------------- rows of a table


def _listed(rows: Sequence[Row], table: Path, root: Path, issues: list[DataIssue]) -> list[Listed]:
    splits = {row.split for row in rows if row.split}
    strange = sorted(value for value in splits if value.lower() not in PART_NAMES)
    if strange:
        shown = ", ".join(strange[:3])
        issues.append(
            _issue(
                DataIssueKind.SKIPPED,
                f"The split column holds {shown}, none of train, val and test; it was kept as a note only",
            )
        )
    listed: dict[tuple[Path, str], Listed] = {}
    missing, missing_masks, repeated = [], [], []
    for row in rows:
        path, mask = _resolve(root, row.path), _resolve(root, row.mask) if row.mask else None
        if (path, row.label) in listed:
            repeated.append(path)
            continue
        if not _is_there(path):
            missing.append(path)
            continue
        if mask is not None and not _is_there(mask):
            missing_masks.append(mask)
            mask = None
        listed[path, row.label] = Listed(
            path=path,
            label=row.label or None,
            part=PART_NAMES[row.split.lower()] if row.split and not strange else None,
            patient_id=row.patient_id or None,
            mask_path=mask,
            meta={**row.meta, "split": row.split} if strange and row.split else dict(row.meta),
        )
    if not listed:
        raise DataError(
            f"None of the {len(missing):,} files that {table.name} names is there "
            f"(the first: {str(missing[0])[:300]})",
            "Put the table where its paths start from, or say where that is",
        )
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
            issues.append(_issue(kind, f"{len(paths):,} {message} ({paths[0].name})", paths))
    return list(listed.values())


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


# ------------------------------------------------------------------------------------ from files to an index


def _build(
    root: Path,
    name: str,
    listed: Sequence[Listed],
    issues: list[DataIssue],
    near_duplicates: bool,
    key: bytes | None,
    progress: Progress | None,
) -> Index:
    samples: list[Sample] = []
    looks: dict[str, bytes] = {}
    remarks: list[tuple[Path, Remark]] = []
    scanning = scan_all([entry.path for entry in listed], look=near_duplicates, progress=progress)
    for entry, scanned in zip(listed, scanning, strict=True):
        if scanned.problem is not None:
            message = f"{scanned.problem.problem}; it was left out"
            issues.append(_issue(DataIssueKind.UNREADABLE, message, [entry.path]))
            continue
        samples.append(_sample(entry, scanned, key))
        remarks += ((entry.path, remark) for remark in scanned.remarks)
        if scanned.look:
            looks[scanned.image_id] = scanned.look
    if not samples:
        raise DataError(
            f"None of the {len(listed):,} images in {name} can be read: {issues[-1].message.split(';')[0]}",
            "Open one of them in another program to see whether it is whole",
        )
    samples, duplicates = checks.settle_duplicates(samples)
    classes = order_classes({sample.label for sample in samples if sample.label is not None})
    issues += duplicates
    issues += checks.find_odd_images(remarks)
    issues += checks.find_near_duplicates(samples, looks)
    issues += checks.find_patient_overlap(samples)
    issues += checks.find_small_classes(samples, classes)
    issues += checks.find_unlabelled(samples)
    return Index(
        dataset_id=_identify(samples),
        name=name,
        root=root,
        samples=tuple(samples),
        classes=classes,
        issues=tuple(sorted(issues, key=lambda issue: not issue.serious)),
    )


def _sample(entry: Listed, scanned: Scanned, key: bytes | None) -> Sample:
    patient_id = entry.patient_id or scanned.patient_id
    if patient_id is not None and key is not None:
        patient_id = hmac.new(key, patient_id.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
    return Sample(
        path=entry.path,
        image_id=scanned.image_id,
        label=entry.label,
        patient_id=patient_id or scanned.image_id,
        part=entry.part,
        mask_path=entry.mask_path,
        width=scanned.width,
        height=scanned.height,
        meta=MappingProxyType({**scanned.meta, **(entry.meta or {})})
        if scanned.meta or entry.meta
        else _NO_META,
    )


def order_classes(names: set[str]) -> tuple[str, ...]:
    """Put the class that stands for the absence of a finding first, the others by name, 2 before 10."""

    def key(name: str) -> tuple[bool, list[tuple[int, str]]]:
        plain = re.sub(r"[^a-z0-9]", "", name.casefold())
        negative = plain in _NEGATIVE or re.match(r"(no|non|not)[\s_-]", name.casefold()) is not None
        runs = re.findall(r"\d+|\D+", name.casefold())
        return not negative, [(int(run), "") if run.isdecimal() else (-1, run) for run in runs]

    return tuple(sorted(sorted(names), key=key))


def _identify(samples: Sequence[Sample]) -> str:
    lines = sorted(
        "\t".join((sample.image_id, sample.label or "", sample.patient_id, sample.part or ""))
        for sample in samples
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _issue(kind: DataIssueKind, message: str, paths: Sequence[Path] = ()) -> DataIssue:
    return DataIssue(kind=kind, message=message, paths=tuple(paths))
