"""A figure with its interval, and two of them at an operating point."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A figure with its 95% interval; NaN bounds where none can be given, and `method` says why.

    Attributes:
        value: The figure itself.
        low: Lower bound.
        high: Upper bound.
        method: How the interval was made, e.g. "Wilson" or "DeLong, logit scale".
        n: Images it rests on.
        patients: Patients they come from; None where that was not asked.
        effective_n: Independent images that would be as informative; None where the method knows none.
    """

    value: float
    low: float
    high: float
    method: str
    n: int
    patients: int | None = None
    effective_n: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingFigures:
    """How an operating point did on the validation cases that it was chosen on.

    Attributes:
        sensitivity: There, with its interval by patient.
        specificity: There, with its interval by patient.
        note: A sentence where the rule could not be followed, and why; empty where it was.
    """

    sensitivity: Estimate
    specificity: Estimate
    note: str = ""
