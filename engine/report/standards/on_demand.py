"""What is computed of a class when it is asked for: where there are many, nobody looks at all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.statistics import PrecisionRecall, log_odds, precision_recall_curve

Of = TypeVar("Of", covariant=True)
FEW = 10
"""Classes of which everything is kept: as many as are drawn."""


class OnDemand(Mapping[str, Of]):
    """By class, what a function gives of its number, each time that it is asked for.

    It is kept nowhere: of fifty classes and 100,000 cases log-odds are 40 MB, and precision-recall curves, which have
    a point at every distinct score, 120 MB.
    """

    __slots__ = ("_code", "_computed")

    def __init__(self, codes: Mapping[str, int], computed: Callable[[int], Of]) -> None:
        self._code, self._computed = codes, computed

    def __getitem__(self, name: str) -> Of:
        return self._computed(self._code[name])

    def __contains__(self, name: object) -> bool:
        return name in self._code

    def __iter__(self) -> Iterator[str]:
        return iter(self._code)

    def __len__(self) -> int:
        return len(self._code)


def by_class(codes: Mapping[str, int], computed: Callable[[int], Of]) -> Mapping[str, Of]:
    """Return by class what a function gives of its number: of few classes now, of many each time it is asked for."""
    if len(codes) > FEW:
        return OnDemand(codes, computed)
    return {name: computed(code) for name, code in codes.items()}


def precision_recall_of(
    truth: NDArray[np.int64], p: NDArray[np.float64], code: int
) -> PrecisionRecall | None:
    """Return the precision-recall curve of a class against all others, by its log-odds.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        p: (N, C) probabilities.
        code: The class.
    """
    return precision_recall_curve(truth == code, log_odds(p, code))
