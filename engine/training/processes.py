"""One training by several processes, each with a share of every batch: what a single process would do, to rounding.

    joined(rank, world, address)             joins them, by torch.distributed: NCCL on GPUs, gloo on CPUs
    Processes.share(batch)                   this process's images of a batch: every world-th, from the rank on
    Processes.as_one_batch(images)           batch norm, dropout and dropped paths over the whole batch
    Processes.learner(module)                a module whose gradients are summed over the processes

The whole batch stays the recipe's, however many processes there are. What is drawn is drawn alike in all of them and
each takes its own rows, so that a mask does not depend on how many there are. Ray starts such processes
(`engine.cluster.crew`), and so does torchrun (`engine.jobs.shared`).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from engine.errors import RecipeError
from engine.recipes import mixes_images
from engine.records import Recipe

Rows = TypeVar("Rows", Tensor, NDArray[np.int64])

_DROPS = (
    functional.dropout,
    functional.dropout1d,
    functional.dropout2d,
    functional.dropout3d,
    functional.alpha_dropout,
    functional.feature_alpha_dropout,
)


@dataclass(frozen=True, slots=True)
class Processes:
    """Those that train one model together, and which of them this is.

    Attributes:
        rank: From 0; the first one writes the files.
        world: How many.
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    def share(self, rows: Rows) -> Rows:
        """Return this process's rows of a batch (B, ...)."""
        return rows[self.rank :: self.world]

    def as_one_batch(self, images: int) -> AbstractContextManager[object]:
        """Make layers that look beyond one image, or draw, see the whole batch while the context lasts.

        Args:
            images: Of the whole batch.
        """
        return nullcontext() if self.world == 1 else _AsOneBatch(self, images)

    def learner(self, module: nn.Module) -> nn.Module:
        """Return a module that learns with those of the other processes; their mean gradient is each one's."""
        if self.world == 1:
            return module
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", FutureWarning
            )  # the newer name is not in every version that we take
            return nn.parallel.DistributedDataParallel(module, broadcast_buffers=False)

    def part_of_mean(self, mean: Tensor, images: int) -> Tensor:
        """Return what this process's images add to the mean over a whole batch.

        Args:
            mean: Over this process's share of it; no number where that is empty.
            images: Of the whole batch.
        """
        mine = len(range(self.rank, images, self.world))
        return mean * (mine / images) if mine else mean.nan_to_num()

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over the processes; the same bits in each."""
        if self.world > 1:
            values = values.clone()
            distributed.all_reduce(values)
        return values

    def gathered(self, mine: Tensor, rows: int) -> Tensor:
        """Return all rows (N, ...) of which each process has its share; the same bits in each.

        Args:
            mine: (n, ...) this process's.
            rows: N.
        """
        whole = mine.new_zeros((rows, *mine.shape[1:]))
        whole[self.rank :: self.world] = mine
        return self.total(whole)


ALONE = Processes()


def check_shareable(recipe: Recipe, processes: Processes) -> None:
    """Refuse a recipe whose batches cannot be shared among processes.

    Raises:
        RecipeError: It blends images of a batch, which may be with different processes.
    """
    for phase in recipe.phases:
        if processes.world > 1 and mixes_images(phase):
            raise RecipeError(
                f"Phase {phase.name} blends the images of a batch (mixup, cutmix), so that several processes cannot "
                "share it",
                "Set mixup and cutmix to 0, or train in one process",
                option="--workers 1",
            )


@contextmanager
def joined(rank: int, world: int, address: str) -> Iterator[Processes]:
    """Join the processes that train one model together, for as long as the context lasts.

    Args:
        rank: Of this one, from 0.
        world: How many.
        address: "tcp://HOST:PORT" of the first one, or "env://" where torchrun says it.
    """
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if "127.0.0.1" in address and sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # else it listens to the network
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, init_method=address, rank=rank, world_size=world)
    try:
        yield Processes(rank, world)
    finally:
        distributed.destroy_process_group()


class _AsOneBatch(TorchFunctionMode):
    """Hands batch norm and what is drawn at random to the functions below; everything else is done as it is."""

    def __init__(self, processes: Processes, images: int) -> None:
        super().__init__()
        self._processes, self._images = processes, images
        self._mine = len(range(processes.rank, images, processes.world))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})  # of a function of `functional` everything, its defaults too
        if func is functional.batch_norm:
            return _normed(*args, **given)
        if func in _DROPS:
            return self._dropped(func, *args, **given)
        if func is Tensor.bernoulli_:  # as timm and torchvision drop paths
            return self._drawn(*args, **given)
        return func(*args, **given)

    def _rows(self, like: Tensor) -> int:
        """Return how many rows there are of each image: more than one where windows of images are stacked."""
        return max(1, len(like) // max(1, self._mine))

    def _own(self, whole: Tensor, each: int) -> Tensor:
        own: Tensor = self._processes.share(whole.reshape(self._images, each, *whole.shape[1:])).flatten(0, 1)
        return own

    def _dropped(
        self,
        drop: Callable[..., Tensor],
        x: Tensor,
        p: float,
        training: bool,
        inplace: bool,
    ) -> Tensor:
        if not training or p == 0:
            return x
        each = self._rows(x)
        whole = x.new_zeros((self._images * each, *x.shape[1:]))
        if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
            whole = whole.contiguous(memory_format=torch.channels_last)
        # Each image in its place: alpha dropout does more than multiply.
        by_image = whole.view(self._images, each, *x.shape[1:])
        self._processes.share(by_image).copy_(x.reshape(self._mine, each, *x.shape[1:]))
        return self._own(drop(whole, p, True), each)

    def _drawn(self, x: Tensor, p: float = 0.5) -> Tensor:
        each = self._rows(x)
        return x.copy_(self._own(x.new_empty((self._images * each, *x.shape[1:])).bernoulli_(p), each))


class _Sum(torch.autograd.Function):
    """The sum over the processes, through which gradients find their way."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


def _sum(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)
    return total


def _normed(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """Do what `functional.batch_norm` does, with the mean and variance of the whole batch (B, C, ...)."""
    if not training:
        return functional.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    others = [axis for axis in range(x.ndim) if axis != 1]
    across = [1, -1] + [1] * (x.ndim - 2)
    values = x.float()
    counted = _sum(torch.cat([values.sum(others), values.new_tensor([x.numel() / x.shape[1]])]))
    count = counted[-1].detach()
    mean = counted[:-1] / count
    centred = values - mean.reshape(across)
    variance = _sum((centred**2).sum(others)) / count  # of what is centred: the squares' mean would cancel
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_((variance * count / (count - 1)).to(running_var.dtype), momentum)
    normed = centred * torch.rsqrt(variance + eps).reshape(across)
    if weight is not None:
        normed = normed * weight.float().reshape(across)
    if bias is not None:
        normed = normed + bias.float().reshape(across)
    made: Tensor = normed.to(x.dtype)
    return made
