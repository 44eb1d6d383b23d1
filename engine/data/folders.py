"""The files under a folder by their names: which should hold images, and what is left out."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np

from engine.data.columns.files import Found, Images
from engine.data.sources import is_archive, is_table
from engine.data.walk import Walk, is_text, walk
from engine.errors import DataError
from engine.images import ARCHIVES, IMAGE_SUFFIXES, READ, REMEDIES, FileKind, file_kind
from engine.language import N_, count_of
from engine.records import DataIssue, DataIssueKind, is_path
from engine.storage import storage_error

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
_MASK_FOLDERS = frozenset({"mask", "masks"})
_MASK_NAME = re.compile(r"(.+?)[\s_.\-]+mask([\s_.\-]?\d+)?", re.IGNORECASE)


@dataclass(kw_only=True, slots=True)
class Survey:
    """What lies under a folder, by names alone.

    Attributes:
        walked: All that lies there.
        images: Files that should hold an image, sorted by path.
        tables: Files that may say what the images are.
        issues: What is left out, and why.
        masks: Mask by path, where a file's name says that it is another's mask.
    """

    walked: Walk
    images: Images
    tables: list[Found] = field(default_factory=list)
    issues: list[DataIssue] = field(default_factory=list)
    masks: dict[Path, Path] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return the folder that was surveyed."""
        return self.walked.root


def from_home(path: Path) -> Path:
    """Return a path with ~ or ~user written out.

    Raises:
        DataError: There is no such user.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise DataError(
            f"{path.parts[0]} is not a user's home folder on this computer",
            "Give the full path, starting from the root of the disk",
        ) from error


def survey_folder(folder: Path) -> Survey:
    """List what lies under a folder, without opening what has the name of an image.

    Raises:
        DataError: The folder is not there, may not be read, or holds no image.
    """
    check_folder(folder)
    walked = walk(folder)
    rows = array("i")
    tables: list[Found] = []
    others: list[Found] = []
    for row, (number, name) in enumerate(walked.files.named()):
        if has_image_name(name) or file_kind(path := walked.folders[number].path / name) in READ:
            rows.append(row)
        else:
            found = Found(walked.folders[number].names, path)
            (tables if _may_be_table(path) else others).append(found)
    images = Images(walked.files.take(np.frombuffer(rows, np.int32)))
    survey = Survey(walked=walked, images=images, tables=tables)
    if not survey.images:
        raise _no_images(folder, others)
    survey.issues += _passed_over(survey.walked)
    survey.issues += _left_out(others)
    _set_masks_aside(survey)
    _set_named_masks_aside(survey)
    return survey


def refuse_address(folder: Path, why: OSError | None = None) -> None:
    """Refuse what was meant as an address: https://pacs.example/dicom-web is no folder whose path is not full.

    Raises:
        DataError: A part of the path ends like the scheme of an address.
    """
    if scheme := next((part for part in folder.parts if _SCHEME.fullmatch(part)), ""):
        raise DataError(
            f"“{scheme}//…” is an address, not a folder of this computer",
            "Download the images and choose their folder; a DICOMweb server is written dicomweb://…",
        ) from why


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be listed.

    Raises:
        DataError: It is not there, is none, or may not be read.
    """
    if not (is_text(str(folder)) and is_path(folder)):
        raise DataError(
            "The name of the folder, or of one around it, is not UTF-8 text", "Rename it and choose it again"
        )
    try:
        os.scandir(folder).close()
    except FileNotFoundError as error:
        refuse_address(folder, error)
        raise DataError(f"There is no folder {folder}", "Check the path for typing errors") from error
    except NotADirectoryError as error:
        kind = file_kind(folder)
        raise DataError(
            f"{folder.name} is {kind}, which is not read"
            if kind in REMEDIES
            else f"{folder.name} is neither an image nor a table nor an archive that Overread reads",
            REMEDIES.get(kind, N_("Choose a folder, a table (CSV, Excel, Parquet) or an archive (zip, tar)")),
        ) from error
    except PermissionError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror or error})", "Give your user the right to read it"
        ) from error
    except OSError as error:
        told = storage_error(error, folder)
        raise DataError(told.problem, told.remedy, option=told.option) from error


def _set_masks_aside(survey: Survey) -> None:
    """Take no image in a folder named masks for a case, unless one beside it speaks of masks too: mask, no_mask."""
    numbers = {survey.walked.folders[number].names: number for number in survey.images.by_folder()}
    folders = numbers.keys()
    speaking = {
        names[:level]
        for names in folders
        for level, name in enumerate(names)
        if "mask" in name.lower() and name.lower() not in _MASK_FOLDERS
    }
    of_masks = {
        names
        for names in folders
        for level, name in enumerate(names)
        if name.lower() in _MASK_FOLDERS and names[:level] not in speaking
    }
    here = survey.images.in_folders([numbers[names] for names in of_masks])
    if here.any() and not here.all():
        masks = survey.images.kept(here)
        survey.images = survey.images.kept(~here)
        survey.issues.append(
            skipped(
                "1 image in a folder named masks was not taken as a case"
                if len(masks) == 1
                else f"{len(masks):,} images in folders named masks were not taken as cases",
                masks,
            )
        )


