"""Promises of engine.images.pictures: films and thumbnails without metadata, made once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.images import pictures
from engine.images.pictures import image_png, kept_image, kept_thumbnail
from tests.engine.images import raw

GRADIENT = np.linspace(0, 255, 64, dtype=np.uint8)[None, :].repeat(48, axis=0)  # (48, 64), dark left


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def plain(path: Path, width: int, height: int, colour: tuple[int, int, int]) -> Path:
    return written(path, raw.png(np.full((height, width, 3), colour, np.uint8)))


def test_the_film_is_lossless_and_free_of_metadata(tmp_path: Path) -> None:
    named = [raw.chunk(b"tEXt", b"Patient\0Jane Doe"), raw.chunk(b"eXIf", b"Jane Doe")]
    grey = np.repeat(GRADIENT[..., None], 3, axis=2)
    path = written(tmp_path / "a.png", raw.png(grey, extra=named))
    film = image_png(path)
    assert b"Jane Doe" in path.read_bytes()
    assert b"Jane" not in film
    (tmp_path / "film.png").write_bytes(film)
    opened = Image.open(tmp_path / "film.png")
    assert opened.mode == "L"  # there was no colour in it
    assert (np.asarray(opened) == GRADIENT).all()
    assert opened.info == {}


def test_a_large_film_is_shrunk_in_proportion(tmp_path: Path) -> None:
    path = plain(tmp_path / "a.png", 3000, 1500, (9, 50, 9))
    film = Image.open(BytesIO(kept_image(tmp_path, path, "ab" * 32, max_side=1024)))
    assert film.size == (1024, 512) and film.mode == "RGB"


def files(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_a_film_is_made_once_also_by_many_at_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", raw.png(GRADIENT))
    with ThreadPoolExecutor(8) as pool:
        films = set(pool.map(lambda _: kept_image(tmp_path / "cache", path, "ab" * 32), range(32)))
    (kept,) = files(tmp_path / "cache")  # no working file left
    before = kept.stat().st_mtime_ns
    path.unlink()
    assert {kept_image(tmp_path / "cache", path, "ab" * 32)} == films == {kept.read_bytes()}
    assert kept.stat().st_mtime_ns == before


def test_a_film_cut_short_by_a_crash_is_made_again(tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", raw.png(GRADIENT))
    kept_image(tmp_path / "cache", path, "ab" * 32)
    (kept,) = files(tmp_path / "cache")
    kept.write_bytes(b"")
    assert Image.open(BytesIO(kept_image(tmp_path / "cache", path, "ab" * 32))).size == (64, 48)
    assert kept.stat().st_size > 0


def test_a_thumbnail_is_a_small_jpeg(tmp_path: Path) -> None:
    path = plain(tmp_path / "a.png", 640, 320, (200, 10, 10))
    thumbnail = Image.open(BytesIO(kept_thumbnail(tmp_path, path, "cd" * 32)))
    assert thumbnail.format == "JPEG" and thumbnail.size == (160, 80)


@pytest.mark.parametrize("make", [kept_image, kept_thumbnail])
def test_what_cannot_be_kept_is_shown_all_the_same(make: Callable[..., bytes], tmp_path: Path) -> None:
    """As on a full disk, or in a workspace that may only be read."""
    path = written(tmp_path / "a.png", raw.png(GRADIENT))
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert Image.open(BytesIO(make(tmp_path / "cache", path, "ab" * 32))).size == (64, 48)
    assert (tmp_path / "cache").is_file()


def test_a_film_or_thumbnail_of_other_pixels_is_not_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.png", raw.png(GRADIENT))
    for make in (kept_image, kept_thumbnail):
        make(tmp_path / "cache", path, "ab" * 32)
        old = files(tmp_path / "cache")
        monkeypatch.setattr(pictures, "VERSION", pictures.VERSION + 1)
        make(tmp_path / "cache", path, "ab" * 32)
        assert len(files(tmp_path / "cache")) == len(old) + 1
