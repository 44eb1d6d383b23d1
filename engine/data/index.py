"""From a folder, an archive or a table to an `Index`: each readable image once, with its label and its
patient.

    index_data    class folders, split folders, DICOM, a flat folder, a zip or tar of any of these, or a table
    save_index, load_index, list_indexes   in the workspace, from `engine.data.saved`

Nothing that is wrong with one file stops the others: it becomes a `DataIssue`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import tee
from pathlib import Path
from types import MappingProxyType

from engine.data import checks
from engine.data.columns.listings import Listed
from engine.data.columns.samples import NO_META, Samples, SamplesMade
from engine.data.copies.kept import Looks
from engine.data.copies.near import find_near_duplicates
from engine.data.fingerprint import Scanned, scan_all
from engine.data.names import is_placeholder, order_classes
from engine.data.patients import settle_patients
from engine.data.pixels.masks import check_masks
from engine.data.pixels.sizes import find_small_images
from engine.data.proposing.propose import draft
from engine.data.saved import IndexSummary, list_indexes, load_index, save_index
from engine.data.sources import stem
from engine.errors import DataError
from engine.images import Remark
from engine.records import Answers, DataIssue, DataIssueKind, Index, Sample

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
_LINES = 4096  # at a time
_LOOKED_AT = 100  # images that could be read, to see whether they are still there


def index_data(
    path: Path,
    *,
    answers: Answers | None = None,
    root: Path | None = None,
    columns: Mapping[str, str] | None = None,
    unpack_into: Path | None = None,
    near_duplicates: bool = True,
    hash_patient_ids_with: bytes | None = None,
    progress: Progress | None = None,
    comparing: Progress | None = None,
) -> Index:
    """Index a folder of images, an archive of one, or the images that a table names.

    Args:
        path: A folder; a .zip or .tar of one; a CSV, TSV or Parquet table.
        answers: What a person said of how it is to be read; the rest is as `propose` says.
        root: `Answers.root`, for short.
        columns: `Answers.columns`, for short.
        unpack_into: Where an archive is unpacked (once); None means beside it.
        near_duplicates: Whether to look for near duplicates.
        hash_patient_ids_with: Replaces patient ids by their HMAC-SHA256 under this key.
        progress: Called with files done and files in all, now and then, from the calling thread.
        comparing: The same for the search for changed copies, which follows reading.

    Returns:
        Readable images, in the order of their paths or of the table's rows.

    Raises:
        DataError: Nothing is there, may be read or is an image; or see `match_table` and `unpack`.
        WorkspaceError: The archive cannot be written out.
    """
    answers = answers or Answers()
    answers = replace(answers, root=root or answers.root, columns=columns or answers.columns)
    found = draft(path, answers, unpack_into)
    proposal = found.proposal
    named = proposal.path
    alone = proposal.table == named
    issues = [*proposal.left_out, *(question.issue for question in proposal.questions)]
    name = f"{named.parent.name} ({named.name})" if alone else stem(named)
    read = _read(found.listed, name, near_duplicates, progress)
    del found  # what is known of files before they are read takes half as much room as what came of them
    root = named if alone else proposal.root
    index = _build(root, name, read, issues, hash_patient_ids_with, comparing)
    return replace(index, source=named, answers=answers)


def index_folder(
    folder: Path,
    *,
    unpack_into: Path | None = None,
    near_duplicates: bool = True,
    hash_patient_ids_with: bytes | None = None,
    progress: Progress | None = None,
) -> Index:
    """Index a folder or an archive by its folders, whatever tables stand in it; see `index_data`."""
    return index_data(
        folder,
        answers=Answers(table=""),
        unpack_into=unpack_into,
        near_duplicates=near_duplicates,
        hash_patient_ids_with=hash_patient_ids_with,
        progress=progress,
    )


def index_table(
    table: Path,
    *,
    root: Path | None = None,
    columns: Mapping[str, str] | None = None,
    near_duplicates: bool = True,
    hash_patient_ids_with: bytes | None = None,
    progress: Progress | None = None,
) -> Index:
    """Index the images that a table names; see `index_data`."""
    return index_data(
        table,
        root=root,
        columns=columns,
        near_duplicates=near_duplicates,
        hash_patient_ids_with=hash_patient_ids_with,
        progress=progress,
    )


# ------------------------------------------------------------------------------------ from files to an index


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of the files that could be read, what is wrong with others, and what was noticed."""

    samples: Samples
    looks: Looks
    remarks: Sequence[tuple[Path, Remark]]
    unreadable: Sequence[DataIssue]


