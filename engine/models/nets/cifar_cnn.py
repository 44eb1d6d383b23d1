"""A VGG-like net for 32 x 32 images and the variants that its ablations compare.

Three blocks of 32, 64 and 128 channels: convolutions, each followed by its activation and batch
normalisation, then a halving and dropout. The report does not print the dropout rates; .2, .3 and .4 (and
.5 in the head) are what nets of this shape are usually given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from engine.models.nets.stack import Stack

WIDTHS = (32, 64, 128)
DROPOUT = (0.2, 0.3, 0.4)


def cifar_cnn(
    in_channels: int,
    *,
    kernels: Sequence[int] = (3, 3),
    activation: Callable[[], nn.Module] = nn.ReLU,
    batch_norm: bool = True,
) -> Stack:
    """Build the net.

    Args:
        in_channels: Of the images.
        kernels: Width of each convolution of a block: (3, 3) as published, (3,) or (7,) in ablations.
        activation: After each convolution.
        batch_norm: After each activation.

    Returns:
        (B, in_channels, 32, 32) to (B, 128, 4, 4).
    """
    blocks: list[nn.Module] = []
    incoming = in_channels
    for width, rate in zip(WIDTHS, DROPOUT, strict=True):
        layers: list[nn.Module] = []
        for kernel in kernels:
            layers += [nn.Conv2d(incoming, width, kernel, padding=kernel // 2), activation()]
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            incoming = width
        blocks.append(nn.Sequential(*layers, nn.MaxPool2d(2), nn.Dropout(rate)))
    return Stack(blocks, channels=WIDTHS[-1], default_size=32)
