"""Masks held against their images at indexing: one that cannot be used is said then, and stops nothing later.

    check_masks   samples → samples whose masks can be used, and a data issue for each kind of trouble
    read_mask     one mask, for whoever scores a heatmap by it

A mask is an image that is not black where the finding lies, of the shape of its own image and of any size.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data.columns.samples import Samples, in_columns
from engine.data.names import is_negative
from engine.errors import ImageError
from engine.images import in_order, load_image
from engine.language import N_
from engine.records import DataIssue, DataIssueKind, Sample

ASPECT = 0.02  # by which a mask's aspect may differ: what rounding to whole pixels makes of a small one
UNUSABLE = (DataIssueKind.MASK_UNREADABLE, DataIssueKind.MASK_SIZE)
SAID: dict[DataIssueKind, tuple[str, str]] = {
    DataIssueKind.MASK_UNREADABLE: (
        N_("The mask {name} cannot be read; its image is used without a mask: {why}"),
        N_("{n} masks, {name} among them, cannot be read; their images are used without a mask: {why}"),
    ),
    DataIssueKind.MASK_SIZE: (
        N_("The mask {name} is of another shape than its image, which is used without a mask: {why}"),
        N_(
            "{n} masks, {name} among them, are of another shape than their images, which are used without: {why}"
        ),
    ),
    DataIssueKind.MASK_SCALED: (
        N_(
            "The mask {name} is of another size than its image; a heatmap is held against it all the same: {why}"
        ),
        N_(
            "{n} masks, {name} among them, are of another size than their images; heatmaps are held against all: {why}"
        ),
    ),
    DataIssueKind.MASK_EMPTY: (
        N_("The mask {name} is empty: nothing is marked, so that no heatmap can be held against it"),
        N_(
            "{n} masks, {name} among them, are empty: nothing is marked, so that no heatmap can be held against them"
        ),
    ),
}
"""What is said of one mask, and of several."""
SCALED = N_("{width} × {height} for {width2} × {height2} pixels")


def read_mask(sample: Sample) -> NDArray[np.bool_]:
    """Read where the finding of a sample lies.

    Args:
        sample: One with a `mask_path`.

    Returns:
        (H, W) bool, of the mask's own size.

    Raises:
        ImageError: It is missing, cannot be read, or is of another shape than its image.
    """
    if sample.mask_path is None:
        raise ImageError(f"{sample.path.name} has no mask", "Name one in the table's mask column")
    mask: NDArray[np.bool_] = load_image(sample.mask_path, channels=1)[:, :, 0] > 0
    height, width = mask.shape
    if sample.width and sample.height:
        ratio = (width / height) / (sample.width / sample.height)
        if not 1 - ASPECT <= ratio <= 1 + ASPECT:
            raise MaskShapeError(
                f"{sample.mask_path.name} has {width:,} × {height:,} pixels and its image {sample.width:,} × "
                f"{sample.height:,}",
                "Bring the mask that belongs to the image",
            )
    return mask


class MaskShapeError(ImageError):
    """A mask is of another shape than its image."""


def check_masks(samples: Sequence[Sample]) -> tuple[Samples, list[DataIssue]]:
    """Read every mask once.

    Returns:
        The samples in their order, those without their mask whose mask cannot be used; a data issue for each kind of
        trouble. An empty mask is none where the class says that nothing is to be found.
    """
    columns = in_columns(samples)
    rows = np.flatnonzero(columns.masks.present())
    masked = columns.take(rows)
    troubles: dict[DataIssueKind, list[tuple[Path, str]]] = defaultdict(list)
    unusable: list[int] = []
    looking = in_order(_trouble, masked, workers=min(16, os.cpu_count() or 1))
    for row, sample, trouble in zip(rows.tolist(), masked, looking, strict=True):
        if trouble is not None and sample.mask_path is not None:
            kind, why = trouble
            troubles[kind].append((sample.mask_path, why))
            if kind in UNUSABLE:
                unusable.append(row)
    kept = columns.without_masks(np.array(unusable, np.int64))
    return kept, [_issue(kind, troubles[kind]) for kind in SAID if kind in troubles]


def _trouble(sample: Sample) -> tuple[DataIssueKind, str] | None:
    try:
        mask = read_mask(sample)
    except MaskShapeError as error:
        return DataIssueKind.MASK_SIZE, error.problem
    except ImageError as error:
        return DataIssueKind.MASK_UNREADABLE, error.problem
    if not mask.any():
        nothing = sample.label is not None and is_negative(sample.label)
        return None if nothing else (DataIssueKind.MASK_EMPTY, "")
    height, width = mask.shape
    if sample.width and (width, height) != (sample.width, sample.height):
        sides = (width, height, sample.width, sample.height)
        why = dict(zip(("width", "height", "width2", "height2"), map("{:,}".format, sides), strict=True))
        return DataIssueKind.MASK_SCALED, SCALED.format(**why)
    return None


def _issue(kind: DataIssueKind, found: Sequence[tuple[Path, str]]) -> DataIssue:
    path, why = found[0]
    several = len(found) > 1
    message = SAID[kind][several].format(n=f"{len(found):,}", name=path.name, why=why)
    return DataIssue(kind=kind, message=message, paths=tuple(path for path, _ in found))
