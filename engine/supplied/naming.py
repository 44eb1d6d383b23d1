"""Which image a cell of a table means: by sha256, by path, by file name, or by patient where that is one image."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.images import IMAGE_SUFFIXES
from engine.records import Sample

SHORTEST_ID = 8  # hexadecimal digits: what reports name cases by


@dataclass(frozen=True, slots=True)
class Meant:
    """What a cell means.

    Attributes:
        images: Those that it fits; it means an image where there is one.
        loosely: Whether folders were written before the name, and the image lies in none of them.
    """

    images: tuple[Sample, ...] = ()
    loosely: bool = False


class ImageNames:
    """The images of a data set by all that they can be called.

    Args:
        samples: Of the data set.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        samples = tuple(samples)  # once: each walk over a data set makes its records anew
        self._by_id = {sample.image_id: sample for sample in samples}
        self._by_name = _grouped([(plain(sample.path.name), sample) for sample in samples])
        self._by_stem = _grouped([(plain(without_suffix(sample.path.name)), sample) for sample in samples])
        self._by_patient = _grouped(
            [(plain(one.patient_id), one) for one in samples if one.patient_id != one.image_id]
        )
        self._by_start = _grouped([(one.image_id[:SHORTEST_ID], one) for one in samples])

    def meant(self, cell: str) -> Meant:
        """Return the images that a cell fits, by the surest of the names that fit any."""
        written = cell.strip().strip("\"'")
        number = written.lower().removeprefix("sha256:")
        if number in self._by_id:
            return Meant((self._by_id[number],))
        folders = [plain(part) for part in re.split(r"[\\/]+", written) if part not in ("", ".")]
        if not folders:
            return Meant()
        named = self._by_name.get(folders[-1]) or self._by_stem.get(without_suffix(folders[-1]))
        if named:
            return _nearest(named, folders)
        if re.fullmatch(rf"[0-9a-f]{{{SHORTEST_ID},64}}", number):
            started = [
                one for one in self._by_start.get(number[:SHORTEST_ID], ()) if one.image_id.startswith(number)
            ]
            if started:
                return Meant(tuple(started))
        return Meant(tuple(self._by_patient.get(plain(written), ())))


def plain(name: str) -> str:
    """Return a name as names are compared: in one Unicode form, without case."""
    return unicodedata.normalize("NFC", name).casefold()


def without_suffix(name: str) -> str:
    """Return a file's name without the suffix of an image; a dot in a name that has none is part of it."""
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in IMAGE_SUFFIXES else name


def _nearest(named: Sequence[Sample], folders: Sequence[str]) -> Meant:
    """Return those of the images of one name whose folders agree with the most of what is written before it."""
    agreed = [_agreed(sample, folders) for sample in named]
    most = max(agreed)
    images = tuple(sample for sample, count in zip(named, agreed, strict=True) if count == most)
    return Meant(images, loosely=most == 0 < len(folders) - 1)


def _agreed(sample: Sample, folders: Sequence[str]) -> int:
    """Count the folders just above an image that are written before its name."""
    count = 0
    for written, part in zip(reversed(folders[:-1]), reversed(sample.path.parts[:-1]), strict=False):
        if written != plain(part):
            break
        count += 1
    return count


def _grouped(pairs: Sequence[tuple[str, Sample]]) -> Mapping[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for name, sample in pairs:
        found[name].append(sample)
    return found
