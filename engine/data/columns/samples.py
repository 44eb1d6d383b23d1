"""Samples in columns: `Samples` is a sequence of `Sample`, each of which is made when it is asked for.

A hundred thousand records take 150 MB and more; their columns take 8. What walks over all of a data set for one
property asks the column for it.
"""

from __future__ import annotations

import json
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.data.columns.sequence import CHUNK, ColumnSequence, is_all
from engine.data.columns.texts import Coded, CodedMade, Texts, TextsMade
from engine.kept_files import parse_json
from engine.records import Part, Sample

Rows = NDArray[np.int64]
NO_META: Mapping[str, str] = MappingProxyType({})
_ID_BYTES = 32
_FIELDS = attrgetter(
    "image_id", "path", "label", "patient_id", "part", "mask_path", "width", "height", "meta"
)


class Samples(ColumnSequence[Sample]):
    """Samples in columns. Nothing in it changes; what returns others shares what is equal.

    Attributes:
        ids: (N, 32) uint8, each image's id; zeros where it is none of 64 hexadecimal digits.
        odd: Such ids by row.
        folders: Of the files, each with the separator at its end.
        names: Of the files.
        labels: As they came with the data.
        patients: Their names; None where the patient is not named, whose id is that of the image then.
        parts: In which the images came.
        masks: Paths of the masks.
        sizes: (N, 2) int32, pixels across and down.
        metas: Other columns of the table, as JSON; None where there is nothing.
    """

    __slots__ = ("folders", "ids", "labels", "masks", "metas", "names", "odd", "parts", "patients", "sizes")

    def __init__(
        self,
        *,
        ids: NDArray[np.uint8],
        odd: Mapping[int, str],
        folders: Coded[str],
        names: Texts,
        labels: Coded[str | None],
        patients: Texts,
        parts: Coded[Part | None],
        masks: Texts,
        sizes: NDArray[np.int32],
        metas: Texts,
    ) -> None:
        self.ids, self.odd, self.folders, self.names, self.labels = ids, odd, folders, names, labels
        self.patients, self.parts, self.masks, self.sizes, self.metas = patients, parts, masks, sizes, metas

    def _columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Samples.__slots__}

    # ------------------------------------------------------------------------------------------- as a sequence

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"<{len(self):,} samples in columns>"

    def _made(self, first: int, last: int) -> list[Sample]:
        ids = self.image_ids(first, last)
        return [
            Sample(
                path=Path(folder + name),
                image_id=image_id,
                label=label,
                patient_id=image_id if patient is None else patient,
                part=part,
                mask_path=None if mask is None else Path(mask),
                width=width,
                height=height,
                meta=NO_META if meta is None else MappingProxyType(parse_json(meta)),
            )
            for image_id, folder, name, label, patient, part, mask, (width, height), meta in zip(
                ids,
                self.folders.read(first, last),
                cast("list[str]", self.names.read(first, last)),
                self.labels.read(first, last),
                self.patients.read(first, last),
                self.parts.read(first, last),
                self.masks.read(first, last),
                self.sizes[first:last].tolist(),
                self.metas.read(first, last),
                strict=True,
            )
        ]

    # ------------------------------------------------------------------------------------------------ columns

    def image_ids(self, first: int = 0, last: int | None = None) -> list[str]:
        """Return the ids of a stretch of rows."""
        last = len(self) if last is None else last
        digits = self.ids[first:last].tobytes().hex()
        found = [digits[at : at + 2 * _ID_BYTES] for at in range(0, len(digits), 2 * _ID_BYTES)]
        if self.odd:
            found = [self.odd.get(row, found[row - first]) for row in range(first, last)]
        return found

    def paths(self, rows: Iterable[int]) -> tuple[Path, ...]:
        """Return the files of some rows."""
        names, folders = self.names, self.folders
        return tuple(
            Path(folders.values[folders.codes[row]] + (names.read(row, row + 1)[0] or "")) for row in rows
        )

    def by_id(self) -> Rows:
        """Return the rows in the order of their ids."""
        if self.odd:
            ids = self.image_ids()
            return np.array(sorted(range(len(self)), key=ids.__getitem__), np.int64)
        begins = self._beginnings()
        order = np.argsort(begins, kind="stable")
        begins = begins[order]
        tied = _beside_an_equal(begins)
        del begins
        if tied.any():  # they stand together, and only among themselves the rest decides
            rows = np.sort(order[tied])
            words = self.ids[rows].view(">u8").astype(np.uint64)
            order[tied] = rows[np.lexsort([words[:, place] for place in (3, 2, 1, 0)])]
        return order

    def repeated(self) -> Rows:
        """Return the rows whose image is in another row too, in their order."""
        if self.odd:
            ids = self.image_ids()
            often = Counter(ids)
            return np.array([row for row, image_id in enumerate(ids) if often[image_id] > 1], np.int64)
        begins = self._beginnings()
        ordered = np.sort(begins)
        several = np.unique(ordered[_beside_an_equal(ordered)])
        rows = np.flatnonzero(np.isin(begins, several))  # few that begin alike differ
        del begins, ordered
        words = self.ids[rows].view(">u8").astype(np.uint64)
        order = np.lexsort([words[:, place] for place in (3, 2, 1, 0)])
        equal = (words[order[1:]] == words[order[:-1]]).all(axis=1)
        return np.sort(rows[order[np.append(equal, False) | np.append(False, equal)]]) if len(rows) else rows

    def _beginnings(self) -> NDArray[np.uint64]:
        """Return (N,) the first eight bytes of each id, which are in the order of the ids as far as they differ."""
        return np.ascontiguousarray(self.ids).view(">u8")[:, 0].astype(np.uint64)

    def patient_numbers(self) -> Rows:
        """Return (N,) a number below N for each image's patient, equal where it is; each image is in one row."""
        numbers = np.arange(len(self))
        present = self.patients.present()
        named = np.flatnonzero(present)
        if not named.size:
            return numbers
        first_of: dict[str, int] = {}
        own = {image_id: row for row, image_id in self.odd.items() if not present[row]}
        for row, name in zip(named.tolist(), self.names_of_patients(named), strict=True):
            numbers[row] = first_of.setdefault(name, own.get(name, row))
        return numbers

    def names_of_patients(self, rows: Rows) -> Iterator[str]:
        """Yield the patients of rows where they are named."""
        for start in range(0, len(rows), CHUNK):
            some = self.patients.take(rows[start : start + CHUNK])
            yield from (name or "" for name in some.read(0, len(some)))

    # -------------------------------------------------------------------------------------------- changed

    def take(self, rows: Rows) -> Samples:
        """Return the samples of some rows, in that order."""
        if is_all(rows, len(self)):
            return self
        odd = (
            {new: self.odd[old] for new, old in enumerate(rows.tolist()) if old in self.odd}
            if self.odd
            else {}
        )
        columns: dict[str, Any] = {
            name: column[rows] if isinstance(column, np.ndarray) else column.take(rows)
            for name, column in self._columns().items()
            if name != "odd"
        }
        return Samples(**columns, odd=odd)

    def labelled(self, label_of: Mapping[str, str | None]) -> Samples:
        """Return the samples with other labels, by image id; one that is not named has none."""
        made = CodedMade[str | None]()
        for first in range(0, len(self), CHUNK):
            made.extend(map(label_of.get, self.image_ids(first, min(first + CHUNK, len(self)))))
        return Samples(**{**self._columns(), "labels": made.done()})

    def of_patients(self, rows: Rows, names: Iterable[str | None]) -> Samples:
        """Return the samples with other patients in some rows, which are in order; None for one that is not named."""
        new = dict(zip(rows.tolist(), names, strict=True))
        made = TextsMade()
        for first in range(0, len(self), CHUNK):
            last = min(first + CHUNK, len(self))
            came = self.patients.read(first, last)
            made.extend([new.get(row, name) for row, name in zip(range(first, last), came, strict=True)])
        return Samples(**{**self._columns(), "patients": made.done()})

    def without_masks(self, rows: Rows) -> Samples:
        """Return the samples without their masks in some rows."""
        return Samples(**{**self._columns(), "masks": self.masks.without(rows)}) if len(rows) else self


