"""The primary endpoint: the one figure that the protocol chose, with its difference and interval, before all others."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.reading import Protocol
from engine.records import Estimate
from engine.report.formatting import figure as shown, interval, p_value
from engine.report.study.records import Compared, Primary
from engine.statistics import Contrast, inestimable, non_inferiority


def primary_of(protocol: Protocol, compared: Sequence[Compared]) -> Primary | None:
    """Return the primary endpoint from what was computed of all readers; None where the protocol has none."""
    chosen = protocol.primary
    if chosen is None:
        return None
    words = protocol.primary_words
    one = next((each for each in compared if each.figure == chosen.figure), None)
    if one is None or one.analysis is None:
        return _without(words, one.why if one else "nothing has been read")
    first, _, second = protocol.compared.partition(" minus ")
    analysis = one.analysis.analyses[0]
    if not second:
        means = dict(zip(one.analysis.modalities, analysis.means, strict=True))
        if first not in means:
            return _without(words, "no case has been read so")
        estimate = means[first]
        return Primary(
            words=words, estimate=estimate, p_value=math.nan, sentence=f"{_value(estimate)}.", shown=None
        )
    contrast = next(
        (each for each in analysis.contrasts if (each.first, each.second) == (first, second)), None
    )
    if contrast is None:
        return _without(words, f"cases have not been read both ways ({protocol.compared})")
    return _difference(protocol, words, contrast)


def _without(words: str, why: str) -> Primary:
    return Primary(
        words=words,
        estimate=inestimable(why, 0),
        p_value=math.nan,
        sentence=f"It cannot be had: {why}.",
        shown=None,
    )


def _difference(protocol: Protocol, words: str, contrast: Contrast) -> Primary:
    estimate, p = contrast.difference, contrast.p_value
    aim = protocol.primary.aim if protocol.primary else "estimate"
    said, reached = _value(estimate), None
    if aim == "not inferior" and protocol.margin:
        found = non_inferiority(contrast, protocol.margin)
        said, p, reached = (
            f"{said}. {found.sentence}",
            found.p_value,
            found.conclusion in ("superior", "not inferior"),
        )
        return Primary(words=words, estimate=estimate, p_value=p, sentence=said, shown=reached)
    if math.isfinite(p):
        said = f"{said}, p {'' if p < 0.001 else '= '}{p_value(p)}"
    if aim == "superior" and math.isfinite(estimate.low):
        reached = estimate.low > 0
        said += f": the interval {'lies above' if reached else 'does not lie above'} 0"
    return Primary(words=words, estimate=estimate, p_value=p, sentence=f"{said}.", shown=reached)


def _value(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return estimate.method
    if not math.isfinite(estimate.low):
        return f"{shown(estimate.value)} ({estimate.method})"
    return f"{shown(estimate.value)} (95% {interval(estimate)})"
