"""What readers drew, as files for other programs: COCO, and a mask an image, reader and finding."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from engine.records import Region
from engine.report.exports.bundle.regions import UNNAMED, write_coco
from engine.saliency import region_mask

COCO, TABLE = "regions.coco.json", "masks.csv"
Drawn = tuple[str, str, Sequence[Region]]
"""Image, reader, and what that reader drew on it."""


def region_files(drawn: Iterable[Drawn], sizes: Mapping[str, tuple[int, int]]) -> dict[str, bytes]:
    """Return the regions of readings as COCO, and as masks with a table that says whose each is.

    A mask has the size of its image, 255 inside the regions of one finding by one reader and 0 outside.

    Args:
        drawn: The readings that stand.
        sizes: Width and height of images in pixels, by id; images without are counted in the COCO file alone.

    Returns:
        Files by their names; none where nothing was drawn.
    """
    readings = [each for each in drawn if each[2]]
    if not readings:
        return {}
    drawn_each = [(image_id, reader, region) for image_id, reader, regions in readings for region in regions]
    files = {COCO: write_coco(drawn_each, sizes, "file_name is the SHA-256 of the image file.").encode()}
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("mask", "image_id", "reader", "finding", "regions"))
    number = 0
    for image_id, reader, regions in readings:
        if image_id not in sizes:
            continue
        for finding in dict.fromkeys(region.label or UNNAMED for region in regions):
            number += 1
            chosen = [region for region in regions if (region.label or UNNAMED) == finding]
            name = f"masks/{number:05d}.png"
            files[name] = mask_png(chosen, sizes[image_id])
            rows.writerow((name, image_id, reader, finding, len(chosen)))
    files[TABLE] = table.getvalue().encode("utf-8-sig")
    return files


def mask_png(regions: Iterable[Region], size: tuple[int, int]) -> bytes:
    """Return a grey PNG of (width, height) pixels: 255 in any of the regions, 0 elsewhere."""
    stream = io.BytesIO()
    Image.fromarray(region_mask(regions, *size).astype(np.uint8) * np.uint8(255)).save(
        stream, "PNG", optimize=True
    )
    return stream.getvalue()
