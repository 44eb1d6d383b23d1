"""Files of folders that should hold an image, and what is known of them before they are read, in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from engine.data.columns.files import Walked
from engine.data.columns.sequence import CHUNK, ColumnSequence, counted
from engine.data.columns.texts import Coded, CodedMade, Texts, TextsMade
from engine.records import Part

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A file that should hold an image, and what is known of it before it is read."""

    path: Path
    label: str | None = None
    part: Part | None = None
    patient_id: str | None = None
    folder_patient: str | None = None  # counts where neither a person nor the file names another
    mask_path: Path | None = None
    meta: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Listing(ColumnSequence[Listed]):
    """Such files in columns; a record is made when one is asked for.

    Attributes:
        files: Where they are.
        labels: As they came.
        parts: In which the images came.
        patients: `Listed.patient_id`.
        folder_patients: `Listed.folder_patient`.
        masks: Mask by row.
    """

    files: Walked
    labels: Coded[str | None]
    parts: Coded[Part | None]
    patients: Texts
    folder_patients: Texts
    masks: Mapping[int, Path]

    def __len__(self) -> int:
        return len(self.files)

    def _made(self, first: int, last: int) -> list[Listed]:
        folders, names = self.files.folders, self.files.names.read(first, last)
        return [
            Listed(
                path=folders[number].path / cast("str", name),
                label=label,
                part=part,
                patient_id=patient,
                folder_patient=of_folder,
                mask_path=self.masks.get(row),
            )
            for row, number, name, label, part, patient, of_folder in zip(
                range(first, last),
                self.files.numbers[first:last].tolist(),
                names,
                self.labels.read(first, last),
                self.parts.read(first, last),
                self.patients.read(first, last),
                self.folder_patients.read(first, last),
                strict=True,
            )
        ]


def listing_of(
    files: Walked,
    *,
    labels: Mapping[int, str | None],
    parts: Mapping[int, Part | None],
    patients: Mapping[int, str | None],
    said: bool,
    masks: Mapping[Path, Path],
) -> Listing:
    """Return what the folders of files say of them.

    Args:
        files: Those that should hold an image.
        labels: Label by the number of the folder.
        parts: Part by the number of the folder.
        patients: Patient by the number of the folder.
        said: Whether a person said that the folders are patients.
        masks: Mask by path of the file.
    """
    named = _by_folder(files.numbers, patients)
    nobody = Texts.nothing(len(files))
    by_row = {row: masks[file.path] for row, file in enumerate(files) if file.path in masks} if masks else {}
    return Listing(
        files,
        _coded(files.numbers, labels, len(files.folders)),
        _coded(files.numbers, parts, len(files.folders)),
        named if said else nobody,
        nobody if said else named,
        by_row,
    )


def _coded(numbers: NDArray[np.int32], told: Mapping[int, Value], folders: int) -> Coded[Value]:
    made = CodedMade[Value]()
    made.extend(told.values())
    of_told = made.done()
    codes = np.zeros(folders, of_told.codes.dtype)
    codes[list(told)] = of_told.codes
    return Coded(codes[numbers], of_told.values)


def _by_folder(numbers: NDArray[np.int32], told: Mapping[int, str | None]) -> Texts:
    if all(value is None for value in told.values()):
        return Texts.nothing(len(numbers))
    made = TextsMade()
    for first in range(0, len(numbers), CHUNK):
        made.extend([told[number] for number in numbers[first : first + CHUNK].tolist()])
    return made.done()


# ----------------------------------------------------------------- what is asked of such files, in columns or not


def labels_counted(listed: Sequence[Listed]) -> Counter[str]:
    """Count images by label, in the order in which labels come first; those without one are left out."""
    if not isinstance(listed, Listing):
        return Counter(entry.label for entry in listed if entry.label is not None)
    return Counter({label: images for label, images in _counted(listed.labels).items() if label is not None})


def parts_counted(listed: Sequence[Listed]) -> Counter[Part | None]:
    """Count images by part."""
    if not isinstance(listed, Listing):
        return Counter(entry.part for entry in listed)
    return Counter(_counted(listed.parts))


def _counted(column: Coded[Value]) -> dict[Value, int]:
    return {column.values[code]: images for code, images in counted(column.codes).items()}


def labels_of(listed: Sequence[Listed]) -> set[str | None]:
    """Return the labels that there are, None where one is missing."""
    if isinstance(listed, Listing):
        return listed.labels.there()
    return {entry.label for entry in listed}


def relabelled(listed: Sequence[Listed], other: Mapping[str, str]) -> Sequence[Listed]:
    """Return files with other names of their labels; an empty one is none, and one that is not named stays."""
    if not isinstance(listed, Listing):
        return [
            replace(entry, label=other.get(entry.label, entry.label) or None)
            if entry.label is not None
            else entry
            for entry in listed
        ]
    made = CodedMade[str | None]()
    made.extend(None if name is None else other.get(name, name) or None for name in listed.labels.values)
    new = made.done()
    return replace(listed, labels=Coded(new.codes[listed.labels.codes], new.values))


def file_names(listed: Sequence[Listed]) -> Iterator[str]:
    """Yield the names of the files."""
    if isinstance(listed, Listing):
        return (name for _, name in listed.files.named())
    return (entry.path.name for entry in listed)


def of_patients(listed: Sequence[Listed], patients: Texts, *, said: bool) -> Sequence[Listed]:
    """Return files with other patients: as a person said, or as counts where nobody names another."""
    if isinstance(listed, Listing):
        return replace(listed, patients=patients) if said else replace(listed, folder_patients=patients)
    names = patients.read(0, len(patients))
    if said:
        return [replace(entry, patient_id=name) for entry, name in zip(listed, names, strict=True)]
    return [replace(entry, folder_patient=name) for entry, name in zip(listed, names, strict=True)]


def patients_named(listed: Sequence[Listed]) -> Iterator[str]:
    """Yield the patient of each image that has one, as a person said or else as the folder does."""
    return (said or of_folder or "" for said, of_folder in _patients(listed) if said or of_folder)


def named_anyhow(listed: Sequence[Listed]) -> Iterator[str]:
    """Yield both patients of each image where there are any."""
    return (name for both in _patients(listed) for name in both if name)


def _patients(listed: Sequence[Listed]) -> Iterator[tuple[str | None, str | None]]:
    if not isinstance(listed, Listing):
        yield from ((entry.patient_id, entry.folder_patient) for entry in listed)
        return
    if not (listed.patients.present().any() or listed.folder_patients.present().any()):
        return
    for first in range(0, len(listed), CHUNK):
        last = min(first + CHUNK, len(listed))
        yield from zip(
            listed.patients.read(first, last), listed.folder_patients.read(first, last), strict=True
        )


def batched(names: Iterator[str]) -> Iterator[list[str]]:
    """Yield so many at a time as columns are made of."""
    while some := [*islice(names, CHUNK)]:
        yield some
