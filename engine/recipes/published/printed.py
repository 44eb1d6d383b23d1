"""A printed figure, to hold a run against."""

from __future__ import annotations

from engine.records import Expected


def printed(metric: str, value: float, data: str, *, tolerance: float = 0.01) -> Expected:
    """Return a result as its report printed it, to be met within the tolerance."""
    return Expected(metric=metric, value=value, tolerance=tolerance, data=data, device="as published")