def _read(listed: Sequence[Listed], name: str, near_duplicates: bool, progress: Progress | None) -> _Read:
    made, unreadable = SamplesMade(), list[DataIssue]()
    looks = Looks()
    remarks: list[tuple[Path, Remark]] = []
    to_read, to_match = tee(listed)  # few apart: only a few hundred files are under way at a time
    scanning = scan_all(
        (entry.path for entry in to_read), len(listed), look=near_duplicates, progress=progress
    )
    for entry, scanned in zip(to_match, scanning, strict=True):
        if scanned.problem is not None:
            message = f"{scanned.problem.problem}; it was left out"
            unreadable.append(_issue(DataIssueKind.UNREADABLE, message, [entry.path]))
            continue
        made.add(_sample(entry, scanned))
        remarks += ((entry.path, remark) for remark in scanned.remarks)
        looks.add(scanned.image_id, scanned.look)
    if not len(made):
        value = unreadable[-1].message.split(";")[0]
        raise DataError(
            f"The only image in {name} cannot be read: {value}"
            if len(listed) == 1
            else f"None of the {len(listed):,} images in {name} can be read: {value}",
            "Open one of them in another program to see whether it is whole",
        )
    samples = made.done()
    read = samples.paths(range(min(len(samples), _LOOKED_AT)))
    if unreadable and not any(path.exists() for path in read):  # its drive was pulled out, or it was renamed
        raise DataError(
            f"{name} went away while it was read: {len(unreadable):,} of its {len(listed):,} images could not be read",
            "Put it back, or connect its drive again, and read it once more",
        )
    return _Read(samples, looks, remarks, unreadable)


def _build(
    root: Path,
    name: str,
    read: _Read,
    issues: list[DataIssue],
    key: bytes | None,
    comparing: Progress | None,
) -> Index:
    issues += read.unreadable
    samples, unnamed = settle_patients(read.samples, key)
    samples, duplicates = checks.settle_duplicates(samples)
    samples, of_masks = check_masks(samples)
    classes = order_classes({label for label in samples.labels.there() if label is not None})
    issues += unnamed
    issues += duplicates
    issues += of_masks
    issues += checks.find_odd_images(read.remarks)
    issues += find_small_images(samples)
    issues += find_near_duplicates(samples, read.looks, progress=comparing)
    issues += checks.find_patient_overlap(samples)
    issues += checks.find_small_classes(samples, classes)
    issues += checks.find_unlabelled(samples)
    return Index(
        dataset_id=_identify(samples),
        name=name,
        root=root,
        samples=samples,
        classes=classes,
        issues=checks.group_equal(issues),
    )


def _sample(entry: Listed, scanned: Scanned) -> Sample:
    named = (entry.patient_id, scanned.patient_id, entry.folder_patient)
    patient_id = next(
        (name for name in named if name and not is_placeholder(name)), next(filter(None, named), None)
    )
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
        else NO_META,
    )


def _identify(samples: Samples) -> str:
    digest = hashlib.sha256()
    ordered = samples.by_id()
    for start in range(0, len(ordered), _LINES):
        some = samples.take(ordered[start : start + _LINES])
        lines = (
            "\t".join((image_id, label or "", image_id if patient is None else patient, part or ""))
            for image_id, label, patient, part in zip(
                some.image_ids(),
                some.labels.read(0, len(some)),
                some.patients.read(0, len(some)),
                some.parts.read(0, len(some)),
                strict=True,
            )
        )
        digest.update((("\n" if start else "") + "\n".join(lines)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:12]


def _issue(kind: DataIssueKind, message: str, paths: Sequence[Path] = ()) -> DataIssue:
    return DataIssue(kind=kind, message=message, paths=tuple(paths))
