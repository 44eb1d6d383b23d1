"""Promises of engine.images.decoder: any image in, 8-bit and upright out, or one sentence."""

from __future__ import annotations

import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms  # noqa: F401  ImageCms: so that an ICC profile can be made where littlecms is

from engine.errors import ImageError, WorkspaceError
from engine.images.decoder import decode
from engine.images.pictures import image_file, image_png, thumbnail_file
from engine.images.tensors import load_image

GRADIENT = np.linspace(0, 255, 64, dtype=np.uint8)[None, :].repeat(48, axis=0)  # (48, 64), dark left


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels: a few dozen bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif", "pgm", "webp"])
def test_a_grey_image_comes_back_as_it_was_from_every_lossless_format(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(GRADIENT), **options)
    loaded = load_image(path, channels=1)
    assert loaded.shape == (48, 64, 1) and loaded.dtype == np.uint8
    assert np.abs(loaded[:, :, 0].astype(int) - GRADIENT).max() <= (1 if suffix == "webp" else 0)


def test_grey_is_repeated_for_three_channels_and_colour_becomes_luminance_for_one(tmp_path: Path) -> None:
    grey = load_image(saved(tmp_path / "g.png", Image.fromarray(GRADIENT)))
    assert grey.shape == (48, 64, 3)
    assert (grey[..., 0] == grey[..., 2]).all()
    green = load_image(saved(tmp_path / "c.png", Image.new("RGB", (4, 4), (0, 255, 0))), channels=1)
    assert green.shape == (4, 4, 1)
    assert green[0, 0, 0] == 150  # .587 of 255


def test_the_whole_image_is_squeezed_never_cropped(tmp_path: Path) -> None:
    wide = np.zeros((20, 200), np.uint8)
    wide[:, :10] = 255
    wide[:, -10:] = 255
    loaded = load_image(saved(tmp_path / "w.png", Image.fromarray(wide)), size=40, channels=1)
    assert loaded.shape == (40, 40, 1)
    assert loaded[:, 0].min() > 200 and loaded[:, -1].min() > 200 and loaded[:, 20].max() == 0


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    loaded = load_image(saved(tmp_path / "s.png", Image.fromarray(stripes)), size=32, channels=1)
    assert np.abs(loaded.astype(int) - 128).max() < 8


def test_a_large_jpeg_decoded_at_a_fraction_looks_like_the_one_decoded_in_full(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 256, (30, 30), dtype=np.uint8)).resize((1200, 1000), 3)
    path = saved(tmp_path / "big.jpg", smooth, quality=95)
    assert decode(path, at_least=100).image.size == (150, 125)
    assert decode(path, at_least=100).width == 1200
    full = np.asarray(Image.open(path).resize((64, 64), Image.Resampling.BILINEAR), dtype=int)
    assert np.abs(load_image(path, size=64, channels=1)[:, :, 0] - full).mean() < 1.0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_the_size_is_the_upright_one(
    tmp_path: Path, orientation: int
) -> None:
    upright = np.zeros((40, 24), np.uint8)
    upright[:8, :8] = 255  # a marker at the top left
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(saved(tmp_path / "o.png", stored, exif=exif))
    assert (decoded.width, decoded.height) == (24, 40)
    assert (np.asarray(decoded.image) == upright).all()


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = saved(tmp_path / "c.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), quality=95)
    red = load_image(path)[8, 8]
    assert red[0] > 200 and red[1] < 60 and red[2] < 60


def test_a_palette_image_keeps_its_colours_and_its_transparency_lies_on_black(tmp_path: Path) -> None:
    image = Image.new("P", (4, 2))
    image.putpalette([255, 255, 255, 0, 0, 255])
    image.paste(1, (2, 0, 4, 2))
    loaded = load_image(saved(tmp_path / "p.png", image, transparency=0))
    assert loaded[0, 0].tolist() == [0, 0, 0]
    assert loaded[0, 3].tolist() == [0, 0, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_black(tmp_path: Path, mode: str) -> None:
    image = Image.new(mode, (4, 4), (255, 255, 255, 0) if mode == "RGBA" else (255, 0))
    image.paste((255, 255, 255, 255) if mode == "RGBA" else (255, 255), (0, 0, 2, 4))
    loaded = load_image(saved(tmp_path / "a.png", image), channels=1)
    assert loaded[0, :, 0].tolist() == [255, 255, 0, 0]


def test_black_and_white_of_one_bit_is_read(tmp_path: Path) -> None:
    bits = Image.fromarray(GRADIENT).convert("1")
    assert set(np.unique(load_image(saved(tmp_path / "b.png", bits), channels=1))) == {0, 255}


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_to_what_the_image_uses(tmp_path: Path, suffix: str) -> None:
    ramp = np.linspace(1000, 3000, 10_000).astype(np.uint16).reshape(100, 100)
    ramp[0, 0] = 65535  # a dead pixel must not darken the rest
    loaded = load_image(saved(tmp_path / f"d.{suffix}", Image.fromarray(ramp)), channels=1)[:, :, 0]
    assert loaded[0, 1] < 5 and loaded[-1, -1] == 255
    assert abs(int(loaded[50, 0]) - 128) < 4


def test_floating_point_with_holes_is_read(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 100, dtype=np.float32).reshape(10, 10)
    values[0, 0] = np.nan
    loaded = load_image(saved(tmp_path / "f.tif", Image.fromarray(values)), channels=1)
    assert loaded[0, 0, 0] == 0 and loaded[-1, -1, 0] == 255


def test_a_constant_deep_image_is_black_rather_than_an_error(tmp_path: Path) -> None:
    flat = Image.fromarray(np.full((8, 8), 700, np.uint16))
    assert not load_image(saved(tmp_path / "k.png", flat)).any()


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_file_cut_short_is_an_error_even_when_a_fraction_is_decoded(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)
    path = saved(tmp_path / f"t.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 7 // 10])
    with pytest.raises(ImageError, match=rf"t\.{suffix}"):
        load_image(path, size=32)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"not an image", "not an image"), (b"\x89PNG\r\n\x1a\n" + b"x" * 40, "image|damaged")],
)
def test_what_is_no_image_gets_a_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "n.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=says) as raised:
        load_image(path)
    assert raised.value.remedy


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        load_image(tmp_path / "missing.png")


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (16_000, 16_000), (60_000, 60_000)])
def test_a_huge_image_is_refused_before_it_is_decoded_and_without_a_warning(
    tmp_path: Path, width: int, height: int
) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(width, height))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="250 million"):
            load_image(path, size=32)