class SamplesMade:
    """Samples while they are gathered."""

    def __init__(self) -> None:
        self._ids, self._odd, self._count = bytearray(), dict[int, str](), 0
        self._folders, self._names, self._labels = CodedMade[str](), TextsMade(), CodedMade[str | None]()
        self._patients, self._parts, self._masks = TextsMade(), CodedMade[Part | None](), TextsMade()
        self._sizes, self._metas = array("i"), TextsMade()
        self._waiting: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return self._count + len(self._waiting)

    def add(self, sample: Sample) -> None:
        """Add one."""
        image_id, path, label, patient, part, mask, width, height, meta = _FIELDS(sample)
        mask = None if mask is None else str(mask)
        self.add_row((image_id, str(path), label, patient, part, mask, width, height, as_json(meta)))

    def add_row(self, row: tuple[Any, ...]) -> None:
        """Add one by its image id, path, label, patient, part, mask's path, width, height and other columns as JSON."""
        self._waiting.append(row)
        if len(self._waiting) == CHUNK:
            self._flush()

    def done(self) -> Samples:
        """Return the columns."""
        self._flush()
        return Samples(
            ids=np.frombuffer(self._ids, np.uint8).reshape(-1, _ID_BYTES),
            odd=self._odd,
            folders=self._folders.done(),
            names=self._names.done(),
            labels=self._labels.done(),
            patients=self._patients.done(),
            parts=self._parts.done(),
            masks=self._masks.done(),
            sizes=np.frombuffer(self._sizes, np.int32).reshape(-1, 2),
            metas=self._metas.done(),
        )

    def _flush(self) -> None:
        if not self._waiting:
            return
        ids, paths, labels, patients, parts, masks, widths, heights, metas = zip(*self._waiting, strict=True)
        for row, image_id in enumerate(ids, start=self._count):
            packed = _packed(image_id)
            self._ids += packed or bytes(_ID_BYTES)
            if packed is None:
                self._odd[row] = image_id
        parted = [path.rpartition(os.sep) for path in paths]
        self._folders.extend([folder + separator for folder, separator, _ in parted])
        self._names.extend([name for _, _, name in parted])
        self._labels.extend(labels)
        self._patients.extend(
            [None if name == own else name for name, own in zip(patients, ids, strict=True)]
        )
        self._parts.extend(parts)
        self._masks.extend(masks)
        self._sizes.extend([side for size in zip(widths, heights, strict=True) for side in size])
        self._metas.extend(metas)
        self._count += len(self._waiting)
        self._waiting.clear()


