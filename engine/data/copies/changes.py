"""What was done to an image, from how it lies over another one, and in words."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.data.copies.looks import Symmetry
from engine.data.copies.registering import Floats
from engine.language import N_
from engine.records import Sample

_TURNED = 1.5  # degrees; less may be the registration's error
_CROPPED = 0.015  # of a side
_SHIFTED = 0.015


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was done to one of two images to give the other.

    Attributes:
        symmetry: Mirrored, turned by quarters, inverted.
        turned: Degrees beyond that, without sign; 0 where not.
        cropped: Share of a side that only one of them shows; 0 where none.
        shifted: Share of a side; 0 where not.
    """

    symmetry: Symmetry
    turned: float = 0
    cropped: float = 0
    shifted: float = 0

    @property
    def made(self) -> bool:
        """Whether the content was moved or inverted: more than saving an image anew does."""
        return self != Change(symmetry=Symmetry())


def change_of(symmetry: Symmetry, moved: Floats, inverted: bool, first: Sample, second: Sample) -> Change:
    """Read off what was done.

    Args:
        symmetry: Done to the first before it was laid over the second.
        moved: (2, 3) where each point of the first lies in the second, both in [-1, 1] from the centre.
        inverted: Whether dark is light.
        first: For its shape.
        second: For its shape.
    """
    whole: NDArray[np.floating] = np.vstack([moved, [0, 0, 1]])
    size = math.sqrt(abs(np.linalg.det(whole)))
    shapes = (_shape(first, turned=symmetry.transposed), _shape(second))
    upright = np.diag([shapes[1], 1]) @ whole[:2, :2] @ np.diag([1 / shapes[0], 1])
    turned = abs(math.degrees(math.atan2(upright[1, 0] - upright[0, 1], upright[0, 0] + upright[1, 1])))
    if size > 1:  # the smaller in the frame of the larger
        whole, size = np.linalg.inv(whole), 1 / size
    beyond = float(np.abs(whole[:2, 2]).max()) / 2
    outside = beyond - (1 - size) / 2
    return Change(
        symmetry=replace(symmetry, inverted=inverted),
        turned=turned if turned >= _TURNED else 0,
        cropped=1 - size if 1 - size >= _CROPPED else 0,
        shifted=beyond if outside >= _SHIFTED else 0,
    )


def _shape(sample: Sample, *, turned: bool = False) -> float:
    shape = sample.width / sample.height if sample.width and sample.height else 1.0
    return 1 / shape if turned else shape


def in_words(changes: Collection[Change]) -> list[str]:
    """Say what was done, a participle each; nothing where images were only saved anew."""
    symmetries = sorted({str(change.symmetry) for change in changes} - {""})
    return [
        *symmetries,
        *_range(N_("turned by {amount}"), [change.turned for change in changes], "°"),
        *_range(N_("cropped or zoomed by {amount}"), [100 * change.cropped for change in changes], "%"),
        *_range(N_("shifted by {amount}"), [100 * change.shifted for change in changes], "%"),
    ]


def _range(words: str, amounts: Sequence[float], unit: str) -> list[str]:
    rounded = {round(amount) for amount in amounts if amount}
    if not rounded:
        return []
    low, high = min(rounded), max(rounded)
    return [words.format(amount=f"{low}{unit}" if low == high else f"{low}{unit} to {high}{unit}")]
