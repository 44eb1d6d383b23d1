"""Promises of engine.models.cell_centres: cells lie where planted squares are answered, in every family of nets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.models.backbone import build_backbone
from engine.models.cell_centres import Axis, follow_cells

FAMILIES = [
    ("resnet18", 224),
    ("regnety_002", 224),
    ("mobilenet-v3", 224),
    ("efficientnet-b0", 224),
    ("efficientnet-lite0", 224),
    ("densenet121", 224),
    ("convnext_atto", 224),
    ("vit_tiny_patch16_224", 224),
    ("cifar-cnn", 32),
    ("scnnb", 28),
]
PLACES = (0.3, 0.5, 0.7)


def answered_beside(name: str, size: int, *, tiles: bool = False) -> float:
    """Return how many pixels beside planted squares a net with random weights answers them, in the median."""
    torch.manual_seed(0)
    channels = 1 if name == "scnnb" else 3
    net = build_backbone(name, channels=channels, image_size=size).eval()
    with (
        torch.no_grad()
    ):  # a residual branch whose last norm begins at 0 would leave all but every 32nd pixel out
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d) and not module.weight.any():
                module.weight.fill_(1)
    film = 0.3 + 0.2 * torch.rand(1, channels, size, size)
    half = max(1, size // 28)
    squares, answers = [], []
    with torch.no_grad():
        before = net(film)
        for y in PLACES:
            for x in PLACES:
                row, column = round(y * size), round(x * size)
                planted = film.clone()
                planted[:, :, row - half : row + half, column - half : column + half] = 1
                change = (net(planted) - before).double().square().sum(dim=1)[0]
                share = (change / change.sum()).numpy()
                squares.append((row, column))
                answers.append((share.sum(1) @ np.arange(len(share)), share.sum(0) @ np.arange(len(share))))
    cells = int(before.shape[2])
    grid = follow_cells(net, channels=channels, height=size, width=size).of(cells, cells)
    beside = []
    for axis in range(2):
        lies = Axis.tiling(cells, size) if tiles else grid[axis]
        at, said = np.array(squares)[:, axis], lies.first + lies.step * np.array(answers)[:, axis]
        # What answers a little everywhere draws the answers towards the middle of the map.
        follows = np.polyfit(at, said, 1)[0]
        middle = lies.at(cells).mean()
        beside.append(np.median(middle + (said - middle) / follows - at))
    return float(np.abs(beside).max())


@pytest.mark.parametrize(("name", "size"), FAMILIES)
def test_squares_are_answered_within_three_pixels_of_where_cells_are_said_to_lie(
    name: str, size: int
) -> None:
    assert answered_beside(name, size) <= 3


@pytest.mark.parametrize("name", ["resnet18", "efficientnet-lite0"])
def test_tiles_would_be_half_a_cell_off(name: str) -> None:
    assert answered_beside(name, 224, tiles=True) > 10


@pytest.mark.parametrize(
    ("name", "size", "first", "last"),
    [  # by hand: strides of 2 that begin at the first pixel; 3-pixel windows without padding; tokens in tiles
        ("resnet18", 224, 0.5, 192.5),
        ("inception-v3", 299, 37.5, 261.5),
        ("swin-tiny", 224, 16.0, 208.0),
    ],
)
def test_centres_are_those_worked_out_by_hand(name: str, size: int, first: float, last: float) -> None:
    net = build_backbone(name, channels=3, image_size=size)
    centres = follow_cells(net, channels=3, height=size, width=size)
    at = centres.of(*centres.last)[0].at(centres.last[0])
    assert (at[0], at[-1]) == (first, last)


def test_following_leaves_a_net_in_its_mode() -> None:
    net = build_backbone("cifar-cnn", channels=3, image_size=32).train()
    follow_cells(net, channels=3, height=32, width=32)
    assert net.training
