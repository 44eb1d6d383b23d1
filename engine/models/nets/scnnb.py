"""SCNNB, a shallow net for small images (doi:10.1007/s42452-019-1903-4), and its two ablations.

The report draws two convolutions of 32 and 64 channels, each with batch normalisation, ReLU and a halving;
a hidden layer of 1280 stands on the 7 x 7 x 64 map. That map comes from 28 x 28 x 1 images when both
convolutions keep the size ("same"), and from 32 x 32 x 3 images when the second one does not ("valid"): the
number of channels tells which.
"""

from __future__ import annotations

from torch import nn

from engine.models.nets.stack import Stack


def scnnb(in_channels: int, *, first_norm: bool = True, second_norm: bool = True) -> Stack:
    """Build SCNNB.

    Args:
        in_channels: 1 for 28 x 28 images, 3 for 32 x 32 images.
        first_norm: Batch normalisation after the first convolution; SCNNB-a and -b lack it.
        second_norm: After the second; SCNNB-b lacks both.

    Returns:
        (B, in_channels, H, W) to (B, 64, 7, 7) at the published sizes.
    """
    grey = in_channels == 1
    first: list[nn.Module] = [nn.Conv2d(in_channels, 32, 3, padding=1)]
    second: list[nn.Module] = [nn.Conv2d(32, 64, 3, padding=1 if grey else 0)]
    if first_norm:
        first.append(nn.BatchNorm2d(32))
    if second_norm:
        second.append(nn.BatchNorm2d(64))
    blocks = [nn.Sequential(*block, nn.ReLU(), nn.MaxPool2d(2)) for block in (first, second)]
    return Stack(blocks, channels=64, default_size=28 if grey else 32)
