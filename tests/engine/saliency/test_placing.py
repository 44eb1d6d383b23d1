"""Promises of engine.saliency.placing: a cell is drawn where it lies, and planted squares have the last word."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor

from engine.models import Axis
from engine.saliency.placing import measured_grids, place, placing


@given(st.integers(1, 9), st.floats(-20, 60), st.floats(4, 40), st.integers(28, 320))
def test_even_evidence_stays_even_wherever_cells_lie(
    cells: int, first: float, step: float, size: int
) -> None:
    assert np.allclose(placing(cells, Axis(first, step), size).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("offset", [-16.0, 0.0, 5.5])
def test_a_cell_is_drawn_where_it_lies(offset: float) -> None:
    maps = torch.zeros(1, 7, 7)
    maps[0, 2, 4] = 1
    axis = Axis.tiling(7, 224).moved(offset)
    heat = place(maps, (axis, axis), (224, 224), side=224)[0]
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    assert abs(row + 0.5 - (80 + offset)) <= 0.5
    assert abs(column + 0.5 - (144 + offset)) <= 0.5


def brightness(shift: int = 0, *, everywhere: float = 0.0):
    """A net of 8 x 8 cells that sees squares so many pixels beside where they are, and a little of them everywhere."""

    def maps_of(images: Tensor) -> Mapping[tuple[int, int], Tensor]:
        moved = torch.roll(images.mean(dim=1, keepdim=True), (shift, shift), dims=(2, 3))
        maps = torch.nn.functional.avg_pool2d(moved, 16)
        return {(8, 8): maps + everywhere * maps.mean(dim=(2, 3), keepdim=True)}

    return maps_of


FILMS = 0.2 + 0.2 * torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(0))
TILES = {(8, 8): (Axis.tiling(8, 128), Axis.tiling(8, 128))}


def test_where_squares_agree_the_structure_is_used() -> None:
    placing = measured_grids(brightness(), FILMS, TILES)[(8, 8)]
    assert placing.basis == "agree" and placing.grid == TILES[(8, 8)]


def test_where_squares_contradict_the_structure_they_are_used() -> None:
    placing = measured_grids(brightness(6), FILMS, TILES)[(8, 8)]
    assert placing.basis == "measured"
    assert placing.grid[0].first == pytest.approx(8 - 6, abs=3)


def test_where_squares_move_nothing_the_structure_is_used() -> None:
    def deaf(images: Tensor) -> Mapping[tuple[int, int], Tensor]:
        return {(8, 8): torch.zeros(len(images), 2, 8, 8)}

    placing = measured_grids(deaf, FILMS, TILES)[(8, 8)]
    assert placing.basis == "silent" and placing.grid == TILES[(8, 8)]


def test_where_squares_are_followed_a_little_the_middle_is_taken() -> None:
    grids = {(8, 8): (Axis(20.0, 16.0), Axis(20.0, 16.0))}  # a structure 12 px beside the tiles that are true
    placing = measured_grids(brightness(everywhere=5.0), FILMS, grids)[(8, 8)]
    assert placing.basis == "half way" and 0.3 < placing.follows < 0.7
    assert placing.grid[0].first == pytest.approx(14)
