"""Promises of engine.saliency.heatmap: every cell stays in its place, brighter means more, nothing hides the film."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.records import Explanation
from engine.saliency.heatmap import COLOUR_MAPS, colours, heatmap_png, levels_png, map_legend, upsample


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


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_lightness_of_the_colours_rises_evenly_all_the_way(name):
    table = colours(name)
    linear = np.power(
        (table[:, :3] / 255 + 0.055) / 1.055, 2.4
    )  # sRGB (IEC 61966-2-1), then CIE 1976 lightness
    lightness = 116 * np.cbrt(linear @ np.array([0.2126, 0.7152, 0.0722])) - 16
    steps = np.diff(lightness[::15])
    assert np.all(steps > 0.4 * steps.mean()) and np.all(steps < 2 * steps.mean())
    assert np.all(np.diff(table[:, 3].astype(int)) >= 0)


def explained(heatmap: np.ndarray, **more) -> Explanation:
    return Explanation(image_id="a", heatmap=heatmap, target="opacity", method="two-scale-cam", **more)


def test_weak_evidence_looks_weak_beside_a_scale_and_strong_without_one():
    weak = np.zeros((7, 7), dtype=np.float32)
    weak[3, 3] = 2

    def strongest(scale: float | None, heat: np.ndarray) -> int:
        with Image.open(io.BytesIO(heatmap_png(heat, size=70, scale=scale))) as image:
            return int(np.asarray(image)[:, :, 3].max())

    assert strongest(40, weak) < 30
    assert strongest(2, weak) > 200
    assert strongest(None, weak / 2) > 200


def test_a_viewer_is_told_the_evidence_for_and_against_apart():
    heat = np.zeros((7, 7), dtype=np.float32)
    heat[1, 1], heat[5, 5] = 10, -5
    with Image.open(io.BytesIO(levels_png(heat, size=70, scale=10))) as image:
        red, green, _ = np.moveaxis(np.asarray(image).astype(int), 2, 0)
    assert red[15, 15] > 250 and green[15, 15] == 0
    assert red[55, 55] == 0 and 120 < green[55, 55] < 135


def test_the_legend_says_whose_evidence_in_which_unit_and_that_it_adds_up():
    legend = map_legend(explained(np.full((4, 4), 2.5, dtype=np.float32), scale=60.0, rest=-4.0))
    assert legend.title == "Evidence for opacity" and legend.method == "two-scale-cam"
    assert legend.ticks == (
        (0.0, "0"),
        (0.5, ".3"),
        (1.0, ".6"),
    )  # of the 60 that the whole image would hold
    assert "1% of the image" in legend.unit
    assert legend.sum == "Map +2.50, rest −4.00: log-odds −1.50"


def test_a_map_without_a_scale_is_said_to_be_relative_to_its_own_maximum():
    legend = map_legend(explained(np.eye(3, dtype=np.float32)))
    assert "own maximum" in legend.unit and legend.sum == ""
    # no number stands for anything there
    assert not any(character.isdigit() for _, word in legend.ticks for character in word)
    nothing = map_legend(explained(np.zeros((3, 3), dtype=np.float32)))
    assert nothing.unit == "this method finds no evidence for opacity in this image"


def test_a_method_to_be_doubted_is_marked_wherever_its_map_is_shown():
    heat = np.eye(3, dtype=np.float32)
    assert map_legend(explained(heat)).caution == ""
    assert "shuffled" in map_legend(replace(explained(heat), method="layercam")).caution
    assert map_legend(replace(explained(heat), method="of a later version")).caution == ""


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
