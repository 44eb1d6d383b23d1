"""What every net in this folder is: blocks one after another, from images to a map, without a head."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Stack(nn.Module):
    """Blocks one after another.

    Args:
        blocks: From the image up; "last N" of a recipe counts them from the end.
        channels: Of the map that the last block gives.
        default_size: Height and width in pixels that the net was published with.

    Attributes:
        mean: Subtracted from the image; these nets were published with pixels/255 and nothing more.
        std: What the image is then divided by.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __init__(self, blocks: Sequence[nn.Module], *, channels: int, default_size: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.channels = channels
        self.default_size = default_size

    def forward(self, x: Tensor) -> Tensor:
        """Return the last map: (B, C, H, W) to (B, channels, h, w)."""
        out: Tensor = self.blocks(x)
        return out
