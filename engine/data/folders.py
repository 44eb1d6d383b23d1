"""What a folder's own shape says of its images: their class, and the side of the split they came on.

    <class>/**/image                 a folder for each class
    train|val|test/<class>/**/image  the same for each side; "training", "valid", "tune", ... are understood
    image                            no class: to be predicted or labelled

A single folder around all this (as archives have it) is looked through. Hidden files are not seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.data.tables import TABLE_SUFFIXES
from engine.errors import DataError
from engine.images import IMAGE_SUFFIXES, READ, REMEDIES, FileKind, file_kind
from engine.records import DataIssue, DataIssueKind, Part

PART_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "tune": "val",
    "tuning": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_MASK_FOLDERS = frozenset({"mask", "masks"})
_LITTER = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A file that should hold an image, and what is known of it before it is read."""

    path: Path
    label: str | None = None
    part: Part | None = None
    patient_id: str | None = None
    mask_path: Path | None = None
    meta: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    names: tuple[str, ...]  # of the folders between the root and the file
    path: Path


def from_home(path: Path) -> Path:
    """Return a path with ~ or ~user written out.

    Raises:
        DataError: There is no such user.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise DataError(
            f"{path.parts[0]} is nobody's folder on this computer",
            "Give the whole path, from the top of the disk",
        ) from error


def list_folder(folder: Path) -> tuple[list[Listed], list[DataIssue]]:
    """List the images of a folder, sorted by path, with what their place says of them.

    Returns:
        Images, unread; data issues for what was left out.

    Raises:
        DataError: The folder is not there, may not be read, or holds no image.
    """
    try:
        os.scandir(folder).close()
    except FileNotFoundError as error:
        raise DataError(f"There is no folder {folder}", "Check the path for typing errors") from error
    except NotADirectoryError as error:
        raise DataError(
            f"{folder} is not a folder", "Choose a folder, a table (CSV, Parquet) or an archive (zip, tar)"
        ) from error
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror or error})", "Give your user the right to read it"
        ) from error
    issues: list[DataIssue] = []
    images: list[_Found] = []
    others: list[_Found] = []
    nameless: list[Path] = []
    for found in _walk(folder, issues):
        if not _is_text(found.path):
            nameless.append(found.path)
            continue
        (images if is_image_file(found.path) else others).append(found)
    if nameless:
        message = (
            f"{len(nameless):,} files were left out because their names, or their folders', are not UTF-8 text; "
            "rename them"
        )
        issues.append(
            DataIssue(kind=DataIssueKind.UNREADABLE, message=message, paths=tuple(nameless), serious=True)
        )
    if not images:
        raise _no_images(folder, others)
    issues += _left_out(others)
    masks = [found for found in images if _MASK_FOLDERS.intersection(name.lower() for name in found.names)]
    if masks and len(masks) < len(images):
        beside = set(masks)
        images = [found for found in images if found not in beside]
        issues.append(
            _skipped(f"{len(masks):,} images in folders named masks were not taken as cases", masks)
        )
    return _place(_unwrapped(images), issues), issues


def _is_text(path: Path) -> bool:
    """Tell whether a path can be written into tables and databases; on Linux a name may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def is_image_file(path: Path) -> bool:
    """Tell whether a file should hold an image: by its suffix, else by its first bytes.

    A name that promises an image is believed until the file is read, so that a large folder need not be opened
    twice: what is wrong with it is said then.
    """
    return path.suffix.lower() in IMAGE_SUFFIXES or file_kind(path) in READ


