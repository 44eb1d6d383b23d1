"""Three nets for 128 x 128 faces, cut down from well-known ones.

AlexNet is doi:10.1145/3065386, VGG arXiv:1409.1556, MobileNet arXiv:1704.04861.
"""

from __future__ import annotations

from torch import nn

from engine.models.nets.stack import Stack

WIDTHS = (16, 32, 64, 128, 128)


def _conv(
    in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, groups=groups),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]


def _halved(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Dropout(0.2))


def affect_alexnet(in_channels: int) -> Stack:
    """Build five blocks of one convolution, its kernel shrinking: (B, C, 128, 128) to (B, 128, 4, 4)."""
    incoming = (in_channels, *WIDTHS)
    kernels = (9, 7, 5, 3, 3)
    blocks = [_halved(*_conv(incoming[i], width, kernels[i])) for i, width in enumerate(WIDTHS)]
    return Stack(blocks, channels=WIDTHS[-1], default_size=128)


def affect_vggnet(in_channels: int) -> Stack:
    """Build five blocks of two 3 x 3 convolutions: (B, C, 128, 128) to (B, 128, 4, 4)."""
    incoming = (in_channels, *WIDTHS)
    blocks = [
        _halved(*_conv(incoming[i], width, 3), *_conv(width, width, 3)) for i, width in enumerate(WIDTHS)
    ]
    return Stack(blocks, channels=WIDTHS[-1], default_size=128)


# Width and stride of each depthwise-separable block.
_SEPARABLE = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)


def affect_mobilenet(in_channels: int) -> Stack:
    """Build MobileNet: (B, C, 128, 128) to (B, 1024, 4, 4).

    The report left out the 1 x 1 convolutions, so that no channel ever met another, and got chance; here
    every block has both halves: a 3 x 3 convolution within each channel, then a 1 x 1 convolution across
    them.
    """
    blocks: list[nn.Module] = [nn.Sequential(*_conv(in_channels, 32, 3, stride=2))]
    incoming = 32
    for width, stride in _SEPARABLE:
        within = _conv(incoming, incoming, 3, stride=stride, groups=incoming)
        blocks.append(nn.Sequential(*within, *_conv(incoming, width, 1)))
        incoming = width
    return Stack(blocks, channels=incoming, default_size=128)
