"""Promises of engine.images.tensors: a film as the array that a net takes, the whole of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from engine.errors import ImageError
from engine.images.tensors import load_image, placed_in_square
from tests.engine.images import raw

GRADIENT = np.linspace(0, 255, 64, dtype=np.uint8)[None, :].repeat(48, axis=0)  # (48, 64), dark left


def written(path: Path, pixels: np.ndarray) -> Path:  # type: ignore[type-arg]
    path.write_bytes(raw.png(pixels))
    return path


def test_grey_is_repeated_for_three_channels_and_colour_becomes_luminance_for_one(tmp_path: Path) -> None:
    grey = load_image(written(tmp_path / "g.png", GRADIENT))
    assert grey.shape == (48, 64, 3) and grey.dtype == np.uint8
    assert (grey[..., 0] == GRADIENT).all() and (grey[..., 0] == grey[..., 2]).all()
    green = np.full((4, 4, 3), (0, 255, 0), np.uint8)
    luminance = load_image(written(tmp_path / "c.png", green), channels=1)
    assert luminance.shape == (4, 4, 1)
    assert luminance[0, 0, 0] == 150  # .587 of 255


def test_the_whole_image_is_squeezed_never_cropped(tmp_path: Path) -> None:
    wide = np.zeros((20, 200), np.uint8)
    wide[:, :10] = 255
    wide[:, -10:] = 255
    loaded = load_image(written(tmp_path / "w.png", wide), size=40, channels=1)
    assert loaded.shape == (40, 40, 1)
    assert loaded[:, 0].min() > 200 and loaded[:, -1].min() > 200 and loaded[:, 20].max() == 0


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    loaded = load_image(written(tmp_path / "s.png", stripes), size=32, channels=1)
    assert np.abs(loaded.astype(int) - 128).max() < 8


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        load_image(tmp_path / "missing.png")


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(16, 512))
def test_a_letterboxed_image_keeps_its_proportions_in_the_middle(width: int, height: int, side: int) -> None:
    left, top, right, bottom = placed_in_square(width, height, side)
    assert 0 <= left < right <= side and 0 <= top < bottom <= side
    assert max(right - left, bottom - top) == side
    assert abs(left - (side - right)) <= 1 and abs(top - (side - bottom)) <= 1
    scale = side / max(width, height)
    assert abs((right - left) - width * scale) <= 1 and abs((bottom - top) - height * scale) <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_black_stands_around_a_letterboxed_image_and_all_of_it_within(
    tmp_path: Path, channels: Literal[1, 3]
) -> None:
    wide = np.full((20, 80), 200, dtype=np.uint8)
    wide[:, :40] = 100
    loaded = load_image(written(tmp_path / "w.png", wide), size=40, channels=channels, fit="letterbox")
    assert loaded.shape == (40, 40, channels)
    assert (loaded[:15] == 0).all() and (loaded[25:] == 0).all()
    assert (loaded[15:25, :18] == 100).all() and (loaded[15:25, 22:] == 200).all()
