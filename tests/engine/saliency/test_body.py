"""The body on a film is found where an even dark surrounds it, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from engine.saliency.body import body_mask

SIDE = 160
ROWS, COLUMNS = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
BODY = ((COLUMNS - 0.5) / 0.36) ** 2 + ((ROWS - 0.6) / 0.55) ** 2 < 1
LUNGS = [((COLUMNS - x) / 0.11) ** 2 + ((ROWS - 0.5) / 0.22) ** 2 < 1 for x in (0.34, 0.66)]


def chest(seed: int = 0, *, air: float = 8.0) -> np.ndarray:
    """Return a body that reaches the lower rim, with lungs nearly as dark as air, and a marker beside it."""
    rng = np.random.default_rng(seed)
    film = np.full((SIDE, SIDE), air)
    film[BODY] = 150
    film[BODY & (ROWS > 0.7)] = 210
    for lung in LUNGS:
        film[lung] = 70
    film[10:22, 6:14] = 240
    return np.clip(film + rng.normal(0, 4, film.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_lungs_are_inside_and_air_and_side_markers_outside(seed: int) -> None:
    found = body_mask(chest(seed))
    assert found is not None
    for lung in LUNGS:
        assert found[lung].all()
    assert not found[10:22, 6:14].any()
    assert (found == BODY).mean() > 0.98


def test_a_grey_film_in_three_channels_is_the_same_film() -> None:
    film = chest()
    assert np.array_equal(body_mask(np.stack([film] * 3, axis=2)), body_mask(film))


def test_a_photograph_has_no_body_however_dark_it_is_around() -> None:
    colours = np.stack([chest(), chest() // 2, chest() // 3], axis=2)
    assert body_mask(colours) is None


@pytest.mark.parametrize(
    "film",
    [
        np.zeros((64, 64), np.uint8),
        np.full((64, 64), 120, np.uint8),
        np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8),
        np.tile(np.linspace(0, 255, 160).astype(np.uint8), (160, 1)),  # dark to bright, without an edge
        np.where(BODY, 150, 8 + 90 * (ROWS + COLUMNS) / 2).astype(np.uint8),  # what surrounds it is not even
        chest()[60:150, 50:110],  # cropped: the body fills it
    ],
    ids=["black", "grey", "noise", "a ramp", "uneven around", "cropped"],
)
def test_where_no_even_dark_surrounds_anything_there_is_no_body(film: np.ndarray) -> None:
    assert body_mask(film) is None
