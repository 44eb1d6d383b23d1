"""Films with a bright square in a known place, and a net, made by hand, that reads nothing else."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.models.classifier import Classifier, ClassifierHead
from engine.records import Head

SIDE, SQUARE = 32, 8


def bright_film(seed: int, *, ill: bool = True) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a dark film (32, 32) with streaks, and where its square is; without one where it is not ill."""
    rng = np.random.default_rng(seed)
    film = rng.random((SIDE, SIDE)) * 40
    film[:, rng.integers(0, SIDE)] += 60
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    top, left = 4 * rng.integers(0, (SIDE - SQUARE) // 4 + 1, 2)  # on the cells of the net
    if ill:
        mask[top : top + SQUARE, left : left + SQUARE] = True
        film[mask] = 230
    return film.astype(np.uint8), mask


class Bright(nn.Module):
    """8 × 8 cells of 16 maps: the first is bright places alone, the others are textures."""

    channels, mean, std, default_size = 16, (0.0,), (1.0,), SIDE

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv2d(1, 16, 4, 4)
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            self.net.weight.copy_(torch.randn(16, 1, 4, 4, generator=generator) / 4)
            self.net.weight[0].fill_(1 / 16)
            self.net.bias.zero_()
            self.net.bias[0] = -0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x).relu()


def reader_of_bright_places(head: Head | None = None, classes: int = 2) -> Classifier:
    """Return a net that says the last class of a film with a bright square, and the first of others."""
    made = ClassifierHead(head or Head(), map_shape=(16, 8, 8), n_classes=classes)
    with torch.no_grad():
        weight = torch.linspace(-0.4, 0.4, made.output.weight.numel()).view_as(made.output.weight)
        made.output.weight.copy_(weight)
        made.output.weight[:, 0] = 0
        made.output.weight[-1, 0] = 300.0
        made.output.bias.zero_()
        made.output.bias[-1] = -3.0
    return Classifier(Bright(), made, channels=1).eval()