def _walk(folder: Path, issues: list[DataIssue]) -> Iterator[_Found]:
    """Yield files depth first in the order of their names; folders that may not be read become data issues."""
    seen: set[tuple[int, int]] = set()  # a link may lead back up

    def enter(inner: Path, names: tuple[str, ...]) -> Iterator[_Found]:
        try:
            status = inner.stat()
            if (status.st_dev, status.st_ino) in seen:
                return
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(inner) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as error:
            message = f"The folder {inner.name} cannot be read ({error.strerror or error}) and was left out"
            issues.append(
                DataIssue(kind=DataIssueKind.UNREADABLE, message=message, paths=(inner,), serious=True)
            )
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX" or entry.name.lower() in _LITTER:
                continue
            path = inner / entry.name
            if path.is_dir():
                yield from enter(path, (*names, entry.name))
            else:
                yield _Found(names, path)

    yield from enter(folder, ())


def _unwrapped(images: list[_Found]) -> list[_Found]:
    while True:
        outer = {found.names[:1] for found in images}
        if len(outer) != 1 or any(len(found.names) < 2 for found in images):
            return images
        if next(iter(outer))[0].lower() in PART_NAMES:
            return images
        images = [replace(found, names=found.names[1:]) for found in images]


def _place(images: Sequence[_Found], issues: list[DataIssue]) -> list[Listed]:
    outer = {found.names[0] for found in images if found.names}
    parts = {PART_NAMES[name.lower()] for name in outer if name.lower() in PART_NAMES}
    strangers = {name for name in outer if name.lower() not in PART_NAMES}
    # "test" beside "control" may well be a class; "train" beside another side is not.
    if not parts or (strangers and not ("train" in parts and len(parts) > 1)):
        return [Listed(path=found.path, label=found.names[0] if found.names else None) for found in images]
    beside = [found for found in images if found.names and found.names[0] in strangers]
    if beside:
        names = ", ".join(sorted(strangers))
        issues.append(
            _skipped(
                f"{len(beside):,} images in {names}, beside the folders of the split, were left out", beside
            )
        )
    return [
        Listed(
            path=found.path,
            label=found.names[1] if len(found.names) > 1 else None,
            part=PART_NAMES[found.names[0].lower()] if found.names else None,
        )
        for found in images
        if not found.names or found.names[0] not in strangers
    ]


def _no_images(folder: Path, others: Sequence[_Found]) -> DataError:
    for found in others:
        kind = file_kind(found.path)
        if kind in REMEDIES:
            return DataError(f"{folder} holds no images: {found.path.name} is {kind}", REMEDIES[kind])
    return DataError(
        f"{folder} holds no images",
        "Choose a folder with PNG, JPEG, TIFF or DICOM files, or one folder for each class",
    )


def _left_out(others: Sequence[_Found]) -> list[DataIssue]:
    issues = []
    tables = [found for found in others if _may_be_table(found)]
    if tables:
        issues.append(
            _skipped(
                f"{tables[0].path.name} stands beside the images and was not read; choose the table instead "
                "of the folder if it holds labels or patients",
                tables,
            )
        )
    by_kind: dict[FileKind, list[_Found]] = {}
    for found in others:
        if not _may_be_table(found):
            kind = file_kind(found.path)
            by_kind.setdefault(kind if kind in REMEDIES else FileKind.OTHER, []).append(found)
    for kind, rest in by_kind.items():
        names = ", ".join(found.path.name for found in rest[:3]) + (", ..." if len(rest) > 3 else "")
        if kind in REMEDIES:
            more = f" and {len(rest) - 1:,} more of its kind were" if len(rest) > 1 else " was"
            message = f"{rest[0].path.name}{more} left out: it is {kind}; {_lower(REMEDIES[kind])}"
        else:
            was = "file is not an image and was" if len(rest) == 1 else "files are not images and were"
            message = f"{len(rest):,} {was} left out ({names})"
        issues.append(_skipped(message, rest))
    return issues


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _may_be_table(found: _Found) -> bool:
    return found.path.suffix.lower() in TABLE_SUFFIXES - {".txt"}


def _skipped(message: str, left_out: Sequence[_Found]) -> DataIssue:
    return DataIssue(
        kind=DataIssueKind.SKIPPED, message=message, paths=tuple(found.path for found in left_out)
    )