def _set_named_masks_aside(survey: Survey) -> None:
    """Take no image for a case that is named as the mask of one beside it: benign (1).png, benign (1)_mask.png."""
    files = survey.images.files
    masks: dict[tuple[int, str], list[int]] = {}
    for row, (number, name) in enumerate(files.named()):
        named = _MASK_NAME.fullmatch(PurePath(name).stem) if "mask" in name.lower() else None
        if named is not None:
            masks.setdefault((number, named[1]), []).append(row)
    if not masks:
        return
    aside = np.zeros(len(files), bool)
    for row, (number, name) in enumerate(files.named()):
        several = masks.get((number, PurePath(name).stem), [])
        aside[several] = True
        if len(several) == 1:
            survey.masks[files[row].path] = files[several[0]].path
    if aside.any():
        found = sorted(survey.images.kept(aside), key=lambda found: found.path)
        survey.images = survey.images.kept(~aside)
        message = (
            f"{count_of(len(found), 'image is', 'images are')} named as the mask of another beside it "
            f"({found[0].path.name}): taken as masks, not as cases"
        )
        survey.issues.append(skipped(message, found))


def is_image_file(path: Path) -> bool:
    """Tell whether a file should hold an image: by its suffix, else by its first bytes.

    A name that promises an image is believed until the file is read, so that a large folder need not be opened
    twice: what is wrong with it is said then.
    """
    return has_image_name(path.name) or file_kind(path) in READ


def has_image_name(name: str) -> bool:
    """Tell whether a file's name promises an image."""
    return name[name.rfind(".") :].lower() in IMAGE_SUFFIXES


def _passed_over(walked: Walk) -> list[DataIssue]:
    issues = [
        DataIssue(
            kind=DataIssueKind.UNREADABLE,
            message=f"The folder {path.name} cannot be read ({why}) and was left out",
            paths=(path,),
            serious=True,
        )
        for path, why in walked.closed
    ]
    if walked.nameless:
        message = (
            f"{count_of(len(walked.nameless), 'name is', 'names are')} not UTF-8 text: these files and "
            "folders were left out; rename them"
        )
        issues.append(
            DataIssue(
                kind=DataIssueKind.UNREADABLE, message=message, paths=tuple(walked.nameless), serious=True
            )
        )
    if walked.again:
        names = ", ".join(path.name for path in walked.again[:4]) + (", …" if len(walked.again) > 4 else "")
        message = (
            f"1 link to a folder that is read already was left out ({names})"
            if len(walked.again) == 1
            else f"{len(walked.again):,} links to folders that are read already were left out ({names})"
        )
        issues.append(DataIssue(kind=DataIssueKind.SKIPPED, message=message, paths=tuple(walked.again)))
    if walked.housekeeping:
        shown = ", ".join(name for name, _ in walked.housekeeping.most_common(4)) + (
            ", …" if len(walked.housekeeping) > 4 else ""
        )
        message = f"Housekeeping of the operating system or of programs was left out ({shown})"
        issues.append(DataIssue(kind=DataIssueKind.SKIPPED, message=message))
    return issues


def _may_be_table(path: Path) -> bool:
    return path.suffix.lower() != ".txt" and is_table(path)


def _no_images(folder: Path, others: Sequence[Found]) -> DataError:
    for kind, found in _by_kind(others).items():
        if kind in REMEDIES:
            first, more = found[0].path.name, len(found) - 1
            return DataError(
                f"{folder} holds no images: {first} and {more:,} more are each {kind}"
                if more
                else f"{folder} holds no images: {first} is {kind}",
                REMEDIES[kind],
            )
    return DataError(
        f"{folder} holds no images",
        "Choose a folder with PNG, JPEG, TIFF or DICOM files, or one folder for each class",
    )


def _by_kind(others: Sequence[Found]) -> dict[FileKind, list[Found]]:
    """Group files that are no images by what they are; OTHER is what nothing can be said of."""
    by_kind: dict[FileKind, list[Found]] = {}
    for found in others:
        kind = file_kind(found.path)
        known = kind in REMEDIES and (kind not in ARCHIVES or is_archive(found.path))
        by_kind.setdefault(kind if known else FileKind.OTHER, []).append(found)
    return by_kind


def _left_out(others: Sequence[Found]) -> list[DataIssue]:
    issues = []
    for kind, rest in _by_kind(others).items():
        names = ", ".join(found.path.name for found in rest[:3]) + (", ..." if len(rest) > 3 else "")
        if kind in REMEDIES:
            first, more, remedy = rest[0].path.name, len(rest) - 1, _lower(REMEDIES[kind])
            message = (
                f"{first}{f' and {more:,} more of its kind were' if more else ' was'} left out: it is {kind}; "
                f"{remedy}"
            )
        else:
            message = (
                f"{len(rest):,} file is not an image and was left out ({names})"
                if len(rest) == 1
                else f"{len(rest):,} files are not images and were left out ({names})"
            )
        issues.append(skipped(message, rest))
    return issues


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def skipped(message: str, left_out: Iterable[Found]) -> DataIssue:
    """Return the data issue for files that are left out."""
    return DataIssue(
        kind=DataIssueKind.SKIPPED, message=message, paths=tuple(found.path for found in left_out)
    )
