"""A mask is white where the reader drew and nowhere else, whoever reads it; its table says whose it is."""

from __future__ import annotations

import csv
import io
import json

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.records import Region
from engine.report.exports.bundle.masks import region_files
from engine.report.exports.bundle.searching import _chunks as chunks_of

SIZES = {"a" * 64: (200, 100), "b" * 64: (64, 64)}


def box(x: float, y: float, width: float, height: float, label: str = "") -> Region:
    return Region(x=x, y=y, width=width, height=height, label=label)


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(imagecodecs.png_decode(png), np.uint8)


def test_each_finding_of_a_reader_on_an_image_is_one_mask_of_the_images_size() -> None:
    triangle = Region(
        x=0.5, y=0.5, width=0.5, height=0.5, shape="polygon", points=((0.5, 0.5), (1, 0.5), (0.5, 1))
    )
    ellipse = Region(x=0.25, y=0.25, width=0.5, height=0.5, label="mass", shape="ellipse")
    drawn = [
        ("a" * 64, "آنا", [box(0.1, 0.2, 0.2, 0.5, "nodule"), box(0.6, 0.2, 0.1, 0.1, "nodule"), triangle]),
        ("b" * 64, "ben", [ellipse]),
        ("b" * 64, "carl", []),
        ("c" * 64, "ben", [box(0, 0, 1, 1)]),
    ]
    files = region_files(drawn, SIZES)
    table = list(csv.DictReader(io.StringIO(files["masks.csv"].decode("utf-8-sig"))))
    assert [(row["image_id"][0], row["reader"], row["finding"], row["regions"]) for row in table] == [
        ("a", "آنا", "nodule", "2"),
        ("a", "آنا", "region", "1"),
        ("b", "ben", "mass", "1"),
    ]
    nodules, region, mass = (pixels(files[row["mask"]]) for row in table)
    expected = np.zeros((100, 200), np.uint8)
    expected[20:70, 20:60] = expected[20:30, 120:140] = 255
    assert (nodules == expected).all()
    assert (region > 0).sum() == pytest.approx(200 * 100 / 8, rel=0.03)
    assert (mass > 0).sum() == pytest.approx(np.pi * 16 * 16, rel=0.06) and mass.shape == (64, 64)
    told = json.loads(files["regions.coco.json"])
    assert told["info"]["without_size"] == 1 and len(told["annotations"]) == 4
    assert region_files([("a" * 64, "anna", [])], SIZES) == {}


def test_of_a_png_all_is_searched_but_pixels_however_it_ends() -> None:
    files = region_files([("b" * 64, "ben", [box(0, 0, 1, 1)])], SIZES)
    (png,) = (data for name, data in files.items() if name.endswith(".png"))
    head = png[:8]
    said = b"\0\0\0\5tEXtJane\0crc!"
    told = list(chunks_of(png[:33] + said + png[33:] + b"behind"))
    assert told[0].startswith(b"IHDR") and b"tEXtJane\0" in told and told[-1] == b"behind"
    assert not any(each.startswith(b"IDAT") for each in told) and told[-2] == b"IEND"
    for left in range(8):  # cut short before a chunk has its name
        assert b"".join(chunks_of(head + b"Jane Doe"[:left])) == b"Jane Doe"[:left]
