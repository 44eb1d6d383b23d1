"""A net for 150 x 150 chest films, from scratch: five convolutions, each halved, normalised and thinned."""

from __future__ import annotations

from torch import nn

from engine.models.nets.stack import Stack

WIDTHS = (64, 64, 128, 128, 256)


def covid_cnn(in_channels: int) -> Stack:
    """Build the net: (B, in_channels, 150, 150) to (B, 256, 2, 2)."""
    blocks: list[nn.Module] = []
    incoming = in_channels
    for width in WIDTHS:
        blocks.append(
            nn.Sequential(
                nn.Conv2d(incoming, width, 3),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(width),
                nn.Dropout(0.2),
            )
        )
        incoming = width
    return Stack(blocks, channels=WIDTHS[-1], default_size=150)
