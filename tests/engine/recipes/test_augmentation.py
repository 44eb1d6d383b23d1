"""Augmentation: per-image, within its bounds, and the same whenever it is asked for again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy import ndimage, stats
from torch.nn import functional
from torchvision.transforms.v2 import InterpolationMode, functional as v2

from engine.recipes.augmentation import Augmenter, augmentation_is_none, inverse_matrices, uniform_draws
from engine.records import Augmentation

EVERYTHING = Augmentation(
    rotation=30, shear=10, zoom=0.2, shift=0.2, horizontal_flip=True, vertical_flip=True, quarter_turns=True,
    brightness=0.15, contrast=0.15, zoom_each_axis=True, crop=0.2, noise=0.1,
)  # fmt: skip


def spot(row: int, column: int, *, size: int = 64, count: int = 1) -> torch.Tensor:
    """Black images with one soft bright spot."""
    down, across = np.mgrid[:size, :size]
    image = np.exp(-((down - row) ** 2 + (across - column) ** 2) / (2 * 2.0**2)).astype(np.float32)
    return torch.from_numpy(image).expand(count, 1, size, size).contiguous()


def centres(images: torch.Tensor) -> np.ndarray:
    """(B, 2) centre of mass of each image: row, column."""
    return np.array([ndimage.center_of_mass(image) for image in images[:, 0].numpy()])


def test_nothing_is_none_and_each_single_change_is_something():
    assert augmentation_is_none(Augmentation())
    assert augmentation_is_none(Augmentation(fill="black"))
    for name in ("rotation", "shear", "zoom", "shift", "crop", "brightness", "contrast", "noise"):
        assert not augmentation_is_none(replace(Augmentation(), **{name: 0.1}))
    for name in ("horizontal_flip", "vertical_flip", "quarter_turns"):
        assert not augmentation_is_none(replace(Augmentation(), **{name: True}))


def test_without_changes_bytes_become_fractions():
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(Augmenter(Augmentation(), 0)(images, [0], 0), images / 255)


@settings(max_examples=20, deadline=None)
@given(st.integers(-(2**40), 2**40), st.integers(0, 10**7), st.integers(0, 500))
def test_an_image_gets_the_same_whatever_batch_it_is_in(seed, row, view):
    torch.manual_seed(0)
    images = torch.rand(4, 3, 16, 16)
    augmenter = Augmenter(EVERYTHING, seed)
    rows = [row, row + 1, row + 2, row + 3]
    together = augmenter(images, rows, view)
    alone = Augmenter(EVERYTHING, seed)(images[2:3], torch.tensor(rows[2:3]), view)
    torch.testing.assert_close(together[2:3], alone, rtol=0, atol=1e-6)
    assert torch.equal(together, augmenter(images, rows, view))
    assert together.min() >= 0 and together.max() <= 1


def test_seed_row_view_and_copy_each_change_the_draw():
    base = uniform_draws(1, np.array([5]), 2, np.array([0]))
    assert np.array_equal(base, uniform_draws(1, np.array([5]), 2))
    for other in (
        uniform_draws(2, np.array([5]), 2),
        uniform_draws(1, np.array([6]), 2),
        uniform_draws(1, np.array([5]), 3),
        uniform_draws(1, np.array([5]), 2, np.array([1])),
        uniform_draws(1, np.array([2]), 5),  # keys are not interchangeable
    ):
        assert not np.any(np.isclose(base, other, atol=1e-9))


def test_draws_are_uniform_and_unrelated_over_rows_views_and_columns():
    draws = np.stack([uniform_draws(0, np.arange(2000), view) for view in range(5)])  # (views, rows, columns)
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 1e-3
    for flat in (draws[0].T, draws[:, :, 0], draws[:, :-1, 3] - draws[:, 1:, 3]):
        correlation = np.corrcoef(flat) - np.eye(len(flat))
        assert np.abs(correlation).max() < 0.12


def test_flips_move_whole_pixels():
    torch.manual_seed(0)
    images = torch.rand(64, 3, 15, 15)
    changed = Augmenter(Augmentation(horizontal_flip=True), 3)(images, range(64), 0)
    flipped = [torch.equal(after, before.flip(-1)) for before, after in zip(images, changed, strict=True)]
    kept = [torch.equal(after, before) for before, after in zip(images, changed, strict=True)]
    assert all(one != other for one, other in zip(flipped, kept, strict=True))
    assert 16 < sum(flipped) < 48
    upside_down = Augmenter(Augmentation(vertical_flip=True), 3)(images, range(64), 0)
    assert {
        (torch.equal(after, before), torch.equal(after, before.flip(-2)))
        for before, after in zip(images, upside_down, strict=True)
    } == {(True, False), (False, True)}


def test_quarter_turns_are_exactly_the_four():
    torch.manual_seed(0)
    images = torch.rand(64, 1, 8, 8)
    changed = Augmenter(Augmentation(quarter_turns=True), 0)(images, range(64), 0)
    found = [
        [k for k in range(4) if torch.equal(after, torch.rot90(before, k, (1, 2)))]
        for before, after in zip(images, changed, strict=True)
    ]
    assert all(len(which) == 1 for which in found)
    assert {which[0] for which in found} == {0, 1, 2, 3}


def test_shift_stays_within_its_fraction_and_uses_it():
    images = spot(32, 32, count=400)
    moved = centres(Augmenter(Augmentation(shift=0.2, fill="black"), 0)(images, range(400), 0)) - 32
    assert np.abs(moved).max() <= 0.2 * 64 + 0.1
    assert moved.min() < -11 and moved.max() > 11
    assert np.abs(moved.mean(axis=0)).max() < 1.5


@pytest.mark.parametrize("size", [64])
def test_rotation_keeps_the_distance_from_the_middle_and_stays_within_its_angle(size):
    images = spot(32, 52, size=size, count=300)
    where = centres(Augmenter(Augmentation(rotation=30, fill="black"), 1)(images, range(300), 0)) - 31.5
    np.testing.assert_allclose(np.hypot(*where.T), np.hypot(0.5, 20.5), atol=0.1)
    degrees = np.rad2deg(np.arctan2(where[:, 0], where[:, 1])) - np.rad2deg(np.arctan2(0.5, 20.5))
    assert np.abs(degrees).max() <= 30.2
    assert degrees.min() < -27 and degrees.max() > 27


def test_zoom_scales_distances_within_its_bounds():
    images = spot(32, 52, count=300)
    where = centres(Augmenter(Augmentation(zoom=0.2, fill="black"), 1)(images, range(300), 0)) - 31.5
    scale = np.hypot(*where.T) / np.hypot(0.5, 20.5)
    assert 0.79 < scale.min() < 0.83 and 1.17 < scale.max() < 1.21


def test_each_axis_may_be_zoomed_by_itself():
    images = spot(52, 52, count=300)
    where = centres(
        Augmenter(Augmentation(zoom=0.2, zoom_each_axis=True, fill="black"), 1)(images, range(300), 0)
    )
    scales = (where - 31.5) / 20.5
    assert 0.79 < scales.min() < 0.83 and 1.17 < scales.max() < 1.21
    assert abs(np.corrcoef(scales.T)[0, 1]) < 0.15
    together = centres(Augmenter(Augmentation(zoom=0.2, fill="black"), 1)(images, range(300), 0))
    np.testing.assert_allclose(together[:, 0], together[:, 1], atol=0.1)


def test_a_crop_lies_anywhere_within_the_image_and_fills_the_whole():
    """A ramp from left to right and from top to bottom says where each crop began and ended."""
    ramp = torch.linspace(0, 1, 64).expand(64, 64)
    images = torch.stack([ramp, ramp.T]).expand(400, 2, 64, 64).contiguous()
    cut = Augmenter(Augmentation(crop=0.3, fill="black"), 2)(images, range(400), 0).numpy()
    left, right = cut[:, 0, 32, 1], cut[:, 0, 32, -2]
    top, bottom = cut[:, 1, 1, 32], cut[:, 1, -2, 32]
    np.testing.assert_allclose(right - left, bottom - top, atol=1e-3)  # its shape is the image's
    kept = (right - left) / (61 / 63)
    assert 0.699 < kept.min() < 0.72 and 0.98 < kept.max() < 1.001
    assert cut[:, :, 1:-1, 1:-1].min() > 0  # nothing from beyond the border
    smallest = kept < 0.8
    for begin in (left[smallest], top[smallest]):
        assert begin.min() < 0.04 and begin.max() > 0.18
    assert abs(np.corrcoef(left, top)[0, 1]) < 0.75  # related by the size alone


def test_noise_is_gaussian_of_up_to_its_level_and_the_same_again():
    grey = torch.full((300, 1, 32, 32), 0.5)
    augmenter = Augmenter(Augmentation(noise=0.1), 0)
    noisy = augmenter(grey, range(300), 0)
    assert torch.equal(noisy, augmenter(grey, range(300), 0))
    assert not torch.equal(noisy, augmenter(grey, range(300), 1))
    levels = noisy.std(dim=(1, 2, 3)).numpy()
    assert stats.kstest(levels, stats.uniform(0, 0.1).cdf).pvalue > 1e-3
    loudest = (noisy[levels.argmax()] - 0.5).ravel().numpy() / levels.max()
    assert stats.kstest(loudest, "norm").pvalue > 1e-3


def test_shear_slides_rows_sideways_and_no_pixel_up_or_down():
    images = spot(52, 32, count=300)
    where = centres(Augmenter(Augmentation(shear=20, fill="black"), 1)(images, range(300), 0))
    np.testing.assert_allclose(where[:, 0], 52, atol=0.1)
    assert np.abs(where[:, 1] - 32).max() == pytest.approx(20.5 * np.tan(np.deg2rad(20)), abs=0.6)


def test_the_same_geometry_as_scipy():
    """One image through everything at once equals scipy.ndimage.affine_transform with the same matrix."""
    generator = np.random.default_rng(0)
    image = ndimage.gaussian_filter(generator.random((40, 40)), 2).astype(np.float32)
    augmentation = replace(EVERYTHING, brightness=0.0, contrast=0.0, noise=0.0, fill="edge")
    changed = Augmenter(augmentation, 9)(torch.from_numpy(image)[None, None], [4], 7)[0, 0].numpy()
    matrix = inverse_matrices(augmentation, uniform_draws(9, np.array([4]), 7), height=40, width=40)[0]
    swapped = matrix[::-1, [1, 0, 2]]  # scipy speaks of rows first
    centre, half = 19.5, 20.0
    offset = centre + half * swapped[:, 2] - swapped[:, :2] @ np.array([centre, centre])
    expected = ndimage.affine_transform(image, swapped[:, :2], offset=offset, order=1, mode="nearest")
    np.testing.assert_allclose(changed, expected, atol=1e-5)


def test_the_same_geometry_as_torchvision():
    """Every image of a batch, each with its own draw, as v2's affine makes it one by one; away from the border."""
    torch.manual_seed(0)
    images = functional.avg_pool2d(torch.rand(12, 3, 96, 96), 9, 1, 4)
    both = torch.cat(
        [images, torch.ones_like(images)], dim=1
    )  # where ones stay one, all neighbours were inside
    changes = Augmentation(rotation=30, zoom=0.2, shift=0.2, fill="black")
    ours = Augmenter(changes, 3)(both, range(12), 1)
    sides = 2 * uniform_draws(3, np.arange(12), 1) - 1
    theirs = torch.stack(
        [
            v2.affine(
                image,
                angle=30 * side[0],
                scale=1 + 0.2 * side[2],
                translate=[0.2 * 96 * side[3], 0.2 * 96 * side[4]],
                shear=[0.0, 0.0],
                interpolation=InterpolationMode.BILINEAR,
                fill=[0.0],
            )
            for image, side in zip(both, sides, strict=True)
        ]
    )
    inside = (ours[:, 3:] > 0.9999) & (theirs[:, 3:] > 0.9999)
    assert inside.float().mean() > 0.5
    assert (ours[:, :3] - theirs[:, :3]).abs()[inside].max() < 1e-4


