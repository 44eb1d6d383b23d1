"""Images that are far smaller than what a net was trained on: enlarged, they lack the detail that it goes by.

    Detail              how many pixels a net had to go by in training, and what that follows from
    find_small_images   at indexing: images that are far smaller than the others of a data set

Whether an image is far smaller, and the sentence that says so, follow from its size and the run's alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.data.columns.samples import in_columns
from engine.records import DataIssue, DataIssueKind, Sample

FAR = 0.5
"""Share of the pixels a side below which an image counts as far smaller.

Measured with the demonstration's net, which reads 224 pixels, on smaller copies of its 81 test images: at 224 and 160
pixels 2 predictions change, at 128 and 112 pixels 6, at 96 and 80 pixels 8, at 64 pixels 16, at 48 pixels 30.
"""
LOWEST = 1  # percentile of the training images' sides: a few odd ones do not make small images usual

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """What a net had to go by in training.

    Attributes:
        side: Pixels on the shorter side of an image.
        reads: Whether that is the side at which the net reads; else it is that of the images it was trained on.
    """

    side: int
    reads: bool

    @property
    def least(self) -> float:
        """Pixels on the shorter side below which an image is far smaller."""
        return FAR * self.side

    def lacks(self, size: Size | None) -> bool:
        """Return whether an image of so many pixels is far smaller; one of unknown size is not said to be."""
        return size is not None and 0 < min(size) < self.least

    def of_one(self, size: Size) -> str:
        """Return what is said beside a small image, without a full stop at its end."""
        return f"Far smaller than what the model was trained on: {size[0]:,} × {size[1]:,} pixels, {self._bound()}"

    def of_several(self, sizes: Sequence[Size | None]) -> str | None:
        """Return what is said of images of which some are small, without a full stop; None where none is."""
        small = [size for size in sizes if size is not None and self.lacks(size)]
        if not small:
            return None
        width, height = min(small, key=min)
        which = f"{len(small):,} of {len(sizes):,} images {'is' if len(small) == 1 else 'are'}"
        return (
            f"{which} far smaller than what the model was trained on (the smallest has {width:,} × {height:,} pixels, "
            f"{self._bound()}): enlarged, they lack detail that it relies on, and predictions on them may be wrong for "
            "that reason alone"
        )

    def _bound(self) -> str:
        whose = "at which it reads images" if self.reads else "that its training images have"
        return f"the shorter side less than half of the {self.side:,} {whose}"


def detail_of(image_size: int, training: Iterable[Sample]) -> Detail:
    """Return what a net had to go by in training.

    Args:
        image_size: Pixels a side at which it reads images.
        training: The images it was trained on; those whose size is not known are left out.
    """
    sides = [min(sample.width, sample.height) for sample in training]
    known = [side for side in sides if side > 0]
    usual = int(np.percentile(known, LOWEST)) if known else image_size
    return Detail(side=min(image_size, usual), reads=image_size <= usual)


def sizes_of(samples: Iterable[Sample]) -> dict[str, Size]:
    """Return width and height by image id, of samples whose size is known."""
    return {
        sample.image_id: (sample.width, sample.height) for sample in samples if sample.width and sample.height
    }


def find_small_images(samples: Sequence[Sample]) -> list[DataIssue]:
    """Find images that are far smaller than most others here, and than what the default recipe reads."""
    from engine.recipes import RECIPES  # with it comes pydantic's schema of recipes

    columns = in_columns(samples)
    sides = columns.sizes.min(axis=1)
    known = (columns.sizes != 0).all(axis=1)
    if not known.any():
        return []
    reads, usual = RECIPES["default"].image_size, int(np.median(sides[known]))
    detail = Detail(side=min(reads, usual), reads=reads <= usual)
    small = np.flatnonzero(known & (sides > 0) & (sides < detail.least))
    if not len(small):
        return []
    first = columns[int(small[0])]
    whose = "at which models read images unless told otherwise" if detail.reads else "of most images here"
    which = f"{first.path.name} ({first.width:,} × {first.height:,} pixels) is"
    if len(small) > 1:
        which = f"{len(small):,} images, {first.path.name} ({first.width:,} × {first.height:,} pixels) among them, are"
    message = (
        f"{which} far smaller than the others: the shorter side has less than half of the {detail.side:,} pixels "
        f"{whose}; "
        "bring them in full size if you have it, as a model may learn the blur of small images instead of the finding"
    )
    return [DataIssue(kind=DataIssueKind.SMALL_IMAGE, message=message, paths=columns.paths(small))]