def test_a_huge_image_prints_nothing_in_a_program_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(20_000, 20_000))
    program = (
        "import sys, pathlib\nfrom engine.images import load_image\nfrom engine.errors import ImageError\n"
        "try: load_image(pathlib.Path(sys.argv[1]))\nexcept ImageError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert "20,000 × 20,000" in done.stdout
    assert done.stderr == ""


def test_a_stack_of_pages_is_refused(tmp_path: Path) -> None:
    page = Image.fromarray(GRADIENT)
    path = saved(tmp_path / "stack.tif", page, save_all=True, append_images=[page, page])
    with pytest.raises(ImageError, match="3 frames"):
        load_image(path)


def test_the_film_is_lossless_and_free_of_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe"
    path = saved(
        tmp_path / "a.png", Image.fromarray(GRADIENT).convert("RGB"), exif=exif, icc_profile=b"Jane Doe"
    )
    film = image_png(path)
    assert b"Jane Doe" in path.read_bytes()
    assert b"Jane" not in film
    (tmp_path / "film.png").write_bytes(film)
    opened = Image.open(tmp_path / "film.png")
    assert opened.mode == "L"  # there was no colour in it
    assert (np.asarray(opened) == GRADIENT).all()
    assert opened.info == {}


def test_a_large_film_is_shrunk_in_proportion(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (3000, 1500), (9, 50, 9)))
    film = Image.open(image_file(tmp_path, path, "ab" * 32, max_side=1024))
    assert film.size == (1024, 512) and film.mode == "RGB"


def test_a_film_is_made_once_also_by_many_at_once(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(GRADIENT))
    with ThreadPoolExecutor(8) as pool:
        films = set(pool.map(lambda _: image_file(tmp_path / "cache", path, "ab" * 32), range(32)))
    (film,) = films
    before = film.stat().st_mtime_ns
    path.unlink()
    assert image_file(tmp_path / "cache", path, "ab" * 32) == film
    assert film.stat().st_mtime_ns == before
    assert [entry.name for entry in film.parent.iterdir()] == [film.name]  # no working file left


def test_a_film_cut_short_by_a_crash_is_made_again(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(GRADIENT))
    film = image_file(tmp_path, path, "ab" * 32)
    film.write_bytes(b"")
    assert Image.open(image_file(tmp_path, path, "ab" * 32)).size == (64, 48)


def test_a_thumbnail_is_a_small_jpeg(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (640, 320), (200, 10, 10)))
    thumbnail = Image.open(thumbnail_file(tmp_path, path, "cd" * 32))
    assert thumbnail.format == "JPEG" and thumbnail.size == (160, 80)


def test_a_cache_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(GRADIENT))
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(WorkspaceError):
        image_file(tmp_path / "cache", path, "ab" * 32)
