"""Promises of engine.saliency.picture: what leaves the program says what its colours mean, in any script."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.records import Explanation
from engine.saliency.picture import picture_with_map


def film(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (width, height), 90).save(stream, "PNG")
    return stream.getvalue()


def drawn(heat: np.ndarray, *, width: int = 400, target: str = "opacity", **more: float) -> np.ndarray:
    one = Explanation(image_id="a", heatmap=heat, target=target, method="two-scale-cam", **more)
    with Image.open(io.BytesIO(picture_with_map(film(width, 200), one))) as opened:
        return np.asarray(opened).astype(int)


def test_the_bar_and_its_words_stand_below_the_image_which_stays_whole() -> None:
    heat = np.zeros((7, 7), dtype=np.float32)
    heat[1, 5] = 60
    picture = drawn(heat, scale=60.0, rest=-2.0)
    assert picture.shape[1] == 400 and picture.shape[0] > 240
    assert (picture[150:200, :100] == 90).all()  # nothing where there is no evidence
    assert np.ptp(picture[20:50, 270:320]) > 100  # colours where there is
    assert picture[200:].max() > 200  # the end of the bar, and the words


@pytest.mark.parametrize("target", ["رئة", "легкое", "a" * 200])
def test_any_name_of_a_class_can_be_drawn_and_a_narrow_image_is_enlarged_for_it(target: str) -> None:
    picture = drawn(np.eye(7, dtype=np.float32), width=60, target=target)
    assert picture.shape[1] == 6 * 60 and picture.shape[0] > 6 * 200
