"""Not worse by more than a margin: a one-sided test at half the level, which is the lower bound of a 95% interval.

The margin is fixed before the first reading; equivalence and superiority follow from the same interval
(doi:10.1001/jama.2012.87802).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import norm, t as student

from engine.errors import ReportError
from engine.language import in_print
from engine.statistics.clusters import NAN
from engine.statistics.readers.mrmc import Contrast

LEVEL = 0.025  # one-sided


@dataclass(frozen=True, kw_only=True, slots=True)
class NonInferiority:
    """Whether the first of two is not worse than the second by more than a margin.

    Attributes:
        margin: Above 0, in the figure's unit.
        statistic: Of the difference plus the margin.
        p_value: One-sided, that it is worse by the margin or more.
        conclusion: "superior", "not inferior", "inferior" or "not settled".
        sentence: The same, with its numbers.
    """

    margin: float
    statistic: float
    p_value: float
    conclusion: str
    sentence: str


def non_inferiority(contrast: Contrast, margin: float) -> NonInferiority:
    """Hold a difference against a margin.

    Args:
        contrast: First minus second; larger is better.
        margin: By how much the first may be worse; above 0.

    Raises:
        ReportError: The margin is none.
    """
    if not (math.isfinite(margin) and margin > 0):
        raise ReportError("A margin of non-inferiority is a number above 0", "Give one, such as 0.05")
    gap = contrast.difference
    statistic, p_value = NAN, NAN
    if contrast.error > 0:
        statistic = (gap.value + margin) / contrast.error
        p_value = float(
            student.sf(statistic, contrast.freedom) if math.isfinite(contrast.freedom) else norm.sf(statistic)
        )
    if math.isnan(gap.low):
        conclusion = "not settled"
    elif gap.low > 0:
        conclusion = "superior"
    elif gap.low > -margin:
        conclusion = "not inferior"
    else:
        conclusion = "inferior" if gap.high < -margin else "not settled"
    because = {
        "superior": "the interval lies above 0",
        "not inferior": f"the interval lies above {in_print(-margin)}",
        "inferior": f"the interval lies below {in_print(-margin)}",
        "not settled": f"the interval does not lie above {in_print(-margin)}",
    }[conclusion]
    if math.isnan(gap.low):
        because = "there is no interval"
    verb = (
        "is not settled to be superior or inferior to"
        if conclusion == "not settled"
        else f"is {conclusion} to"
    )
    sentence = (
        f"With a margin of {in_print(margin)}, {contrast.first} {verb} {contrast.second}: {because} "
        f"(one-sided {_p_in_print(p_value)} at a level of {in_print(LEVEL)})."
        if math.isfinite(p_value)
        else f"With a margin of {in_print(margin)}, {contrast.first} {verb} {contrast.second}: {because}."
    )
    return NonInferiority(
        margin=margin, statistic=statistic, p_value=p_value, conclusion=conclusion, sentence=sentence
    )


def _p_in_print(value: float) -> str:
    return f"p < {in_print(0.001)}" if value < 0.001 else f"p = {in_print(value, '.3f')}"
