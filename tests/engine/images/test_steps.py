"""What was done to an image's pixels is said as it was done, in order; an image shown as it stands says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.images.decoder import decode
from tests.engine.images import raw

EIGHT = np.arange(256, dtype=np.uint8).reshape(16, 16)
DEEP = (np.arange(256, dtype=np.uint16) * 200).reshape(16, 16)
TWELVE = {"BitsStored": 12, "HighBit": 11}
STRETCHED = "stretched from the darkest to the brightest levels in use"


def steps(data: bytes, name: str) -> tuple[str, ...]:
    return decode(Path(name), data=data).steps


@pytest.mark.parametrize(
    ("pixels", "attributes", "said"),
    [
        (EIGHT, {}, ()),
        (DEEP, {}, ("16 bits", STRETCHED)),
        (
            DEEP // 16,
            {
                **TWELVE,
                "WindowCenter": 40,
                "WindowWidth": 400,
                "RescaleSlope": 1,
                "RescaleIntercept": -1024,
                "PhotometricInterpretation": "MONOCHROME1",
            },
            ("12 bits", "rescaled: × 1 − 1024", "window 40/400 of the file", "inverted (MONOCHROME1)"),
        ),
        (EIGHT, {"PresentationLUTShape": "INVERSE"}, ("inverted (PresentationLUTShape INVERSE)",)),
        (DEEP, {"WindowCenter": 1, "WindowWidth": -5}, ("16 bits", STRETCHED)),  # an odd window is not used
        (EIGHT, {"PixelPaddingValue": 0}, ("padding shown black",)),
        (
            EIGHT,
            {"PixelAspectRatio": "2\\1"},
            ("made square: 16 × 16 pixels are oblong in the file",),
        ),
    ],
)
def test_a_dicom_film_says_what_was_done(
    pixels: Any, attributes: dict[str, Any], said: tuple[str, ...]
) -> None:
    assert steps(raw.dicom(pixels, **attributes), "a.dcm") == said


def test_a_png_says_what_was_done() -> None:
    turned = raw.chunk(b"eXIf", raw.exif_of(6))
    assert steps(raw.png(EIGHT), "a.png") == ()
    assert steps(raw.png(EIGHT, extra=[turned]), "a.png") == ("turned upright (orientation 6 of the file)",)
    assert steps(raw.png(DEEP), "a.png") == ("16 bits", STRETCHED)
    opaque = np.full_like(EIGHT, 200)
    assert steps(raw.png(np.stack([EIGHT] * 3 + [opaque], axis=-1)), "a.png") == (
        "transparency laid on black",
    )
    assert steps(raw.png(np.stack([DEEP, DEEP // 2, DEEP // 3], axis=-1)), "a.png") == (
        "16 bits",
        "all colours by one scale",
    )


@pytest.mark.parametrize(
    ("pixels", "tags", "said"),
    [
        (EIGHT, {262: 1}, ()),
        (DEEP, {262: 0}, ("16 bits", STRETCHED, "inverted (WhiteIsZero)")),
        (EIGHT, {262: 1, 274: 3}, ("turned upright (orientation 3 of the file)",)),
        (DEEP.astype(np.float32), {262: 1}, ("32-bit floats", STRETCHED)),
    ],
)
def test_a_tiff_says_what_was_done(pixels: Any, tags: dict[int, Any], said: tuple[str, ...]) -> None:
    assert steps(raw.tiff((pixels, tags)), "a.tif") == said
