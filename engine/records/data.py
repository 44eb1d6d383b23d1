"""What was brought in: images, what a check of them found, and how they are split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from annotated_types import Predicate


def is_folder_name(name: str) -> bool:
    """Return whether a text can name a folder, and one beside the others: it leads nowhere else."""
    return name not in ("", ".", "..") and not set("/\\\0").intersection(name)


def is_path(path: Path) -> bool:
    """Return whether a system can be asked for a path."""
    return "\0" not in str(path)


FolderName = Annotated[str, Predicate(is_folder_name)]
FilePath = Annotated[Path, Predicate(is_path)]
Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
Whence = Part | Literal["elsewhere"]
"""Where a case comes from: a part of the run's own data, or elsewhere, which is no part (`Prediction.part` is None)."""
ELSEWHERE: Literal["elsewhere"] = "elsewhere"
PART_NAMES: Mapping[str, str] = MappingProxyType({"train": "training", "val": "validation", "test": "test"})
"""For people."""
Role = Literal["part", "class", "patient", "ignored"]
ROLES: tuple[Role, ...] = ("part", "class", "patient", "ignored")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One image that can be read, once: an `Index` never holds two samples with one `image_id`.

    Attributes:
        path: Absolute path of the file.
        image_id: sha256 of the file's bytes, 64 hexadecimal digits.
        label: The reference standard that came with the data; None where there is none.
        patient_id: Cases of one patient are never in two parts of a split. Equals `image_id` where unknown.
        part: The part it was in when the data came, if one did.
        mask_path: An 8-bit image, non-zero where the finding is known to lie, of the same aspect; None if unknown.
        width: Pixels across, after rotation by EXIF.
        height: Pixels down.
        meta: Every other column of the table, or the few DICOM tags that are kept.
    """

    path: Path
    image_id: str
    label: str | None
    patient_id: str
    part: Part | None = None
    mask_path: Path | None = None
    width: int = 0
    height: int = 0
    meta: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class DataIssueKind(StrEnum):
    """What a check of the data can find."""

    UNREADABLE = "unreadable"
    EXACT_DUPLICATE = "exact duplicate"
    NEAR_DUPLICATE = "near duplicate"
    ENLARGED = "copies made before splitting"
    LABEL_CONFLICT = "label conflict"
    PATIENT_OVERLAP = "patient in two parts"
    SMALL_CLASS = "small class"
    MISSING_FILE = "missing file"
    AMBIGUOUS_FILE = "ambiguous file"
    FOUND_OTHERWISE = "found by another name"
    UNLISTED = "not in the table"
    TABLE_READ = "how the table is read"
    SEVERAL_FINDINGS = "several findings"
    DUPLICATE_ROW = "duplicate row"
    UNLABELLED = "unlabelled"
    PART_UNCLEAR = "part unclear"
    CLASS_UNCLEAR = "class unclear"
    PATIENT_UNCLEAR = "patient unclear"
    TABLE_FOUND = "table beside the images"
    SKIPPED = "skipped"
    NO_CONTRAST = "no contrast"
    NEARLY_BLACK = "nearly black"
    NEARLY_WHITE = "nearly white"
    BLANK_TAIL = "blank lower part"
    ODD_HEADER = "odd header"
    END_MISSING = "end of the file missing"
    SMALL_IMAGE = "far smaller image"
    MASK_UNREADABLE = "mask unreadable"
    MASK_SIZE = "mask of another shape"
    MASK_SCALED = "mask of another size"
    MASK_EMPTY = "empty mask"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataIssue:
    """One thing a check found: what, where, and what it means for the person who will publish.

    Attributes:
        kind: The check.
        message: One sentence, with the remedy or what Overread did about it.
        paths: The files concerned.
        serious: Whether training on the data as it is would make the figures wrong.
        options: What to type on the command line to settle it, where that can be said; one of them is enough.
    """

    kind: DataIssueKind
    message: str
    paths: tuple[FilePath, ...] = ()
    serious: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What a person said of how a folder or table is to be read; what is not said is proposed.

    Attributes:
        levels: Role by folder level; level 1 are the folders just inside the one that was named, level 0 are the
            names of the files.
        parts: Part by the name that a folder or a cell of the split column has; None for no part at all.
        same: Class by the name that came with the data: these images are taken as that class.
        table: Table to read, as a path relative to the folder that was named; empty to read the folders; None for
            what is proposed.
        columns: Column of the table by what it holds (path, label, patient_id, split, mask).
        root: What a table's relative paths start from; None for what is proposed.
        finding: Of a table with several findings in a row, the one whose presence is the label; empty to label rows
            with one finding alone; None for what is proposed.
    """

    levels: Mapping[int, Role] = field(default_factory=dict)
    parts: Mapping[str, Part | None] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    root: FilePath | None = None
    finding: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """What a folder, table or DICOM folder holds.

    Attributes:
        dataset_id: 12 hexadecimal digits over the samples' ids, labels, patients and parts: equal data, equal id.
        name: For people: the folder's or table's name.
        root: The folder or table it was made from.
        samples: Readable images, each once, in a stable order; of a whole data set in columns, which make a record when
            one is asked for.
        classes: Class names: a class named like "normal" or "negative" first, the others by name.
        issues: What the checks found, serious ones first.
        source: The folder, table or archive that was named; None where that was not kept.
        answers: What a person said of how it is to be read.
    """

    dataset_id: str
    name: str
    root: Path
    samples: Sequence[Sample]
    classes: tuple[str, ...]
    issues: tuple[DataIssue, ...] = ()
    source: Path | None = None
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Labelled samples split by patient; balancing and augmentation come after this and touch `train` alone.

    What a cross-validation tests, all of its folds together, is a split with a test part alone.
    """

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    classes: tuple[str, ...]
    seed: int
    method: str

    @property
    def trained_on(self) -> tuple[Sample, ...]:
        """The training part; of a cross-validation every image, for each was trained on by some model."""
        return self.train or self.test

    def part(self, name: Part) -> tuple[Sample, ...]:
        """Return the samples of one part."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]
