"""A net that computes the same in fewer steps: a batch norm that learns nothing is part of the convolution before it.

In eval mode a batch norm multiplies each channel by one number and adds another; so does the convolution before it,
whose weights can hold both. Half the passes over a map are spared, forwards and backwards. What a convolution learns is
learnt as before, since the product is taken anew each time.
"""

from __future__ import annotations

import copy
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from engine.models.depthwise import convolve


class _FoldedConv(nn.Module):
    """A convolution and the batch norm behind it. Their parameters are those of the net itself, and stay there."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.conv, self.norm = conv, norm
        # timm's batch norms drop and activate too.
        self.then = [module for name in ("drop", "act") if (module := getattr(norm, name, None)) is not None]

    def forward(self, x: Tensor) -> Tensor:
        """Run both."""
        norm, conv = self.norm, self.conv
        if norm.training:
            out: Tensor = norm(conv(x))
            return out
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        bias = -norm.running_mean if conv.bias is None else conv.bias - norm.running_mean
        made = convolve(conv, x, conv.weight * scale[:, None, None, None], norm.bias + bias * scale)
        for module in self.then:
            made = _activated(module, made)
        return made


class _Clipped(torch.autograd.Function):
    """ReLU6 in place, without the copy that PyTorch makes for its gradient: what came out says as much."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        """Clip what a convolution gave, which does not look at it again."""
        x.clamp_(low, high)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        ctx.bounds = low, high
        return x

    @staticmethod
    def backward(ctx: Any, *made: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient where nothing was clipped."""
        (clipped,) = ctx.saved_tensors
        slope = made[0]
        if clipped.is_contiguous(memory_format=torch.channels_last):  # as the convolution wants it
            slope = slope.contiguous(memory_format=torch.channels_last)
        of_x: Tensor = torch.ops.aten.hardtanh_backward(slope, clipped, *ctx.bounds)
        return of_x, None, None


def _activated(activation: nn.Module, made: Tensor) -> Tensor:
    spares = isinstance(activation, nn.Hardtanh) and made.requires_grad and not torch.compiler.is_compiling()
    out: Tensor = _Clipped.apply(made, activation.min_val, activation.max_val) if spares else activation(made)
    return out


def folded(net: nn.Module, *, probe: Tensor | None = None) -> nn.Module:
    """Return a net that gives what this one gives, with batch norms folded where they are not trained.

    The two share all parameters, so that what changes in the one changes in the other.

    Args:
        net: Whose modules are called in the order in which they were registered where they are a convolution and a
            batch norm.
        probe: An input on which both must agree, or the net itself is returned; None where nobody asks.

    Returns:
        A copy of the modules that hold others; the net itself where nothing can be folded.
    """
    made = _folded(net)
    if made is net or probe is None:
        return made
    with torch.no_grad():
        expected, found = net(probe), made(probe)
    scale = float(expected.abs().max()) or 1.0
    agrees = float((found - expected).abs().max()) <= TOLERANCE * scale
    return made if agrees else net


TOLERANCE = 1e-4  # relative to the largest value


def _folded(net: nn.Module) -> nn.Module:
    children = dict(net._modules)
    names = list(children)
    made: dict[str, nn.Module | None] = {}
    for name, following in zip_longest(names, names[1:]):
        child = children[name]
        if name in made or child is None:
            made.setdefault(name, child)
        elif following is not None and _foldable(child, norm := children[following]):
            made |= {name: _FoldedConv(child, norm), following: nn.Identity()}  # type: ignore[arg-type]
        else:
            made[name] = _folded(child)
    if all(made[name] is children[name] for name in names):
        return net
    copied = copy.copy(net)
    copied._modules = made
    return copied


def _foldable(conv: nn.Module, norm: nn.Module | None) -> bool:
    return (
        isinstance(conv, nn.Conv2d)
        and isinstance(norm, nn.BatchNorm2d)
        and norm.affine
        and norm.running_mean is not None
        and conv.out_channels == norm.num_features
        and not conv._forward_hooks
        and not norm._forward_hooks
    )
