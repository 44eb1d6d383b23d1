"""Tensors of a training in fewer bytes, and back to the last bit: the high bytes of 32-bit numbers are deflated.

The highest byte (sign and exponent) takes few values in weights and moments, and the three below it are noise. The
best weights so far and their average are near the present ones: written is in which bits they differ, and of that the
second byte shrinks too.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_HIGH = "high"  # all high bytes, in the order of the groups and names
# Before a name: the low bytes of the number, or of the bits in which it differs from what it is near to.
_LOW, _DIFFERENCE = "low/", "difference/"
_GROUPS = ("optimizer", "model", "average", "best")  # each behind those it is near to
_NEAR = {"average": ("model",), "best": ("average", "model")}


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what `unpack` makes these again of.

    Args:
        tensors: On the CPU, by names that begin with their group: "model/head.weight".
    """
    packed: dict[str, Tensor] = {}
    packer, high = zlib.compressobj(1, strategy=zlib.Z_RLE), bytearray()
    for name in sorted(tensors, key=_place):
        value = tensors[name]
        if value.dtype != torch.float32:
            packed[name] = value.clone(memory_format=torch.contiguous_format)
            continue
        bits, kind, low = _bits(value), _LOW, 3
        if (near := _near(name, value.shape, tensors)) is not None:
            bits = bits ^ _bits(near)
            kind, low = _DIFFERENCE, 2 if bits.any() else 0
        planes = bits.view(np.uint8).reshape(-1, 4).T
        packed[kind + name] = torch.from_numpy(np.ascontiguousarray(planes[:low]).reshape(low, *value.shape))
        if low:
            high += packer.compress(np.ascontiguousarray(planes[low:]).data)
    high += packer.flush()
    return packed | {_HIGH: torch.frombuffer(high, dtype=torch.uint8)}


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what was packed; what was not (by an earlier version) comes back as it is.

    Raises:
        zlib.error: They are damaged; ValueError, KeyError and TypeError say so too.
    """
    if _HIGH not in packed:
        return dict(packed)
    tensors = {name: value for name, value in packed.items() if name != _HIGH and not _kind(name)}
    pieces = sorted(filter(_kind, packed), key=lambda name: _place(name.removeprefix(_kind(name))))
    high = _inflated(packed[_HIGH], sum(_high_bytes(packed[piece]) for piece in pieces))
    at = 0
    for piece in pieces:
        low, kind = packed[piece], _kind(piece)
        name, shape = piece.removeprefix(kind), low.shape[1:]
        near = _near(name, shape, tensors) if kind == _DIFFERENCE else None
        if near is None and (kind == _DIFFERENCE or not len(low)):
            raise KeyError(name)
        if near is not None and not len(low):
            tensors[name] = near
            continue
        end = at + _high_bytes(low)
        planes = np.empty((shape.numel(), 4), np.uint8)
        planes[:, : len(low)] = low.reshape(len(low), shape.numel()).numpy().T
        planes[:, len(low) :] = high[at:end].reshape(4 - len(low), shape.numel()).T
        at = end
        bits = planes.reshape(-1).view(np.uint32)
        if near is not None:
            bits ^= _bits(near)
        tensors[name] = torch.from_numpy(bits.view(np.float32)).reshape(shape)
    return tensors


def _kind(name: str) -> str:
    return next((kind for kind in (_LOW, _DIFFERENCE) if name.startswith(kind)), "")


def _place(name: str) -> tuple[int, str]:
    return _GROUPS.index(name.split("/")[0]), name


def _near(name: str, shape: torch.Size, tensors: Mapping[str, Tensor]) -> Tensor | None:
    """Return what a tensor is told by: what has its name in another group, and its form."""
    group, own = name.split("/", 1)
    for other in _NEAR.get(group, ()):
        found = tensors.get(f"{other}/{own}")
        if found is not None and found.dtype == torch.float32 and found.shape == shape:
            return found
    return None


def _bits(value: Tensor) -> NDArray[np.uint32]:
    return value.contiguous().reshape(-1).numpy().view(np.uint32)


def _high_bytes(low: Tensor) -> int:
    """Return how many bytes of the deflated ones belong to these low ones."""
    if low.dtype != torch.uint8 or not low.ndim or len(low) > 3:
        raise TypeError("no low bytes of 32-bit numbers")
    return (4 - len(low)) * low.shape[1:].numel() if len(low) else 0


def _inflated(high: Tensor, wanted: int) -> NDArray[Any]:
    stream = zlib.decompressobj()
    content = stream.decompress(high.numpy().data, wanted + 1)  # no more than that, whatever was put there
    if len(content) != wanted or not stream.eof:
        raise zlib.error("too few high bytes, or too many")
    return np.frombuffer(content, np.uint8)