@pytest.mark.parametrize(("fill", "expected"), [("edge", 1.0), ("mirror", 1.0), ("black", 0.0)])
def test_fill_says_what_stands_outside(fill, expected):
    white = torch.ones(50, 1, 32, 32)
    changed = Augmenter(Augmentation(shift=0.4, fill=fill), 0)(white, range(50), 0)
    corners = changed[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.amin() == pytest.approx(expected)


def test_brightness_and_contrast_stay_within_their_bounds():
    grey = torch.full((200, 1, 4, 4), 0.5)
    levels = Augmenter(Augmentation(brightness=0.15), 0)(grey, range(200), 0).mean(dim=(1, 2, 3))
    assert 0.424 < levels.min() < 0.44 and 0.56 < levels.max() < 0.576
    torch.manual_seed(0)
    images = torch.rand(1, 3, 16, 16).mul(0.2).add(0.4).expand(200, 3, 16, 16)
    changed = Augmenter(Augmentation(contrast=0.15), 0)(images, range(200), 0)
    torch.testing.assert_close(changed.mean(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3)))
    spread = changed.std(dim=(1, 2, 3)) / images.std(dim=(1, 2, 3))
    assert 0.849 < spread.min() < 0.88 and 1.12 < spread.max() < 1.151


def test_marked_images_change_and_the_others_do_not():
    images = torch.randint(0, 256, (6, 1, 16, 16), dtype=torch.uint8)
    before = images.clone()
    where = np.array([True, False, True, False, False, True])
    changed = Augmenter(EVERYTHING, 0)(images, range(6), 1, where=where)
    assert torch.equal(images, before)
    for number, marked in enumerate(where):
        assert torch.equal(changed[number], images[number] / 255) != marked


def test_copies_of_one_image_differ():
    images = torch.rand(1, 1, 16, 16).expand(3, 1, 16, 16)
    changed = Augmenter(EVERYTHING, 0)(images, [7, 7, 7], 1, copies=[0, 1, 2])
    assert not torch.allclose(changed[0], changed[1]) and not torch.allclose(changed[1], changed[2])


def test_a_float_batch_is_left_as_it_was():
    images = torch.rand(3, 1, 8, 8)
    before = images.clone()
    Augmenter(EVERYTHING, 0)(images, range(3), 0)
    assert torch.equal(images, before)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="rows"):
        Augmenter(EVERYTHING, 0)(torch.rand(3, 1, 8, 8), [0, 1], 0)
