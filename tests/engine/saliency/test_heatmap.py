"""Promises of engine.saliency.heatmap: every cell stays in its place, brighter means more, nothing hides the film."""

from __future__ import annotations

import io
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from engine.saliency.heatmap import COLOURS, heatmap_png, upsample


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 6), (2, 5), (6, 1)])
def test_upsampling_keeps_every_cell_in_its_place(row, column):
    heat = np.zeros((7, 7), dtype=np.float32)
    heat[row, column] = 1
    large = upsample(heat, 7 * 9, 7 * 9)
    at_row, at_column = np.unravel_index(large.argmax(), large.shape)
    assert (at_row // 9, at_column // 9) == (row, column)
    assert (at_row, at_column) == (row * 9 + 4, column * 9 + 4)


def test_the_overlay_is_clear_where_there_is_no_heat_and_brightest_where_there_is_most():
    heat = np.zeros((7, 7), dtype=np.float32)
    heat[1, 5] = 1
    data = heatmap_png(heat, size=70)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (70, 70))
        pixels = np.asarray(image)
    assert pixels[35, 10, 3] == 0
    assert pixels[15, 55, 3] > 200
    assert np.unravel_index(pixels[:, :, 3].astype(int).argmax(), (70, 70))[0] // 10 == 1


def test_lightness_of_the_colours_rises_all_the_way():
    lightness = COLOURS[:, :3] @ np.array([0.2126, 0.7152, 0.0722])
    assert np.all(np.diff(lightness) > -0.6)  # rounding to 8 bits
    assert np.all(np.diff(lightness[::8]) > 0)
    assert np.all(np.diff(COLOURS[:, 3].astype(int)) >= 0)


def test_a_heatmap_is_encoded_within_milliseconds():
    heat = np.random.default_rng(0).random((7, 7), dtype=np.float32)
    seconds = []
    for _ in range(9):
        start = time.perf_counter()
        heatmap_png(heat)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.03


def test_a_window_that_only_shows_needs_no_torch():
    modules = "engine.saliency.heatmap, engine.reading.store, engine.runs.folder, engine.images.decoder"
    seen = f"import sys, {modules}; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
