"""Promises of engine.images.formats.tiff: the one film in a TIFF, its levels as written, turned once."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from engine.errors import ImageError
from engine.images.decoded import Decoded
from engine.images.formats.rasters import TRANSPARENT
from engine.images.formats.tiff import read_tiff
from tests.engine.images import raw
from tests.engine.images.sentences import check_refusal

RAMP = np.linspace(100, 4000, 48 * 64).reshape(48, 64)
EIGHT = (RAMP // 16).astype(np.uint8)
COLOURS = np.stack([EIGHT, EIGHT[:, ::-1], EIGHT[::-1]], axis=-1)
UPRIGHT = EIGHT[:40, :24].copy()
UPRIGHT[:8, :8] = 255  # a marker at the top left
# How each EXIF orientation stores an upright picture (TIFF 6.0, section 8: where row 0 and column 0 lie).
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: np.rot90(UPRIGHT, 2).T,
    8: np.rot90(UPRIGHT, -1),
}


def read(data: bytes) -> Decoded:
    return read_tiff(data, "a.tif")


def film(
    pixels: np.ndarray[Any, Any], tags: dict[int, Any] | None = None, **options: Any
) -> np.ndarray[Any, Any]:
    return np.asarray(read(raw.tiff((pixels, tags or {}), **options)).image).astype(int)


def stretched(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = np.percentile(values, (0.1, 99.9))
    return np.clip((values.astype(float) - low) / (high - low) * 255, 0, 255)


def near(first: np.ndarray[Any, Any], second: Any, levels: int = 1) -> bool:
    return bool(
        first.shape == np.shape(second) and np.abs(first - np.asarray(second, dtype=float)).max() <= levels
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_picture_is_turned_once_and_its_size_is_the_upright_one(orientation: int, kind: type) -> None:
    decoded = read(raw.tiff((STORED[orientation].astype(kind), {274: orientation})))
    assert (decoded.width, decoded.height) == decoded.image.size == (24, 40)
    expected = UPRIGHT if kind is np.uint8 else stretched(UPRIGHT)
    assert near(np.asarray(decoded.image).astype(int), expected)


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_is_none_turns_nothing(orientation: int) -> None:
    assert (film(EIGHT, {274: orientation}) == EIGHT).all()


KINDS = [np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.float16, np.float32, np.float64]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint8, *KINDS])
def test_white_is_where_the_photometric_interpretation_says_at_any_depth_and_byte_order(
    kind: type, order: str, big: bool
) -> None:
    values = (RAMP // 32 if kind in (np.uint8, np.int8) else RAMP).astype(kind)
    expected = values if kind is np.uint8 else stretched(values)
    assert near(film(values, {262: 1}, order=order, big=big), expected)
    assert near(film(values, {262: 0}, order=order, big=big), 255 - expected.astype(float))


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("white", [0, 1])
def test_fewer_than_eight_bits_are_spread_evenly(bits: int, white: int) -> None:
    values = (EIGHT >> (8 - bits)).astype(np.uint8)
    spread = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    strip = np.packbits(spread.reshape(len(values), -1), axis=1).tobytes()
    shades = values.astype(float) * 255 / (2**bits - 1)
    assert near(film(values, {258: bits, 262: white, 273: strip}), shades if white else 255 - shades)


def test_values_that_are_no_number_are_black_and_do_not_count() -> None:
    values = RAMP.astype(np.float32)
    values[0, :4] = [np.nan, np.inf, -np.inf, np.nan]
    shades = film(values)
    low, high = np.percentile(values[np.isfinite(values)], (0.1, 99.9))
    assert near(shades[1:], np.clip((values[1:] - low) / (high - low) * 255, 0, 255))
    assert shades[0, :4].tolist() == [0, 255, 0, 0]


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_deep_colour_is_scaled_by_the_depth_in_use(kind: type) -> None:
    twelve = COLOURS.astype(int) * 4095 // 255
    twelve[0, 0] = 4095
    values = (twelve / 4095).astype(kind) if kind is np.float32 else twelve.astype(kind)
    assert near(film(values), twelve / 4095 * 255)


def test_grey_kept_as_deep_colour_looks_like_grey() -> None:
    deep = RAMP.astype(np.uint16)
    assert near(film(np.stack([deep] * 3, axis=-1))[..., 0], film(deep), 0)


@pytest.mark.parametrize("scale", [1, 257])
def test_a_palette_of_eight_or_sixteen_bits_is_read(scale: int) -> None:
    shades = np.arange(256)
    table = np.concatenate([shades, shades[::-1], shades // 2]) * scale
    colours = film(EIGHT, {262: 3, 320: table.tolist()})
    assert near(colours, np.stack([EIGHT, 255 - EIGHT.astype(int), EIGHT // 2], axis=-1))


def test_planes_one_after_the_other_are_colour() -> None:
    strips = [COLOURS[..., plane].tobytes() for plane in range(3)]
    assert (film(COLOURS, {284: 2, 273: strips}) == COLOURS).all()


def test_inks_and_luminance_with_colour_differences_become_rgb() -> None:
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[..., 1:3] = 255  # magenta and yellow
    assert (film(inks, {262: 5})[4, 4] == [255, 0, 0]).all()
    differences = np.full((8, 8, 3), [76, 85, 255], np.uint8)  # red (JFIF)
    assert near(film(differences, {262: 6, 530: [1, 1]})[4, 4], [255, 0, 0], 3)


OPACITY = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))


@pytest.mark.parametrize(
    ("extra", "shares"),
    [(0, 1.0), (1, 1.0), (2, OPACITY / 255.0)],
    ids=["not said", "multiplied in", "not yet"],
)
def test_transparency_lies_on_black_once(extra: int, shares: Any) -> None:
    grey = np.stack([EIGHT, OPACITY], axis=-1)
    assert near(film(grey, {338: extra}), EIGHT * shares)
    colour = np.concatenate([COLOURS, OPACITY[..., None]], axis=-1)
    assert near(film(colour, {338: extra}), COLOURS * (shares if extra < 2 else shares[..., None]))


def test_a_film_that_is_wholly_transparent_is_shown_and_that_is_said() -> None:
    decoded = read(raw.tiff((np.stack([EIGHT, np.zeros_like(EIGHT)], axis=-1), {338: 2})))
    assert (np.asarray(decoded.image) == EIGHT).all() and decoded.remarks == (TRANSPARENT,)


# ----------------------------------------------------------------------------------------------- written by libtiff


@pytest.mark.parametrize(
    "compression", [None, "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "lzma", "zstd"]
)
@pytest.mark.parametrize(
    "pixels", [EIGHT, RAMP.astype(np.uint16), COLOURS], ids=["8 bits", "16 bits", "colour"]
)
def test_every_lossless_compression_is_read(compression: str | None, pixels: np.ndarray[Any, Any]) -> None:
    data = written(Image.fromarray(pixels), compression=compression)
    assert near(
        np.asarray(read(data).image).astype(int), stretched(pixels) if pixels.dtype == np.uint16 else pixels
    )


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax_compressions_are_read(compression: str) -> None:
    bits = (EIGHT > 128).astype(np.uint8) * 255
    data = written(Image.fromarray(bits).convert("1"), compression=compression)
    assert (np.asarray(read(data).image) == bits).all()


@pytest.mark.parametrize("pixels", [EIGHT, COLOURS], ids=["grey", "colour"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_jpeg_inside_a_tiff_is_read(pixels: np.ndarray[Any, Any], orientation: int) -> None:
    smooth = Image.fromarray(pixels).resize((16, 16)).resize((64, 64), Image.Resampling.BICUBIC)
    data = written(smooth, compression="jpeg", quality=98, tiffinfo={274: orientation})
    expected = np.asarray(smooth).astype(float)
    expected = np.rot90(expected, -1) if orientation == 6 else expected
    assert np.abs(np.asarray(read(data).image) - expected).mean() < 6


def written(image: Image.Image, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, "TIFF", **options)
    return stream.getvalue()


# ------------------------------------------------------------------------------------------------------------ pages

SMALL = EIGHT[::4, ::4]


@pytest.mark.parametrize("aside", [{254: 1}, {254: 4}, {254: 5}, {254: 3}, {255: 2}])
def test_previews_and_masks_are_no_films(aside: dict[int, Any]) -> None:
    for pages in ([(EIGHT, {}), (SMALL, aside)], [(SMALL, aside), (EIGHT, {254: 0}), (SMALL, aside)]):
        assert (np.asarray(read(raw.tiff(*pages)).image) == EIGHT).all()


@pytest.mark.parametrize("count", [2, 3, 30])
@pytest.mark.parametrize("tags", [{}, {254: 2}, {255: 3}])
def test_several_pages_are_refused(count: int, tags: dict[int, Any]) -> None:
    with pytest.raises(ImageError, match=f"holds {count} frames or pages") as raised:
        read(raw.tiff(*[(EIGHT, tags)] * count))
    check_refusal(raised.value, "a.tif")


def test_a_stack_that_only_its_description_tells_of_is_refused() -> None:
    strip = EIGHT.tobytes() * 5
    data = raw.tiff((EIGHT, {270: b"ImageJ=1.53\nimages=5\nslices=5\n", 273: strip, 279: EIGHT.size}))
    with pytest.raises(ImageError, match="holds 5 frames or pages"):
        read(data)


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ([(EIGHT, {50706: [1, 4, 0, 0]})], "raw file"),
        ([(SMALL, {254: 1, 50706: [1, 4, 0, 0]})], "raw file"),
        ([(EIGHT, {262: 32803})], "raw file"),
        ([(EIGHT, {32997: 4})], "4 frames or pages"),
        ([(np.stack([EIGHT] * 5, axis=-1), {262: 1, 338: [0] * 4})], "5 channels"),
        ([(EIGHT, {256: 60_000, 257: 60_000})], "250 million"),
        ([(EIGHT, {259: 12345})], "damaged|not read"),
        ([(EIGHT.astype(np.complex64), {})], "complex"),
        ([(COLOURS, {262: 8})], "CIELAB"),
    ],
)
def test_what_cannot_be_a_film_gets_a_sentence(pages: list[Any], says: str) -> None:
    with pytest.raises(ImageError, match=says) as raised:
        read(raw.tiff(*pages))
    check_refusal(raised.value, "a.tif")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_a_file_that_was_cut_short_is_refused(share: float, compression: str | None) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    whole = written(Image.fromarray(noise), compression=compression)
    end = raw.tiff((noise, {}))  # its strips come first, so that its directory goes
    for data in (whole, end):
        with pytest.raises(ImageError) as raised:
            read(data[: int(len(data) * share)])
        check_refusal(raised.value, "a.tif")


def test_strips_that_hold_too_little_are_refused() -> None:
    with pytest.raises(ImageError, match="cut short"):
        read(raw.tiff((EIGHT, {273: EIGHT.tobytes()[:1000]})))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_film_is_what_tifffile_reads_of_it(kind: type) -> None:
    values = (RAMP // 16).astype(kind)
    data = raw.tiff((values, {274: 1}))
    with tifffile.TiffFile(BytesIO(data)) as opened:
        read_by_tifffile = opened.asarray()
    assert (read_by_tifffile == values).all()
    assert near(film(values), read_by_tifffile if kind is np.uint8 else stretched(read_by_tifffile))
