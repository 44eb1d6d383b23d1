"""Promises of films in the depth of their files: nothing outside the first window is lost, the look is the same."""

from __future__ import annotations

import json
import struct
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings, strategies as st

from engine.errors import ImageError
from engine.images.decoder import decode
from engine.images.depth import Levels, no_larger
from engine.images.pictures import film_levels
from tests.engine.images import raw
from tests.engine.images.formats.test_dicom import dicom, table
from tests.engine.images.formats.test_dicom_corpus import FILES, read

TEXT = {b"jane", b"doe", b"mrn-17", b"elsewhere"}


def levels(data: bytes, name: str = "a.dcm") -> Levels:
    found = decode(Path(name), data=data, deep=True).levels
    assert found is not None
    return found


def means(found: Levels) -> np.ndarray[Any, Any]:
    return found.values * found.slope + found.intercept


def shown(found: Levels) -> np.ndarray[Any, Any]:
    return found.table[found.values]


def unpacked(data: bytes) -> tuple[dict[str, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What a browser makes of the bytes: level by level, as they are described."""
    (length,) = struct.unpack_from("<I", data)
    told = json.loads(data[4 : 4 + length])
    greys = np.frombuffer(data, np.uint8, told["entries"], 4 + length)
    body, count = zlib.decompress(data[4 + length + told["entries"] :]), told["width"] * told["height"]
    out = []
    for place in range(count * told["planes"]):
        last = out[-1] if place % told["width"] else 0
        if told["bytes"] == 1:
            out.append((last + body[place]) % 256)
        else:
            folded = body[place] | body[place + count] << 8
            out.append((last + (folded >> 1 ^ -(folded & 1))) % 65536)
    return told, greys, np.array(out).reshape(told["planes"], told["height"], told["width"])


def core() -> np.ndarray[Any, Any]:
    """A body of 1,200 with a core at 3,600 to 3,640, far outside the window."""
    body = np.full((40, 60), 1200, np.int16)
    body[10:30, 20:40] = np.linspace(3600, 3640, 20).astype(np.int16)
    return body


def test_what_lies_outside_the_first_window_is_kept_to_the_last_value() -> None:
    data = raw.dicom(core(), PixelRepresentation=1, WindowCenter=1200, WindowWidth=400, Modality="CT")
    found = levels(data)
    assert (means(found) == core()).all()
    assert (found.window.centre, found.window.width, found.unit) == (1200, 400, "HU")
    assert (shown(found)[10:30, 20:40] == 255).all()  # flat, as the film is
    assert len(np.unique(found.values[10:30, 20:40])) == 20


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"WindowCenter": 900, "WindowWidth": 1},
        {"WindowCenter": 900, "WindowWidth": 700, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 900, "WindowWidth": 700, "VOILUTFunction": "LINEAR_EXACT"},
        {"RescaleSlope": -0.37, "RescaleIntercept": 1024.5, "WindowCenter": 300, "WindowWidth": 900},
        {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 500},
        {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 500, "PhotometricInterpretation": "MONOCHROME1"},
        {"PixelPaddingValue": 4000, "RescaleSlope": -1, "RescaleIntercept": 4000},
        {"VOILUTSequence": table(10, np.arange(1024)[::-1] ** 1 % 1024, 1000)},
    ],
    ids=lambda told: " ".join(map(str, told)) or "plain",
)
def test_a_film_is_first_shown_as_its_eight_bits_are(attributes: dict[str, Any]) -> None:
    decoded = decode(Path("a.dcm"), data=dicom(**attributes), deep=True)
    assert decoded.levels is not None
    assert (shown(decoded.levels) == np.asarray(decoded.image)).all()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_other_peoples_files_too_are_first_shown_as_their_eight_bits_are(path: Path) -> None:
    try:
        decoded = decode(path, deep=True)
    except ImageError:
        return
    found = decoded.levels
    assert found is not None and found.values.shape[:2] == (decoded.height, decoded.width)
    if any("made square" in step for step in decoded.steps):
        return  # what is between two levels is shown as the eight bits only nearly
    film = np.asarray(decoded.image)
    film = film[..., 0] if film.ndim > found.values.ndim else film
    off = np.abs(shown(found).astype(int) - film)
    rounded = read(path).get("BitsAllocated", 16) > 16  # 32 bits in 16
    assert off.max() <= rounded, f"{off.max()} of 255"


LEVELS16 = (np.arange(48 * 64).reshape(48, 64) * 21).astype(np.uint16)


@pytest.mark.parametrize(
    ("name", "data", "kept"),
    [
        ("16-bit.png", raw.png(LEVELS16), LEVELS16),
        ("three-equal.png", raw.png(np.repeat(LEVELS16[..., None], 3, axis=2)), LEVELS16),
        (
            "12-bit.jpg",
            imagecodecs.jpeg8_encode(LEVELS16 >> 4, bitspersample=12, lossless=True),
            LEVELS16 >> 4,
        ),
        ("8-bit.png", raw.png((LEVELS16 >> 8).astype(np.uint8)), LEVELS16 >> 8),
    ],
)
def test_every_grey_format_keeps_its_depth(name: str, data: bytes, kept: np.ndarray[Any, Any]) -> None:
    decoded = decode(Path(name), data=data, deep=True)
    assert decoded.levels is not None
    assert (means(decoded.levels) == kept).all()
    film = np.asarray(decoded.image)
    assert (shown(decoded.levels) == (film if film.ndim == 2 else film[..., 0])).all()


@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("turn", [1, 6])
def test_a_tiff_is_turned_and_inverted_in_its_depth(tmp_path: Path, white: bool, turn: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, LEVELS16, photometric="miniswhite" if white else "minisblack", extratags=[(274, 3, 1, turn)]
    )
    decoded = decode(path, deep=True)
    assert decoded.levels is not None
    assert (means(decoded.levels) == (LEVELS16 if turn == 1 else np.rot90(LEVELS16, -1))).all()
    assert (shown(decoded.levels) == np.asarray(decoded.image)).all()


@pytest.mark.parametrize(
    ("attributes", "spacing", "where"),
    [
        ({"PixelSpacing": "0.2\\0.2"}, 0.2, ""),
        ({"ImagerPixelSpacing": "0.143\\0.143"}, 0.143, "at the detector"),
        ({"PixelSpacing": "0.4\\0.2"}, 0.2, ""),
        ({"PixelSpacing": "0\\0"}, None, ""),
        ({}, None, ""),
    ],
)
def test_a_ruler_knows_millimetres_and_where_they_hold(
    attributes: dict[str, Any], spacing: float | None, where: str
) -> None:
    found = levels(dicom(**attributes))
    assert (found.spacing, found.spacing_at) == (spacing, where)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.int16, np.uint16]), st.integers(1, 9))
def test_a_browser_unpacks_every_level_again(tmp_path_factory: Any, seed: int, kind: Any, side: int) -> None:
    info = np.iinfo(kind)
    rng = np.random.default_rng(seed)
    pixels = rng.integers(info.min, info.max, (side, side + 1), kind, endpoint=True)
    data = raw.dicom(pixels, PixelRepresentation=int(info.min < 0))
    path = tmp_path_factory.mktemp("films") / "a.dcm"
    path.write_bytes(data)
    told, greys, planes = unpacked(film_levels(path, sha256(data).hexdigest(), unchanged=True))
    assert (planes[0] * told["slope"] + told["intercept"] == pixels).all()
    assert len(greys) > planes.max()


def test_nothing_of_the_header_is_in_what_a_browser_gets(tmp_path: Path) -> None:
    named = {"PatientName": "Doe^Jane", "InstitutionName": "Saint Elsewhere", "PatientID": "MRN-17"}
    path = tmp_path / "Doe_Jane_pneumonia.dcm"
    named |= {"WindowCenterWidthExplanation": "DOE", "RescaleType": "JANE", "RescaleSlope": 2}
    path.write_bytes(dicom(**named, WindowCenter=1200, WindowWidth=400))
    data = film_levels(path, "")
    assert not [word for word in TEXT | {b"pneumonia", b"DX"} if word in data.lower() + data]
    assert set(unpacked(data)[0]) == {
        "slope", "intercept", "unit", "window", "exact", "windows", "inverted", "padding", "spacing", "spacing_at",
        "shrunk", "width", "height", "bytes", "planes", "entries",
    }  # fmt: skip


def test_a_film_of_colours_keeps_its_three_planes(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(raw.png(colours))
    told, _, planes = unpacked(film_levels(path, ""))
    assert told["planes"] == 3 and (np.moveaxis(planes, 0, -1) == colours).all()


def test_a_film_too_large_for_a_browser_is_sent_as_means_and_says_so() -> None:
    whole = levels(dicom(PixelSpacing="0.2\\0.2"))
    small = no_larger(whole, whole.values.size // 3)
    assert (small.shrunk, small.spacing) == (2, 0.4)
    expected = whole.values.reshape(24, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(small.values - expected).max() <= 0.5
