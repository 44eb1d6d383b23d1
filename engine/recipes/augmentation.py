"""Random changes to training images, whole batches at a time, and the same again for the same image.

Every image of a batch has its own rotation, shear, zoom, shift, flips and quarter turn. torchvision's v2
transforms draw one set of parameters a call, so a batch would share them and images would have to go one by
one; here all of an image's geometry is one 2x3 matrix and the batch is resampled once, on whatever device it
lies, by `torch.nn.functional.grid_sample`. One resampling also blurs less than one for each change.

The draws of an image are a pure function of (seed, row, view, copy): no generator's state has to be stored, a
resumed run draws what an uninterrupted one would have drawn, and the feature bank's views can be made in any
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.recipes.changes import augmentation_is_none, recolours, resamples, turns
from engine.records import Augmentation

PADDING: Final = {"edge": "border", "mirror": "reflection", "black": "zeros"}
"""Augmentation.fill → padding_mode of grid_sample."""

# Each kind of change keeps its column, so that switching one on leaves the draws of the others as they were.
(_ROTATION, _SHEAR, _ZOOM, _SHIFT_X, _SHIFT_Y, _FLIP_X, _FLIP_Y, _TURN, _BRIGHTNESS, _CONTRAST) = range(10)
(_ZOOM_Y, _CROP, _CROP_X, _CROP_Y, _NOISE, _NOISE_SEED) = range(10, 16)
_COLUMNS = 16


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit integers so that neighbours become unrelated (doi:10.1145/2660193.2660195)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def uniform_draws(
    seed: int,
    rows: NDArray[np.int64],
    view: int,
    copies: NDArray[np.int64] | None = None,
    *,
    columns: int = _COLUMNS,
) -> NDArray[np.float64]:
    """Return numbers that depend on their keys alone: uniform, and unrelated from key to key.

    Args:
        seed: Any integer.
        rows: (B,) which images.
        view: Which epoch, or which view of the feature bank.
        copies: (B,) which copy of the image within the epoch; None means 0 for all.
        columns: Numbers an image.

    Returns:
        (B, columns) in [0, 1).
    """
    # Wrapping round at 2**64 is what the scrambling is made of; the modulo admits negative seeds.
    state = _mixed(np.full(1, seed % 2**64, dtype=np.uint64))
    for key in (np.asarray([view]), np.zeros(1) if copies is None else copies, rows):
        state = _mixed(state ^ _mixed(np.asarray(key).astype(np.int64).view(np.uint64)))
    numbered = state[:, None] + np.arange(columns, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
    return np.asarray((_mixed(numbered) >> np.uint64(11)) * 2.0**-53)


class Augmenter:
    """Applies one `Augmentation` to batches.

    Args:
        augmentation: What may change, and how much.
        seed: The recipe's seed.
    """

    def __init__(self, augmentation: Augmentation, seed: int) -> None:
        self.augmentation = augmentation
        self.seed = seed

    def __call__(
        self,
        images: Tensor,
        rows: Sequence[int] | NDArray[np.int64] | Tensor,
        view: int,
        *,
        copies: Sequence[int] | NDArray[np.int64] | Tensor | None = None,
        where: Sequence[bool] | NDArray[np.bool_] | Tensor | None = None,
    ) -> Tensor:
        """Return changed images; the batch that was given stays as it is.

        Args:
            images: (B, C, H, W) uint8, or float in [0, 1]; on any device.
            rows: (B,) a number for each image that never changes: its row in the training data.
            view: Which epoch, or which view of the feature bank.
            copies: (B,) which copy of its row an image is in this epoch (`Balanced.copies`).
                Copies of one image are changed differently.
            where: (B,) which images to change (`Balanced.augment`); None means all.

        Returns:
            (B, C, H, W) float in [0, 1], on the images' device: float32 for uint8, else the images' dtype.

        Raises:
            ValueError: If there are not as many rows, copies or marks as images.
        """
        keys = _integers(rows)
        copy_keys = None if copies is None else _integers(copies)
        chosen = None if where is None else np.asarray(where, dtype=bool)
        for name, given in (("rows", keys), ("copies", copy_keys), ("where", chosen)):
            if given is not None and given.shape != (len(images),):
                raise ValueError(f"{name} has shape {given.shape} for {len(images)} images")
        images = images.float().div_(255.0) if images.dtype == torch.uint8 else images
        if augmentation_is_none(self.augmentation) or len(images) == 0:
            return images
        if chosen is None or chosen.all():
            return self._changed(images, uniform_draws(self.seed, keys, view, copy_keys))
        if not chosen.any():
            return images
        places = np.flatnonzero(chosen)
        draws = uniform_draws(self.seed, keys[places], view, None if copy_keys is None else copy_keys[places])
        index = torch.from_numpy(places).to(images.device)
        return images.index_copy(0, index, self._changed(images[index], draws))

    def _changed(self, images: Tensor, draws: NDArray[np.float64]) -> Tensor:
        augmentation = self.augmentation
        if resamples(augmentation) or turns(augmentation):
            matrices = inverse_matrices(augmentation, draws, height=images.shape[2], width=images.shape[3])
            images = functional.grid_sample(
                images,
                _grid(matrices, images),
                # Flips and quarter turns alone move whole pixels, and nothing may be blurred.
                mode="bilinear" if resamples(augmentation) else "nearest",
                padding_mode=PADDING[augmentation.fill],
                align_corners=False,
            )
        if recolours(augmentation):
            images = self._recoloured(images, draws)
        return _noisy(images, augmentation.noise, draws) if augmentation.noise else images

    def _recoloured(self, images: Tensor, draws: NDArray[np.float64]) -> Tensor:
        factors = 2.0 * draws[:, [_BRIGHTNESS, _CONTRAST]] - 1.0
        factors = 1.0 + factors * np.array([self.augmentation.brightness, self.augmentation.contrast])
        scale = torch.from_numpy(factors).to(images.device, images.dtype, non_blocking=True)[
            :, :, None, None, None
        ]
        images = (images * scale[:, 0]).clamp_(0.0, 1.0)
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        return images.sub_(mean).mul_(scale[:, 1]).add_(mean).clamp_(0.0, 1.0)


def _noisy(images: Tensor, most: float, draws: NDArray[np.float64]) -> Tensor:
    noise = torch.empty_like(images)
    for one, seed, level in zip(noise, draws[:, _NOISE_SEED], most * draws[:, _NOISE], strict=True):
        generator = torch.Generator(images.device).manual_seed(int(seed * 2**53))
        one.normal_(std=float(level), generator=generator)
    return noise.add_(images).clamp_(0.0, 1.0)


def _grid(matrices: NDArray[np.float64], images: Tensor) -> Tensor:
    """Return (B, H, W, 2), where each pixel comes from: x, then y.

    Equal to `affine_grid`, which multiplies by a (H*W, 3) matrix of ones and coordinates and takes as long as
    the resampling itself on a CPU.
    """
    height, width = images.shape[2:]
    across = (np.arange(width) + 0.5) * (2.0 / width) - 1.0
    down = (np.arange(height) + 0.5) * (2.0 / height) - 1.0
    by_column = matrices[:, None, :, 0] * across[:, None] + matrices[:, None, :, 2]  # (B, W, 2)
    by_row = matrices[:, None, :, 1] * down[:, None]  # (B, H, 2)
    columns, rows = (
        torch.from_numpy(part).to(images.device, images.dtype, non_blocking=True)
        for part in (by_column, by_row)
    )
    return rows[:, :, None] + columns[:, None]


def _integers(values: Sequence[int] | NDArray[np.int64] | Tensor) -> NDArray[np.int64]:
    if isinstance(values, Tensor):
        values = values.cpu().numpy()
    return np.asarray(values, dtype=np.int64)


def inverse_matrices(
    augmentation: Augmentation, draws: NDArray[np.float64], *, height: int, width: int
) -> NDArray[np.float64]:
    """Return, for each image, the matrix that says where each pixel of the result comes from.

    Going forward an image is flipped, turned by quarters, sheared, zoomed, rotated, shifted and cropped; the result
    looks its pixels up, so the inverses stand here in the opposite order.

    Args:
        augmentation: The bounds.
        draws: (B, 16) in [0, 1), from `uniform_draws`.
        height: Pixels down.
        width: Pixels across.

    Returns:
        (B, 2, 3) in grid_sample's coordinates, where the image reaches from -1 to 1 both ways.
    """
    sides = 2.0 * draws - 1.0  # uniform in [-1, 1)
    count = len(draws)
    angle = np.deg2rad(augmentation.rotation) * sides[:, _ROTATION]
    slant = np.tan(np.deg2rad(augmentation.shear) * sides[:, _SHEAR])
    shrink = 1.0 / (1.0 + augmentation.zoom * sides[:, [_ZOOM, _ZOOM_Y]])  # (B, 2)
    cosine, sine = np.cos(angle), np.sin(angle)

    unrotate = _two_by_two(cosine, sine, -sine, cosine)
    unshear = _two_by_two(np.ones(count), -slant, np.zeros(count), np.ones(count))
    if augmentation.zoom_each_axis:
        linear = unshear * shrink[:, None, :] @ unrotate
    else:
        linear = unshear @ unrotate * shrink[:, :1, None]
    # Angles are angles of pixels: without this a rotation would shear an image that is not square.
    to_pixels = np.diag([width / 2.0, height / 2.0])
    linear = np.linalg.inv(to_pixels) @ linear @ to_pixels

    turns = np.floor(4.0 * draws[:, _TURN]) if augmentation.quarter_turns else np.zeros(count)
    cosines = np.array([1.0, 0.0, -1.0, 0.0])[turns.astype(int)]
    sines = np.array([0.0, 1.0, 0.0, -1.0])[turns.astype(int)]
    flip_x = np.where((draws[:, _FLIP_X] < 0.5) & augmentation.horizontal_flip, -1.0, 1.0)
    flip_y = np.where((draws[:, _FLIP_Y] < 0.5) & augmentation.vertical_flip, -1.0, 1.0)
    linear = _two_by_two(cosines * flip_x, sines * flip_x, -sines * flip_y, cosines * flip_y) @ linear

    shift = -2.0 * augmentation.shift * sides[:, [_SHIFT_X, _SHIFT_Y]]  # the image is 2 across
    kept = 1.0 - augmentation.crop * draws[:, _CROP]
    middle = (1.0 - kept)[:, None] * sides[:, [_CROP_X, _CROP_Y]]  # anywhere within the image
    return np.concatenate([linear * kept[:, None, None], linear @ (shift + middle)[:, :, None]], axis=2)


def _two_by_two(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([a, b, c, d], axis=1).reshape(-1, 2, 2)