def _beside_an_equal(ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return (N,) which of numbers in their order are there more than once."""
    here = np.zeros(len(ordered), bool)
    equal = ordered[1:] == ordered[:-1]
    here[1:] |= equal
    here[:-1] |= equal
    return here


def in_columns(samples: Iterable[Sample]) -> Samples:
    """Return samples in columns."""
    if isinstance(samples, Samples):
        return samples
    made = SamplesMade()
    for sample in samples:
        made.add(sample)
    return made.done()


def ids_of(samples: Sequence[Sample]) -> list[str]:
    """Return the images' ids, in order."""
    return samples.image_ids() if isinstance(samples, Samples) else [sample.image_id for sample in samples]


def labels_by_id(samples: Sequence[Sample]) -> dict[str, str | None]:
    """Return the labels by image id, in order."""
    if isinstance(samples, Samples):
        labels = samples.labels.read(0, len(samples))
        return dict(zip(samples.image_ids(), labels, strict=True))
    return {sample.image_id: sample.label for sample in samples}


def relabelled(samples: Sequence[Sample], label_of: Mapping[str, str | None]) -> Samples:
    """Return samples with other labels, by image id; one that is not named has none."""
    return in_columns(samples).labelled(label_of)


def as_json(meta: Mapping[str, str]) -> str | None:
    """Return other columns as they stand in a manifest; None where there is nothing."""
    return json.dumps(dict(meta)) if meta else None


def _packed(image_id: str) -> bytes | None:
    """Return the 32 bytes of an id as `hashlib` writes it; None for any other."""
    if len(image_id) != 2 * _ID_BYTES:
        return None
    try:
        packed = bytes.fromhex(image_id)
    except ValueError:
        return None
    return packed if packed.hex() == image_id else None  # digits in capitals, or with spaces between them
