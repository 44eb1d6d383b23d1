"""What readers drew as pictures: one mask a case and finding, white where any reader says that it lies."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.records import Region
from engine.report.exports.bundle.beside import Place
from engine.report.exports.bundle.masks import mask_png
from engine.report.exports.bundle.regions import UNNAMED, Drawn
from engine.saliency import region_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASKS = "data/masks/"
MOST_MASKS = 8000  # a bundle holds no more files than 10,000; regions.coco.json has what has no mask
LONGEST_WORD = 40
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)  # of Pillow at damaged bytes


def mask_files(drawn: Drawn, sizes: Mapping[str, tuple[int, int]]) -> dict[str, bytes]:
    """Return the masks as PNG by name: the image's id, the finding's number among all, and its name.

    Args:
        drawn: By readers.
        sizes: Width and height of images in pixels, by id; an image of unknown size has no mask.
    """
    return {name: mask_png(regions, sizes[image_id]) for name, image_id, regions in _masks(drawn, sizes)}


def mask_places(
    files: Mapping[str, bytes], drawn: Drawn, sizes: Mapping[str, tuple[int, int]]
) -> Iterator[Place]:
    """Yield the masks of a bundle beside those that its regions give: how many pixels differ."""
    others = {name for name in files if name.startswith(MASKS)}
    for name, image_id, regions in _masks(drawn, sizes):
        others.discard(name)
        mask = region_mask(regions, *sizes[image_id])
        yield name, "pixels that differ", _differ(files.get(name), mask), 0
    for name in sorted(others):
        yield name, "", "a mask", "none: no reader drew there"


def _masks(drawn: Drawn, sizes: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, str, Sequence[Region]]]:
    """Yield name, image and regions of each mask."""
    of: dict[tuple[str, str], list[Region]] = {}
    for image_id, _, region in drawn:
        if image_id in sizes:
            of.setdefault((image_id, region.label or UNNAMED), []).append(region)
    findings = sorted({finding for _, finding in of})
    for (image_id, finding), regions in sorted(of.items())[:MOST_MASKS]:
        word = re.sub(r"\W+", "-", finding).strip("-")[:LONGEST_WORD]
        name = f"{MASKS}{image_id}-{findings.index(finding) + 1}{'-' if word else ''}{word}.png"
        yield name, image_id, regions


def _differ(data: bytes | None, mask: NDArray[np.bool_]) -> int | str:
    if data is None:
        return "no mask"
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.size != mask.shape[::-1] or image.mode != "L":  # asked before a pixel is unpacked
                return f"{image.width} × {image.height} pixels"
            return int((np.asarray(image) != np.where(mask, 255, 0)).sum())
    except UNREADABLE:
        return "what cannot be read as a picture"
