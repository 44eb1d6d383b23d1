"""What readers drew, as COCO: a format that annotation programs and training scripts read.

COCO counts in pixels, so that only regions on images whose size is known are in it; readings.csv has all of them, as
fractions. An ellipse is a polygon of 64 corners there, for COCO has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.records import Region, Review
from engine.saliency import corners

REGIONS = "data/regions.coco.json"
UNNAMED = "region"

Drawn = Sequence[tuple[str, str, Region]]
"""Image id, reader and region of each that was drawn."""


def write_regions(reviews: Iterable[Review], sizes: Mapping[str, tuple[int, int]]) -> str:
    """Return the regions of the readings that stand, as COCO.

    Args:
        reviews: Every reading; of two by one reader on one image the later counts.
        sizes: Width and height of images in pixels, by id.
    """
    return write_coco(
        last_drawn(reviews), sizes, "file_name is the SHA-256 of the image file, as in images.csv."
    )


def last_drawn(reviews: Iterable[Review]) -> Drawn:
    """Return what the readings have that stand; of two by one reader on one image the later counts."""
    last = {(one.image_id, one.reader): one for one in sorted(reviews, key=lambda one: one.review_id or 0)}
    return [(one.image_id, one.reader, region) for one in last.values() for region in one.regions]


def write_coco(drawn: Drawn, sizes: Mapping[str, tuple[int, int]], names: str) -> str:
    """Return regions as COCO.

    Args:
        drawn: Image id, reader and region of each.
        sizes: Width and height of images in pixels, by id.
        names: What the names of images are, in a sentence.
    """
    known = [one for one in drawn if one[0] in sizes]
    images = {image_id: number for number, image_id in enumerate(dict.fromkeys(one for one, *_ in known), 1)}
    categories = sorted({region.label or UNNAMED for *_, region in known})
    annotations: list[dict[str, Any]] = []
    for number, (image_id, reader, region) in enumerate(known, 1):
        width, height = sizes[image_id]
        outline = [(x * width, y * height) for x, y in corners(region)]
        annotations.append(
            {
                "id": number,
                "image_id": images[image_id],
                "category_id": categories.index(region.label or UNNAMED) + 1,
                "bbox": [region.x * width, region.y * height, region.width * width, region.height * height],
                "area": _area(outline),
                "segmentation": [[side for corner in outline for side in corner]],
                "iscrowd": 0,
                "reader": reader,
            }
        )
    document = {
        "info": {
            "description": f"Regions that readers drew. {names}",
            "regions": len(drawn),
            "without_size": len(drawn) - len(known),
        },
        "licenses": [],
        "images": [
            {"id": number, "file_name": image_id, "width": sizes[image_id][0], "height": sizes[image_id][1]}
            for image_id, number in images.items()
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(categories, 1)],
        "annotations": annotations,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _area(corners: Sequence[tuple[float, float]]) -> float:
    """Return what a polygon encloses (shoelace formula)."""
    following = [*corners[1:], corners[0]]
    twice = sum(x * below - right * y for (x, y), (right, below) in zip(corners, following, strict=True))
    return abs(twice) / 2
