"""Promises of engine.images.formats.rasters: every other format to eight bits, upright, and never half of it."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from engine.errors import ImageError
from engine.images.decoded import Decoded
from engine.images.decoder import decode
from engine.images.formats.rasters import TRANSPARENT
from engine.images.formats.streams import ENDLESS
from tests.engine.images import raw
from tests.engine.images.sentences import check_refusal

GREY = np.linspace(0, 255, 64, dtype=np.uint8)[None, :].repeat(48, axis=0)  # (48, 64), dark left
DEEP = np.linspace(0, 4095, 48 * 64).astype(np.uint16).reshape(48, 64)
COLOURS = np.stack([GREY, GREY[:, ::-1], GREY // 2], axis=-1)
DEEP_COLOURS = np.stack([DEEP, DEEP[:, ::-1], DEEP[::-1]], axis=-1)
NOISE = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
NOISE_COLOURS = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)


def read(data: bytes, name: str = "a.png", **options: Any) -> Decoded:
    return decode(Path(name), data=data, **options)


def film(data: bytes, name: str = "a.png") -> np.ndarray[Any, Any]:
    return np.asarray(read(data, name).image).astype(int)


def near(first: np.ndarray[Any, Any], second: Any, levels: int = 1) -> bool:
    return bool(
        first.shape == np.shape(second) and np.abs(first - np.asarray(second, dtype=float)).max() <= levels
    )


def stretched(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = np.percentile(values, (0.1, 99.9))
    return np.clip((values.astype(float) - low) / (high - low) * 255, 0, 255)


def bmp(pixels: np.ndarray[Any, Any]) -> bytes:
    blue_first = pixels[::-1, :, ::-1]
    lines = b"".join(line.tobytes() + bytes(-3 * len(line) % 4) for line in blue_first)
    size = struct.pack("<IiiHHIIiiII", 40, pixels.shape[1], pixels.shape[0], 1, 24, 0, len(lines), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(lines), 0, 0, 54) + size + lines


def tga(pixels: np.ndarray[Any, Any]) -> bytes:
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 3, 0, 0, 0, 0, 0, pixels.shape[1], pixels.shape[0], 8, 0x20)
    return head + pixels.tobytes()


def gif(pixels: np.ndarray[Any, Any]) -> bytes:
    """Grey, its LZW codes left at nine bits by clearing the table in time."""
    codes = []
    for start in range(0, pixels.size, 200):
        codes += [256, *pixels.ravel()[start : start + 200].tolist()]
    bits = (np.array([*codes, 257])[:, None] >> np.arange(9)) & 1
    packed = np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes()
    blocks = b"".join(
        bytes([len(packed[start : start + 255])]) + packed[start : start + 255]
        for start in range(0, len(packed), 255)
    )
    size = struct.pack("<HH", pixels.shape[1], pixels.shape[0])
    palette = bytes(level for level in range(256) for _ in range(3))
    return b"GIF89a" + size + b"\xf7\0\0" + palette + b"," + bytes(4) + size + b"\0\x08" + blocks + b"\0;"


def pnm(pixels: np.ndarray[Any, Any], highest: int) -> bytes:
    kind = 5 if pixels.ndim == 2 else 6
    data = pixels.astype(">u2" if highest > 255 else "u1").tobytes()
    return f"P{kind}\n# a note\n{pixels.shape[1]} {pixels.shape[0]}\n{highest}\n".encode() + data


def heic(pixels: np.ndarray[Any, Any], **options: Any) -> bytes:
    """By the library that reads it: no other encoder of HEIC comes in a package."""
    stream = BytesIO()
    made = pillow_heif.from_pillow(Image.fromarray(pixels))
    made.save(stream, quality=-1, chroma=444, **options)
    return stream.getvalue()


LOSSLESS = {
    "png": (raw.png(GREY), GREY),
    "png colour": (raw.png(COLOURS), COLOURS),
    "gif": (gif(GREY), GREY),
    "bmp": (bmp(COLOURS), COLOURS),
    "pgm": (pnm(GREY, 255), GREY),
    "ppm": (pnm(COLOURS, 255), COLOURS),
    "webp": (imagecodecs.webp_encode(COLOURS, lossless=True), COLOURS),
    "jp2": (imagecodecs.jpeg2k_encode(GREY, level=0, reversible=True), GREY),
    "j2k": (imagecodecs.jpeg2k_encode(COLOURS, level=0, reversible=True, codecformat="J2K"), COLOURS),
    "tga": (tga(GREY), GREY),
}


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_an_image_comes_back_as_it_was_from_every_lossless_format(suffix: str) -> None:
    data, pixels = LOSSLESS[suffix]
    levels = film(data, f"a.{suffix.split()[0]}")
    if levels.ndim > pixels.ndim:  # a format without grey
        assert (levels == levels[..., :1]).all()
        levels = levels[..., 0]
    assert (levels == pixels).all()


@pytest.mark.parametrize(
    "data",
    [
        imagecodecs.jpeg_encode(COLOURS, level=98),
        imagecodecs.webp_encode(COLOURS, level=98),
        imagecodecs.avif_encode(COLOURS, level=98),
        heic(COLOURS),
    ],
    ids=["jpeg", "webp", "avif", "heic"],
)
def test_an_image_comes_back_nearly_as_it_was_from_every_lossy_format(data: bytes) -> None:
    assert np.abs(film(data) - COLOURS).mean() < 4


# ---------------------------------------------------------------------------------------------- more than eight bits


def test_deep_grey_is_stretched_to_what_it_uses_and_a_dead_pixel_does_not_darken_it() -> None:
    used = DEEP + 1000
    used[0, 0] = 65535
    for data in (raw.png(used), imagecodecs.jpeg2k_encode(used, level=0, reversible=True), pnm(used, 65535)):
        assert near(film(data)[1:], stretched(used)[1:])


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_colour_is_scaled_by_the_depth_in_use(bits: int) -> None:
    deep = (DEEP_COLOURS.astype(int) * (2**bits - 1) // 4095).astype(np.uint16)
    expected = deep / (2**bits - 1) * 255
    assert near(film(raw.png(deep)), expected)
    assert near(film(imagecodecs.jpeg2k_encode(deep, level=0, reversible=True, bitspersample=bits)), expected)
    assert near(film(pnm(deep, 2**bits - 1)), expected)


def test_grey_kept_as_deep_colour_looks_like_grey() -> None:
    as_colour = film(raw.png(np.stack([DEEP] * 3, axis=-1)))
    assert (as_colour == film(raw.png(DEEP))[..., None]).all()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_fewer_bits_are_spread_evenly(bits: int) -> None:
    few = GREY >> (8 - bits)
    assert near(film(raw.png(few, bits=bits)), few * 255.0 / (2**bits - 1))


def test_a_deep_jpeg_is_read() -> None:
    stream = imagecodecs.jpeg_encode(DEEP, level=98, bitspersample=12)
    assert np.abs(film(stream, "a.jpg") - stretched(DEEP)).mean() < 3
    assert near(
        film(imagecodecs.jpeg_encode(DEEP, lossless=True, bitspersample=16), "a.jpg"), stretched(DEEP)
    )
    with pytest.raises(ImageError, match="cut short"):
        film(stream[: len(stream) // 2], "a.jpg")


def test_a_flat_deep_image_is_black_rather_than_an_error() -> None:
    assert not film(raw.png(np.full((8, 8), 700, np.uint16))).any()


# ----------------------------------------------------------------------------------------------------- transparency


@pytest.mark.parametrize("depth", [1, 257], ids=["8 bits", "16 bits"])
def test_what_is_transparent_is_black(depth: int) -> None:
    opacity = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    kind = np.uint8 if depth == 1 else np.uint16
    grey = np.stack([GREY, opacity], axis=-1).astype(kind) * depth
    assert near(film(raw.png(grey)), GREY * (opacity / 255.0))
    colour = np.concatenate([COLOURS, opacity[..., None]], axis=-1).astype(kind) * depth
    assert near(film(raw.png(colour)), COLOURS * (opacity / 255.0)[..., None])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_image_that_is_wholly_transparent_is_shown_and_that_is_said(kind: type) -> None:
    deep = 1 if kind is np.uint8 else 257
    decoded = read(raw.png(np.stack([GREY, np.zeros_like(GREY)], axis=-1).astype(kind) * deep))
    assert near(np.asarray(decoded.image).astype(int), GREY) and decoded.remarks == (TRANSPARENT,)


def test_a_palette_keeps_its_colours_and_its_transparency_lies_on_black() -> None:
    palette = raw.chunk(b"PLTE", bytes([255, 255, 255, 0, 0, 255]))
    clear = raw.chunk(b"tRNS", bytes([0, 255]))
    places = np.array([[0, 0, 1, 1]] * 2, np.uint8)
    levels = film(raw.png(places, colour=3, extra=[palette, clear]))
    assert levels[0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 255], [0, 0, 255]]


# ------------------------------------------------------------------------------------------------------ orientation

UPRIGHT = np.zeros((40, 24), np.uint8)
UPRIGHT[:8, :8] = 255  # a marker at the top left
TURNS = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: np.rot90(UPRIGHT, 2).T,
    8: np.rot90(UPRIGHT, -1),
}


def jpeg_with(exif: bytes, pixels: np.ndarray[Any, Any]) -> bytes:
    stream = imagecodecs.jpeg_encode(np.ascontiguousarray(pixels), level=98)
    block = b"Exif\0\0" + exif
    return stream[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + stream[2:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_once_and_its_size_is_the_upright_one(orientation: int) -> None:
    exif, stored = raw.exif_of(orientation), TURNS[orientation]
    for data in (raw.png(stored, extra=[raw.chunk(b"eXIf", exif)]), jpeg_with(exif, stored)):
        decoded = read(data)
        assert (decoded.width, decoded.height) == decoded.image.size == (24, 40)
        assert near(np.asarray(decoded.image).astype(int), UPRIGHT, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_and_avif_are_turned_once_too(orientation: int) -> None:
    colours = np.repeat(np.ascontiguousarray(TURNS[orientation])[..., None], 3, axis=2)
    stored = Image.fromarray(colours)
    exif = b"Exif\0\0" + raw.exif_of(orientation)
    for kind in ("HEIF", "AVIF"):
        stream = BytesIO()
        stored.save(stream, kind, exif=exif, quality=95)
        decoded = read(stream.getvalue())
        assert (decoded.width, decoded.height) == decoded.image.size == (24, 40)
        assert near(np.asarray(decoded.image.convert("L")).astype(int), UPRIGHT, 60)


@pytest.mark.parametrize("exif", [b"", b"II*\0", b"not exif", raw.exif_of(0), raw.exif_of(77), b"\xff" * 40])
def test_a_malformed_exif_block_turns_nothing(exif: bytes) -> None:
    assert (film(raw.png(GREY, extra=[raw.chunk(b"eXIf", exif)])) == GREY).all()


# -------------------------------------------------------------------------------------- an odd note stops nothing


@pytest.mark.parametrize(
    "note",
    [
        raw.chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(80_000_000))),
        raw.chunk(b"iCCP", b"name\0\0not a profile"),
        raw.chunk(b"tEXt", b"no separator"),
        raw.chunk(b"pHYs", b"short"),
        raw.chunk(b"gAMA", b""),
        struct.pack(">I", 4) + b"tEXtabcd" + b"bad!",  # its checksum is wrong
        raw.chunk(b"abCd", b"unknown"),
    ],
    ids=["80 MB of text", "profile", "text", "resolution", "gamma", "checksum", "unknown"],
)
def test_a_note_in_a_png_never_refuses_it(note: bytes) -> None:
    assert (film(raw.png(GREY, extra=[note])) == GREY).all()


# -------------------------------------------------------------------------------------------------------- refusals

CUT = {
    "a.jpg": imagecodecs.jpeg_encode(NOISE_COLOURS, level=90),
    "progressive.jpg": imagecodecs.jpeg_encode(NOISE, level=90, optimize=True),
    "a.png": raw.png(NOISE),
    "deep.png": raw.png(NOISE_COLOURS.astype(np.uint16) * 257),
    "a.gif": gif(NOISE),
    "a.bmp": bmp(NOISE_COLOURS),
    "a.pgm": pnm(NOISE, 255),
    "a.webp": imagecodecs.webp_encode(NOISE_COLOURS, level=90),
    "lossless.webp": imagecodecs.webp_encode(NOISE_COLOURS, lossless=True),
    "a.jp2": imagecodecs.jpeg2k_encode(NOISE, level=0, reversible=True),
    "deep.jp2": imagecodecs.jpeg2k_encode(NOISE_COLOURS.astype(np.uint16) * 257, level=0, reversible=True),
    "a.avif": imagecodecs.avif_encode(
        NOISE_COLOURS, level=90, speed=8
    ),  # at its usual 6 noise takes three seconds
    "a.heic": heic(NOISE_COLOURS),
    "a.tga": tga(NOISE),
}


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", CUT)
def test_a_file_that_was_cut_short_is_refused_in_every_format(name: str, share: float) -> None:
    data = CUT[name][: max(4, int(len(CUT[name]) * share))]
    for options in ({}, {"at_least": 32, "grey": True}):
        with pytest.raises(ImageError) as raised:
            read(data, name, **options)
        check_refusal(raised.value, name)


@pytest.mark.parametrize("name", [name for name in CUT if name not in ("a.bmp", "a.pgm", "a.tga")])
def test_a_copy_that_was_interrupted_in_room_set_aside_for_it_is_refused(name: str) -> None:
    half = CUT[name][: len(CUT[name]) // 2]
    with pytest.raises(ImageError) as raised:
        read(half + bytes(len(CUT[name]) - len(half)), name)
    check_refusal(raised.value, name)


def animated(kind: str) -> bytes:
    stream = BytesIO()
    frames = [Image.fromarray(COLOURS), Image.fromarray(255 - COLOURS), Image.fromarray(COLOURS[:, ::-1])]
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_moving_pictures_are_refused(kind: str) -> None:
    with pytest.raises(ImageError, match="holds 3 frames") as raised:
        read(animated(kind))
    check_refusal(raised.value, "a.png")


def test_a_photograph_with_a_preview_behind_it_is_the_photograph() -> None:
    stream = BytesIO()
    photograph = Image.fromarray(COLOURS).resize((640, 480))
    photograph.save(stream, "MPO", save_all=True, append_images=[photograph.resize((64, 48))], quality=95)
    whole, fraction = read(stream.getvalue()), read(stream.getvalue(), at_least=64)
    assert whole.image.size == (640, 480) == (fraction.width, fraction.height)
    assert fraction.image.size == (160, 120)  # the smallest fraction with both sides long enough


# ------------------------------------------------------------------------------------------ what lacks only its end


def jpegs() -> dict[str, bytes]:
    photograph = Image.fromarray(NOISE_COLOURS[:40, :50]).resize((200, 160), Image.Resampling.BICUBIC)
    streams = {"baseline grey": imagecodecs.jpeg_encode(NOISE, level=90)}
    for name, options in {
        "baseline colour": {},
        "progressive": {"progressive": True},
        "subsampled": {"subsampling": "4:2:0"},
        "with restarts": {"restart_marker_blocks": 3},
        "one scan a component": {"keep_rgb": True, "progressive": True},
    }.items():
        stream = BytesIO()
        photograph.save(stream, "JPEG", quality=85, **options)
        streams[name] = stream.getvalue()
    return streams


JPEGS = jpegs()


def is_said(decoded: Decoded) -> bool:
    return ENDLESS in decoded.remarks


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_is_shown_without_its_end_marker_and_never_without_some_of_its_picture(name: str) -> None:
    whole = read(JPEGS[name], "a.jpg")
    pixels = np.asarray(whole.image)
    assert not is_said(whole)
    for missing in (1, 2):
        shown = read(JPEGS[name][:-missing], "a.jpg")
        assert is_said(shown) and (np.asarray(shown.image) == pixels).all()
    refused = 0
    for missing in (*range(3, 40), *range(100, len(JPEGS[name]) - 700, 1501)):
        try:
            shown = read(JPEGS[name][:-missing], "a.jpg")
        except ImageError as error:
            assert "was cut short" in error.problem
            refused += 1
        else:  # what is missing says nothing: it only fills the last byte
            assert is_said(shown) and (np.asarray(shown.image) == pixels).all()
    assert refused >= 35


@pytest.mark.parametrize("part", ["first scan", "all but the last scan"])
def test_a_jpeg_that_ends_between_scans_is_refused(part: str) -> None:
    stream = JPEGS["progressive"]
    scans = [place for place in range(len(stream)) if stream[place : place + 2] == b"\xff\xda"]
    ends = {"first scan": scans[1], "all but the last scan": scans[-1]}[part]
    with pytest.raises(ImageError, match="cut short"):
        read(stream[:ends], "a.jpg")


@pytest.mark.parametrize(("name", "end"), [("a.png", 12), ("a.png", 5), ("a.gif", 1), ("a.jp2", 2)])
def test_a_file_that_lacks_only_its_end_is_shown_and_said_in_every_format(name: str, end: int) -> None:
    stream = BytesIO()
    Image.fromarray(NOISE).save(stream, "GIF")
    data = {"a.png": raw.png(NOISE), "a.gif": stream.getvalue(), "a.jp2": CUT["a.jp2"]}[name]
    whole, shown = read(data, name), read(data[:-end], name)
    assert is_said(shown) and not is_said(whole)
    assert (np.asarray(whole.image) == np.asarray(shown.image)).all()
