"""What the machine's answer did to readers: whom it helped and harmed, where it was right and where it was wrong.

Automation bias is what a wrong answer does: right readings made wrong, and wrong advice followed
(doi:10.1136/amiajnl-2011-000089). The machine right and the machine wrong are never put together, as how often it is
wrong depends on how the cases were drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.readers.shares import mean_of_readings, share_of_readings

Labels = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class AdviceEffect:
    """What advice that was right, or advice that was wrong, did.

    Attributes:
        advice: "right" or "wrong".
        readings: Readings with such advice.
        helped: Wrong without the machine, right with it.
        harmed: Right without, wrong with it.
        stayed_right: Right both times.
        stayed_wrong: Wrong both times.
        agreed: The share of readings with the machine that say what it said.
        followed: Of readings that differed from the machine without it, the share that went over to it. Of wrong
            advice this is automation bias.
        helped_share: Of readings wrong without the machine, the share that were right with it.
        harmed_share: Of readings right without the machine, the share that were wrong with it.
        gain: Accuracy with the machine minus accuracy without.
    """

    advice: str
    readings: int
    helped: int
    harmed: int
    stayed_right: int
    stayed_wrong: int
    agreed: Estimate
    followed: Estimate
    helped_share: Estimate
    harmed_share: Estimate
    gain: Estimate


def advice_effects(
    truth: Labels,
    advice: Labels,
    blind: Labels | None,
    assisted: Labels,
    readers: Labels,
    groups: Labels,
) -> tuple[AdviceEffect, AdviceEffect]:
    """Tell what right and what wrong advice did to the readings of all readers.

    Args:
        truth: (M,) the reference standard of the case of each reading.
        advice: (M,) what the machine said on the screen.
        blind: (M,) the reader's answer without the machine; None where there was no such reading, and then only how
            far readers agreed with the machine can be told.
        assisted: (M,) the reader's answer with the machine.
        readers: (M,) who.
        groups: (M,) patients.

    Returns:
        The effects of right advice and of wrong advice; intervals hold for readers and cases like these.
    """
    answer, said, after = (np.asarray(each, dtype=object) for each in (truth, advice, assisted))
    right = np.array(said == answer, dtype=bool)
    before = None if blind is None else np.asarray(blind, dtype=object)
    who, patients = np.asarray(readers), np.asarray(groups)
    return (
        _effect("right", right, answer, said, before, after, who, patients),
        _effect("wrong", ~right, answer, said, before, after, who, patients),
    )


def _effect(
    name: str,
    rows: NDArray[np.bool_],
    answer: NDArray[Any],
    said: NDArray[Any],
    before: NDArray[Any] | None,
    after: NDArray[Any],
    who: NDArray[Any],
    patients: NDArray[Any],
) -> AdviceEffect:
    nobody = np.zeros(len(rows), dtype=bool)
    known = nobody if before is None else rows
    first = nobody if before is None else np.array(before == answer, dtype=bool)
    second = np.array(after == answer, dtype=bool)
    differed = nobody if before is None else np.array(before != said, dtype=bool)
    went_over = np.array(after == said, dtype=bool)

    def share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> Estimate:
        return share_of_readings(hits[of], who[of], patients[of])

    return AdviceEffect(
        advice=name,
        readings=int(rows.sum()),
        helped=int((known & ~first & second).sum()),
        harmed=int((known & first & ~second).sum()),
        stayed_right=int((known & first & second).sum()),
        stayed_wrong=int((known & ~first & ~second).sum()),
        agreed=share(went_over, rows),
        followed=share(went_over, known & differed),
        helped_share=share(second, known & ~first),
        harmed_share=share(~second, known & first),
        gain=mean_of_readings(
            second[known].astype(float) - first[known].astype(float), who[known], patients[known]
        ),
    )
