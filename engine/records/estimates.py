"""A figure with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A figure with its 95% interval. NaN bounds where none can be given.

    Attributes:
        value: The figure.
        low: Lower bound.
        high: Upper bound.
        method: e.g. "Wilson", "DeLong", "patient bootstrap".
        n: Cases it rests on.
    """

    value: float
    low: float
    high: float
    method: str
    n: int
