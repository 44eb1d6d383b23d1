"""What readers drew covers the pixels that lie within it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st
from matplotlib.path import Path as Outline

from engine.records import Region
from engine.saliency import corners, region_mask


@given(seed=st.integers(0, 2**32), width=st.integers(1, 90), height=st.integers(1, 90))
def test_a_pixel_belongs_to_a_polygon_that_goes_round_its_centre(seed: int, width: int, height: int) -> None:
    generator = np.random.default_rng(seed)
    turns = np.sort(generator.uniform(0, 2 * np.pi, 9))
    far = generator.uniform(0.05, 0.45, 9)
    points = tuple(zip(0.5 + far * np.cos(turns), 0.5 + far * np.sin(turns), strict=True))
    across, down = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    centres = np.column_stack([across.ravel(), down.ravel()])
    expected = Outline([*points, points[0]]).contains_points(centres).reshape(height, width)
    mask = region_mask(
        [Region(x=0.3, y=0.3, width=0.4, height=0.4, shape="polygon", points=points)], width, height
    )
    assert (mask == expected).all() if expected.any() else mask.sum() == 1  # none is too small to be seen


def test_boxes_and_ellipses_cover_their_area_and_several_regions_all_of_theirs() -> None:
    box = Region(x=0.25, y=0.25, width=0.5, height=0.5)
    whole = Region(x=0.0, y=0.0, width=1.0, height=1.0)
    round_one = Region(x=0.2, y=0.3, width=0.5, height=0.4, shape="ellipse")
    mask = region_mask([box], 100, 80)
    assert mask.sum() == 50 * 40 and mask[20:60, 25:75].all()
    assert region_mask([whole], 33, 17).all()
    assert abs(region_mask([round_one], 400, 300).mean() - np.pi / 4 * 0.5 * 0.4) < 0.001
    both = region_mask([box, round_one], 100, 80)
    assert (both == (mask | region_mask([round_one], 100, 80))).all()
    assert not region_mask([], 10, 10).any()
    assert corners(box) == [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]


def test_a_line_drawn_freehand_over_itself_leaves_no_hole() -> None:
    turns = np.linspace(0, 4 * np.pi, 80)  # twice round
    points = tuple((0.5 + 0.3 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)) for turn in turns)
    drawn = Region(x=0.2, y=0.2, width=0.6, height=0.6, shape="polygon", points=points)
    assert region_mask([drawn], 100, 100)[50, 50]
