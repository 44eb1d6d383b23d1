"""Promises of engine.images.remarks: what decodes and shows nothing is noticed; a film with borders is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from engine.data.index import index_folder
from engine.images.decoder import decode
from engine.images.remarks import BLANK_TAIL, NEARLY_BLACK, NEARLY_WHITE, NO_CONTRAST, remarks_on
from tests.engine.images import raw

RNG = np.random.default_rng(0)
FILM = RNG.integers(30, 220, (200, 160), dtype=np.uint8)


def said(levels: np.ndarray[Any, Any]) -> tuple[object, ...]:
    return remarks_on(Image.fromarray(levels))


def with_rows(count: int, level: int, *, top: bool = False, sides: bool = False) -> np.ndarray[Any, Any]:
    levels = FILM.copy()
    levels[-count:] = level
    if top:
        levels[:count] = level
    if sides:
        levels[:, :9] = levels[:, -9:] = level
    return levels


def test_a_film_is_not_remarked_upon() -> None:
    assert said(FILM) == ()
    assert said(np.stack([FILM] * 3, axis=-1)) == ()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_grey_level_is_no_contrast(level: int) -> None:
    assert said(np.full((64, 64), level, np.uint8)) == (NO_CONTRAST,)
    assert said(np.full((64, 64, 3), level, np.uint8)) == (NO_CONTRAST,)
    noisy = (np.full((64, 64), level) + RNG.integers(-1, 2, (64, 64))).clip(0, 255).astype(np.uint8)
    assert said(noisy) == (NO_CONTRAST,)


def test_nearly_black_and_nearly_white_are_named() -> None:
    black = RNG.integers(0, 12, (200, 160), dtype=np.uint8)
    black[:1, :100] = 255  # a marker
    assert said(black) == (NEARLY_BLACK,)
    assert said(255 - black) == (NEARLY_WHITE,)


@pytest.mark.parametrize("level", [60, 128, 200])
@pytest.mark.parametrize("rows", [10, 100, 190])
def test_a_blank_lower_part_in_grey_is_named(level: int, rows: int) -> None:
    assert said(with_rows(rows, level)) == (BLANK_TAIL,)


@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_lower_part_in_black_or_white_is_named_where_it_is_large(level: int) -> None:
    assert said(with_rows(100, level)) == (BLANK_TAIL,)
    assert said(with_rows(20, level)) == ()  # a border


@pytest.mark.parametrize("level", [0, 128, 255])
def test_borders_are_none(level: int) -> None:
    assert said(with_rows(60, level, top=True)) == ()
    assert said(with_rows(60, level, sides=True)) == ()


def test_a_stream_that_lost_its_lower_half_but_kept_its_end_is_named(tmp_path: Path) -> None:
    smooth = Image.fromarray(RNG.integers(0, 256, (25, 20), dtype=np.uint8)).resize((160, 200), 3)
    stream = imagecodecs.jpeg_encode(np.asarray(smooth), level=90)
    cut = stream[: len(stream) // 2] + b"\xff\xd9"
    assert not decode(Path("a.jpg"), data=stream).remarks
    for name, data in (
        ("a.jpg", cut),
        ("a.dcm", raw.dicom(np.asarray(smooth), syntax=raw.JPEG, PixelData=raw.fragments(cut))),
    ):
        decoded = decode(Path(name), data=data, at_least=64)
        assert decoded.remarks == (BLANK_TAIL,)


def test_what_is_noticed_becomes_one_data_issue_for_all_images_it_is_true_of(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"film{number}.png").write_bytes(raw.png(RNG.integers(30, 220, (64, 64), dtype=np.uint8)))
        (tmp_path / f"flat{number}.png").write_bytes(raw.png(np.full((64, 64), 50 * number, np.uint8)))
    index = index_folder(tmp_path)
    (issue,) = [issue for issue in index.issues if issue.kind is NO_CONTRAST.kind]
    assert issue.message == f"In 3 images, flat0.png among them, {NO_CONTRAST.message}"
    assert [path.name for path in issue.paths] == ["flat0.png", "flat1.png", "flat2.png"]
