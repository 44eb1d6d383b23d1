"""What wide depthwise convolutions learn, several times as fast as PyTorch computes it on a processor.

oneDNN, which PyTorch asks, has a fast way to the gradient of a depthwise kernel only where it is at most three columns
wide: of five columns it takes ten times as long as of three. The gradient of some columns is that of a narrower kernel
laid over the image a little further on, so a wide one is put together from several narrow ones.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import get_same_padding
from torch import Tensor, nn
from torch.nn import functional

NARROW = 3  # columns
_LANES = 16  # channels that are worked on at once

Pair = tuple[int, int]


def convolve(conv: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Run a convolution with other weights than its own.

    Args:
        conv: Its settings.
        x: (B, C, H, W).
        weight: In place of its own.
        bias: The same.
    """
    if not _is_plain_depthwise(conv, x):
        # Another object with the same settings: a net that several threads look through is never changed.
        run = copy.copy(conv)
        run._parameters = {}
        run.weight, run.bias = weight, bias
        given: Tensor = run(x)
        return given
    padding, more = cast("Pair", conv.padding), (0, 0)
    if isinstance(conv, Conv2dSame):
        before, padding = _same(conv, x)
        more = (padding[0] - before[0], padding[1] - before[1])
    if any(more):
        # More is padded at the end than at the beginning: alike, with a kernel that begins with noughts, is as good and
        # needs no larger copy of the image.
        weight = functional.pad(weight, (more[1], 0, more[0], 0))
    if weight.requires_grad and torch.is_grad_enabled() and _is_slow(conv):
        made: Tensor = _Wide.apply(x, weight, bias, conv.stride, padding, more)
        return made
    return functional.conv2d(x, weight, bias, conv.stride, padding, 1, conv.groups)


def _same(conv: nn.Conv2d, x: Tensor) -> tuple[Pair, Pair]:
    """Return how many rows and columns are added before an image and after it, as TensorFlow does."""
    added = [
        get_same_padding(x.shape[2 + axis], conv.kernel_size[axis], conv.stride[axis], 1) for axis in (0, 1)
    ]
    return (added[0] // 2, added[1] // 2), (added[0] - added[0] // 2, added[1] - added[1] // 2)


def _is_plain_depthwise(conv: nn.Conv2d, x: Tensor) -> bool:
    return (
        type(conv) in (nn.Conv2d, Conv2dSame)
        and conv.groups == conv.in_channels == conv.out_channels
        and conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def _is_slow(conv: nn.Conv2d) -> bool:
    return (
        conv.kernel_size[1] > NARROW
        and conv.in_channels % _LANES == 0
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability().startswith("AVX512")  # where this was measured
    )


class _Wide(torch.autograd.Function):
    """A depthwise convolution whose kernel is wide."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, noughts: Pair
    ) -> Tensor:
        """Return what PyTorch returns; the kernel begins with rows and columns of noughts that learn nothing."""
        x = x.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding, ctx.noughts, ctx.has_bias = stride, padding, noughts, bias is not None
        return functional.conv2d(x, weight, bias, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *made: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of image, kernel and bias."""
        x, weight = ctx.saved_tensors
        slope = made[0].contiguous(memory_format=torch.channels_last)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = _gradients(slope, x, weight, ctx.stride, ctx.padding, (True, False))[0]
        of_weight = None
        if ctx.needs_input_grad[1]:
            of_weight = _of_kernel(slope, x, weight, ctx.stride, ctx.padding, ctx.noughts[1])
        of_bias = slope.sum((0, 2, 3)) if ctx.has_bias and ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias, None, None, None


def _of_kernel(slope: Tensor, x: Tensor, weight: Tensor, stride: Pair, padding: Pair, noughts: int) -> Tensor:
    """Return the gradient of a kernel (C, 1, h, w), some columns at a time.

    Args:
        slope: Of what came out, (B, C, H', W').
        x: What went in, (B, C, H, W).
        weight: The kernel.
        stride: As that of the convolution.
        padding: The same.
        noughts: Columns that the kernel begins with and whose gradient nobody asks for.
    """
    width, across = weight.shape[3], stride[1] * (slope.shape[3] - 1)
    columns = [weight.new_zeros(*weight.shape[:3], noughts)]
    for start in range(noughts, width, NARROW):
        some = weight[..., start : start + NARROW]
        first = start - padding[1]  # column of the image under the first of these, when the kernel begins
        seen = functional.pad(x, (-first, first + across + some.shape[3] - x.shape[3]))
        columns.append(_gradients(slope, seen, some, stride, (padding[0], 0), (False, True))[1])
    return torch.cat(columns, dim=3)


def _gradients(
    slope: Tensor, x: Tensor, weight: Tensor, stride: Pair, padding: Pair, asked: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    found = torch.ops.aten.convolution_backward(
        slope, x, weight, None, stride, padding, (1, 1), False, (0, 0), weight.shape[0], (*asked, False)
    )
    return cast("tuple[Tensor, Tensor]", found[:2])
