"""Where on the image the cells of a net's maps lie, computed from how the net is built.

Maps are commonly enlarged as if their cells tiled the image. Strided convolutions do not: those of a ResNet begin at
the image's first pixel, so that its cells lie half a cell further up and to the left than tiles would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


@dataclass(frozen=True, slots=True)
class Axis:
    """Along one axis the centre of cell i lies `first + i * step` pixels from the edge of the net's input."""

    first: float
    step: float

    @classmethod
    def tiling(cls, cells: int, size: int) -> Axis:
        """Return the axis of cells that tile `size` pixels."""
        return cls(size / cells / 2, size / cells)

    def moved(self, pixels: float) -> Axis:
        """Return the same cells, so many pixels further down or to the right."""
        return Axis(self.first + pixels, self.step)

    def merged(self, cells: int) -> Axis:
        """Return the axis of cells made of so many of these."""
        return Axis(self.first + (cells - 1) / 2 * self.step, self.step * cells)

    def read_by(self, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
        """Return the axis of a window that slides over these cells."""
        return Axis(self.first + self.step * (dilation * (kernel - 1) / 2 - padding), self.step * stride)

    def at(self, cells: int) -> NDArray[np.float64]:
        """Return the centres (cells,) in pixels."""
        return np.asarray(self.first + self.step * np.arange(cells), dtype=np.float64)


Grid = tuple[Axis, Axis]
"""Rows, columns."""


class CellCentres(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows a forward pass, and knows of every map in it, by its height and width, where its cells lie.

    Attributes:
        last: Height and width of the map that the net gave.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.size = self.last = (height, width)
        # In the order in which they came: windows slide over maps, and what merges tokens merges those of the last.
        self.grids: dict[tuple[int, int], Grid] = {(height, width): (Axis(0.5, 1.0), Axis(0.5, 1.0))}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        name = func.name().removeprefix("aten::").partition(".")[0]
        if name in FOLLOWED and isinstance(args[0], Tensor):
            first = made[0] if isinstance(made, tuple) else made
            before = self.grids.get(_extent(args[0]))
            if before is not None and first.ndim == 4:
                after = FOLLOWED[name](args, kwargs or {})
                self.grids[_extent(first)] = tuple(  # type: ignore[assignment]
                    axis.read_by(*window) for axis, window in zip(before, after, strict=True)
                )
        return made

    def of(self, height: int, width: int) -> Grid:
        """Return where the cells of a map (height, width) lie; such a map need not have been seen."""
        if (height, width) in self.grids:
            return self.grids[(height, width)]
        for (h, w), (rows, columns) in reversed(self.grids.items()):
            if h % height == 0 and w % width == 0:
                return rows.merged(h // height), columns.merged(w // width)
        return Axis.tiling(height, self.size[0]), Axis.tiling(width, self.size[1])


Window = tuple[int, int, int, int]
"""Kernel, stride, padding at the beginning, dilation."""


def _extent(tensor: Tensor) -> tuple[int, int]:
    return (int(tensor.shape[-2]), int(tensor.shape[-1])) if tensor.ndim == 4 else (0, 0)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return (values[0], values[-1])


def _convolved(args: Any, kwargs: Any) -> list[Window]:
    _, weight, _, stride, padding, dilation, transposed = args[:7]
    if transposed:
        return [(1, 1, 0, 1)] * 2
    windows = zip(weight.shape[2:], _pair(stride), _pair(padding), _pair(dilation), strict=True)
    return [tuple(map(int, window)) for window in windows]  # type: ignore[misc]


def _pooled(args: Any, kwargs: Any) -> list[Window]:
    kernel = _pair(args[1])
    stride = _pair(args[2]) if len(args) > 2 and args[2] else kernel
    padding = _pair(args[3]) if len(args) > 3 else (0, 0)
    return [(kernel[axis], stride[axis], padding[axis], 1) for axis in range(2)]


def _padded(args: Any, kwargs: Any) -> list[Window]:
    sides = [*args[1], 0, 0]
    left, top = sides[0], sides[2]
    return [(1, 1, top, 1), (1, 1, left, 1)]


FOLLOWED = {
    "convolution": _convolved,
    "max_pool2d_with_indices": _pooled,
    "avg_pool2d": _pooled,
    "constant_pad_nd": _padded,
}


def follow_cells(net: nn.Module, *, channels: int, height: int, width: int) -> CellCentres:
    """Follow one forward pass of a net in eval mode over an empty image.

    Args:
        net: Takes (1, channels, height, width).
        channels: Of the image.
        height: Of the image.
        width: Of the image.
    """
    parameter = next(net.parameters(), None)
    device = "cpu" if parameter is None else parameter.device
    centres = CellCentres(height, width)
    training = net.training
    net.eval()
    try:
        with torch.inference_mode(False), torch.no_grad(), centres:
            centres.last = _extent(net(torch.zeros(1, channels, height, width, device=device)))
    finally:
        net.train(training)
    return centres
